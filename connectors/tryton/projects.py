"""Projects and tasks: one model in Tryton, told apart by the mark in their comment."""

from collections.abc import Sequence
from decimal import Decimal

from connectors.tryton.records import amount, inner, key_in, mark, number, number_of
from connectors.tryton.refusals import refusal
from connectors.tryton.rpc import Row, Tryton
from connectors.tryton.wire import duration
from engine.connect import Permanent, Receipt, Value

MODEL = "project.work"
DONE = "Done"  # the name of the state that Tryton brings for work that is finished
COMPLETE = Decimal(1)


async def create_project(erp: Tryton, payload: Row) -> Receipt:
    """Make a project with its tasks in one call, unless it is there."""
    if (found := await find_project(erp, payload)) is not None:
        return found
    customer = await number_of(erp, "party.party", "code", payload["customer"], what="customer")
    tasks = payload.get("tasks") or []
    assert isinstance(tasks, Sequence)
    inside = [await _task_values(erp, task) for task in tasks if isinstance(task, dict)]
    made = await erp.create(
        MODEL,
        {
            "type": "project",
            "name": payload["name"],
            "comment": mark(payload["external_id"]),
            "company": await erp.company(),
            "party": customer,
            "project_invoice_method": payload["invoice_method"],
            "timesheet_available": True,
            "children": [["create", inside]] if inside else [],
        },
    )
    return _receipt(made, found=False)


async def find_project(erp: Tryton, payload: Row) -> Receipt | None:
    """The receipt of a project that is there."""
    found = await work(erp, payload["external_id"], "project")
    return None if found is None else _receipt(number(found, "id"), found=True)


async def create_task(erp: Tryton, payload: Row) -> Receipt:
    """Make a task in a project, unless it is there."""
    if (found := await find_task(erp, payload)) is not None:
        return found
    project = await known_work(erp, payload["project"], "project")
    values = {**await _task_values(erp, payload), "parent": number(project, "id")}
    return _receipt(await erp.create(MODEL, values), found=False)


async def find_task(erp: Tryton, payload: Row) -> Receipt | None:
    """The receipt of a task that is there."""
    found = await work(erp, payload["external_id"], "task")
    return None if found is None else _receipt(number(found, "id"), found=True)


async def complete_task(erp: Tryton, payload: Row) -> Receipt:
    """Say that a task is done, which makes it billable in a project that bills by effort."""
    if (found := await find_completed(erp, payload)) is not None:
        return found
    task = await known_work(erp, payload["task"], "task")
    done = await number_of(erp, "project.work.status", "name", DONE, what="status")
    await erp.write(MODEL, number(task, "id"), {"progress": int(COMPLETE), "status": done})
    return _receipt(number(task, "id"), found=False)


async def find_completed(erp: Tryton, payload: Row) -> Receipt | None:
    """The receipt of a task that is done."""
    found = await work(erp, payload["task"], "task", ["progress"])
    if found is None or amount(found, "progress") != COMPLETE:
        return None
    return _receipt(number(found, "id"), found=True)


async def read(erp: Tryton, parameters: Row) -> Value:
    """A project by its key, with its tasks and what there is to bill, or None."""
    fields = [
        "name",
        "number",
        "party.code",
        "project_invoice_method",
        "amount_to_invoice",
        "invoiced_amount",
    ]
    found = await work(erp, parameters["external_id"], "project", [*fields, "currency.code"])
    if found is None:
        return None
    tasks = await erp.rows(MODEL, [["parent", "=", found["id"]]], ["name", "comment", "progress"])
    return {
        "id": str(found["id"]),
        "external_id": parameters["external_id"],
        "name": found["name"],
        "number": found["number"],
        "customer": inner(found, "party").get("code"),
        "invoice_method": found["project_invoice_method"],
        "to_invoice": found["amount_to_invoice"],
        "invoiced": found["invoiced_amount"],
        "currency": inner(found, "currency").get("code"),
        "tasks": [_task_read(task) for task in tasks],
    }


async def read_task(erp: Tryton, parameters: Row) -> Value:
    """A task by its key, or None."""
    found = await work(
        erp, parameters["external_id"], "task", ["name", "progress", "parent.comment", "invoice_line"]
    )
    if found is None:
        return None
    return {
        "id": str(found["id"]),
        "external_id": parameters["external_id"],
        "name": found["name"],
        "project": key_in(inner(found, "parent").get("comment")),
        "progress": amount(found, "progress"),
        "billed": found["invoice_line"] is not None,
    }


async def work(erp: Tryton, key: Value, kind: str, fields: Sequence[str] = ()) -> Row | None:
    """A project or a task by its key, or None."""
    return await erp.row(MODEL, [["comment", "=", mark(key)], ["type", "=", kind]], list(fields))


async def known_work(erp: Tryton, key: Value, kind: str, fields: Sequence[str] = ()) -> Row:
    """A project or a task that must be there.

    Raises:
        Permanent: when it is not.

    """
    found = await work(erp, key, kind, fields)
    if found is None:
        raise Permanent(refusal(f"{erp.name} has no {kind} {key!r}", {"key": key}))
    return found


async def _task_values(erp: Tryton, payload: Row) -> Row:
    values: dict[str, Value] = {
        "type": "task",
        "name": payload["name"],
        "comment": mark(payload["external_id"]),
        "company": await erp.company(),
        "product": await number_of(erp, "product.product", "code", payload["product"], what="product"),
        "list_price": amount(payload, "price"),
        "timesheet_available": True,
    }
    if payload.get("hours") is not None:
        values["effort_duration"] = duration(amount(payload, "hours"))
    return values


def _task_read(row: Row) -> Row:
    key = key_in(row.get("comment"))
    return {"external_id": key, "name": row["name"], "progress": amount(row, "progress")}


def _receipt(found_work: int, *, found: bool) -> Receipt:
    return Receipt(external_id=str(found_work), body={"id": str(found_work)}, found=found)
