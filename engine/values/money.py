"""Amounts of money: currencies, their minor units, rounding.

The number of decimals of a currency is its ISO 4217 minor unit; a code that is not listed as
having another one has two. Rounding is half even unless a mapping says otherwise.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import cache

from engine.values.value import Value

# ISO 4217, list one: the currencies in use whose minor unit is not 2.
_MINOR_UNITS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


def minor_unit(currency: str) -> int:
    """The number of decimals of an amount in `currency` (ISO 4217 alphabetic code)."""
    return _MINOR_UNITS.get(currency, 2)


def money_of(value: Value) -> Mapping[str, Value] | None:
    """Money from `150.00 EUR`, or from a record of an amount and a currency; None from all else."""
    match value:
        case str() if len(parts := value.split()) == 2:
            amount, currency = _number(parts[0]), parts[1]
        case {"amount": found, "currency": str(currency), **rest} if not rest:
            amount = _number(found)
        case _:
            return None
    return (
        {"amount": amount, "currency": currency} if amount is not None and _CODE.fullmatch(currency) else None
    )


_GROUPED = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3} [A-Z]{3}", re.ASCII)


def may_mean_thousands(text: str) -> bool:
    """Whether `10.000 EUR` may be ten thousand as well: three decimals, of a currency that has not three."""
    return _GROUPED.fullmatch(text) is not None and minor_unit(text[-3:]) != 3


def _number(value: Value) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


_CODE = re.compile(r"[A-Z]{3}", re.ASCII)


@cache
def quantum(decimals: int) -> Decimal:
    """The smallest step of a number with so many decimals: 2 gives 0.01."""
    return Decimal(1).scaleb(-decimals)


def round_money(amount: Decimal, currency: str, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """`amount` rounded to the minor unit of `currency`."""
    return amount.quantize(quantum(minor_unit(currency)), rounding)
