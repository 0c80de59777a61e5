"""The outcomes of a processed workload, in the form of the reference, read from the ledger alone."""

import json
from collections.abc import Iterator
from typing import Any

from engine.ledger import LedgerReader
from engine.ledger.rows import RunRow
from engine.plan.plan import Plan
from engine.runtime.connections import Connections
from engine.runtime.recover import Recovery
from tests.bench.workload import reference


def outcomes(reader: LedgerReader, plan: Plan, connections: Connections) -> Iterator[dict[str, Any]]:
    """One outcome an event: what each run decided, decided again from what the ledger kept."""
    recovery = Recovery(reader, lambda _: plan, connections)
    for row in _runs(reader):
        decisions = json.loads(row.decisions or "{}")
        if "refused" in decisions:
            event = reader.event(row.event_id)
            assert event is not None
            yield reference.invalid(json.loads(event.body))
        else:
            yield _outcome(recovery, row, decisions["eligible"])


def _runs(reader: LedgerReader) -> Iterator[RunRow]:
    finished = reader.finished_runs()
    yield from finished
    after = 0
    while rows := reader.open_runs(after=after):
        after = rows[-1].seq
        yield from rows


def _outcome(recovery: Recovery, row: RunRow, check: dict[str, Any]) -> dict[str, Any]:
    state = recovery.run(row).state
    fired = [name.replace("-", "_") for name in check["fired"] if name != "target-by-entity"]
    disposition, route = disposition_of(check)
    line = state.scope["line"]
    return {
        "event_id": state.event.data["id"],
        "mapped": line,
        "fired": fired,
        "target": check["route"],
        "disposition": disposition,
        "route": route,
    }


def disposition_of(check: dict[str, Any]) -> tuple[str, str]:
    """Disposition and route in the words of the reference."""
    target = check["route"]
    found: list[tuple[str, tuple[str, str]]] = [
        ("rejected", ("reject", "reject-queue")),
        ("held", ("hold", "hold-queue")),
        ("rolled", ("next_cycle", f"{target}:next")),
    ]
    return next((words for name, words in found if check[name]), ("post", target))
