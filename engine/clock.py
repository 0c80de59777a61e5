"""The only time and the only new identifiers that Tidegate takes from the machine.

Everything that decides is given instants and ids as arguments; the shell asks a :class:`Clock`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Protocol
from uuid import uuid4


class Clock(Protocol):
    """What the shell asks for time, durations and names that were never used before."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        ...

    def elapsed_seconds(self) -> float:
        """A reading that only grows, for time-outs and durations."""
        ...

    def new_id(self) -> str:
        """A name that nobody else has."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)

    def elapsed_seconds(self) -> float:
        """A reading that only grows."""
        return monotonic()

    def new_id(self) -> str:
        """A random UUID (RFC 9562, version 4) in hexadecimal."""
        return uuid4().hex


@dataclass(slots=True)
class FixedClock:
    """A clock that stands still until it is moved; ids count upwards."""

    instant: datetime
    _ids: int = field(default=0, init=False)
    _elapsed: float = field(default=0.0, init=False)

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.instant

    def elapsed_seconds(self) -> float:
        """The seconds by which it was moved so far."""
        return self._elapsed

    def new_id(self) -> str:
        """The next number, as 32 hexadecimal digits."""
        self._ids += 1
        return f"{self._ids:032x}"

    def advance(self, by: timedelta) -> None:
        """Move forward."""
        self.instant += by
        self._elapsed += by.total_seconds()
