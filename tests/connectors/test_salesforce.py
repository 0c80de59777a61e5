"""Salesforce: deals with their account and contract, amendments, callouts, limits."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from connectors.salesforce.simulator import SalesforceSimulator
from connectors.salesforce.soql import SoqlError, parse
from engine.connect.settings import Secret
from engine.connect.signatures import DeliveryRefused, Sent
from engine.connect.webhook import receive
from engine.effect import Effect, FaultClass, Receipt
from tests.connect import opening

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.fixture
def crm(opened):
    crm = opened("salesforce", SalesforceSimulator(now=opening.at(NOON.date())))
    account = crm.simulator.add("Account", Name="Acme", Customer_Number__c="C-1")
    crm.contract = crm.simulator.add(
        "Contract", AccountId=account, ContractNumber="00001", Status="Activated", StartDate="2026-01-01"
    )
    crm.deal = crm.simulator.add(
        "Opportunity",
        Name="Roll-out",
        StageName="Negotiation",
        CloseDate="2026-03-31",
        Amount=Decimal("50000.00"),
        AccountId=account,
        ContractId=crm.contract,
        Billing_Type__c="mixed",
    )
    return crm


@pytest.mark.requirement("SYS-01")
def test_deal_with_account_and_contract(crm):
    deal = crm.read("opportunity", id=crm.deal)
    assert (deal["Account"]["Name"], deal["Contract"]["ContractNumber"]) == ("Acme", "00001")
    assert deal["Contract"]["StartDate"] == date(2026, 1, 1)
    assert deal["Amount"] == Decimal("50000.00")
    assert deal["IsWon"] is False


def test_deal_without_account(crm):
    lonely = crm.simulator.add("Opportunity", Name="X", StageName="New", CloseDate="2026-03-31")
    assert crm.read("opportunity", id=lonely)["Account"] is None


def test_deal_that_is_not_there(crm):
    assert crm.read("opportunity", id="006000000000000AAA") is None
    assert crm.read("account", id="001000000000000AAA") is None


@pytest.mark.requirement("ENT-12")
def test_contract_with_its_amendments(crm):
    assert crm.read("contract", id=crm.contract)["Contract_Amendments__r"] is None
    amendment = crm.simulator.add(
        "Contract_Amendment__c", Contract__c=crm.contract, Status__c="Draft", Milestone_Id__c="M-1"
    )
    crm.simulator.sign_amendment(amendment, "2026-03-02")
    (found,) = crm.read("contract", id=crm.contract)["Contract_Amendments__r"]["records"]
    assert (found["Status__c"], found["Signed_Date__c"]) == ("Signed", date(2026, 3, 2))


def test_all_pages_of_won_deals(crm):
    crm.simulator.page_size = 2
    for number in range(5):
        crm.simulator.add("Opportunity", Name=f"D{number}", StageName="Closed Won", CloseDate="2026-03-01")
    found = crm.read("opportunities_won_since", since=datetime(2026, 3, 1, tzinfo=UTC))
    assert [deal["Name"] for deal in found] == [f"D{number}" for number in range(5)]


def test_quotes_in_parameters_do_not_leave_their_text():
    query = parse(r"SELECT Id FROM Account WHERE Name = 'a\' AND Id != \'b'")
    assert [condition.value for condition in query.conditions] == ["a' AND Id != 'b"]
    with pytest.raises(SoqlError):
        parse("SELECT Id FROM Account WHERE Name LIKE 'a%'")


def test_state_of_integration_is_written_back(crm):
    receipt = crm.write("update_opportunity", Id=crm.deal, Integration_Status__c="Provisioned")
    assert receipt == Receipt(external_id=crm.deal, body={"id": crm.deal})
    assert crm.read("opportunity", id=crm.deal)["Integration_Status__c"] == "Provisioned"


def test_upsert_tells_whether_it_was_there(crm):
    outcomes = [crm.write("upsert_account", External_Id__c="C-9", Name="Nine") for _ in range(2)]
    assert [outcome.found for outcome in outcomes] == [False, True]


def test_two_records_with_one_external_id_are_refused(crm):
    for _ in range(2):
        crm.simulator.add("Account", Name="Twin", External_Id__c="C-2")
    failure = crm.write("upsert_account", External_Id__c="C-2", Name="Twin")
    assert (failure.fault, failure.evidence["status"]) == (FaultClass.PERMANENT, 300)


@pytest.mark.requirement("API-10")
def test_daily_limit_is_no_refusal_of_the_record(crm):
    crm.simulator.daily_limit = 0
    failure = crm.write("update_opportunity", Id=crm.deal, Integration_Status__c="Held")
    assert failure.fault is FaultClass.TRANSIENT
    assert failure.evidence["code"] == "REQUEST_LIMIT_EXCEEDED"


class TestCallouts:
    def delivered(self, crm, topic, happen):
        """What a listener was sent, taken apart again by the connector's own source."""
        heard = []
        listener = SalesforceSimulator(now=opening.at(NOON.date()))
        listener.is_public = lambda call: (heard.append(call), True)[1]
        listener.not_found = lambda _: opening.ACCEPTED
        with listener:
            crm.simulator.notifier.register(topic, f"{listener.base_url}/hook")
            happen()
            assert crm.simulator.notifier.settle()
        return heard

    def take(self, crm, topic, call, secret="simulated"):  # noqa: S107  what every simulated connection has
        sent = Sent(headers=call.headers, body=call.body)
        return receive(crm.plan.sources[topic], (Secret(secret),), sent, NOON)

    @pytest.mark.requirement("EVT-01")
    def test_won_deal(self, crm):
        heard = self.delivered(crm, "opportunity_won", lambda: crm.simulator.win(crm.deal, times=2))
        first, second = (self.take(crm, "opportunity_won", call) for call in heard)
        assert first.id == second.id
        assert (first.items[0]["Id"], first.items[0]["IsWon"]) == (crm.deal, True)
        assert first.items[0]["Account"]["Customer_Number__c"] == "C-1"
        with pytest.raises(DeliveryRefused, match="signature"):
            self.take(crm, "opportunity_won", heard[0], "another")

    @pytest.mark.requirement("EVT-05")
    def test_signed_amendment(self, crm):
        amendment = crm.simulator.add("Contract_Amendment__c", Contract__c=crm.contract, Status__c="Sent")
        topic = "amendment_signed"
        (call,) = self.delivered(crm, topic, lambda: crm.simulator.sign_amendment(amendment, "2026-03-02"))
        assert self.take(crm, topic, call).items[0]["Contract__c"] == crm.contract


def effect(operation, payload):
    return Effect(key=f"flow/{payload}", connection="salesforce", operation=operation, payload=payload)


def updates(*rows):
    return [effect("update_opportunity", row) for row in rows]


class TestManyInOneCall:
    @pytest.fixture
    def deals(self, crm):
        return [
            crm.simulator.add("Opportunity", Name=f"D{number}", StageName="New", CloseDate="2026-03-31")
            for number in range(3)
        ]

    def test_each_row_has_its_own_outcome(self, crm, deals):
        crm.simulator.locked.add(deals[1])
        rows = [{"Id": deal, "Integration_Status__c": "Provisioned"} for deal in deals]
        gone = {"Id": "006000000000000AAA", "Integration_Status__c": "Failed"}
        first, locked, refused, last = crm.write_all(updates(rows[0], rows[1], gone, rows[2]))
        assert first == Receipt(external_id=deals[0], body={"id": deals[0]})
        assert (locked.fault, locked.evidence["code"]) == (FaultClass.TRANSIENT, "UNABLE_TO_LOCK_ROW")
        assert (refused.fault, refused.evidence["code"]) == (FaultClass.PERMANENT, "ENTITY_IS_DELETED")
        assert deals[0] not in refused.evidence["excerpt"]
        assert last.external_id == deals[2]
        states = [
            crm.simulator.tables["Opportunity"].get(deal).get("Integration_Status__c") for deal in deals
        ]
        assert states == ["Provisioned", None, "Provisioned"]
        assert crm.simulator._used == 1

    def test_rows_by_our_own_key_are_made_once(self, crm):
        rows = [{"External_Id__c": f"A-{number}", "Contract__c": crm.contract} for number in range(3)]
        made = crm.write_all([effect("create_amendment", row) for row in rows])
        again = crm.write_all([effect("create_amendment", row) for row in rows])
        assert [one.found for one in made] == [False] * 3
        assert [one.found for one in again] == [True] * 3
        assert [one.external_id for one in again] == [one.external_id for one in made]
        assert len(crm.simulator.tables["Contract_Amendment__c"]) == 3
