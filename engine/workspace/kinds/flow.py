"""`flow`: a trigger, and steps that form a DAG."""

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
    note,
)
from engine.workspace.kinds.delay import CalendarUseDocument
from engine.workspace.kinds.entry import EntryDocument

PRIORITY = r"high|normal|low|-?[0-9]{1,2}"
VERSIONED = rf"{NAME}(@[1-9][0-9]*)?"
OPERATION = r"[a-z][a-z0-9_-]*\.[a-z][a-z0-9_]*"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDocument(Described):
    """What starts a flow."""

    event: Text = note(
        "The canonical event that starts a run; with its version where that is the earlier one.",
        pattern=VERSIONED,
        examples=("deal.won", "deal.won@1"),
    )
    name: Text | None = note(
        "The name under which the steps see the event's data.", key="as", default=None, pattern=IDENTIFIER
    )
    where: FormulaText | None = note("Only events for which this is true start a run.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SloDocument(Described):
    """How soon a run should be complete."""

    complete_within: Duration = note("From acceptance to completion.")
    objective: Text | None = note(
        "The share of runs that should keep to it.", default=None, pattern=r"[0-9.]+%"
    )


_STOPS = ("goes_on", "blocks")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDocument(Described):
    """What becomes of events with the same order key (`order_by` of the event) when a run comes to rest."""

    when_held: Text = note(
        "While a policy holds a run, the next of its key `goes_on`, or a hold `blocks` it.",
        default="goes_on",
        choices=_STOPS,
    )
    when_waiting: Text = note(
        "While a run waits for an event, the next of its key `goes_on`, or the wait `blocks` it.",
        default="goes_on",
        choices=_STOPS,
    )
    when_failed: Text = note(
        "After a run has failed, the next of its key `goes_on`, or the failure `blocks` it until the run was "
        "done again, or a person frees the key.",
        default="blocks",
        choices=_STOPS,
    )
    when_unknown: Text = note(
        "While nobody knows whether a write was applied, the next of its key `goes_on`, or the doubt "
        "`blocks` it.",
        default="blocks",
        choices=_STOPS,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEachDocument(Described):
    """A step done once for each item of a list."""

    shorthand: ClassVar[str | None] = "items"

    items: PathText = note("The list.", key="in")
    name: Text | None = note("The name of the item in the step.", key="as", default=None, pattern=IDENTIFIER)
    key: PathText | None = note(
        "What tells one item from another, so that each is written once; its place when left out.",
        default=None,
    )
    limit: int = note("More items than this are refused.", default=1_000, minimum=1, maximum=10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitDocument(Described):
    """What a step waits for."""

    event: Text = note("The canonical event that ends the wait.", pattern=NAME)
    where: FormulaText | None = note("Only an event for which this is true (it is `event`).", default=None)
    timeout: Duration | None = note(
        "How long it is waited for, from when the step is reached; for ever when left out.",
        default=None,
        examples=("2 business days",),
    )
    on_timeout: Text = note(
        "What follows when the time is up: the step fails; it is skipped, and with it what needs it; or it "
        "is done and its value is null, which a `choose` after it can ask for.",
        default="fail",
        choices=("fail", "skip", "null"),
    )
    calendar: CalendarUseDocument | None = note(
        "Whose business days and hours are counted; Monday to Friday, nine to five UTC, when left out.",
        default=None,
    )
    look_back: Duration | None = note(
        "An event also ends the wait when it came so long before the step was reached.", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoDocument(Described):
    """The operation that takes a write back, and what it is told beside payload and receipt."""

    shorthand: ClassVar[str | None] = "call"

    call: Text = note("The operation: `erp.delete_project`.", pattern=OPERATION)
    given: Mapping[Text, EntryDocument] = note(
        "What it needs beside the fields of `payload` and `receipt`, which it is given anyway.",
        key="with",
        default={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultsDocument(Described):
    """Where a write goes that brought no receipt, by the class of the fault."""

    transient: Text | None = note(
        "Nothing happened: tried again, or given up at once. `retry` when left out.",
        default=None,
        choices=("retry", "dead_letter"),
    )
    permanent: Text | None = note(
        "Refused for good: a dead letter, or parked until a person corrects it. `dead_letter` when left out.",
        default=None,
        choices=("dead_letter", "hold"),
    )
    unknown: Text | None = note(
        "It may have happened: done again under its key, looked for in the target, or shown to a person. "
        "What the operation allows when left out.",
        default=None,
        choices=("retry", "look_up", "person"),
    )
    closed_period: Text | None = note(
        "The accounting period is closed: a dead letter, parked until it opens or a person decides, or moved "
        "to the cycle that a policy rolls to.",
        default=None,
        choices=("dead_letter", "hold", "roll"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDocument(Described):
    """How patient deliveries and reads are when a system cannot take or give something."""

    attempts: int | None = note(
        "It is tried at least so often before it is given up; 8 when left out.",
        default=None,
        minimum=1,
        maximum=1_000,
    )
    patience: Duration | None = note(
        "And at least for so long, not counting the time in which the system was away; as `tidegate run` "
        "says (a day) when left out.",
        default=None,
    )
    longest: Duration | None = note(
        "The longest pause between two attempts; 60s when left out.", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDocument(Described):
    """One step: exactly one verb, and what it depends on."""

    read: Text | None = note(
        "Read from a connection: `erp.project`, or `entity.contract`.", default=None, pattern=OPERATION
    )
    check: tuple[Text, ...] = note("Put policies to the inputs they name.", default=(), many=True)
    write: Text | None = note("Write to a connection: `erp.time_bill`.", default=None, pattern=OPERATION)
    emit: Text | None = note("Emit a canonical event.", default=None, pattern=NAME)
    wait: WaitDocument | None = note("Wait for an event.", default=None)
    choose: Mapping[Text, FormulaText] = note(
        "Branches in order, each with its condition; `otherwise` is always true. Others need `step.branch`.",
        default={},
        ordered=True,
    )
    map: Text | None = note(
        "The mapping that makes the value, or what is written or emitted.", default=None, pattern=NAME
    )

    needs: tuple[Text, ...] = note(
        "Steps that come first, beside those that the expressions name.", default=(), many=True
    )
    when: FormulaText | None = note(
        "The step, and what depends on it, is skipped unless this is true.", default=None
    )
    for_each: ForEachDocument | None = note("Do the step once for each item.", default=None)
    given: Mapping[Text, EntryDocument] = note(
        "Parameters of a read, or fields of a small record.", key="with", default={}
    )
    cache: Duration | None = note("A read may be answered from one so old.", default=None)
    missing: Text = note(
        "What a read that finds nothing gives: `fail`, or `null`.", default="fail", choices=("fail", "null")
    )
    links: Mapping[Text, PathText] = note(
        "The canonical id, by entity, that the written record has in the target: `project: deal.id`.",
        default={},
    )
    undo: UndoDocument | None = note("The operation that takes a write back.", default=None)
    irreversible: Text | None = note(
        "Why a write cannot be taken back. It then comes after everything that may be refused.", default=None
    )
    stands: Text | None = note(
        "Why a write stays even when something beside or after it is refused.", default=None
    )
    faults: FaultsDocument | None = note(
        "Where a write goes that brought no receipt; else as the flow says, else as the connection says.",
        default=None,
    )
    proposes: Text | None = note(
        "Why a write may set fields of which its target is the system of record: the owner decides.",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDocument(Document):
    """A trigger, and steps that form a DAG."""

    kind: ClassVar[str] = "flow"

    flow: Text = note("The name of the flow.", pattern=NAME)
    trigger: TriggerDocument = note("What starts a run.")
    slo: SloDocument | None = note("How soon a run should be complete.", default=None)
    labels: tuple[Text, ...] = note(
        "Words that calendars know it by, to let it go first at some times.", default=(), many=True
    )
    priority: Text = note(
        "Which of what waits goes first: `high` (10), `normal` (0), `low` (-10), or a number. Each point is "
        "worth a minute of waiting, so that nothing waits for ever.",
        default="normal",
        pattern=PRIORITY,
    )
    retry: RetryDocument | None = note(
        "How patient its deliveries and reads are; else as their connections say.", default=None
    )
    order: OrderDocument | None = note(
        "Whether a run at rest stops what comes behind it under the same order key.", default=None
    )
    faults: FaultsDocument | None = note(
        "Where its writes go that brought no receipt, unless a step says otherwise.", default=None
    )
    compensate: Text = note(
        "When what was written is taken back, last first, by its `undo`: `on_failure`, as soon as nothing "
        "else is left to do and a step was refused or failed; `by_hand`, only when a person says so.",
        default="by_hand",
        choices=("by_hand", "on_failure"),
    )
    steps: Mapping[Text, StepDocument] = note("The steps by name, in the order of reading.")
