"""The values that a column of a decision table can have, cut into the parts that its tests tell apart.

Two values of one part are alike to every test of the column, so that what holds for one value of each part
holds for all. The check for gaps and the function that decides use the same parts: what was checked is
what is done.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from engine.compile.unary_tests import (
    DATE,
    INSTANT,
    NUMBER,
    TEXT,
    TRUTH,
    UNKNOWN,
    Anything,
    Not,
    Only,
    Test,
    Within,
    family_of,
    shown,
)
from engine.values.type import INTEGER, Enum, Scalar, Type
from engine.values.value import Value

Mask: TypeAlias = int
"""A set of parts, or of rows: bit 0 is the first."""


@dataclass(frozen=True, slots=True)
class Part:
    """Values that no test of the column tells apart."""

    example: str  # how one of them is told to a person
    holds: Callable[[Test], bool]  # whether a test without `not` and `-` is true for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The parts of one column, in an order in which the plain ones come first."""

    family: str
    parts: tuple[Part, ...]
    texts: Mapping[Value, int] = field(default_factory=dict)  # texts, true, false and null: to their part
    points: Sequence[Value] = ()  # of numbers, dates and instants: where one part ends and another begins
    steps: Sequence[int | None] = ()  # the part below the first point, the point, the part above it, ...
    other_text: int | None = None
    other: int | None = None  # what is neither of these, where nothing is known

    @property
    def everything(self) -> Mask:
        """All parts."""
        return (1 << len(self.parts)) - 1

    def mask(self, tests: Iterable[Test]) -> Mask:
        """The parts for which one of these tests is true."""
        found = 0
        for test in tests:
            match test:
                case Anything():
                    return self.everything
                case Not(tests=inner):
                    found |= self.everything & ~self.mask(inner)
                case _:
                    found |= sum(1 << place for place, part in enumerate(self.parts) if part.holds(test))
        return found

    def part_of(self, value: Value) -> int | None:
        """The part that a value is in; None for one that the column should not have."""
        if value is None or isinstance(value, bool | str):
            found = self.texts.get(value)
            return self.other_text if found is None and isinstance(value, str) else found
        if type(value) in _CLASSES.get(self.family, ()):
            place = bisect_left(self.points, value)  # type: ignore[type-var]
            there = place < len(self.points) and self.points[place] == value
            return self.steps[2 * place + there]
        return self.other


_CLASSES: Mapping[str, tuple[type, ...]] = {
    NUMBER: (int, Decimal),
    UNKNOWN: (int, Decimal),
    DATE: (date,),
    INSTANT: (datetime,),
}


def domain_of(kind: Type, *, nullable: bool, tests: Iterable[Test]) -> Domain:
    """The parts into which tests cut the values of a type."""
    family = family_of(kind)
    builder = _Builder(family, tuple(_plain(tests)))
    if family == TEXT:
        builder.add_texts(kind.values if isinstance(kind, Enum) else None)
    elif family == TRUTH:
        builder.add_truths()
    elif family in (NUMBER, DATE, INSTANT):
        builder.add_line(_step(kind))
    else:
        builder.add_unknown()
    if nullable or family == UNKNOWN:
        builder.add(None, "null")
    return builder.domain()


def _plain(tests: Iterable[Test]) -> Iterable[Only | Within]:
    """The tests without `not` and `-`."""
    for test in tests:
        if isinstance(test, Not):
            yield from _plain(test.tests)
        elif not isinstance(test, Anything):
            yield test


def _step(kind: Type) -> Fraction | None:
    """How far one value is from the next; None where there is always one between two."""
    if kind == INTEGER:
        return Fraction(1)
    match kind:
        case Scalar(name="decimal", decimals=int() as decimals):
            return Fraction(1, 10**decimals)
        case Scalar(name="date" | "datetime"):
            return Fraction(1)  # day, or microsecond
        case _:
            return None


class _Builder:
    """Collects the parts of one column."""

    def __init__(self, family: str, tests: Sequence[Only | Within]) -> None:
        self._family = family
        self._tests = tests
        self._parts: list[Part] = []
        self._texts: dict[Value, int] = {}
        self._points: Sequence[Value] = ()
        self._steps: list[int | None] = []
        self._other_text: int | None = None
        self._other: int | None = None

    def domain(self) -> Domain:
        return Domain(
            family=self._family,
            parts=tuple(self._parts),
            texts=self._texts,
            points=self._points,
            steps=tuple(self._steps),
            other_text=self._other_text,
            other=self._other,
        )

    def _part(self, example: str, holds: Callable[[Test], bool]) -> int:
        self._parts.append(Part(example, holds))
        return len(self._parts) - 1

    def add(self, value: Value, example: str) -> None:
        """A part that is one text, true, false or null."""
        self._texts[value] = self._part(example, lambda test: _is(test, value))

    def add_truths(self) -> None:
        self.add(True, "true")
        self.add(False, "false")

    def add_texts(self, values: Sequence[str] | None) -> None:
        """The values of an enum, or the texts that are named and any other."""
        if values is not None:
            for value in values:
                self.add(value, value)
            return
        for text in dict.fromkeys(test.value for test in self._tests if isinstance(test, Only)):
            if isinstance(text, str):
                self.add(text, repr(text) if not text or text != text.strip() else text)
        self._other_text = self._part("any other text" if self._texts else "any text", _never)

    def add_unknown(self) -> None:
        """Where nothing is known: what is named, and whatever else there may be."""
        if self._family == UNKNOWN:
            self.add_texts(None)
            self.add_truths()
            if any(True for test in self._tests for _ in _ends(test)):
                self.add_line(None)
        self._other = self._part("anything else" if self._parts else "anything", _never)
        if not self._steps:
            self._steps = [self._other]

    def add_line(self, step: Fraction | None) -> None:
        """Numbers, dates or instants: the points that are named, and what is before, between and after."""
        points = {_rank(point): point for test in self._tests for point in _ends(test)}
        ranks = sorted(points)
        self._points = tuple(points[rank] for rank in ranks)
        below: Fraction | None = None
        for rank in ranks:
            self._steps.append(self._between(below, rank, step))
            self._steps.append(self._point(rank, points[rank], step))
            below = rank
        self._steps.append(self._between(below, None, step))

    def _point(self, rank: Fraction, point: Value, step: Fraction | None) -> int | None:
        if step is not None and rank % step:
            return None  # half a piece
        return self._part(shown(point), lambda test: _is(test, point) or _spans(test, rank, rank))

    def _between(self, low: Fraction | None, high: Fraction | None, step: Fraction | None) -> int | None:
        """The values between two points, unless there is none."""
        if self._family not in (DATE, INSTANT) and (low is None or low < 0) and (high is None or high > 0):
            rank: Fraction | None = Fraction(0)
        else:
            rank = _rank_between(low, high, step, _UNITS.get(self._family, Fraction(1)))
        if rank is None:
            return None
        anything = low is None and high is None and self._family in _ANY_OF
        example = _ANY_OF[self._family] if anything else _shown_rank(rank, self._family)
        return self._part(example, lambda test: _spans(test, low, high, between=True))


_UNITS = {INSTANT: Fraction(3_600_000_000)}  # an hour beside an instant is plainer than a microsecond
_ANY_OF = {DATE: "any date", INSTANT: "any instant"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _never(_test: Test) -> bool:
    return False


def _is(test: Test, value: Value) -> bool:
    """Whether a test asks for this value; true is no number."""
    if not isinstance(test, Only) or isinstance(test.value, bool) != isinstance(value, bool):
        return False
    return test.value == value


def _ends(test: Only | Within) -> Iterable[Value]:
    values = (test.value,) if isinstance(test, Only) else (test.low, test.high)
    return [value for value in values if value is not None and not isinstance(value, bool | str)]


def _rank(point: Value) -> Fraction:
    """The place of a number, a date or an instant on a line."""
    if isinstance(point, datetime):
        return Fraction((point - _EPOCH) // timedelta(microseconds=1))
    if isinstance(point, date):
        return Fraction(point.toordinal())
    assert isinstance(point, int | Decimal)
    return Fraction(point)


def _spans(test: Test, low: Fraction | None, high: Fraction | None, *, between: bool = False) -> bool:
    """Whether a range holds all from `low` to `high`, or all that lies between the two."""
    if not isinstance(test, Within):
        return False
    first = None if test.low is None else _rank(test.low)
    last = None if test.high is None else _rank(test.high)
    if first is not None and (low is None or low < first):
        return False
    if last is not None and (high is None or high > last):
        return False
    return between or not ((low == first and not test.with_low) or (high == last and not test.with_high))


def _rank_between(
    low: Fraction | None, high: Fraction | None, step: Fraction | None, unit: Fraction
) -> Fraction | None:
    """The plainest place between two: a whole one, or one with few digits; None when there is none."""
    if low is None or high is None:
        end = (high if low is None else low) or Fraction(0)
        return Fraction((end - unit if low is None else end + unit) // 1)
    if low + unit < high and unit > 1:
        return low + unit
    size = 1
    while step is None or Fraction(1, size) >= step:
        found = Fraction((low * size) // 1 + 1, size)
        if found < high:
            return found
        size *= 10
    return None


def _shown_rank(rank: Fraction, family: str) -> str:
    try:
        if family == DATE:
            return shown(date.fromordinal(int(rank)))
        if family == INSTANT:
            return shown(_EPOCH + timedelta(microseconds=int(rank)))
    except (OverflowError, ValueError):
        return "any other"
    return shown(Decimal(rank.numerator) / Decimal(rank.denominator))
