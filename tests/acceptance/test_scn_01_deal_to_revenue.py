"""SCN-01: a global firm, from the won deal over staffing, delivery and ERP to recognised revenue."""

from decimal import Decimal

import pytest

from engine.demo.world import CLIENT, CONTRACT, ENGAGEMENT

pytestmark = [pytest.mark.requirement("SCN-01"), pytest.mark.slow]


async def all_of_it(play):
    story = await play.all()
    return story, play.firm, play.stage.reader.counts()


@pytest.mark.requirement("FLW-23", "FLW-40", "FLW-44")
def test_every_expectation_of_the_story_holds(playing):
    story, _, counts = playing.play(all_of_it)
    assert [each for each in story.expectations if not each.held] == []
    assert {status for status, count in counts["runs"].items() if count} == {"completed"}
    assert {status for status, count in counts["effects"].items() if count} == {"done"}


async def set_up(play):
    await play.deal_is_won()
    await play.people_are_assigned()
    return play.stage.reader.counts()


@pytest.mark.requirement("FLW-01", "FLW-02", "FLW-04", "FLW-05", "ENT-34")
def test_a_won_deal_sets_up_every_system_once_though_it_is_told_five_times(playing):
    counts = playing.play(set_up)
    erp, psa, revrec, crm = playing.firm.erp, playing.firm.psa, playing.firm.revrec, playing.firm.crm
    customer = erp.tables["customer"].find("externalId", CLIENT)
    project = erp.tables["job"].find("externalId", ENGAGEMENT)
    order = erp.tables["salesOrder"].find("externalId", CONTRACT)
    assert project["parent"]["id"] == customer["id"]
    assert [line["amount"] for line in order["item"]["items"]] == [60_000, 108_000, 72_000]
    assert [len(erp.journal.applied(kind, "created")) for kind in ("customer", "job", "salesOrder")] == [
        1,
        1,
        1,
    ]
    (workspace,) = psa.tables["workspaces"]
    assert (workspace["price_in_cents"], workspace["currency"]) == (24_000_000, "EUR")
    # They are written side by side, so that any may be the first.
    assert sorted(row["story_type"] for row in psa.tables["stories"]) == ["milestone", "milestone", "task"]
    contract = revrec.contracts.find("contractNumber", CONTRACT)
    assert contract["transactionPrice"] == Decimal(168_000)
    assert [item["allocated"] for item in contract["obligations"]] == [60_000, 108_000, 0]
    (deal,) = crm.tables["Opportunity"]
    assert (deal["Integration_Status__c"], deal["Engagement_Id__c"]) == ("Provisioned", ENGAGEMENT)
    assert counts["runs"]["completed"] == 3


@pytest.mark.requirement("FLW-07", "FLW-42")
def test_an_assignment_reaches_the_psa_and_the_erp(playing):
    playing.play(set_up)
    seats = [row["user_id"] for row in playing.firm.psa.tables["workspace_resources"]]
    assert seats == ["12000001", "12000002"]
    bookings = [row["minutes"] for row in playing.firm.psa.tables["workspace_allocations"]]
    planned = [row["allocationAmount"] for row in playing.firm.erp.tables["resourceAllocation"]]
    assert bookings == [120 * 60, 200 * 60]
    assert planned == [120, 200]


async def assigned_first(play):
    await play.people_are_assigned()
    held = [row.policy for row in play.stage.reader.holds(status="open")]
    play.firm.win_deal(1)
    await play.called()
    return held, [row.status for row in play.stage.reader.holds()]


@pytest.mark.requirement("POL-23", "SCN-25")
def test_an_assignment_that_comes_before_its_project_waits_for_it(playing):
    held, after = playing.play(assigned_first)
    assert held == ["engagement-is-set-up"] * 2
    assert after == ["released"] * 2
    assert len(playing.firm.psa.tables["workspace_allocations"]) == 2


INCOMPLETE = {
    "deal-sow-signed": {"SOW_Status__c": "Draft"},
    "deal-billing-terms": {"Billing_Type__c": None},
    "deal-legal-entity": {"Legal_Entity__c": "LE-FR"},
    "deal-tax-profile": {"Legal_Entity__c": "LE-SG", "CurrencyIsoCode": "USD"},
    "deal-client": {"ContractId": None},
}


@pytest.mark.requirement("POL-08", "POL-09", "POL-13")
@pytest.mark.parametrize("policy", INCOMPLETE)
def test_a_deal_that_is_not_complete_creates_nothing(playing, policy):
    async def won(play):
        deal = next(iter(play.firm.crm.tables["Opportunity"]))
        deal.update(INCOMPLETE[policy])
        play.firm.win_deal(1)
        await play.called()
        return list(play.stage.reader.runs()), [row.policy for row in play.stage.reader.alerts()]

    (run,), alerts = playing.play(won)
    assert run.status == "rejected"
    assert f'"{policy}"' in run.decisions
    assert alerts == [policy]
    systems = (playing.firm.erp, playing.firm.psa, playing.firm.revrec)
    kinds = {"user", "users", "employee"}
    assert [row.kind for system in systems for row in system.journal.writes if row.kind not in kinds] == []
