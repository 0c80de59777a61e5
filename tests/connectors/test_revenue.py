"""The revenue engine: allocation, recognition, reversal, closed periods, idempotency keys."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.revenue.recognition import allocate
from connectors.revenue.simulator import RevenueSimulator
from engine.effect import Effect, FaultClass, Receipt

DAY = date(2026, 3, 3)
SOURCE = {"system": "psa", "type": "milestone", "id": "M-1"}
OBLIGATIONS = [
    {"obligationId": "O-1", "method": "milestone", "standAloneSellingPrice": Decimal("60000.00")},
    {"obligationId": "O-2", "method": "percent_complete", "standAloneSellingPrice": Decimal("30000.00")},
    {"obligationId": "O-3", "method": "time_and_materials", "standAloneSellingPrice": Decimal("0.00")},
]


@pytest.fixture
def revrec(opened):
    clock = [datetime(2026, 3, 3, 12, tzinfo=UTC)]
    revrec = opened("revenue", RevenueSimulator(now=lambda: clock[0]))
    revrec.clock = clock
    assert save(revrec).found is False
    return revrec


def save(revrec, **changes):
    contract = {"contractNumber": "K-1", "customer": "Acme", "currency": "USD", "obligations": OBLIGATIONS}
    return revrec.write("save_contract", **(contract | {"transactionPrice": Decimal("75000.00")} | changes))


def perform(revrec, effect_key="flow/m-1/recognise", **changes):
    event = {
        "contractNumber": "K-1",
        "obligationId": "O-1",
        "eventType": "milestone_approved",
        "eventDate": DAY,
    }
    money = {"amount": Decimal("20000.00"), "currency": "USD", "source": SOURCE}
    return revrec.write("performance_event", effect_key=effect_key, **(event | money | changes))


def allocated(revrec):
    contract = revrec.read("contract", contract_number="K-1")
    return [item["allocated"] for item in contract["obligations"]]


@pytest.mark.requirement("SYS-25")
def test_price_is_allocated_by_the_engine(revrec):
    assert allocated(revrec) == [Decimal("50000.00"), Decimal("25000.00"), 0]


@pytest.mark.requirement("ENT-16")
def test_modification_is_a_new_version_and_a_repeat_is_none(revrec):
    assert save(revrec).body["version"] == 1
    assert save(revrec, transactionPrice=Decimal("90000.00"), reason="amendment A-1").body["version"] == 2
    assert allocated(revrec)[0] == Decimal("60000.00")


@pytest.mark.requirement("SCN-08")
def test_entry_leads_back_to_what_caused_it(revrec):
    receipt = perform(revrec)
    assert (receipt.body["recognised"], receipt.body["period"]) == (Decimal("20000.00"), "2026-03")
    (entry,) = revrec.read("entries_of_event", performance_event_id=receipt.external_id)
    assert (entry["amount"], entry["source"]) == (Decimal("20000.00"), SOURCE)


def test_schedule(revrec):
    perform(revrec)
    perform(
        revrec,
        effect_key="progress",
        obligationId="O-2",
        eventType="progress_reported",
        percentComplete=Decimal(40),
    )
    perform(
        revrec, effect_key="hours", obligationId="O-3", eventType="time_approved", amount=Decimal("1125.00")
    )
    schedule = revrec.read("schedule", contract_number="K-1")
    rows = [(item["recognised"], item["deferred"]) for item in schedule["obligations"]]
    assert rows == [(Decimal(20000), Decimal(30000)), (Decimal(10000), Decimal(15000)), (Decimal(1125), 0)]
    assert schedule["periods"] == [{"period": "2026-03", "closed": False, "recognised": Decimal("31125.00")}]


@pytest.mark.requirement("REL-01")
def test_repeated_key_gives_the_first_answer(revrec):
    first, second = perform(revrec), perform(revrec)
    assert (first.external_id, first.found, second.external_id, second.found) == ("RE-1", False, "RE-1", True)
    assert len(revrec.simulator.entries) == 1


def test_key_with_another_body_is_refused(revrec):
    perform(revrec)
    failure = perform(revrec, amount=Decimal("1.00"))
    assert (failure.fault, failure.evidence["code"]) == (FaultClass.PERMANENT, "KEY_REUSED")


def test_key_is_forgotten_after_its_life(revrec):
    """Why a retry must come inside the key's life, and a look-up after it."""
    life = revrec.plan.operations["performance_event"].once.life
    perform(revrec)
    revrec.clock[0] += life - timedelta(seconds=1)
    assert perform(revrec).found
    revrec.clock[0] += timedelta(seconds=2)
    assert not perform(revrec).found


def test_reversal(revrec):
    event = perform(revrec).external_id
    assert revrec.write("reverse_performance_event", id=event, reason="billed twice").found is False
    assert revrec.write("reverse_performance_event", id=event, reason="billed twice").found is True
    entries = revrec.read("entries_of_event", performance_event_id=event)
    assert [entry["amount"] for entry in entries] == [Decimal("20000.00"), Decimal("-20000.00")]


def test_closed_period_is_told_with_status_200(revrec):
    revrec.simulator.close_period("2026-03")
    failure = perform(revrec)
    assert failure.fault is FaultClass.CLOSED_PERIOD
    assert failure.evidence["status"] == 200
    assert isinstance(perform(revrec, eventDate=date(2026, 4, 1)), Receipt)


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"contractNumber": "K-9"}, "contractNumber"),
        ({"obligationId": "O-9"}, "obligationId"),
        ({"amount": Decimal("50000.01")}, "amount"),
        ({"currency": "EUR"}, "currency"),
    ],
)
def test_refusals_name_the_field(revrec, changes, field):
    failure = perform(revrec, **changes)
    assert failure.fault is FaultClass.PERMANENT
    assert field in failure.reason


def test_entries_of_a_period_over_pages(revrec):
    hours = {"eventType": "time_approved", "amount": Decimal("0.01"), "obligationId": "O-3"}
    payload = {"contractNumber": "K-1", "eventDate": DAY, "currency": "USD", "source": SOURCE, **hours}
    revrec.write_all(
        [
            Effect(key=f"hours-{n}", connection="revrec", operation="performance_event", payload=payload)
            for n in range(103)
        ]
    )
    assert len(revrec.read("entries_of_period", period="2026-03")) == 103
    assert len(revrec.read("entries_of_period", period="2026-03", contract_number="K-9")) == 0
    assert len(revrec.poll("revenue_recognised", revrec.clock[0]).items) == 103


AMOUNTS = st.decimals(0, 1_000_000, places=2)
METHODS = st.sampled_from(["milestone", "percent_complete", "time_and_materials"])
PROMISED = st.fixed_dictionaries({"method": METHODS, "standAloneSellingPrice": AMOUNTS})


@given(AMOUNTS, st.lists(PROMISED, min_size=1, max_size=6))
def test_allocation_adds_up_to_the_cent(price, obligations):
    shares = allocate(price, obligations)
    fixed = any(item["method"] != "time_and_materials" for item in obligations)
    assert sum(shares) == (price if fixed else 0)
