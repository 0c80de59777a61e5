"""What `connector.yaml` says: a system's API as data.

What lives here: the description of the document, texts of expressions included. What does not: reading
files, compiling the expressions (:mod:`engine.connect.connector_plan` is handed that) and talking to anyone.

Names that expressions may use:

========================  ================================================================================
formulas and paths over   `status` (a number), `header` (by name in lower case, `-` written `_`; `location`
an answer                 is a record of `url` and `last_segment`), `body`, and `payload`: what was sent or
                          asked with
paths over an item        `item`
placeholders in texts     `{name}` or `{name.inner}` of the payload or the parameters; `{effect.key}`; in a
                          poll `{since}`. See :mod:`engine.connect.template`.
========================  ================================================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.connect.file_spec import FileSpec
from engine.source import Text
from engine.spec.field import IDENTIFIER, Described, Document, Duration, FormulaText, PathText, Raw, note
from engine.spec.limits import BreakerSpec, RateSpec

PARAMETER_TYPES = ("string", "integer", "decimal", "boolean", "date", "datetime")
GRANTS = ("client_credentials", "client_assertion", "jwt_bearer", "refresh_token")
FAULTS = ("transient", "permanent", "unknown", "closed_period", "token_expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSpec(Described):
    """Which API it is."""

    name: Text = note("What the vendor calls it.")
    version: Text = note("The version that the schemas describe; the names of its types end in it.")
    docs: Text | None = note("Where the facts are from.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingSpec(Described):
    """A setting that a connection gives."""

    shorthand: ClassVar[str | None] = "about"

    about: Text = note("What it is.")
    pattern: Text | None = note("A regular expression that the whole text matches.", default=None)
    secret: bool = note("Whether it must be a secret.", default=False)
    default: Text | None = note("What holds when it is not set.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSpec(Described):
    """A way to sign in. The settings it needs have fixed names, under `auth`.

    ============================  ==================================================================
    `oauth2: client_credentials`  client_id, client_secret
    `oauth2: client_assertion`    client_id, key (PEM), key_id: RFC 7523 section 2.2
    `oauth2: jwt_bearer`          client_id, subject, key (PEM): RFC 7523 section 2.1
    `oauth2: refresh_token`       client_id, client_secret, refresh_token
    `bearer`                      token
    `basic`                       username, password
    `api_key`                     key
    `python`                      whatever the connector's own Python asks for
    ============================  ==================================================================
    """

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("oauth2", "bearer", "basic", "api_key", "python"),)

    oauth2: Text | None = note("The grant by which a token is got.", default=None, choices=GRANTS)
    bearer: bool = note("A token that was issued once and for all.", default=False)
    basic: bool = note("User name and password with each request.", default=False)
    api_key: Text | None = note("The header that takes the key.", default=None, examples=("X-Api-Key",))
    python: Text | None = note("What the connector's own Python does, in a word or two.", default=None)

    token: Text | None = note(
        "Where a token is got: a path below the base URL.", default=None, examples=("/oauth2/v1/token",)
    )
    scopes: tuple[Text, ...] = note("What is asked for.", default=())
    scope_separator: Text = note("What stands between scopes.", default=" ")
    audience: Text | None = note("The `aud` of an assertion; the token URL when left out.", default=None)
    algorithm: Text = note(
        "How an assertion is signed.", default="RS256", choices=("RS256", "PS256", "ES256", "EdDSA")
    )
    expires_in: Duration | None = note("How long a token lives, where the answer does not say.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsSpec(Described):
    """What the system bears."""

    concurrency: int = note("Requests at the same time.", default=4, minimum=1, maximum=1_000)
    rate: tuple[RateSpec, ...] = note("How many requests it takes in a time.", default=(), many=True)
    left: PathText | None = note(
        "Where an answer says how many requests are left: `header.x_ratelimit_remaining`.", default=None
    )
    again: PathText | None = note(
        "Where an answer says when there are new ones: in so many seconds, or as seconds since 1970.",
        default=None,
    )
    breaker: BreakerSpec | None = note("When it is taken to be away.", default=None)
    throttled: FormulaText = note("An answer that means: slower.", default="status == 429")
    connect: Duration | None = note("How long connecting may take; 5s when left out.", default=None)
    answer: Duration | None = note("How long an answer may take; 30s when left out.", default=None)
    reply_megabytes: int = note("A longer answer is refused.", default=8, minimum=1, maximum=16)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec(Described):
    """What an error means. The first that fits decides."""

    when: FormulaText = note("An answer of this kind.")
    fault: Text = note("Its class.", key="is", choices=FAULTS)
    reason: PathText | None = note("Where the answer says why, in words.", default=None)
    code: PathText | None = note("Where the answer has a code.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSpec(Described):
    """A parameter of a read."""

    shorthand: ClassVar[str | None] = "type"

    type: Text = note("What it is.", choices=PARAMETER_TYPES)
    pattern: Text | None = note("A regular expression that the whole text matches.", default=None)
    required: bool = note("Whether it must be given.", default=True)
    about: Text | None = note("What it means.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSpec(Described):
    """A request: its method with its path below the base URL, and what goes with it."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("get", "post", "put", "patch", "delete"),)

    get: Text | None = note("The path of a GET.", default=None)
    post: Text | None = note("The path of a POST.", default=None)
    put: Text | None = note("The path of a PUT.", default=None)
    patch: Text | None = note("The path of a PATCH.", default=None)
    delete: Text | None = note("The path of a DELETE.", default=None)
    query: Mapping[Text, Text] = note(
        "Query parameters; one whose placeholder finds nothing is left out.", default={}
    )
    headers: Mapping[Text, Text] = note("Further headers.", default={})
    body: Raw | None = note(
        "The body: `payload`, or a record in which a text that is one placeholder becomes its value. "
        "Left out, a write by POST, PUT or PATCH sends its payload.",
        default=None,
    )
    omit: tuple[Text, ...] = note("Fields of the payload that stay out of the body.", default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceSpec(Described):
    """Why doing a write again does not do it twice."""

    shorthand: ClassVar[str | None] = "how"

    how: Text = note(
        "`header`: the system folds a repeated key; `natural_key`: the same key is the same record; "
        "`lookup`: it is looked for before it is tried again; `none`: an unknown outcome goes to a person.",
        choices=("header", "natural_key", "lookup", "none"),
    )
    header: Text | None = note("The header that takes the key.", default=None)
    form: Text = note(
        "How the key is written: as a UUID, or as text.", default="uuid", choices=("uuid", "text")
    )
    max_length: int = note("The longest key that the system takes.", default=64, minimum=16, maximum=255)
    life: Duration | None = note(
        "How long the system remembers a key. In doubt, a write is sent again under its key for nine tenths "
        "of that, and then looked up or shown to a person. For ever when left out.",
        default=None,
    )
    settles: Duration | None = note(
        "How long after a write that was broken off the look-up may still not find it. In doubt, it is "
        "looked for again until then, and only then written again. Left out, what is not found was not done.",
        default=None,
    )
    field: Text | None = note("The field of the payload that is the natural key.", default=None)
    look_up: Text | None = note("The read by which one is found.", default=None, pattern=IDENTIFIER)
    given: Mapping[Text, Text] = note(
        "The parameters of that read, as texts with placeholders; by the same names when left out.",
        key="with",
        default={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PagingSpec(Described):
    """How an answer in pages goes on. What is read is the list of all items."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("next", "offset", "page"),)

    items: PathText = note("Where a page has its items.")
    next: PathText | None = note("Where a page has the URL of the next, on the same host.", default=None)
    offset: Text | None = note(
        "The query parameter that takes the number of items to pass over.", default=None
    )
    page: Text | None = note("The query parameter that takes the number of the page, from 1.", default=None)
    more: FormulaText | None = note("Whether there are more; a full page when left out.", default=None)
    size: int = note("The number of items in a full page.", default=100, minimum=1, maximum=10_000)
    max_pages: int = note("More pages than this are refused.", default=100, minimum=1, maximum=1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSpec(Described):
    """Many writes of one operation in one call that answers for each of them.

    What is said of a result is said of it alone: there `body` is the result, and `payload` what was written.
    """

    most: int = note("The most that one call takes.", minimum=2, maximum=1_000)
    within_milliseconds: int = note(
        "How long the first waits for others, unless the call is full before.",
        default=100,
        minimum=1,
        maximum=10_000,
    )
    request: RequestSpec = note("The call; in its body the text `{items}` becomes the list.")
    item: Raw | None = note(
        "How one is written in the list, as the body of a request is; its payload when left out.",
        default=None,
    )
    results: PathText = note("Where the answer has its list of results.")
    named_by: PathText | None = note(
        "Where a result names what it is of: by the field of `once_by`, else by `{effect.key}`. In the order "
        "of the list when left out.",
        default=None,
        examples=("body.externalId",),
    )
    proof: FormulaText = note(
        "What the result of a write says that was done. One that says neither this nor a fault is unknown."
    )
    found: FormulaText | None = note("A result that means: it had been done before.", default=None)
    returns: Mapping[Text, PathText] = note(
        "What a write gives, by its result; as the operation says when left out.", default={}
    )
    faults: tuple[FaultSpec, ...] = note("What errors in a result mean; the first that fits.", default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSpec(Described):
    """Something that can be read or written."""

    does: Text = note("What it does.", choices=("read", "write"))
    about: Text | None = note("What it is for.", default=None)
    request: RequestSpec | None = note(
        "The request; left out where the connector's own Python makes it.", default=None
    )
    parameters: Mapping[Text, ParameterSpec] = note("What a read takes.", default={})
    input: Text | None = note(
        "The JSON Schema of what a write takes.", default=None, examples=("schemas/job.json",)
    )
    output: Text | None = note("The JSON Schema of what a read gives.", default=None)
    take: PathText | None = note(
        "The part of the answer that a read gives; the body when left out.", default=None
    )
    missing: FormulaText | None = note("An answer that means: there is no such record.", default=None)
    paging: PagingSpec | None = note("How an answer in pages goes on.", default=None)
    once_by: OnceSpec | None = note("Why doing a write again does not do it twice.", default=None)
    returns: Mapping[Text, PathText] = note(
        "What a write gives; `id` is the id of the record, and an answer without it is no proof.", default={}
    )
    proof: FormulaText | None = note(
        "What an answer of success must say, else the outcome is unknown.", default=None
    )
    found: FormulaText | None = note(
        "An answer that means: it had been done before. It is a success, whatever its status.", default=None
    )
    faults: tuple[FaultSpec, ...] = note("What errors mean here, before those of the connector.", default=())
    undo: Text | None = note(
        "The operation that takes this back: it is given the payload, and `id` from the receipt.",
        default=None,
        pattern=IDENTIFIER,
    )
    irreversible: Text | None = note("Why this cannot be taken back.", default=None)
    batch: BatchSpec | None = note(
        "The call that does many of these at once. One that comes alone is still done by `request`.",
        default=None,
    )
    raises: tuple[Text, ...] = note(
        "The classes of fault that the connector's own Python may find, beside those of the manifest.",
        default=(),
        many=True,
        choices=FAULTS,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsSpec(Described):
    """A header with several parts, as in `t=1700000000,v1=5257a8`: which is which."""

    timestamp: Text = note("The part that says when it was sent.", default="t")
    signature: Text = note("The part that has the signature; there may be several.", default="v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSpec(Described):
    """How the system tells of news by itself, and how its sender is known.

    ===============================  ===================================================================
    `hmac_sha256`, `hmac_sha1`       a signature over what `signed` says, in `header`
    `token`                          the secret itself, in `header`
    `bearer`                         the secret itself, as `Authorization: Bearer`
    `basic`                          user name and password; the secret is `name:password`
    `jwt_hs256`                      a token signed with the secret, as `Authorization: Bearer`
    `none`                           nothing: only the address is a secret, so `url_key` is needed
    ===============================  ===================================================================
    """

    signature: Text = note(
        "How the sender is proved.",
        choices=("hmac_sha256", "hmac_sha1", "token", "bearer", "basic", "jwt_hs256", "none"),
    )
    header: Text | None = note("The header that has the signature or the token.", default=None)
    pairs: PairsSpec | None = note(
        "That header has several parts, as in `t=1700000000,v1=5257a8`; this says which is which.",
        default=None,
    )
    encoding: Text = note("How the signature is written.", default="hex", choices=("hex", "base64"))
    prefix: Text = note("What stands before it.", default="")
    signed: Text = note(
        "What is signed: `{body}` as received, `{id}` and `{timestamp}` from their headers, `{method}`, and "
        "the `{url}` to which it was sent.",
        default="{body}",
    )
    id: Text | None = note("The header that names a delivery.", default=None)
    message: PathText | None = note(
        "Where the body names a delivery, when no header does.", default=None, examples=("body.id",)
    )
    timestamp: Text | None = note("The header that says when it was sent.", default=None)
    time_unit: Text = note(
        "How that is written: since 1970, or as an ISO 8601 text.",
        default="seconds",
        choices=("seconds", "milliseconds", "iso"),
    )
    tolerance: Duration | None = note("How old a delivery may be; 5m when left out.", default=None)
    secret: Text = note("The setting that holds the secret.", default="webhook_secret")
    url: Text = note(
        "The setting that holds the address as the sender knows it, where `signed` has `{url}`.",
        default="webhook_url",
    )
    url_key: Text | None = note(
        "The setting that holds a secret last part of the address, so that nobody can guess it.",
        default=None,
        examples=("webhook_key",),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSpec(Described):
    """How the system is asked for news."""

    request: RequestSpec | None = note(
        "The request, with `{since}`; left out for the connector's own Python.", default=None
    )
    every: Duration | None = note("How often; 5m when left out.", default=None)
    overlap: Duration | None = note(
        "How far each poll goes back behind the last; 2m when left out.", default=None
    )
    watermark: PathText | None = note("Where an item says when it changed.", default=None)
    reach: Duration | None = note(
        "How far back the very first poll goes; 2d when left out.", default=None, examples=("30d",)
    )
    patience: Duration | None = note(
        "How long it may fail before somebody is told; 15m when left out.", default=None
    )
    paging: PagingSpec | None = note("How an answer in pages goes on.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec(Described):
    """Messages of a broker that are listened to."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("stream subject", "queue", "topic"),)

    stream: Text | None = note(
        "NATS JetStream: the name of the stream, which is there already.", default=None, examples=("ORDERS",)
    )
    subject: Text | None = note(
        "Which messages of the stream; `*` stands for one part, `>` for all that follow.", default=None
    )
    queue: Text | None = note("RabbitMQ: the queue, which is there already.", default=None)
    topic: Text | None = note("Kafka: the topic, which is there already.", default=None)
    consumer: Text | None = note(
        "The name under which the broker remembers what was acknowledged: the durable consumer of NATS, the "
        "consumer group of Kafka; `tidegate-CONNECTOR-SOURCE` when left out.",
        default=None,
        pattern=r"[A-Za-z0-9_-]+",
    )
    position: Text | None = note(
        "The field of the record that gets the place of the message, such as `ORDERS:17`, for messages that "
        "have no key of their own.",
        default=None,
    )
    prefetch: int = note(
        "How many messages of RabbitMQ or Kafka are taken, committed and acknowledged together, at most; "
        "of NATS it is one, which keeps the order there.",
        default=50,
        minimum=1,
        maximum=1_000,
    )
    patience: Duration | None = note(
        "How long the broker may be away before somebody is told; 15m when left out.", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec(Described):
    """Where native records come from by themselves."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("webhook", "poll", "file", "stream"),)

    about: Text | None = note("What it tells.", default=None)
    webhook: WebhookSpec | None = note("The system calls us.", default=None)
    poll: PollSpec | None = note("We ask.", default=None)
    file: FileSpec | None = note("Files are put into a folder.", default=None)
    stream: StreamSpec | None = note("A broker brings messages.", default=None)
    items: PathText | None = note(
        "Where the records are in the body; the body itself when left out.", default=None
    )
    when: FormulaText | None = note("Only items for which this is true.", default=None)
    output: Text = note("The JSON Schema of an item.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSpec(Document):
    """A system: its API, how one signs in, what it bears, what its errors mean, what it can do."""

    kind: ClassVar[str] = "connector"

    connector: Text = note("The name of the connector.", pattern=IDENTIFIER)
    api: ApiSpec = note("Which API it is.")
    base_url: Text = note(
        "Where it is; `{name}` is a setting of the connection. `file:` for a folder of this machine, `sftp:` "
        "for one behind SFTP, `nats:`, `amqp:` or `kafka:` for a broker. Of a system that only calls us it "
        "is its web address; nothing is sent there."
    )
    settings: Mapping[Text, SettingSpec] = note("What a connection gives, beside `auth`.", default={})
    auth: tuple[AuthSpec, ...] = note(
        "The ways to sign in, of which a connection takes one; none for a folder, a system that asks for "
        "none, or one that only calls us.",
        default=(),
        many=True,
    )
    headers: Mapping[Text, Text] = note("Headers of every request.", default={})
    limits: LimitsSpec | None = note("What the system bears.", default=None)
    faults: tuple[FaultSpec, ...] = note("What its errors mean; the first that fits decides.", default=())
    irreversible: Text | None = note(
        "Why nothing that is written here can be taken back, unless an operation says otherwise.",
        default=None,
    )
    operations: Mapping[Text, OperationSpec] = note("What can be read and written.", default={})
    sources: Mapping[Text, SourceSpec] = note("Where records come from by themselves.", default={})
