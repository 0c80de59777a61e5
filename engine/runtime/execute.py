"""One turn: take what arrived, advance the runs that it concerns, and commit all of it together.

What a turn decides becomes visible outside, as deliveries, reads and answers to senders, only after
its commit. If the commit fails, nothing of it happened and the process must not go on.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

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
    RunStatus,
    WaitCommand,
    WriteCommand,
    advance_own,
    attempt_of,
    begin,
    event_of,
    starts,
    take_in,
    timers,
    wait_ends,
    woken_by,
)
from engine.core.accept import Offer
from engine.core.compensate import COMPENSATE, UNDO
from engine.core.state import WAITING
from engine.errors import InputError, TidegateError
from engine.event import Event
from engine.language.compiled import EvaluationError
from engine.ledger import Commit, CommitResult, Ledger, LedgerReader
from engine.ledger.instants import instant
from engine.ledger.rows import (
    AuditEntry,
    EventTaken,
    HoldReleased,
    LeftRun,
    NewAlert,
    NewAnswer,
    NewEntity,
    NewRun,
    RunFinished,
    RunReopened,
    RunResumed,
    RunRow,
    WaitEnded,
)
from engine.plan.plan import FlowPlan, Plan
from engine.plan.step import WriteStep
from engine.runtime import holding
from engine.runtime.accept import event_row, offer
from engine.runtime.alerting import Alerting
from engine.runtime.attempts import Attempts, Known
from engine.runtime.broken import BrokenRun, is_broken, is_fatal, settle_orphans
from engine.runtime.correlation import Correlation
from engine.runtime.deployed import CANARY_STOP, fact
from engine.runtime.left import Left
from engine.runtime.look_up import LookUps
from engine.runtime.parking import Parking
from engine.runtime.record import FINAL, Rests, alert_row, effect_row, hold_row, refused, wait_row
from engine.runtime.recover import Recovery
from engine.runtime.share import Share
from engine.runtime.timers import Due, Timers, write_timers
from engine.runtime.trial import Trial
from engine.runtime.watch import Watch
from engine.runtime.woken import AT_WORK, IN_LINE, LATER, TURN, in_line, is_woken, turn_key
from engine.values.actors import ENGINE, OPERATIONS
from engine.values.canonical import text_hash
from engine.values.json_text import read_json, write_json
from engine.values.keys import as_key
from engine.values.value import Value


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


class Executor:
    """Everything that is decided goes through here, one turn at a time, from one thread."""

    def __init__(
        self,
        ledger: Ledger,
        plan: Plan,
        recovery: Recovery,
        take_place: Callable[[str, datetime, str], bool],
        share: Share | None = None,
    ) -> None:
        """Work for this plan; runs of other releases are decided by the plans that `recovery` knows.

        `take_place` says whether a write to a connection, by an operation, may go out at once, at this
        instant. With `share`, events are handed to the owners of their partitions.
        """
        self._take_place = take_place
        self.tally = Tally()
        self.live: dict[str, Live] = {}
        self.aside: dict[str, int] = {}  # runs that wait for a system, not in memory: since which turn
        self._plan = plan
        self._ledger = ledger
        self._reader: LedgerReader = ledger.own_reader() if share is None else share.reader
        self._share = share
        self._recovery = recovery
        self.parking = Parking(self._reader)
        self._standing: dict[str, Waiting | None] = {}  # None: it is in the ledger alone
        self.left = Left()
        self._handed_on: set[str] = set()
        self.trial: Trial | None = None
        self.timers = Timers()
        self.watch = Watch()
        self.alerting = Alerting(plan)
        self._correlation = Correlation(self._reader, recovery.plan, plan)
        self._ready: deque[str] = deque()  # of those that stood in line, who may begin
        self.look_ups = LookUps(self._reader, plan.entities)
        self._attempts = Attempts(self._reader, recovery)
        self._broken: dict[str, FlowPlan | None] = {}  # the flows of runs that an error of ours ended
        self._turns = 0
        self._recent: list[tuple[int, Event]] = []  # events that may release a hold that is about to open
        self._written = (EPOCH, instant(EPOCH))
        self._rests = Rests()
        self.begin_turn(EPOCH)

    def begin_turn(self, now: datetime) -> None:
        """Start to collect; `now` is when what is collected is said to have happened."""
        self._turns += 1
        self._now = now
        self._at = instant(now)
        self._commit = Commit()
        self._work = Work()
        self._todo: deque[tuple[str, dict[str, Answer]]] = deque()
        self._new: dict[str, str] = {}  # hash of each event of this turn, by id
        self.look_ups.begin_turn()
        self._touched: dict[str, Live] = {}

    @property
    def busy(self) -> bool:
        """Whether any run is on its way, or stands in line."""
        return bool(self.live or self.aside or self._standing or self.left.runs)

    @property
    def standing(self) -> int:
        """How many runs stand in line behind their order key."""
        return len(self._standing)

    @property
    def at(self) -> str:
        """When what is collected is said to have happened."""
        return self._at

    @property
    def reader(self) -> LedgerReader:
        """The ledger as it was before this turn."""
        return self._reader

    @property
    def recovery(self) -> Recovery:
        """What decides runs again."""
        return self._recovery

    @property
    def commit_rows(self) -> Commit:
        """The rows of the turn that is being made, for those who settle effects."""
        return self._commit

    # --- what arrives ---------------------------------------------------------------------------

    def accept(self, offers: Iterable[Offer]) -> list[str]:
        """Take events; the answer to each: `accepted`, `duplicate` or `conflict` (same id, other body)."""
        waiting = deque(offers)
        self.tally.events += len(waiting)
        known = self._reader.known_events(found.event.id for found in waiting)
        answers = [self._accept(found, known) for found in waiting]
        self.tally.accepted += answers.count("accepted")
        self.tally.duplicates += answers.count("duplicate")
        self.tally.conflicts += answers.count("conflict")
        return answers

    def _accept(self, found: Offer, known: Mapping[str, str]) -> str:
        event = found.event
        seen = self._new.get(event.id) or known.get(event.id)
        if seen is not None:
            if seen == found.body_hash:
                return "duplicate"
            self._commit.conflicts.append(event_row(found, self._text_of(event.accepted_at)))
            return "conflict"
        row = event_row(found, self._text_of(event.accepted_at))
        if not found.complaints and found.plan.keep != "none" and found.plan.entity is not None:
            self._keep(found)
        self._new[event.id] = found.body_hash
        self._commit.events.append(row)
        if self._share is not None:
            self._share.hand_over(self._commit, found)
            return "accepted"
        self._work_on(found)
        if not found.complaints and self._correlation.concerns(event.type):
            self.wake(event)
        return "accepted"

    def look_again(self) -> None:
        """There may be open runs of releases that were not known when this began."""
        self._correlation.look_again()

    @property
    def wakes(self) -> frozenset[str]:
        """The types of events that may end a hold or a wait."""
        return self._correlation.types

    def begin_handed(self, found: Offer, seq: int) -> None:
        """Begin the runs of an event that was accepted before, here or on another machine."""
        self._commit.taken.append(EventTaken(seq))
        self._work_on(found)

    def _work_on(self, found: Offer) -> None:
        """Begin the runs of an event that is accepted in this turn, or was before."""
        if found.complaints:
            self._refuse(found)
            return
        event, trial = found.event, self.trial
        for flow in self._plan.starts.get(event.type, ()):
            if trial is None or not trial.takes(flow.name, event):
                self._start(flow, event)
        if trial is not None:
            self._try(trial, found)

    def _try(self, trial: Trial, found: Offer) -> None:
        """Begin those runs of an event that are on trial, by the release on trial."""
        mine, flows = trial.begun(found)
        for flow in flows:
            if mine.complaints:
                self._refuse_by(flow, mine, trial)
            else:
                self._start(flow, mine.event, trial)

    def begin_trial(self, trial: Trial) -> None:
        """Have a release on trial work its part of what comes in, from now on."""
        self.trial = trial
        self._correlation.include(trial.plan)

    def keep_unfit(self, source: str, records: Iterable[tuple[Value, str]]) -> None:
        """Keep native records that no mapping can use, and tell somebody; the same record is told once."""
        for record, why in records:
            body = write_json(record)
            name = f"unfit/{source}/{text_hash(body)}"
            if self._reader.alert(name) is None and all(alert.id != name for alert in self._commit.alerts):
                detail = write_json({"why": why, "record": record}).decode()
                self._commit.entries.append(AuditEntry(self._at, ENGINE, "record refused", name, detail))
                message = f"A record of {source} cannot be used: {why}"
                self._commit.alerts.append(
                    NewAlert(name, None, None, None, "error", OPERATIONS, message, self._at)
                )
                self.tally.alerts += 1

    def _refuse(self, found: Offer) -> None:
        """An event that does not fit its entity: kept, and rejected by every flow that it would start."""
        event = found.event
        flows = self._plan.starts.get(event.type, ())
        if not flows:
            decisions = write_json({"refused": found.complaints}).decode()
            self._commit.entries.append(AuditEntry(self._at, ENGINE, "event refused", event.id, decisions))
        for flow in flows:
            self._refuse_by(flow, found)

    def _refuse_by(self, flow: FlowPlan, found: Offer, trial: Trial | None = None) -> None:
        """The run of a flow for an event that does not fit: it is rejected at once."""
        event, reason = found.event, "; ".join(found.complaints)
        run_id = f"{flow.name}/{event.id}"
        self._new_run(run_id, flow, event, trial)
        decisions = refused(flow, found.complaints)
        self._commit.runs_finished.append(RunFinished("rejected", self._at, decisions, reason, run_id))
        self._count(RunStatus.REJECTED, 1)
        self._note_trial(run_id, "rejected")

    def _keep(self, found: Offer) -> None:
        event, plan = found.event, found.plan
        assert plan.entity is not None
        entity_id = as_key(str(event.data.get(plan.entity_key)))
        self.look_ups.keep_entity(plan.entity, entity_id, event.data)
        self._commit.entities.append(
            NewEntity(plan.entity, entity_id, event.id, instant(event.at), event.text.decode())
        )

    def _new_run(self, run_id: str, flow: FlowPlan, event: Event, trial: Trial | None = None) -> None:
        if trial is not None:
            trial.note(run_id, "running")
        self._commit.runs.append(
            NewRun(
                run_id,
                event.id,
                flow.name,
                self._plan.release if trial is None else trial.plan.release,
                event.order_key,
                self._text_of(event.accepted_at),
            )
        )
        self.tally.runs += 1

    def _text_of(self, at: datetime) -> str:
        """An instant as text; the events of a turn share one, which is written out once."""
        if at is not self._written[0]:
            self._written = (at, instant(at))
        return self._written[1]

    def _start(self, flow: FlowPlan, event: Event, trial: Trial | None = None) -> None:
        run_id = f"{flow.name}/{event.id}"
        try:
            if not starts(flow, event):
                return
        except EvaluationError as error:
            self._new_run(run_id, flow, event, trial)
            decisions = refused(flow, [str(error)])
            self._commit.runs_finished.append(RunFinished("failed", self._at, decisions, str(error), run_id))
            self._count(RunStatus.FAILED, 1)
            self._note_trial(run_id, "failed")
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this event alone
            self._new_run(run_id, flow, event, trial)
            self.break_run(run_id, error, flow, event.order_key)
            return
        self._new_run(run_id, flow, event, trial)
        if self.parking.keys.enter(event.order_key, event.id, run_id):
            self._begin(run_id, flow, event)
        else:
            self._standing[run_id] = Waiting(flow, event)

    def _begin(self, run_id: str, flow: FlowPlan, event: Event) -> None:
        try:
            state, commands = begin(flow, event)
            live = Live(state, event.order_key, self._turns)
            self.live[run_id] = live
            self._do(run_id, live, commands)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
            self.break_run(run_id, error, flow, event.order_key)

    def answer(self, run_id: str, key: str, answer: Answer) -> None:
        """A read, a delivery or a person brought an answer; it is worked before the turn ends."""
        self._todo.append((run_id, {key: answer}))

    def answered(
        self, run_id: str, key: str, value: Value, failure: str | None, *, transient: bool = False
    ) -> None:
        """The answer to a read; recorded, so that the run can be decided again.

        A failure that says nothing of what was asked for does not end a run that is held: when a read is
        done afresh for a check to be done again, what was read before stands, and somebody is told. Nobody
        wants an answer that comes when the run rests or is over: what came in between had it read afresh once
        more.
        """
        live = self.live.get(run_id)
        if live is None and run_id not in self.aside:
            return
        if live is not None and live.state.status in FINAL:
            del self.live[run_id]  # somebody looked it up since
            return
        said: dict[str, Value] = {"value": value} if failure is None else {"failure": failure}
        before = self._read_before(run_id, key) if transient else None
        if before is not None and failure is not None:
            said = {"value": before.value, "stale": failure}
            value, failure = before.value, None
            self._tell_of_stale(run_id, key, str(said["stale"]))
        self._commit.answers.append(NewAnswer(run_id, key, "read", self._at, write_json(said).decode()))
        self.answer(run_id, key, Answer(value, failure))

    def _read_before(self, run_id: str, key: str) -> Answer | None:
        """What the read before this one brought, if this one is done afresh."""
        first, _, times = key.rpartition("#")
        if not first or not times.isdecimal():
            return None
        answers = self._recall(run_id).state.answers
        formers = (f"{first}#{number}" if number else first for number in range(int(times) - 1, -1, -1))
        found = (answers[former] for former in formers if former in answers)
        return next((answer for answer in found if answer.failure is None), None)

    def _tell_of_stale(self, run_id: str, key: str, why: str) -> None:
        step = key.removeprefix("read:").partition("#")[0].partition("[")[0]
        message = f"{step} could not be read afresh, so a check was done again on what was read before: {why}"
        name = f"{run_id}/{key}"
        self._commit.alerts.append(
            NewAlert(name, run_id, step, None, "warning", OPERATIONS, message, self._at)
        )
        self.tally.alerts += 1

    def weight(self, run_id: str) -> int:
        """How much a run goes before others now: by its flow, and by what calendars say of its labels."""
        return self._weight(self.flow_of(run_id))

    def _flow_weight(self, name: str) -> int:
        """The same of a run that is not known yet, by how its flow is at present."""
        flow = self._plan.flows.get(name)
        return 0 if flow is None else self._weight(flow)

    def _weight(self, flow: FlowPlan) -> int:
        if not (self._plan.boosts and flow.labels):
            return flow.weight
        held = (boost for boost in self._plan.boosts if boost.labels & flow.labels and boost.holds(self._now))
        return flow.weight + sum(boost.more for boost in held)

    def flow_of(self, run_id: str) -> FlowPlan:
        """The flow of a run."""
        return self._broken.get(run_id) or self._recall(run_id).state.flow

    def ways(self, run_id: str, command: WriteCommand) -> Mapping[str, str]:
        """Where the flow of a run wants each class of fault of a write to go; nothing for one taken back."""
        step = self.flow_of(run_id).step(command.step)
        taken_back = command.key.startswith(UNDO)
        return step.effect.faults if isinstance(step, WriteStep) and not taken_back else {}

    def decided_again(self, row: RunRow) -> RunState:
        """A run at rest as it stands; it is not taken into memory."""
        return self._recovery.run(row).state

    def compensate(self, run_id: str, by: str, reason: str) -> None:
        """A person has what a run wrote taken back. The caller made sure that the run is at its end."""
        said: dict[str, Value] = {"by": by, "reason": reason}
        body = write_json({"value": said}).decode()
        self._commit.answers.append(NewAnswer(run_id, COMPENSATE, "person", self._at, body))
        self._commit.runs_reopened.append(RunReopened(self._at, by, reason, run_id))
        live = self._recall(run_id)
        self._count(live.recorded, -1)
        live.recorded = RunStatus.RUNNING
        self.answer(run_id, COMPENSATE, Answer(said))

    def _recall(self, run_id: str) -> Live:
        """The run in memory; one that rests is decided again from what the ledger has of it."""
        self._take_up_left(run_id)
        live = self.live.get(run_id) or self._touched.get(run_id)
        if live is None:
            row = self._row(run_id)
            recovered = self._recovery.run(row)
            live = self._brought_back(row, recovered.state)
            if is_broken(row) and self._is_over(row):
                self._broken[run_id] = live.state.flow
            live.stands = recovered.stands
        self.live[run_id] = live
        return live

    def _row(self, run_id: str) -> RunRow:
        """What the ledger has of a run that it has."""
        row = self._reader.run(run_id)
        assert row is not None, run_id
        return row

    def _brought_back(self, row: RunRow, state: RunState) -> Live:
        """A run in memory again; one that was set aside has been here all the time."""
        status = RunStatus(row.status)
        since = self.aside.pop(row.id, self._turns)
        return Live(state, row.order_key, since, status, status is not RunStatus.RUNNING)

    def set_aside(self, run_ids: Iterable[str]) -> None:
        """Let runs out of memory that wait for a system; their answers bring them back from the ledger."""
        for run_id in run_ids:
            live = self.live.get(run_id)
            if live is not None and not live.kept and not live.rests:
                self.aside[run_id] = live.since
                del self.live[run_id]
        for run_id in self._standing:
            self._standing[run_id] = None

    def fetch(self, run_id: str, effect_key: str) -> WriteCommand:
        """A write that a run which was set aside had asked for; the run is in memory again."""
        row = self._row(run_id)
        recovered = self._recovery.run(row)
        if run_id not in self.live:
            self.live[run_id] = self._brought_back(row, recovered.state)
        asked = (command for command in recovered.commands if isinstance(command, WriteCommand))
        return next(command for command in asked if command.effect_key == effect_key)

    @property
    def next_deadline(self) -> datetime | None:
        """When the first hold or wait is over, or the next look at what stands still is due."""
        found = (self.timers.next_at, self.watch.next_at)
        return min((at for at in found if at is not None), default=None)

    def expire(self, now: datetime) -> None:
        """Do what time does to holds and waits."""
        while (due := self.timers.take(now)) is not None:
            try:
                holding.expire(self, due)
            except Exception as error:
                row = self._reader.hold(due.id) or self._reader.wait(due.id)
                if row is None:
                    raise
                self.break_run(row.run_id, error)
        self.watch.look(self, now)

    def tell_of_alerts(self, now: datetime) -> None:
        """Accept an event for each alert that was raised, where a flow wants to hear of them."""
        if not self.alerting.waits:
            return
        offers = self.alerting.offers(now)
        known = self._reader.known_events(found.event.id for found in offers)
        for found in offers:
            self._accept(found, known)

    @contextmanager
    def consulted(self, run_id: str) -> Iterator[RunState]:
        """The run after all that came before in this turn; let go again when nothing is told to it."""
        self._take_up_left(run_id)
        self._settle_run(run_id)
        known = run_id in self.live
        live = self._recall(run_id)
        if run_id in self._broken:
            self.live.pop(run_id, None)
            raise InputError(f"the run {run_id!r} was ended by an error; have its event worked again")
        yield live.state
        if not known and all(waiting != run_id for waiting, _ in self._todo):
            self.live.pop(run_id, None)

    def answer_recorded(
        self, run_id: str, key: str, kind: str, answer: Answer, event_id: str | None = None
    ) -> None:
        """Tell a run what ended a hold or a wait, and record it as an answer, in the order of this turn."""
        live = self._recall(run_id)
        later = self._has_to_stand(run_id, live)
        said: dict[str, Value] = {"value": answer.value, "event": event_id, LATER: later or None}
        if answer.failure is not None:
            said["failure"] = answer.failure
        body = write_json({name: value for name, value in said.items() if value is not None}).decode()
        self._commit.answers.append(NewAnswer(run_id, key, kind, self._at, body))
        if kind == "wait":
            status = "arrived" if answer.failure is None else "timed out"
            wait_id = f"{run_id}/{key.removeprefix('wait:')}"
            self._commit.waits_ended.append(WaitEnded(status, self._at, event_id, wait_id))
        if later:
            self._stand(run_id, live, {key: answer})
        else:
            self._todo.append((run_id, {key: answer}))

    def _has_to_stand(self, run_id: str, live: Live) -> bool:
        """Whether a run that is told something goes on later; one that rests comes back to its key."""
        if live.rests:
            live.rests = False
            live.stands = not self.parking.keys.come_back(live.order_key, live.state.event.id, run_id)
        return live.stands

    def _stand(self, run_id: str, live: Live, answers: Mapping[str, Answer]) -> None:
        """A run takes in what woke it, and is in the ledger alone until its turn comes."""
        take_in(live.state, answers)
        self._touched[run_id] = live
        self._standing[run_id] = None
        self.live.pop(run_id, None)

    def alert(self, alert: NewAlert) -> None:
        """Tell somebody."""
        self._commit.alerts.append(alert)
        self.tally.alerts += 1

    def wake(self, event: Event) -> None:
        """Runs whose holds or waits this event may end, those in memory and those at rest."""
        self._recent.append((self._turns, event))
        concerned = self._correlation.runs(event)
        # Those in memory have holds and waits that the ledger does not know yet.
        concerned.update(run_id for run_id, live in self.live.items() if _may_wake(live.state))
        concerned.update(run_id for run_id, live in self._touched.items() if _may_wake(live.state))
        for run_id in sorted(concerned):
            self._wake_run(run_id, event)

    def _wake_run(self, run_id: str, event: Event) -> None:
        try:
            self._tell_of_event(run_id, event)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
            self.break_run(run_id, error)

    def _tell_of_event(self, run_id: str, event: Event) -> None:
        if run_id in self._broken:
            return
        with self.consulted(run_id) as state:  # an event before this one may have woken it already
            for key, answer in woken_by(state, event).items():
                kind, _, about = key.partition(":")
                if kind == "recheck":
                    holding.lapse(self, run_id, about.partition("#")[0], event.id)
                self.answer_recorded(run_id, key, kind, answer, event.id)

    def find(self, rows: Iterable[LeftRun]) -> None:
        """Note the runs that a process before this one left: those whose turn it is are taken up later.

        Rows are all that there are, in the order in which the runs began. Runs at rest are no part of this.
        """
        keys = self.parking.keys
        found = in_line(rows)
        further = any(attempt_of(row.id) > 1 for row in found)
        moved = frozenset(self._reader.runs_in_line() if further else ())
        for row in found:
            back = is_woken(row)
            if not back:
                self.parking.put_before(row.seq)
            # A further attempt comes back in the place of the first, unless that had not begun.
            again = attempt_of(row.id) > 1 and row.id not in moved
            take_place = keys.come_back if back or again else keys.enter
            if take_place(row.order_key, event_of(row.id), row.id):
                self.left.found(row.id, self._turns)
            else:
                self._standing[row.id] = None

    def hand_on(self, run_ids: Iterable[str]) -> None:
        """Leave runs to the process after this one, by which others work their events.

        They keep their places under their order keys, so that nobody passes them in the meantime.
        """
        for run_id in run_ids:
            self._handed_on.add(run_id)
            self._standing.pop(run_id, None)
            self.left.taken(run_id)
            self.parking.forget(run_id)

    def take_up(self, number: int) -> None:
        """Take up so many of the runs that a process before this one left, those of high priority first."""
        for run_id in self.left.first(number, self._flow_weight) if number else ():
            self._take_up_left(run_id)

    def _take_up_left(self, run_id: str) -> None:
        """Take up a run before anything is told to it, if a process before this one left it."""
        since = self.left.taken(run_id)
        if since is not None:
            row = self._row(run_id)
            self._take_up(row, since)

    def resume_runs(self, run_ids: Iterable[str]) -> None:
        """Take up runs that a person has go on, as the ledger has them, before those that have not begun."""
        self.look_again()
        for run_id in run_ids:
            self._broken.pop(run_id, None)
            row = self._row(run_id)
            if self.parking.keys.come_back(row.order_key, row.event_id, run_id):
                self._take_up(row)
            else:
                self._commit.runs_resumed.append(RunResumed(self._at, run_id, IN_LINE))
                self._standing[run_id] = None

    def send_once_more(self, run_id: str, command: WriteCommand) -> None:
        """Send a write that the ledger has, and that may be sent again, when it is the turn of its run."""
        live = self.live[run_id]
        if self.parking.keys.is_working(live.order_key, run_id):
            self._work.doubts.append(command)
        else:
            live.kept.append(command)

    def _take_up(self, row: RunRow, since: int | None = None) -> None:
        """Do what a run has asked for and the ledger does not have: all of it, if it had stood in line."""
        try:
            self._work.doubts.extend(self._decide_again(row, since))
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
            self.break_run(row.id, error)

    def _decide_again(self, row: RunRow, since: int | None) -> list[WriteCommand]:
        recovered = self._recovery.run(row)
        live = Live(recovered.state, row.order_key, self._turns if since is None else since)
        self.live[row.id] = live
        known, new = self._recovery.sorted(row.id, recovered.commands)
        if row.reason == IN_LINE and not recovered.stands:
            self._commit.runs_resumed.append(RunResumed(self._at, row.id, AT_WORK))
        self._do(row.id, live, new)
        if recovered.stands:
            self._take_its_turn(row.id, live)
        return known

    def _take_its_turn(self, run_id: str, live: Live) -> None:
        """A run that was woken goes on, now that nobody else of its key is at work."""
        live.stands = False
        if live.recorded is _RUNNING:  # it stands in line in the ledger as well
            self._commit.runs_resumed.append(RunResumed(self._at, run_id, AT_WORK))
        key = turn_key(live.state)
        self._commit.answers.append(
            NewAnswer(run_id, key, TURN, self._at, write_json({"value": True}).decode())
        )
        live.state, commands = advance_own(live.state, {key: Answer(True)})
        self._do(run_id, live, commands)

    # --- deciding -------------------------------------------------------------------------------

    def settle(self) -> None:
        """Advance every run that has answers, until none has any left."""
        while self._todo or self._ready:
            if self._ready:
                self._go_on(self._ready.popleft())
                continue
            self._advance(*self._todo.popleft())

    def _go_on(self, run_id: str) -> None:
        """The turn of a run under its order key has come."""
        if run_id in self._handed_on or run_id in self._broken:
            return
        if run_id not in self._standing:
            self._work.later.extend((run_id, command) for command in self.live[run_id].kept)
            self.live[run_id].kept.clear()
            return
        waiting = self._standing.pop(run_id)
        if waiting is not None:
            self._begin(run_id, waiting.flow, waiting.event)
            return
        woken = self._touched.get(run_id)
        if woken is not None and woken.stands:  # in this turn, so that the ledger does not know it yet
            self.live[run_id] = woken
            try:
                self._take_its_turn(run_id, woken)
            except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
                self.break_run(run_id, error)
            return
        row = self._row(run_id)
        self._take_up(row)

    def let_pass(self, run_id: str, by: str, why: str) -> None:
        """A person has a run stop its order key no longer, if it does."""
        self._ready.extend(self.parking.let_pass(self._commit, self._at, run_id, by, why))

    def free_key(self, key: str, by: str, why: str) -> None:
        """A person lets the others of an order key pass.

        Raises:
            InputError: when nothing stops it.

        """
        self._ready.extend(self.parking.free(self._commit, self._at, key, by, why))

    def _settle_run(self, run_id: str) -> None:
        """Advance one run by the answers that it has."""
        while mine := [answers for waiting, answers in self._todo if waiting == run_id]:
            self._todo = deque(item for item in self._todo if item[0] != run_id)
            for answers in mine:
                self._advance(run_id, answers)

    def _advance(self, run_id: str, answers: dict[str, Answer]) -> None:
        if run_id in self._broken:
            return
        try:
            self._go_on_with(run_id, answers)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
            self.break_run(run_id, error)

    def break_run(
        self, run_id: str, error: Exception, flow: FlowPlan | None = None, order_key: str | None = None
    ) -> None:
        """End one run by an error of ours, and nobody else's; what it had decided before goes on.

        Raises:
            LedgerError: when that was the error.

        """
        if is_fatal(error):
            raise error
        row = self._reader.run(run_id)
        live = self.live.pop(run_id, None) or self._touched.get(run_id)
        self._forget_run(run_id)
        if run_id in self._broken or (row is not None and self._is_over(row)):
            return
        if live is not None:
            flow, order_key = live.state.flow, live.order_key
        elif row is not None:
            flow, order_key = self._known_flow(row), row.order_key
        self._broken[run_id] = flow
        run = BrokenRun(run_id=run_id, flow=flow, error=error)
        before = len(self._commit.alerts)
        run.record(self._commit, self._reader, self._at)
        if order_key is not None:
            self._ready.extend(self.parking.broken(self._commit, self._at, order_key, run))
        self.tally.alerts += len(self._commit.alerts) - before
        self.tally.rested += 1
        self._count(RunStatus.FAILED, 1)
        self._note_trial(run_id, "failed")
        status = (
            live.recorded if live is not None else RunStatus.RUNNING if row is None else RunStatus(row.status)
        )
        if status is not _RUNNING:
            self._count(status, -1)

    def end_orphans(self) -> None:
        """Settle what runs that an error ended had decided, and nobody is at work on any more."""
        for run_id in self._reader.broken_runs():
            settle_orphans(self._commit, self._reader, run_id, self._at)

    def _forget_run(self, run_id: str) -> None:
        """Have nothing more done with a run in this turn."""
        for known in (self._touched, self.aside, self._standing):
            known.pop(run_id, None)
        self.left.taken(run_id)
        self._todo = deque(item for item in self._todo if item[0] != run_id)
        self._work.reads = [item for item in self._work.reads if item[0] != run_id]

    def _is_over(self, row: RunRow) -> bool:
        """Whether a run has ended, and nobody has it go on in this turn."""
        reopened = any(again.id == row.id for again in self._commit.runs_reopened)
        return row.finish_commit is not None and not reopened

    def _known_flow(self, row: RunRow) -> FlowPlan | None:
        """The flow of a run; None when its release cannot be had any more."""
        try:
            return self._recovery.plan(row.release).flows.get(row.flow)
        except TidegateError as error:
            if is_fatal(error):
                raise
            return None

    def _go_on_with(self, run_id: str, answers: dict[str, Answer]) -> None:
        live = self._recall(run_id)
        if run_id in self._broken:  # what came back was written down; there is nothing to go on with
            self.live.pop(run_id, None)
            return
        if live.rests:
            live.rests = False
            self.parking.keys.come_back(live.order_key, live.state.event.id, run_id)
        live.state, commands = advance_own(live.state, answers)
        self._do(run_id, live, commands)

    def _do(self, run_id: str, live: Live, commands: Iterable[Command]) -> None:
        """Turn commands into rows and work; answer at once those that the ledger can answer."""
        answers: dict[str, Answer] = {}
        self._touched[run_id] = live
        for command in commands:
            if run_id in self._broken:
                return
            match command:
                case WriteCommand() | WaitCommand() if live.state.attempt > 1 and (
                    known := self._attempts.known(live.state, command)
                ):
                    answers[command.key] = self._given(run_id, command.key, known)
                case WriteCommand():
                    self._write(run_id, live, command)
                case LookUpCommand() | ReadCommand(connection="entity"):
                    answers[command.key] = self._look_up(run_id, command)
                case ReadCommand():
                    self._recovery.require_open(command.connection)
                    self._work.reads.append((run_id, command))
                case _:
                    self._say(run_id, live, command)
        if answers:
            self._todo.append((run_id, answers))
        elif live.state.status is not _RUNNING and not self._is_told(run_id, live):
            self._rest(run_id, live)

    def _is_told(self, run_id: str, live: Live) -> bool:
        """Whether something has come already for a run that would rest: then it keeps its turn."""
        return live.state.status in _WAKEN and any(waiting == run_id for waiting, _ in self._todo)

    def _say(self, run_id: str, live: Live, command: Command) -> None:
        """A command to which there is no answer."""
        match command:
            case HoldCommand():
                self._hold(run_id, live, command)
            case CloseHoldCommand():
                self._commit.holds_released.append(
                    HoldReleased(self._at, ENGINE, command.why, command.event_id or None, command.hold_id)
                )
            case AlertCommand():
                self._commit.alerts.append(alert_row(run_id, command, self._at))
                self.tally.alerts += 1
            case EmitCommand():
                self._emit(run_id, command, live.state.event)
            case WaitCommand():
                self._wait(run_id, live, command)
            case _:
                pass  # what is answered was taken before

    def _write(self, run_id: str, live: Live, command: WriteCommand) -> None:
        row = effect_row(run_id, command, self._at)
        if not self.parking.keys.is_working(live.order_key, run_id):
            self._commit.effects.append(row)
            live.kept.append(command)
        elif self._take_place(command.connection, self._now, command.operation):
            self._commit.sends.append(row)
            self._work.writes.append((run_id, command))
        else:
            self._commit.effects.append(row)
            self._work.later.append((run_id, command))
        self.tally.effects += 1

    def _given(self, run_id: str, key: str, known: Known) -> Answer:
        """What an attempt before this one brought, as an answer of this one."""
        body = write_json(known.body).decode()
        self._commit.answers.append(NewAnswer(run_id, key, known.kind, self._at, body))
        return known.answer

    def _look_up(self, run_id: str, command: LookUpCommand | ReadCommand) -> Answer:
        kind, value = self.look_ups.answer(command)
        body = write_json({"value": value}).decode()
        self._commit.answers.append(NewAnswer(run_id, command.key, kind, self._at, body))
        return Answer(value)

    def _hold(self, run_id: str, live: Live, command: HoldCommand) -> None:
        times = timers(command, self._now)
        row = hold_row(run_id, command, self._at, write_timers(times))
        self._commit.holds.append(row)
        self.timers.note_hold(row.id, times)
        # An event that came while this run was on its way had no hold to release yet.
        for turn, event in self._recent:
            if turn >= live.since and event.type == row.until_event and event.id != live.state.event.id:
                self._wake_run(run_id, event)

    def _wait(self, run_id: str, live: Live, command: WaitCommand) -> None:
        """A step begins to wait; what came before it counts as far as the step looks back."""
        due = wait_ends(command, self._now)
        self._commit.waits.append(wait_row(run_id, command, self._at, due))
        if due is not None:
            self.timers.note(Due(due, "wait", command.wait_id))
        if command.look_back_seconds is None:
            return
        since = self._now - timedelta(seconds=command.look_back_seconds)
        for event in self._before(live.state, command.event, since):
            answer = woken_by(live.state, event).get(command.key)
            if answer is not None:
                self.answer_recorded(run_id, command.key, "wait", answer, event.id)
                return

    def _before(self, state: RunState, event_type: str, since: datetime) -> Iterator[Event]:
        """The events of a type since then, the last first: those of this turn, then those in the ledger."""
        own, run = state.event.id, self._reader.run(state.run_id)
        new = self._plan if self.trial is None or state.run_id not in self.trial.runs else self.trial.plan
        plan = new if run is None else self._recovery.plan(run.release)
        known = (event for turn, event in reversed(self._recent) if turn == self._turns)
        yield from (event for event in known if event.type == event_type and event.id != own)
        for row in self._reader.events_back(event_type, since):
            if row.id != own:
                yield self._recovery.restored(row, plan)

    def _emit(self, run_id: str, command: EmitCommand, event: Event) -> None:
        # A run that began by a release before this one may tell of what nobody hears of any more.
        known_here = command.event in self._plan.events
        plan = self._plan if known_here else self._recovery.plan_of(run_id)
        text = write_json(command.data)
        data = read_json(text)
        made = offer(
            plan,
            command.event,
            data,
            text,
            self._now,  # when it is emitted: a run that was held for days speaks of today
            None,
            command.effect_key,
            event.depth + 1,
        )
        known = self._reader.known_events([made.event.id])
        self._accept(made, known)

    def _rest(self, run_id: str, live: Live) -> None:
        """A run that waits for nothing that is on its way: let it go, and the next of its order key begin."""
        self.live.pop(run_id, None)
        live.rests = True
        before = len(self._commit.alerts)
        self._ready.extend(self.parking.rest(self._commit, self._at, live.state))
        self.tally.alerts += len(self._commit.alerts) - before

    def _record(self, run_id: str, live: Live) -> None:
        """Where a run stands at the end of the turn, when that is not what the ledger has."""
        state, before = live.state, live.recorded
        live.recorded = state.status
        if state.status is not before:
            self._note_trial(run_id, state.status.value)
        if state.status is _RUNNING:
            if before is not _RUNNING:
                place = None if live.order_key is None else IN_LINE if live.stands else AT_WORK
                self._commit.runs_resumed.append(RunResumed(self._at, run_id, place))
                self._count(before, -1)
            return
        status = _TEXTS[state.status]
        self._rests.record(self._commit, run_id, state, status, self._at)
        ended = self.tally.ended
        self.tally.rested += 1
        ended[status] = ended.get(status, 0) + 1
        if before is not _RUNNING:
            self._count(before, -1)

    def _note_trial(self, run_id: str, status: str) -> None:
        if self.trial is not None and run_id in self.trial.runs:
            self.trial.note(run_id, status)

    def _judge_trial(self) -> None:
        """End a trial whose rule is broken, in the commit in which it is."""
        trial = self.trial
        why = None if trial is None else trial.broken()
        if trial is None or why is None:
            return
        self.trial = None
        said: dict[str, Value] = {"plan": trial.name, "release": trial.plan.release, "reason": why}
        said["rested"] = dict(trial.rested)
        self._commit.entries.append(fact(self._at, ENGINE, CANARY_STOP, said))
        message = f"The release {trial.plan.release[:12]} on trial is stopped: {why}"
        self.alert(NewAlert(f"canary/{trial.name}", None, None, None, "error", OPERATIONS, message, self._at))

    def _count(self, status: RunStatus, by: int) -> None:
        ended = self.tally.ended
        ended[status.value] = ended.get(status.value, 0) + by

    # --- the end of a turn ----------------------------------------------------------------------

    def shrink(self) -> int:
        """Give some empty room of the ledger back to the disk; how many bytes are left of it."""
        return self._ledger.shrink()

    def finish(self, meanwhile: Callable[[], None] | None = None) -> tuple[CommitResult, Work]:
        """Commit the turn; what it wants done outside may then be done.

        `meanwhile` is called while the disk is busy, if anything is written at all.
        """
        for run_id, live in [*self._touched.items()]:
            try:
                self._record(run_id, live)
            except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
                self.break_run(run_id, error)
        self._judge_trial()
        result = self._ledger.commit(self._commit, meanwhile)
        if self._share is None:
            assert not result.duplicates, "events of a turn are looked up before it"
        else:  # another machine may have accepted some in the meantime; nothing hangs on them yet
            self._share.committed(self._commit)
        self.alerting.raised(self._commit.alerts)
        self._forget()
        return result, self._work

    def _forget(self) -> None:
        """Drop the events that came before every run that is in memory: they cannot have missed its holds."""
        if self._recent:
            since = (*(live.since for live in self.live.values()), *self.aside.values(), *self.left.since)
            oldest = min(since, default=self._turns + 1)
            self._recent = [(turn, event) for turn, event in self._recent if turn >= oldest]


EPOCH = datetime.fromtimestamp(0, UTC)
# Every run asks for these, and an enumeration takes long to give them.
_RUNNING = RunStatus.RUNNING
_WAKEN = (RunStatus.HELD, RunStatus.WAITING)  # what may be told something more while it rests
_TEXTS = {status: status.value for status in RunStatus}


def _may_wake(state: RunState) -> bool:
    return bool(state.open_holds) or WAITING in state.steps
