"""One revenue entry, followed back to the hour, the policy and the contract behind it, in sentences.

The way back is that of `tidegate trace`; here it is only said in the words of finance.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import cast

from engine.demo import words
from engine.demo.sentences import Record, sentence
from engine.demo.world import World
from engine.insight.trace import Direction, trace
from engine.insight.trace_nodes import Node
from engine.ledger.reader import LedgerReader
from engine.values.json_text import read_json

WORK = ("approved-time-to-billing", "milestone-to-invoice", "revenue-to-ledger")


def lineage(reader: LedgerReader, world: World) -> list[str]:
    """The last entry that came of an hour, and what it rests on, nearest first."""
    bodies = [
        cast("Record", read_json(event.body)) for event in reader.events(event_type="revenue.recognised")
    ]
    entry = next((body for body in reversed(bodies) if body["source_type"] == "time_entry"), None)
    if entry is None:
        return []
    found = trace(reader, str(entry["id"]), Direction.BACK)
    nodes = [node for node in found.nodes.values() if not _of_others(node, entry)]
    return [line for node in nodes for line in _told(node, world)]


def _of_others(node: Node, entry: Record) -> bool:
    """Whether a node tells of other work than this, as where an ERP numbers all its records from 1."""
    mine = {"time_entry.approved": entry["source_id"], "revenue.recognised": entry["id"]}
    if node.kind == "event":
        told = cast("Record", node.details["data"])
        return node.title in mine and told["id"] != mine[node.title]
    flow, _, event = node.id.partition(":")[2].partition("/")
    kind = event.partition(":")[0]
    return flow in WORK and mine.get(kind) != event.split(":")[1].split("/")[0]


def _told(node: Node, world: World) -> Iterator[str]:
    """What a node means to finance; nothing, for what only tells how it was worked."""
    details = cast("Record", node.details)
    if node.kind == "effect":
        connection = node.title.partition(".")[0]
        operation = node.title.partition(" ")[0]
        said = sentence(operation, details["sent"], details["receipt"], world.currency)
        yield f"{world.names[connection]}: {said}"
    elif node.kind == "decision":
        yield from (
            f"Policy {details['policy']}, version {details['policy_version']}: {note}"
            for note in details["notes"]
        )
    elif node.kind == "run" and node.title.startswith("approved-time"):
        yield f"Decided by release {details['release']} of the rules, in flow {details['flow']}"
    elif node.kind == "event" and node.title in EVENTS:
        yield EVENTS[node.title](cast("Record", details["data"]), world)


def _entry(entry: Record, _world: World) -> str:
    return (
        f"Revenue entry {entry['id']}: {words.money(entry['amount'])} in {entry['period']}, "
        f"obligation {entry['obligation_id']} of contract {entry['contract_number']}"
    )


def _hour(entry: Record, world: World) -> str:
    approved = datetime.fromisoformat(str(entry["approved_at"])).astimezone(world.zone)
    return (
        f"Kantata time entry {entry['id']}: {entry['worker_name']}, {words.hours(int(entry['minutes']))} on "
        f"{words.day(entry['worked_on'])}, approved {words.moment(approved)}"
    )


def _contract(contract: Record, _world: World) -> str:
    return (
        f"Salesforce contract {contract['number']} version {contract['version']}, signed "
        f"{words.day(contract['signed_on'])}, {words.amount(contract['value'], str(contract['currency']))}"
    )


def _deal(deal: Record, _world: World) -> str:
    return f"Salesforce deal {deal['name']} for {deal['client_name']}, {words.money(deal['amount'])}, won"


EVENTS: Mapping[str, Callable[[Record, World], str]] = {
    "revenue.recognised": _entry,
    "time_entry.approved": _hour,
    "contract.signed": _contract,
    "contract.amended": _contract,
    "deal.won": _deal,
}
