"""Customers: parties, told apart by their code, which Tryton keeps unique."""

from connectors.tryton.records import inner, number, number_of
from connectors.tryton.rpc import Row, Tryton
from engine.connect import Permanent, Receipt, Value

FIELDS = ["code", "name", "customer_payment_term.name"]


async def save(erp: Tryton, payload: Row) -> Receipt:
    """Make the customer, or bring the one with this code to what is said."""
    found = await _party(erp, payload["code"])
    if found is None:
        try:
            made = await _create(erp, payload)
        except Permanent:
            # Someone else may have made it since we looked: codes are unique.
            found = await _party(erp, payload["code"])
            if found is None:
                raise
        else:
            return _receipt(made, payload, found=False)
    changes = await _changes(erp, found, payload)
    if changes:
        await erp.write("party.party", number(found, "id"), changes)
    return _receipt(number(found, "id"), payload, found=not changes)


async def find_saved(erp: Tryton, payload: Row) -> Receipt | None:
    """The receipt, when the customer is as the payload says."""
    found = await _party(erp, payload["code"])
    if found is None or await _changes(erp, found, payload):
        return None
    return _receipt(number(found, "id"), payload, found=True)


async def read(erp: Tryton, parameters: Row) -> Value:
    """A customer by code, or None."""
    found = await _party(erp, parameters["code"])
    if found is None:
        return None
    term = inner(found, "customer_payment_term").get("name")
    return {"id": str(found["id"]), "code": found["code"], "name": found["name"], "payment_term": term}


async def _party(erp: Tryton, code: Value) -> Row | None:
    return await erp.row("party.party", [["code", "=", code]], FIELDS)


async def _create(erp: Tryton, payload: Row) -> int:
    address = {name: payload[name] for name in ("street", "postal_code", "city") if payload.get(name)}
    values: dict[str, Value] = {
        "code": payload["code"],
        "name": payload["name"],
        # Without an address no invoice can be made, not even one without a city.
        "addresses": [["create", [address]]],
    }
    if payload.get("payment_term"):
        values["customer_payment_term"] = await _term(erp, payload)
    return await erp.create("party.party", values)


async def _changes(erp: Tryton, found: Row, payload: Row) -> Row:
    changes: dict[str, Value] = {}
    if found["name"] != payload["name"]:
        changes["name"] = payload["name"]
    term = payload.get("payment_term")
    if term and inner(found, "customer_payment_term").get("name") != term:
        changes["customer_payment_term"] = await _term(erp, payload)
    return changes


async def _term(erp: Tryton, payload: Row) -> int:
    name = payload["payment_term"]
    return await number_of(erp, "account.invoice.payment_term", "name", name, what="payment term")


def _receipt(party: int, payload: Row, *, found: bool) -> Receipt:
    return Receipt(external_id=str(party), body={"id": str(party), "code": payload["code"]}, found=found)
