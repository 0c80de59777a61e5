"""One run, played: the core gives commands, the test answers them, until nothing is left to do."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core import (
    AlertCommand,
    Answer,
    Command,
    EmitCommand,
    EvaluationError,
    HoldCommand,
    LookUpCommand,
    ReadCommand,
    RunState,
    RunStatus,
    WriteCommand,
    advance,
    begin,
    reason,
    starts,
    woken_by,
)
from engine.core.accept import Offer, offer
from engine.event import Event
from engine.flowtest.case import Case
from engine.flowtest.result import TestError
from engine.flowtest.stubs import read_decoder
from engine.flowtest.written import Written
from engine.plan.plan import Plan
from engine.values.json_text import read_json, write_json
from engine.values.value import Value, kind_of

ENTITY = "entity"  # the connection that stands for the ledger's own entity store
NO_RUN = "none"


@dataclass(slots=True, kw_only=True)
class Played:
    """What came of it."""

    status: str = NO_RUN
    reason: str | None = None
    state: RunState | None = None
    writes: dict[str, list[Value]] = field(default_factory=dict)  # payloads by operation
    emits: dict[str, list[Value]] = field(default_factory=dict)  # data by event
    alerts: list[Value] = field(default_factory=list)
    holds: dict[str, str] = field(default_factory=dict)  # policy of each open hold, by its key


def play(case: Case, plan: Plan) -> Played:
    """Play a case.

    Raises:
        TestError: when the run asks for something that the case does not answer.

    """
    return _Play(case, plan).play()


class _Play:
    def __init__(self, case: Case, plan: Plan) -> None:
        self._case = case
        self._plan = plan
        self._played = Played()
        self._policies: dict[str, str] = {}  # by the key of a hold
        self._entities: dict[tuple[str, str], Value] = {}
        self._todo: deque[dict[str, Answer]] = deque()

    def play(self) -> Played:
        case, played = self._case, self._played
        made = self._offer(case.flow.event, case.event)
        if made.complaints:
            played.status, played.reason = RunStatus.REJECTED, "; ".join(made.complaints)
            return played
        try:
            if not starts(case.flow, made.event):
                return played
        except EvaluationError as error:
            played.status, played.reason = RunStatus.FAILED, str(error)
            return played
        self._keep(made)
        played.state, commands = begin(case.flow, made.event)
        self._rest(commands)
        for name, data in case.then:
            self._follow(name, data)
        for policy in case.release:
            self._release(str(policy), policy.span)
        self._sum_up()
        return played

    def _offer(self, name: str, data: Written) -> Offer:
        """The event as it would be accepted: as JSON, checked against its entity."""
        text = write_json(data.value)
        value = read_json(text)
        if not isinstance(value, Mapping):
            raise TestError(f"the data of {name} is {kind_of(value)}, not a record", data.place())
        return offer(self._plan, name, value, text, self._case.now)

    def _keep(self, made: Offer) -> None:
        """What the ledger would keep of an event's entity."""
        plan = made.plan
        if plan.keep != "none" and plan.entity is not None:
            self._entities[plan.entity, str(made.event.data.get(plan.entity_key))] = made.event.data

    def _follow(self, name: str, data: Written) -> None:
        made = self._offer(name, data)
        if made.complaints:
            raise TestError(f"this is no {name}: {'; '.join(made.complaints)}", data.place())
        self._keep(made)
        self._wake(made.event)
        self._rest([])

    def _wake(self, event: Event) -> None:
        assert self._played.state is not None
        answers = woken_by(self._played.state, event)
        if answers:
            self._todo.append(answers)

    def _release(self, policy: str, span: object) -> None:
        """A person releases the holds of a policy."""
        assert self._played.state is not None
        keys = [key for key in self._played.state.open_holds if self._policies[key] == policy]
        if not keys:
            raise TestError(f"no hold of {policy} is open that could be released", span)  # type: ignore[arg-type]
        person: Value = {"by": "a person", "reason": "released by the test"}
        self._todo.extend({key: Answer(person)} for key in keys)
        self._rest([])

    def _rest(self, commands: list[Command]) -> None:
        """Answer until the run asks for nothing any more."""
        state = self._played.state
        assert state is not None
        self._do(commands)
        while self._todo:
            self._played.state, commands = advance(self._played.state or state, self._todo.popleft())
            self._do(commands)

    def _do(self, commands: list[Command]) -> None:
        answers: dict[str, Answer] = {}
        for command in commands:
            match command:
                case ReadCommand():
                    answers[command.key] = self._read(command)
                case LookUpCommand():
                    answers[command.key] = Answer(
                        self._case.xref(command.entity, command.canonical_id, command.system)
                    )
                case WriteCommand():
                    answers[command.key] = self._write(command)
                case EmitCommand():
                    self._emit(command)
                case HoldCommand():
                    self._policies[command.key] = command.policy
                case AlertCommand():
                    self._alert(command)
                case _:
                    pass  # closed holds are gone from the state, and waits end by the events that follow
        if answers:
            self._todo.append(answers)

    def _read(self, command: ReadCommand) -> Answer:
        name = f"{command.connection}.{command.operation}"
        if command.connection != ENTITY:
            return self._case.stubs.read(name, read_decoder(self._case.stubs.operations.get(name)))
        kept = self._entities.get((command.operation, str(command.parameters["id"])))
        if kept is not None:
            return Answer(kept)
        entity = self._plan.entities.get(command.operation)
        return self._case.stubs.read(name, None if entity is None else entity.decode)

    def _write(self, command: WriteCommand) -> Answer:
        name = f"{command.connection}.{command.operation}"
        calls = self._played.writes.setdefault(name, [])
        calls.append(command.payload)
        return self._case.stubs.write(name, len(calls))

    def _emit(self, command: EmitCommand) -> None:
        """An emitted event is accepted like any other, and may end a hold or a wait of this very run."""
        self._played.emits.setdefault(command.event, []).append(command.data)
        text = write_json(command.data)
        made = offer(
            self._plan, command.event, read_json(text), text, self._case.now, cause=command.effect_key
        )
        if made.complaints:
            why = "; ".join(made.complaints)
            raise TestError(
                f"step {command.step} emits what is no {command.event}: {why}", self._case.document.span
            )
        self._keep(made)
        self._wake(made.event)

    def _alert(self, command: AlertCommand) -> None:
        self._played.alerts.append(
            {
                "to": command.to,
                "severity": command.severity,
                "message": command.message,
                "policy": command.policy,
                "step": command.step,
            }
        )

    def _sum_up(self) -> None:
        played = self._played
        assert played.state is not None
        played.status = played.state.status.value
        played.reason = reason(played.state)
        played.holds = {key: self._policies[key] for key in played.state.open_holds}
