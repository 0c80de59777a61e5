"""The accounting of the simulated engine: allocation by stand-alone selling price, recognition by method.

Pure functions over amounts in one currency, rounded half even to its minor unit.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from engine.connect import Value

CENT = Decimal("0.01")


def rounded(amount: Decimal) -> Decimal:
    """An amount to the cent."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def number(value: Value) -> Decimal:
    """A number of a JSON body; zero for anything else."""
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else Decimal(0)


def allocate(price: Decimal, obligations: Sequence[Mapping[str, Value]]) -> list[Decimal]:
    """The price in proportion to the stand-alone selling prices; the last takes what rounding leaves.

    Time and materials are variable consideration: they are recognised as they are performed, and take no
    part in the allocation of the fixed price.
    """
    fixed = [item for item in obligations if item.get("method") != "time_and_materials"]
    total = sum((number(item.get("standAloneSellingPrice")) for item in fixed), Decimal(0))
    shares: list[Decimal] = []
    left = rounded(price)
    for item in obligations:
        if item not in fixed:
            shares.append(Decimal(0))
            continue
        last = item is fixed[-1]
        share = rounded(price * number(item.get("standAloneSellingPrice")) / total) if total else Decimal(0)
        shares.append(left if last else share)
        left -= shares[-1]
    return shares


def recognise(
    obligation: Mapping[str, Value], event: Mapping[str, Value], recognised: Decimal
) -> Decimal | None:
    """What an event recognises of an obligation; None when that is more than was allocated."""
    allocated = number(obligation.get("allocated"))
    if obligation.get("method") == "time_and_materials":
        return rounded(number(event.get("amount")))
    if event.get("percentComplete") is not None:
        return rounded(allocated * number(event.get("percentComplete")) / 100) - recognised
    amount = rounded(number(event.get("amount")))
    return amount if recognised + amount <= allocated else None
