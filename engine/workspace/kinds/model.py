"""`entity` and `event`: canonical business objects, and what happens to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from engine.source import Text
from engine.spec.field import (
    IDENTIFIER,
    NAME,
    TYPE_NAME,
    Described,
    Document,
    FormulaText,
    PathText,
    Raw,
    note,
)

FIELD_PATH = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+"

FIELD_TYPES = (
    "any",
    "string",
    "integer",
    "decimal",
    "boolean",
    "date",
    "datetime",
    "money",
    "record",
    "list",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDocument(Described):
    """A field of an entity, or of a record or list inside it."""

    shorthand: ClassVar[str | None] = "type"

    type: Text | None = note("What it is.", default=None, choices=FIELD_TYPES)
    ref: Text | None = note("The entity whose id it holds.", default=None, pattern=IDENTIFIER)
    enum: tuple[Raw, ...] = note("The texts it may be.", default=())
    const: Raw | None = note("The only value it may have.", default=None)
    fields: "Mapping[Text, FieldDocument]" = note("The fields of a record.", default={})
    items: "FieldDocument | None" = note("What a list holds.", default=None)
    required: bool = note("Whether the key is always there.", default=False)
    nullable: bool = note("Whether it may be null.", default=False)
    min: Decimal | None = note("The least number.", default=None)
    max: Decimal | None = note("The greatest number.", default=None)
    min_length: int | None = note("The shortest text.", default=None, minimum=0)
    max_length: int | None = note("The longest text.", default=None, minimum=0)
    pattern: Text | None = note("A regular expression that the text matches.", default=None)
    decimals: int | None = note(
        "How many digits a decimal has after its point, at most.", default=None, minimum=0, maximum=20
    )
    currency: Text | None = note(
        "The currency of money, where it is always the same.",
        default=None,
        pattern=r"[A-Z]{3}",
        examples=("EUR",),
    )
    system_of_record: Text | None = note("The system that owns this field.", default=None, pattern=NAME)
    copy_of: Text | None = note(
        "The field of another entity that this one repeats; it belongs to the system that owns that field.",
        default=None,
        pattern=FIELD_PATH,
        examples=("client.name",),
    )
    personal: bool = note("Whether it is personal data, to be masked in samples and logs.", default=False)
    about: Text | None = note("What it means.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeprecatesDocument(Described):
    """The version that this one replaces."""

    version: int = note("The version that ends.", minimum=1)
    until: date = note("The day on which it ends.")
    up: Text | None = note("The mapping from that version to this.", default=None, pattern=NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityDocument(Document):
    """A canonical business object: its fields, its key, and who owns each field."""

    kind: ClassVar[str] = "entity"
    versions_coexist: ClassVar[bool] = True

    entity: Text = note("The name of the entity.", pattern=IDENTIFIER)
    key: Text = note("The field that identifies one.", default="id", pattern=IDENTIFIER)
    system_of_record: Text | None = note(
        "The system that owns its fields, unless one says otherwise.", default=None
    )
    keep: Text = note(
        "What the ledger keeps of it: every snapshot, the latest, or none.",
        default="history",
        choices=("history", "latest", "none"),
    )
    open: bool = note("Whether fields that are not described are accepted.", default=False)
    fields: Mapping[Text, FieldDocument] = note("Its fields.")
    deprecates: DeprecatesDocument | None = note("The version that this one replaces.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDocument(Described):
    """When an event comes by itself: by a cron expression, or once in each cycle of a calendar."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("cron", "calendar"),)

    name: Text | None = note(
        "The name under which the ledger knows when it was last due; that of the event when left out.",
        default=None,
        pattern=NAME,
    )
    cron: Text | None = note(
        "Minute, hour, day of the month, month, day of the week.",
        default=None,
        examples=("30 2 * * *", "0 9 * * mon-fri", "0 6 L * *"),
    )
    time_zone: Text | None = note(
        "The IANA time zone of the cron expression.", default=None, examples=("Europe/Berlin",)
    )
    calendar: Text | None = note("A calendar with cycles: due once in each of them.", default=None)
    key: Text | None = note("The key, for a calendar that differs by one.", default=None)
    after: Text = note(
        "From where in the cycle days are counted: its cutoff, its first or its last day.",
        default="cutoff",
        choices=("cutoff", "start", "end"),
    )
    business_days: int = note("How many business days later.", default=0, minimum=0, maximum=100)
    at: Text | None = note(
        "At which time of that day, in the zone of the calendar; the cutoff itself or the beginning of the "
        "day when left out.",
        default=None,
        pattern="([01][0-9]|2[0-3]):[0-5][0-9]",
        examples=("09:00",),
    )
    missed: Text = note(
        "What becomes of those that were due while nothing ran: none, the last one, or all of them.",
        default="once",
        choices=("skip", "once", "all"),
    )
    limit: int = note(
        "With `missed: all`, so many of them at most, the latest.", default=100, minimum=1, maximum=10_000
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument(Described):
    """Where a canonical event comes from."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("from", "schedule"),)

    origin: Text | None = note(
        "A source of a connection: `psa.time_entry_approved`.",
        key="from",
        default=None,
        pattern=r"[a-z][a-z0-9_-]*\.[a-z][a-z0-9_]*",
    )
    schedule: ScheduleDocument | None = note("When it comes by itself.", default=None)
    map: Text = note("The mapping from the native record to the entity.", pattern=NAME)
    when: FormulaText | None = note("Only records for which this is true (it is `data`).", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierDocument(Described):
    """The version of an event that this one replaces, and how the one is made of the other."""

    version: int = note("The version that ends.", minimum=1)
    data: Text = note("The type of its data.", pattern=TYPE_NAME, examples=("canonical/deal@1",))
    until: date = note("The day on which it ends.")
    up: Text = note(
        "The mapping from its data to that of this version; events that come as the earlier one go "
        "through it.",
        pattern=NAME,
    )
    down: Text | None = note(
        "The mapping back; flows that name the earlier version are given what it makes.",
        default=None,
        pattern=NAME,
    )
    loses: tuple[Text, ...] = note(
        "Fields of the earlier version that are not kept on the way up and down, and need not be.", default=()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDocument(Document):
    """Something that happened in the business, whichever system said so."""

    kind: ClassVar[str] = "event"

    event: Text = note("The name of the event.", pattern=NAME, examples=("time_entry.approved",))
    data: Text = note("The type of its data.", pattern=TYPE_NAME)
    identity: tuple[PathText, ...] = note("What makes two the same event.", many=True)
    order_by: PathText | None = note("Events with the same value are worked in order.", default=None)
    at: PathText | None = note("When it happened; when it was accepted, if left out.", default=None)
    sources: tuple[SourceDocument, ...] = note("Where it comes from.", default=())
    deprecates: EarlierDocument | None = note(
        "The version that this one replaces, and that is still taken and given.", default=None
    )
