"""A target refuses a write because its period is closed: dead letter, hold, or the next cycle."""

import pytest

from engine.core import ReadCommand, WriteCommand
from engine.ledger import open_reader, verify_chain
from engine.runtime.permission import Release
from engine.runtime.recover import Recovery
from tests.runtime.scripted import Small, failure

DOCUMENTS = """
calendar: billing
owner: finance
time_zone: Europe/Berlin
cycles: {every: week, name: "%G-W%V", cutoff: friday 18:00}
---
policy: late
owner: finance
about: What comes too late is billed in the next cycle.
inputs: {item: canonical/item@1}
when: item.day is not None and item.amount > 100
then:
  roll: {cycle: "next_cycle('billing', item.day)"}
note: It came too late.
---
flow: f
owner: finance
trigger: {event: item.made, as: item}
steps:
  ok: {check: [late]}
  which: {choose: {later: len(ok.rolled) > 0, sooner: otherwise}}
  bill:
    write: erp.time_bill
    with: {entry: item.id, project: item.id, hours: {value: 1}, amount: {value: 1}, cycle: {path: "ok.cycle.name || 'now'"}}
    faults: {closed_period: WAY, permanent: hold}
  told: {needs: [which.later, bill], write: erp.line, with: {key: item.id}}
  after: {write: rev.performance, with: {key: bill.id, day: {value: 2026-03-01}, cycle: {path: "ok.cycle.name || 'now'"}}}
"""
RUN = "f/item.made:1"
BILL = f"{RUN}/bill"
ONE = ("item.made", {"id": "1", "amount": 1, "day": "2026-03-02"})
CLOSED = failure("closed_period", "period 2026-03 is closed")
"""A refusal as the ERP says it."""


def flow(folder, way):
    return Small(folder, *DOCUMENTS.replace("WAY", way).split("---\n"))


def decided_again(process):
    with process.process() as (runner, ledger):
        row = ledger.reader().run(RUN)
        again = Recovery(ledger.reader(), lambda _: process.plan, runner._connections).run(row)
    assert again.state.status == row.status
    assert not any(isinstance(one, WriteCommand | ReadCommand) for one in again.commands)
    reader = open_reader(process.url)
    assert not verify_chain(reader)
    reader.close()
    return again.state


@pytest.mark.requirement("POL-02")
def test_the_work_moves_to_the_next_cycle_once(tmp_path):
    process = flow(tmp_path, "roll")
    process.system.writes["time_bill"].append(CLOSED)
    seen = process.run(ONE)
    assert seen.status(RUN) == "completed"
    assert seen.effects[BILL].status == "dead"
    assert process.system.applied[f"{BILL}#1"][0]["cycle"] == "2026-W11"
    assert process.system.applied[f"{RUN}/after"][0]["cycle"] == "2026-W11"
    state = decided_again(process)
    assert state.scope["ok"]["rolled"] == ["late"]
    assert state.scope["ok"]["notes"] == ["Moved to cycle 2026-W11: period 2026-03 is closed"]


def test_a_next_cycle_that_is_closed_as_well_is_a_dead_letter(tmp_path):
    process = flow(tmp_path, "roll")
    process.system.writes["time_bill"] += [CLOSED, CLOSED]
    seen = process.run(ONE)
    assert (seen.status(RUN), seen.effects[f"{BILL}#1"].status) == ("failed", "dead")
    decided_again(process)


def test_work_that_was_in_that_cycle_already_does_not_move_again(tmp_path):
    process = flow(tmp_path, "roll")
    process.system.writes["time_bill"].append(CLOSED)
    seen = process.run(("item.made", {"id": "1", "amount": 101, "day": "2026-03-02"}))
    assert seen.status(RUN) == "failed"
    assert list(seen.effects) == [BILL]


@pytest.mark.parametrize("fault", ["closed_period", "permanent"])
def test_it_is_held_until_a_person_sends_it_again(tmp_path, fault):
    process = flow(tmp_path, "hold")
    process.system.writes["time_bill"] += [failure(fault, "not now"), failure(fault, "still not")]
    seen = process.run(ONE)
    name = {"closed_period": "period-closed", "permanent": "refused-by-target"}[fault]
    assert seen.status(RUN) == "held"
    (hold,) = seen.holds.values()
    assert (hold.policy, hold.owner, hold.reason, hold.step) == (name, "finance", "not now", "bill")
    decided_again(process)
    seen = process.release(hold.id, Release(by="ada", reason="the period is open again"))
    assert seen.status(RUN) == "held"
    assert {one.policy: one.status for one in seen.holds.values()} == {name: "released", f"{name}#1": "open"}
    decided_again(process)
    second = f"{hold.id}#1"
    seen = process.release(second, Release(by="ada", reason="once more"))
    assert seen.status(RUN) == "completed"
    assert sorted(process.system.applied) == [f"{RUN}/after", f"{BILL}#2"]
    decided_again(process)


def test_a_dead_letter_where_the_flow_says_so(tmp_path):
    process = flow(tmp_path, "dead_letter")
    process.system.writes["time_bill"].append(CLOSED)
    seen = process.run(ONE)
    assert (seen.status(RUN), seen.effects[BILL].status) == ("failed", "dead")
