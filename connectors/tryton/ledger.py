"""The general ledger: entries, told apart by the mark in their description, and periods.

Tryton on SQLite posts an entry that does not balance without a word, so the balance is checked here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from connectors.tryton.records import amount, day, inner, marked, number, number_of, period_of, with_mark
from connectors.tryton.refusals import refusal
from connectors.tryton.rpc import Row, Tryton
from engine.connect import Permanent, Receipt, Value

MODEL = "account.move"
FIELDS = ["number", "date", "state", "period.name", "journal.code"]
FEWEST_LINES = 2


async def post_entry(erp: Tryton, payload: Row) -> Receipt:
    """Post a balanced entry, unless it is posted; a draft that was left is posted."""
    lines = _lines(payload)
    _refuse_unbalanced(lines)
    found = await _entry(erp, payload["external_id"])
    if found is not None and found["state"] == "posted":
        return await _same(erp, found, payload)
    entry = number(found, "id") if found is not None else await _create(erp, payload, lines)
    await erp.call(f"{MODEL}.post", [entry])
    posted = await erp.row(MODEL, [["id", "=", entry]], FIELDS)
    assert posted is not None
    return _receipt(posted, found=False)


async def find_posted(erp: Tryton, payload: Row) -> Receipt | None:
    """The receipt of an entry that is posted; a draft is not yet what was asked for.

    Raises:
        Permanent: when one of this key is posted with other lines.

    """
    found = await _entry(erp, payload["external_id"])
    return await _same(erp, found, payload) if found is not None and found["state"] == "posted" else None


async def read_entry(erp: Tryton, parameters: Row) -> Value:
    """An entry by its key, with its lines, or None."""
    found = await _entry(erp, parameters["external_id"])
    if found is None:
        return None
    return {
        **_shown(found),
        "external_id": parameters["external_id"],
        "lines": await _lines_of(erp, found),
    }


async def read_period(erp: Tryton, parameters: Row) -> Value:
    """The accounting period of a day, or None."""
    found = await period_of(erp, day(parameters, "date"))
    if found is None:
        return None
    first, last = found["start_date"], found["end_date"]
    return {"name": found["name"], "state": found["state"], "first_day": first, "last_day": last}


async def _entry(erp: Tryton, key: Value) -> Row | None:
    return await with_mark(erp, MODEL, "description", key, FIELDS)


async def _same(erp: Tryton, found: Row, payload: Row) -> Receipt:
    there = [tuple(line.values()) for line in await _lines_of(erp, found)]
    asked = [(line["account"], amount(line, "debit"), amount(line, "credit")) for line in _lines(payload)]
    if Counter(there) != Counter(asked):
        reason = f"{erp.name} has {payload['external_id']!r} posted already, with other lines"
        raise Permanent(refusal(reason, {"entry": found["number"]}))
    return _receipt(found, found=True)


async def _lines_of(erp: Tryton, entry: Row) -> list[Row]:
    fields = ["account.code", "debit", "credit"]
    return [
        _line_read(row) for row in await erp.rows("account.move.line", [["move", "=", entry["id"]]], fields)
    ]


async def _create(erp: Tryton, payload: Row, lines: Sequence[Row]) -> int:
    on = day(payload, "date")
    period = await period_of(erp, on)
    if period is None:
        raise Permanent(refusal(f"{erp.name} has no accounting period for {on}", {"date": on}))
    values: dict[str, Value] = {
        "company": await erp.company(),
        "journal": await number_of(erp, "account.journal", "code", payload["journal"], what="journal"),
        "period": period["id"],
        "date": on,
        "description": marked(payload["external_id"], payload.get("description")),
        "lines": [["create", [await _line_values(erp, line) for line in lines]]],
    }
    return await erp.create(MODEL, values)


async def _line_values(erp: Tryton, line: Row) -> Row:
    values: dict[str, Value] = {
        "account": await number_of(erp, "account.account", "code", line["account"], what="account"),
        "debit": amount(line, "debit"),
        "credit": amount(line, "credit"),
    }
    if line.get("customer"):
        values["party"] = await number_of(erp, "party.party", "code", line["customer"], what="customer")
    return values


def _lines(payload: Row) -> list[Row]:
    found = payload["lines"]
    assert isinstance(found, Sequence)
    return [line for line in found if isinstance(line, Mapping)]


def _refuse_unbalanced(lines: Sequence[Row]) -> None:
    debit = sum((amount(line, "debit") for line in lines), Decimal(0))
    credit = sum((amount(line, "credit") for line in lines), Decimal(0))
    if debit != credit:
        raise Permanent(refusal(f"the entry does not balance: {debit} debit, {credit} credit"))
    one_sided = all((amount(line, "debit") == 0) != (amount(line, "credit") == 0) for line in lines)
    if len(lines) < FEWEST_LINES or not one_sided:
        raise Permanent(refusal("an entry has at least two lines, each with either a debit or a credit"))


def _line_read(row: Row) -> Row:
    return {"account": inner(row, "account").get("code"), "debit": row["debit"], "credit": row["credit"]}


def _shown(row: Row) -> Row:
    return {
        "id": str(row["id"]),
        "number": row["number"],
        "date": row["date"],
        "state": row["state"],
        "period": inner(row, "period").get("name"),
        "journal": inner(row, "journal").get("code"),
    }


def _receipt(row: Row, *, found: bool) -> Receipt:
    return Receipt(external_id=str(row["id"]), body=_shown(row), found=found)
