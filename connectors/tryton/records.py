"""Finding records by the keys that people and other systems use: codes, dates, and the marks that we leave.

Several of Tryton's records have no field for a key of another system. Those carry a mark in a text that they
do have: `TG:` and the key, alone or before a remark.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from connectors.tryton.refusals import refusal
from connectors.tryton.rpc import Domain, Row, Tryton
from engine.connect import Permanent, Value


def mark(key: Value) -> str:
    """What stands in a record to tell that it is the one with this key."""
    return f"TG:{key}"


def marked(key: Value, remark: Value) -> str:
    """The mark, and a remark behind it when there is one."""
    return f"{mark(key)} {remark}" if remark else mark(key)


def bears(text: Value, key: Value) -> bool:
    """Whether a text is this mark, alone or before a remark."""
    return isinstance(text, str) and (text == mark(key) or text.startswith(f"{mark(key)} "))


def key_in(text: Value) -> str | None:
    """The key of a text that is a mark; None for any other text."""
    return text.removeprefix(mark("")) if isinstance(text, str) and text.startswith(mark("")) else None


def text(row: Row, name: str) -> str:
    """A field that is known to be a text."""
    found = row[name]
    assert isinstance(found, str)
    return found


def number(row: Row, name: str) -> int:
    """A field that is known to be a whole number, such as that of a record."""
    found = row[name]
    assert isinstance(found, int)
    return found


def amount(row: Row, name: str) -> Decimal:
    """A field that is known to be a number; zero when it is absent."""
    found = row.get(name)
    return Decimal(str(found)) if found is not None else Decimal(0)


def day(row: Row, name: str) -> date:
    """A field that is known to be a date."""
    found = row[name]
    assert isinstance(found, date)
    return found


def inner(row: Row, name: str) -> Row:
    """The fields of the record that a field points to; nothing when it points nowhere."""
    found = row.get(f"{name}.")
    return found if isinstance(found, Mapping) else {}


async def number_of(erp: Tryton, model: str, field: str, value: Value, *, what: str) -> int:
    """The number of the record with this value in this field.

    Raises:
        Permanent: when there is none; the reason names what was looked for.

    """
    found = await erp.row(model, [[field, "=", value]], [])
    if found is None:
        raise Permanent(refusal(f"{erp.name} has no {what} {value!r}", {"field": field, "model": model}))
    return number(found, "id")


async def with_mark(erp: Tryton, model: str, field: str, key: Value, fields: list[str]) -> Row | None:
    """The record whose text bears the mark of a key, or None."""
    # `_` and `%` in a key are wildcards for the server, so what it finds is looked at once more.
    domain: Domain = [[field, "like", f"{mark(key)}%"]]
    for row in await erp.rows(model, domain, [field, *fields]):
        if bears(row[field], key):
            return row
    return None


async def period_of(erp: Tryton, on: date) -> Row | None:
    """The accounting period of a day, or None."""
    domain: Domain = [
        ["type", "=", "standard"],
        ["start_date", "<=", on],
        ["end_date", ">=", on],
        ["company", "=", await erp.company()],
    ]
    return await erp.row("account.period", domain, ["name", "state", "start_date", "end_date"])
