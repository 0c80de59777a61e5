"""Working many runs again: in order, at a rate, until a stop rule holds it up; and what became of each.

What is done is begun through a `Doer`, so that it is the same for a daemon and for a ledger opened here. An
item has succeeded when the ledger has the receipts of the target, and not before.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from engine.errors import InputError, LedgerError
from engine.ledger import LedgerReader
from engine.runtime.bench import Item, Verdict, Way
from engine.values.value import Value

SIDE_BY_SIDE = 16  # items on their way at one time
LOOK_SECONDS = 0.05  # between two looks at what became of them


class Doer(Protocol):
    """Begins to work a run again."""

    async def begin(self, request: Mapping[str, Value]) -> str:
        """Order it; the id of the run that works it.

        Raises:
            InputError: when it cannot be.
            LedgerError: nobody can say whether it was.

        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast, how far, and when to stop."""

    per_second: float | None = None
    limit: int | None = None  # items in all
    stop_after: int | None = None  # failures
    stop_at: float | None = None  # of all items, the share that may fail, in per cent
    wait_seconds: float = 600.0  # how long an item may be on its way until it is left to itself

    def allowed(self, items: int) -> int | None:
        """The number of failures at which no more is begun."""
        bounds = [] if self.stop_after is None else [self.stop_after]
        if self.stop_at is not None:
            bounds.append(int(items * self.stop_at / 100) + 1)
        return min(bounds, default=None)


class Became(NamedTuple):
    """What really came of one item."""

    item: Item
    ok: bool
    what: str  # applied, already applied, needs a person, failed, held, unknown, on its way, not begun, ...
    why: str = ""
    run: str | None = None  # that worked it


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who has it done, why, and how."""

    by: str
    reason: str
    keep: bool = False

    def request(self, item: Item) -> dict[str, Value]:
        """What a doer is asked for one item."""
        if item.way is Way.START:
            return {"flow": item.flow, "event": item.event, "by": self.by, "reason": self.reason}
        again = item.way is Way.SEND_AGAIN
        return {
            "run": item.run,
            "by": self.by,
            "reason": self.reason,
            "release": None if again else item.release,
            "keep": self.keep,
        }


def in_order(items: Iterable[Item]) -> list[Item]:
    """Items in the order in which their events were accepted, so that each order key keeps its own."""
    return sorted(items, key=lambda item: (item.place, item.flow))


class Bulk:
    """One replay of many items."""

    def __init__(
        self, doer: Doer, reader: LedgerReader, order: Order, pace: Pace, told: Callable[[Became], None]
    ) -> None:
        """`told` hears what became of each item as soon as that is known."""
        self._doer = doer
        self._reader = reader
        self._order = order
        self._pace = pace
        self._told = told
        self._found: list[Became] = []
        self._going: dict[str, tuple[Item, float]] = {}
        self._has_no_answer = False  # whoever works gave none: no more is begun

    async def work(self, items: Sequence[Item]) -> list[Became]:
        """Work those that are safe; what became of each item, in their order."""
        ordered = in_order(items)
        todo = [item for item in ordered if item.verdict is Verdict.SAFE]
        for item in ordered:
            if item.verdict is not Verdict.SAFE:
                why = "; ".join(item.reasons)
                self._note(Became(item, item.verdict is Verdict.APPLIED, item.verdict.value, why))
        for item in todo[self._pace.limit :] if self._pace.limit is not None else ():
            self._note(Became(item, False, "not begun", "it is beyond --limit"))
        await self._work(todo[: self._pace.limit])
        places = {item.run: place for place, item in enumerate(ordered)}
        return sorted(self._found, key=lambda one: places[one.item.run])

    async def _work(self, todo: Sequence[Item]) -> None:
        clock = asyncio.get_running_loop().time
        allowed = self._pace.allowed(len(todo))
        next_at = clock()
        for item in todo:
            await self._until(lambda: self._has_place(allowed))
            if allowed is not None and self._failed() >= allowed:
                self._note(Became(item, False, "not begun", f"stopped after {self._failed()} failures"))
                continue
            if self._has_no_answer:
                self._note(Became(item, False, "not begun", "it comes after one that nobody answered for"))
                continue
            await asyncio.sleep(max(0.0, next_at - clock()))
            next_at = max(next_at, clock()) + (1.0 / self._pace.per_second if self._pace.per_second else 0.0)
            await self._begin(item, clock())
        await self._until(lambda: not self._going)

    def _has_place(self, allowed: int | None) -> bool:
        """Whether one more may be begun: all that are on their way may fail, and the rule still holds."""
        left = SIDE_BY_SIDE if allowed is None else min(SIDE_BY_SIDE, allowed - self._failed())
        return len(self._going) < max(1, left)

    def _failed(self) -> int:
        return sum(not one.ok for one in self._found if one.run is not None or one.what == "refused")

    async def _begin(self, item: Item, at: float) -> None:
        try:
            run_id = await self._doer.begin(self._order.request(item))
        except InputError as error:
            self._note(Became(item, False, "refused", str(error)))
        except LedgerError as error:  # those that were begun before are still waited for, and told of
            self._has_no_answer = True
            self._note(Became(item, False, "not known", str(error)))
        else:
            self._going[run_id] = (item, at)

    async def _until(self, enough: Callable[[], bool]) -> None:
        """Look at what is on its way until there is little enough of it."""
        while True:
            self._look()
            if enough():
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for run_id, (item, since) in list(self._going.items()):
            became = outcome(self._reader, item, run_id)
            if became is None and now - since > self._pace.wait_seconds:
                became = Became(item, False, "on its way", "it goes on by itself; look again later", run_id)
            if became is not None:
                del self._going[run_id]
                self._note(became)

    def _note(self, became: Became) -> None:
        self._found.append(became)
        self._told(became)


def outcome(reader: LedgerReader, item: Item, run_id: str) -> Became | None:
    """What the ledger says came of an item; None as long as it is on its way."""
    run = reader.run(run_id)
    if run is None or run.status == "running":
        return None
    left = [row for row in reader.effects(run_id) if row.status not in {"done", "dead"}]
    if run.status == "completed" and not left and not reader.dead_letters(run_id):
        return Became(item, True, "applied", "", run_id)
    why = run.reason or "; ".join(f"{row.key} is {row.status}" for row in left)
    return Became(item, False, run.status, why, run_id)


def report(found: Sequence[Became], order: Order, asked: Mapping[str, Value]) -> dict[str, Value]:
    """What became of a replay, to be kept."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one.what] = counts.get(one.what, 0) + 1
    return {
        "by": order.by,
        "reason": order.reason,
        "asked": dict(asked),
        "counts": dict(counts),
        "items": [
            {"run": one.item.run, "worked_by": one.run, "became": one.what, "why": one.why or None}
            for one in found
        ],
    }
