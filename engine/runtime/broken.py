"""A run that an error of Tidegate itself ended: what the ledger and people are told of it.

Such an error is no fault of the data and none from outside. It ends the one run at which it occurred; what
the run had decided before goes on, and its event is kept, so that it can be worked again. Errors of the
ledger are never among these: they end the process, which begins again from what the ledger holds.
"""

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.effect import Failure, FaultClass
from engine.errors import LedgerError, TidegateError
from engine.ledger import Commit, LedgerReader
from engine.ledger.rows import (
    AuditEntry,
    EffectCancelled,
    EffectUnknown,
    HoldReleased,
    NewAlert,
    RunFinished,
    RunRow,
    WaitEnded,
)
from engine.plan.plan import FlowPlan
from engine.values.actors import ENGINE, OPERATIONS
from engine.values.json_text import write_json

CODE = "internal-error"
BROKEN = '{"broken":'  # how the decisions of such a run begin
UNTOUCHED = "the run was ended by an error"
_HERE = Path(__file__).parent.parent.parent
_LONGEST = 300  # signs of an error that are told


def is_broken(row: RunRow) -> bool:
    """Whether a run was ended by an error, when it last came to its end."""
    return row.status == "failed" and (row.decisions or "").startswith(BROKEN)


def is_fatal(error: Exception) -> bool:
    """Whether an error concerns everything: the ledger, or the memory of the process."""
    return isinstance(error, LedgerError | MemoryError)


def told_of(error: Exception) -> str:
    """An error in one sentence for a person."""
    text = " ".join(str(error).split())[:_LONGEST]
    if isinstance(error, TidegateError):
        return text
    return f"an error of Tidegate itself: {type(error).__name__}" + (f": {text}" if text else "")


def where(error: Exception) -> str:
    """The place in the code at which an error was raised, for whoever repairs it."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    file = Path(frames[-1].filename)
    name = file.relative_to(_HERE).as_posix() if file.is_relative_to(_HERE) else file.name
    return f"{name}:{frames[-1].lineno}"


def in_doubt(error: Exception) -> Failure:
    """What is known of a write when a connector broke: nothing."""
    return Failure(fault=FaultClass.UNKNOWN, reason=_of_connector(error), evidence={"where": where(error)})


def refused(error: Exception) -> Failure:
    """What is known of a read when a connector broke: it brings nothing."""
    return Failure(fault=FaultClass.PERMANENT, reason=_of_connector(error), evidence={"where": where(error)})


def _of_connector(error: Exception) -> str:
    return f"no answer can be used: {told_of(error)} ({where(error)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRun:
    """One run that an error ended."""

    run_id: str
    flow: FlowPlan | None  # None when its release cannot be had any more
    error: Exception

    @property
    def owner(self) -> str:
        """Who is told."""
        return OPERATIONS if self.flow is None or self.flow.owner is None else self.flow.owner

    @property
    def stops_key(self) -> bool:
        """Whether what comes behind it under its order key waits."""
        return self.flow is None or "failed" in self.flow.stops_key

    @property
    def reason(self) -> str:
        """Why it ended, and what is to be done."""
        what = f"{CODE}: it could not be worked, by {told_of(self.error)}"
        return f"{what}. Its event is kept; have it repaired, then work it again"

    def record(self, commit: Commit, reader: LedgerReader, at: str) -> None:
        """Write that the run has failed, and tell whoever owns it; nothing of it stays open."""
        found = {"code": CODE, "error": told_of(self.error), "where": where(self.error)}
        version = None if self.flow is None else self.flow.version
        said = {"broken": found, "$versions": {"flow": version, "owner": self.owner}}
        decisions = write_json(said).decode()
        commit.runs_finished.append(RunFinished("failed", at, decisions, self.reason, self.run_id))
        commit.entries.append(AuditEntry(at, ENGINE, "run broken", self.run_id, write_json(found).decode()))
        name = f"{self.run_id}/broken"
        if reader.alert(name) is None:
            message = f"{self.run_id} has failed: {self.reason}."
            commit.alerts.append(NewAlert(name, self.run_id, None, None, "error", self.owner, message, at))
        for hold_id in _open_holds(commit, reader, self.run_id):
            commit.holds_released.append(HoldReleased(at, ENGINE, UNTOUCHED, None, hold_id))
        for wait_id in _open_waits(commit, reader, self.run_id):
            commit.waits_ended.append(WaitEnded("given up", at, None, wait_id))


def _open_holds(commit: Commit, reader: LedgerReader, run_id: str) -> Iterator[str]:
    """The holds of a run that are open, with those of this turn."""
    ended = {row.id for row in commit.holds_released}
    ended |= {row.id for row in commit.holds_expired} | {row.id for row in commit.holds_refused}
    opened = [row.id for row in commit.holds if row.run_id == run_id]
    known = [row.id for row in reader.holds_of_run(run_id) if row.release_commit is None]
    return (name for name in (*known, *opened) if name not in ended)


def _open_waits(commit: Commit, reader: LedgerReader, run_id: str) -> Iterator[str]:
    ended = {row.id for row in commit.waits_ended}
    begun = [row.id for row in commit.waits if row.run_id == run_id]
    known = [row.id for row in reader.waits_of_run(run_id) if row.end_commit is None]
    return (name for name in (*known, *begun) if name not in ended)


def settle_orphans(commit: Commit, reader: LedgerReader, run_id: str, at: str) -> None:
    """Give what such a run wrote a fate, as nobody is at work on it: not sent, or in doubt for a person."""
    for row in reader.effects(run_id):
        if row.status not in ("pending", "sending"):
            continue
        steps = reader.transitions(row.key) if row.attempts else ()
        doubted = any('"fault":"unknown"' in (step.detail or "") for step in steps)
        if row.status == "sending" or doubted:
            why = write_json({"fault": "unknown", "reason": f"it was on its way when {UNTOUCHED}"}).decode()
            commit.effects_unknown.append(EffectUnknown(why, at, row.key))
        else:
            why = write_json({"fault": "transient", "reason": f"it was not sent, as {UNTOUCHED}"}).decode()
            commit.effects_cancelled.append(EffectCancelled(why, at, row.key))
