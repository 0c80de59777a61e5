"""SCN-08: an auditor follows a recognised revenue entry back to the event, the approval and the contract."""

import pytest

from engine.demo.lineage import lineage
from engine.insight.trace import Direction, trace
from engine.ledger.chain import verify_chain

pytestmark = [pytest.mark.requirement("SCN-08"), pytest.mark.slow]


async def billed(play):
    await play.deal_is_won()
    await play.time_comes_late()
    reader = play.stage.reader
    (entry,) = [str(row["id"]) for row in play.firm.revrec.entries]
    (bill,) = [str(row["id"]) for row in play.firm.erp.tables["timeBill"]]
    (hours,) = [str(row["id"]) for row in play.firm.psa.tables["time_entries"]]
    back, forward = trace(reader, entry, Direction.BACK), trace(reader, hours, Direction.FORWARD)
    return entry, bill, back, forward, lineage(reader, play.firm.world), verify_chain(reader)


@pytest.fixture
def told(playing):
    return playing.play(billed)


@pytest.mark.requirement("FLW-35")
def test_back_from_the_entry_are_hour_policy_contract_and_deal(told):
    _, _, back, _, _, _ = told
    titles = {node.title for node in back.nodes.values() if node.kind == "event"}
    assert {"time_entry.approved", "contract.signed", "work.planned", "deal.won"} <= titles
    decisions = [node.details["policy"] for node in back.nodes.values() if node.kind == "decision"]
    assert decisions == ["billing-cutoff"]
    assert back.complete


def test_forward_from_the_hour_are_the_bill_and_the_entry(told):
    _, bill, _, forward, _, _ = told
    records = {
        (node.details.get("system"), node.details.get("external_id")) for node in forward.nodes.values()
    }
    assert ("erp", bill) in records
    assert ("revrec", "RE-1") in records


def test_it_is_said_in_words(told):
    _, _, _, _, lines, _ = told
    assert lines[0] == "Revenue entry RJ-1: 1,540.00 EUR in 2026-05, obligation TM of contract CT-2026-014"
    assert any(
        "Ada Byron, 7:20 h on 29 May 2026, approved Friday 29 May 2026, 18:40" in line for line in lines
    )
    assert any("signed 15 May 2026, 240,000.00 EUR" in line for line in lines)


def test_the_evidence_is_unbroken(told):
    assert told[-1] == []
