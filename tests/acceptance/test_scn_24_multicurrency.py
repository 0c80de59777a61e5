"""SCN-24: a German company bills in pounds: adjustments keep the currency, and the exchange rate of what they credit."""

from datetime import date
from decimal import Decimal

import pytest

from engine.demo.firm import Hours
from engine.demo.world import CONTRACT, NETSUITE
from engine.runtime.permission import Release
from tests.acceptance.books import assert_conserved, assert_nothing_is_overwritten

pytestmark = [pytest.mark.requirement("SCN-24"), pytest.mark.slow]


async def won_in_pounds(play):
    """The deal of the story, sold in pounds."""
    next(iter(play.firm.crm.tables["Opportunity"])).update({"CurrencyIsoCode": "GBP"})
    await play.deal_is_won()


async def hours_corrected(play):
    await won_in_pounds(play)
    play.stage.at(NETSUITE.at(5, 29, 9))
    await play.approved(Hours("EMP-001", date(2026, 5, 28), 480, ""))
    await play.stage.rest()
    play.stage.at(NETSUITE.at(6, 4, 11))
    entry = str(next(iter(play.firm.psa.tables["time_entries"]))["id"])
    play.firm.psa.edit("time_entries", entry, approved=False, time_in_minutes=360)
    play.firm.psa.approve_time(entry)
    await play.stage.ask("psa")
    await play.stage.rest()


def test_hours_are_converted_once_and_credited_as_they_were_billed(playing):
    playing.play(hours_corrected)
    first, second = playing.firm.erp.tables["timeBill"]
    assert (first["rate"], second["rate"]) == (Decimal("178.50"), Decimal("178.50"))  # 210 EUR in May
    (credit,) = playing.firm.erp.tables["creditMemo"]
    assert credit["item"]["items"][0]["amount"] == Decimal(1428)
    assert (credit["currency"]["id"], credit["exchangeRate"]) == ("2", Decimal("1.18"))
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, GBP="1071.00")


def amended(change, currency="GBP"):
    """A play in which M1 is invoiced in June and amended in July."""

    async def scenes(play):
        await won_in_pounds(play)
        await play.milestone_is_accepted()
        play.stage.at(NETSUITE.at(7, 2, 10))
        play.firm.sign_amendment("M1", change, 5, currency)
        await play.called()
        await play.stage.rest()
        return list(play.stage.reader.holds(status="open"))

    return scenes


def test_a_credit_takes_the_exchange_rate_of_its_invoice(playing):
    playing.play(amended(-4_000))
    (invoice,) = playing.firm.erp.tables["invoice"]
    (credit,) = playing.firm.erp.tables["creditMemo"]
    assert invoice["exchangeRate"] == credit["exchangeRate"] == Decimal("1.16")
    assert invoice["currency"] == credit["currency"]
    assert_conserved(playing.firm, GBP=56_000)


def test_a_further_invoice_takes_the_exchange_rate_of_its_own_day(playing):
    playing.play(amended(4_000))
    rates = [row["exchangeRate"] for row in playing.firm.erp.tables["invoice"]]
    assert rates == [Decimal("1.16"), Decimal("1.15")]
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, GBP=64_000)


def test_an_amendment_in_another_currency_waits(playing):
    (hold,) = playing.play(amended(6_000, "EUR"))
    assert hold.policy == "amendment-in-other-currency"
    assert hold.reason == f"Amendment Amendment 1 is in EUR, and contract {CONTRACT} in GBP."
    assert_conserved(playing.firm, GBP=60_000)


async def agreed(play):
    (hold,) = await amended(6_000, "EUR")(play)
    said = Release(by="Ada", role="commercial", reason="As it stands in the letter of the client.")
    await play.stage.runner.release(hold.id, said)
    await play.stage.rest()


def test_an_amendment_in_another_currency_is_converted_when_commercial_agrees(playing):
    playing.play(agreed)
    _, further = playing.firm.erp.tables["invoice"]
    assert (further["total"], further["exchangeRate"]) == (Decimal(5_220), Decimal("1.15"))
    contract = playing.firm.revrec.contracts.find("contractNumber", CONTRACT)
    assert (contract["currency"], contract["transactionPrice"]) == ("GBP", Decimal(173_220))
    assert_conserved(playing.firm, GBP=65_220)
