"""A run decided again from what the ledger has of it: its event, its release, and its answers in order.

The same decisions come out, since nothing else went into them. What they ask for and the ledger has
no answer to is still to be done.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from engine.core import (
    AlertCommand,
    Answer,
    CloseHoldCommand,
    Command,
    EmitCommand,
    HoldCommand,
    LookUpCommand,
    ReadCommand,
    RunState,
    WaitCommand,
    WriteCommand,
    advance,
    attempt_of,
    begin,
    take_in,
)
from engine.core.accept import restore
from engine.core.compensate import UNDO
from engine.errors import InputError
from engine.event import Event
from engine.ledger import LedgerReader, is_pruned
from engine.ledger.instants import read_instant
from engine.ledger.rows import AnswerRow, EffectRow, EventRow, RunRow
from engine.plan.plan import FlowPlan, Plan
from engine.plan.step import ENTITY, ReadStep, WriteStep
from engine.runtime.connections import Connections
from engine.runtime.woken import LATER
from engine.values.json_text import read_json
from engine.values.type import Decoder, decoder
from engine.values.value import Value

ORDERED = "ordered"  # the kind of answer that says how a person ordered a further attempt

_ASKING = (ReadCommand, WriteCommand, LookUpCommand)
_ANSWERED = (*_ASKING, WaitCommand)


class PrunedError(InputError):
    """What something was decided by is not there any more: it was pruned."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A run as it stands, and every command of it to which there is no answer."""

    state: RunState
    commands: tuple[Command, ...]
    given: tuple[Command, ...]  # all that it ever asked for
    stands: bool = False  # it was woken, and its turn is to come

    @property
    def writes(self) -> dict[str, WriteCommand]:
        """The writes that it decided, by the keys of their effects."""
        return {one.effect_key: one for one in self.given if isinstance(one, WriteCommand)}


class Recovery:
    """Decides runs again. Plans come by the release that a run began on."""

    def __init__(self, reader: LedgerReader, plans: Callable[[str], Plan], connections: Connections) -> None:
        """Read from this ledger."""
        self._reader = reader
        self._plans = plans
        self._connections = connections

    def run(self, row: RunRow) -> Recovered:
        """A run, decided again from the beginning."""
        plan = self._plans(row.release)
        event = self.event(row, plan)
        state, commands = begin(plan.flows[row.flow], event, attempt_of(row.id))
        given = list(commands)
        asked = _by_key(commands)
        stands = False
        for key, answer, stands in self._recorded(row):
            told = {key: self._decoded(plan, asked.get(key), answer)}
            if stands:
                take_in(state, told)
                continue
            state, commands = advance(state, told)
            given.extend(commands)
            asked.update(_by_key(commands))
        left = [one for one in given if not isinstance(one, _ASKING) or one.key not in state.answers]
        return Recovered(state, tuple(left), tuple(given), stands)

    def event(self, row: RunRow, plan: Plan) -> Event:
        """The event of a run, with its data as a plan reads it."""
        return self.restored(self.event_row(row), plan)

    def event_row(self, row: RunRow) -> EventRow:
        """The event of a run, as it was accepted."""
        found = self._reader.event(row.event_id)
        assert found is not None, row.event_id
        return found

    def plan(self, release: str) -> Plan:
        """The plan of a release.

        Raises:
            InputError: when the ledger does not have it, or it cannot be compiled any more.

        """
        return self._plans(release)

    def plan_of(self, run_id: str) -> Plan:
        """The plan by which a run is decided."""
        row = self._reader.run(run_id)
        assert row is not None, run_id
        return self._plans(row.release)

    def closed(self, flow: FlowPlan) -> str | None:
        """A connection that a flow uses and that is not open here; None when all of them are."""
        for step in flow.steps:
            name = step.connection if isinstance(step, ReadStep | WriteStep) else None
            if name is not None and name != ENTITY and name not in self._connections.by_name:
                return name
        return None

    def require_open(self, connection: str) -> None:
        """Refuse to ask of a connection that is not open here.

        Raises:
            ConfigurationError: when it is not.

        """
        self._connections.get(connection)

    def returns(self, command: WriteCommand) -> Iterable[str]:
        """The names of what a receipt of a write has."""
        return self._connections.get(command.connection).plan.operation(command.operation).returns

    @staticmethod
    def restored(row: EventRow, plan: Plan) -> Event:
        """An accepted event, with its data as a plan reads it.

        Raises:
            PrunedError: when what it said was pruned.

        """
        if is_pruned(row.body):
            raise PrunedError(f"what the event {row.id} said was pruned, so nothing can be decided by it")
        return restore(plan, _kept(row), row.version)

    def sorted(self, run_id: str, commands: Iterable[Command]) -> tuple[list[WriteCommand], list[Command]]:
        """Of the commands of a run: the writes that the ledger has, and whatever it does not have.

        A turn commits everything that it decides, so that a run that had begun has nothing of the latter but
        reads; one that had stood in line behind its order key has decided nothing yet.
        """
        effects = {row.key for row in self._reader.effects(run_id)}
        known = {row.id for row in self._reader.holds_of_run(run_id)}
        known.update(row.id for row in self._reader.alerts_of_run(run_id))
        known.update(row.id for row in self._reader.waits_of_run(run_id))
        writes: list[WriteCommand] = []
        new: list[Command] = []
        for command in commands:
            match command:
                case WriteCommand() if command.effect_key in effects:
                    writes.append(command)
                case HoldCommand(hold_id=name) | AlertCommand(alert_id=name) | WaitCommand(wait_id=name) if (
                    name in known
                ):
                    pass
                case EmitCommand() if self._reader.events_caused(command.effect_key):
                    pass
                case CloseHoldCommand() if self._is_closed(command.hold_id):
                    pass
                case _:
                    new.append(command)
        return writes, new

    def _is_closed(self, hold_id: str) -> bool:
        row = self._reader.hold(hold_id)
        return row is not None and row.release_commit is not None

    def _recorded(self, run: RunRow) -> list[tuple[str, Answer, bool]]:
        """The answers of a run in the order of commits; in one commit receipts, then answers in their order.

        That is the order in which a turn can have brought them about: a receipt may lead to a hold that an
        event of the same turn has checked again. What persons, events and time did to holds and waits are
        answers, in the order in which the turn came by them. Each comes with whether it was only taken in.
        """
        found: list[tuple[int, int, str, Answer, bool]] = []
        run_id = run.id
        for effect in self._reader.effects(run_id):
            _require_whole(effect.receipt, run_id)
            key = command_key(effect, run)
            if effect.settle_commit is not None:
                found.append((effect.settle_commit, 0, key, outcome(effect), False))
            elif effect.status == "unknown":
                found.append((effect.commit, 3, key, outcome(effect), False))
        found.extend(
            (row.commit, 1, row.key, *_answer(row))
            for row in self._reader.answers(run_id)
            if row.kind != ORDERED and _require_whole(row.body, run_id)
        )
        return [(key, answer, later) for _, _, key, answer, later in sorted(found, key=lambda item: item[:2])]

    def _decoded(self, plan: Plan, command: Command | None, answer: Answer) -> Answer:
        """An answer with its dates as such; it was recorded as JSON."""
        decode = None if answer.value is None or command is None else self._decoder(plan, command)
        return answer if decode is None else Answer(decode(answer.value))

    def _decoder(self, plan: Plan, command: Command) -> Decoder | None:
        """What gives the answer to a command its dates back."""
        if isinstance(command, WaitCommand):
            return plan.events[command.event].decode
        if not isinstance(command, ReadCommand):
            return None
        if command.connection == "entity":
            entity = plan.entities.get(command.operation)
            return None if entity is None else entity.decode
        operation = self._connections.get(command.connection).plan.operation(command.operation)
        return decoder(operation.gives)


def command_key(effect: EffectRow, run: RunRow) -> str:
    """The key of the command that an effect of a run was asked for by."""
    about = effect.key.removeprefix(f"{run.id}/")
    taken_back = about.removesuffix("/undo")
    return f"write:{about}" if about == taken_back else f"{UNDO}{taken_back}"


def _kept(row: EventRow) -> Event:
    return Event(
        id=row.id,
        type=row.type,
        data={},
        text=row.body,
        order_key=row.order_key,
        at=read_instant(row.at),
        accepted_at=read_instant(row.accepted_at),
        cause=row.cause,
        depth=row.depth,
    )


def _require_whole(text: str | None, run_id: str) -> str | None:
    """Refuse to decide a run again by what is left of an answer that was pruned."""
    if is_pruned(text):
        raise PrunedError(f"what the run {run_id} was told was pruned, so it cannot be decided again")
    return text


def _by_key(commands: Iterable[Command]) -> dict[str, Command]:
    return {one.key: one for one in commands if isinstance(one, (*_ASKING, WaitCommand))}


def _answer(row: AnswerRow) -> tuple[Answer, bool]:
    """What a run was told, and whether it was only taken in."""
    body = cast("dict[str, Value]", read_json(row.body))
    failure = body.get("failure")
    return Answer(body.get("value"), None if failure is None else str(failure)), LATER in body


def outcome(row: EffectRow) -> Answer:
    """What a run is told of an effect that is settled, or in doubt for good."""
    if row.status == "done":
        return Answer(read_json(row.receipt or "{}"))
    failure = cast("dict[str, Value]", read_json(row.failure or "{}"))
    reason = str(failure.get("reason") or f"the effect was {row.status}")
    fault = str(failure.get("fault") or "")
    return Answer(None, reason, unknown=row.status == "unknown", fault=fault)
