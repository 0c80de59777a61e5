"""The firm: its four systems on loopback, and what its people do in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.clock import FixedClock
from engine.connect.catalog import Catalog
from engine.demo.world import CLIENT, CONTRACT, ENGAGEMENT, PEOPLE, World
from engine.values.value import Value


@dataclass(frozen=True, slots=True)
class Hours:
    """Time that somebody booked."""

    worker: str
    worked_on: date
    minutes: int
    notes: str


class Firm:
    """Four systems that people work in. They know nothing of Tidegate but the addresses that they call."""

    def __init__(self, catalog: Catalog, clock: FixedClock, world: World) -> None:
        """Prepare the systems; nothing listens yet. A real ERP is prepared elsewhere."""
        self.world = world
        # The class of each simulator is known to the catalog only; what people do in it differs by vendor.
        self.crm: Any = catalog.simulator("salesforce")(now=clock.now)
        self.psa: Any = catalog.simulator("kantata")(now=clock.now)
        self.erp: Any = catalog.simulator("netsuite")(now=clock.now) if world.erp == "NetSuite" else None
        self.revrec: Any = catalog.simulator("revenue")(now=clock.now)
        systems = {"crm": self.crm, "psa": self.psa, "erp": self.erp, "revrec": self.revrec}
        self.systems: Mapping[str, Any] = {
            name: system for name, system in systems.items() if system is not None
        }
        self._ids: dict[str, str] = {}

    def start(self) -> Mapping[str, str]:
        """Let all of them listen; their addresses by connection."""
        return {name: system.start().base_url for name, system in self.systems.items()}

    def stop(self) -> None:
        """Let none of them listen any more."""
        for system in self.systems.values():
            system.stop()

    def furnish(self) -> None:
        """What is there before the story begins: a client, an open deal, its contract, two consultants."""
        account = self.crm.add(
            "Account",
            Name=self.world.client,
            Customer_Number__c=CLIENT,
            Payment_Terms__c="30 days net",
        )
        contract = self.crm.add(
            "Contract",
            AccountId=account,
            ContractNumber=CONTRACT,
            Status="Activated",
            StartDate="2026-05-18",
            EndDate="2026-12-31",
        )
        self._ids["contract"] = contract
        self._ids["deal"] = self.crm.add("Opportunity", **self._deal(account, contract))
        for worker, name in PEOPLE.items():
            email = f"{name.lower().replace(' ', '.')}@meridian.example"
            self._ids[worker] = self.psa.add("users", full_name=name, email_address=email)
            if self.erp is not None:
                self.erp.add_employee(worker, name, self.world.subsidiary)

    def _deal(self, account: str, contract: str) -> dict[str, Value]:
        return {
            "Name": "Grid planning platform",
            "StageName": "Negotiation",
            "CloseDate": "2026-05-18",
            "Amount": 240_000,
            "CurrencyIsoCode": self.world.currency,
            "Legal_Entity__c": self.world.legal_entity,
            "Billing_Type__c": "mixed",
            "SOW_Number__c": ENGAGEMENT,
            "SOW_Status__c": "Signed",
            "SOW_Signed_Date__c": "2026-05-15",
            "Project_Start__c": "2026-05-18",
            "Project_End__c": "2026-12-31",
            "AccountId": account,
            "ContractId": contract,
        }

    # What people do

    def win_deal(self, times: int) -> None:
        """An account manager sets the deal to won."""
        self.crm.win(self._ids["deal"], times)

    def approve_time(self, hours: Hours, times: int = 1) -> str:
        """A consultant books time and the project manager approves it; the number of the entry."""
        entry: str = self.psa.add(
            "time_entries",
            workspace_id=self.project,
            story_id=self.story("TM"),
            user_id=self._ids[hours.worker],
            date_performed=hours.worked_on.isoformat(),
            time_in_minutes=hours.minutes,
            notes=hours.notes,
        )
        self.psa.approve_time(entry, times)
        return entry

    def accept_milestone(self, code: str, *, beyond_scope: bool = False) -> None:
        """The project manager accepts a milestone; one that went beyond its scope is tagged so before."""
        if beyond_scope:
            self.psa.edit("stories", self.story(code), tag_list="scope-change")
        self.psa.complete_milestone(self.story(code))

    def accept_part(self, code: str, percent: int) -> None:
        """The project manager reports how much of a milestone the client has accepted."""
        self.psa.edit("stories", self.story(code), percentage_complete=percent, tag_list="accepted-in-part")

    def sign_amendment(self, code: str, change: int, times: int, currency: str | None = None) -> None:
        """Both sides sign an amendment for one milestone, in the currency of the firm unless one is named."""
        amendment = self.crm.add(
            "Contract_Amendment__c",
            Contract__c=self._ids["contract"],
            Name="Amendment 1",
            Milestone_Id__c=code,
            Status__c="Sent",
            Amount_Change__c=change,
            CurrencyIsoCode=currency or self.world.currency,
            Scope__c="Two more substations in the pilot",
        )
        self.crm.sign_amendment(amendment, self.crm.now().date().isoformat(), times)

    @property
    def project(self) -> str:
        """The number of the project in the PSA."""
        return str(next(iter(self.psa.tables["workspaces"]))["id"])

    def story(self, code: str) -> str:
        """The number of a task or milestone in the PSA."""
        found = (row for row in self.psa.tables["stories"] if str(row["title"]).startswith(f"{code} "))
        return str(next(found)["id"])

    def story_record(self, code: str) -> Mapping[str, Value]:
        """A task or milestone of the PSA as it stands."""
        found: Mapping[str, Value] = self.psa.tables["stories"].get(self.story(code))
        return found
