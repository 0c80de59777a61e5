"""Which types go together: what arithmetic gives, and what comparing cannot mean.

What lives here: rules on types alone. What does not: the walk over a formula (formula_types.py).
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.language.known import Known, family, joined_type
from engine.values.type import (
    BOOLEAN,
    DECIMAL,
    INTEGER,
    NULL,
    STRING,
    Enum,
    Scalar,
    Type,
    currency_of,
    describe,
)

COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
ARITHMETIC = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
DAYS = frozenset({"date", "datetime"})
_UNORDERED = ("boolean", "list", "record", "null")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why two values do not go together; ``kind`` is that of the mistake."""

    kind: str
    message: str
    help: str = ""


def constant_type(value: object, written: str) -> Type:
    """The type of a literal: a text is the only one of its enum, a number has the decimals it shows.

    How it is ``written`` is asked of numbers with a fraction only.
    """
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER
    if isinstance(value, str):
        return Enum(values=(value,))
    _, point, digits = written.replace("_", "").partition(".")
    return replace(DECIMAL, decimals=len(digits)) if point and digits.isdigit() else DECIMAL


def describe_both(left: Type, right: Type) -> str:
    """Two types as one says them together."""
    return f"{told(left)} and {told(right)}"


def told(kind: Type) -> str:
    """A type as a message names it: texts that may be many are `text`."""
    return "text" if isinstance(kind, Enum) and len(kind.values) == 1 else describe(kind)


def arithmetic_type(operator: ast.operator, left: Type, right: Type) -> "Type | None":
    """The type of what an operator gives; None when there is no such operation."""
    kinds = family(left), family(right)
    if isinstance(left, Scalar) and isinstance(right, Scalar) and kinds == ("number", "number"):
        return _number(operator, left, right)
    match operator, kinds:
        case ast.Add(), ("text", "text"):
            return STRING
        case ast.Add(), ("list", "list"):
            return joined_type(left, right)
        case ast.Sub(), ("date", "date"):
            return INTEGER
        case ast.Mult(), ("text", "number") | ("number", "text"):
            return STRING
        case ast.Mult(), ("list", "number"):
            return left
        case ast.Mult(), ("number", "list"):
            return right
        case _:
            return None


def _number(operator: ast.operator, left: Scalar, right: Scalar) -> Type:
    whole = left == right == INTEGER
    decimals = _decimals(left), _decimals(right)
    match operator:
        case ast.Add() | ast.Sub():
            currency = left.currency or right.currency
            most = None if None in decimals else max(one or 0 for one in decimals)
        case ast.Mult():
            both = left.currency and right.currency
            currency = None if both else left.currency or right.currency
            most = None if None in decimals else sum(one or 0 for one in decimals)
        case ast.Div():
            currency, most, whole = None if right.currency else left.currency, None, False
        case ast.Mod() | ast.FloorDiv():
            currency, most = None, None
        case _:
            currency, most, whole = None, None, False
    return INTEGER if whole else Scalar(name="decimal", decimals=most, currency=currency)


def _decimals(kind: Scalar) -> int | None:
    return 0 if kind.name == "integer" else kind.decimals


def arithmetic_refusal(
    operator: ast.operator, known: Sequence[Known], written: Sequence[str]
) -> Refusal | None:
    """Why an operator cannot be applied; None when it can, or nobody knows."""
    left, right = known[0].type, known[1].type
    kinds = family(left), family(right)
    if "any" in kinds:
        return None
    sign = ARITHMETIC.get(type(operator), "this")
    if isinstance(operator, ast.Add | ast.Sub):
        currencies = currency_of(left), currency_of(right)
        if None not in currencies and currencies[0] != currencies[1] and kinds[0] == kinds[1]:
            return Refusal(
                "currencies",
                f"{currencies[0]} and {currencies[1]} do not go together with `{sign}`",
                _CONVERT,
            )
    if arithmetic_type(operator, left, right) is not None:
        return None
    message = f"{describe_both(left, right)} do not go together with `{sign}`"
    return Refusal("operands", message, _way_out(operator, (left, right), kinds, written))


_CONVERT = "turn one of them into the currency of the other first: convert(money, rate, 'EUR')"


def _way_out(
    operator: ast.operator, types: tuple[Type, Type], kinds: tuple[str, str], written: Sequence[str]
) -> str:
    """What to write instead of arithmetic that there is not; nothing where nobody could know."""
    is_money = [getattr(kind, "name", "") == "money" for kind in types]
    if "text" in kinds and any(is_money) and isinstance(operator, ast.Add):
        return f"to join them, write a template: {{{{ {written[0]} }}}} {{{{ {written[1]} }}}}"
    if all(is_money) and isinstance(operator, ast.Add | ast.Sub):
        name = "add_money" if isinstance(operator, ast.Add) else "subtract_money"
        return f"write {name}({written[0]}, {written[1]})"
    if any(is_money) and "number" in kinds:
        money, number = (written[0], written[1]) if is_money[0] else (written[1], written[0])
        if isinstance(operator, ast.Mult):
            return f"write multiply_money({money}, {number})"
        return f"write {money}.amount, or make money of the number: money({number}, {money}.currency)"
    if kinds == ("datetime", "datetime"):
        return "use hours_between(start, end) or minutes_between(start, end)"
    if "date" in kinds:
        return "use add_days(date, days)"
    if "datetime" in kinds:
        return "use add_hours(instant, hours)"
    if set(kinds) == {"number", "text"}:
        text = written[0] if kinds[0] == "text" else written[1]
        return f"to calculate with the text, write decimal({text})"
    return ""


def comparison_refusal(operator: ast.cmpop, known: Sequence[Known], written: Sequence[str]) -> Refusal | None:
    """Why two values cannot be compared so; None when they can, or nobody knows."""
    left, right = known[0].type, known[1].type
    kinds = family(left), family(right)
    is_equality = isinstance(operator, ast.Eq | ast.NotEq)
    if "any" in kinds or (is_equality and "null" in kinds):
        return None
    sign = COMPARISONS[type(operator)]
    message = f"{told(left)} cannot be compared with {told(right)} by `{sign}`"
    currencies = currency_of(left), currency_of(right)
    if None not in currencies and currencies[0] != currencies[1] and kinds[0] == kinds[1]:
        return Refusal(
            "currencies", message if kinds[0] == "record" else _amounts(currencies, sign), _CONVERT
        )
    if kinds[0] != kinds[1]:
        if DAYS & set(kinds):
            return Refusal("dates", message, _same_days(kinds, (left, right), written))
        return Refusal("operands", message, _same_kind((left, right), kinds, written))
    if is_equality:
        return _never_equal(left, right, sign)
    if kinds[0] in _UNORDERED:
        return Refusal("operands", message, _money_order(known, written, sign))
    return None


def _amounts(currencies: Sequence[str | None], sign: str) -> str:
    return f"an amount in {currencies[0]} cannot be compared with one in {currencies[1]} by `{sign}`"


def _never_equal(left: Type, right: Type, sign: str) -> Refusal | None:
    """Two fields that have no text in common; a text that is written out is checked by itself."""
    if isinstance(left, Enum) and isinstance(right, Enum) and not set(left.values) & set(right.values):
        outcome = "never" if sign == "==" else "always"
        return Refusal(
            "never", f"this is {outcome} true: one side is {describe(left)}, the other {describe(right)}"
        )
    return None


def _money_order(known: Sequence[Known], written: Sequence[str], sign: str) -> str:
    if any(getattr(one.type, "name", "") != "money" for one in known):
        return ""
    first, second = written if sign in (">", "<=") else (written[1], written[0])
    return f"write {'not ' if sign.endswith('=') else ''}exceeds({first}, {second})"


def _same_kind(types: tuple[Type, Type], kinds: tuple[str, str], written: Sequence[str]) -> str:
    for index, kind in enumerate(types):
        other = kinds[1 - index]
        if getattr(kind, "name", "") == "money" and other == "number":
            money, number = written[index], written[1 - index]
            return f"write {money}.amount, or with its currency: exceeds({money}, money({number}, 'EUR'))"
        if kinds[index] == "text" and other == "number":
            return f"to compare it as a number, write decimal({written[index]})"
    return ""


def _same_days(kinds: tuple[str, str], types: tuple[Type, Type], written: Sequence[str]) -> str:
    """How a date is compared with an instant or with text."""
    if set(kinds) == DAYS:
        instant = written[kinds.index("datetime")]
        return f"an instant has a date only in a zone: write date({instant}, 'America/New_York')"
    if "text" in kinds:
        day = kinds[1 - kinds.index("text")]
        text = written[kinds.index("text")]
        del types
        return f"write {day}({text})"
    return ""
