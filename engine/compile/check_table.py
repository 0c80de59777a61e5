"""Whether a decision table is complete: gaps, rows that meet, rows that are never reached.

Every column is cut into the parts that its tests tell apart, so that a table is a finite thing and what is
found is exact. Where the search would take too long, that is what is said.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from engine.compile import policy_problems as problems
from engine.compile.boxes import Budget, TooLargeError, find_gaps, is_covered, meeting
from engine.compile.decision_table import DecisionTable
from engine.compile.unary_tests import ANYTHING
from engine.problems import Problem
from engine.source import Span

SHOWN_GAPS = 3
SHOWN_VALUES = 12
SHOWN_PAIRS = 20
"""So many pairs of rows that meet are told; a table with more has one mistake, not many."""


def check_table(table: DecisionTable, place: Span) -> Iterator[Problem]:
    """What is wrong with a table whose cells were understood."""
    if table.hit == "unique":
        yield from _overlaps(table)
    elif table.hit == "first":
        yield from _dead_rows(table, place)
    if table.hit != "all":
        yield from _gaps(table, place)


def meetings(table: DecisionTable) -> Iterator[tuple[int, int, str]]:
    """Pairs of rows that can be true together, by their index, with an example."""
    rows = [[column.masks[row] for column in table.columns] for row in range(len(table.rows))]
    for first, second, parts in meeting(rows):
        told = [
            None if ANYTHING in column.tests[first] and ANYTHING in column.tests[second] else part
            for column, part in zip(table.columns, parts, strict=True)
        ]
        yield first, second, example(table, told)


def example(table: DecisionTable, parts: Sequence[int | None]) -> str:
    """Values for a person: `billing = retainer, amount = 0`."""
    said = [
        f"{column.name} = {column.domain.parts[part].example}"
        for column, part in zip(table.columns, parts, strict=True)
        if part is not None
    ]
    more = f" and {len(said) - SHOWN_VALUES} more" if len(said) > SHOWN_VALUES else ""
    return ", ".join(said[:SHOWN_VALUES]) + more or "anything"


def _overlaps(table: DecisionTable) -> Iterator[Problem]:
    for first, second, told in islice(meetings(table), SHOWN_PAIRS):
        yield problems.overlap(_place(table, first), _place(table, second), told)


def _place(table: DecisionTable, row: int) -> tuple[int, Span]:
    return table.rows[row].number, table.rows[row].span


def _by_part(table: DecisionTable) -> list[list[int]]:
    return [[column.rows_of(part) for part in range(len(column.domain.parts))] for column in table.columns]


def _gaps(table: DecisionTable, place: Span) -> Iterator[Problem]:
    found: list[str] = []
    try:
        places = find_gaps(_by_part(table), (1 << len(table.rows)) - 1)
        found.extend(example(table, parts) for parts in islice(places, SHOWN_GAPS))
    except TooLargeError:
        if not found:
            yield problems.too_large(place, "gaps")
    if found:
        yield problems.gaps(place, found, hit=table.hit)


def _dead_rows(table: DecisionTable, place: Span) -> Iterator[Problem]:
    by_part, budget = _by_part(table), Budget()
    try:
        for row in range(1, len(table.rows)):
            if is_covered(by_part, row, (1 << row) - 1, budget):
                alone = next((other for other in range(row) if is_covered(by_part, row, 1 << other)), None)
                yield problems.dead_row(_place(table, row), None if alone is None else _place(table, alone))
    except TooLargeError:
        yield problems.too_large(place, "rows that never apply")
