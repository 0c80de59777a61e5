"""How a value is written inside a text for people: the same in formulas, templates and functions."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from engine.language.compiled import EvaluationError
from engine.values.json_text import instant_text
from engine.values.value import kind_of

_ORDINARY_EXPONENT = 40  # beyond it a number is written with an exponent


def text_of(value: object) -> str:
    """A number as its digits, 7.50 as 7.50; a date as ISO 8601, an instant in UTC; money as `12.50 EUR`.

    Raises:
        EvaluationError: for null, a list or a record: how to write those is for the author to say.

    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping) and value.keys() == {"amount", "currency"}:
        return f"{text_of(value['amount'])} {text_of(value['currency'])}"
    if value is None:
        raise EvaluationError("null has no text; use default(value, '...')")
    raise EvaluationError(
        f"a {kind_of(value)} has no text of its own; write out the parts you want, or use join()"
    )


def is_text(text: str) -> bool:
    """Whether a text can be written: not where an escape put half of a character into it."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def decimal_text(value: Decimal) -> str:
    """The digits of a number as written, without an exponent for ordinary sizes; zero has no sign."""
    if not value:
        value = value.copy_abs()
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and abs(exponent) <= _ORDINARY_EXPONENT:
        return format(value, "f")
    return str(value)
