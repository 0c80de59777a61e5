"""Functions on money: records of an amount and a currency. Two currencies are never added."""

import re
from decimal import Decimal
from functools import partial

from engine.language.compiled import EvaluationError
from engine.language.formula_operators import EXACT
from engine.language.functions.arguments import Argument, expected, listing, number, record, text
from engine.language.functions.numbers import rounding_mode
from engine.language.functions.spec import FunctionSpec, Parameter
from engine.values import money as rules
from engine.values.type import BOOLEAN, DECIMAL, MONEY, STRING, Listing

_MONEY = Parameter(name="money", type=MONEY)
_OTHER = Parameter(name="other", type=MONEY)
_ROUNDING = Parameter(name="rounding", type=STRING, optional=True)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_function = partial(FunctionSpec, family="money", result=MONEY)


def _money(amount: Argument, currency: Argument) -> dict[str, Decimal | str]:
    code = text(currency)
    if not _CURRENCY.fullmatch(code):
        raise EvaluationError(f"'{code}' is not a currency (three capital letters, as in ISO 4217)")
    return {"amount": Decimal(number(amount)), "currency": code}


def _parts(value: Argument) -> tuple[Decimal, str]:
    fields = record(value)
    if "amount" not in fields or "currency" not in fields:
        raise expected("money (a record of amount and currency)", value)
    return Decimal(number(fields["amount"])), text(fields["currency"])


def _same(values: Argument) -> tuple[list[Decimal], str]:
    """The amounts of a list of money, and the currency that they share."""
    parts = [_parts(value) for value in values]
    currencies = sorted({currency for _, currency in parts})
    if len(currencies) != 1:
        found = " and ".join(currencies) or "no currency"
        raise EvaluationError(f"amounts of one currency are needed, found {found}; use convert() first")
    return [amount for amount, _ in parts], currencies[0]


def _round(value: Argument, rounding: Argument = "half_even") -> dict[str, Decimal | str]:
    amount, currency = _parts(value)
    return _money(rules.round_money(amount, currency, rounding_mode(rounding)), currency)


def _add(*values: Argument) -> dict[str, Decimal | str]:
    amounts, currency = _same(values)
    result = amounts[0]
    for amount in amounts[1:]:
        result = EXACT.add(result, amount)
    return _money(result, currency)


def _subtract(left: Argument, right: Argument) -> dict[str, Decimal | str]:
    (first, second), currency = _same((left, right))
    return _money(EXACT.subtract(first, second), currency)


def _times(value: Argument, factor: Argument) -> dict[str, Decimal | str]:
    amount, currency = _parts(value)
    return _money(EXACT.multiply(amount, Decimal(number(factor))), currency)


def _convert(value: Argument, rate: Argument, currency: Argument) -> dict[str, Decimal | str]:
    amount, _ = _parts(value)
    if number(rate) <= 0:
        raise EvaluationError("a rate of exchange is greater than 0")
    converted = _money(EXACT.multiply(amount, Decimal(number(rate))), currency)
    return _round(converted)


def _compare(left: Argument, right: Argument) -> bool:
    (first, second), _ = _same((left, right))
    return first > second


MONEYS = (
    _function(
        name="money",
        parameters=(Parameter(name="amount", type=DECIMAL), Parameter(name="currency", type=STRING)),
        summary="An amount of a currency.",
        call=_money,
        examples=(("money(12.50, 'EUR').amount", "12.50"),),
    ),
    _function(
        name="round_money",
        parameters=(_MONEY, _ROUNDING),
        summary="Money rounded to the decimals of its currency (ISO 4217), half even unless said otherwise.",
        call=_round,
        examples=(
            ("round_money(money(10.125, 'USD'))", "money(10.12, 'USD')"),
            ("round_money(money(10.5, 'JPY'), 'half_up')", "money(11, 'JPY')"),
        ),
    ),
    _function(
        name="add_money",
        parameters=(_MONEY, Parameter(name="more", type=MONEY, repeated=True)),
        summary="The sum of amounts of one currency.",
        call=_add,
        examples=(("add_money(money(1, 'USD'), money(2.50, 'USD'))", "money(3.50, 'USD')"),),
    ),
    _function(
        name="sum_money",
        parameters=(Parameter(name="list", type=Listing(item=MONEY)),),
        summary="The sum of a list of amounts of one currency; the list may not be empty.",
        call=lambda values: _add(*listing(values)),
        examples=(("sum_money([money(1, 'USD'), money(2, 'USD')])", "money(3, 'USD')"),),
    ),
    _function(
        name="subtract_money",
        parameters=(_MONEY, _OTHER),
        summary="The difference of two amounts of one currency.",
        call=_subtract,
        examples=(("subtract_money(money(3, 'USD'), money(1, 'USD'))", "money(2, 'USD')"),),
    ),
    _function(
        name="multiply_money",
        parameters=(_MONEY, Parameter(name="factor", type=DECIMAL)),
        summary="Money times a number, not rounded.",
        call=_times,
        examples=(("multiply_money(money(10, 'USD'), 1.5)", "money(15, 'USD')"),),
    ),
    _function(
        name="convert",
        parameters=(_MONEY, Parameter(name="rate", type=DECIMAL), Parameter(name="currency", type=STRING)),
        summary="Money in another currency at a rate, rounded to the decimals of that currency.",
        call=_convert,
        examples=(("convert(money(100, 'USD'), 0.9, 'EUR')", "money(90, 'EUR')"),),
    ),
    _function(
        name="exceeds",
        parameters=(_MONEY, _OTHER),
        result=BOOLEAN,
        summary="Whether money is more than another amount of the same currency.",
        call=_compare,
        examples=(("exceeds(money(2, 'USD'), money(1, 'USD'))", "True"),),
    ),
)
