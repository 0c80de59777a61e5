"""What each write did, in a sentence: from its payload and the receipt. One function an operation."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from engine.demo import words
from engine.demo.books import clock_minutes
from engine.demo.world import PEOPLE

Record: TypeAlias = Mapping[str, Any]


def sentence(operation: str, payload: Record, receipt: Record, currency: str) -> str:
    """What a write did: by its own function, or by the name of the operation."""
    made = SENTENCES.get(operation)
    return f"{operation} {receipt.get('id')}" if made is None else made(payload, receipt, currency)


def worth(payload: Record) -> Decimal:
    """What a time bill is worth: its hours at its rate, to the cent."""
    return (Decimal(str(payload["rate"])) * clock_minutes(payload["hours"]) / 60).quantize(Decimal("0.01"))


def _customer(payload: Record, receipt: Record, currency: str) -> str:
    if "code" in payload:
        return _party(payload, receipt, currency)
    return f"customer {payload['externalId']} {payload['companyName']} (record {receipt['id']})"


def _profile(payload: Record, receipt: Record, currency: str) -> str:
    items = payload["milestones"]["items"]
    parts = words.listed(
        [f"{item['milestoneId']} {words.amount(item['amount'], currency)}" for item in items]
    )
    return f"billing profile: {parts} when accepted, hours as approved (record {receipt['id']})"


def _project(payload: Record, receipt: Record, _currency: str) -> str:
    card = payload["custentity_rate_card"]
    return f"project {payload['externalId']} under rate card {card} (record {receipt['id']})"


def _order(payload: Record, receipt: Record, currency: str) -> str:
    items = payload["item"]["items"]
    total = words.amount(sum((Decimal(str(item["amount"])) for item in items), Decimal(0)), currency)
    number = payload["externalId"]
    return f"contract {number} over {total} in {len(items)} obligations (sales order {receipt['id']})"


def _workspace(payload: Record, receipt: Record, currency: str) -> str:
    budget = words.amount(Decimal(payload["price_in_cents"]) / 100, currency)
    return f"project {payload['external_id']} with a budget of {budget} (workspace {receipt['id']})"


def _story(payload: Record, receipt: Record, currency: str) -> str:
    price = words.amount(Decimal(payload["budget_estimate_in_cents"]) / 100, currency)
    return f"{payload['story_type']} {payload['title']}, {price} (number {receipt['id']})"


def _revenue_contract(payload: Record, receipt: Record, _currency: str) -> str:
    price = words.amount(payload["transactionPrice"], payload["currency"])
    return (
        f"contract {payload['contractNumber']} version {receipt['version']}, fixed price {price}, "
        f"{len(payload['obligations'])} obligations ({receipt['id']})"
    )


def _deal(payload: Record, _receipt: Record, _currency: str) -> str:
    return f"deal marked {payload['Integration_Status__c'].lower()}: {payload['Integration_Message__c']}"


def _seat(payload: Record, receipt: Record, _currency: str) -> str:
    return f"user {payload['user_id']} joins the project as {payload['role_name']} (seat {receipt['id']})"


def _booking(payload: Record, receipt: Record, _currency: str) -> str:
    days = f"{words.day(payload['start_date'])} to {words.day(payload['end_date'])}"
    return f"booked for {payload['minutes'] // 60} hours, {days} (booking {receipt['id']})"


def _forecast(payload: Record, receipt: Record, _currency: str) -> str:
    who = PEOPLE.get(payload["allocationResource"]["externalId"], "a worker")
    return (
        f"{who}: {payload['allocationAmount']} hours planned, {payload['notes']} (allocation {receipt['id']})"
    )


def _time_bill(payload: Record, receipt: Record, currency: str) -> str:
    who = PEOPLE.get(payload["employee"]["externalId"], "a worker")
    rate = words.amount(payload["rate"], currency)
    booked = f"{payload['hours']} h on {words.day(payload['tranDate'])}"
    return (
        f"time bill {receipt['id']} for {who}: {booked} at {rate} "
        f"= {words.amount(worth(payload), currency)}, billing cycle {payload['custcol_billing_cycle']}"
    )


def _performance(payload: Record, receipt: Record, _currency: str) -> str:
    amount = words.amount(receipt["recognised"], payload["currency"])
    source = payload["source"]
    return (
        f"{amount} recognised in {receipt['period']} on obligation {payload['obligationId']} "
        f"({receipt['id']}, evidence: {source['type'].replace('_', ' ')} {source['id']})"
    )


def _invoice(payload: Record, receipt: Record, currency: str) -> str:
    total = sum((Decimal(str(line["amount"])) for line in payload["item"]["items"]), Decimal(0))
    return (
        f"invoice {payload['externalId']} of {words.day(payload['tranDate'])} over "
        f"{words.amount(total, currency)} posted (record {receipt['id']})"
    )


def _status(payload: Record, _receipt: Record, _currency: str) -> str:
    return f"milestone {payload['id']} is {payload['state']}, {payload['percentage_complete']} percent"


def _time_project(payload: Record, receipt: Record, currency: str) -> str:
    tasks = words.listed(
        [f"{task['name']} {words.amount(task['price'], currency)}" for task in payload["tasks"]]
    )
    return f"project {payload['external_id']} with {tasks} (record {receipt['id']})"


def _time_line(payload: Record, receipt: Record, _currency: str) -> str:
    who = PEOPLE.get(payload["employee"], "a worker")
    booked = f"{words.hours(round(Decimal(str(payload['hours'])) * 60))} on {words.day(payload['date'])}"
    return f"time of {who}: {booked}, {payload['note']} (line {receipt['id']})"


def _party(payload: Record, receipt: Record, _currency: str) -> str:
    return f"customer {payload['code']} {payload['name']}, {payload['payment_term']} (record {receipt['id']})"


def _task(payload: Record, receipt: Record, currency: str) -> str:
    return f"task {payload['name']}, {words.amount(payload['price'], currency)} (record {receipt['id']})"


def _task_done(payload: Record, _receipt: Record, _currency: str) -> str:
    return f"task {payload['task']} is done"


def _project_invoice(payload: Record, receipt: Record, currency: str) -> str:
    total = words.amount(receipt["total"], currency)
    return (
        f"invoice {payload['reference']} of {words.day(payload['date'])} over {total} posted "
        f"(number {receipt['number']}, entry {receipt['entry']})"
    )


def _entry(payload: Record, receipt: Record, currency: str) -> str:
    debit, credit = payload["lines"]
    amount = words.amount(debit["debit"], currency)
    accounts = f"{debit['account']} to {credit['account']}"
    return f"entry {receipt['number']}: {amount}, {accounts} ({payload['external_id']})"


SENTENCES: Mapping[str, Callable[[Record, Record, str], str]] = {
    "erp.save_customer": _customer,
    "erp.save_billing_schedule": _profile,
    "erp.save_project": _project,
    "erp.save_sales_order": _order,
    "erp.save_resource_allocation": _forecast,
    "erp.time_bill": _time_bill,
    "erp.save_invoice": _invoice,
    "erp.create_project": _time_project,
    "erp.create_task": _task,
    "erp.complete_task": _task_done,
    "erp.record_time": _time_line,
    "erp.invoice_project": _project_invoice,
    "erp.post_entry": _entry,
    "psa.create_project": _workspace,
    "psa.create_story": _story,
    "psa.update_story": _status,
    "psa.add_resource": _seat,
    "psa.create_allocation": _booking,
    "revrec.save_contract": _revenue_contract,
    "revrec.performance_event": _performance,
    "crm.update_opportunity": _deal,
}
