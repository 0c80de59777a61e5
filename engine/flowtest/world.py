"""A case, played: the core gives commands, the test answers them; events arrive, time passes, people release.

What lives here is what runtime and ledger are in production, as far as a flow can tell the difference: events
are accepted once, entities and cross references are kept, waits end, and runs wake each other.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import NamedTuple

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
    Timer,
    WaitCommand,
    WriteCommand,
    advance,
    begin,
    expected,
    expiry,
    reason,
    refused,
    starts,
    timed_out,
    timers,
    wait_ends,
    waits_for,
    woken_by,
)
from engine.core.accept import Offer, offer
from engine.event import Event
from engine.flowtest.case import Act, Case, Person
from engine.flowtest.result import TestError
from engine.flowtest.stubs import read_decoder
from engine.flowtest.written import Written
from engine.plan.expectation import ExpectationPlan
from engine.plan.plan import FlowPlan, Plan
from engine.plan.policy import Hold
from engine.plan.step import ENTITY
from engine.runtime.permission import (
    NOT_PROPOSED,
    Release,
    agreement_refusal,
    proposal_refusal,
    refusal,
    refusal_refusal,
)
from engine.source import Span, Text
from engine.values.json_text import instant_text, read_json, write_json
from engine.values.value import Value, kind_of
from engine.workspace.coverable import STAYS, name_of_flow

NO_RUN = "none"
MOST_TURNS = 10_000  # of one act: flows that start each other without end are stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where one run stands after an act."""

    flow: FlowPlan
    status: str
    reason: str | None
    state: RunState | None  # None when its event was refused
    holds: tuple[str, ...]  # policies whose holds are open
    touched: bool  # whether the act started it or moved it on


@dataclass(slots=True, kw_only=True)
class Chapter:
    """What came of one act, or of all of them."""

    stands: tuple[Stand, ...] = ()
    writes: dict[str, list[Value]] = field(default_factory=dict)  # payloads by operation
    emits: dict[str, list[Value]] = field(default_factory=dict)  # data by event
    alerts: list[Value] = field(default_factory=list)
    refused: str | None = None  # why a release was
    refused_at: Span | None = None


@dataclass(slots=True, eq=False)
class _Run:
    flow: FlowPlan
    status: str
    reason: str | None = None
    state: RunState | None = None
    holds: dict[str, HoldCommand] = field(default_factory=dict)  # by key
    proposed: dict[str, Release] = field(default_factory=dict)  # who has proposed to release them, by key
    touched: bool = True


class _Due(NamedTuple):
    """Something that time does to a run."""

    at: datetime
    number: int
    run: _Run
    key: str
    about: str  # the id of the hold, or the event that is waited for
    timer: Timer | None  # None for a wait


class _Awaited(NamedTuple):
    """Something that has to have happened by then, after an event."""

    at: datetime
    number: int
    expectation: ExpectationPlan
    event: Event


class World:
    """Everything that a case knows while it is played."""

    def __init__(self, case: Case, plan: Plan) -> None:
        """Begin with nothing but the time."""
        self._case = case
        self._plan = plan
        self._now = case.now
        self._runs: list[_Run] = []
        self._known: dict[str, str] = {}  # body hash of each event, by id
        self._entities: dict[tuple[str, str], Value] = {}
        self._ids: dict[tuple[str, str, str], str] = {}
        self._xrefs: dict[str, Value] = dict(case.xrefs)
        self._todo: deque[tuple[_Run, dict[str, Answer]]] = deque()
        self._chapter = Chapter()
        self._due: list[_Due] = []  # a heap
        self._dues = 0
        self._awaited: list[_Awaited] = []  # a heap
        self._events: list[Event] = []  # in the order of acceptance
        self._looking: list[tuple[_Run, str, datetime]] = []  # waits that look back, and since when
        self._numbers: dict[str, int] = {}  # how often each operation was written
        self.stayed: set[str] = set()  # flows that an event did not start, by the name for coverage

    def play(self) -> list[Chapter]:
        """What came of each act.

        Raises:
            TestError: when a run asks for something that the case does not answer.

        """
        return [self._act(act) for act in self._case.acts]

    def _act(self, act: Act) -> Chapter:
        chapter = self._chapter = Chapter()
        for run in self._runs:
            run.touched = False
        self._case.stubs.by_name.update(act.stubs)
        self._xrefs.update(act.xrefs)
        self._pass_time(act)
        if act.event is not None:
            self._arrive(*act.event)
        for verb, policies in act.persons.items():
            for policy in policies:
                self._act_on(verb, policy, act)
        chapter.stands = self.stands()
        return chapter

    def stands(self) -> tuple[Stand, ...]:
        """Where every run stands."""
        return tuple(_stand(run) for run in self._runs)

    # --- time -----------------------------------------------------------------------------------

    def _pass_time(self, act: Act) -> None:
        until = self._now + act.after if act.at is None else act.at
        if until < self._now:
            said = f"{instant_text(until)}, and the test stands at {instant_text(self._now)} already"
            raise TestError(f"this act is at {said}", act.span)
        while (due := self._next_due(until)) is not None:
            self._now = max(due.at, self._now)
            if isinstance(due, _Awaited):
                self._look_at(due)
            else:
                self._time_is_over(due)
                self._rest()
        self._now = until

    def _next_due(self, until: datetime) -> _Due | _Awaited | None:
        """What time does next; at one instant runs come before those who look whether they are complete."""
        firsts = [heap[0] for heap in (self._due, self._awaited) if heap]
        first = min(firsts, key=lambda one: (one.at, isinstance(one, _Awaited)), default=None)
        if first is None or first.at > until:
            return None
        return heappop(self._awaited) if isinstance(first, _Awaited) else heappop(self._due)

    # --- what is expected in time ----------------------------------------------------------------

    def _await(self, event: Event) -> None:
        """Note what is expected of an event, as far as this test plays it."""
        played = {flow.name for flow in self._case.flows}
        for expectation in self._plan.expectations:
            scope = {expectation.input_name: event.data}
            is_played = expectation.flow is None or expectation.flow in played
            if expectation.event == event.type and is_played and expected.concerns(expectation, scope):
                at = expected.due(expectation, event.accepted_at, {} if expectation.is_quiet else scope)
                heappush(self._awaited, _Awaited(at, self._numbered(), expectation, event))

    def _look_at(self, awaited: _Awaited) -> None:
        """Tell somebody of what has not come in time."""
        expectation, event = awaited.expectation, awaited.event
        if expectation.is_quiet:
            if self._has_come_again(awaited):
                return
            why, scope = expected.silent(expectation, instant_text(event.accepted_at)), {}
        else:
            late = self._is_late(expectation, event)
            if not late:
                return
            why = expected.late(expectation, event.id, instant_text(awaited.at), late)
            scope = {expectation.input_name: event.data}
        said: dict[str, Value] = {"to": expectation.to, "severity": expectation.severity}
        message = expected.message(expectation, why, scope)
        self._chapter.alerts.append({**said, "message": message, "expectation": expectation.name})

    def _has_come_again(self, awaited: _Awaited) -> bool:
        """Whether an event that is not to stay away came after the one from which the time counts."""
        expectation = awaited.expectation
        seen = [one for one in self._events if one.type == expectation.event]
        counted = [one for one in seen if expected.concerns(expectation, {expectation.input_name: one.data})]
        return counted[-1] is not awaited.event

    def _is_late(self, expectation: ExpectationPlan, event: Event) -> str:
        """Why what was expected of an event has not come; "" when it has."""
        if expectation.flow is None:
            asked = expected.wanted(expectation, {expectation.input_name: event.data})
            behind = self._events[self._events.index(event) + 1 :]
            came = [one for one in behind if one.type == expectation.comes]
            return (
                ""
                if any(expected.found(expectation, one.data) == asked for one in came)
                else expected.NO_EVENT
            )
        stands = [
            _stand(run)
            for run in self._runs
            if run.flow.name == expectation.flow and run.state is not None and run.state.event is event
        ]
        if not stands:
            return expected.of_no_run(expectation)
        status = str(stands[-1].status)
        return "" if status == RunStatus.COMPLETED else expected.of_run(status, stands[-1].reason)

    def _time_is_over(self, due: _Due) -> None:
        """What time does to a hold or a wait, if it is still open."""
        run, state = due.run, due.run.state
        assert state is not None
        if due.timer is None:
            if waits_for(state, due.key):
                self._todo.append((run, {due.key: timed_out(due.about, due.at)}))
            return
        if state.open_holds.get(due.key) != due.about:
            return
        answer = expiry(due.timer)
        if answer is None:
            self._tell_of(run.holds[due.key], due.timer)
        else:
            self._todo.append((run, {due.key: answer}))

    def _tell_of(self, hold: HoldCommand, timer: Timer) -> None:
        message = f"Held for {timer.after} by policy {hold.policy}: {hold.reason}"
        said: dict[str, Value] = {"to": timer.to, "severity": "error", "message": message}
        self._chapter.alerts.append({**said, "policy": hold.policy, "step": hold.step})

    def _begin_wait(self, run: _Run, command: WaitCommand) -> None:
        """A step begins to wait, and looks back at what came before as far as it says."""
        until = wait_ends(command, self._now)
        if until is not None:
            self._note(_Due(until, self._numbered(), run, command.key, command.event, None))
        if command.look_back_seconds is not None:
            since = self._now - timedelta(seconds=command.look_back_seconds)
            self._looking.append((run, command.key, since))

    def _look_back(self) -> None:
        """The last event since then that a step waits for ends its wait."""
        while self._looking:
            run, key, since = self._looking.pop(0)
            assert run.state is not None
            for event in reversed(self._events):
                if event.accepted_at < since or event.id == run.state.event.id:
                    continue
                answer = woken_by(run.state, event).get(key)
                if answer is not None:
                    self._todo.append((run, {key: answer}))
                    break

    def _open_hold(self, run: _Run, command: HoldCommand) -> None:
        run.holds[command.key] = command
        run.proposed.pop(command.key, None)
        for timer in timers(command, self._now):
            self._note(_Due(timer.at, self._numbered(), run, command.key, command.hold_id, timer))

    def _note(self, due: _Due) -> None:
        heappush(self._due, due)

    def _numbered(self) -> int:
        """Counts what is due, so that of two at one instant the first comes first."""
        self._dues += 1
        return self._dues

    # --- events ---------------------------------------------------------------------------------

    def _arrive(self, name: str, data: Written) -> None:
        text = write_json(data.value)
        value = read_json(text)
        if not isinstance(value, Mapping):
            raise TestError(f"the data of {name} is {kind_of(value)}, not a record", data.place())
        made = offer(self._plan, name, value, text, self._now)
        if made.complaints and not self._started_by(name):
            raise TestError(f"this is no {name}: {'; '.join(made.complaints)}", data.place())
        self._accept(made)
        self._rest()

    def _started_by(self, name: str) -> list[FlowPlan]:
        return [flow for flow in self._case.flows if flow.event == name]

    def _accept(self, made: Offer) -> None:
        """Take an event as the ledger does: once, kept, and told to those who wait for it."""
        event = made.event
        if event.id in self._known:
            return
        self._known[event.id] = made.body_hash
        self._events.append(event)
        flows = self._started_by(event.type)
        if made.complaints:
            said = "; ".join(made.complaints)
            self._runs += [_Run(flow, RunStatus.REJECTED, said) for flow in flows]
            return
        if made.plan.keep != "none" and made.plan.entity is not None:
            self._entities[made.plan.entity, str(event.data.get(made.plan.entity_key))] = event.data
        self._await(event)
        for flow in flows:
            self._start(flow, event)
        for run in list(self._runs):
            if run.state is not None and run.state.event is not event:
                self._wake(run, event)

    def _start(self, flow: FlowPlan, event: Event) -> None:
        try:
            if not starts(flow, event):
                self.stayed.add(name_of_flow(flow.name, STAYS))
                return
        except EvaluationError as error:
            self._runs.append(_Run(flow, RunStatus.FAILED, str(error)))
            return
        run = _Run(flow, RunStatus.RUNNING)
        self._runs.append(run)
        run.state, commands = begin(flow, event)
        self._do(run, commands)

    def _wake(self, run: _Run, event: Event) -> None:
        assert run.state is not None
        answers = woken_by(run.state, event)
        if answers:
            run.proposed.clear()  # it was about other facts
            self._todo.append((run, answers))

    # --- people ---------------------------------------------------------------------------------

    def _act_on(self, verb: str, policy: Text, act: Act) -> None:
        """A person does something about the holds of a policy."""
        held = [(run, key, hold) for run in self._runs for key, hold in _open(run) if hold.policy == policy]
        if not held:
            raise TestError(f"no hold of {policy} is open that could be {_DONE[verb]}", policy.span)
        does = {
            "release": self._release,
            "propose": self._propose,
            "agree": self._agree,
            "refuse": self._refuse,
        }
        for run, key, hold in held:
            why = does[verb](run, key, hold, act)
            if why is not None:
                self._chapter.refused, self._chapter.refused_at = why, policy.span
        self._rest()

    def _release(self, run: _Run, key: str, hold: HoldCommand, act: Act) -> str | None:
        release = _release_by(act.person, hold.hold)
        why = refusal(_detail(hold), release)
        if why is None:
            self._todo.append((run, {key: Answer({"by": release.by, "reason": release.reason})}))
        return why

    def _propose(self, run: _Run, key: str, hold: HoldCommand, act: Act) -> str | None:
        release = _release_by(act.person, hold.hold)
        why = proposal_refusal(_detail(hold), release)
        if why is None:
            run.proposed[key] = release
        return why

    def _agree(self, run: _Run, key: str, hold: HoldCommand, act: Act) -> str | None:
        first = run.proposed.get(key)
        if first is None:
            return NOT_PROPOSED
        second = _release_by(act.person, hold.hold, "a second person")
        why = agreement_refusal(_detail(hold), first, second)
        if why is None:
            self._todo.append((run, {key: Answer({"by": first.by, "reason": first.reason})}))
        return why

    def _refuse(self, run: _Run, key: str, hold: HoldCommand, act: Act) -> str | None:
        release = _release_by(act.person, hold.hold)
        why = refusal_refusal(_detail(hold), release)
        if why is None:
            self._todo.append((run, {key: refused(release.by, act.code, release.reason or "")}))
        return why

    # --- runs -----------------------------------------------------------------------------------

    def _rest(self) -> None:
        """Answer until no run asks for anything any more."""
        turns = 0
        while self._todo:
            run, answers = self._todo.popleft()
            assert run.state is not None
            run.state, commands = advance(run.state, answers)
            run.touched = True
            self._do(run, commands)
            turns += 1
            if turns > MOST_TURNS:
                raise TestError("flows start each other without end", self._case.document.test.span)

    def _do(self, run: _Run, commands: Iterable[Command]) -> None:
        answers: dict[str, Answer] = {}
        for command in commands:
            match command:
                case ReadCommand():
                    answers[command.key] = self._read(command)
                case LookUpCommand():
                    answers[command.key] = Answer(self._xref(command))
                case WriteCommand():
                    answers[command.key] = self._write(command)
                case EmitCommand():
                    self._emit(run, command)
                case HoldCommand():
                    self._open_hold(run, command)
                case WaitCommand():
                    self._begin_wait(run, command)
                case AlertCommand():
                    self._alert(command)
                case _:
                    pass  # closed holds are gone from the state, and waits end by what follows
        if answers:
            self._todo.append((run, answers))
        self._look_back()

    def _read(self, command: ReadCommand) -> Answer:
        name = f"{command.connection}.{command.operation}"
        stubs = self._case.stubs
        if command.connection != ENTITY:
            return stubs.read(name, command.parameters, read_decoder(stubs.operations.get(name)))
        kept = self._entities.get((command.operation, str(command.parameters["id"])))
        if kept is not None:
            return Answer(kept)
        entity = self._plan.entities.get(command.operation)
        answer = stubs.read(name, command.parameters, None if entity is None else entity.decode)
        if entity is not None and isinstance(answer.value, Mapping):
            self._check_whose(name, str(answer.value.get(entity.key)), str(command.parameters["id"]))
        return answer

    def _check_whose(self, name: str, found: str, asked: str) -> None:
        """The ledger gives the entity that is asked for, and never another one."""
        if found != asked:
            raise TestError(
                f"{name} is asked for {asked}, and the test gives {found}",
                self._case.stubs.by_name[name].written.place(),
                f"give each its own: - {{$for: {{id: {asked}}}, ...}}",
            )

    def _xref(self, command: LookUpCommand) -> Value:
        """The id of an entity in another system: what is given, what a write said, or one visibly made up."""
        entity, key, system = command.entity, command.canonical_id, command.system
        given = self._xrefs.get(entity)
        if isinstance(given, Mapping) and key in given:
            found = given[key]
            found = found.get(system) if isinstance(found, Mapping) else found
            return None if found is None else str(found)
        return self._ids.get((entity, key, system), f"?{entity}:{key}@{system}")

    def _write(self, command: WriteCommand) -> Answer:
        name = f"{command.connection}.{command.operation}"
        self._numbers[name] = self._numbers.get(name, 0) + 1
        self._chapter.writes.setdefault(name, []).append(command.payload)
        answer = self._case.stubs.write(name, self._numbers[name], command.payload)
        if isinstance(answer.value, Mapping):
            for entity, canonical_id in command.links:
                self._ids[entity, canonical_id, command.connection] = str(answer.value.get("id"))
        return answer

    def _emit(self, run: _Run, command: EmitCommand) -> None:
        """An emitted event is accepted like any other: it may start runs, and end holds and waits."""
        self._chapter.emits.setdefault(command.event, []).append(command.data)
        text = write_json(command.data)
        depth = 0 if run.state is None else run.state.event.depth + 1
        made = offer(
            self._plan,
            command.event,
            read_json(text),
            text,
            self._now,
            cause=command.effect_key,
            depth=depth,
        )
        if made.complaints and not self._started_by(command.event):
            why = "; ".join(made.complaints)
            span = self._case.document.test.span
            raise TestError(
                f"step {command.step} of {run.flow.name} emits what is no {command.event}: {why}", span
            )
        self._accept(made)

    def _alert(self, command: AlertCommand) -> None:
        self._chapter.alerts.append(
            {
                "to": command.to,
                "severity": command.severity,
                "message": command.message,
                "policy": command.policy,
                "step": command.step,
            }
        )


def runs_of(chapter: Chapter, flow: FlowPlan, *, act: bool) -> list[Stand]:
    """The runs of a flow that an expectation speaks of: those that the act moved, or all of them."""
    stands = [stand for stand in chapter.stands if stand.flow.name == flow.name]
    touched = [stand for stand in stands if stand.touched]
    return touched if act and touched else stands


def together(chapters: list[Chapter]) -> Chapter:
    """All that happened, and where things stand at the end."""
    whole = Chapter()
    for chapter in chapters:
        for name, calls in chapter.writes.items():
            whole.writes.setdefault(name, []).extend(calls)
        for name, events in chapter.emits.items():
            whole.emits.setdefault(name, []).extend(events)
        whole.alerts += chapter.alerts
    if chapters:
        whole.stands = chapters[-1].stands
        whole.refused, whole.refused_at = chapters[-1].refused, chapters[-1].refused_at
    return whole


def _stand(run: _Run) -> Stand:
    state = run.state
    return Stand(
        flow=run.flow,
        status=str(run.status) if state is None else state.status.value,
        reason=run.reason if state is None else reason(state),
        state=state,
        holds=tuple(hold.policy for _, hold in _open(run)),
        touched=run.touched,
    )


def _open(run: _Run) -> Iterator[tuple[str, HoldCommand]]:
    """The open holds of a run, by their keys."""
    if run.state is not None:
        for key in run.state.open_holds:
            yield key, run.holds[key]


_DONE = {"release": "released", "propose": "proposed", "agree": "agreed with", "refuse": "refused"}


def _release_by(person: Person, hold: Hold, otherwise: str = "a person") -> Release:
    """The person as the test says; one of whom it says nothing is whom the hold demands."""
    if person.is_named:
        return Release(
            by=person.by or otherwise, reason=person.reason, role=person.role, second=person.second
        )
    second = None if hold.four_eyes_over is None else "a second person"
    return Release(by=otherwise, reason="decided by the test", role=hold.role, second=second)


def _detail(command: HoldCommand) -> Mapping[str, Value]:
    """What a hold demands of who releases it, as the ledger keeps it."""
    hold = command.hold
    return {
        "amount": command.amount,
        "role": hold.role,
        "reason_required": hold.reason_required,
        "four_eyes_over": hold.four_eyes_over,
    }
