"""A circuit breaker: leaves a system alone that does not answer, and tries whether it is back. Pure."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from engine.connect import BreakerPlan


class State(StrEnum):
    """How a breaker stands."""

    CLOSED = "closed"  # the system answers: everything goes
    OPEN = "open"  # it is away: nothing goes
    HALF_OPEN = "half_open"  # one attempt tries whether it is back


@dataclass(slots=True)
class Breaker:
    """The breaker of one connection. Time is handed in, as seconds of a clock."""

    name: str
    plan: BreakerPlan
    state: State = State.CLOSED
    since: float = 0.0  # when it opened, as long as it has not closed
    until: float = 0.0  # when the next attempt may try, while it is open
    _row: int = 0  # failures in a row
    _times: int = 0  # how often it opened since it was last closed
    _probing: bool = False
    _away: float = 0.0  # seconds for which it was not closed, before the present time
    _last: deque[bool] | None = None  # whether each of the last attempts failed

    def free(self, at: float) -> int | None:
        """How many attempts may go now; None when there is no bound."""
        if self.state is State.CLOSED:
            return None
        if self.state is State.OPEN and at >= self.until:
            self.state = State.HALF_OPEN
            self._probing = False
        return int(self.state is State.HALF_OPEN and not self._probing)

    def go(self) -> bool:
        """An attempt goes; whether it is one that tries whether the system is back."""
        if self.state is State.HALF_OPEN:
            self._probing = True
        return self.state is not State.CLOSED

    def wait(self, at: float) -> float | None:
        """Seconds until an attempt may go; None when that depends on one that is on its way."""
        if self.free(at) != 0:
            return 0.0
        return None if self._probing else max(0.0, self.until - at)

    def came(self, at: float, *, failed: bool, probe: bool) -> bool:
        """What came of an attempt; whether the breaker opened for the first time, or closed."""
        if self.state is State.CLOSED:
            return self._count(at, failed=failed)
        if not probe:
            return False  # it went before the breaker opened, and says nothing of the present
        self._probing = False
        if failed:
            self._open(at)
            return False
        self._away += max(0.0, at - self.since)
        self.state, self._row, self._times, self._last = State.CLOSED, 0, 0, None
        return True

    def came_to_nothing(self) -> None:
        """The attempt that was to try whether the system is back says nothing of it: another one may."""
        self._probing = False

    def away_seconds(self, at: float) -> float:
        """For how long the system was away, in all."""
        return self._away + (0.0 if self.state is State.CLOSED else max(0.0, at - self.since))

    def _count(self, at: float, *, failed: bool) -> bool:
        self._row = self._row + 1 if failed else 0
        share = False
        if self.plan.share is not None:
            last = self._last = self._last or deque(maxlen=self.plan.among)
            last.append(failed)
            share = len(last) == self.plan.among and sum(last) * 100 >= self.plan.share * len(last)
        if not failed or not (share or self._row >= self.plan.after):
            return False
        self.since = at
        self._open(at)
        return True

    def _open(self, at: float) -> None:
        pause = min(self.plan.pause_seconds * 2.0 ** min(self._times, 32), self.plan.longest_seconds)
        self._times += 1
        # Spread by name and number, so that several processes do not come back at one moment.
        spread = int.from_bytes(sha256(f"{self.name}#{self._times}".encode()).digest()[:4]) / 2**32
        self.state, self.until = State.OPEN, at + pause * (0.75 + spread / 4)
