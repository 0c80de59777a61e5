"""What each write did, in a sentence: from its payload and the receipt. One function an operation."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from engine.demo import words
from engine.demo.firm import CURRENCY, PEOPLE

Record: TypeAlias = Mapping[str, Any]

_NAMES = {worker: name for worker, name, _ in PEOPLE}


def sentence(operation: str, payload: Record, receipt: Record) -> str:
    """What a write did: by its own function, or by the name of the operation."""
    made = SENTENCES.get(operation)
    return f"{operation} {receipt.get('id')}" if made is None else made(payload, receipt)


def minutes(clock: str) -> int:
    """A duration of the ERP, `7:30`, in minutes."""
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


def worth(payload: Record) -> Decimal:
    """What a time bill is worth: its hours at its rate, to the cent."""
    return (Decimal(str(payload["rate"])) * minutes(payload["hours"]) / 60).quantize(Decimal("0.01"))


def _customer(payload: Record, receipt: Record) -> str:
    return f"customer {payload['externalId']} {payload['companyName']} (record {receipt['id']})"


def _profile(payload: Record, receipt: Record) -> str:
    items = payload["milestones"]["items"]
    parts = words.listed(
        [f"{item['milestoneId']} {words.amount(item['amount'], CURRENCY)}" for item in items]
    )
    return f"billing profile: {parts} when accepted, hours as approved (record {receipt['id']})"


def _project(payload: Record, receipt: Record) -> str:
    card = payload["custentity_rate_card"]
    return f"project {payload['externalId']} under rate card {card} (record {receipt['id']})"


def _order(payload: Record, receipt: Record) -> str:
    items = payload["item"]["items"]
    total = words.amount(sum((Decimal(str(item["amount"])) for item in items), Decimal(0)), CURRENCY)
    number = payload["externalId"]
    return f"contract {number} over {total} in {len(items)} obligations (sales order {receipt['id']})"


def _workspace(payload: Record, receipt: Record) -> str:
    budget = words.amount(Decimal(payload["price_in_cents"]) / 100, CURRENCY)
    return f"project {payload['external_id']} with a budget of {budget} (workspace {receipt['id']})"


def _story(payload: Record, receipt: Record) -> str:
    price = words.amount(Decimal(payload["budget_estimate_in_cents"]) / 100, CURRENCY)
    return f"{payload['story_type']} {payload['title']}, {price} (number {receipt['id']})"


def _revenue_contract(payload: Record, receipt: Record) -> str:
    price = words.amount(payload["transactionPrice"], payload["currency"])
    return (
        f"contract {payload['contractNumber']} version {receipt['version']}, fixed price {price}, "
        f"{len(payload['obligations'])} obligations ({receipt['id']})"
    )


def _deal(payload: Record, _receipt: Record) -> str:
    return f"deal marked {payload['Integration_Status__c'].lower()}: {payload['Integration_Message__c']}"


def _seat(payload: Record, receipt: Record) -> str:
    return f"user {payload['user_id']} joins the project as {payload['role_name']} (seat {receipt['id']})"


def _booking(payload: Record, receipt: Record) -> str:
    days = f"{words.day(payload['start_date'])} to {words.day(payload['end_date'])}"
    return f"booked for {payload['minutes'] // 60} hours, {days} (booking {receipt['id']})"


def _forecast(payload: Record, receipt: Record) -> str:
    who = _NAMES.get(payload["allocationResource"]["externalId"], "a worker")
    return (
        f"{who}: {payload['allocationAmount']} hours planned, {payload['notes']} (allocation {receipt['id']})"
    )


def _time_bill(payload: Record, receipt: Record) -> str:
    who = _NAMES.get(payload["employee"]["externalId"], "a worker")
    rate = words.amount(payload["rate"], CURRENCY)
    booked = f"{payload['hours']} h on {words.day(payload['tranDate'])}"
    return (
        f"time bill {receipt['id']} for {who}: {booked} at {rate} "
        f"= {words.amount(worth(payload), CURRENCY)}, billing cycle {payload['custcol_billing_cycle']}"
    )


def _performance(payload: Record, receipt: Record) -> str:
    amount = words.amount(receipt["recognised"], payload["currency"])
    source = payload["source"]
    return (
        f"{amount} recognised in {receipt['period']} on obligation {payload['obligationId']} "
        f"({receipt['id']}, evidence: {source['type'].replace('_', ' ')} {source['id']})"
    )


def _invoice(payload: Record, receipt: Record) -> str:
    total = sum((Decimal(str(line["amount"])) for line in payload["item"]["items"]), Decimal(0))
    return (
        f"invoice {payload['externalId']} of {words.day(payload['tranDate'])} over "
        f"{words.amount(total, CURRENCY)} posted (record {receipt['id']})"
    )


def _status(payload: Record, _receipt: Record) -> str:
    return f"milestone {payload['id']} is {payload['state']}, {payload['percentage_complete']} percent"


SENTENCES: Mapping[str, Callable[[Record, Record], str]] = {
    "erp.save_customer": _customer,
    "erp.save_billing_schedule": _profile,
    "erp.save_project": _project,
    "erp.save_sales_order": _order,
    "erp.save_resource_allocation": _forecast,
    "erp.time_bill": _time_bill,
    "erp.save_invoice": _invoice,
    "psa.create_project": _workspace,
    "psa.create_story": _story,
    "psa.update_story": _status,
    "psa.add_resource": _seat,
    "psa.create_allocation": _booking,
    "revrec.save_contract": _revenue_contract,
    "revrec.performance_event": _performance,
    "crm.update_opportunity": _deal,
}
