"""Order keys and what the ledger knows of them: which run stops its key, since when, and who let it go.

Who may go on is decided by :mod:`engine.runtime.dispatch`; here it becomes rows, so that a key that is
stopped stays so across a crash, and so that somebody is told.
"""

from collections.abc import Iterable
from typing import NamedTuple

from engine.core import RunState, RunStatus, event_of, reason, run_name
from engine.core.state import FAILED, HELD, UNKNOWN, WAITING, StepStatus
from engine.errors import InputError
from engine.ledger import Commit, LedgerReader
from engine.ledger.rows import AlertMoved, AuditEntry, NewAlert, NewParking, ParkingFreed
from engine.runtime.broken import BrokenRun
from engine.runtime.dispatch import OrderKeys
from engine.values.actors import ENGINE, OPERATIONS
from engine.values.json_text import write_json

_BLAMED: dict[RunStatus, StepStatus] = {
    RunStatus.FAILED: FAILED,
    RunStatus.HELD: HELD,
    RunStatus.UNKNOWN: UNKNOWN,
    RunStatus.WAITING: WAITING,
}

RESTS = {
    "failed": "has failed",
    "held": "is held",
    "unknown": "is in doubt, as nobody knows whether a write happened",
    "waiting": "waits for an event",
}
"""Each of the statuses in which a run may rest, in words."""
_NO_TEXT = "''"  # an order key that is an empty text
BADLY = ("failed", "unknown")
"""Where a run may rest that needs work; the others go on when what they wait for comes."""


class _Parked(NamedTuple):
    """A run that stops its key, as it is found at a start."""

    seq: int
    order_key: str
    event_id: str
    run_id: str


class Parking:
    """The lines before each order key, with what stops them."""

    def __init__(self, reader: LedgerReader) -> None:
        """Begin with no lines; :meth:`found` brings those that a process before this one left stopped."""
        self.keys = OrderKeys()
        self._reader = reader
        self._open: dict[str, tuple[str, str]] = {}  # id of what stops a key, and the key, by run
        self._found: list[_Parked] = []

    def forget(self, run_id: str) -> None:
        """A run is left to the next process; it keeps its place here and stops its key."""
        self._open.pop(run_id, None)

    def load(self) -> None:
        """Read what stops keys; each is put in its place by :meth:`put_before`, between those that run."""
        for row in self._reader.parked_runs():
            self._open[row.run_id] = (row.id, row.order_key)
            self._found.append(_Parked(row.seq, row.order_key, event_of(row.run_id), row.run_id))
        self._found.sort(reverse=True)

    def put_before(self, seq: int) -> None:
        """Put in line what stops its key and began before a run, or with it."""
        while self._found and self._found[-1].seq <= seq:
            one = self._found.pop()
            self.keys.park(one.order_key, one.event_id, one.run_id)

    def rest(self, commit: Commit, at: str, state: RunState) -> Iterable[str]:
        """A run waits for nothing on its way, or is over: the runs that may go on now."""
        key, run_id = state.event.order_key, state.run_id
        if key is None:
            return ()
        if state.status.value not in state.flow.stops_key:
            self._free(commit, run_id, at, ENGINE, f"the run is {state.status.value}")
            self._replace(commit, at, key, state)
            return self.keys.leave(key, run_id)
        if run_id not in self._open:
            self._park(commit, at, key, state)
        going = [*self.keys.park(key, state.event.id, run_id)]
        self._replace(commit, at, key, state)
        return going

    def broken(self, commit: Commit, at: str, key: str, run: BrokenRun) -> Iterable[str]:
        """A run was ended by an error, wherever it stood: the runs that may go on now."""
        if not run.stops_key:
            self._free(commit, run.run_id, at, ENGINE, "the run is failed")
            return self.keys.leave(key, run.run_id)
        if run.run_id not in self._open:
            self._stop(
                commit, at, key, NewParking("", run.run_id, key, None, "failed", run.reason, at), run.owner
            )
        return self.keys.park(key, event_of(run.run_id), run.run_id)

    def _replace(self, commit: Commit, at: str, key: str, state: RunState) -> None:
        """The attempts before one do not stop the key any more; the line moves on by what this one does."""
        for number in range(1, state.attempt):
            former = run_name(state.flow.name, state.event.id, number)
            if former in self._open:
                self._free(commit, former, at, ENGINE, f"{state.run_id} is worked in its place")
                self.keys.let_go(key, former)

    def free(self, commit: Commit, at: str, key: str, by: str, why: str) -> list[str]:
        """A person lets the others of a key pass whatever stops it: the runs that may go on now."""
        going: list[str] = []
        for run_id in self._stopping(key):
            self._free(commit, run_id, at, by, why)
            going += self.keys.let_go(key, run_id)
        return going

    def let_pass(self, commit: Commit, at: str, run_id: str, by: str, why: str) -> Iterable[str]:
        """A person has nothing done about a run: the runs that may go on, if it stops its key."""
        if run_id not in self._open:
            return ()
        key = self._open[run_id][1]
        self._free(commit, run_id, at, by, why)
        return self.keys.let_go(key, run_id)

    def tells_of(self, run_id: str | None) -> bool:
        """Whether an open alert tells that a run stops its key since it ended badly."""
        if run_id is None or run_id not in self._open:
            return False
        name = self._open[run_id][0]
        alert = self._reader.alert(f"parked/{name}")
        if alert is None or alert.status != "open":
            return False
        return any(row.id == name and row.why in BADLY for row in self._reader.parkings_of_run(run_id))

    def stopping(self, key: str) -> list[str]:
        """The runs that stop a key.

        Raises:
            InputError: when nothing stops it.

        """
        found = self._stopping(key)
        if not found:
            raise InputError(f"nothing stops the order key {key!r}; `tidegate keys` lists those that stand")
        return found

    def _stopping(self, key: str) -> list[str]:
        return sorted(run_id for run_id, (_, other) in self._open.items() if other == key)

    def _park(self, commit: Commit, at: str, key: str, state: RunState) -> None:
        blamed = _BLAMED[state.status]
        step = next((step.name for step in state.flow.steps if state.steps[step.index] is blamed), None)
        row = NewParking("", state.run_id, key, step, state.status.value, reason(state), at)
        self._stop(commit, at, key, row, state.flow.owner or OPERATIONS)

    def _stop(self, commit: Commit, at: str, key: str, row: NewParking, to: str) -> None:
        """Write what stops a key, under the next name of its run, and tell somebody."""
        run_id = row.run_id
        times = len(self._reader.parkings_of_run(run_id))
        times += sum(row.run_id == run_id for row in commit.parkings)
        name = f"{run_id}#{times + 1}"
        self._open[run_id] = (name, key)
        commit.parkings.append(row._replace(id=name))
        detail = write_json({"run": run_id, "step": row.step, "why": row.why}).decode()
        commit.entries.append(AuditEntry(at, ENGINE, "order key parked", key, detail))
        said = f"What comes behind {run_id} under {key or _NO_TEXT} waits, since it {RESTS[row.why]}"
        said += f": {row.reason}" if row.reason else "."
        severity = "error" if row.why in BADLY else "warning"
        commit.alerts.append(NewAlert(f"parked/{name}", run_id, row.step, None, severity, to, said, at))

    def _free(self, commit: Commit, run_id: str, at: str, by: str, why: str) -> None:
        found = self._open.pop(run_id, None)
        if found is None:
            return
        name, key = found
        commit.parkings_freed.append(ParkingFreed(at, by, why, name))
        detail = write_json({"run": run_id, "reason": why}).decode()
        commit.entries.append(AuditEntry(at, by, "order key freed", key, detail))
        commit.alerts_moved.append(AlertMoved("closed", at, f"parked/{name}"))
