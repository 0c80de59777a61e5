"""A connector made ready to run: its manifest with every expression compiled and every schema read.

What lives here: frozen data, and :func:`build_connector`, which makes it of a :class:`ConnectorSpec`. The
compilers of the two languages are handed in, since a connector may not know them. What does not live
here: requests, settings and secrets.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TypeAlias

from engine.connect.connection_plan import BreakerPlan, breaker_of
from engine.connect.connector_spec import (
    BatchSpec,
    ConnectorSpec,
    FaultSpec,
    OperationSpec,
    PagingSpec,
    PollSpec,
    RequestSpec,
    SourceSpec,
    StreamSpec,
    WebhookSpec,
)
from engine.connect.file_spec import FileSpec
from engine.connect.pace import Rate, rates_of
from engine.connect.template import Template, template, template_value
from engine.language.compiled import Compiled
from engine.source import Text
from engine.spec.field import Duration
from engine.values.schema import CheckedSchema, Schema, checked_schema
from engine.values.type import ANY, INTEGER, SCALARS, STRING, Field, Listing, Record, Type
from engine.values.value import Value

# A compiler of a path or a formula: the text and the names it may use, to the callable. None when the text
# is wrong; whoever hands the compiler in has then taken note of a problem, and does not use the plan.
CompileText: TypeAlias = Callable[[Text, Mapping[str, Type]], Compiled | None]

DEFAULT_CONNECT = timedelta(seconds=5)
DEFAULT_ANSWER = timedelta(seconds=30)
DEFAULT_EVERY = timedelta(minutes=5)
DEFAULT_OVERLAP = timedelta(minutes=2)
DEFAULT_LOOK = timedelta(minutes=1)
DEFAULT_STABLE = timedelta(seconds=5)
DEFAULT_REACH = timedelta(days=2)
DEFAULT_PATIENCE = timedelta(minutes=15)
DEFAULT_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """What an answer means when a condition holds."""

    when: Compiled | None
    fault: str  # a FaultClass's value, or token_expired
    reason: Compiled | None = None
    code: Compiled | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPlan:
    """A request with its texts parsed."""

    method: str
    path: Template
    query: Mapping[str, Template] = field(default_factory=dict)
    headers: Mapping[str, Template] = field(default_factory=dict)
    body: object = None  # a Template, or records and lists of them and of values; None for no body
    omit: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PagingPlan:
    """How an answer in pages goes on."""

    items: Compiled | None
    next: Compiled | None
    offset: str | None
    page: str | None
    more: Compiled | None
    size: int
    max_pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OncePlan:
    """Why doing a write again does not do it twice."""

    how: str  # header, natural_key, lookup, none
    header: str | None = None
    form: str = "uuid"
    max_length: int = 64
    life: timedelta | None = None
    settles: timedelta | None = None
    key_field: str | None = None
    look_up: str | None = None
    given: Mapping[str, Template] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """How many writes go in one call, and how each is written and found in the answer."""

    most: int
    seconds: float  # that the first waits for others
    request: RequestPlan
    item: object  # a template of a value; None for the payload
    results: Compiled | None
    named_by: Compiled | None
    judged: "OperationPlan"  # the operation, as one result is judged


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationPlan:
    """Something that can be read or written."""

    name: str
    writes: bool
    request: RequestPlan | None
    parameters: Record
    patterns: Mapping[str, re.Pattern[str]]  # of parameters
    input: CheckedSchema | None
    output: CheckedSchema | None
    take: Compiled | None
    missing: Compiled | None
    paging: PagingPlan | None
    once: OncePlan
    returns: Mapping[str, Compiled | None]
    proof: Compiled | None
    found: Compiled | None
    faults: tuple[FaultRule, ...]  # its own, then the connector's
    undo: str | None
    irreversible: str | None = None
    raises: frozenset[str] = frozenset()  # classes of fault that the connector's own Python may find
    batch: BatchPlan | None = None

    @property
    def takes(self) -> Type:
        """The type of what it is given: a write's payload, a read's parameters."""
        if not self.writes:
            return self.parameters
        return self.input.type if self.input else ANY

    @property
    def gives(self) -> Type:
        """The type of what it gives: a read's answer, a write's receipt."""
        if not self.writes:
            item = self.output.type if self.output else ANY
            return item if self.paging is None else Listing(item=item)
        fields = {name: Field(type=STRING if name == "id" else ANY, required=True) for name in self.returns}
        return Record(name="", fields=fields)

    @property
    def once_safe(self) -> bool:
        """Whether doing it again with the same key and body is harmless."""
        return self.once.how in {"header", "natural_key"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPlan:
    """How the system tells of news by itself, and how its sender is known."""

    signature: str
    header: str | None
    encoding: str
    prefix: str
    signed: str
    id: str | None
    timestamp: str | None
    tolerance: timedelta
    secret: str
    pairs: "PairsPlan | None" = None
    time_unit: str = "seconds"
    message: Compiled | None = None
    url: str | None = None  # the setting with the address as the sender knows it, where it is signed
    url_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsPlan:
    """The names of the parts of a header that has several."""

    timestamp: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PollPlan:
    """How the system is asked for news."""

    request: RequestPlan | None
    every: timedelta
    overlap: timedelta
    watermark: Compiled | None
    paging: PagingPlan | None
    reach: timedelta = DEFAULT_REACH
    patience: timedelta = DEFAULT_PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """How files bring records."""

    spec: FileSpec
    items: Compiled | None  # where the records of a JSON document are
    every: timedelta
    patience: timedelta
    stable: timedelta | None  # None when a file is complete by another sign


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """Which messages of a broker are listened to."""

    stream: str | None  # of NATS JetStream, and which subject of it
    subject: str | None
    queue: str | None  # of RabbitMQ
    topic: str | None  # of Kafka
    consumer: str
    position: str | None  # the field that gets the place of a message
    prefetch: int
    patience: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """Where native records come from by themselves."""

    name: str
    webhook: WebhookPlan | None
    poll: PollPlan | None
    items: Compiled | None
    when: Compiled | None
    output: CheckedSchema
    file: FilePlan | None = None
    stream: StreamPlan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorPlan:
    """A connector made ready to run."""

    name: str
    version: str  # of the API
    spec: ConnectorSpec
    base_url: str
    headers: Mapping[str, str]
    concurrency: int
    connect: timedelta
    answer: timedelta
    reply_bytes: int
    throttled: Compiled | None
    rates: tuple[Rate, ...]
    left: Compiled | None  # how many requests an answer says are left
    again: Compiled | None  # and when there are new ones
    breaker: BreakerPlan
    faults: tuple[FaultRule, ...]
    operations: Mapping[str, OperationPlan]
    sources: Mapping[str, SourcePlan]

    def operation(self, name: str) -> OperationPlan:
        """An operation that is known to exist: names are checked when flows are compiled."""
        return self.operations[name]


def build_connector(
    spec: ConnectorSpec,
    schemas: Callable[[str], Schema],
    *,
    compile_path: CompileText,
    compile_formula: CompileText,
) -> ConnectorPlan:
    """The plan of a manifest. `schemas` reads a schema file of the connector's folder by its relative name.

    Raises:
        SchemaUnusable: for a schema that is none.
        TemplateError: for a text with placeholders that cannot be read.
        InputError: whatever `schemas` raises for a file that is missing.

    """
    return _Builder(spec, schemas, compile_path, compile_formula).connector()


def type_name(spec: ConnectorSpec, file: str) -> str:
    """The name of the type that a schema file describes: `netsuite/time_bill@2025.1`."""
    return f"{spec.connector}/{PurePosixPath(file).name.split('.')[0]}@{spec.api.version}"


# The names that expressions over an answer may use.
ANSWER: Mapping[str, Type] = MappingProxyType({"status": INTEGER, "header": ANY, "body": ANY})


@dataclass(frozen=True, slots=True)
class _Builder:
    spec: ConnectorSpec
    schemas: Callable[[str], Schema]
    compile_path: CompileText
    compile_formula: CompileText

    def connector(self) -> ConnectorPlan:
        spec, limits = self.spec, self.spec.limits
        faults = self.faults(spec.faults, ANY)
        throttled = limits.throttled if limits else None
        return ConnectorPlan(
            name=str(spec.connector),
            version=str(spec.api.version),
            spec=spec,
            base_url=str(spec.base_url),
            headers={str(name): str(value) for name, value in spec.headers.items()},
            concurrency=limits.concurrency if limits else 4,
            connect=_length(limits.connect if limits else None, DEFAULT_CONNECT),
            answer=_length(limits.answer if limits else None, DEFAULT_ANSWER),
            reply_bytes=(limits.reply_megabytes if limits else 8) * 1024 * 1024,
            throttled=self.formula(throttled, {**ANSWER, "payload": ANY}),
            rates=rates_of(limits.rate) if limits else (),
            left=self.path(limits.left if limits else None, {**ANSWER, "payload": ANY}),
            again=self.path(limits.again if limits else None, {**ANSWER, "payload": ANY}),
            breaker=breaker_of(limits.breaker if limits else None) or BreakerPlan(),
            faults=faults,
            operations={
                str(name): self.operation(str(name), item, faults) for name, item in spec.operations.items()
            },
            sources={str(name): self.source(str(name), item) for name, item in spec.sources.items()},
        )

    def path(self, text: Text | None, names: Mapping[str, Type]) -> Compiled | None:
        return None if text is None else self.compile_path(text, names)

    def formula(self, text: Text | None, names: Mapping[str, Type]) -> Compiled | None:
        # A default is a plain text: nobody wrote it, so it has no place, and it needs no compiling.
        return self.compile_formula(text, names) if isinstance(text, Text) else None

    def schema(self, file: Text | None) -> CheckedSchema | None:
        return (
            None if file is None else checked_schema(self.schemas(str(file)), type_name(self.spec, str(file)))
        )

    def operation(self, name: str, item: OperationSpec, general: tuple[FaultRule, ...]) -> OperationPlan:
        parameters = _parameters(item)
        taken = self.schema(item.input)
        payload: Type = (taken.type if taken else ANY) if item.does == "write" else parameters
        names = {**ANSWER, "payload": payload}
        plan = OperationPlan(
            name=name,
            writes=item.does == "write",
            request=_request(item.request, sends=item.does == "write"),
            parameters=parameters,
            patterns={
                str(key): re.compile(entry.pattern) for key, entry in item.parameters.items() if entry.pattern
            },
            input=taken,
            output=self.schema(item.output),
            take=self.path(item.take, names),
            missing=self.formula(item.missing, names),
            paging=self.paging(item.paging, names),
            once=_once(item),
            returns={str(key): self.path(text, names) for key, text in item.returns.items()},
            proof=self.formula(item.proof, names),
            found=self.formula(item.found, names),
            faults=(*self.faults(item.faults, payload), *general),
            undo=None if item.undo is None else str(item.undo),
            irreversible=_irreversible(self.spec, item),
            raises=frozenset(str(name) for name in item.raises),
        )
        return plan if item.batch is None else replace(plan, batch=self.batch(item.batch, plan, payload))

    def batch(self, item: BatchSpec, plan: OperationPlan, payload: Type) -> BatchPlan:
        names = {**ANSWER, "payload": payload}
        returns = {str(key): self.path(text, names) for key, text in item.returns.items()}
        request = _request(item.request, sends=False)
        assert request is not None
        return BatchPlan(
            most=item.most,
            seconds=item.within_milliseconds / 1_000,
            request=request,
            item=None if item.item is None else template_value(item.item.value),
            results=self.path(item.results, {**ANSWER, "payload": ANY}),
            named_by=self.path(item.named_by, names),
            judged=replace(
                plan,
                proof=self.formula(item.proof, names),
                found=self.formula(item.found, names),
                returns=returns or plan.returns,
                faults=self.faults(item.faults, payload),
            ),
        )

    def faults(self, written: tuple[FaultSpec, ...], payload: Type) -> tuple[FaultRule, ...]:
        names = {**ANSWER, "payload": payload}
        return tuple(
            FaultRule(
                when=self.formula(item.when, names),
                fault=str(item.fault),
                reason=self.path(item.reason, names),
                code=self.path(item.code, names),
            )
            for item in written
        )

    def paging(self, item: PagingSpec | None, names: Mapping[str, Type]) -> PagingPlan | None:
        if item is None:
            return None
        return PagingPlan(
            items=self.path(item.items, names),
            next=self.path(item.next, names),
            offset=None if item.offset is None else str(item.offset),
            page=None if item.page is None else str(item.page),
            more=self.formula(item.more, names),
            size=item.size,
            max_pages=item.max_pages,
        )

    def source(self, name: str, item: SourceSpec) -> SourcePlan:
        output = self.schema(item.output)
        assert output is not None
        return SourcePlan(
            name=name,
            webhook=None if item.webhook is None else self.webhook(item.webhook),
            poll=None if item.poll is None else self.poll(item.poll, output.type),
            items=self.path(item.items, {**ANSWER, "payload": ANY}),
            when=self.formula(item.when, {"item": output.type}),
            output=output,
            file=None if item.file is None else self.file(item.file),
            stream=None if item.stream is None else self.stream(item.stream, name),
        )

    def stream(self, item: StreamSpec, source: str) -> StreamPlan:
        return StreamPlan(
            stream=_word(item.stream),
            subject=_word(item.subject),
            queue=_word(item.queue),
            topic=_word(item.topic),
            consumer=_word(item.consumer) or f"tidegate-{self.spec.connector}-{source}",
            position=_word(item.position),
            prefetch=item.prefetch,
            patience=_length(item.patience, DEFAULT_PATIENCE),
        )

    def file(self, item: FileSpec) -> FilePlan:
        complete = item.complete
        by_time = complete is None or complete.stable is not None
        return FilePlan(
            spec=item,
            items=None if item.json is None else self.path(item.json.items, {"body": ANY}),
            every=_length(item.every, DEFAULT_LOOK),
            patience=_length(item.patience, DEFAULT_PATIENCE),
            stable=_length(complete.stable if complete else None, DEFAULT_STABLE) if by_time else None,
        )

    def webhook(self, item: WebhookSpec) -> WebhookPlan:
        return _webhook(item, self.path(item.message, {**ANSWER, "payload": ANY}))

    def poll(self, item: PollSpec, output: Type) -> PollPlan:
        return PollPlan(
            request=_request(item.request, sends=False),
            every=_length(item.every, DEFAULT_EVERY),
            overlap=_length(item.overlap, DEFAULT_OVERLAP),
            reach=_length(item.reach, DEFAULT_REACH),
            patience=_length(item.patience, DEFAULT_PATIENCE),
            watermark=self.path(item.watermark, {"item": output}),
            paging=self.paging(item.paging, {**ANSWER, "payload": ANY}),
        )


def _parameters(item: OperationSpec) -> Record:
    return Record(
        name="",
        fields={
            str(name): Field(
                type=SCALARS[str(entry.type)], required=entry.required, about=str(entry.about or "")
            )
            for name, entry in item.parameters.items()
        },
    )


def _irreversible(spec: ConnectorSpec, item: OperationSpec) -> str | None:
    """Why a write cannot be taken back; what takes it back counts more than what is said of all."""
    said = item.irreversible or (spec.irreversible if item.undo is None else None)
    return None if said is None or item.does != "write" else str(said)


def _request(item: RequestSpec | None, *, sends: bool) -> RequestPlan | None:
    if item is None:
        return None
    method, path = next(
        (name, text)
        for name in ("get", "post", "put", "patch", "delete")
        if (text := getattr(item, name)) is not None
    )
    written: Value = item.body.value if item.body is not None else None
    if written is None and sends and method in {"post", "put", "patch"}:
        written = "payload"
    return RequestPlan(
        method=method.upper(),
        path=template(path),
        query={str(name): template(text) for name, text in item.query.items()},
        headers={str(name): template(text) for name, text in item.headers.items()},
        body=template_value("{payload}" if written == "payload" else written),
        omit=frozenset(str(name) for name in item.omit),
    )


def _once(item: OperationSpec) -> OncePlan:
    once = item.once_by
    if once is None:
        return OncePlan(how="none")
    return OncePlan(
        how=str(once.how),
        header=None if once.header is None else str(once.header),
        form=str(once.form),
        max_length=once.max_length,
        life=None if once.life is None else timedelta(seconds=once.life.seconds),
        settles=None if once.settles is None else timedelta(seconds=once.settles.seconds),
        key_field=None if once.field is None else str(once.field),
        look_up=None if once.look_up is None else str(once.look_up),
        given={str(name): template(text) for name, text in once.given.items()},
    )


def _webhook(item: WebhookSpec, message: Compiled | None) -> WebhookPlan:
    pairs = item.pairs
    return WebhookPlan(
        signature=str(item.signature),
        header=None if item.header is None else str(item.header).lower(),
        encoding=str(item.encoding),
        prefix=str(item.prefix),
        signed=str(item.signed),
        id=None if item.id is None else str(item.id).lower(),
        timestamp=None if item.timestamp is None else str(item.timestamp).lower(),
        tolerance=_length(item.tolerance, DEFAULT_TOLERANCE),
        secret=str(item.secret),
        pairs=None
        if pairs is None
        else PairsPlan(timestamp=str(pairs.timestamp), signature=str(pairs.signature)),
        time_unit=str(item.time_unit),
        message=message,
        url=str(item.url) if "{url}" in item.signed else None,
        url_key=None if item.url_key is None else str(item.url_key),
    )


def _word(written: Text | None) -> str | None:
    return None if written is None else str(written)


def _length(written: Duration | None, default: timedelta) -> timedelta:
    return default if written is None else timedelta(seconds=written.seconds)
