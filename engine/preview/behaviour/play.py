"""Runs of events without a world: what is recorded answers them, and what they write is kept.

What lives here: one side, and the part that both share. What does not: any decision (:mod:`engine.core`), and
comparing (:mod:`engine.preview.behaviour.outcome`).

A flow whose meaning is the same on both sides is decided once, in the part that both share, as long as it is
given the same: the same event, the same entities, the same cross references. Where one side knows something
else, its runs go on apart.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

from engine.core import (
    AlertCommand,
    Answer,
    CloseHoldCommand,
    Command,
    EmitCommand,
    EvaluationError,
    HoldCommand,
    LookUpCommand,
    ReadCommand,
    RunState,
    RunStatus,
    WaitCommand,
    WriteCommand,
    advance_own,
    begin,
    expiry,
    reason,
    run_name,
    starts,
    timed_out,
    timers,
    wait_ends,
    waits_for,
    woken_by,
)
from engine.core.accept import Offer
from engine.event import Event
from engine.plan.plan import FlowPlan, Plan
from engine.plan.step import ENTITY, WaitStep
from engine.preview.behaviour.past import Moment, Past
from engine.preview.behaviour.sample import Recorded, key_of_read, of_run
from engine.preview.behaviour.twin import TRIED, PartingError, Twin
from engine.preview.behaviour.unrecorded import Unrecorded, UnrecordedError, unrecorded_in
from engine.values.json_text import read_json, write_json
from engine.values.type import DecodeError, Decoder
from engine.values.value import Value

MOST_TURNS = 10_000  # after one event: flows that start each other without end are stopped

# What both sides do alike, whatever each of them knows.
_KNOWN_ALIKE = frozenset({AlertCommand, CloseHoldCommand, EmitCommand, HoldCommand, WriteCommand})
_NO_EVENTS: frozenset[str] = frozenset()
_OPEN = frozenset({RunStatus.HELD, RunStatus.WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A release that decides: its plan, and what is known of the operations that its flows use."""

    plan: Plan
    decoders: Mapping[str, Decoder | None] = field(default_factory=dict)  # of what a read gives, by operation
    returns: Mapping[str, frozenset[str]] = field(default_factory=dict)  # what a receipt has, by operation


@dataclass(slots=True, eq=False)
class Run:
    """One run as it is played."""

    flow: FlowPlan
    event: Event
    recorded: Recorded
    status: str = RunStatus.RUNNING
    reason: str | None = None
    state: RunState | None = None
    writes: list[WriteCommand] = field(default_factory=list)
    emits: list[EmitCommand] = field(default_factory=list)
    alerts: list[AlertCommand] = field(default_factory=list)
    holds: dict[str, HoldCommand] = field(default_factory=dict)  # every one that was opened, by key
    missing: list[str] = field(default_factory=list)  # what it would have to know, in words
    made_up: bool = False  # whether it was given a receipt with something in it that nobody recorded
    twin: Twin | None = None  # the flow as each side has it, where this one decides for both
    given: tuple[dict[str, Answer], ...] = ()  # what it was answered, to decide again
    awaited: frozenset[str] = frozenset()  # the events that may move it
    is_timed: bool = False  # whether time may move it
    is_behind: bool = False  # whether another run stops its order key, so that it does not begin by itself
    id: str = field(init=False)  # flow and event: the same on both sides

    def __post_init__(self) -> None:
        """Put its name together once."""
        self.id = run_name(self.flow.name, self.event.id)

    def copy(self) -> "Run":
        """A copy that goes on without changing this one."""
        lists = list(self.writes), list(self.emits), list(self.alerts), dict(self.holds), list(self.missing)
        state = None if self.state is None else self.state.copy()
        facts = self.flow, self.event, self.recorded, self.status, self.reason, state
        return Run(*facts, *lists, self.made_up, is_behind=self.is_behind)

    @property
    def is_open(self) -> bool:
        """Whether events, time or persons may still move it."""
        return bool(self.awaited or self.is_timed) and self.status in _OPEN and not self.missing


class Emitted(NamedTuple):
    """What a run emits, and when."""

    run: Run
    command: EmitCommand
    at: datetime


class _Due(NamedTuple):
    at: datetime
    number: int
    run: Run
    key: str
    about: str
    answer: Answer


def _when(due: _Due) -> tuple[datetime, int]:
    return due[:2]


class _ApartError(Exception):
    """A run asks for something that the two sides know otherwise."""


class Player:
    """Plays events for one side, or for what both share."""

    def __init__(self, side: Side, *, common: "Player | None" = None) -> None:
        """With ``common``, what is not known here may be known there."""
        self._side = side
        self._common = common
        self.known: set[str] = set()
        self.runs: dict[str, Run] = {}  # those that are not given away, by id
        self._receipts: dict[str, dict[str, Any]] = {}
        self.entities: dict[tuple[str, str], Value] = {}
        self.ids: dict[tuple[str, str, str], Value] = {}
        self._open: dict[str, dict[str, Run]] = {}  # runs that an event may wake, by its type
        self._due: list[_Due] = []
        self._todo: deque[tuple[Run, dict[str, Answer]]] = deque()
        self.emits: list[Emitted] = []  # what nobody has taken in yet
        self._waits: dict[int, frozenset[str]] = {}  # the events that a flow waits for, by its identity
        self.stopped: dict[str, Run] = {}  # what stops an order key
        self.apart: tuple[Player, ...] = ()  # the two sides, of the part that they share
        self.past = Past({}, count())  # what steps may look back at
        self.reads: frozenset[str] = frozenset()  # the entities that steps of either side ask the ledger for
        self.moment = Moment()

    # --- events ---------------------------------------------------------------------------------

    def keep(self, made: Offer) -> bool:
        """Take an event down; whether it is a new one that flows can work."""
        event = made.event
        if event.id in self.known or (self._common is not None and event.id in self._common.known):
            return False
        self.known.add(event.id)
        self.past.add(event)
        self.moment.now = event.accepted_at
        if made.plan.entity in self.reads and not made.complaints and made.plan.keep != "none":
            key = str(made.plan.entity), str(event.data.get(made.plan.entity_key))
            self.entities[key] = event.data
            for player in self.apart:
                player.entities.pop(key, None)
        return True

    def start_twin(self, twin: Twin, made: Offer, recorded: Recorded) -> list[Run]:
        """Begin the run of a flow once for both sides; where it parts at once, on each of them."""
        twin.tried += 1
        if not twin.tried % TRIED:
            twin.weigh()
        try:
            run = self.start(twin.both, made, recorded, twin)
        except PartingError:
            twin.parted += 1
            pairs = zip(self.apart, twin.sides, strict=True)
            begun = [player.start(flow, made, recorded) for player, flow in pairs]
            return [one for one in begun if one is not None]
        return [] if run is None else [run]

    def start(self, flow: FlowPlan, made: Offer, recorded: Recorded, twin: Twin | None = None) -> Run | None:
        """Begin the run of a flow; None when the event starts none."""
        run = Run(flow, made.event, recorded, twin=twin)
        if made.complaints:
            run.status, run.reason = RunStatus.REJECTED, "; ".join(made.complaints)
            self.runs[run.id] = run
            return run
        try:
            if not starts(flow, made.event):
                return None
        except EvaluationError as error:
            run.status, run.reason = RunStatus.FAILED, str(error)
            self.runs[run.id] = run
            return run
        run.state, commands = begin(flow, made.event)
        if self.stopped or self._common is not None:
            run.is_behind = self.stops(made.event)
        self.runs[run.id] = run
        self._go_on(run, commands)
        self._rest()
        return run

    def _let_go(self, run: Run) -> None:
        """A run stops its order key no more."""
        key = run.event.order_key
        if key is not None and self.stopped.get(key) is run:
            del self.stopped[key]

    def stops(self, event: Event) -> bool:
        """Whether a run of another event stops the order key of this one."""
        if event.order_key is None:
            return False
        found = self.stopped.get(event.order_key)
        if found is not None and found.event.id != event.id:
            return True
        return self._common is not None and self._common.stops(event)

    def wake(self, event: Event) -> list[Run]:
        """Go on with the runs that waited for this event."""
        if event.type not in self._open:
            return []
        found = []
        for run in list(self._open.get(event.type, {}).values()):
            assert run.state is not None
            answers = woken_by(run.state, event)
            if answers:
                found.append(run)
                self._todo.append((run, answers))
        self._rest()
        return found

    def would_wake(self, event: Event) -> list[Run]:
        """The runs that waited for this event."""
        waiting = self._open.get(event.type, {}).values()
        return [run for run in waiting if run.state is not None and woken_by(run.state, event)]

    def adopt(self, run: Run, commands: Collection[Command], due: Iterable[_Due], flow: FlowPlan) -> None:
        """Take over a run of the shared part, as it stands, by the flow of this side."""
        mine = run.copy()
        mine.flow = flow
        if mine.state is not None:
            mine.state.flow = flow
        self._adopted(mine, commands, due)

    def decide_again(self, run: Run, due: Iterable[_Due], flow: FlowPlan) -> None:
        """Take over a run of the shared part that decides otherwise by the flow of this side.

        All before its last answers was decided alike, and was done; it is decided again to get at the state.
        """
        mine = run.copy()
        mine.flow = flow
        state, commands = begin(flow, mine.event)
        try:
            for answers in run.given:
                mine.state = state
                state, commands = advance_own(state, answers)
        except UnrecordedError as error:
            mine.missing.append(error.what)
            commands = []
        mine.state = state
        self._adopted(mine, commands, due)

    def _adopted(self, mine: Run, commands: Collection[Command], due: Iterable[_Due]) -> None:
        self.runs[mine.id] = mine
        for one in due:
            self._note(one._replace(run=mine))
        self._go_on(mine, commands)
        self._rest()

    def part(self, run: Run, commands: Collection[Command] = ()) -> None:
        """Give a run of the shared part to both sides, which go on with these commands."""
        due = self._parted(run)
        for player, flow in zip(self.apart, _flows_of(run), strict=True):
            player.adopt(run, commands, due, flow)

    def part_ways(self, run: Run) -> None:
        """Give a run to both sides, which decide otherwise what it was answered last."""
        due = self._parted(run)
        for player, flow in zip(self.apart, _flows_of(run), strict=True):
            player.decide_again(run, due, flow)

    def _parted(self, run: Run) -> list[_Due]:
        self.drop(run)
        self._let_go(run)
        if run.twin is not None:
            run.twin.parted += 1
        return sorted((one for one in self._due if one.run is run), key=_when) if run.is_timed else []

    def drop(self, run: Run) -> None:
        """Give a run away."""
        self.runs.pop(run.id, None)
        for event in run.awaited:
            self._open[event].pop(run.id, None)

    @property
    def is_timed(self) -> bool:
        """Whether time may move anything."""
        return bool(self._due)

    @property
    def next_due(self) -> tuple[datetime, int]:
        """When time moves something here next, and which of several then, where it may move anything."""
        return _when(self._due[0])

    def pass_next(self) -> Run | None:
        """What is due next happens; the run that it moved, if any."""
        due = heappop(self._due)
        state = due.run.state
        if state is None or self.runs.get(due.run.id) is not due.run:
            return None
        if state.open_holds.get(due.key) != due.about if due.about else not waits_for(state, due.key):
            return None
        self.moment.now = due.at
        self._todo.append((due.run, {due.key: due.answer}))
        self._rest()
        return due.run

    def emitted(self) -> list[Emitted]:
        """What runs have emitted since this was asked last."""
        found, self.emits = self.emits, []
        return found

    # --- runs -----------------------------------------------------------------------------------

    def _rest(self) -> None:
        turns = 0
        while self._todo:
            run, answers = self._todo.popleft()
            turns += 1
            if run.state is None or run.missing or turns > MOST_TURNS:
                continue
            if run.twin is not None:
                run.given += (answers,)
                if any(answer.fault for answer in answers.values()):  # a policy may say where it moves to
                    self.part_ways(run)
                    continue
            try:
                run.state, commands = advance_own(run.state, answers)
            except PartingError:
                self.part_ways(run)
                continue
            except UnrecordedError as error:
                run.missing.append(error.what)
                continue
            self._go_on(run, commands)

    def _go_on(self, run: Run, commands: Collection[Command]) -> None:
        """Answer what is asked; where the sides know it otherwise, they go on apart."""
        answers = self._do(run, commands) if not self.apart else self._do_for_both(run, commands)
        if answers:
            self._todo.append((run, answers))
        elif answers is not None:
            self._stand(run)

    def _do_for_both(self, run: Run, commands: Collection[Command]) -> dict[str, Answer] | None:
        """The same in the shared part; None when the run was given to both sides."""
        if _KNOWN_ALIKE.issuperset(map(type, commands)):
            return self._do(run, commands)
        lists: tuple[list[Any], ...] = run.writes, run.emits, run.alerts, run.missing, self.emits
        marks = [len(one) for one in lists]
        holds = dict(run.holds)
        try:
            return self._do(run, commands)
        except _ApartError:
            for found, mark in zip(lists, marks, strict=True):
                del found[mark:]
            run.holds = holds
            self.part(run, commands)
            return None

    def _stand(self, run: Run) -> None:
        """Take down where a run stands, and which events may move it."""
        state = run.state
        assert state is not None
        run.status = state.status
        if run.status == RunStatus.COMPLETED and not run.awaited:
            if self.stopped:
                self._let_go(run)
            return
        run.reason = reason(state)
        if run.made_up and run.status == RunStatus.FAILED:
            run.missing.append(f"what was returned to it: {run.reason}")
        if run.status in run.flow.stops_key and not run.missing and run.event.order_key is not None:
            self.stopped.setdefault(run.event.order_key, run)
        elif self.stopped:
            self._let_go(run)
        awaited = self._awaited(run) if run.status in _OPEN and not run.missing else _NO_EVENTS
        if awaited == run.awaited:
            return
        for event in run.awaited - awaited:
            self._open[event].pop(run.id, None)
        for event in awaited:
            self._open.setdefault(event, {})[run.id] = run
        run.awaited = awaited

    def _awaited(self, run: Run) -> frozenset[str]:
        """The events that may move a run."""
        waits = self._waits.get(id(run.flow))
        if waits is None:
            waits = self._waits[id(run.flow)] = frozenset(
                step.event for step in run.flow.steps if isinstance(step, WaitStep)
            )
        untils = [hold.hold.until.event for hold in run.holds.values() if hold.hold.until is not None]
        return waits.union(untils) if untils else waits

    def _do(self, run: Run, commands: Iterable[Command]) -> dict[str, Answer]:
        """Answer the commands of a run as far as they can be, and keep what they would do."""
        answers: dict[str, Answer] = {}
        for command in commands:
            if run.made_up and (what := unrecorded_in(command)) is not None:
                run.missing.append(what)
                continue
            match command:
                case WriteCommand():
                    run.writes.append(command)
                    self._answer(run, answers, command.key, self._written(run, command))
                case ReadCommand():
                    self._answer(run, answers, command.key, self._read(run, command))
                case LookUpCommand():
                    self._answer(run, answers, command.key, self._looked_up(run, command))
                case HoldCommand():
                    self._hold(run, command, answers)
                case WaitCommand():
                    self._wait(run, command, answers)
                case _:
                    self._take_down(run, command)
        return answers

    def _take_down(self, run: Run, command: Command) -> None:
        """What is not answered, or by time and events alone."""
        match command:
            case EmitCommand():
                run.emits.append(command)
                self.emits.append(Emitted(run, command, self.moment.now))
            case AlertCommand():
                run.alerts.append(command)
            case _:
                pass  # of a hold that is closed, the run itself knows

    @staticmethod
    def _answer(run: Run, answers: dict[str, Answer], key: str, answer: Answer | str) -> None:
        if isinstance(answer, str):
            run.missing.append(answer)
        else:
            answers[key] = answer

    def _read(self, run: Run, command: ReadCommand) -> Answer | str:
        name = f"{command.connection}.{command.operation}"
        reads, question = run.recorded.reads, key_of_read(name, command.parameters)
        found = reads.get(of_run(run.id, question)) or reads.get(question)
        number = int(command.key.rpartition("#")[2]) if "#" in command.key else 0
        if found is not None and number < len(found):
            return self._decoded(name, found[number])
        if command.connection == ENTITY and set(command.parameters) == {"id"}:
            key = command.operation, str(command.parameters["id"])
            value = self._entity(key)
            if value is not None:
                return Answer(value)
        return f"read {name} {_short(command.parameters)}"

    def _decoded(self, name: str, answer: Answer) -> Answer | str:
        decode = self._side.decoders.get(name)
        if decode is None or answer.value is None:
            return answer
        try:
            return Answer(decode(answer.value), answer.failure)
        except DecodeError as error:
            return f"{name} answered otherwise than its schema says: {error}"

    def _entity(self, key: tuple[str, str]) -> Value:
        if any(key in other.entities for other in self.apart):
            raise _ApartError
        found = self.entities.get(key)
        return self._common.entities.get(key) if found is None and self._common is not None else found

    def _looked_up(self, run: Run, command: LookUpCommand) -> Answer | str:
        key = command.entity, command.canonical_id, command.system
        if any(key in other.ids for other in self.apart):
            raise _ApartError
        look_ups = run.recorded.look_ups
        found = look_ups.get(of_run(run.id, command.key)) or look_ups.get(command.key)
        if found is not None:
            return found
        value = self.ids.get(key)
        if value is None and self._common is not None:
            value = self._common.ids.get(key)
        return (
            f"the id of {command.entity} {command.canonical_id} in {command.system}"
            if value is None
            else Answer(value)
        )

    def _written(self, run: Run, command: WriteCommand) -> Answer | str:
        name = f"{command.connection}.{command.operation}"
        receipts = run.recorded.receipts
        known = receipts.get(command.effect_key) if receipts else None
        if known is not None:
            payload, answer = known
            if answer.failure is None:
                self._link(command, answer.value)
                return answer
            if payload == _plain(command.payload):
                return answer
            return f"what {name} says to another record than the one that it refused"
        template = self._receipts.get(name)
        if template is None:
            template = self._receipts[name] = self._template(name)
        receipt: dict[str, Any] = {**template, "id": f"<{command.effect_key}>"}
        run.made_up = run.made_up or len(receipt) > 1
        self._link(command, receipt)
        return Answer(receipt)

    def _template(self, name: str) -> dict[str, Any]:
        """A receipt in which nothing was recorded."""
        returns = self._side.returns.get(name, frozenset())
        return {one: Unrecorded(f"what {name} returns as {one}") for one in returns}

    def _link(self, command: WriteCommand, receipt: Value) -> None:
        if command.links and isinstance(receipt, Mapping):
            for entity, canonical_id in command.links:
                key = entity, canonical_id, command.connection
                self.ids[key] = receipt.get("id")
                for player in self.apart:
                    player.ids.pop(key, None)

    def _hold(self, run: Run, command: HoldCommand, answers: dict[str, Answer]) -> None:
        run.holds[command.key] = command
        ended = run.recorded.persons.get(f"{run.id} {command.key}")
        if ended is not None:
            if ended.at is None or ended.at <= self.moment.now:
                answers[command.key] = ended.answer
                return
            self._note(_Due(ended.at, 0, run, command.key, command.hold_id, ended.answer))
        for timer in timers(command, self.moment.now):
            ends = expiry(timer)
            if ends is not None:
                self._note(_Due(timer.at, 0, run, command.key, command.hold_id, ends))

    def _wait(self, run: Run, command: WaitCommand, answers: dict[str, Answer]) -> None:
        if command.look_back_seconds is not None:
            answer = self._looked_back(run, command, timedelta(seconds=command.look_back_seconds))
            if answer is not None:
                answers[command.key] = answer
                return
        until = wait_ends(command, self.moment.now)
        if until is not None:
            self._note(_Due(until, 0, run, command.key, "", timed_out(command.event, until)))

    def _looked_back(self, run: Run, command: WaitCommand, span: timedelta) -> Answer | None:
        """What the last event that came before says, as far back as the step looks; None when none does."""
        assert run.state is not None
        since = self.moment.now - span
        if any(other.past.since(command.event, since) for other in self.apart):
            raise _ApartError
        seen = self.past.since(command.event, since)
        if self._common is not None:
            seen = sorted([*self._common.past.since(command.event, since), *seen])
        for _, event in reversed(seen):
            answer = woken_by(run.state, event).get(command.key) if event.id != run.event.id else None
            if answer is not None:
                return answer
        return None

    def _note(self, due: _Due) -> None:
        due.run.is_timed = True
        heappush(self._due, due._replace(number=next(self.moment.numbers)))


def _flows_of(run: Run) -> tuple[FlowPlan, FlowPlan]:
    """The flow of a run of the shared part, as each side has it."""
    return (run.flow, run.flow) if run.twin is None else run.twin.sides


def _plain(value: Mapping[str, Value]) -> Value:
    return read_json(write_json(value))


def _short(parameters: Mapping[str, Value]) -> str:
    return write_json(dict(parameters)).decode()[:200]
