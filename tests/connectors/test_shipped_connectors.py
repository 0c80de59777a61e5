"""The suite that every connector must pass, on each of those that come with Tidegate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from connectors.kantata.simulator import KantataSimulator
from connectors.netsuite.simulator import NetSuiteSimulator
from connectors.revenue.simulator import RevenueSimulator
from connectors.salesforce.simulator import SalesforceSimulator
from engine.connect import suite
from engine.connect.simulator import Simulator
from engine.connect.suite import Sample
from tests.connect import opening

DAY = date(2026, 3, 3)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A connector, its system with what a write needs, and a write."""

    name: str
    system: Callable[[], Simulator]
    sample: Sample
    renews: bool = True  # whether its token can be got anew

    def connector(self, simulator: Simulator):
        return opening.connect(PLANS[self.name], simulator)


def netsuite() -> Simulator:
    simulator = NetSuiteSimulator(now=opening.at(DAY))
    simulator.add_employee("W-1", "Ann")
    simulator.tables["customer"].create(
        {"externalId": "C-1", "companyName": "Acme", "subsidiary": {"id": "1"}}
    )
    return simulator


def salesforce() -> Simulator:
    return SalesforceSimulator(now=opening.at(DAY))


def kantata() -> Simulator:
    return KantataSimulator(now=opening.at(DAY))


def revenue() -> Simulator:
    simulator = RevenueSimulator(now=opening.at(DAY))
    obligation = {"obligationId": "O-1", "method": "milestone", "allocated": Decimal(500)}
    simulator.contracts.create({"contractNumber": "K-1", "currency": "USD", "obligations": [obligation]})
    return simulator


TIME_BILL = Sample(
    operation="time_bill",
    payload={
        "externalId": "te-1",
        "employee": {"externalId": "W-1"},
        "customer": {"externalId": "C-1"},
        "hours": "7:30",
        "tranDate": DAY,
        "rate": Decimal("150.00"),
    },
    kind="timeBill",
    bad={"employee": {"externalId": "nobody"}},
    bad_field="employee",
)
ACCOUNT = Sample(
    operation="upsert_account",
    payload={"External_Id__c": "C-1", "Name": "Acme"},
    kind="Account",
    bad={"Name": ""},
    bad_field="Name",
)
PROJECT = Sample(
    operation="create_project",
    payload={"external_id": "E-1", "title": "Roll-out", "start_date": DAY, "currency": "USD"},
    kind="workspaces",
    bad={"start_date": "soon"},
    bad_field="start_date",
)
EVENT = Sample(
    operation="performance_event",
    payload={
        "contractNumber": "K-1",
        "obligationId": "O-1",
        "eventType": "milestone_approved",
        "eventDate": DAY,
        "amount": Decimal("100.00"),
        "currency": "USD",
        "source": {"system": "psa", "type": "milestone", "id": "M-1"},
    },
    kind="performance_event",
    bad={"obligationId": "O-9"},
    bad_field="obligationId",
)

CASES = [
    Case(name="netsuite", system=netsuite, sample=TIME_BILL),
    Case(name="salesforce", system=salesforce, sample=ACCOUNT),
    Case(name="kantata", system=kantata, sample=PROJECT, renews=False),
    Case(name="revenue", system=revenue, sample=EVENT),
]
PLANS = {case.name: opening.plan_of(case.name) for case in CASES}


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request) -> Case:
    return request.param


@pytest.fixture
def system(case) -> Iterator[Simulator]:
    with case.system() as simulator:
        yield simulator


@pytest.mark.requirement("API-13")
def test_manifest_is_complete(case):
    suite.check_manifest(PLANS[case.name], opening.installed(case.name).folder)


@pytest.mark.requirement("REL-02")
def test_writes_once(case, system):
    suite.check_write_once(case.connector, system, case.sample)


@pytest.mark.requirement("REL-01")
@pytest.mark.parametrize("trouble", suite.DOUBTFUL)
def test_settles_a_lost_answer(case, system, trouble):
    suite.check_lost_answer(case.connector, system, case.sample, trouble)


@pytest.mark.requirement("API-10")
def test_honours_throttling(case, system):
    suite.check_throttling(case.connector, system, case.sample)


@pytest.mark.requirement("REL-04")
def test_waits_through_an_outage(case, system):
    suite.check_outage(case.connector, system, case.sample)


@pytest.mark.requirement("API-07")
@pytest.mark.parametrize("case", [case for case in CASES if case.renews], ids=lambda case: case.name)
def test_replaces_an_expired_token(case):
    with case.system() as simulator:
        suite.check_expired_token(case.connector, simulator, case.sample)


@pytest.mark.requirement("REL-08")
def test_names_the_field_of_a_bad_record(case, system):
    suite.check_bad_record(case.connector, system, case.sample)
