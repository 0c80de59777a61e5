"""Events that cause each other: lineage from the first to the last, and an end to what goes on without end.

A circle within one workspace is refused when it is checked (TG511). One that comes about between two releases,
or with the help of a system, ends at a depth.
"""

import pytest

from engine.core.verbs import emit
from engine.ledger import open_reader

SAY = "say: {emit: item.said, with: {id: item.id}}"
AFTER = """
flow: after
trigger: {event: item.said, as: said}
steps:
  change: {emit: item.changed, with: {id: said.id, amount: {value: 2}, group: {value: g}}}
---
flow: last
trigger: {event: item.changed, as: item}
steps:
  order: {emit: item.ordered, with: {id: item.id, amount: item.amount, group: item.group}}
"""
FIRST = ("item.made", {"id": "1"})
CHAIN = ["item.made:1", "item.said:1", "item.changed:1:2", "item.ordered:1"]
RUNS = ["f/item.made:1", "after/item.said:1", "last/item.changed:1:2"]


@pytest.fixture
def chain(small):
    return small(SAY, AFTER)


def events(process):
    reader = open_reader(process.url)
    try:
        return list(reader.events())
    finally:
        reader.close()


@pytest.mark.requirement("OBS-19")
def test_each_event_of_a_chain_names_what_caused_it_and_how_deep_it_is(chain):
    chain.run(FIRST)
    found = events(chain)
    assert [row.id for row in found] == CHAIN
    assert [row.cause for row in found] == [None, f"{RUNS[0]}/say", f"{RUNS[1]}/change", f"{RUNS[2]}/order"]
    assert [row.depth for row in found] == [0, 1, 2, 3]


def test_a_chain_that_is_too_long_ends_with_a_failed_run_and_an_alert(chain, monkeypatch):
    monkeypatch.setattr(emit, "DEEPEST", 2)
    seen = chain.run(FIRST)
    assert [row.id for row in events(chain)] == CHAIN[:3]
    assert [seen.status(name) for name in RUNS] == ["completed", "completed", "failed"]
    (alert,) = seen.alerts
    assert (alert.severity, alert.run_id, alert.step) == ("error", RUNS[2], "order")
    assert "item.ordered is not emitted: 2 events have caused each other before it" in alert.message
    assert seen.runs[RUNS[2]].reason == alert.message


def test_a_chain_that_another_process_takes_up_is_as_deep_as_it_was(small, monkeypatch):
    monkeypatch.setattr(emit, "DEEPEST", 1)
    waits = "steps:\n  put: {write: erp.line, with: {key: said.id}}\n  change"
    after = AFTER.replace("steps:\n  change", waits, 1)
    chain = small(SAY, after.replace("{id: said.id, amount", "{id: said.id, free: put.id, amount", 1))
    chain.system.writes["line"].append("done and stop")
    assert chain.run(FIRST) is None
    seen = chain.run()
    assert (seen.status(RUNS[1]), len(seen.alerts)) == ("failed", 1)
