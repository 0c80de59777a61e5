"""Amounts, days and hours as people in finance write them."""

from datetime import date, datetime
from decimal import Decimal

from engine.values.value import Value


def amount(value: Value, currency: str) -> str:
    """An amount: `1,680.00 EUR`."""
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    return f"{number:,.2f} {currency}"


def money(value: Value) -> str:
    """A record of amount and currency."""
    assert isinstance(value, dict)
    return amount(value["amount"], str(value["currency"]))


def day(value: Value) -> str:
    """A day: `27 May 2026`."""
    found = value if isinstance(value, date) else date.fromisoformat(str(value))
    return f"{found.day} {found:%B %Y}"


def moment(value: datetime) -> str:
    """A day with its hour: `Friday 29 May 2026, 17:30`."""
    return f"{value:%A} {value.day} {value:%B %Y, %H:%M}"


def hours(minutes: int) -> str:
    """A duration: `7:30 h`."""
    return f"{minutes // 60}:{minutes % 60:02d} h"


def times(count: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 message`, `5 messages`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(names: list[str]) -> str:
    """Names as a sentence lists them: `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"
