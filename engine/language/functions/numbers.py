"""Functions on numbers. Every result is exact, or rounded half even unless the author says otherwise."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    InvalidOperation,
)
from functools import partial

from engine.language.budget import MAX_DIGITS, MAX_EXPONENT
from engine.language.compiled import EvaluationError
from engine.language.formula_operators import EXACT, add, greater, is_number, less
from engine.language.functions.arguments import Argument, expected, listing, number, text, whole
from engine.language.functions.spec import FunctionSpec, Parameter
from engine.language.known import UNKNOWN, Known, family, join
from engine.values.money import quantum
from engine.values.type import ANY, DECIMAL, INTEGER, STRING, Listing, Scalar

ROUNDINGS = {
    "half_even": ROUND_HALF_EVEN,
    "half_up": ROUND_HALF_UP,
    "half_down": ROUND_HALF_DOWN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
    "ceiling": ROUND_CEILING,
    "floor": ROUND_FLOOR,
}
_MAX_DECIMALS = 20
# Rounding a number with many digits before the point must not fail.
_WIDE = Context(prec=MAX_DIGITS + _MAX_DECIMALS, traps=[InvalidOperation])
_SHORT = 20
_PLAIN = "0123456789."
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)

_ONE = Parameter(name="number", type=DECIMAL)
_LIST = Parameter(name="list", type=Listing(item=ANY), items_present=True)
_READ = Parameter(name="value", type=DECIMAL, others=(STRING,))
_function = partial(FunctionSpec, family="numbers")


def rounding_mode(name: Argument) -> str:
    """The rounding of the decimal module that a name of ours stands for."""
    mode = ROUNDINGS.get(text(name))
    if mode is None:
        raise EvaluationError(f"there is no rounding `{name}`; there are {', '.join(ROUNDINGS)}")
    return mode


def _round(value: Argument, decimals: Argument = 0, rounding: Argument = "half_even") -> int | Decimal:
    amount, places, mode = number(value), whole(decimals), rounding_mode(rounding)
    if not -_MAX_DECIMALS <= places <= _MAX_DECIMALS:
        raise EvaluationError(f"a number is rounded to at most {_MAX_DECIMALS} decimals")
    if places == 0 and isinstance(amount, int):
        return amount
    rounded = Decimal(amount).quantize(quantum(places), mode, _WIDE)
    return rounded if places > 0 else int(rounded)


def _whole(value: Argument) -> int:
    """Text is read, a fraction is cut off."""
    if isinstance(value, str):
        value = read_number(value)
        if value != value.to_integral_value():
            raise EvaluationError("the text is not a whole number")
    return int(number(value))


def _decimal(value: Argument) -> Decimal:
    return read_number(value) if isinstance(value, str) else Decimal(_refuse_other(value))


def read_number(source: str) -> Decimal:
    """A number written in plain digits with a point: no grouping, no sign of a currency."""
    if len(source) <= _SHORT and not source.strip(_PLAIN):  # nearly every number there is
        try:
            return Decimal(source)
        except InvalidOperation:
            raise _no_number(source) from None
    written = source.strip()
    if len(written) > MAX_DIGITS or not _NUMBER.fullmatch(written):
        raise _no_number(written)
    value = Decimal(written)
    if value and abs(value.adjusted()) > MAX_EXPONENT:
        raise EvaluationError(f"a number has an exponent beyond {MAX_EXPONENT}")
    return value


def _no_number(written: str) -> EvaluationError:
    return EvaluationError(f"'{written[:40]}' is not a number (write 1234.50)")


def total(values: Argument) -> int | Decimal:
    """The sum of a list of numbers; 0 for none."""
    result: int | Decimal = 0
    for value in listing(values):
        result = add(result, number(value))
    return result


def _least(*values: Argument) -> Argument:
    return _extreme(values, less)


def _greatest(*values: Argument) -> Argument:
    return _extreme(values, greater)


def _extreme(values: Sequence[Argument], beats: Argument) -> Argument:
    candidates = listing(values[0]) if len(values) == 1 else values
    if not candidates:
        raise EvaluationError("an empty list has no least and no greatest item")
    best = candidates[0]
    for value in candidates[1:] or candidates:
        if beats(value, best):
            best = value
    return best


def _clamp(value: Argument, low: Argument, high: Argument) -> Argument:
    if number(low) > number(high):
        raise EvaluationError("the lower bound is above the upper one")
    return max(number(low), min(number(value), number(high)))


def _abs(value: Argument) -> Argument:
    return abs(value) if isinstance(number(value), int) else EXACT.abs(value)


def _of_items(given: Sequence[Known]) -> Known:
    """What is known of an item of the list, or of one of the arguments."""
    if len(given) > 1:
        return replace(join(given), nullable=False)
    kind = given[0].type
    return Known(type=kind.item) if isinstance(kind, Listing) else UNKNOWN


def _sum_of(given: Sequence[Known]) -> Known:
    kind = given[0].type
    item = kind.item if isinstance(kind, Listing) else ANY
    return Known(type=item if family(item) == "number" else DECIMAL)


def _same_number(given: Sequence[Known]) -> Known:
    return Known(type=given[0].type if family(given[0].type) == "number" else DECIMAL)


def _rounded(given: Sequence[Known]) -> Known:
    """Without decimals a number becomes a whole one; how many it has, the formula seldom says."""
    return Known(type=INTEGER) if len(given) == 1 else Known(type=DECIMAL)


def is_numeric(value: Argument) -> bool:
    """Whether it is a number, or text that reads as one."""
    return is_number(value) or (isinstance(value, str) and _NUMBER.fullmatch(value.strip()) is not None)


def _percent(value: Argument, rate: Argument) -> Decimal:
    return EXACT.divide(EXACT.multiply(Decimal(number(value)), Decimal(number(rate))), Decimal(100))


def _refuse_other(value: Argument) -> Argument:
    if not is_number(value) and not isinstance(value, str):
        raise expected("a number or text", value)
    return value


NUMBERS = (
    _function(
        name="round",
        result_of=_rounded,
        parameters=(
            _ONE,
            Parameter(name="decimals", type=INTEGER, optional=True),
            Parameter(name="rounding", type=STRING, optional=True),
        ),
        result=DECIMAL,
        summary="A number rounded: half even, or half_up, half_down, up, down, ceiling, floor.",
        call=_round,
        examples=(
            ("round(2.345, 2)", "2.34"),
            ("round(2.345, 2, 'half_up')", "2.35"),
            ("round(2.5)", "2"),
            ("round(1250, -2)", "1200"),
        ),
    ),
    _function(
        name="abs",
        parameters=(_ONE,),
        result=DECIMAL,
        result_of=_same_number,
        summary="The number without its sign.",
        call=_abs,
        examples=(("abs(-2.50)", "2.50"),),
    ),
    _function(
        name="floor",
        parameters=(_ONE,),
        result=INTEGER,
        summary="The next whole number below.",
        call=lambda value: _round(value, 0, "floor"),
        examples=(("floor(-2.5)", "-3"),),
    ),
    _function(
        name="ceil",
        parameters=(_ONE,),
        result=INTEGER,
        summary="The next whole number above.",
        call=lambda value: _round(value, 0, "ceiling"),
        examples=(("ceil(2.1)", "3"),),
    ),
    _function(
        name="int",
        parameters=(_READ,),
        result=INTEGER,
        summary="A whole number from a number, whose fraction is cut off, or from text.",
        call=lambda value: _whole(_refuse_other(value)),
        examples=(("int(7.9)", "7"), ("int('42')", "42")),
    ),
    _function(
        name="decimal",
        aliases=("number", "float"),
        parameters=(_READ,),
        result=DECIMAL,
        summary="An exact number from text or a whole number.",
        call=_decimal,
        examples=(("decimal('1234.50')", "1234.50"),),
    ),
    _function(
        name="is_numeric",
        parameters=(Parameter(name="value", type=ANY, nullable=True),),
        result=Scalar(name="boolean"),
        summary="Whether it is a number, or text that reads as one.",
        call=is_numeric,
        examples=(("is_numeric('1.5')", "True"), ("is_numeric('1,5')", "False")),
    ),
    _function(
        name="sum",
        parameters=(_LIST,),
        result=DECIMAL,
        result_of=_sum_of,
        summary="The sum of a list of numbers; 0 for an empty one.",
        call=total,
        examples=(("sum([1, 2.50])", "3.50"), ("sum(n * 2 for n in [1, 2])", "6")),
    ),
    _function(
        name="min",
        parameters=(
            Parameter(name="values", type=ANY, items_present=True),
            Parameter(name="more", type=ANY, repeated=True),
        ),
        result=ANY,
        result_of=_of_items,
        summary="The least of a list, or of several values.",
        call=_least,
        examples=(("min([3, 1.5, 2])", "1.5"), ("min(3, 2)", "2")),
    ),
    _function(
        name="max",
        parameters=(
            Parameter(name="values", type=ANY, items_present=True),
            Parameter(name="more", type=ANY, repeated=True),
        ),
        result=ANY,
        result_of=_of_items,
        summary="The greatest of a list, or of several values.",
        call=_greatest,
        examples=(("max(date('2026-01-01'), date('2026-02-01'))", "date('2026-02-01')"),),
    ),
    _function(
        name="clamp",
        parameters=(_ONE, Parameter(name="low", type=DECIMAL), Parameter(name="high", type=DECIMAL)),
        result=DECIMAL,
        summary="The number, kept between two bounds.",
        call=_clamp,
        examples=(("clamp(30, 0, 24)", "24"),),
    ),
    _function(
        name="percent",
        parameters=(_ONE, Parameter(name="rate", type=DECIMAL)),
        result=DECIMAL,
        summary="So many per cent of a number.",
        call=_percent,
        examples=(("percent(250, 20)", "50"),),
    ),
)
