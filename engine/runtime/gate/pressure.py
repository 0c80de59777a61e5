"""How full we are, and when a sender should come again. Pure."""

from dataclasses import dataclass

SHORTEST, LONGEST = 1, 300  # seconds after which a sender is asked to come again
FADE_SECONDS = 30.0  # over about how long the speed of work is taken


@dataclass(slots=True)
class Speed:
    """How many runs come to rest in a second, of late."""

    _rate: float = 0.0
    _at: float | None = None
    _runs: int = 0

    def count(self, at: float, runs: int) -> None:
        """So many had come to rest by an instant, in all."""
        if self._at is None:
            self._at, self._runs = at, runs
        span = at - self._at
        if span < SHORTEST:
            return
        kept = 0.5 ** (span / FADE_SECONDS)
        self._rate = self._rate * kept + (runs - self._runs) / span * (1 - kept)
        self._at, self._runs = at, runs

    @property
    def a_second(self) -> float:
        """Runs a second."""
        return self._rate


def come_again(backlog: int, limit: int, a_second: float) -> int:
    """In how many seconds a sender may come again: when a tenth of the limit is likely to be free."""
    excess = backlog - limit * 9 // 10
    if excess <= 0:
        return SHORTEST
    if a_second <= 0:
        return LONGEST // 10
    return int(min(LONGEST, max(SHORTEST, excess / a_second)))
