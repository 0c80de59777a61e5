"""Where one run stands. Changed only by `advance`; never stored, but decided again from what is.

A run is a function of its event, its flow and the answers that it was given, in the order in which
they were given. The ledger keeps these three.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from engine.event import Event
from engine.plan.plan import FlowPlan
from engine.values.value import Value


class RunStatus(StrEnum):
    """What a person is told about a run."""

    RUNNING = "running"  # something is on its way
    WAITING = "waiting"  # for an event
    HELD = "held"  # by a policy; nothing else is left to do
    COMPLETED = "completed"
    REJECTED = "rejected"  # by a policy, or because its data does not fit
    FAILED = "failed"  # a step could not be done
    COMPENSATED = "compensated"  # what was written was taken back, as far as it can be
    MOVED = "moved"  # a person has its event worked by another release; no run decides this by itself
    UNKNOWN = "unknown"  # a write may have happened; a person must find out


# Where one step stands; from DONE on it stays there. Plain numbers, since every pass compares many of them.
PENDING = 0  # what it needs is not done
ASKED = 1  # waits for answers
WAITING = 2  # waits for an event
HELD = 3  # by a policy
UNKNOWN = 4  # a write may have happened
DONE = 5
SKIPPED = 6
REJECTED = 7
FAILED = 8

STEP_STATUSES = ("pending", "asked", "waiting", "held", "unknown", "done", "skipped", "rejected", "failed")
"""How a step's status is said, by its number."""

StepStatus: TypeAlias = int


class Answer(NamedTuple):
    """What the world answered to one command."""

    value: Value = None
    failure: str | None = None  # why there is no answer, in a sentence
    unknown: bool = False  # of a write: it may have happened
    fault: str = ""  # of a write that was refused: the class of the fault


WITHDRAWN = Answer(None, "the answer was withdrawn")
"""In place of an answer: the one that was given does not hold, and another will come under the same key."""


@dataclass(slots=True)
class RunState:
    """One run. Treated as a value: `advance` returns another, and `advance_own` ends the one it is given."""

    flow: FlowPlan
    event: Event
    now: datetime  # when the event was accepted: the only time that a run knows
    status: RunStatus
    scope: dict[str, Value]  # the event's data and the results of the steps done, by name
    steps: list[StepStatus]  # by index
    answers: Mapping[str, Answer]
    refreshed: Mapping[int, int]  # how often a read was done afresh, by index
    asked: set[str]  # keys of the commands that were given: none is given twice
    open_holds: dict[str, str]  # id of each open hold, by its key
    matches: dict[str, str | None]  # what an event that ends it says, of each open hold by its key
    trace: dict[str, Mapping[str, Any]]  # what was decided and why, by step
    written: Mapping[str, Mapping[str, Value]]  # payloads that can be taken back, by the keys of their writes
    attempt: int = 1  # more than one when a person has the event worked once more

    @property
    def run_id(self) -> str:
        """The name of the run: flow and event, so that the same event never starts the same flow twice."""
        return run_name(self.flow.name, self.event.id, self.attempt)

    def copy(self) -> "RunState":
        """A copy that can be changed without changing this one; answers and fresh reads are never changed."""
        return RunState(
            self.flow,
            self.event,
            self.now,
            self.status,
            dict(self.scope),
            list(self.steps),
            self.answers,
            self.refreshed,
            set(self.asked),
            dict(self.open_holds),
            dict(self.matches),
            dict(self.trace),
            self.written,
            self.attempt,
        )


def run_name(flow: str, event_id: str, attempt: int = 1) -> str:
    """The name of an attempt to work an event: "billing/time.approved:1", then "billing~2/...".

    The number stands at the name of the flow, which has no such sign: behind the event it could be taken
    for the end of another event's id.
    """
    return f"{flow}/{event_id}" if attempt == 1 else f"{flow}~{attempt}/{event_id}"


def event_of(run_id: str) -> str:
    """The event that a run works."""
    return run_id.partition("/")[2]


def flow_of(run_id: str) -> str:
    """The name of the flow that a run works its event by."""
    return run_id.partition("/")[0].partition("~")[0]


def attempt_of(run_id: str) -> int:
    """The number of the attempt that a run is."""
    _, _, number = run_id.partition("/")[0].partition("~")
    return int(number) if number else 1
