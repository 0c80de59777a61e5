"""What data is: JSON's values with exact numbers, and dates where a schema says so.

A *value* is one of: None, bool, int, Decimal, str, date, datetime (always with a zone), a list of
values, or a dict from str to values. There is never a float. Values are treated as immutable once
made: nothing in the engine changes a list or dict it did not create.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from numbers import Real
from typing import TypeAlias

Scalar: TypeAlias = bool | int | Decimal | str | date | datetime | None
Value: TypeAlias = "Scalar | Sequence[Value] | Mapping[str, Value]"


def kind_of(value: object) -> str:
    """How the kind of a value is named to a person: `text`, `number`, `list`, ..."""
    for cls, name in _KINDS:
        if isinstance(value, cls):
            return name
    return "null" if value is None else type(value).__name__


# bool before int and datetime before date: the former is a subclass of the latter
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true/false"),
    (int, "whole number"),
    (Decimal, "number"),
    (Real, "number"),  # what other libraries make of one, in their complaints
    (str, "text"),
    (datetime, "date and time"),
    (date, "date"),
    (Mapping, "record"),
    (Sequence, "list"),
)
