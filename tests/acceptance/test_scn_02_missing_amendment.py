"""SCN-02: a milestone is approved while its amendment is missing: billing waits, delivery moves on."""

from decimal import Decimal

import pytest

from engine.demo.world import CONTRACT, ENGAGEMENT

pytestmark = [pytest.mark.requirement("SCN-02", "POL-01"), pytest.mark.slow]


async def held(play):
    await play.deal_is_won()
    await play.scope_has_changed()
    reader = play.stage.reader
    return list(reader.holds(status="open")), list(reader.alerts()), list(reader.runs(status="held"))


@pytest.mark.requirement("FLW-29", "POL-05")
def test_billing_waits_with_its_reason_while_delivery_moves_on(playing):
    (hold,), (alert,), (run,) = playing.play(held)
    assert hold.policy == "amendment-on-file"
    assert hold.until_event == "contract.amended"
    assert CONTRACT in hold.reason
    assert run.reason == hold.reason
    assert (alert.to, alert.severity, alert.message) == ("finance-operations", "warning", hold.reason)
    story = playing.firm.story_record("M2")
    assert (story["state"], story["percentage_complete"]) == ("completed", 100)
    assert story["tag_list"] == "accepted,scope-change"
    assert len(playing.firm.erp.tables["invoice"]) == 0
    assert len(playing.firm.revrec.entries) == 0


async def released(play):
    await play.deal_is_won()
    await play.scope_has_changed()
    await play.amendment_is_signed()
    return list(play.stage.reader.holds()), list(play.stage.reader.alerts())


@pytest.mark.requirement("FLW-12", "FLW-13", "FLW-15", "FLW-16")
def test_the_amendment_releases_it_at_the_new_price_once(playing):
    (hold,), alerts = playing.play(released)
    assert hold.status == "released"
    assert hold.release_event.startswith("contract.amended:")
    assert len(alerts) == 1
    (invoice,) = playing.firm.erp.tables["invoice"]
    assert (invoice["externalId"], invoice["total"]) == (f"{ENGAGEMENT}-M2", Decimal(126_000))
    assert invoice["tranDate"] == "2026-06-03"
    assert len(playing.firm.erp.journal.applied("invoice", "created")) == 1
    (entry,) = playing.firm.revrec.entries
    assert (entry["amount"], entry["obligationId"]) == (Decimal(126_000), "M2")
    contract = playing.firm.revrec.contracts.find("contractNumber", CONTRACT)
    assert (contract["version"], contract["transactionPrice"]) == (2, Decimal(186_000))


async def amended_elsewhere(play):
    await play.deal_is_won()
    await play.scope_has_changed()
    play.firm.sign_amendment("M1", 5_000, 1)
    await play.called()
    return [row.status for row in play.stage.reader.holds()]


def test_an_amendment_of_another_milestone_does_not_release_it(playing):
    assert playing.play(amended_elsewhere) == ["open"]
    assert len(playing.firm.erp.tables["invoice"]) == 0


async def agreed(play):
    await play.deal_is_won()
    await play.milestone_is_accepted()
    return list(play.stage.reader.holds())


def test_a_milestone_as_agreed_is_invoiced_at_once(playing):
    assert playing.play(agreed) == []
    assert [row["total"] for row in playing.firm.erp.tables["invoice"]] == [Decimal(60_000)]
