"""The money that runs write and emit, by currency and by what a firm sorts it by.

Money is a record with an amount and a currency, alone or beside other fields. What it is sorted by are
fields by their names (`legal_entity`, `cycle`): of the record itself, else of what a check worked out, else
of what the run knows.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple, cast

from engine.preview.behaviour.outcome import data_of, made_by
from engine.preview.behaviour.play import Run
from engine.values.value import Value

_DEEPEST = 6


class Line(NamedTuple):
    """What amounts are added up under."""

    flow: str
    step: str
    field: str
    currency: str
    sorted_by: tuple[str, ...]


class Sorter:
    """Finds what a run's records are sorted under."""

    __slots__ = ("_by", "_scope")

    def __init__(self, run: Run, by: tuple[str, ...]) -> None:
        """By these fields of what the run knows."""
        self._by = by
        scope = [] if run.state is None else [one for one in run.state.scope.values() if type(one) is dict]
        self._scope = [
            *(one for one in scope if "fired" in one),
            *(one for one in scope if "fired" not in one),
        ]

    def of(self, data: Mapping[str, Value]) -> tuple[str, ...]:
        """What a record is sorted under; "" where nothing of that name is known."""
        return tuple([self._one(data, name) for name in self._by])

    def _one(self, data: Mapping[str, Value], name: str) -> str:
        for place in (data, *self._scope):
            value = place.get(name)
            if type(value) is dict:
                value = value.get("name")
            if value is not None:
                return str(value)
        return ""


def lines(run: Run, by: tuple[str, ...]) -> Iterator[tuple[Line, Decimal]]:
    """The money that a run writes and emits, each with what it is added up under."""
    sorter = Sorter(run, by)
    for made in made_by(run):
        data = data_of(made)
        found: tuple[str, ...] | None = None
        for field, currency, value in _money(data, "", 0):
            found = found or sorter.of(data)
            yield Line(run.flow.name, made.step, field, currency, found), value


def _money(value: Value, place: str, depth: int) -> Iterator[tuple[str, str, Decimal]]:
    if type(value) is dict:
        currency = value.get("currency")
        if type(currency) is str and len(currency) == 3 and _is_number(amount := value.get("amount")):
            field = place if len(value) == 2 else f"{place}.amount".lstrip(".")
            yield field, currency, Decimal(cast("Decimal | int", amount))
        for name, inner in value.items():
            if type(inner) in _CONTAINERS and depth < _DEEPEST:
                yield from _money(inner, f"{place}.{name}" if place else name, depth + 1)
    elif type(value) is list:
        for inner in value:
            if type(inner) in _CONTAINERS:
                yield from _money(inner, f"{place}[]", depth + 1)


_CONTAINERS = (dict, list)


def _is_number(value: Value) -> bool:
    return type(value) is Decimal or type(value) is int
