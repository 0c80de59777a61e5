"""How runs come into memory that are in the ledger alone, and leave it.

A process before this one left them, they rest, they were set aside, a person has them go on, or their turn
under their order key comes. They are decided again, and what they had asked for is not asked for twice.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.core import Answer, RunState, RunStatus, WriteCommand, advance_own, attempt_of, event_of
from engine.ledger.rows import LeftRun, NewAnswer, RunResumed, RunRow
from engine.runtime.broken import is_broken
from engine.runtime.turn import Live, Turn
from engine.runtime.woken import AT_WORK, IN_LINE, TURN, in_line, is_woken, turn_key
from engine.values.json_text import write_json

if TYPE_CHECKING:
    from engine.runtime.execute import Executor

# Every run asks for this, and an enumeration takes long to give it.
_RUNNING = RunStatus.RUNNING


class Recall:
    """Brings runs into the memory of an executor."""

    def __init__(self, executor: "Executor") -> None:
        """Begin with nothing handed on."""
        self.handed_on: set[str] = set()  # runs that the process after this one goes on with
        self._executor = executor

    def begin_turn(self, turn: Turn) -> None:
        """Collect in this turn from now on."""
        self._turn = turn

    def run(self, run_id: str) -> Live:
        """The run in memory; one that rests is decided again from what the ledger has of it."""
        executor = self._executor
        self.take_up_left(run_id)
        live = executor.live.get(run_id) or self._turn.touched.get(run_id)
        if live is None:
            row = self.row(run_id)
            recovered = executor.recovery.run(row)
            live = self._brought_back(row, recovered.state)
            if is_broken(row) and executor.is_over(row):
                executor.broken[run_id] = live.state.flow
            live.stands = recovered.stands
        executor.live[run_id] = live
        return live

    def row(self, run_id: str) -> RunRow:
        """What the ledger has of a run that it has."""
        row = self._executor.reader.run(run_id)
        assert row is not None, run_id
        return row

    def _brought_back(self, row: RunRow, state: RunState) -> Live:
        """A run in memory again; one that was set aside has been here all the time."""
        status = RunStatus(row.status)
        since = self._executor.aside.pop(row.id, self._turn.number)
        return Live(state, row.order_key, since, status, status is not RunStatus.RUNNING)

    def set_aside(self, run_ids: Iterable[str]) -> None:
        """Let runs out of memory that wait for a system; their answers bring them back from the ledger."""
        executor = self._executor
        for run_id in run_ids:
            live = executor.live.get(run_id)
            if live is not None and not live.kept and not live.rests:
                executor.aside[run_id] = live.since
                del executor.live[run_id]
        for run_id in executor.in_line:
            executor.in_line[run_id] = None

    def fetch(self, run_id: str, effect_key: str) -> WriteCommand:
        """A write that a run which was set aside had asked for; the run is in memory again."""
        executor = self._executor
        row = self.row(run_id)
        recovered = executor.recovery.run(row)
        if run_id not in executor.live:
            executor.live[run_id] = self._brought_back(row, recovered.state)
        asked = (command for command in recovered.commands if isinstance(command, WriteCommand))
        return next(command for command in asked if command.effect_key == effect_key)

    def find(self, rows: Iterable[LeftRun]) -> None:
        """Note the runs that a process before this one left: those whose turn it is are taken up later.

        Rows are all that there are, in the order in which the runs began. Runs at rest are no part of this.
        """
        executor = self._executor
        keys = executor.parking.keys
        found = in_line(rows)
        further = any(attempt_of(row.id) > 1 for row in found)
        moved = frozenset(executor.reader.runs_in_line() if further else ())
        for row in found:
            back = is_woken(row)
            if not back:
                executor.parking.put_before(row.seq)
            # A further attempt comes back in the place of the first, unless that had not begun.
            again = attempt_of(row.id) > 1 and row.id not in moved
            take_place = keys.come_back if back or again else keys.enter
            if take_place(row.order_key, event_of(row.id), row.id):
                executor.left.found(row.id, self._turn.number)
            else:
                executor.in_line[row.id] = None

    def hand_on(self, run_ids: Iterable[str]) -> None:
        """Leave runs to the process after this one, by which others work their events.

        They keep their places under their order keys, so that nobody passes them in the meantime.
        """
        executor = self._executor
        for run_id in run_ids:
            self.handed_on.add(run_id)
            executor.in_line.pop(run_id, None)
            executor.left.taken(run_id)
            executor.parking.forget(run_id)

    def take_up(self, number: int) -> None:
        """Take up so many of the runs that a process before this one left, those of high priority first."""
        for run_id in self._executor.left.first(number, self._executor.flow_weight) if number else ():
            self.take_up_left(run_id)

    def take_up_left(self, run_id: str) -> None:
        """Take up a run before anything is told to it, if a process before this one left it."""
        since = self._executor.left.taken(run_id)
        if since is not None:
            row = self.row(run_id)
            self.take_up_row(row, since)

    def resume_runs(self, run_ids: Iterable[str]) -> None:
        """Take up runs that a person has go on, as the ledger has them, before those that have not begun."""
        executor = self._executor
        executor.waking.look_again()
        for run_id in run_ids:
            executor.broken.pop(run_id, None)
            row = self.row(run_id)
            if executor.parking.keys.come_back(row.order_key, row.event_id, run_id):
                self.take_up_row(row)
            else:
                self._turn.rows.runs_resumed.append(RunResumed(self._turn.at, run_id, IN_LINE))
                executor.in_line[run_id] = None

    def send_once_more(self, run_id: str, command: WriteCommand) -> None:
        """Send a write that the ledger has, and that may be sent again, when it is the turn of its run."""
        live = self._executor.live[run_id]
        if self._executor.parking.keys.is_working(live.order_key, run_id):
            self._turn.work.doubts.append(command)
        else:
            live.kept.append(command)

    def take_up_row(self, row: RunRow, since: int | None = None) -> None:
        """Do what a run has asked for and the ledger does not have: all of it, if it had stood in line."""
        try:
            self._turn.work.doubts.extend(self._decide_again(row, since))
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
            self._executor.break_run(row.id, error)

    def _decide_again(self, row: RunRow, since: int | None) -> list[WriteCommand]:
        executor = self._executor
        recovered = executor.recovery.run(row)
        live = Live(recovered.state, row.order_key, self._turn.number if since is None else since)
        executor.live[row.id] = live
        known, new = executor.recovery.sorted(row.id, recovered.commands)
        if row.reason == IN_LINE and not recovered.stands:
            self._turn.rows.runs_resumed.append(RunResumed(self._turn.at, row.id, AT_WORK))
        executor.commands.do(row.id, live, new)
        if recovered.stands:
            self.take_its_turn(row.id, live)
        return known

    def take_its_turn(self, run_id: str, live: Live) -> None:
        """A run that was woken goes on, now that nobody else of its key is at work."""
        live.stands = False
        if live.recorded is _RUNNING:  # it stands in line in the ledger as well
            self._turn.rows.runs_resumed.append(RunResumed(self._turn.at, run_id, AT_WORK))
        key = turn_key(live.state)
        self._turn.rows.answers.append(
            NewAnswer(run_id, key, TURN, self._turn.at, write_json({"value": True}).decode())
        )
        live.state, commands = advance_own(live.state, {key: Answer(True)})
        self._executor.commands.do(run_id, live, commands)
