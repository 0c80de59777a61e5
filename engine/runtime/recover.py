"""A run decided again from what the ledger has of it: its event, its release, and its answers in order.

The same decisions come out, since nothing else went into them. What they ask for and the ledger has
no answer to is still to be done.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from engine.core import (
    Answer,
    Command,
    LookUpCommand,
    ReadCommand,
    RunState,
    WriteCommand,
    advance,
    begin,
)
from engine.core.accept import restore
from engine.core.turn import suffix
from engine.ledger import LedgerReader
from engine.ledger.instants import read_instant
from engine.ledger.reader import LAST
from engine.ledger.rows import AnswerRow, EffectRow, HoldRow, RunRow
from engine.plan.plan import Plan
from engine.runtime.connections import Connections
from engine.values.json_text import read_json
from engine.values.value import Value


@dataclass(frozen=True, slots=True)
class Recovered:
    """A run as it stands, and the commands to which there is no answer yet."""

    state: RunState
    writes: tuple[WriteCommand, ...]
    reads: tuple[ReadCommand, ...]
    look_ups: tuple[LookUpCommand, ...]


class Recovery:
    """Decides runs again. Plans come by the release that a run began on."""

    def __init__(
        self, reader: LedgerReader, plans: Callable[[str], Plan], connections: Connections
    ) -> None:
        """Read from this ledger."""
        self._reader = reader
        self._plans = plans
        self._connections = connections

    def waiting_runs(self) -> Iterable[RunRow]:
        """The runs at rest that may be waiting for an event."""
        for status in ("waiting", "held", "unknown"):
            before = LAST
            while rows := self._reader.runs(status=status, before=before):
                yield from rows
                before = rows[-1].seq

    def run(self, row: RunRow) -> Recovered:
        """A run, decided again from the beginning."""
        plan = self._plans(row.release)
        event_row = self._reader.event(row.event_id)
        assert event_row is not None, row.event_id
        event = restore(
            plan,
            event_row.id,
            event_row.type,
            event_row.body,
            read_instant(event_row.at),
            read_instant(event_row.accepted_at),
        )
        state, commands = begin(plan.flows[row.flow], event)
        asked: dict[str, Command] = {}
        self._note(asked, commands)
        for answers in self._recorded(row.id):
            known = {key: self._decoded(plan, asked.get(key), answer) for key, answer in answers.items()}
            state, commands = advance(state, known)
            self._note(asked, commands)
        left = [command for key, command in asked.items() if key not in state.answers]
        return Recovered(
            state,
            tuple(command for command in left if isinstance(command, WriteCommand)),
            tuple(command for command in left if isinstance(command, ReadCommand)),
            tuple(command for command in left if isinstance(command, LookUpCommand)),
        )

    @staticmethod
    def _note(asked: dict[str, Command], commands: Iterable[Command]) -> None:
        for command in commands:
            if isinstance(command, WriteCommand | ReadCommand | LookUpCommand):
                asked[command.key] = command

    def _recorded(self, run_id: str) -> list[dict[str, Answer]]:
        """The answers of a run, those of one commit together, in the order of commits."""
        found: list[tuple[int, str, Answer]] = []
        found.extend((row.commit, row.key, _answer(row)) for row in self._reader.answers(run_id))
        found.extend(
            (row.settle_commit, f"write:{row.step}{suffix(row.item)}", outcome(row))
            for row in self._reader.effects(run_id)
            if row.settle_commit is not None
        )
        found.extend(
            (row.commit, f"write:{row.step}{suffix(row.item)}", outcome(row))
            for row in self._reader.effects(run_id)
            if row.status == "unknown"
        )
        found.extend(
            (row.release_commit, self.hold_key(row), Answer({"by": row.released_by, "reason": row.release_reason}))
            for row in self._reader.holds_of_run(run_id)
            if row.status == "released" and row.released_by != "tidegate" and row.release_commit is not None
        )
        groups: dict[int, dict[str, Answer]] = {}
        for commit, key, answer in sorted(found, key=lambda item: item[0]):
            groups.setdefault(commit, {})[key] = answer
        return list(groups.values())

    @staticmethod
    def hold_key(row: HoldRow) -> str:
        """The key under which the run knows a hold."""
        return f"hold:{row.step}{suffix(row.item)}:{row.policy}"

    def _decoded(self, plan: Plan, command: Command | None, answer: Answer) -> Answer:
        """An answer with its dates as such; it was recorded as JSON."""
        if not isinstance(command, ReadCommand) or answer.value is None:
            return answer
        if command.connection == "entity":
            entity = plan.entities.get(command.operation)
            decode = None if entity is None else entity.decode
        else:
            operation = self._connections.get(command.connection).plan.operation(command.operation)
            decode = None if operation.output is None else operation.output.decode
        return answer if decode is None else Answer(decode(answer.value))


def _answer(row: AnswerRow) -> Answer:
    body = cast("dict[str, Value]", read_json(row.body))
    failure = body.get("failure")
    return Answer(body.get("value"), None if failure is None else str(failure))


def outcome(row: EffectRow) -> Answer:
    """What a run is told of an effect that is settled, or in doubt for good."""
    if row.status == "done":
        return Answer(read_json(row.receipt or "{}"))
    failure = cast("dict[str, Value]", read_json(row.failure or "{}"))
    reason = str(failure.get("reason") or f"the effect was {row.status}")
    return Answer(None, reason, unknown=row.status == "unknown")


