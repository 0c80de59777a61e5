"""SCN-21: time that is corrected after it was billed is adjusted, and what was posted stays."""

from datetime import date
from decimal import Decimal

import pytest

from engine.demo.firm import Hours
from engine.demo.world import NETSUITE
from engine.insight.trace import Direction, trace
from engine.runtime.permission import Release
from tests.acceptance.books import assert_conserved, assert_nothing_is_overwritten

pytestmark = [pytest.mark.requirement("SCN-21"), pytest.mark.slow]


def correcting(**changes):
    """A play in which an entry is billed in May, May is closed, and the entry is approved anew in June."""

    async def scenes(play):
        await play.deal_is_won()
        play.stage.at(NETSUITE.at(5, 29, 9))
        await play.approved(Hours("EMP-001", date(2026, 5, 28), 480, ""))
        await play.stage.rest()
        play.firm.erp.close_period("2026-05")
        play.firm.revrec.close_period("2026-05")
        play.stage.at(NETSUITE.at(6, 4, 11))
        entry = str(next(iter(play.firm.psa.tables["time_entries"]))["id"])
        play.firm.psa.edit("time_entries", entry, approved=False, **changes)
        play.firm.psa.approve_time(entry, 3)
        await play.stage.ask("psa")
        await play.stage.rest()
        (credit,) = play.firm.erp.tables["creditMemo"]
        back = trace(play.stage.reader, str(credit["id"]), Direction.BACK)
        return {node.title for node in back.nodes.values() if node.kind == "event"}

    return scenes


def test_fewer_hours_are_credited_and_billed_anew_in_the_open_period(playing):
    titles = playing.play(correcting(time_in_minutes=360))
    erp = playing.firm.erp
    posted, anew = erp.tables["timeBill"]
    assert (posted["hours"], posted["tranDate"]) == ("8:00", "2026-05-28")
    assert (anew["hours"], anew["tranDate"]) == ("6:00", "2026-06-04")
    assert [write.how for write in erp.journal.applied("timeBill")] == ["created", "created"]
    (credit,) = erp.tables["creditMemo"]
    assert (credit["item"]["items"][0]["amount"], credit["tranDate"]) == (Decimal(1680), "2026-06-04")
    entries = [(row["amount"], row["period"]) for row in playing.firm.revrec.entries]
    assert entries == [(Decimal(1680), "2026-05"), (Decimal(-420), "2026-06")]
    assert {"time_entry.corrected", "time_entry.billed", "time_entry.approved"} <= titles


def test_hours_that_are_not_billable_any_more_are_credited(playing):
    playing.play(correcting(billable=False))
    (posted,) = playing.firm.erp.tables["timeBill"]
    assert posted["hours"] == "8:00"
    assert sum(row["amount"] for row in playing.firm.revrec.entries) == 0


def test_another_day_of_work_is_billed_anew_though_it_costs_the_same(playing):
    playing.play(correcting(date_performed="2026-05-27"))
    posted, anew = playing.firm.erp.tables["timeBill"]
    assert (posted["tranDate"], anew["tranDate"]) == ("2026-05-28", "2026-06-04")
    assert "worked on 2026-05-27" in anew["memo"]
    assert [row["amount"] for row in playing.firm.revrec.entries] == [Decimal(1680), Decimal(0)]


async def approved_twice_on_a_closed_project(play):
    """An approval waits for a controller, and the same time is approved anew with fewer hours."""
    await play.deal_is_won()
    job = next(iter(play.firm.erp.tables["job"]))
    job["isInactive"] = True
    play.stage.at(NETSUITE.at(5, 29, 9))
    await play.approved(Hours("EMP-001", date(2026, 5, 28), 480, ""))
    await play.stage.rest()
    job["isInactive"] = False
    play.stage.at(NETSUITE.at(5, 29, 10))
    entry = str(next(iter(play.firm.psa.tables["time_entries"]))["id"])
    play.firm.psa.edit("time_entries", entry, approved=False, time_in_minutes=360)
    play.firm.psa.approve_time(entry)
    await play.stage.ask("psa")
    await play.stage.rest()
    runs = [run.status for run in play.stage.reader.runs() if run.flow == "approved-time-to-billing"]
    return sorted(runs), [hold.status for hold in play.stage.reader.holds()]


def test_an_approval_that_waits_while_the_time_is_approved_anew_is_not_billed(playing):
    runs, holds = playing.play(approved_twice_on_a_closed_project)
    assert (runs, holds) == (["completed", "rejected"], ["released"])
    assert [bill["hours"] for bill in playing.firm.erp.tables["timeBill"]] == ["6:00"]
    assert [row["amount"] for row in playing.firm.revrec.entries] == [Decimal(1260)]


async def older_approval_comes_last(play):
    """A newer approval waits for a controller, and one that is older comes after it and is billed."""
    await play.deal_is_won()
    job = next(iter(play.firm.erp.tables["job"]))
    job["isInactive"] = True
    play.stage.at(NETSUITE.at(5, 29, 10))
    await play.approved(Hours("EMP-001", date(2026, 5, 28), 360, ""))
    await play.stage.rest()
    (entry,) = play.firm.psa.tables["time_entries"]
    job["isInactive"] = False
    play.stage.at(NETSUITE.at(5, 29, 11))
    older = {
        "id": str(entry["id"]),
        "workspace_id": str(entry["workspace_id"]),
        "task_id": str(entry["story_id"]),
        "worker_id": "EMP-001",
        "worker_name": "Ada Byron",
        "role": "architect",
        "worked_on": "2026-05-28",
        "minutes": 480,
        "billable": True,
        "status": "approved",
        "approved_at": "2026-05-29T07:00:00Z",
        "notes": None,
    }
    await play.stage.hand_in("time_entry.approved", older, "psa.file")
    await play.stage.rest()
    (hold,) = [row for row in play.stage.reader.holds() if row.policy == "project-open"]
    if hold.status == "open":
        said = Release(by="Ada", role="controller", reason="It was closed too early.")
        await play.stage.runner.release(hold.id, said)
        await play.stage.rest()


def test_approvals_that_come_in_the_wrong_order_end_with_the_later_one(playing):
    playing.play(older_approval_comes_last)
    assert sum(row["amount"] for row in playing.firm.revrec.entries) == Decimal(1260)
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, EUR=1260)
