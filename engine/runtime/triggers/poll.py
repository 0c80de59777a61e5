"""Sources that are asked for news: page by page, each committed with how far it goes.

The watermark is the source's own time and stands in the ledger, in the same commit as the events found, so
a restart goes on where the last commit ended, in the middle of the pages if need be. Each pass goes back
behind it by the overlap of the source; what was accepted before is known by its identity.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.connect import Fault
from engine.connect.connector import Poll, Polled
from engine.connect.connector_plan import PollPlan
from engine.connect.faults import permanent
from engine.effect import FaultClass
from engine.errors import ConfigurationError, LedgerError
from engine.ledger import LedgerReader, instant, read_instant
from engine.plan.plan import Plan
from engine.runtime.intake import Beside
from engine.runtime.triggers.failing import Failing
from engine.runtime.triggers.native import Feed, usable
from engine.runtime.triggers.trigger import Gate, TriggerState, pause, room_behind
from engine.values.json_text import read_json
from engine.values.value import Value

WATERMARK = "watermark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Feed):
    """A source that is asked, and the events that its records become."""

    @property
    def poll(self) -> PollPlan:
        """How it is asked."""
        assert self.native.poll is not None
        return self.native.poll


@dataclass(frozen=True, slots=True)
class Place:
    """How far a source has been read."""

    upto: datetime  # all that changed before is accepted
    high: datetime  # the latest change that this pass has seen so far
    after: Value = None  # the page to go on with; None between two passes

    @classmethod
    def read(cls, text: str) -> "Place":
        """A place as the ledger keeps it."""
        said = read_json(text)
        assert isinstance(said, Mapping)
        upto = read_instant(str(said["upto"]))
        return cls(upto, read_instant(str(said.get("high", said["upto"]))), said.get("after"))

    def written(self) -> Value:
        """The place as the ledger keeps it."""
        if self.after is None:
            return {"upto": instant(self.upto)}
        return {"upto": instant(self.upto), "high": instant(self.high), "after": self.after}

    def behind(self, page: Poll) -> "Place":
        """The place behind a page. The watermark moves only when all pages of the pass are there."""
        high = max(self.high, page.upto)
        return Place(high, high) if page.after is None else Place(self.upto, high, page.after)


class Poller:
    """Asks one source."""

    def __init__(
        self,
        asked: Asked,
        plan: Plan,
        gate: Gate,
        reader: LedgerReader,
        now: Callable[[], datetime],
        told: Callable[[str], None],
    ) -> None:
        """`told` hears of what cannot be used."""
        self.asked = asked
        self._plan = plan
        self._gate = gate
        self._reader = reader
        self._now = now
        self._told = told
        self._failing = Failing(reader, asked.name, asked.poll.patience)
        self._place: Place | None = None
        self._asked_at: datetime | None = None
        self._due_at: datetime | None = None

    @property
    def name(self) -> str:
        """The name by which documents know the source."""
        return self.asked.name

    def state(self) -> TriggerState:
        """How it stands now."""
        place = self._place or self._kept()
        return TriggerState(
            name=self.name,
            kind="poll",
            position=None if place is None else instant(place.upto),
            asked_at=self._asked_at,
            due_at=self._due_at,
            error=self._failing.why,
        )

    def go_back(self, since: datetime) -> None:
        """Ask for everything from an instant on again; what was accepted before is known."""
        self._place = Place(since, since)

    async def run(self, stopping: asyncio.Event) -> None:
        """Ask at the interval of the source until it is time to stop; one that is away is asked again."""
        try:
            while not stopping.is_set():
                wait = self.asked.poll.every
                try:
                    if self.asked.connection.gate.may_read(self._now()):
                        await self.ask(stopping)
                except Fault as fault:
                    await self._failed(fault)
                    wait = max(wait, timedelta(seconds=fault.failure.retry_after_seconds or 0))
                self._due_at = self._now() + wait
                await pause(wait.total_seconds(), stopping)
        except LedgerError:
            return  # the worker has the failure, and the process ends with it

    async def ask(self, stopping: asyncio.Event | None = None) -> list[str]:
        """Ask once, to the last page; what became of each event that was found.

        Raises:
            Fault: when there was no answer. What came on the pages before is safe.
            ConfigurationError: when the connector cannot be asked.

        """
        connector = self.asked.connection.connector
        if not isinstance(connector, Polled):
            raise ConfigurationError(f"the connector of {self.name} cannot be asked for news")
        stopping = stopping or asyncio.Event()
        became: list[str] = []
        self._asked_at = self._now()
        place = await self._begin()
        while await room_behind(self._gate, stopping):
            page = await self._page(connector, place)
            became += await self._take(page, place.behind(page), moved=place.behind(page) != place)
            place = self._place = place.behind(page)
            if place.after is None:
                break
        return became

    async def _begin(self) -> Place:
        """Where to go on: where the last commit ended, or so far back from now as the source says."""
        found = self._place or self._kept()
        if found is None:
            first = self._now() - self.asked.poll.reach
            found = Place(first, first)
            await self._gate.accept((), self.name, (), Beside(marks=[(WATERMARK, found.written())]))
        self._place = found
        return found

    def _kept(self) -> Place | None:
        mark = self._reader.mark(self.name, WATERMARK)
        return None if mark is None else Place.read(mark.value)

    async def _page(self, connector: Polled, place: Place) -> Poll:
        """The page at a place; when the source knows it no more, the next pass begins again."""
        try:
            page = await connector.poll(self.asked.native.name, place.upto, place.after)
        except Fault as fault:
            if place.after is not None and fault.failure.fault is not FaultClass.TRANSIENT:
                self._place = Place(place.upto, place.upto)
            raise
        if page.after is not None and page.after == place.after:
            self._place = Place(place.upto, place.upto)
            raise permanent(f"{self.name} gives the same page again and again")
        return page

    async def _take(self, page: Poll, place: Place, *, moved: bool) -> list[str]:
        """Commit what a page brought, with the place behind it."""
        offers, unfit = usable(self._plan, self.asked.events, page.items, self._now())
        unfit = [*page.unfit, *unfit]
        for _, why in unfit:
            self._told(f"{self.name} has a record that cannot be used: {why}")
        over = self._failing.recovered()
        marks = [(WATERMARK, place.written())] if moved else []
        if not (offers or unfit or marks or over):
            return []
        beside = Beside(marks=[*marks, *(over.marks if over else ())], closed=over.closed if over else ())
        return await self._gate.accept(offers, self.name, unfit, beside)

    async def _failed(self, fault: Fault) -> None:
        why = fault.failure.reason
        self._told(f"{self.name} gave no answer: {why}")
        beside = self._failing.failed(why, self._now())
        if beside is not None:
            await self._gate.accept((), self.name, (), beside)
