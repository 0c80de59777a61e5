"""Texts that no database likes: NUL, and ids longer than an index takes; on every kind of ledger alike."""

import random

import pytest

from engine.ledger import open_reader, verify_chain
from engine.runtime.permission import Release

pytestmark = pytest.mark.usefixtures("both")

STEPS = """
named: {map: named}
ok: {check: [shut]}
w: {wait: {event: item.changed, where: event.data.group == item.group}}
each:
  for_each: {in: item.list, as: one, key: one.key}
  write: erp.line
  with: {key: one.key}
put: {write: erp.line, with: {key: named.group}, links: {item: item.id}}
old: {read: entity.item, with: {id: item.group}}
say: {emit: item.said, with: {id: put.id}}
"""
DOCUMENTS = """
mapping: named
inputs: {item: canonical/item@1}
output: canonical/remark@1
fields: {id: item.id, group: {xref: item, id: item.group, in: erp, required: true}}
---
policy: shut
inputs: {item: canonical/item@1}
when: item.amount == 1
then:
  hold: {release: {role: boss, reason: required}}
  alert: {to: boss}
reason: "The group {{ item.group }} is shut."
---
flow: seed
trigger: {event: item.made, as: item}
steps:
  line: {write: erp.line, with: {key: item.id}, links: {item: item.id}}
"""
LETTERS = random.Random(7)
LONG = "".join(LETTERS.choice("abcdefghijklmnopqrstuvwxyzäöü€ÀÁÂ0123456789") for _ in range(6_000))


@pytest.mark.requirement("REL-17")
@pytest.mark.parametrize("odd", ["a\0b", "\0", LONG], ids=["NUL within", "NUL", "long"])
def test_a_run_with_odd_texts_everywhere_comes_to_its_end(small, odd):
    process = small(STEPS, DOCUMENTS, event="item.ordered")
    process.run(("item.made", {"id": odd}), ("item.made", {"id": odd}))
    items = [{"key": f"{odd}{number}", "amount": 1} for number in range(2)]
    ordered = ("item.ordered", {"id": f"x{odd}", "group": odd, "list": items, "amount": 1})
    seen = process.run(ordered, ("item.ordered", {**ordered[1], "id": f"y{odd}"}))
    assert seen.tally.accepted == 2
    process.run(ordered)
    assert process.run(ordered).tally.duplicates == 1
    for name, hold in seen.holds.items():
        assert hold.reason.replace("\0", "\ufffd") == f"The group {odd} is shut.".replace("\0", "\ufffd")
        process.release(name, Release(by="ann", reason=f"because of {odd}", role="boss"))
    seen = process.run(("item.changed", {"id": odd, "amount": 2, "group": odd}))
    assert {run.status for run in seen.runs.values()} == {"completed"}
    assert len(seen.runs) == 3
    assert len(process.system.applied) == 1 + 2 * 3
    assert all(len(payloads) == 1 for payloads in process.system.applied.values())
    mine = f"id-{next(iter(process.system.applied))}"  # what the seed was given
    sent = [payload["key"] for (payload,) in process.system.applied.values()]
    assert sorted(sent) == sorted([odd, *2 * [mine, *(item["key"] for item in items)]])
    reader = open_reader(process.url)
    try:
        assert verify_chain(reader) == []
        reader.find(odd)
        assert reader.hold(odd) is None
    finally:
        reader.close()


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"])
def test_an_event_of_the_end_of_time_is_kept_and_rejected(small, at):
    process = small("put: {write: erp.line, with: {key: item.id, day: item.day}}")
    seen = process.run(("item.made", {"id": "1", "at": at}))
    (run,) = seen.runs.values()
    assert (run.status, process.system.applied) == ("rejected", {})
    assert "is at the end of all calendars" in run.reason
