"""Functions on money: records of an amount and a currency. Two currencies are never added."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial

from engine.language.compiled import EvaluationError
from engine.language.formula_operators import EXACT
from engine.language.functions.arguments import Argument, expected, listing, number, record, text
from engine.language.functions.numbers import rounding_mode
from engine.language.functions.spec import FunctionSpec, Parameter, Unfit
from engine.language.known import Known
from engine.values import money as rules
from engine.values.type import (
    BOOLEAN,
    DECIMAL,
    MONEY,
    STRING,
    Enum,
    Listing,
    Type,
    currency_of,
    money_in,
)

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


def _currency(kind: Type) -> str | None:
    """The currency that a text written out names, or that money is in."""
    if isinstance(kind, Enum):
        return kind.values[0] if len(kind.values) == 1 else None
    return _currency(kind.item) if isinstance(kind, Listing) else currency_of(kind)


def _in_currency_of(index: int) -> Callable[[Sequence[Known]], Known]:
    """Money in the currency that an argument says or has."""

    def result(given: Sequence[Known]) -> Known:
        currency = _currency(given[index].type)
        return Known(type=money_in(currency) if currency else MONEY)

    return result


def _one_currency(given: Sequence[Known]) -> Unfit | None:
    """Amounts in two currencies, known to be so."""
    found = sorted({code for one in given if (code := _currency(one.type)) is not None})
    if len(found) < 2:
        return None
    message = f"these amounts are in {' and '.join(found)}"
    return Unfit(
        "currencies", message, f"turn one of them into {found[0]} first: convert(money, rate, '{found[0]}')"
    )


def _code(index: int) -> Callable[[Sequence[Known]], Unfit | None]:
    """A currency that is written out and is none, or that is not that of the amount."""

    def refuses(given: Sequence[Known]) -> Unfit | None:
        kind, amount = given[index].type, currency_of(given[0].type)
        code = _currency(kind) if isinstance(kind, Enum) else None
        if code is not None and not _CURRENCY.fullmatch(code):
            return Unfit(
                "arguments", f"'{code}' is not a currency", "write three capital letters, as in 'EUR'"
            )
        if code is not None and index == 1 and amount is not None and amount != code:
            return Unfit(
                "currencies",
                f"this amount is in {amount}, not in {code}",
                "convert(money, rate, 'EUR') changes a currency",
            )
        return None

    return refuses


MONEYS = (
    _function(
        name="money",
        parameters=(Parameter(name="amount", type=DECIMAL), Parameter(name="currency", type=STRING)),
        summary="An amount of a currency.",
        result_of=_in_currency_of(1),
        refuses=_code(1),
        call=_money,
        examples=(("money(12.50, 'EUR').amount", "12.50"),),
    ),
    _function(
        name="round_money",
        result_of=_in_currency_of(0),
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
        result_of=_in_currency_of(0),
        refuses=_one_currency,
        parameters=(_MONEY, Parameter(name="more", type=MONEY, repeated=True)),
        summary="The sum of amounts of one currency.",
        call=_add,
        examples=(("add_money(money(1, 'USD'), money(2.50, 'USD'))", "money(3.50, 'USD')"),),
    ),
    _function(
        name="sum_money",
        parameters=(Parameter(name="list", type=Listing(item=MONEY), items_present=True),),
        result_of=_in_currency_of(0),
        summary="The sum of a list of amounts of one currency; the list may not be empty.",
        call=lambda values: _add(*listing(values)),
        examples=(("sum_money([money(1, 'USD'), money(2, 'USD')])", "money(3, 'USD')"),),
    ),
    _function(
        name="subtract_money",
        result_of=_in_currency_of(0),
        refuses=_one_currency,
        parameters=(_MONEY, _OTHER),
        summary="The difference of two amounts of one currency.",
        call=_subtract,
        examples=(("subtract_money(money(3, 'USD'), money(1, 'USD'))", "money(2, 'USD')"),),
    ),
    _function(
        name="multiply_money",
        result_of=_in_currency_of(0),
        parameters=(_MONEY, Parameter(name="factor", type=DECIMAL)),
        summary="Money times a number, not rounded.",
        call=_times,
        examples=(("multiply_money(money(10, 'USD'), 1.5)", "money(15, 'USD')"),),
    ),
    _function(
        name="convert",
        result_of=_in_currency_of(2),
        refuses=_code(2),
        parameters=(_MONEY, Parameter(name="rate", type=DECIMAL), Parameter(name="currency", type=STRING)),
        summary="Money in another currency at a rate, rounded to the decimals of that currency.",
        call=_convert,
        examples=(("convert(money(100, 'USD'), 0.9, 'EUR')", "money(90, 'EUR')"),),
    ),
    _function(
        name="exceeds",
        refuses=_one_currency,
        parameters=(_MONEY, _OTHER),
        result=BOOLEAN,
        summary="Whether money is more than another amount of the same currency.",
        call=_compare,
        examples=(("exceeds(money(2, 'USD'), money(1, 'USD'))", "True"),),
    ),
)
