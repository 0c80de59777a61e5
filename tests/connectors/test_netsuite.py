"""NetSuite: upserts, references, periods, SuiteQL, concurrency."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.netsuite.simulator import NetSuiteSimulator
from engine.effect import Effect, Failure, FaultClass, Receipt
from tests.connect import opening

DAY = date(2026, 3, 3)
SUBSIDIARY = {"subsidiary": {"id": "1"}}


@pytest.fixture
def erp(opened):
    erp = opened("netsuite", NetSuiteSimulator(now=opening.at(DAY)))
    erp.simulator.add_employee("W-1", "Ann")
    erp.write("save_customer", externalId="C-1", companyName="Acme", **SUBSIDIARY)
    erp.write(
        "save_project", externalId="P-1", companyName="Roll-out", parent={"externalId": "C-1"}, **SUBSIDIARY
    )
    return erp


def time_bill(erp, **changes):
    return erp.write("time_bill", **(bill() | changes))


def bill(number: str = "te-1"):
    who = {"employee": {"externalId": "W-1"}, "customer": {"externalId": "P-1"}}
    return {"externalId": number, **who, "hours": "7:30", "tranDate": DAY, "rate": Decimal("150.00")}


@pytest.mark.requirement("SYS-03")
def test_project_is_read_as_it_was_written(erp):
    project = erp.read("project", external_id="P-1")
    assert project["companyName"] == "Roll-out"
    assert project["parent"]["refName"] == "Acme"
    assert erp.read("project", external_id="P-2") is None


def test_upsert_changes_what_is_there(erp):
    first = time_bill(erp)
    second = time_bill(erp, hours="8:00")
    assert first.external_id == second.external_id
    assert [item.how for item in erp.simulator.journal.applied("timeBill")] == ["created", "updated"]


def test_contract_shell_plan_and_allocation(erp):
    lines = {"items": [{"item": {"id": "1"}, "amount": Decimal("50000.00"), "custcol_obligation": "O-1"}]}
    milestones = {"items": [{"milestoneId": "M-1", "amount": Decimal("20000.00"), "estimatedDate": DAY}]}
    currency = {"currency": {"id": "1"}}
    written = [
        erp.write(
            "save_billing_schedule", externalId="B-1", name="Plan", scheduleType="FBM", milestones=milestones
        ),
        erp.write(
            "save_sales_order",
            externalId="S-1",
            entity={"externalId": "C-1"},
            job={"externalId": "P-1"},
            **{
                "billingSchedule": {"externalId": "B-1"},
                "tranDate": DAY,
                "item": lines,
                **SUBSIDIARY,
                **currency,
            },
        ),
        erp.write("save_project_task", externalId="T-1", title="Design", company={"externalId": "P-1"}),
        erp.write(
            "save_resource_allocation",
            externalId="A-1",
            allocationResource={"externalId": "W-1"},
            project={"externalId": "P-1"},
            startDate=DAY,
            endDate=DAY,
            allocationAmount=40,
            allocationUnit="H",
        ),
    ]
    assert all(isinstance(outcome, Receipt) for outcome in written), written


@pytest.mark.requirement("REL-12")
def test_invoice_of_time_and_milestone_and_taking_it_back(erp):
    time_bill(erp)
    invoice = {
        "externalId": "I-1",
        "entity": {"externalId": "C-1"},
        "tranDate": DAY,
        "currency": {"id": "1"},
        "item": {"items": [{"item": {"id": "1"}, "amount": Decimal("1125.00"), "custcol_milestone": "M-1"}]},
        "time": {"items": [{"doc": {"externalId": "te-1"}, "apply": True}]},
        **SUBSIDIARY,
    }
    assert isinstance(erp.write("save_invoice", **invoice), Receipt)
    assert erp.read("invoice", external_id="I-1")["total"] == Decimal("1125.00")
    assert erp.simulator.tables["timeBill"].find("externalId", "te-1")["posted"] is True
    assert erp.write("delete_invoice", externalId="I-1").found is False
    assert erp.write("delete_invoice", externalId="I-1").found is True
    assert erp.read("invoice", external_id="I-1") is None


def test_undo_of_a_time_bill(erp):
    time_bill(erp)
    assert erp.plan.operations["time_bill"].undo == "void_time_bill"
    assert isinstance(erp.write("void_time_bill", **bill()), Receipt)
    assert len(erp.simulator.tables["timeBill"]) == 0


def test_closed_period(erp):
    erp.simulator.close_period("2026-03")
    failure = time_bill(erp)
    assert failure.fault is FaultClass.CLOSED_PERIOD
    assert failure.evidence["code"] == "TRAN_PERIOD_CLOSED"
    assert "closed posting period" in failure.reason
    assert isinstance(time_bill(erp, tranDate=date(2026, 4, 1)), Receipt)


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"employee": {"externalId": "W-9"}}, "employee"),
        ({"customer": {"id": "9"}}, "customer"),
        ({"hours": "7.5"}, "hours"),
        ({"hours": "25"}, "hours"),
        ({"rate": Decimal("1.005")}, "rate"),
        ({"colour": "red"}, "colour"),
        ({"tranDate": "soon"}, "tranDate"),
    ],
)
def test_bad_time_is_refused_by_name(erp, changes, field):
    failure = time_bill(erp, **changes)
    assert failure.fault is FaultClass.PERMANENT
    assert field in failure.reason


def test_accounting_period_of_a_day(erp):
    erp.simulator.close_period("2026-02")
    period = erp.read("accounting_period", day=date(2026, 2, 28))
    assert (period["closed"], period["startdate"], period["enddate"]) == (
        "T",
        date(2026, 2, 1),
        date(2026, 2, 28),
    )
    assert erp.read("accounting_period", day=DAY)["closed"] == "F"
    assert erp.read("accounting_period", day=date(2036, 1, 1)) is None


def test_changed_invoices_are_polled(erp):
    invoice = {"entity": {"externalId": "C-1"}, "tranDate": DAY, "currency": {"id": "1"}, **SUBSIDIARY}
    erp.write("save_invoice", externalId="I-1", **invoice)
    noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
    found = erp.poll("invoice_changed", noon)
    assert [item["externalid"] for item in found.items] == ["I-1"]
    assert found.upto == noon
    assert erp.poll("invoice_changed", noon + timedelta(minutes=3)).items == []


@pytest.mark.requirement("API-12")
def test_never_more_requests_at_a_time_than_the_tier_allows(erp):
    erp.simulator.latency_seconds = 0.01
    effects = [
        Effect(key=f"k{n}", connection="erp", operation="time_bill", payload=bill(f"te-{n}"))
        for n in range(30)
    ]
    assert all(isinstance(outcome, Receipt) for outcome in erp.write_all(effects))
    erp.simulator.concurrency = 2
    failures = [outcome for outcome in erp.write_all(effects) if isinstance(outcome, Failure)]
    assert failures
    assert {failure.evidence["code"] for failure in failures} == {"CONCURRENCY_LIMIT_EXCEEDED"}
