"""The text of a cell to the value that it means: exact numbers, dates by their declared form, zones.

What cannot be read is an error in one sentence; nothing is guessed. Values are those of JSON, with dates and
instants as ISO 8601 texts, since a record is checked by its JSON Schema before it is used.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from engine.connect.file_spec import ColumnSpec, FileSpec
from engine.values.instant import in_utc
from engine.values.json_text import instant_text
from engine.values.value import Value

LONGEST_NUMBER = 60  # characters


class CellError(ValueError):
    """A cell that is not what its column says; the message is a sentence."""


def value_of(text: str, column: ColumnSpec, spec: FileSpec) -> Value:
    """The value of a cell that is not empty.

    Raises:
        CellError: when it is none of its type.

    """
    return _READERS[str(column.type)](text, column, spec)


def _string(text: str, column: ColumnSpec, spec: FileSpec) -> Value:
    del column, spec
    return text


def _integer(text: str, column: ColumnSpec, spec: FileSpec) -> Value:
    found = _number(text, spec)
    if found != found.to_integral_value():
        raise CellError(f"{text!r} is no whole number")
    del column
    return int(found)


def _decimal(text: str, column: ColumnSpec, spec: FileSpec) -> Value:
    del column
    return _number(text, spec)


def _number(text: str, spec: FileSpec) -> Decimal:
    """A number, its digits grouped in threes or not at all; its sign before it, or behind as ERPs write."""
    plain = text.strip()
    behind = plain.endswith("-")
    if behind:
        plain = plain[:-1]
    if (
        len(plain) > LONGEST_NUMBER
        or not number_pattern(spec).fullmatch(plain)
        or (behind and plain[:1] in "+-")
    ):
        raise CellError(f"{text[:LONGEST_NUMBER]!r} is no number as this file writes them")
    if spec.thousands is not None:
        plain = plain.replace(str(spec.thousands), "")
    found = Decimal(plain.replace(str(spec.decimal), "."))
    return -found if behind else found


def number_pattern(spec: FileSpec) -> re.Pattern[str]:
    """How a file writes numbers."""
    fraction = rf"(?:{re.escape(str(spec.decimal))}[0-9]+)?"
    grouped = (
        "" if spec.thousands is None else rf"[0-9]{{1,3}}(?:{re.escape(str(spec.thousands))}[0-9]{{3}})+|"
    )
    return re.compile(rf"[+-]?(?:{grouped}[0-9]+){fraction}")


def _boolean(text: str, column: ColumnSpec, spec: FileSpec) -> Value:
    del spec
    word = text.strip().lower()
    if word in {str(one).lower() for one in column.true}:
        return True
    if word in {str(one).lower() for one in column.false}:
        return False
    raise CellError(f"{text!r} is neither true nor false here")


def _date(text: str, column: ColumnSpec, spec: FileSpec) -> Value:
    del spec
    plain = text.strip()
    try:
        if column.format is None:
            return date.fromisoformat(plain).isoformat()
        # A date has no zone; only its day is taken.
        return datetime.strptime(plain, str(column.format)).date().isoformat()  # noqa: DTZ007
    except ValueError as error:
        raise CellError(f"{text!r} is no date of the form {column.format or '2026-03-31'}") from error


def _instant(text: str, column: ColumnSpec, spec: FileSpec) -> Value:
    del spec
    plain = text.strip()
    try:
        found = (
            datetime.fromisoformat(plain)
            if column.format is None
            else datetime.strptime(plain, str(column.format))  # noqa: DTZ007 - the column says its zone
        )
    except ValueError as error:
        form = column.format or "2026-03-31T09:00:00Z"
        raise CellError(f"{text!r} is no instant of the form {form}") from error
    try:
        return instant_text(in_utc(found if found.tzinfo is not None else _placed(found, text, column)))
    except (ValueError, OverflowError) as error:
        raise CellError(f"{text!r} is no instant: {error}") from error


def _placed(found: datetime, text: str, column: ColumnSpec) -> datetime:
    """A local time in the zone of its column: the first, where it comes twice."""
    if column.time_zone is None:
        raise CellError(f"{text!r} names no time zone, and neither does its column")
    local = found.replace(tzinfo=ZoneInfo(str(column.time_zone)))
    at = local.astimezone(UTC)
    if at.astimezone(local.tzinfo).replace(tzinfo=None) != found:
        raise CellError(f"{text!r} does not exist in {column.time_zone}: clocks went forward over it")
    return at


_READERS: Mapping[str, Callable[[str, ColumnSpec, FileSpec], Value]] = MappingProxyType(
    {
        "string": _string,
        "integer": _integer,
        "decimal": _decimal,
        "boolean": _boolean,
        "date": _date,
        "datetime": _instant,
    }
)
