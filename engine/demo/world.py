"""Where the story is set: which ERP, which company of ours, its zone, currency and rates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

PEOPLE: Mapping[str, str] = MappingProxyType({"EMP-001": "Ada Byron", "EMP-002": "Grace Murray"})
ROLES: Mapping[str, str] = MappingProxyType({"EMP-001": "architect", "EMP-002": "consultant"})
ENGAGEMENT = "SOW-2026-014"
CLIENT = "C-1001"
CONTRACT = "CT-2026-014"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One setting of the story."""

    erp: str  # the ERP, by the name that people use
    client: str
    legal_entity: str
    subsidiary: str
    zone: ZoneInfo
    currency: str
    rates: Mapping[str, Decimal]  # of an hour, by worker
    away: str  # the connection whose system goes away for a while

    def at(self, month: int, day: int, hour: int, minute: int = 0) -> datetime:
        """An instant of the year of the story, as the clock on the wall of the office shows it."""
        return datetime(2026, month, day, hour, minute, tzinfo=self.zone)

    @property
    def start(self) -> datetime:
        """When the story begins: nothing has happened yet."""
        return self.at(5, 18, 8)

    @property
    def names(self) -> Mapping[str, str]:
        """The systems by connection, as people call them."""
        return {"crm": "Salesforce", "psa": "Kantata", "erp": self.erp, "revrec": "Revenue engine"}


NETSUITE = World(
    erp="NetSuite",
    client="Nordwind Energie AG",
    legal_entity="LE-DE",
    subsidiary="3",
    zone=ZoneInfo("Europe/Berlin"),
    currency="EUR",
    rates=MappingProxyType({"EMP-001": Decimal(210), "EMP-002": Decimal(170)}),
    away="erp",
)
# The company that Tryton is set up with keeps its books in US dollars. It runs in a process of its own, which
# must keep its records, so the system that goes away is another.
TRYTON = World(
    erp="Tryton",
    client="Northwind Energy Inc",
    legal_entity="LE-US",
    subsidiary="1",
    zone=ZoneInfo("America/New_York"),
    currency="USD",
    rates=MappingProxyType({"EMP-001": Decimal(240), "EMP-002": Decimal(185)}),
    away="revrec",
)
