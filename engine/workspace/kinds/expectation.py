"""`expectation`: what has to happen in time, and who is told when it did not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.source import Text
from engine.spec.field import (
    IDENTIFIER,
    NAME,
    Described,
    Document,
    Duration,
    FormulaText,
    PathText,
    TemplateText,
    note,
)
from engine.workspace.kinds.delay import CalendarUseDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterDocument(Described):
    """The event from whose acceptance the time counts."""

    shorthand: ClassVar[str | None] = "event"

    event: Text = note("The canonical event.", pattern=NAME)
    name: Text | None = note(
        "The name under which expressions see its data; `event` when left out.",
        key="as",
        default=None,
        pattern=IDENTIFIER,
    )
    where: FormulaText | None = note("Only of events for which this is true.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComesDocument(Described):
    """What has to come then: the end of a flow, or another event."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("flow", "event"),)

    flow: Text | None = note("Its run for that event is complete.", default=None, pattern=NAME)
    event: Text | None = note("This event is accepted.", default=None, pattern=NAME)
    match: Mapping[Text, PathText] = note(
        "Fields of that event, each with the value that it has to have: `{id: entry.id}`.", default={}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietDocument(Described):
    """An event that is not to stay away."""

    event: Text = note("The canonical event.", pattern=NAME)
    for_: Duration = note("How long it may stay away.", key="for", examples=("1 business day",))


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldDocument(Described):
    """Who is told that it did not happen."""

    to: Text = note("A role or a team.", pattern=NAME)
    severity: Text = note(
        "How urgent it is.", default="error", choices=("info", "warning", "error", "critical")
    )
    message: TemplateText | None = note(
        "What they are told, before the reason; it sees the data of the event. Of `quiet` a plain sentence.",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationDocument(Document):
    """Something that has to happen in time: after an event, or again and again."""

    kind: ClassVar[str] = "expectation"
    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("after", "quiet"),)

    expectation: Text = note("The name of the expectation.", pattern=NAME)
    after: AfterDocument | None = note("The event after which something is expected.", default=None)
    comes: ComesDocument | None = note("What is expected then.", default=None)
    within: Duration | None = note(
        "In what time.", default=None, examples=("30m", "4 business hours", "1 business day")
    )
    quiet: QuietDocument | None = note("An event that is not to stay away for long.", default=None)
    calendar: CalendarUseDocument | None = note(
        "The calendar by which business hours and business days are counted; Monday to Friday in UTC when "
        "left out.",
        default=None,
    )
    alert: ToldDocument = note("Who is told when it did not happen.")
