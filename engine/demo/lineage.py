"""One revenue entry, followed back to the hour, the policy, the contract and the release behind it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import cast

from engine.demo import words
from engine.demo.firm import NAMES, ZONE
from engine.demo.sentences import Record, sentence
from engine.ledger.reader import LedgerReader
from engine.ledger.rows import RunRow
from engine.values.json_text import read_json

FLOW = "approved-time-to-billing"


def lineage(reader: LedgerReader) -> list[str]:
    """The last entry that came of an hour, and what it rests on, nearest first."""
    entry = _last_of_time(reader)
    return [] if entry is None else list(_back(reader, entry))


def _last_of_time(reader: LedgerReader) -> Record | None:
    bodies = [
        cast("Record", read_json(event.body)) for event in reader.events(event_type="revenue.recognised")
    ]
    return next((body for body in reversed(bodies) if body["source_type"] == "time_entry"), None)


def _back(reader: LedgerReader, entry: Record) -> Iterator[str]:
    approval = reader.latest("time_entry", str(entry["source_id"]))
    assert approval is not None
    assert approval.event_id is not None
    run = reader.run(f"{FLOW}/{approval.event_id}")
    assert run is not None
    yield (
        f"Revenue entry {entry['id']}: {words.money(entry['amount'])} in {entry['period']}, "
        f"obligation {entry['obligation_id']} of contract {entry['contract_number']}"
    )
    for effect in reversed(reader.effects(run.id)):
        payload = cast("Record", read_json(effect.payload))
        receipt = cast("Record", read_json(effect.receipt or "{}"))
        done = sentence(f"{effect.connection}.{effect.operation}", payload, receipt)
        yield f"{NAMES[effect.connection]}: {done}"
    yield from _decided(run)
    yield _hour(cast("Record", read_json(approval.body)))
    yield from _terms(reader, cast("Record", read_json(approval.body)))
    yield f"Decided by release {run.release[:12]} of the rules, at row {run.seq} of the ledger's runs"


def _decided(run: RunRow) -> Iterator[str]:
    decided = cast("Mapping[str, object]", read_json(run.decisions or "{}"))
    for found in decided.values():
        if isinstance(found, Mapping) and "fired" in found:
            for policy, note in zip(found["rolled"], found["notes"], strict=False):
                yield f"Policy {policy}: {note}"


def _hour(entry: Record) -> str:
    approved = datetime.fromisoformat(str(entry["approved_at"])).astimezone(ZONE)
    return (
        f"Kantata time entry {entry['id']}: {entry['worker_name']}, {words.hours(int(entry['minutes']))} on "
        f"{words.day(entry['worked_on'])}, approved {words.moment(approved)}"
    )


def _terms(reader: LedgerReader, entry: Record) -> Iterator[str]:
    planned = reader.latest("planned_work", str(entry["task_id"]))
    assert planned is not None
    work = cast("Record", read_json(planned.body))
    project = reader.latest("project", str(work["engagement_id"]))
    assert project is not None
    contract_id = str(cast("Record", read_json(project.body))["contract_id"])
    contract = reader.latest("contract", contract_id)
    assert contract is not None
    terms = cast("Record", read_json(contract.body))
    yield (
        f"Kantata task {entry['task_id']}: {work['name']}, obligation {work['obligation_id']} "
        f"of engagement {work['engagement_id']}"
    )
    yield (
        f"Salesforce contract {terms['number']}, signed {words.day(terms['signed_on'])}, "
        f"now version {terms['version']} over {words.amount(terms['value'], str(terms['currency']))}"
    )
