"""SCN-22: a contract is amended after the invoice was issued: the difference follows, and the invoice stays."""

from decimal import Decimal

import pytest

from engine.demo.world import ENGAGEMENT, NETSUITE
from engine.insight.trace import Direction, trace
from tests.acceptance.books import assert_conserved, assert_nothing_is_overwritten

pytestmark = [pytest.mark.requirement("SCN-22"), pytest.mark.slow]


def amended(*changes):
    """A play in which M1 is invoiced in June, June is closed, and M1 is amended in July by each change."""

    async def scenes(play):
        await play.deal_is_won()
        await play.milestone_is_accepted()
        play.firm.erp.close_period("2026-06")
        play.firm.revrec.close_period("2026-06")
        for day, change in enumerate(changes, 2):
            play.stage.at(NETSUITE.at(7, day, 10))
            play.firm.sign_amendment("M1", change, 5)
            await play.called()
            await play.stage.rest()
        return play.stage

    return scenes


def test_what_became_dearer_is_invoiced_beside_the_first_invoice(playing):
    async def scenes(play):
        stage = await amended(6_000)(play)
        _, second = play.firm.erp.tables["invoice"]
        back = trace(stage.reader, str(second["id"]), Direction.BACK)
        return {node.title for node in back.nodes.values() if node.kind == "event"}

    titles = playing.play(scenes)
    first, second = playing.firm.erp.tables["invoice"]
    assert (first["externalId"], first["total"], first["tranDate"]) == (
        f"{ENGAGEMENT}-M1",
        Decimal(60_000),
        "2026-06-01",
    )
    assert (second["externalId"], second["total"], second["tranDate"]) == (
        f"{ENGAGEMENT}-M1-V2",
        Decimal(6_000),
        "2026-07-02",
    )
    entries = [(row["amount"], row["period"]) for row in playing.firm.revrec.entries]
    assert entries == [(Decimal(60_000), "2026-06"), (Decimal(6_000), "2026-07")]
    assert {"obligation.due", "contract.amended", "amendment.signed", "invoice.posted"} <= titles
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, EUR=66_000)


def test_what_became_cheaper_is_credited(playing):
    playing.play(amended(-4_000))
    (invoice,) = playing.firm.erp.tables["invoice"]
    (credit,) = playing.firm.erp.tables["creditMemo"]
    assert invoice["total"] == Decimal(60_000)
    assert (credit["item"]["items"][0]["amount"], credit["tranDate"]) == (Decimal(4_000), "2026-07-02")
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, EUR=56_000)


def test_each_amendment_counts_from_what_the_last_one_left(playing):
    playing.play(amended(6_000, -2_000, 1_000))
    numbers = [row["externalId"] for row in playing.firm.erp.tables["invoice"]]
    assert numbers == [f"{ENGAGEMENT}-M1", f"{ENGAGEMENT}-M1-V2", f"{ENGAGEMENT}-M1-V4"]
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, EUR=65_000)


@pytest.mark.requirement("POL-10")
def test_a_large_credit_waits_for_a_controller(playing):
    async def scenes(play):
        stage = await amended(-20_000)(play)
        return [(hold.policy, hold.status) for hold in stage.reader.holds()]

    assert playing.play(scenes) == [("large-credit", "open")]
    assert len(playing.firm.erp.tables["creditMemo"]) == 0
    assert_conserved(playing.firm, EUR=60_000)


async def accepted_and_amended_at_once(play):
    await play.deal_is_won()
    play.stage.at(NETSUITE.at(6, 1, 11))
    play.firm.accept_milestone("M1")
    play.firm.sign_amendment("M1", 6_000, 5)
    await play.stage.ask("psa")
    await play.called()
    await play.stage.rest()


def test_an_amendment_in_the_moment_of_the_invoice_is_not_lost(playing):
    playing.play(accepted_and_amended_at_once)
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, EUR=66_000)


async def accepted_once_more(play):
    await amended(6_000)(play)
    play.firm.psa.edit("stories", play.firm.story("M1"), state="started")
    play.stage.at(NETSUITE.at(7, 6, 10))
    play.firm.accept_milestone("M1")
    await play.stage.ask("psa")
    await play.stage.rest()


def test_a_milestone_that_is_accepted_again_is_not_billed_again(playing):
    playing.play(accepted_once_more)
    assert len(playing.firm.erp.tables["invoice"]) == 2
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, EUR=66_000)
