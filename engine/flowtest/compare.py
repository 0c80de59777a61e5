"""Whether what was found is what was expected, in part: what a test does not name is not compared."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from engine.values.json_text import instant_text
from engine.values.value import Value


class Missing:
    """Stands for a field that is not there."""


MISSING = Missing()


class Difference(NamedTuple):
    """One value that is not as expected."""

    path: tuple[str | int, ...]
    expected: Value
    found: "Value | Missing"


def differences(
    expected: Value, found: "Value | Missing", path: tuple[str | int, ...] = ()
) -> Iterator[Difference]:
    """What differs.

    Records are compared by the fields that are expected, lists item by item. Numbers are equal as numbers,
    and a text equals a number, a date or an instant that it writes down.
    """
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key, value in expected.items():
            yield from differences(value, found.get(key, MISSING), (*path, key))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, (*path, index))
    elif isinstance(found, Missing) or not _same(expected, found):
        yield Difference(path, expected, found)


def _same(expected: Value, found: Value) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, str):
        return _writes(expected, found)
    return (type(expected) is type(found) and expected == found) or _equal_numbers(expected, found)


def _equal_numbers(expected: Value, found: Value) -> bool:
    numbers = isinstance(expected, int | Decimal) and isinstance(found, int | Decimal)
    return numbers and expected == found


def _writes(text: str, found: Value) -> bool:
    """Whether a text is a value, or writes it down."""
    match found:
        case str():
            return text == found
        case int() | Decimal():
            return _number(text) == found
        case datetime():
            return _instant(text) == found
        case date():
            return text == found.isoformat()
        case _:
            return False


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is None else found.astimezone(UTC)


def as_shown(value: Value) -> Value:
    """A value with dates as the text in which they are compared and shown."""
    match value:
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {key: as_shown(item) for key, item in value.items()}
        case list():
            return [as_shown(item) for item in value]
        case _:
            return value
