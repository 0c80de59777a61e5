"""How many of the calls of a connection may be retries, so that they make no outage worse. Pure.

Where each of a thousand calls fails now and then, every one of them is tried again, and a system that is in
trouble has to bear twice the calls. Retries over their share wait until there are more calls, or until the
retries before them are long enough ago.
"""

from dataclasses import dataclass, field

from engine.connect import RetryShare

SLICES = 20  # of the time over which calls are counted


@dataclass(slots=True)
class RetryBudget:
    """The calls of one connection in the time that just went by, and how many of them were retries."""

    plan: RetryShare
    _calls: dict[int, int] = field(default_factory=dict)  # by slice of time
    _retries: dict[int, int] = field(default_factory=dict)

    def called(self, at: float) -> None:
        """A call goes out that is no retry."""
        self._count(self._calls, at)

    def take(self, at: float) -> bool:
        """Whether a retry may go now; if so, it is counted."""
        if not self.may(at):
            return False
        self._count(self._retries, at)
        return True

    def may(self, at: float) -> bool:
        """Whether a retry may go now."""
        retries = self._within(self._retries, at)
        if retries < self.plan.least:
            return True
        calls = self._within(self._calls, at) + retries + 1
        return (retries + 1) * 100 <= self.plan.share * calls

    @property
    def slice_seconds(self) -> float:
        """How long it takes until the count is another, when nothing else goes out."""
        return self.plan.seconds / SLICES

    def _count(self, counts: dict[int, int], at: float) -> None:
        number = int(at / self.slice_seconds)
        counts[number] = counts.get(number, 0) + 1

    def _within(self, counts: dict[int, int], at: float) -> int:
        """What was counted; what is too old is forgotten, and so is what a clock that was set back left."""
        present = int(at / self.slice_seconds)
        for number in [one for one in counts if not present - SLICES <= one <= present]:
            del counts[number]
        return sum(counts.values())
