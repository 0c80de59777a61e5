"""What waits to go out: each connection has places for writes and others for reads, and a gate before them.

What waits here is `pending` in the ledger, and what has a place is `sending`: after a crash, only the few
that may really have gone out are in doubt. One system that is slow or away keeps its own places, and nobody
else's.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple, TypeAlias

from engine.runtime.connections import Connection, Connections
from engine.runtime.deliver import Delivery
from engine.runtime.gate.gate import READS, WRITES, Gate
from engine.runtime.gate.rank import Queue
from engine.runtime.reading import Asked

WINDOW = 4  # batches on their way to one connection
CALLS = 2  # for many writes of one operation, that are filled or on their way


@dataclass(slots=True)
class Aside:
    """A delivery that was never tried, of a run that is not in memory: both are in the ledger."""

    run_id: str
    effect_key: str
    connection: str
    operation: str
    weight: int
    rank: float
    placed: bool = False
    probe: bool = False


Waiting: TypeAlias = Delivery | Asked | Aside


class Load(NamedTuple):
    """Deliveries that go to one connection together."""

    connection: Connection
    deliveries: list[Delivery]


@dataclass(slots=True)
class _Line:
    """The line before the places of one connection for one kind of use."""

    gate: Gate
    kind: str
    places: int  # that are free
    together: int = 1  # writes that go in one call
    riding: int = 0  # those in the call that was last let go
    queue: Queue[Waiting] = field(default_factory=Queue)

    def may_go(self, now: datetime) -> int:
        """How many may go now."""
        if not self.queue or self.places <= 0:
            return 0
        free = self.gate.free(now, self.kind)
        if free is None:
            return self.places
        return min(free * (self.together if self.gate.is_calm else 1), self.places)

    def go(self, now: datetime) -> bool:
        """One goes, by itself or in the call of others; whether it tries if the system is back."""
        self.places -= 1
        if self.together > 1 and self.gate.is_calm:
            self.riding = self.riding % self.together + 1
            if self.riding > 1:
                return False
        return self.gate.go(now, self.kind)


@dataclass(slots=True, order=True)
class _Due:
    """What is to be tried again."""

    at: datetime
    number: int
    item: Waiting = field(compare=False)


class Outbox:
    """The lines before all connections, and what is to stand in them again later."""

    def __init__(self, connections: Connections, reads: int) -> None:
        """Begin with every place free; no connection has more places for reads than this."""
        self._connections = connections
        self._reads = reads
        self._lines: dict[tuple[str, str], _Line] = {}
        self._due: list[_Due] = []
        self._over: dict[str, deque[Waiting]] = {}  # retries that are due, and over the share of retries
        self._numbers = count()

    def _line(self, name: str, use: str) -> _Line:
        """The line of a use: reads, writes, or one operation of which many go in a call."""
        line = self._lines.get((name, use))
        if line is None:
            line = self._lines[name, use] = self._new_line(self._connections.get(name), use)
        return line

    def _new_line(self, connection: Connection, use: str) -> _Line:
        if use == READS:
            return _Line(connection.gate, READS, min(self._reads, connection.plan.concurrency * 2))
        if use == WRITES:
            return _Line(connection.gate, WRITES, connection.batch_size * WINDOW)
        together = connection.together(use)
        return _Line(connection.gate, WRITES, together * CALLS, together)

    def _use(self, item: Waiting) -> str:
        return READS if isinstance(item, Asked) else self._use_of(item.connection, item.operation)

    def _use_of(self, name: str, operation: str) -> str:
        return use_of(self._connections.get(name), operation)

    def take(self, name: str, now: datetime, operation: str = "") -> bool:
        """Take a place for a new write that goes at once, unless others wait for one or the gate is not open.

        Raises:
            ConfigurationError: when there is no such connection in this environment.

        """
        line = self._line(name, self._use_of(name, operation))
        gate = line.gate
        if line.places <= 0 or line.queue or not gate.is_calm or gate.free(now, WRITES) == 0:
            return False
        line.go(now)
        _called(gate, now)
        return True

    def wait(self, item: Waiting) -> None:
        """Stand in line, by its rank."""
        self._line(item.connection, self._use(item)).queue.put(item.rank, item)

    def again(self, item: Waiting, at: datetime) -> None:
        """Stand in line again from an instant on."""
        heapq.heappush(self._due, _Due(at, next(self._numbers), item))

    def give_back(self, item: Waiting) -> None:
        """What was on its way came back, whatever came of it."""
        if item.placed:
            item.placed = False
            self._line(item.connection, self._use(item)).places += 1

    def due(self, now: datetime) -> None:
        """Let what is due stand in line again, as far as retries may be so many."""
        for name, over in self._over.items():
            while over and self._may_retry(name, now, take=True):
                self.wait(over.popleft())
        while self._due and self._due[0].at <= now:
            item = heapq.heappop(self._due).item
            if self._over.get(item.connection) or not self._may_retry(item.connection, now, take=True):
                self._over.setdefault(item.connection, deque()).append(item)
            else:
                self.wait(item)

    def _may_retry(self, name: str, now: datetime, *, take: bool = False) -> bool:
        """Whether one more retry may go; a system that is away is tried at the pace of its breaker."""
        gate = self._connections.get(name).gate
        if gate.budget is None or not gate.is_calm:
            return True
        at = now.timestamp()
        return gate.budget.take(at) if take else gate.budget.may(at)

    def can_go(self, now: datetime) -> bool:
        """Whether something waits that may go now."""
        if self._due and self._due[0].at <= now:
            return True
        if any(over and self._may_retry(name, now) for name, over in self._over.items()):
            return True
        return any(line.may_go(now) for line in self._lines.values())

    def next_at(self, now: datetime) -> datetime | None:
        """When something may go that may not now; None when nothing waits for its time."""
        lines = [line for line in self._lines.values() if line.queue and line.places > 0]
        found = [line.gate.opens_at(now, line.kind) for line in lines]
        found += [self._due[0].at] if self._due else []
        found += [now + self._slice(name) for name, over in self._over.items() if over]
        return min((at for at in found if at is not None), default=None)

    def _slice(self, name: str) -> timedelta:
        """How long until retries over their share are looked at again."""
        budget = self._connections.get(name).gate.budget
        return timedelta(seconds=0.0 if budget is None else budget.slice_seconds)

    def is_left_alone(self, now: datetime, seconds: float) -> bool:
        """Whether all that waits does so for systems that have been out, or will be, for longer than this."""
        names = {item.item.connection for item in self._due}
        names |= {name for (name, _), line in self._lines.items() if line.queue}
        names |= {name for name, over in self._over.items() if over}
        return all(self._connections.get(name).gate.is_out_for(now, seconds) for name in sorted(names))

    def set_aside(self, now: datetime) -> list[str]:
        """Keep of what cannot go now only where it is found; the runs that wait for it."""
        found: list[str] = []
        for line in self._lines.values():
            if line.queue and not line.may_go(now):
                line.queue.change(_aside)
                for item in line.queue:
                    found += [name for name, _ in item.runs] if isinstance(item, Asked) else [item.run_id]
        return found

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return sum(len(line.queue) for line in self._lines.values())

    @property
    def due_again(self) -> int:
        """How many are to stand in line again later."""
        return len(self._due) + sum(map(len, self._over.values()))

    def waiting_for(self) -> dict[str, int]:
        """How many wait for each connection, in line or to stand in it again."""
        found: dict[str, int] = {}
        for (name, _), line in self._lines.items():
            found[name] = found.get(name, 0) + len(line.queue)
        for name, over in self._over.items():
            found[name] = found.get(name, 0) + len(over)
        for due in self._due:
            found[due.item.connection] = found.get(due.item.connection, 0) + 1
        return {name: number for name, number in sorted(found.items()) if number}

    def go(self, now: datetime) -> list[Waiting]:
        """Those that go now: of each line the ones of the lowest rank."""
        found: list[Waiting] = []
        for line in self._lines.values():
            for _ in range(min(line.may_go(now), len(line.queue))):
                item = line.queue.take()
                item.placed = True
                item.probe = line.go(now)
                if isinstance(item, Aside) or not item.attempts:
                    _called(line.gate, now)
                found.append(item)
        return found


def _called(gate: Gate, now: datetime) -> None:
    """A call goes out that is no retry."""
    if gate.budget is not None:
        gate.budget.called(now.timestamp())


def use_of(connection: Connection, operation: str) -> str:
    """The line in which a write stands: one of its own, where many of its operation go in a call."""
    return operation if connection.together(operation) > 1 else WRITES


def loads(connection: Connection, deliveries: Iterable[Delivery]) -> Iterator[list[Delivery]]:
    """What is handed to a connector at once. What may wait for others to fill a call goes apart."""
    by_use: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        by_use.setdefault(use_of(connection, delivery.operation), []).append(delivery)
    for use, found in by_use.items():
        size = connection.batch_size if use == WRITES else connection.together(use)
        for start in range(0, len(found), size):
            yield found[start : start + size]


def _aside(item: Waiting) -> Waiting:
    if not isinstance(item, Delivery) or item.attempts or item.in_doubt or item.looks:
        return item
    return Aside(
        item.run_id, item.command.effect_key, item.connection, item.operation, item.weight, item.rank
    )
