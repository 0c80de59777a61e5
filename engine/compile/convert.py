"""What an entry's value becomes: `as:`, `values:`, `max_length:`, as functions that generated code calls."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    InvalidOperation,
)
from typing import TypeAlias

from engine.language.compiled import EvaluationError
from engine.language.known import family, longest_text
from engine.values import type as types
from engine.values.instant import in_utc
from engine.values.json_text import instant_text
from engine.values.money import money_of, quantum
from engine.values.type import Type
from engine.values.value import Value, kind_of

Convert: TypeAlias = Callable[[Value], Value]

ROUNDINGS = {
    "half_even": ROUND_HALF_EVEN,
    "half_up": ROUND_HALF_UP,
    "down": ROUND_DOWN,
    "up": ROUND_UP,
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
}

MAX_DECIMALS = 20
NAMES = ("string", "integer", "decimal", "boolean", "date", "datetime", "money")
_PATTERN = re.compile(r"(string|integer|decimal|boolean|date|datetime|money)(?:\(([0-9]{1,2})\))?")


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion, and the type of what comes out of it."""

    call: Convert
    type: Type
    quick: "tuple[Callable[[Decimal, Decimal], Decimal], Decimal] | None" = None
    """What does the same to a Decimal, unless it raises, and what to give it besides."""


def conversion(text: str, rounding: str) -> Conversion | None:
    """The conversion of that name, such as `string` or `decimal(2)`; None when there is none."""
    matched = _PATTERN.fullmatch(text)
    if matched is None:
        return None
    name, digits = matched.groups()
    if name == "decimal":
        decimals = None if digits is None else int(digits)
        if decimals is not None and decimals > MAX_DECIMALS:
            return None
        kind = types.Scalar(name="decimal", decimals=decimals)
        if decimals is None:
            return Conversion(number, kind)
        # A context of its own: rounding depends on nothing that a thread may have set.
        quick = Context(prec=60, rounding=ROUNDINGS[rounding]).quantize, quantum(decimals)
        return Conversion(_rounded(decimals, *quick), kind, quick)
    return None if digits is not None else Conversion(_PLAIN[name], types.SCALARS[name])


_BECOMES: Mapping[str, tuple[str, ...]] = {
    "string": NAMES,  # which is also what money is written as
    "integer": ("string", "integer", "decimal"),
    "decimal": ("string", "integer", "decimal"),
    "boolean": ("string", "boolean"),
    "date": ("string", "date"),
    "datetime": ("string", "datetime"),
}


def can_become(kind: Type, name: str) -> bool:
    """Whether some value of a type can be converted to the type of that name."""
    match kind:
        case types.Scalar(name=found):
            return name in _BECOMES.get(found, NAMES)
        case types.Record(name=named):
            return name == "money" and named in ("", "money")
        case types.Listing():
            return False
        case _:
            return True


def _refuse(value: Value, wanted: str) -> EvaluationError:
    if isinstance(value, bool):
        return EvaluationError(f"{'true' if value else 'false'} cannot become {wanted}")
    return EvaluationError(f"{kind_of(value)} {str(value)[:40]!r} cannot become {wanted}")


def number(value: Value) -> Decimal:
    """A number, or text that is one, as a Decimal; exact.

    Raises:
        EvaluationError: for anything else, true and false included.

    """
    if type(value) is Decimal:
        return value
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise _refuse(value, "a number")
    try:
        found = Decimal(value.strip()) if isinstance(value, str) else Decimal(value)
    except InvalidOperation:
        raise _refuse(value, "a number") from None
    if not found.is_finite():
        raise _refuse(value, "a number")
    return found


def _rounded(decimals: int, quantize: Callable[[Decimal, Decimal], Decimal], step: Decimal) -> Convert:
    def convert(value: Value) -> Value:
        found = value if type(value) is Decimal else number(value)
        try:
            return quantize(found, step)
        except InvalidOperation:
            raise _refuse(value, f"a number with {decimals} decimals") from None

    return convert


def _string(value: Value) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    raise _refuse(value, "text")


def _integer(value: Value) -> Value:
    found = number(value)
    if found != found.to_integral_value():
        raise _refuse(value, "a whole number")
    return int(found)


def _boolean(value: Value) -> Value:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise _refuse(value, "true or false")


def _date(value: Value) -> Value:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise _refuse(value, "a date")


def _datetime(value: Value) -> Value:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            raise _refuse(value, "a date and time") from None
        if found.tzinfo is not None:
            return _in_utc(found, value)
    raise _refuse(value, "a date and time with a zone")


def _in_utc(found: datetime, value: str) -> datetime:
    try:
        return in_utc(found)
    except ValueError:
        raise _refuse(value, "a date and time of this age of the world") from None


def _money(value: Value) -> Value:
    found = money_of(value)
    if found is None:
        raise _refuse(value, "an amount of money (write 150.00 EUR)")
    return found


_PLAIN: Mapping[str, Convert] = {
    "money": _money,
    "string": _string,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
}


def value_map(values: Mapping[str, Value], unmapped: frozenset[str]) -> Convert:
    """What each value becomes; one that is not listed, or listed as unmapped, is an error."""

    def convert(value: Value) -> Value:
        key = value if isinstance(value, str) else _string(value)
        assert isinstance(key, str)
        if key in values:
            return values[key]
        if key in unmapped:
            raise EvaluationError(f"the value {key!r} is declared unmapped")
        raise EvaluationError(f"the value {key!r} is not in the value map")

    return convert


def cut(length: int) -> Convert:
    """Text cut to so many characters."""

    def convert(value: Value) -> Value:
        return value[:length] if isinstance(value, str) else value

    return convert


def cut_type(kind: Type, length: int) -> Type:
    """The type of text of a type that was cut to so many characters."""
    longest = longest_text(kind)
    if kind == types.ANY or (longest is not None and longest <= length):
        return kind
    return types.Scalar(name="string", longest=length) if family(kind) == "text" else kind
