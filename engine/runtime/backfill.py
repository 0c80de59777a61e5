"""The past: what a source says of a range of days, and flows for events that were accepted before them.

A range has whole days, the first and the last included, in the zone of a calendar. What falls into it is told
by the business time of each event. It can be asked for again at any time: what is known is not taken twice.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from engine.connect.connector import Polled
from engine.connect.faults import permanent
from engine.core import EvaluationError, run_name, starts
from engine.core.accept import Offer
from engine.errors import ConfigurationError, InputError
from engine.event import Event
from engine.ledger import LedgerReader, is_pruned, read_instant
from engine.ledger.rows import EventRow
from engine.plan.plan import FlowPlan, Plan
from engine.runtime.accept import is_same_event
from engine.runtime.bench import Item, Verdict, Way
from engine.runtime.recover import Recovery
from engine.runtime.resolve import unfit_event
from engine.runtime.triggers.native import usable
from engine.runtime.triggers.poll import Asked
from engine.values.json_text import read_json, write_json

BATCH = 100  # events that are handed in at one time
SHOWN = 20  # names that are kept of what is to be looked at


@dataclass(frozen=True, slots=True)
class Days:
    """A range of days in a zone."""

    first: date
    last: date
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse a range that ends before it begins.

        Raises:
            InputError: when it does.

        """
        if self.last < self.first:
            raise InputError(f"the range ends on {self.last}, before it begins on {self.first}")

    @property
    def start(self) -> datetime:
        """The first instant of the first day there."""
        return datetime.combine(self.first, time(), ZoneInfo(self.zone))

    @property
    def end(self) -> datetime:
        """The first instant after the last day there."""
        return datetime.combine(self.last + timedelta(days=1), time(), ZoneInfo(self.zone))

    def has(self, at: datetime) -> bool:
        """Whether an instant falls into it."""
        return self.start.timestamp() <= at.timestamp() < self.end.timestamp()


class Taker(Protocol):
    """Accepts events."""

    async def accept(self, source: str, events: Sequence[str]) -> list[str]:
        """What became of each: accepted, duplicate or conflict."""
        ...


@dataclass(slots=True, kw_only=True)
class Found:
    """What a source has of a range, and what became of it."""

    records: int = 0
    outside: int = 0  # events that do not fall into the range
    new: int = 0
    known: int = 0
    conflicts: int = 0  # known with another content
    unfit: int = 0  # records that no mapping can use
    undated: int = 0  # events whose time is not told: all that changed since the first day
    names: list[str] = field(default_factory=list)  # of the first that contradict
    reasons: list[str] = field(default_factory=list)  # why the first records cannot be used

    @property
    def ok(self) -> bool:
        """Whether nothing has to be looked at."""
        return not (self.conflicts or self.unfit)


class Backfill:
    """Asks one source for a range of days."""

    def __init__(
        self, asked: Asked, plan: Plan, reader: LedgerReader, now: datetime, told: Callable[[Found], None]
    ) -> None:
        """`told` hears after each page how far it has come."""
        self._asked = asked
        self._plan = plan
        self._reader = reader
        self._now = now
        self._told = told

    async def look(self, days: Days) -> Found:
        """What there is; nothing is taken."""
        found = Found()
        async for offers in self._offers(days, found):
            self._count(found, offers)
            self._told(found)
        return found

    async def take(self, days: Days, taker: Taker, per_second: float | None = None) -> Found:
        """Take what there is, page by page."""
        found = Found()
        async for offers in self._offers(days, found):
            for start in range(0, len(offers), BATCH):
                batch = offers[start : start + BATCH]
                became = await taker.accept(self._asked.name, [*map(_envelope, batch)])
                _count_became(found, batch, became)
                await asyncio.sleep(len(batch) / per_second if per_second else 0)
            self._told(found)
        return found

    async def _offers(self, days: Days, found: Found) -> AsyncIterator[list[Offer]]:
        """The events of the range, a page at a time."""
        connector = self._asked.connection.connector
        if not isinstance(connector, Polled):
            raise ConfigurationError(f"the connector of {self._asked.name} cannot be asked for news")
        after = None
        while True:
            page = await connector.poll(self._asked.native.name, days.start, after)
            offers, unfit = usable(self._plan, self._asked.events, page.items, self._now)
            refused = [*page.unfit, *unfit]
            found.records += len(page.items) + len(page.unfit)
            found.unfit += len(refused)
            found.reasons += [why for _, why in refused][: SHOWN - len(found.reasons)]
            yield self._within(days, offers, found)
            if page.after is None:
                return
            if page.after == after:
                raise permanent(f"{self._asked.name} gives the same page again and again")
            after = page.after

    def _within(self, days: Days, offers: Sequence[Offer], found: Found) -> list[Offer]:
        undated = [one for one in offers if one.event.at is one.event.accepted_at]
        dated = [one for one in offers if one.event.at is not one.event.accepted_at]
        inside = [one for one in dated if days.has(one.event.at)]
        found.undated += len(undated)
        found.outside += len(dated) - len(inside)
        return [*inside, *undated]

    def _count(self, found: Found, offers: Sequence[Offer]) -> None:
        known = self._reader.known_events(one.event.id for one in offers)
        became = [
            "accepted"
            if one.event.id not in known
            else "duplicate"
            if known[one.event.id] == one.body_hash or is_same_event(one, self._reader.event(one.event.id))
            else "conflict"
            for one in offers
        ]
        _count_became(found, offers, became)


def _count_became(found: Found, offers: Sequence[Offer], became: Sequence[str]) -> None:
    found.new += became.count("accepted")
    found.known += became.count("duplicate")
    found.conflicts += became.count("conflict")
    names = [one.event.id for one, word in zip(offers, became, strict=True) if word == "conflict"]
    found.names += names[: SHOWN - len(found.names)]


def _envelope(one: Offer) -> str:
    return write_json({"type": one.event.type, "data": read_json(one.event.text)}).decode()


def earlier(reader: LedgerReader, recovery: Recovery, release: str, flow: str, days: Days) -> Iterator[Item]:
    """The events of a range that a flow would have been started by, each judged.

    Raises:
        InputError: when the release has no such flow.

    """
    plan = recovery.plan(release)
    wanted = plan.flows.get(flow)
    if wanted is None:
        raise InputError(f"the current release has no flow {flow!r}")
    for row in reader.events(event_type=wanted.event):
        if days.has(read_instant(row.at)) and (
            is_pruned(row.body) or _is_wanted(wanted, Recovery.restored(row, plan))
        ):
            yield _judged(reader, recovery, release, flow, row)


def _is_wanted(flow: FlowPlan, event: Event) -> bool:
    """Whether the condition of a flow holds; one that cannot be evaluated is for a person to see."""
    try:
        return starts(flow, event)
    except EvaluationError:
        return True


def _judged(reader: LedgerReader, recovery: Recovery, release: str, flow: str, row: EventRow) -> Item:
    runs = reader.attempts(flow, row.id)
    why = "" if runs else unfit_event(release, flow, row, recovery)
    return Item(
        run=run_name(flow, row.id),
        flow=flow,
        event=row.id,
        order_key=row.order_key,
        place=row.seq,
        release=release,
        way=Way.START,
        verdict=Verdict.APPLIED if runs else Verdict.PERSON if why else Verdict.SAFE,
        reasons=(why,) if why else (),
        notes=(f"was worked as {runs[-1].id}",) if runs else (),
    )
