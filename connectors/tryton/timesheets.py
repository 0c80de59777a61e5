"""Time: lines of the time sheet, told apart by the mark in their description."""

from collections.abc import Sequence

from connectors.tryton.projects import known_work
from connectors.tryton.records import amount, day, inner, marked, number, number_of, with_mark
from connectors.tryton.refusals import refusal
from connectors.tryton.rpc import Row, Tryton
from connectors.tryton.wire import duration
from engine.connect import Permanent, Receipt, Value

MODEL = "timesheet.line"


async def record(erp: Tryton, payload: Row) -> Receipt:
    """Record time of an employee on a task, unless it is there."""
    if (found := await find_recorded(erp, payload)) is not None:
        return found
    employee = await number_of(erp, "company.employee", "party.code", payload["employee"], what="employee")
    made = await erp.create(
        MODEL,
        {
            "employee": employee,
            "company": await erp.company(),
            "work": await _time_of(erp, payload["task"]),
            "date": day(payload, "date"),
            "duration": duration(amount(payload, "hours")),
            "description": marked(payload["external_id"], payload.get("note")),
        },
    )
    return _receipt(made, found=False)


async def find_recorded(erp: Tryton, payload: Row) -> Receipt | None:
    """The receipt of time that is there.

    Raises:
        Permanent: when it is there with another day or another number of hours.

    """
    found = await with_mark(erp, MODEL, "description", payload["external_id"], ["date", "duration"])
    if found is None:
        return None
    if (found["date"], found["duration"]) != (day(payload, "date"), amount(payload, "hours")):
        there = f"{found['duration']} hours on {found['date']}"
        raise Permanent(
            refusal(f"{erp.name} has {payload['external_id']!r} already, with {there}", {"id": found["id"]})
        )
    return _receipt(number(found, "id"), found=True)


async def remove(erp: Tryton, payload: Row) -> Receipt:
    """Take time back; Tryton refuses it once the time is billed."""
    found = await with_mark(erp, MODEL, "description", payload["external_id"], [])
    if found is None:
        return Receipt(external_id=None, body={"external_id": payload["external_id"]}, found=True)
    await erp.call(f"{MODEL}.delete", [found["id"]])
    return _receipt(number(found, "id"), found=False)


async def find_removed(erp: Tryton, payload: Row) -> Receipt | None:
    """The receipt of time that is not there any more."""
    found = await with_mark(erp, MODEL, "description", payload["external_id"], [])
    return Receipt(external_id=None, body={}, found=True) if found is None else None


async def read(erp: Tryton, parameters: Row) -> Value:
    """A line by its key, or None."""
    fields = ["employee.party.code", "date", "duration", "invoice_line"]
    found = await with_mark(erp, MODEL, "description", parameters["external_id"], fields)
    if found is None:
        return None
    return {
        "id": str(found["id"]),
        "external_id": parameters["external_id"],
        "employee": inner(inner(found, "employee"), "party").get("code"),
        "date": found["date"],
        "hours": found["duration"],
        "billed": found["invoice_line"] is not None,
    }


async def _time_of(erp: Tryton, task: Value) -> int:
    """The record on which the time of a task is written."""
    found = await known_work(erp, task, "task", ["timesheet_works"])
    works = found["timesheet_works"]
    if not isinstance(works, Sequence) or not works or not isinstance(works[0], int):
        raise Permanent(refusal(f"{erp.name} takes no time for task {task!r}", {"task": task}))
    return works[0]


def _receipt(line: int, *, found: bool) -> Receipt:
    return Receipt(external_id=str(line), body={"id": str(line)}, found=found)
