"""Whether the rows of a table cover everything, and which of them meet: sets of rows as bits of a number.

What lives here: the search, on numbers alone. What does not: columns, tests and words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeAlias

Masks: TypeAlias = Sequence[int]
"""Of one column: for each of its parts the rows that are true there, as bits."""

MOST_STEPS = 500_000
"""So many places are looked at before a table is called too large; that takes about half a second."""


class TooLargeError(Exception):
    """The search was given up."""


@dataclass(slots=True)
class Budget:
    """How many places may still be looked at, in all searches of one table together."""

    steps: int = MOST_STEPS

    def spend(self) -> None:
        """Look at one more.

        Raises:
            TooLargeError: when nothing is left.

        """
        self.steps -= 1
        if self.steps < 0:
            raise TooLargeError


@dataclass(slots=True)
class _Search:
    """One search for a place that no row covers."""

    columns: Sequence[Masks]
    rest: Sequence[int]  # for each column the rows that are true whatever it and those behind it are
    budget: Budget
    known: set[tuple[int, int]] = field(default_factory=set)  # columns and rows without a gap

    def gaps(self, column: int, rows: int) -> Iterator[tuple[int | None, ...]]:
        """Places that none of `rows` covers, from a column on; None where the part does not matter."""
        if rows == 0:
            yield (None,) * (len(self.columns) - column)
            return
        if rows & self.rest[column] or (column, rows) in self.known:
            return
        self.budget.spend()
        found = False
        alike: dict[int, int] = {}  # by the rows that are left: the first part that leaves them
        for part, there in enumerate(self.columns[column]):
            alike.setdefault(rows & there, part)
        for left, part in alike.items():
            for place in self.gaps(column + 1, left):
                found = True
                yield (None if len(alike) == 1 else part, *place)
        if not found:
            self.known.add((column, rows))


def find_gaps(
    columns: Sequence[Masks], rows: int, budget: Budget | None = None
) -> Iterator[tuple[int | None, ...]]:
    """The places that no row covers: of each column a part, or None where any part will do.

    Raises:
        TooLargeError: when it would take too long to know.

    """
    rest = [rows]
    for masks in reversed(columns):
        everywhere = rest[-1]
        for mask in masks:
            everywhere &= mask
        rest.append(everywhere)
    yield from _Search(columns, rest[::-1], budget or Budget()).gaps(0, rows)


def is_covered(columns: Sequence[Masks], row: int, others: int, budget: Budget | None = None) -> bool:
    """Whether wherever a row is true one of the others is as well.

    Raises:
        TooLargeError: when it would take too long to know.

    """
    bit = 1 << row
    inside = [[mask & others for mask in masks if mask & bit] for masks in columns]
    near = others
    for masks in inside:
        anywhere = 0
        for mask in masks:
            anywhere |= mask
        near &= anywhere
    narrowed = [[mask & near for mask in masks] for masks in inside]
    return next(find_gaps(narrowed, near, budget), None) is None


def meeting(rows: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, list[int]]]:
    """Pairs of rows that are true together, and where: of each column the first part that both have.

    A row is given as the parts of each column for which it is true, as bits.
    """
    for (first, one), (second, other) in combinations(enumerate(rows), 2):
        both = [left & right for left, right in zip(one, other, strict=True)]
        if all(both):
            yield first, second, [(mask & -mask).bit_length() - 1 for mask in both]
