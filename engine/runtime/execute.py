"""One turn: take what arrived, advance the runs that it concerns, and commit all of it together.

What a turn decides becomes visible outside, as deliveries, reads and answers to senders, only after
its commit. If the commit fails, nothing of it happened and the process must not go on.
"""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime

from engine.core import Answer, RunState, RunStatus, WriteCommand, advance_own, begin
from engine.core.accept import Offer
from engine.core.compensate import COMPENSATE, UNDO
from engine.errors import TidegateError
from engine.event import Event
from engine.ledger import Commit, CommitResult, Ledger, LedgerReader
from engine.ledger.instants import instant
from engine.ledger.rows import NewAlert, NewAnswer, RunReopened, RunResumed, RunRow
from engine.plan.plan import FlowPlan, Plan
from engine.plan.step import WriteStep
from engine.runtime.alerting import Alerting
from engine.runtime.arrivals import Arrivals
from engine.runtime.broken import BrokenRun, is_fatal, settle_orphans
from engine.runtime.commands import Commands
from engine.runtime.deployed import CANARY_STOP, deployed_in, fact
from engine.runtime.ended_badly import EndedBadly
from engine.runtime.left import Left
from engine.runtime.look_up import LookUps
from engine.runtime.parking import BADLY, Parking
from engine.runtime.recall import Recall
from engine.runtime.record import FINAL, Rests
from engine.runtime.recover import Recovery
from engine.runtime.share import Share
from engine.runtime.timers import Timers
from engine.runtime.trial import Trial
from engine.runtime.turn import EPOCH, Live, Tally, Turn, Waiting, Work
from engine.runtime.waking import Waking
from engine.runtime.watch import Watch
from engine.runtime.woken import AT_WORK, IN_LINE
from engine.values.actors import ENGINE, OPERATIONS
from engine.values.json_text import write_json
from engine.values.value import Value


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
        self.reader: LedgerReader = ledger.own_reader() if share is None else share.reader  # before this turn
        self.recovery = recovery  # what decides runs again
        self.tally = Tally()
        self.live: dict[str, Live] = {}
        self.aside: dict[str, int] = {}  # runs that wait for a system, not in memory: since which turn
        self.in_line: dict[str, Waiting | None] = {}  # None: it is in the ledger alone
        self.left = Left()
        self.ready: deque[str] = deque()  # of those that stood in line, who may begin
        self.broken: dict[str, FlowPlan | None] = {}  # the flows of runs that an error of ours ended
        self.parking = Parking(self.reader)
        self.trial: Trial | None = None
        self.timers = Timers()
        self.watch = Watch()
        self.alerting = Alerting(plan)
        self.look_ups = LookUps(self.reader, plan)
        self.arrivals = Arrivals(self, plan, share)
        self.commands = Commands(self, plan, take_place)
        self.waking = Waking(self, plan)
        self.recall = Recall(self)
        self.ended_badly = EndedBadly(self, "" if share is None else share.machine)
        self._plan = plan
        self._ledger = ledger
        self._share = share
        self._rests = Rests()
        self._turns = 0
        self.begin_turn(EPOCH)

    def begin_turn(self, now: datetime) -> None:
        """Start to collect; `now` is when what is collected is said to have happened."""
        self._turns += 1
        self.turn = Turn(self._turns, now, instant(now))
        self.look_ups.begin_turn()
        for part in (self.arrivals, self.commands, self.waking, self.recall, self.ended_badly):
            part.begin_turn(self.turn)

    @property
    def busy(self) -> bool:
        """Whether any run is on its way, or stands in line."""
        return bool(self.live or self.aside or self.in_line or self.left.runs)

    @property
    def standing(self) -> int:
        """How many runs stand in line behind their order key."""
        return len(self.in_line)

    @property
    def at(self) -> str:
        """When what is collected is said to have happened."""
        return self.turn.at

    @property
    def commit_rows(self) -> Commit:
        """The rows of the turn that is being made, for those who settle effects."""
        return self.turn.rows

    # --- what arrives ---------------------------------------------------------------------------

    @property
    def wakes(self) -> frozenset[str]:
        """The types of events that may end a hold or a wait."""
        return self.waking.types

    def begin_handed(self, found: Offer, seq: int) -> None:
        """Begin the runs of an event that was accepted before, here or on another machine."""
        self.arrivals.begin_handed(found, seq)

    def leave_strange(self, event: str, seq: int) -> None:
        """Tell somebody of events that this release does not know."""
        self.arrivals.leave_strange(event, seq)

    def wake(self, event: Event) -> None:
        """Tell the runs whose holds or waits this event may end."""
        self.waking.wake(event)

    def begin_trial(self, trial: Trial) -> None:
        """Have a release on trial work its part of what comes in, from now on."""
        self.trial = trial
        self.waking.include(trial.plan)

    def begin_run(self, run_id: str, flow: FlowPlan, event: Event) -> None:
        """Begin a run whose turn it is under its order key."""
        try:
            state, commands = begin(flow, event)
            live = Live(state, event.order_key, self.turn.number)
            self.live[run_id] = live
            self.commands.do(run_id, live, commands)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
            self.break_run(run_id, error, flow, event.order_key)

    def answer(self, run_id: str, key: str, answer: Answer) -> None:
        """A read, a delivery or a person brought an answer; it is worked before the turn ends."""
        self.turn.todo.append((run_id, {key: answer}))

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
        self.turn.rows.answers.append(NewAnswer(run_id, key, "read", self.turn.at, write_json(said).decode()))
        self.answer(run_id, key, Answer(value, failure))

    def _read_before(self, run_id: str, key: str) -> Answer | None:
        """What the read before this one brought, if this one is done afresh."""
        first, _, times = key.rpartition("#")
        if not first or not times.isdecimal():
            return None
        answers = self.recall.run(run_id).state.answers
        formers = (f"{first}#{number}" if number else first for number in range(int(times) - 1, -1, -1))
        found = (answers[former] for former in formers if former in answers)
        return next((answer for answer in found if answer.failure is None), None)

    def _tell_of_stale(self, run_id: str, key: str, why: str) -> None:
        step = key.removeprefix("read:").partition("#")[0].partition("[")[0]
        message = f"{step} could not be read afresh, so a check was done again on what was read before: {why}"
        name = f"{run_id}/{key}"
        self.turn.rows.alerts.append(
            NewAlert(name, run_id, step, None, "warning", OPERATIONS, message, self.turn.at)
        )
        self.tally.alerts += 1

    def weight(self, run_id: str) -> int:
        """How much a run goes before others now: by its flow, and by what calendars say of its labels."""
        return self._weight(self.flow_of(run_id))

    def flow_weight(self, name: str) -> int:
        """The same of a run that is not known yet, by how its flow is at present."""
        flow = self._plan.flows.get(name)
        return 0 if flow is None else self._weight(flow)

    def _weight(self, flow: FlowPlan) -> int:
        if not (self._plan.boosts and flow.labels):
            return flow.weight
        held = (
            boost for boost in self._plan.boosts if boost.labels & flow.labels and boost.holds(self.turn.now)
        )
        return flow.weight + sum(boost.more for boost in held)

    def flow_of(self, run_id: str) -> FlowPlan:
        """The flow of a run."""
        return self.broken.get(run_id) or self.recall.run(run_id).state.flow

    def ways(self, run_id: str, command: WriteCommand) -> Mapping[str, str]:
        """Where the flow of a run wants each class of fault of a write to go; nothing for one taken back."""
        step = self.flow_of(run_id).step(command.step)
        taken_back = command.key.startswith(UNDO)
        return step.effect.faults if isinstance(step, WriteStep) and not taken_back else {}

    def decided_again(self, row: RunRow) -> RunState:
        """A run at rest as it stands; it is not taken into memory."""
        return self.recovery.run(row).state

    def compensate(self, run_id: str, by: str, reason: str) -> None:
        """A person has what a run wrote taken back. The caller made sure that the run is at its end."""
        said: dict[str, Value] = {"by": by, "reason": reason}
        body = write_json({"value": said}).decode()
        self.turn.rows.answers.append(NewAnswer(run_id, COMPENSATE, "person", self.turn.at, body))
        self.turn.rows.runs_reopened.append(RunReopened(self.turn.at, by, reason, run_id))
        live = self.recall.run(run_id)
        self.tally.count(live.recorded, -1)
        live.recorded = RunStatus.RUNNING
        self.answer(run_id, COMPENSATE, Answer(said))

    def alert(self, alert: NewAlert) -> None:
        """Tell somebody."""
        self.turn.rows.alerts.append(alert)
        self.tally.alerts += 1

    # --- deciding -------------------------------------------------------------------------------

    def settle(self) -> None:
        """Advance every run that has answers, until none has any left."""
        while self.turn.todo or self.ready:
            if self.ready:
                self._go_on(self.ready.popleft())
                continue
            self._advance(*self.turn.todo.popleft())

    def _go_on(self, run_id: str) -> None:
        """The turn of a run under its order key has come."""
        if run_id in self.recall.handed_on or run_id in self.broken:
            return
        if run_id not in self.in_line:
            self.turn.work.later.extend((run_id, command) for command in self.live[run_id].kept)
            self.live[run_id].kept.clear()
            return
        waiting = self.in_line.pop(run_id)
        if waiting is not None:
            self.begin_run(run_id, waiting.flow, waiting.event)
            return
        woken = self.turn.touched.get(run_id)
        if woken is not None and woken.stands:  # in this turn, so that the ledger does not know it yet
            self.live[run_id] = woken
            try:
                self.recall.take_its_turn(run_id, woken)
            except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
                self.break_run(run_id, error)
            return
        row = self.recall.row(run_id)
        self.recall.take_up_row(row)

    def let_pass(self, run_id: str, by: str, why: str) -> None:
        """A person has a run stop its order key no longer, if it does."""
        self.ready.extend(self.parking.let_pass(self.turn.rows, self.turn.at, run_id, by, why))

    def free_key(self, key: str, by: str, why: str) -> None:
        """A person lets the others of an order key pass.

        Raises:
            InputError: when nothing stops it.

        """
        self.ready.extend(self.parking.free(self.turn.rows, self.turn.at, key, by, why))

    def settle_run(self, run_id: str) -> None:
        """Advance one run by the answers that it has."""
        while mine := [answers for waiting, answers in self.turn.todo if waiting == run_id]:
            self.turn.todo = deque(item for item in self.turn.todo if item[0] != run_id)
            for answers in mine:
                self._advance(run_id, answers)

    def _advance(self, run_id: str, answers: dict[str, Answer]) -> None:
        if run_id in self.broken:
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
        row = self.reader.run(run_id)
        live = self.live.pop(run_id, None) or self.turn.touched.get(run_id)
        self._forget_run(run_id)
        if run_id in self.broken or (row is not None and self.is_over(row)):
            return
        if live is not None:
            flow, order_key = live.state.flow, live.order_key
        elif row is not None:
            flow, order_key = self._known_flow(row), row.order_key
        self.broken[run_id] = flow
        run = BrokenRun(run_id=run_id, flow=flow, error=error)
        before = len(self.turn.rows.alerts)
        run.record(self.turn.rows, self.reader, self.turn.at)
        if len(self.turn.rows.alerts) == before:  # it was broken before, and that alert may be done with
            self.ended_badly.failed(run_id, flow, run.reason)
        if order_key is not None:
            self.ready.extend(self.parking.broken(self.turn.rows, self.turn.at, order_key, run))
        self.tally.alerts += len(self.turn.rows.alerts) - before
        self.tally.rested += 1
        self.tally.count(RunStatus.FAILED, 1)
        self.note_trial(run_id, "failed")
        status = (
            live.recorded if live is not None else RunStatus.RUNNING if row is None else RunStatus(row.status)
        )
        if status is not _RUNNING:
            self.tally.count(status, -1)

    def end_orphans(self) -> None:
        """Settle what runs that an error ended had decided, and nobody is at work on any more."""
        for run_id in self.reader.broken_runs():
            settle_orphans(self.turn.rows, self.reader, run_id, self.turn.at)

    def _forget_run(self, run_id: str) -> None:
        """Have nothing more done with a run in this turn."""
        for known in (self.turn.touched, self.aside, self.in_line):
            known.pop(run_id, None)
        self.left.taken(run_id)
        self.turn.todo = deque(item for item in self.turn.todo if item[0] != run_id)
        self.turn.work.reads = [item for item in self.turn.work.reads if item[0] != run_id]

    def is_over(self, row: RunRow) -> bool:
        """Whether a run has ended, and nobody has it go on in this turn."""
        reopened = any(again.id == row.id for again in self.turn.rows.runs_reopened)
        return row.finish_commit is not None and not reopened

    def _known_flow(self, row: RunRow) -> FlowPlan | None:
        """The flow of a run; None when its release cannot be had any more."""
        try:
            return self.recovery.plan(row.release).flows.get(row.flow)
        except TidegateError as error:
            if is_fatal(error):
                raise
            return None

    def _go_on_with(self, run_id: str, answers: dict[str, Answer]) -> None:
        live = self.recall.run(run_id)
        if run_id in self.broken:  # what came back was written down; there is nothing to go on with
            self.live.pop(run_id, None)
            return
        if live.rests:
            live.rests = False
            self.parking.keys.come_back(live.order_key, live.state.event.id, run_id)
        live.state, commands = advance_own(live.state, answers)
        self.commands.do(run_id, live, commands)

    def _record(self, run_id: str, live: Live) -> None:
        """Where a run stands at the end of the turn, when that is not what the ledger has."""
        state, before = live.state, live.recorded
        live.recorded = state.status
        if state.status is not before:
            self.note_trial(run_id, state.status.value)
        if state.status is _RUNNING:
            if before is not _RUNNING:
                place = None if live.order_key is None else IN_LINE if live.stands else AT_WORK
                self.turn.rows.runs_resumed.append(RunResumed(self.turn.at, run_id, place))
                self.tally.count(before, -1)
            return
        status = _TEXTS[state.status]
        self._rests.record(self.turn.rows, run_id, state, status, self.turn.at)
        if status in BADLY and state.status is not before:
            self.ended_badly.rested(state)
        ended = self.tally.ended
        self.tally.rested += 1
        ended[status] = ended.get(status, 0) + 1
        if before is not _RUNNING:
            self.tally.count(before, -1)

    def note_trial(self, run_id: str, status: str) -> None:
        """Where a run stands now, if it is on trial."""
        if self.trial is not None and run_id in self.trial.runs:
            self.trial.note(run_id, status)

    def _judge_trial(self) -> None:
        """End a trial whose rule is broken, in the commit in which it is."""
        trial = self.trial
        why = None if trial is None else trial.broken()
        if trial is None or why is None or trial.latest is None:
            return
        self.trial = None
        if (on := deployed_in(self.reader).canary) is None or on["plan"] != trial.name:
            return  # another machine has ended it
        said: dict[str, Value] = {"plan": trial.name, "release": trial.plan.release, "reason": why}
        said["rested"] = dict(trial.rested)
        self.turn.rows.entries.append(fact(self.turn.at, ENGINE, CANARY_STOP, said))
        message = f"The release {trial.plan.release[:12]} on trial is stopped: {why}"
        self.alert(
            NewAlert(
                f"canary/{trial.name}/{trial.latest}",
                None,
                None,
                None,
                "error",
                OPERATIONS,
                message,
                self.turn.at,
            )
        )

    # --- the end of a turn ----------------------------------------------------------------------

    def shrink(self) -> int:
        """Give some empty room of the ledger back to the disk; how many bytes are left of it."""
        return self._ledger.shrink()

    def finish(self, meanwhile: Callable[[], None] | None = None) -> tuple[CommitResult, Work]:
        """Commit the turn; what it wants done outside may then be done.

        `meanwhile` is called while the disk is busy, if anything is written at all.
        """
        for run_id, live in [*self.turn.touched.items()]:
            try:
                self._record(run_id, live)
            except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
                self.break_run(run_id, error)
        self._judge_trial()
        self.ended_badly.tell()
        events = self.turn.rows.events
        result = self._ledger.commit(self.turn.rows, meanwhile)
        if self._share is None:
            assert not result.duplicates, "events of a turn are looked up before it"
        else:  # another machine may have accepted some in the meantime; nothing hangs on them yet
            self._share.committed(self.turn.rows)
            self.ended_badly.committed(events, result)
        self.alerting.raised(self.turn.rows.alerts)
        self.waking.forget()
        return result, self.turn.work


# Every run asks for these, and an enumeration takes long to give them.
_RUNNING = RunStatus.RUNNING
_TEXTS = {status: status.value for status in RunStatus}
