"""What functions ask of their arguments; a wrong kind is refused in plain words, never converted."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from engine.language.budget import MAX_LIST
from engine.language.compiled import EvaluationError
from engine.language.formula_operators import a_kind, is_number, ordered

Argument: TypeAlias = Any  # whatever the author handed in


def expected(what: str, found: object) -> EvaluationError:
    """The error for an argument of the wrong kind."""
    return EvaluationError(f"expected {what}, found {a_kind(found)}")


def text(value: Argument) -> str:
    """The argument, which must be text."""
    if isinstance(value, str):
        return value
    raise expected("text", value)


def number(value: Argument) -> int | Decimal:
    """The argument, which must be a number."""
    if is_number(value):
        return value  # type: ignore[no-any-return]
    raise expected("a number", value)


def whole(value: Argument) -> int:
    """The argument, which must be a whole number; 3.00 is one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    raise expected("a whole number", value)


def day(value: Argument) -> date:
    """The argument, which must be a date and not an instant."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, datetime):
        raise EvaluationError("expected a date, found a date and time; write date(value, 'America/New_York')")
    raise expected("a date", value)


def instant(value: Argument) -> datetime:
    """The argument, which must be a date and time."""
    if isinstance(value, datetime):
        return value
    raise expected("a date and time", value)


def listing(value: Argument) -> Sequence[Any]:
    """The argument, which must be a list or a set."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, frozenset):
        return ordered(value)
    raise expected("a list", value)


def record(value: Argument) -> Mapping[str, Any]:
    """The argument, which must be a record."""
    if isinstance(value, Mapping):
        return value
    raise expected("a record", value)


def size(value: Argument) -> int:
    """The argument, which must be a number of items or characters that is not too large."""
    count = whole(value)
    if not 0 <= count <= MAX_LIST:
        raise EvaluationError(f"{count} is not between 0 and {MAX_LIST:,}")
    return count
