"""SCN-23: a milestone is completed in parts: a person agrees, each part is billed once, and the sum is the price."""

from decimal import Decimal

import pytest

from engine.demo.world import ENGAGEMENT, NETSUITE
from engine.insight.trace import Direction, trace
from engine.runtime.permission import Release
from tests.acceptance.books import assert_conserved, assert_nothing_is_overwritten

pytestmark = [pytest.mark.requirement("SCN-23"), pytest.mark.slow]


async def part(play, percent, at, *, agreed=True):
    """The client accepts a part of M2, and a controller has it billed."""
    play.stage.at(at)
    play.firm.accept_part("M2", percent)
    await play.stage.ask("psa")
    await play.stage.rest()
    for hold in play.stage.reader.holds(status="open") if agreed else ():
        await release(play, hold.id)


async def release(play, hold):
    """A controller and a second person release a hold."""
    said = Release(by="Ada", role="controller", reason="The client pays for it.", second="Max")
    await play.stage.runner.release(hold, said)
    await play.stage.rest()


async def whole(play, at):
    """The milestone is accepted as a whole."""
    play.stage.at(at)
    play.firm.accept_milestone("M2")
    await play.stage.ask("psa")
    await play.stage.rest()


async def in_parts(play):
    await play.deal_is_won()
    await part(play, 40, NETSUITE.at(6, 3, 10))
    await part(play, 75, NETSUITE.at(6, 10, 10))
    await whole(play, NETSUITE.at(7, 1, 10))
    (*_, last) = play.firm.erp.tables["invoice"]
    back = trace(play.stage.reader, str(last["id"]), Direction.BACK)
    return {node.title for node in back.nodes.values() if node.kind == "event"}


def test_each_part_is_billed_once_and_the_rest_at_the_end(playing):
    titles = playing.play(in_parts)
    totals = [row["total"] for row in playing.firm.erp.tables["invoice"]]
    assert totals == [Decimal(43_200), Decimal(37_800), Decimal(27_000)]
    entries = [(row["amount"], row["period"]) for row in playing.firm.revrec.entries]
    assert entries == [
        (Decimal(43_200), "2026-06"),
        (Decimal(37_800), "2026-06"),
        (Decimal(27_000), "2026-07"),
    ]
    assert {"obligation.due", "milestone.approved", "contract.signed"} <= titles
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, EUR=108_000)


async def not_agreed(play):
    await play.deal_is_won()
    await part(play, 40, NETSUITE.at(6, 3, 10), agreed=False)
    return list(play.stage.reader.holds(status="open"))


def test_a_part_waits_for_a_controller_where_the_contract_pays_for_the_whole(playing):
    (hold,) = playing.play(not_agreed)
    assert hold.policy == "part-agreed"
    assert "40% of milestone M2" in hold.reason
    assert len(playing.firm.erp.tables["invoice"]) == 0
    assert len(playing.firm.revrec.entries) == 0


async def whole_before_the_part_is_agreed(play):
    (hold,) = await not_agreed(play)
    await whole(play, NETSUITE.at(6, 8, 10))
    await release(play, hold.id)


def test_a_part_that_is_agreed_after_the_whole_was_billed_bills_nothing_more(playing):
    playing.play(whole_before_the_part_is_agreed)
    assert [row["externalId"] for row in playing.firm.erp.tables["invoice"]] == [f"{ENGAGEMENT}-M2"]
    assert_conserved(playing.firm, EUR=108_000)


async def amended_between_parts(play):
    await play.deal_is_won()
    await part(play, 40, NETSUITE.at(6, 3, 10))
    play.stage.at(NETSUITE.at(6, 5, 10))
    play.firm.sign_amendment("M2", 18_000, 5)
    await play.called()
    await play.stage.rest()
    await whole(play, NETSUITE.at(7, 1, 10))


@pytest.mark.requirement("SCN-22")
def test_an_amendment_between_two_parts_counts_for_both(playing):
    playing.play(amended_between_parts)
    totals = [row["total"] for row in playing.firm.erp.tables["invoice"]]
    assert totals == [Decimal(43_200), Decimal(7_200), Decimal(75_600)]
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, EUR=126_000)
