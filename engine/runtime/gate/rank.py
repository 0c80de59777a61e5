"""Who goes first among those that wait: who has waited longest, with a start for what matters more. Pure.

A rank is an instant: when something began to wait, less what its weight is worth. It does not change while it
waits, so a queue need not be sorted again; and what weighs less is passed only by what comes within the
difference, so it never waits for ever.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

SECONDS_A_POINT = 60.0
"""What a point of weight is worth in seconds of waiting."""

T = TypeVar("T")


def rank(at: float, weight: int) -> float:
    """The rank of what begins to wait at an instant; the lowest goes first."""
    return at - weight * SECONDS_A_POINT


class Queue(Generic[T]):
    """Things that wait, the lowest rank first, and those of one rank in the order in which they came."""

    def __init__(self) -> None:
        """Begin empty."""
        self._heap: list[tuple[float, int, T]] = []
        self._numbers = count()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._heap)

    def put(self, ranked: float, item: T) -> None:
        """Wait."""
        heappush(self._heap, (ranked, next(self._numbers), item))

    def take(self) -> T:
        """The first; it waits no longer."""
        return heappop(self._heap)[2]

    def first(self) -> T:
        """The first; it goes on waiting."""
        return self._heap[0][2]

    def take_those(self, wanted: Callable[[T], bool], most: int) -> list[T]:
        """Up to so many that are wanted, in their order; the others go on waiting."""
        found: list[T] = []
        kept: list[tuple[float, int, T]] = []
        while self._heap and len(found) < most:
            entry = heappop(self._heap)
            if wanted(entry[2]):
                found.append(entry[2])
            else:
                kept.append(entry)
        for entry in kept:
            heappush(self._heap, entry)
        return found

    def change(self, changed: Callable[[T], T]) -> None:
        """Put something else in the place of each that waits."""
        self._heap = [(ranked, number, changed(item)) for ranked, number, item in self._heap]

    def __iter__(self) -> Iterator[T]:
        """All that wait, in no order."""
        return iter([item for _, _, item in self._heap])
