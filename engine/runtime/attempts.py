"""A further attempt to work an event: what the attempts before it did is known to it, and not done again.

An attempt is a run of its own. Its effects have keys of their own, since the ones before may have had other
bodies. So each write that it decides is first put beside what was written for the same step and item:

- applied with the same body: its receipt is the answer;
- refused for good, or never sent: it is sent, since a dead letter proves that nothing happened;
- anything else is for a person, and the attempt fails with the reason, before anything goes out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from engine.core import Answer, RunState, WaitCommand, WriteCommand, woken_by
from engine.core.accept import kept_data
from engine.core.compensate import UNDO
from engine.core.state import DONE, SKIPPED
from engine.core.turn import suffix
from engine.ledger import LedgerReader, is_pruned
from engine.ledger.rows import EffectRow, is_undo
from engine.plan.plan import Plan
from engine.runtime.recover import ORDERED, Recovery
from engine.values.json_text import read_json, write_json
from engine.values.value import Value

NOTHING_HAPPENED = ("dead", "cancelled")


class Known(NamedTuple):
    """An answer that an attempt need not ask for, and how it is recorded."""

    kind: str  # applied, or wait
    body: Mapping[str, Value]
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """What the attempts before one wrote, or may have written."""

    rows: Sequence[EffectRow] = ()  # what stands, or may stand: one row for a step and item
    keep: bool = False  # a person decided that what was applied stays, whatever is decided now

    @classmethod
    def of(cls, rows: Iterable[EffectRow], *, keep: bool = False) -> "Former":
        """Of all effects of the attempts before, in order, those of which anything is left."""
        left: dict[tuple[str, str | None], EffectRow] = {}
        for row in rows:
            if row.status == "done" and is_undo(row):
                left.pop((row.step, row.item), None)
            elif row.status not in NOTHING_HAPPENED:
                left[row.step, row.item] = row
        return cls(rows=tuple(left.values()), keep=keep)

    def of_write(self, command: WriteCommand) -> EffectRow | None:
        """What came of the same write, if anything."""
        wanted = (command.step, command.item)
        return next((row for row in self.rows if (row.step, row.item) == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What becomes of a write that a further attempt decides: sent, answered by a receipt, or left alone."""

    row: EffectRow | None = None  # whose receipt is the answer
    why_not: str = ""  # a person has to decide
    kept: bool = field(default=False)  # its body is another one, and a person said that it stays


def judged(state: RunState, command: WriteCommand, former: Former) -> Judged:
    """What becomes of one write. Pure."""
    row = former.of_write(command)
    if row is None:
        left = None if former.keep else left_behind(state, former)
        return Judged(why_not="" if left is None else said_of(left))
    if row.status != "done":
        return Judged(
            why_not=f"{row.key} may have been applied ({row.status}); find out and resolve it first"
        )
    if (row.connection, row.operation) != (command.connection, command.operation):
        return Judged(
            why_not=f"{row.step} was applied by {row.connection}.{row.operation} as {row.external_id}, and "
            f"would now be {command.connection}.{command.operation}"
        )
    if is_pruned(row.payload) or is_pruned(row.receipt):
        return Judged(why_not=f"{row.step} was applied as {row.external_id}, and what was sent was pruned")
    if same_body(row, command):
        return Judged(row=row)
    if former.keep:
        return Judged(row=row, kept=True)
    return Judged(why_not=f"{row.step}{suffix(row.item)} was applied with another body as {row.external_id}")


def left_behind(state: RunState, former: Former) -> EffectRow | None:
    """Something that was applied, and that this attempt has come past without deciding it."""
    return next((row for row in former.rows if row.status == "done" and _passed(state, row)), None)


def _passed(state: RunState, row: EffectRow) -> bool:
    step = state.flow.step(row.step)
    if step is None:
        return True
    status = state.steps[step.index]
    return status >= SKIPPED or (status >= DONE and f"{step.key}{suffix(row.item)}" not in state.asked)


def said_of(row: EffectRow) -> str:
    """What a person is told of something that was left behind."""
    name = f"{row.step}{suffix(row.item)}"
    return f"{name} was applied as {row.external_id or row.key} before, and is not wanted now"


def same_body(row: EffectRow, command: WriteCommand) -> bool:
    """Whether an effect was sent with the body that is decided now."""
    return bool(read_json(row.payload) == read_json(write_json(command.payload)))


class Attempts:
    """Answers further attempts from what the ones before left in the ledger."""

    def __init__(self, reader: LedgerReader, recovery: Recovery) -> None:
        """Read from this ledger."""
        self._reader = reader
        self._recovery = recovery

    def known(self, state: RunState, command: WriteCommand | WaitCommand) -> Known | None:
        """What an attempt is answered without asking; None when it has to ask, or may write."""
        if isinstance(command, WaitCommand):
            return self.came(state, command, self._recovery.plan_of(state.run_id))
        if command.key.startswith(UNDO):
            return None
        found = judged(state, command, self.former(state))
        if found.why_not:
            return Known("applied", {"failure": found.why_not}, Answer(None, found.why_not))
        if found.row is None:
            return None
        value = read_json(found.row.receipt or "{}")
        return Known("applied", {"value": value, "effect": found.row.key}, Answer(value))

    def former(self, state: RunState) -> Former:
        """What was written by the attempts before."""
        rows = self._reader.attempts(state.flow.name, state.event.id)
        before = [row.id for row in rows if row.id != state.run_id]
        return Former.of(self._reader.effects_of(before), keep=self._keeps(state.run_id))

    def _keeps(self, run_id: str) -> bool:
        ordered = [row for row in self._reader.answers(run_id) if row.kind == ORDERED]
        return any(cast("dict[str, Value]", read_json(row.body)).get("keep") is True for row in ordered)

    def came(self, state: RunState, command: WaitCommand, plan: Plan) -> Known | None:
        """The event that a step waits for, when it came since the event of the run."""
        row = self._reader.event(state.event.id)
        if row is None:
            return None
        for event_row in self._reader.events(after=row.seq, event_type=command.event):
            if is_pruned(event_row.body):
                continue
            data = read_json(event_row.body)
            if kept_data(plan.events[command.event], data, event_row.version)[1]:
                continue
            event = self._recovery.restored(event_row, plan)
            answer = woken_by(state, event).get(command.key)
            if answer is not None:
                return Known("wait", {"value": answer.value, "event": event.id}, answer)
        return None
