"""What a run is told while it is held or waits: events find it here, and people and time reach it from here.

Which hold or wait it ends is asked of the run itself. What people and time decide is in `holding.py`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from engine.core import Answer, RunState, take_in, woken_by
from engine.core.state import WAITING
from engine.errors import InputError
from engine.event import Event
from engine.ledger.rows import NewAnswer, WaitEnded
from engine.plan.plan import Plan
from engine.runtime import holding
from engine.runtime.correlation import Correlation
from engine.runtime.turn import Live, Turn
from engine.runtime.woken import LATER
from engine.values.json_text import write_json
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.execute import Executor


class Waking:
    """Tells runs of what ends their holds and waits, in the turns of an executor."""

    def __init__(self, executor: "Executor", plan: Plan) -> None:
        """Begin with what this plan waits for, and every release that has open runs."""
        self.recent: list[tuple[int, Event]] = []  # events that may release a hold that is about to open
        self._executor = executor
        self._plan = plan
        self._correlation = Correlation(executor.reader, executor.recovery.plan, plan)

    def begin_turn(self, turn: Turn) -> None:
        """Collect in this turn from now on."""
        self._turn = turn

    @property
    def types(self) -> frozenset[str]:
        """The types of events that may end a hold or a wait."""
        return self._correlation.types

    def concerns(self, event_type: str) -> bool:
        """Whether events of a type may end a hold or a wait."""
        return self._correlation.concerns(event_type)

    def include(self, plan: Plan) -> None:
        """Runs of this release are about to begin."""
        self._correlation.include(plan)

    def look_again(self) -> None:
        """There may be open runs of releases that were not known when this began."""
        self._correlation.look_again()

    @contextmanager
    def consulted(self, run_id: str) -> Iterator[RunState]:
        """The run after all that came before in this turn; let go again when nothing is told to it."""
        executor = self._executor
        executor.recall.take_up_left(run_id)
        executor.settle_run(run_id)
        known = run_id in executor.live
        live = executor.recall.run(run_id)
        if run_id in executor.broken:
            executor.live.pop(run_id, None)
            raise InputError(f"the run {run_id!r} was ended by an error; have its event worked again")
        yield live.state
        if not known and all(waiting != run_id for waiting, _ in self._turn.todo):
            executor.live.pop(run_id, None)

    def answer_recorded(
        self, run_id: str, key: str, kind: str, answer: Answer, event_id: str | None = None
    ) -> None:
        """Tell a run what ended a hold or a wait, and record it as an answer, in the order of this turn."""
        live = self._executor.recall.run(run_id)
        later = self._has_to_stand(run_id, live)
        said: dict[str, Value] = {"value": answer.value, "event": event_id, LATER: later or None}
        if answer.failure is not None:
            said["failure"] = answer.failure
        body = write_json({name: value for name, value in said.items() if value is not None}).decode()
        self._turn.rows.answers.append(NewAnswer(run_id, key, kind, self._turn.at, body))
        if kind == "wait":
            status = "arrived" if answer.failure is None else "timed out"
            wait_id = f"{run_id}/{key.removeprefix('wait:')}"
            self._turn.rows.waits_ended.append(WaitEnded(status, self._turn.at, event_id, wait_id))
        if later:
            self._stand(run_id, live, {key: answer})
        else:
            self._turn.todo.append((run_id, {key: answer}))

    def _has_to_stand(self, run_id: str, live: Live) -> bool:
        """Whether a run that is told something goes on later; one that rests comes back to its key."""
        if live.rests:
            live.rests = False
            live.stands = not self._executor.parking.keys.come_back(
                live.order_key, live.state.event.id, run_id
            )
        return live.stands

    def _stand(self, run_id: str, live: Live, answers: Mapping[str, Answer]) -> None:
        """A run takes in what woke it, and is in the ledger alone until its turn comes."""
        take_in(live.state, answers)
        self._turn.touched[run_id] = live
        self._executor.in_line[run_id] = None
        self._executor.live.pop(run_id, None)

    def wake(self, event: Event) -> None:
        """Runs whose holds or waits this event may end, those in memory and those at rest."""
        self.recent.append((self._turn.number, event))
        concerned = self._correlation.runs(event)
        # Those in memory have holds and waits that the ledger does not know yet.
        concerned.update(run_id for run_id, live in self._executor.live.items() if _may_wake(live.state))
        concerned.update(run_id for run_id, live in self._turn.touched.items() if _may_wake(live.state))
        for run_id in sorted(concerned):
            self.wake_run(run_id, event)

    def wake_run(self, run_id: str, event: Event) -> None:
        """Tell one run of an event that may end what it is held for, or waits for."""
        try:
            self._tell_of_event(run_id, event)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
            self._executor.break_run(run_id, error)

    def _tell_of_event(self, run_id: str, event: Event) -> None:
        if run_id in self._executor.broken:
            return
        with self.consulted(run_id) as state:  # an event before this one may have woken it already
            for key, answer in woken_by(state, event).items():
                kind, _, about = key.partition(":")
                if kind == "recheck":
                    holding.lapse(self._executor, run_id, about.partition("#")[0], event.id)
                self.answer_recorded(run_id, key, kind, answer, event.id)

    def before(self, state: RunState, event_type: str, since: datetime) -> Iterator[Event]:
        """The events of a type since then, the last first: those of this turn, then those in the ledger."""
        executor = self._executor
        own, run = state.event.id, executor.reader.run(state.run_id)
        new = (
            self._plan
            if executor.trial is None or state.run_id not in executor.trial.runs
            else executor.trial.plan
        )
        plan = new if run is None else executor.recovery.plan(run.release)
        known = (event for turn, event in reversed(self.recent) if turn == self._turn.number)
        yield from (event for event in known if event.type == event_type and event.id != own)
        for row in executor.reader.events_back(event_type, since):
            if row.id != own:
                yield executor.recovery.restored(row, plan)

    def expire(self, now: datetime) -> None:
        """Do what time does to holds and waits."""
        executor = self._executor
        while (due := executor.timers.take(now)) is not None:
            try:
                holding.expire(executor, due)
            except Exception as error:
                row = executor.reader.hold(due.id) or executor.reader.wait(due.id)
                if row is None:
                    raise
                executor.break_run(row.run_id, error)
        executor.watch.look(executor, now)

    @property
    def next_deadline(self) -> datetime | None:
        """When the first hold or wait is over, or the next look at what stands still is due."""
        found = (self._executor.timers.next_at, self._executor.watch.next_at)
        return min((at for at in found if at is not None), default=None)

    def forget(self) -> None:
        """Drop the events that came before every run that is in memory: they cannot have missed its holds."""
        if self.recent:
            executor = self._executor
            since = (
                *(live.since for live in executor.live.values()),
                *executor.aside.values(),
                *executor.left.since,
            )
            oldest = min(since, default=self._turn.number + 1)
            self.recent = [(turn, event) for turn, event in self.recent if turn >= oldest]


def _may_wake(state: RunState) -> bool:
    return bool(state.open_holds) or WAITING in state.steps
