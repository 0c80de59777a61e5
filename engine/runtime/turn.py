"""What one turn collects, and what a process knows of a run that is in memory. It decides nothing."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.core import Answer, ReadCommand, RunState, RunStatus, WriteCommand
from engine.event import Event
from engine.ledger import Commit
from engine.plan.plan import FlowPlan

EPOCH = datetime.fromtimestamp(0, UTC)  # of what is collected before the first turn


@dataclass(slots=True)
class Live:
    """A run that is in memory because something of it is on its way."""

    state: RunState
    order_key: str | None
    since: int  # the turn in which it came into memory
    recorded: RunStatus = RunStatus.RUNNING  # the status that the ledger has
    rests: bool = False  # it has left its place under its order key, or is parked in it
    stands: bool = False  # it was woken while others of its key are at work, and waits for its turn
    kept: list[WriteCommand] = field(default_factory=list)  # decided while others of its key are at work


@dataclass(slots=True)
class Waiting:
    """A run that stands in line behind its order key."""

    flow: FlowPlan
    event: Event
    known: bool = False  # the ledger has it, and maybe something that it did


@dataclass(slots=True)
class Work:
    """What a turn wants done outside, after its commit."""

    writes: list[tuple[str, WriteCommand]] = field(
        default_factory=list
    )  # with the id of the run; sent at once
    later: list[tuple[str, WriteCommand]] = field(default_factory=list)  # when there is a place for them
    reads: list[tuple[str, ReadCommand]] = field(default_factory=list)
    doubts: list[WriteCommand] = field(
        default_factory=list
    )  # of a run that was taken up: perhaps sent before


@dataclass(slots=True)
class Tally:
    """What a process has done so far; the words of `process --format json`."""

    events: int = 0
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    runs: int = 0
    effects: int = 0
    alerts: int = 0
    retries: int = 0
    rested: int = 0  # how often a run came to rest or to its end
    ended: dict[str, int] = field(default_factory=dict)  # runs by the status in which they rest

    def count(self, status: RunStatus, by: int) -> None:
        """So many runs more, or fewer, rest in a status."""
        self.ended[status.value] = self.ended.get(status.value, 0) + by


@dataclass(slots=True)
class Turn:
    """What a turn collects until it is committed."""

    number: int  # counted from the start of the process
    now: datetime  # when what is collected is said to have happened
    at: str  # the same as text
    rows: Commit = field(default_factory=Commit)
    work: Work = field(default_factory=Work)
    todo: deque[tuple[str, dict[str, Answer]]] = field(default_factory=deque)  # answers that no run has yet
    touched: dict[str, Live] = field(default_factory=dict)  # the runs that went on in this turn
