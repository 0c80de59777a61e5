"""Whether tables are complete: what is found is what trying every value finds."""

import itertools
import re
import time
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compile import boxes
from engine.compile.domain import domain_of
from engine.compile.unary_tests import family_of, read_cell
from engine.values.type import DATE, DECIMAL, INTEGER, Enum
from tests.compile.making import compile_files
from tests.depth import examples

THING = """\
entity: thing
fields:
  id: {type: string, required: true}
  word: {enum: [red, green, blue], required: true}
  flag: {type: boolean, required: true}
  whole: {type: integer, required: true}
  part: {type: decimal, required: true, nullable: true}
  day: {type: date, required: true}
  text: {type: string, required: true}
---
event: thing.made
data: canonical/thing@1
identity: data.id
---
flow: f
trigger: {event: thing.made, as: a}
steps:
  c: {check: p}
---
"""
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(-1, 5)]
INNER = DAYS[1:-1]  # those that tests may name: there are days before and after them
HALVES = [Decimal(number) / 2 for number in range(-2, 10)]
# Of each column: every value that tests on 0 to 3 could tell from the others.
VALUES = {
    "word": ["red", "green", "blue"],
    "flag": [True, False],
    "whole": list(range(-1, 6)),
    "part": [None, *HALVES],
    "day": DAYS,
    "text": ["x", "z", "other"],
}


def _ends(column):
    numbers = st.integers(0, 3)
    return numbers.map(lambda number: DAYS[number + 1]) if column == "day" else numbers


@st.composite
def cells_of(draw, column):
    """A test as its text and as a function, worked out each in its own way."""
    kind = draw(st.sampled_from(("any", "is", "not", "range", "less", "several")))
    ordered = column in ("whole", "part", "day")
    if kind == "any":
        return "-", lambda _value: True
    if kind in ("range", "less") and ordered:
        low, high = sorted((draw(_ends(column)), draw(_ends(column))))
        if kind == "less":
            return f"< {low}", lambda value: value is not None and value < low
        return f"{low}..{high}", lambda value: value is not None and low <= value <= high
    known = [
        value
        for value in VALUES[column]
        if value not in (None, "other") and (not ordered or value in (0, 1, 2) or value in INNER)
    ]
    chosen = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True))
    if kind == "not":
        return f"not({', '.join(map(_text, chosen))})", lambda value: value not in chosen
    chosen = chosen[:1] if kind == "is" else chosen
    return ", ".join(map(_text, chosen)), lambda value: value in chosen


def _text(value):
    return str(value).lower() if isinstance(value, bool) else f"{value}"


@st.composite
def tables(draw):
    columns = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3, unique=True))
    row = st.tuples(*(cells_of(column) for column in columns))
    return columns, draw(st.lists(row, min_size=1, max_size=5))


def compiled(columns, rows, hit):
    cells = ["[" + ", ".join(f'"{text}"' for text, _ in row) + "]" for row in rows]
    written = "".join(
        f"    - {{when: {row}, then: {{set: {{r{number}: {{value: 1}}}}}}}}\n"
        for number, row in enumerate(cells)
    )
    by = ", ".join(f"{column}: a.{column}" for column in columns)
    text = f"policy: p\ninputs: {{a: canonical/thing@1}}\ndecide:\n  by: {{{by}}}\n  hit: {hit}\n  rows:\n{written}"
    found, collector = compile_files({"flows/all.yaml": THING + text})
    return found, [(problem.code, problem.message) for problem in collector.problems]


def _true(rows, values):
    """The rows that apply, by trying."""
    return [
        number
        for number, row in enumerate(rows)
        if all(test(value) for (_, test), value in zip(row, values, strict=True))
    ]


@given(tables())
@settings(max_examples=examples(80))
@pytest.mark.requirement("POL-03")
def test_gaps_overlaps_and_dead_rows_are_those_that_trying_finds(made):
    columns, rows = made
    _, never = compiled(columns, rows, "all")
    if any(code == "TG442" for code, _ in never):
        return  # a cell that is true for nothing is a mistake of its own
    tried = [_true(rows, values) for values in itertools.product(*(VALUES[column] for column in columns))]
    _, unique = compiled(columns, rows, "unique")
    pairs = {pair for found in tried for pair in itertools.combinations(found, 2)}
    told = {
        tuple(int(n) - 1 for n in re.findall(r"rows (\d+) and (\d+)", text)[0])
        for code, text in unique
        if code == "TG444"
    }
    assert {pair[1] for pair in told} == {pair[1] for pair in pairs}  # one problem for each guilty row
    _, first = compiled(columns, rows, "first")
    dead = {int(re.findall(r"row (\d+)", text)[0]) - 1 for code, text in first if code == "TG445"}
    assert dead == set(range(len(rows))) - {found[0] for found in tried if found}
    for problems in (unique, first):
        assert ("TG443" in [code for code, _ in problems]) == ([] in tried)


@given(tables())
@settings(max_examples=examples(60))
def test_the_rows_that_apply_are_those_that_trying_finds(made):
    columns, rows = made
    found, problems = compiled(columns, rows, "all")
    if any(code == "TG442" for code, _ in problems):
        return
    decide = found.plan.flows["f"].step("c").decide
    for values in itertools.product(*(VALUES[column] for column in columns)):
        result = decide({"a": dict(zip(columns, values, strict=True))})[1]
        assert [n for n in range(len(rows)) if result[f"r{n}"] == 1] == _true(rows, values)


class TestExamples:
    @pytest.mark.parametrize(
        "kind, cells, expected",
        [
            (DECIMAL, ["< 0", "> 0"], ["-1", "0", "1"]),
            (DECIMAL, ["<= 100", "> 100.01"], ["0", "100", "100.001", "100.01", "101"]),
            (INTEGER, ["<= 100", "> 102"], ["0", "100", "101", "102", "103"]),
            (INTEGER, ["<= 100", "> 101"], ["0", "100", "101", "102"]),
            (DATE, ["< 2026-01-01"], ["2025-12-31", "2026-01-01", "2026-01-02"]),
            (Enum(values=("a", "b")), ["a"], ["a", "b", "null"]),
        ],
    )
    def test_a_part_is_told_by_its_plainest_value(self, kind, cells, expected):
        tests = [test for cell in cells for test in read_cell(cell, family_of(kind))]
        domain = domain_of(kind, nullable=isinstance(kind, Enum), tests=tests)
        assert sorted(part.example for part in domain.parts) == sorted(expected)

    def test_the_end_of_the_calendar_has_no_day_after_it(self):
        domain = domain_of(DATE, nullable=False, tests=read_cell("> 9999-12-31", "date"))
        assert [part.example for part in domain.parts][-1] == "any other"


class TestSize:
    def test_two_hundred_rows_of_ten_columns_are_checked_at_once(self):
        """A table made by cutting a box again and again: it has neither gap nor overlap."""
        columns, begun = _cut(rows=200, columns=10), time.process_time()
        assert next(boxes.find_gaps(columns, (1 << 200) - 1), None) is None
        without = [[mask & ~1 for mask in masks] for masks in columns]
        assert next(boxes.find_gaps(without, (1 << 200) - 2), None) is not None
        assert time.process_time() - begun < 2

    def test_what_cannot_be_known_soon_is_given_up(self):
        with pytest.raises(boxes.TooLargeError):
            next(boxes.find_gaps([[1, 2], [1, 2]], 3, boxes.Budget(1)), None)


def _cut(*, rows, columns, parts=12):
    box = [(0, parts)] * columns
    made = [box]
    while len(made) < rows:
        number = len(made)
        whole = made.pop(0)
        column = max(
            range(columns), key=lambda one: (whole[one][1] - whole[one][0], (one * number) % columns)
        )
        low, high = whole[column]
        middle = low + max(1, (high - low) * (number % 3 + 1) // 4)
        made.append([*whole[:column], (low, middle), *whole[column + 1 :]])
        made.append([*whole[:column], (middle, high), *whole[column + 1 :]])
    return [
        [
            sum(1 << row for row, one in enumerate(made) if one[c][0] <= part < one[c][1])
            for part in range(parts)
        ]
        for c in range(columns)
    ]
