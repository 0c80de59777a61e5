"""How fast one system may be asked: the rates that its vendor governs by, and what its answers say. Pure.

A rate is kept over every stretch of its length, not over stretches that begin on the minute: what a vendor
counts from is not known. Time is handed in, as seconds of a clock.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.spec.limits import RateSpec

LONGEST_PAUSE = 86_400.0  # what a system asks for beyond this is not believed
THROTTLED_PAUSE = 1.0  # after the first refusal that says no time; it doubles up to the longest
LONGEST_THROTTLED = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most so many requests in any stretch of so many seconds."""

    requests: int
    seconds: float
    of: str = "all"  # all, reads, writes


def rates_of(written: Iterable[RateSpec]) -> tuple[Rate, ...]:
    """The rates of a manifest or a connection."""
    return tuple(
        Rate(requests=one.requests, seconds=float(one.per.seconds), of=str(one.of)) for one in written
    )


@dataclass(slots=True)
class Steady:
    """Seconds that only grow, made of those of a clock on the wall: one that is put back costs no time."""

    _last: float | None = None
    _seconds: float = 0.0

    def __call__(self, at: float) -> float:
        """The present time in such seconds."""
        last = self._last
        if at != last:  # of what happens in one turn the time is the same
            self._seconds = at if last is None else self._seconds + max(0.0, at - last)
            self._last = at
        return self._seconds


@dataclass(slots=True)
class _Counted:
    """One rate, and when the requests of its last stretch went."""

    rate: Rate
    went: deque[float] = field(default_factory=deque)

    def free(self, at: float) -> int:
        self._forget(at)
        return self.rate.requests - len(self.went)

    def wait(self, at: float) -> float:
        """Seconds until one more may go."""
        excess = 1 - self.free(at)
        if excess <= 0:
            return 0.0
        return max(0.0, self.went[excess - 1] + self.rate.seconds - at)

    def _forget(self, at: float) -> None:
        while self.went and self.went[0] + self.rate.seconds <= at:
            self.went.popleft()


class Pace:
    """The pace of one connection. Whoever lets a request go reserves it; whoever sends one says so."""

    def __init__(self, rates: Sequence[Rate] = ()) -> None:
        """Keep to these rates."""
        self._counted = [_Counted(rate) for rate in rates]
        self._steady = Steady()
        self._reserved = 0
        self._until = 0.0  # nothing goes before
        self._throttled = 0  # refusals in a row
        self._left: int | None = None  # requests that the system said are left
        self._left_until = 0.0

    def limit(self, rates: Iterable[Rate]) -> None:
        """Keep to these rates as well."""
        self._counted += [_Counted(rate) for rate in rates]

    def free(self, at: float, kind: str) -> int | None:
        """How many requests of a kind (reads, writes) may go now; None when there is no bound."""
        at = self._steady(at)
        if at < self._until:
            return 0
        if self._left is None and not self._counted:
            return None
        found = [one.free(at) for one in self._of(kind)]
        if self._left is not None and at < self._left_until:
            found.append(self._left)
        return max(0, min(found)) if found else None

    def wait(self, at: float, kind: str) -> float:
        """Seconds until one request of a kind may go."""
        at = self._steady(at)
        waits = [one.wait(at) for one in self._of(kind)]
        if self._left is not None and self._left <= 0:
            waits.append(self._left_until - at)
        return max(0.0, self._until - at, *waits)

    def reserve(self, at: float, kind: str) -> None:
        """One request is let go, and will be sent."""
        self._reserved += 1
        self._count(self._steady(at), kind)

    @property
    def is_foreseen(self) -> bool:
        """Whether a request was let go that was not sent yet."""
        return self._reserved > 0

    def send(self, at: float, kind: str) -> None:
        """One request is sent: one that was reserved, or one that nobody foresaw."""
        if self._reserved:
            self._reserved -= 1
        else:
            self._count(self._steady(at), kind)

    def hear(self, at: float, left: int | None, again: float | None) -> None:
        """What an answer said: how many requests are left, and in how many seconds there are new ones."""
        if left is not None and again is not None and again > 0:
            self._left, self._left_until = max(0, left), self._steady(at) + min(again, LONGEST_PAUSE)

    def throttled(self, at: float, seconds: float | None) -> None:
        """The system refused a request as one too many, or asks to be left alone for so long."""
        self._throttled += 1
        if seconds is None:
            seconds = min(THROTTLED_PAUSE * 2.0 ** min(self._throttled - 1, 16), LONGEST_THROTTLED)
        self._until = max(self._until, self._steady(at) + min(seconds, LONGEST_PAUSE))

    def answered(self) -> None:
        """The system took a request."""
        self._throttled = 0

    def _count(self, at: float, kind: str) -> None:
        for one in self._counted:
            if one.rate.of in {"all", kind}:
                one.went.append(at)
        if self._left is not None:
            self._left -= 1

    def _of(self, kind: str) -> list[_Counted]:
        return [one for one in self._counted if one.rate.of in {"all", kind}]
