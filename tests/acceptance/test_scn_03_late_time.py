"""SCN-03: time approved after the billing cutoff goes into the next cycle, and the evidence says why."""

from datetime import date
from decimal import Decimal

import pytest

from engine.demo.firm import Hours
from engine.demo.world import NETSUITE
from engine.values.json_text import read_json

pytestmark = [pytest.mark.requirement("SCN-03", "POL-02"), pytest.mark.slow]


def approving(at, *, worker="EMP-001", minutes=480, worked_on=date(2026, 5, 28)):
    """A play in which one entry is approved at an instant; the run that came of it."""

    async def scenes(play):
        await play.deal_is_won()
        play.stage.at(at)
        await play.approved(Hours(worker, worked_on, minutes, ""))
        await play.stage.rest()
        return next(run for run in play.stage.reader.runs() if run.flow == "approved-time-to-billing")

    return scenes


@pytest.mark.parametrize(
    "at, cycle",
    [
        (NETSUITE.at(5, 29, 18), "2026-W22"),
        (NETSUITE.at(5, 29, 18, 1), "2026-W23"),
        (NETSUITE.at(6, 5, 18), "2026-W23"),
        (NETSUITE.at(6, 8, 9), "2026-W24"),
    ],
)
def test_the_cycle_is_the_first_that_is_open_when_time_is_approved(playing, at, cycle):
    run = playing.play(approving(at))
    (bill,) = playing.firm.erp.tables["timeBill"]
    assert run.status == "completed"
    assert (bill["custcol_billing_cycle"], bill["tranDate"], bill["hours"]) == (cycle, "2026-05-28", "8:00")


def test_the_evidence_says_why(playing):
    run = playing.play(approving(NETSUITE.at(5, 29, 18, 40)))
    eligible = read_json(run.decisions)["eligible"]
    assert eligible["rolled"] == ["billing-cutoff"]
    (note,) = eligible["notes"]
    assert note == (
        "Approved 29 May 2026 18:40, after the cutoff of cycle 2026-W22 on 29 May 2026 18:00; "
        "billed in cycle 2026-W23."
    )


@pytest.mark.requirement("FLW-09", "POL-04", "FLW-14")
def test_hours_and_amount_are_exact(playing):
    playing.play(approving(NETSUITE.at(5, 29, 9), minutes=440))
    (bill,) = playing.firm.erp.tables["timeBill"]
    (entry,) = playing.firm.revrec.entries
    assert (bill["hours"], bill["rate"]) == ("7:20", Decimal(210))
    assert entry["amount"] == Decimal("1540.00")  # 7:20 h at 210.00, not 7.33 h


@pytest.mark.requirement("POL-10", "POL-12")
def test_a_long_day_is_billed_and_told(playing):
    async def scenes(play):
        await approving(NETSUITE.at(5, 29, 9), minutes=780)(play)
        return [(row.policy, row.to) for row in play.stage.reader.alerts()]

    assert playing.play(scenes) == [("long-day", "delivery-operations")]
    assert len(playing.firm.erp.tables["timeBill"]) == 1


@pytest.mark.requirement("POL-10")
def test_time_without_a_rate_waits_for_commercial(playing):
    run = playing.play(approving(NETSUITE.at(5, 29, 9), worked_on=date(2024, 12, 30)))
    assert run.status == "held"
    assert run.reason == "Rate card CARD-DE has no rate for the role architect on 30 Dec 2024."
    assert len(playing.firm.erp.tables["timeBill"]) == 0


@pytest.mark.requirement("POL-10")
def test_time_on_a_closed_project_waits_for_a_controller(playing):
    async def scenes(play):
        await play.deal_is_won()
        next(iter(play.firm.erp.tables["job"]))["isInactive"] = True
        play.stage.at(NETSUITE.at(5, 29, 9))
        await play.approved(Hours("EMP-001", date(2026, 5, 28), 60, ""))
        await play.stage.rest()
        return [row.policy for row in play.stage.reader.holds(status="open")]

    assert playing.play(scenes) == ["project-open"]
    assert len(playing.firm.erp.tables["timeBill"]) == 0
