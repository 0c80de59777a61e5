"""Invoices of projects: made, dated, posted; each step looks first whether it has been done.

Tryton makes the invoices of a project with a call that leaves no key behind. What it made is found again
from the other side: the billed time and tasks point to the lines, and the lines to the invoice. So a draft
without a reference that holds work of this project is the one whose maker did not come to the next step.
"""

from collections.abc import Iterable
from datetime import datetime

from connectors.tryton.projects import known_work
from connectors.tryton.records import amount, day, inner, number, text
from connectors.tryton.refusals import refusal
from connectors.tryton.rpc import Domain, Row, Tryton
from engine.connect import Permanent, Poll, Receipt, Value

MODEL = "account.invoice"
FIELDS = [
    "reference",
    "number",
    "state",
    "invoice_date",
    "party.code",
    "total_amount",
    "untaxed_amount",
    "currency.code",
    "move.number",
    "write_date",
]
FINAL = frozenset({"posted", "paid"})
OPEN = frozenset({"draft", "validated"})
PAGE = 200


async def invoice_project(erp: Tryton, payload: Row) -> Receipt:
    """Bill what a project has done up to a day, and post the invoice under a reference of ours."""
    found = await _by_reference(erp, payload["reference"])
    if found is not None and found["state"] in FINAL:
        return _receipt(found, found=True)
    draft = _open(erp, found) if found is not None else await _draft_of(erp, payload)
    values = {"reference": payload["reference"], "invoice_date": day(payload, "date")}
    await erp.write(MODEL, draft, values)
    await erp.call(f"{MODEL}.post", [draft])
    posted = await erp.row(MODEL, [["id", "=", draft]], FIELDS)
    assert posted is not None
    return _receipt(posted, found=False)


async def find_invoiced(erp: Tryton, payload: Row) -> Receipt | None:
    """The receipt of an invoice that is posted; a draft is not yet what was asked for."""
    found = await _by_reference(erp, payload["reference"])
    return _receipt(found, found=True) if found is not None and found["state"] in FINAL else None


async def read(erp: Tryton, parameters: Row) -> Value:
    """An invoice by its reference, or None."""
    found = await _by_reference(erp, parameters["reference"])
    return None if found is None else _shown(found)


async def changed(erp: Tryton, since: datetime) -> Poll:
    """Invoices to customers that were written at or after an instant, oldest first."""
    items: list[Value] = []
    upto, last = since, 0
    while True:
        domain: Domain = [
            ["type", "=", "out"],
            ["reference", "!=", None],
            ["OR", ["write_date", ">", upto], [["write_date", "=", upto], ["id", ">", last]]],
        ]
        order = (("write_date", "ASC"), ("id", "ASC"))
        page = await erp.rows(MODEL, domain, FIELDS, limit=PAGE, order=order)
        items.extend(_shown(row) for row in page)
        if page:
            upto, last = _written(page[-1]), number(page[-1], "id")
        if len(page) < PAGE:
            return Poll(items=items, upto=upto)


async def _by_reference(erp: Tryton, reference: Value) -> Row | None:
    domain: Domain = [
        ["reference", "=", reference],
        ["type", "=", "out"],
        ["company", "=", await erp.company()],
        ["state", "!=", "cancelled"],
    ]
    return await erp.row(MODEL, domain, FIELDS)


def _open(erp: Tryton, found: Row) -> int:
    if found["state"] not in OPEN:
        raise Permanent(refusal(f"{erp.name} has invoice {found['reference']!r} as {found['state']}"))
    return number(found, "id")


async def _draft_of(erp: Tryton, payload: Row) -> int:
    """The draft with the work of a project: one that was left, or a new one."""
    project = number(await known_work(erp, payload["project"], "project"), "id")
    drafts = await _drafts(erp, project)
    if not drafts:
        await _make_draft(erp, project, payload)
        drafts = await _drafts(erp, project)
    if len(drafts) != 1:
        reason = (
            f"{erp.name} has {len(drafts)} drafts for project {payload['project']!r}; a person must choose"
        )
        raise Permanent(refusal(reason, {"drafts": sorted(drafts)}))
    return drafts.pop()


async def _make_draft(erp: Tryton, project: int, payload: Row) -> None:
    up_to = payload.get("up_to") or payload["date"]
    await erp.write("project.work", project, {"project_invoice_timesheet_up_to": up_to})
    found = await erp.row("project.work", [["id", "=", project]], ["amount_to_invoice"])
    if found is None or not amount(found, "amount_to_invoice"):
        reason = f"{erp.name} has nothing to bill on project {payload['project']!r} up to {up_to}"
        raise Permanent(refusal(reason, {"project": payload["project"]}))
    await erp.call("project.work.invoice", [project])


async def _drafts(erp: Tryton, project: int) -> set[int]:
    """Drafts without a reference that hold time or tasks of a project."""
    tree: Domain = [["parent", "child_of", [project]]]
    works = await erp.rows("project.work", tree, ["timesheet_works", "invoice_line"])
    lines = [row["invoice_line"] for row in works if row["invoice_line"] is not None]
    times = [time for row in works for time in _numbers(row["timesheet_works"])]
    unclaimed: list[Value] = [["invoice.state", "=", "draft"], ["invoice.reference", "=", None]]
    by_task = await erp.rows("account.invoice.line", [["id", "in", lines], *unclaimed], ["invoice"])
    billed: Domain = [
        ["work", "in", times],
        ["invoice_line.invoice.state", "=", "draft"],
        ["invoice_line.invoice.reference", "=", None],
    ]
    by_time = await erp.rows("timesheet.line", billed, ["invoice_line.invoice"])
    return {number(row, "invoice") for row in (*by_task, *(inner(time, "invoice_line") for time in by_time))}


def _numbers(value: Value) -> Iterable[int]:
    return [item for item in value if isinstance(item, int)] if isinstance(value, list) else []


def _shown(row: Row) -> Row:
    return {
        "id": str(row["id"]),
        "reference": row["reference"],
        "number": row["number"],
        "state": row["state"],
        "date": row["invoice_date"],
        "customer": inner(row, "party").get("code"),
        "total": row["total_amount"],
        "untaxed": row["untaxed_amount"],
        "currency": inner(row, "currency").get("code"),
        "entry": inner(row, "move").get("number"),
        "changed_at": row["write_date"],
    }


def _written(row: Row) -> datetime:
    found = row["write_date"]
    assert isinstance(found, datetime)
    return found


def _receipt(row: Row, *, found: bool) -> Receipt:
    return Receipt(external_id=text(_shown(row), "id"), body=_shown(row), found=found)
