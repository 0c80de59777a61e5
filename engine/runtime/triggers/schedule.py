"""Events that are due by a clock or a calendar.

The instant at which a schedule was last due stands in the ledger, in the same commit as the event, and the
event's identity is made of the schedule and the instant: nothing is due twice, not even in a ledger that was
restored. What was due while nothing ran is made up for as the schedule says, one after the other.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from engine.core.accept import Offer
from engine.errors import InputError, LedgerError
from engine.language.compiled import EvaluationError
from engine.ledger import LedgerReader, instant, read_instant
from engine.plan.plan import Plan, SchedulePlan
from engine.runtime.intake import Alert, Beside
from engine.runtime.triggers.native import events_of
from engine.runtime.triggers.trigger import Gate, TriggerState, pause, room_behind
from engine.values.json_text import read_json
from engine.values.value import Value

DUE = "due"
LATE = timedelta(minutes=1)  # what is found due later than this was missed
LONGEST_WAIT = 30.0  # seconds; the clock of a machine may be set, or stand still while it sleeps
AHEAD = timedelta(hours=1)  # a last time so far in the future was made by a clock that was wrong
MOST_LOOKED_AT = 100_000


@dataclass(frozen=True, slots=True)
class Last:
    """Up to when a schedule was looked at, by which rule, and when it brought its last event."""

    at: datetime
    rule: str
    brought: datetime | None = None


class Scheduler:
    """Brings the events of one schedule."""

    def __init__(
        self,
        schedule: SchedulePlan,
        plan: Plan,
        gate: Gate,
        reader: LedgerReader,
        now: Callable[[], datetime],
        told: Callable[[str], None],
    ) -> None:
        """`told` hears of events that could not be made."""
        self.schedule = schedule
        self._plan = plan
        self._gate = gate
        self._reader = reader
        self._now = now
        self._told = told
        self._error: str | None = None

    @property
    def name(self) -> str:
        """The name under which the ledger knows it."""
        return f"schedule.{self.schedule.name}"

    def state(self) -> TriggerState:
        """How it stands now."""
        last = self._last()
        due = self.schedule.due(last.at if last is not None and self._holds(last) else self._now())
        return TriggerState(
            name=self.name,
            kind="schedule",
            position=None if last is None or last.brought is None else instant(last.brought),
            due_at=due,
            error=self._error,
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Bring each event when it is due, until it is time to stop."""
        try:
            while not stopping.is_set():
                following = await self.fire(stopping)
                left = None if following is None else (following - self._now()).total_seconds()
                await pause(LONGEST_WAIT if left is None else min(max(left, 0.001), LONGEST_WAIT), stopping)
        except LedgerError:
            return  # the worker has the failure, and the process ends with it

    async def fire(self, stopping: asyncio.Event | None = None) -> datetime | None:
        """Bring all that is due by now; when the next is."""
        stopping = stopping or asyncio.Event()
        now = self._now()
        last = await self._begin(now)
        if last.at - now > AHEAD:
            await self._tell_of_clock(last, now)
        instants = self._due(last.at, now)
        if instants:
            await self._bring(last, instants, now, stopping)
        return self.schedule.due(max(last.at, now))

    def _last(self) -> Last | None:
        mark = self._reader.mark(self.name, DUE)
        if mark is None:
            return None
        said = read_json(mark.value)
        assert isinstance(said, Mapping)
        brought = said.get("brought")
        return Last(
            read_instant(str(said["at"])),
            str(said["rule"]),
            None if brought is None else read_instant(str(brought)),
        )

    def _holds(self, last: Last) -> bool:
        """Whether the rule is still the one by which it was last due."""
        return last.rule == self.schedule.rule

    async def _begin(self, now: datetime) -> Last:
        """When it was last due; a new schedule, or one with a new rule, begins now."""
        last = self._last()
        if last is None or not self._holds(last):
            last = Last(now, self.schedule.rule, None if last is None else last.brought)
            await self._gate.accept((), self.name, (), Beside(marks=[self._mark(now, last.brought)]))
        return last

    def _mark(self, at: datetime, brought: datetime | None) -> tuple[str, Value]:
        said = None if brought is None else instant(brought)
        return DUE, {"at": instant(at), "rule": self.schedule.rule, "brought": said}

    def _due(self, after: datetime, now: datetime) -> list[datetime]:
        """The instants at which it was due, the latest of them if there are very many."""
        found: list[datetime] = []
        at = self.schedule.due(after)
        while at is not None and at <= now:
            found.append(at)
            if len(found) > MOST_LOOKED_AT:
                del found[: MOST_LOOKED_AT // 2]
            at = self.schedule.due(at)
        return found

    async def _bring(
        self, last: Last, instants: Sequence[datetime], now: datetime, stopping: asyncio.Event
    ) -> None:
        """Bring what is due; of what was missed, as much as the schedule says."""
        wanted = self._wanted(instants, now)
        passed_over = len(instants) - len(wanted)
        if passed_over:
            self._told(f"{self.name} passes over {passed_over} times at which it was due while nothing ran")
        previous = last.brought
        for at in wanted:
            if not await room_behind(self._gate, stopping):
                return
            offers, error = self._offers(at, previous)
            previous = at
            beside = Beside(marks=[self._mark(at, at)], raised=self._alerts(at, error))
            await self._gate.accept(offers, self.name, (), beside)
        if not wanted:
            await self._gate.accept((), self.name, (), Beside(marks=[self._mark(instants[-1], previous)]))

    def _wanted(self, instants: Sequence[datetime], now: datetime) -> Sequence[datetime]:
        """What is brought of all that was due: at least what has only just become due."""
        if self.schedule.missed == "all":
            return instants[-self.schedule.limit :]
        if self.schedule.missed == "once":
            return instants[-1:]
        return [at for at in instants[-1:] if now - at <= LATE]

    def _offers(self, at: datetime, previous: datetime | None) -> tuple[list[Offer], str | None]:
        """The event of an instant, known by the schedule and the instant; or why it could not be made."""
        source = self.schedule.source
        record: dict[str, Value] = {
            "name": self.schedule.name,
            "scheduled_at": at,
            "previous_at": previous,
            "on": at.astimezone(ZoneInfo(self.schedule.zone)).date(),
        }
        try:
            made = events_of(self._plan, [source], record, self._now())
        except (InputError, EvaluationError) as error:
            self._error = str(error)
            self._told(f"{self.name} brought nothing at {instant(at)}: {error}")
            return [], str(error)
        self._error = None
        identity = f"{source.event}:{self.schedule.name}:{instant(at)}"
        return [one._replace(event=one.event._replace(id=identity)) for one in made], None

    def _alerts(self, at: datetime, error: str | None) -> list[Alert]:
        if error is None:
            return []
        message = f"{self.name} was due at {instant(at)}, and no event could be made: {error}"
        return [Alert(id=f"schedule/{self.schedule.name}/{instant(at)}", message=message)]

    async def _tell_of_clock(self, last: Last, now: datetime) -> None:
        """A clock that was wrong has left a last time behind until which nothing is due."""
        name = f"schedule/{self.schedule.name}/clock/{instant(last.at)}"
        if self._reader.alert(name) is None:
            message = (
                f"{self.name} was last due at {instant(last.at)}, and it is {instant(now)}: "
                "it is not due before the clock has come there again"
            )
            await self._gate.accept((), self.name, (), Beside(raised=[Alert(id=name, message=message)]))
