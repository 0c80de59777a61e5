"""Deliveries that wait for a place: each connection has so many on their way, and no more.

What waits here is `pending` in the ledger, and what has a place is `sending`: after a crash, only the few
that may really have gone out are in doubt.
"""

from collections import deque
from dataclasses import dataclass, field

from engine.runtime.connections import Connections
from engine.runtime.deliver import Delivery

WINDOW = 4  # batches on their way to one connection


@dataclass(slots=True)
class _Line:
    """The line before one connection."""

    places: int  # that are free
    waiting: deque[Delivery] = field(default_factory=deque)


class Outbox:
    """The lines before all connections."""

    def __init__(self, connections: Connections) -> None:
        """Begin with every place free."""
        self._connections = connections
        self._lines: dict[str, _Line] = {}

    def _line(self, name: str) -> _Line:
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = _Line(self._connections.get(name).batch_size * WINDOW)
        return line

    def take(self, name: str) -> bool:
        """Take a place for something new, unless others wait for one.

        Raises:
            ConfigurationError: when there is no such connection in this environment.

        """
        line = self._line(name)
        if line.waiting or line.places <= 0:
            return False
        line.places -= 1
        return True

    def wait(self, delivery: Delivery) -> None:
        """Stand in line."""
        self._line(delivery.command.connection).waiting.append(delivery)

    def give_back(self, delivery: Delivery) -> None:
        """A delivery came back, whatever came of it."""
        if delivery.placed:
            delivery.placed = False
            self._line(delivery.command.connection).places += 1

    @property
    def can_go(self) -> bool:
        """Whether something waits that has a place."""
        return any(line.waiting and line.places > 0 for line in self._lines.values())

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return sum(len(line.waiting) for line in self._lines.values())

    def go(self) -> list[Delivery]:
        """Those who have waited longest and now have a place."""
        found: list[Delivery] = []
        for line in self._lines.values():
            while line.waiting and line.places > 0:
                delivery = line.waiting.popleft()
                delivery.placed = True
                line.places -= 1
                found.append(delivery)
        return found
