"""What the commands of a run become: rows of the turn, work for after its commit, answers that are known."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.core import (
    AlertCommand,
    Answer,
    CloseHoldCommand,
    Command,
    EmitCommand,
    HoldCommand,
    LookUpCommand,
    ReadCommand,
    RunStatus,
    WaitCommand,
    WriteCommand,
    timers,
    wait_ends,
    woken_by,
)
from engine.event import Event
from engine.ledger.rows import HoldReleased, NewAnswer
from engine.plan.plan import Plan
from engine.runtime.accept import offer
from engine.runtime.attempts import Attempts, Known
from engine.runtime.record import alert_row, effect_row, hold_row, wait_row
from engine.runtime.timers import Due, write_timers
from engine.runtime.turn import Live, Turn
from engine.values.actors import ENGINE
from engine.values.json_text import read_json, write_json

if TYPE_CHECKING:
    from engine.runtime.execute import Executor

# Every run asks for this, and an enumeration takes long to give it.
_RUNNING = RunStatus.RUNNING
_WAKEN = (RunStatus.HELD, RunStatus.WAITING)  # what may be told something more while it rests


class Commands:
    """Does what runs ask for in the turns of an executor."""

    def __init__(
        self, executor: "Executor", plan: Plan, take_place: Callable[[str, datetime, str], bool]
    ) -> None:
        """Emit events of this plan; `take_place` says whether a write may go out at once."""
        self._executor = executor
        self._plan = plan
        self._take_place = take_place
        self._attempts = Attempts(executor.reader, executor.recovery)

    def begin_turn(self, turn: Turn) -> None:
        """Collect in this turn from now on."""
        self._turn = turn

    def do(self, run_id: str, live: Live, commands: Iterable[Command]) -> None:
        """Turn commands into rows and work; answer at once those that the ledger can answer."""
        answers: dict[str, Answer] = {}
        self._turn.touched[run_id] = live
        for command in commands:
            if run_id in self._executor.broken:
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
                    self._executor.recovery.require_open(command.connection)
                    self._turn.work.reads.append((run_id, command))
                case _:
                    self._say(run_id, live, command)
        if answers:
            self._turn.todo.append((run_id, answers))
        elif live.state.status is not _RUNNING and not self._is_told(run_id, live):
            self._rest(run_id, live)

    def _is_told(self, run_id: str, live: Live) -> bool:
        """Whether something has come already for a run that would rest: then it keeps its turn."""
        return live.state.status in _WAKEN and any(waiting == run_id for waiting, _ in self._turn.todo)

    def _say(self, run_id: str, live: Live, command: Command) -> None:
        """A command to which there is no answer."""
        match command:
            case HoldCommand():
                self._hold(run_id, live, command)
            case CloseHoldCommand():
                self._turn.rows.holds_released.append(
                    HoldReleased(
                        self._turn.at, ENGINE, command.why, command.event_id or None, command.hold_id
                    )
                )
            case AlertCommand():
                self._turn.rows.alerts.append(alert_row(run_id, command, self._turn.at))
                self._executor.tally.alerts += 1
            case EmitCommand():
                self._emit(run_id, command, live.state.event)
            case WaitCommand():
                self._wait(run_id, live, command)
            case _:
                pass  # what is answered was taken before

    def _write(self, run_id: str, live: Live, command: WriteCommand) -> None:
        row = effect_row(run_id, command, self._turn.at)
        if not self._executor.parking.keys.is_working(live.order_key, run_id):
            self._turn.rows.effects.append(row)
            live.kept.append(command)
        elif self._take_place(command.connection, self._turn.now, command.operation):
            self._turn.rows.sends.append(row)
            self._turn.work.writes.append((run_id, command))
        else:
            self._turn.rows.effects.append(row)
            self._turn.work.later.append((run_id, command))
        self._executor.tally.effects += 1

    def _given(self, run_id: str, key: str, known: Known) -> Answer:
        """What an attempt before this one brought, as an answer of this one."""
        body = write_json(known.body).decode()
        self._turn.rows.answers.append(NewAnswer(run_id, key, known.kind, self._turn.at, body))
        return known.answer

    def _look_up(self, run_id: str, command: LookUpCommand | ReadCommand) -> Answer:
        look_ups = self._executor.look_ups
        row = self._executor.reader.run(run_id) if look_ups.is_versioned(command) else None
        kind, value = look_ups.answer(command, None if row is None else row.release)
        body = write_json({"value": value}).decode()
        self._turn.rows.answers.append(NewAnswer(run_id, command.key, kind, self._turn.at, body))
        return Answer(value)

    def _hold(self, run_id: str, live: Live, command: HoldCommand) -> None:
        executor = self._executor
        times = timers(command, self._turn.now)
        row = hold_row(run_id, command, self._turn.at, write_timers(times))
        self._turn.rows.holds.append(row)
        executor.timers.note_hold(row.id, times)
        # An event that came while this run was on its way had no hold to release yet.
        for turn, event in executor.waking.recent:
            if turn >= live.since and event.type == row.until_event and event.id != live.state.event.id:
                executor.waking.wake_run(run_id, event)

    def _wait(self, run_id: str, live: Live, command: WaitCommand) -> None:
        """A step begins to wait; what came before it counts as far as the step looks back."""
        executor = self._executor
        due = wait_ends(command, self._turn.now)
        self._turn.rows.waits.append(wait_row(run_id, command, self._turn.at, due))
        if due is not None:
            executor.timers.note(Due(due, "wait", command.wait_id))
        if command.look_back_seconds is None:
            return
        since = self._turn.now - timedelta(seconds=command.look_back_seconds)
        for event in executor.waking.before(live.state, command.event, since):
            answer = woken_by(live.state, event).get(command.key)
            if answer is not None:
                executor.waking.answer_recorded(run_id, command.key, "wait", answer, event.id)
                return

    def _emit(self, run_id: str, command: EmitCommand, event: Event) -> None:
        # A run that began by a release before this one may tell of what nobody hears of any more.
        executor = self._executor
        known_here = command.event in self._plan.events
        plan = self._plan if known_here else executor.recovery.plan_of(run_id)
        text = write_json(command.data)
        data = read_json(text)
        made = offer(
            plan,
            self._name_of_emitted(run_id, plan, command.event),
            data,
            text,
            self._turn.now,  # when it is emitted: a run that was held for days speaks of today
            None,
            command.effect_key,
            event.depth + 1,
        )
        known = executor.reader.known_events([made.event.id])
        executor.arrivals.accept_one(made, known)

    def _name_of_emitted(self, run_id: str, plan: Plan, event: str) -> str:
        """What a run emits: with the version, where its own release speaks the one before."""
        earlier = plan.events[event].earlier
        row = None if earlier is None else self._executor.reader.run(run_id)
        if earlier is None or row is None or row.release == plan.release:
            return event
        spoken = self._executor.recovery.plan(row.release).events.get(event)
        return earlier.name if spoken is not None and spoken.version == earlier.version else event

    def _rest(self, run_id: str, live: Live) -> None:
        """A run that waits for nothing that is on its way: let it go, and the next of its order key begin."""
        executor = self._executor
        executor.live.pop(run_id, None)
        live.rests = True
        before = len(self._turn.rows.alerts)
        executor.ready.extend(executor.parking.rest(self._turn.rows, self._turn.at, live.state))
        executor.tally.alerts += len(self._turn.rows.alerts) - before
