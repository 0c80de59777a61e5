"""The cells of decision tables: what a test says, read from the few forms that there are.

`-` anything, `milestone` or `'a, b'` a text, `100` a number, `< 100`, `100..500` and `(100..500]` ranges,
`2026-05-29` a date, `true`, `null`, `not(...)`, and alternatives with commas between them. What lives
here: reading. What does not: which values a column has (:mod:`engine.compile.domain`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from engine.values.instant import in_utc
from engine.values.type import Any, Enum, Scalar, Type
from engine.values.value import Value, kind_of


@dataclass(frozen=True, slots=True)
class Anything:
    """Every value, and null."""


@dataclass(frozen=True, slots=True)
class Only:
    """One value."""

    value: Value


@dataclass(frozen=True, slots=True)
class Within:
    """The values from one end to the other; None where there is no end."""

    low: Value
    with_low: bool
    high: Value
    with_high: bool


@dataclass(frozen=True, slots=True)
class Not:
    """Every value for which none of these is true; null as well, unless one of them is `null`."""

    tests: "tuple[Test, ...]"


Test: TypeAlias = Anything | Only | Within | Not
ANYTHING = Anything()

NUMBER, DATE, INSTANT, TEXT, TRUTH, UNKNOWN, OTHER = "number date datetime text boolean any other".split()
ORDERED = (NUMBER, DATE, INSTANT)

_FAMILIES = {
    "integer": NUMBER,
    "decimal": NUMBER,
    "date": DATE,
    "datetime": INSTANT,
    "string": TEXT,
    "boolean": TRUTH,
}


class CellError(Exception):
    """A cell that says nothing that could be true: why, and what to write instead."""

    def __init__(self, message: str, help_: str = "") -> None:
        """Say what is wrong with the cell."""
        super().__init__(message)
        self.message = message
        self.help = help_


def family_of(kind: Type) -> str:
    """What the tests of a column of this type are about."""
    match kind:
        case Scalar(name=name):
            return _FAMILIES.get(name, OTHER)
        case Enum():
            return TEXT
        case Any():
            return UNKNOWN
        case _:
            return OTHER


def read_cell(value: Value, family: str) -> tuple[Test, ...]:
    """The alternatives of a cell.

    Raises:
        CellError: when it is no test for values of this family.

    """
    if isinstance(value, str):
        return tuple(_Reader(family).tests(value))
    if isinstance(value, list):
        found = tuple(test for item in value for test in read_cell(item, family))
        if not found:
            raise CellError("an empty list is true for nothing", "write `-` for anything")
        return found
    if value is None or isinstance(value, bool | int | Decimal):
        return (Only(_plain(value, family)),)
    raise CellError(f"a test is a text, a number, true or false, null or a list, not a {kind_of(value)}")


def _plain(value: Value, family: str) -> Value:
    """A value that YAML knows by itself, where the column has such values."""
    wanted = {bool: TRUTH, int: NUMBER, Decimal: NUMBER}.get(type(value))
    if wanted in (None, family) or family == UNKNOWN:
        return value
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    helps = f"write \"'{shown}'\" for the text" if family == TEXT else ""
    raise CellError(f"the column holds {_PLURALS[family]}, and `{shown}` is none", helps)


_PLURALS = {
    NUMBER: "numbers",
    DATE: "dates",
    INSTANT: "instants",
    TEXT: "texts",
    TRUTH: "true or false",
    OTHER: "lists or records",
}
_EXAMPLES = {
    NUMBER: "100, < 100 or 100..500",
    DATE: "2026-05-29 or >= 2026-01-01",
    INSTANT: "< 2026-05-29T18:00:00Z",
    TEXT: "a text, or several with commas between them",
    TRUTH: "true or false",
    UNKNOWN: "a text, a number, true, false or null",
    OTHER: "null or not(null)",
}
_COMPARED = re.compile(r"(<=|>=|!=|<|>|=)\s*(.+)", re.DOTALL)
_RANGE = re.compile(r"([\[\](]?)\s*([^\s\[\]()]+?)\s*\.\.\s*([^\s\[\]()]+?)\s*([\[\])]?)")
_NEGATED = re.compile(r"not\s*\((.*)\)", re.DOTALL)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_GROUPED = re.compile(r"0[0-9]+")
_THOUSANDS = re.compile(r"(?<![0-9.])-?[1-9][0-9]{0,2}(,[0-9]{3})+(?![0-9])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class _Reader:
    """Reads the text of a cell of one family."""

    def __init__(self, family: str) -> None:
        self._family = family

    def tests(self, text: str) -> Iterator[Test]:
        if self._family == NUMBER and (found := _THOUSANDS.search(text)) is not None:
            # Read as two alternatives, `< 1,500` would be true for 0 and for 500.
            number = found[0].replace(",", "")
            raise CellError(
                f"`{found[0]}` may be one number or several; a comma stands between alternatives",
                f"write {number}, or a blank behind the comma where several are meant",
            )
        for part in _parts(text):
            yield self._test(part)

    def _test(self, text: str) -> Test:
        if text == "-":
            return ANYTHING
        if not text:
            raise CellError("a test is missing here", "write `-` for anything")
        if (found := _NEGATED.fullmatch(text)) is not None:
            return Not(tuple(self.tests(found[1])))
        if (found := _COMPARED.fullmatch(text)) is not None:
            return self._compared(found[1], found[2].strip())
        if (found := _RANGE.fullmatch(text)) is not None and self._family in (*ORDERED, UNKNOWN):
            return self._range(*found.groups())
        return Only(self._value(text))

    def _compared(self, operator: str, text: str) -> Test:
        if operator == "=":
            return Only(self._value(text))
        if operator == "!=":
            return Not((Only(self._value(text)),))
        end = self._end(text, operator)
        if operator in ("<", "<="):
            return Within(None, False, end, operator == "<=")
        return Within(end, operator == ">=", None, False)

    def _range(self, opening: str, low: str, high: str, closing: str) -> Test:
        """`100..500` with both ends; a round or outward bracket leaves an end out."""
        if bool(opening) != bool(closing):
            raise CellError("a range has a bracket on both sides or on none", "write [100..500)")
        first, last = self._end(low, ".."), self._end(high, "..")
        found = Within(first, opening in ("", "["), last, closing in ("", "]"))
        if first > last or (first == last and not (found.with_low and found.with_high)):  # type: ignore[operator]
            raise CellError(f"nothing is in the range from {low} to {high}")
        return found

    def _end(self, text: str, operator: str) -> Value:
        """The end of a range: a value that has an order."""
        value = self._value(text)
        if self._family == UNKNOWN and not (isinstance(value, int | Decimal) and not isinstance(value, bool)):
            raise CellError(
                f"`{operator}` compares numbers here, for nothing is known about the column",
                "give the column an expression with a type, such as {expr: date(...)}",
            )
        if self._family not in (*ORDERED, UNKNOWN):
            helps = f"write \"'{operator} {text}'\" for the text" if self._family == TEXT else ""
            raise CellError(f"the column holds {_PLURALS[self._family]}, which have no order", helps)
        if value is None:
            raise CellError("null is neither more nor less than anything")
        return value

    def _value(self, text: str) -> Value:
        if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
            return self._quoted(text[1:-1])
        if text == "null":
            return None
        match self._family:
            case "number":
                return self._number(text)
            case "date":
                return self._date(text)
            case "datetime":
                return self._instant(text)
            case "boolean":
                return self._truth(text)
            case "text":
                return text
            case "any":
                return self._unknown(text)
            case _:
                raise self._none(text)

    def _quoted(self, text: str) -> Value:
        if self._family not in (TEXT, UNKNOWN):
            raise CellError(f"the column holds {_PLURALS[self._family]}, and this is a text", self._way_out())
        return text

    def _unknown(self, text: str) -> Value:
        if text in ("true", "false"):
            return text == "true"
        return _exact(text) if _NUMBER.fullmatch(text) else text

    def _number(self, text: str) -> Value:
        if _NUMBER.fullmatch(text):
            return _exact(text)
        if _GROUPED.fullmatch(text):
            raise CellError(f"`{text}` is no number; a comma stands between alternatives", "write 1000")
        raise self._none(text)

    def _date(self, text: str) -> Value:
        try:
            if _DATE.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        raise self._none(text)

    def _instant(self, text: str) -> Value:
        try:
            found = datetime.fromisoformat(text)
            if found.tzinfo is not None:
                return in_utc(found)
        except ValueError:
            raise self._none(text) from None
        raise CellError(f"`{text}` has no time zone", "end it in Z or +02:00")

    def _truth(self, text: str) -> Value:
        if text in ("true", "false"):
            return text == "true"
        raise self._none(text)

    def _none(self, text: str) -> CellError:
        return CellError(
            f"the column holds {_PLURALS[self._family]}, and `{text}` is none of that", self._way_out()
        )

    def _way_out(self) -> str:
        return f"write {_EXAMPLES[self._family]}"


def _exact(text: str) -> Value:
    return Decimal(text) if "." in text else int(text)


def _parts(text: str) -> Sequence[str]:
    """The alternatives of a cell: what stands between commas outside of quotes and brackets."""
    parts, begin, quote, depth, since = [], 0, "", 0, 0
    for place, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and not text[since:place].strip(" <>=!"):
            quote = char  # one inside of a word is an apostrophe
        elif char == "(" and text[since:place].strip() == "not":
            depth, since = depth + 1, place + 1
        elif char == ")" and depth:
            depth -= 1
        elif char == ",":
            since = place + 1
            if not depth:
                parts.append(text[begin:place].strip())
                begin = place + 1
    if quote or depth:
        raise CellError("a quote is never closed" if quote else "a bracket is never closed")
    return (*parts, text[begin:].strip())


def shown(value: Value) -> str:
    """A value as it is written in a cell."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
