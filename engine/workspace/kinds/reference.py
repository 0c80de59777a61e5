"""`table`, `calendar`, `system` and `connection`: what flows refer to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from engine.source import Text
from engine.spec.field import (
    IDENTIFIER,
    NAME,
    Described,
    Document,
    Duration,
    PathText,
    Raw,
    note,
)
from engine.spec.limits import BatchLimitSpec, BreakerSpec, RateSpec, RetriesSpec
from engine.workspace.kinds.flow import FaultsDocument, RetryDocument

COLUMN_TYPES = (
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
class EffectiveDocument(Described):
    """The columns that say from when to when a row holds, both days included."""

    start: Text = note("The column of the first day.", key="from", pattern=IDENTIFIER)
    end: Text | None = note(
        "The column of the last day; empty for one that still holds.",
        key="to",
        default=None,
        pattern=IDENTIFIER,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDocument(Document):
    """Reference data with keys and effective dates."""

    kind: ClassVar[str] = "table"

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("file", "rows"),)

    table: Text = note("The name of the table.", pattern=IDENTIFIER)
    key: Mapping[Text, Text] = note("The key columns and their types.")
    effective: EffectiveDocument | None = note("From when to when a row holds.", default=None)
    columns: Mapping[Text, Text] = note("The other columns and their types.")
    system_of_record: Text | None = note(
        "The system that owns what stands in it.", default=None, pattern=IDENTIFIER
    )
    file: Text | None = note("A CSV, JSON or JSON lines file beside this one.", default=None)
    rows: Raw | None = note("The rows themselves.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByDocument(Described):
    """A calendar that differs by a key, found in a table."""

    table: Text = note("The table.", pattern=IDENTIFIER)
    key: PathText | None = note(
        "Where the key is, for expressions that do not pass one as the last argument.", default=None
    )
    time_zone: Text = note("The column of the time zone.", pattern=IDENTIFIER)
    holidays: Text | None = note(
        "The column of the country whose holidays hold.", default=None, pattern=IDENTIFIER
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CyclesDocument(Described):
    """The cycles of a calendar, and when each closes."""

    every: Text = note("How long one is.", choices=("week", "half_month", "month", "quarter"))
    starts: Text = note("The day on which a week begins.", default="monday")
    named: Text = note("How a cycle is named: %G-W%V, %Y-%m, %Y-Q%q.", key="name")
    cutoff: Text = note(
        "When one closes: `friday 18:00`, or `day 3 18:00` after its end.", examples=("friday 18:00",)
    )
    grace: Duration | None = note("How long after the cutoff it is still accepted.", default=None)
    moves: Text = note(
        "Where a cutoff on a day off goes.",
        default="none",
        choices=("none", "business_day_before", "business_day_after"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityDocument(Described):
    """A time in which flows of a label go before others."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("before_cutoff", "when"),)

    labels: tuple[Text, ...] = note("The labels of the flows.", many=True)
    more: int = note(
        "By how much their priority grows: each point is worth a minute of waiting.",
        default=10,
        minimum=1,
        maximum=99,
    )
    before_cutoff: Duration | None = note("From so long before each cutoff,", default=None)
    after_cutoff: Duration | None = note(
        "until so long after it; until the cutoff when left out.", default=None
    )
    when: Text | None = note("Or in a time that comes again: `friday 12:00-24:00`.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDocument(Document):
    """Time zone, holidays, billing cycles and their cutoffs, business hours."""

    kind: ClassVar[str] = "calendar"

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("time_zone", "by"),)

    calendar: Text = note("The name of the calendar.", pattern=NAME)
    time_zone: Text | None = note("An IANA time zone.", default=None, examples=("Europe/Berlin",))
    holidays: Text | None = note(
        "A country (ISO 3166) whose public holidays hold.", default=None, pattern="[A-Z]{2}"
    )
    days_off: tuple[date, ...] = note("Further days off.", default=())
    by: ByDocument | None = note("Time zone and holidays by a key.", default=None)
    cycles: CyclesDocument | None = note("Its cycles.", default=None)
    priorities: tuple[PriorityDocument, ...] = note(
        "When flows of a label go before others: the week of the close.", default=(), many=True
    )
    business_days: tuple[Text, ...] = note(
        "The days of work.", default=("monday", "tuesday", "wednesday", "thursday", "friday")
    )
    business_hours: Text = note(
        "The hours of work.", default="09:00-17:00", pattern=r"[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemDocument(Document):
    """A system that owns data, whether or not it is connected yet."""

    kind: ClassVar[str] = "system"

    system: Text = note("The name by which `system_of_record` means it.", pattern=IDENTIFIER)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowDocument(Described):
    """When a system is not to be called."""

    closed: Text = note(
        "When: `sunday 02:00-04:00 America/Los_Angeles`, `daily 23:00-01:00 UTC`, `first sunday 02:00-06:00 "
        "UTC`, `last day 20:00-24:00 UTC`, `2026-12-24 18:00 to 2026-12-27 06:00 UTC`; with a calendar also "
        "`days off` and `outside business hours`."
    )
    calendar: Text | None = note(
        "The calendar that it goes by; its time zone holds where none is written.", default=None, pattern=NAME
    )
    why: Text | None = note("Why.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimitsDocument(Described):
    """How hard a system is worked through a connection: no harder than its connector allows."""

    concurrency: int | None = note(
        "Requests at the same time, when fewer than the connector's.", default=None, minimum=1, maximum=1_000
    )
    rate: tuple[RateSpec, ...] = note(
        "How many requests in a time, beside those of the connector.", default=(), many=True
    )
    breaker: BreakerSpec | None = note(
        "When it is taken to be away, in place of what the connector says.", default=None
    )
    batch: BatchLimitSpec | None = note(
        "How many writes go together, where the connector has calls for many.", default=None
    )
    retries: RetriesSpec | None = note(
        "How many of its calls may be retries; without a bound when left out.", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionDocument(Document):
    """A named use of a connector, per environment."""

    kind: ClassVar[str] = "connection"

    connection: Text = note("The name that flows use.", pattern=IDENTIFIER)
    connector: Text = note("The connector.", pattern=IDENTIFIER)
    system: Text | None = note(
        "The system that it leads to, as `system_of_record` names it; its own name when left out.",
        default=None,
        pattern=IDENTIFIER,
    )
    faults: FaultsDocument | None = note(
        "Where writes to it go that brought no receipt, unless a flow or a step says otherwise.", default=None
    )
    environments: Mapping[Text, Raw] = note("Its settings in each environment; secrets by reference only.")
    windows: tuple[WindowDocument, ...] = note("When it is not to be called.", default=())
    limits: ConnectionLimitsDocument | None = note("How hard it is worked.", default=None)
    retry: RetryDocument | None = note(
        "How patient deliveries and reads are, unless a flow says otherwise.", default=None
    )
