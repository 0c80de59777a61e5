"""What the ERP itself holds, whichever it is: read past the connector, as an auditor would."""

import base64
import json
import re
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from engine.demo.world import CLIENT, CONTRACT, ENGAGEMENT

ANSWER_SECONDS = 30
_MARK = re.compile(r"TG:(\S+)")
_CYCLE = re.compile(r"billing cycle (\S+?):?(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Booked:
    """A line of time in the ERP."""

    key: str  # of the entry in the system where it was approved
    minutes: int
    cycle: str


class Books(Protocol):
    """The records of one ERP."""

    def set_up(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """How many records the won deal made, and how many it should have made."""
        ...

    def project(self) -> str:
        """The ERP's own number of the project."""
        ...

    def time(self) -> Sequence[Booked]:
        """Every line of time, in the order in which it was made."""
        ...

    def invoices(self) -> Sequence[tuple[str, Decimal]]:
        """Every invoice by our reference, with its total."""
        ...

    def amended(self) -> tuple[Decimal, Decimal]:
        """What the contract is worth in the ERP after the amendment, and what it should be."""
        ...

    def entries(self) -> Sequence[tuple[str, Decimal]]:
        """Every posted entry of revenue by our key, with its amount; none where the ERP keeps none."""
        ...

    def changes(self) -> int:
        """How many records were made or changed so far."""
        ...


def clock_minutes(text: str) -> int:
    """A duration as `7:30`, in minutes."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


@dataclass(frozen=True, slots=True)
class NetSuiteBooks:
    """The records of the simulated account."""

    simulator: Any

    def set_up(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """A customer, a project, a contract shell, a billing profile; each created once."""
        kinds = ("customer", "job", "salesOrder", "billingSchedule")
        return {kind: len(self.simulator.journal.applied(kind, "created")) for kind in kinds}, dict.fromkeys(
            kinds, 1
        )

    def project(self) -> str:
        """The internal id of the job."""
        return str(self.simulator.tables["job"].find("externalId", ENGAGEMENT)["id"])

    def time(self) -> Sequence[Booked]:
        """Time bills, as they were created."""
        return [
            Booked(
                str(row.values["externalId"]).removeprefix("KT-"),
                clock_minutes(row.values["hours"]),
                str(row.values["custcol_billing_cycle"]),
            )
            for row in self.simulator.journal.applied("timeBill", "created")
        ]

    def invoices(self) -> Sequence[tuple[str, Decimal]]:
        """Invoices with the sum of their lines."""
        return [
            (str(row["externalId"]), Decimal(str(row["total"]))) for row in self.simulator.tables["invoice"]
        ]

    def amended(self) -> tuple[Decimal, Decimal]:
        """The sum of the lines of the contract shell."""
        order = self.simulator.tables["salesOrder"].find("externalId", CONTRACT)
        lines = [] if order is None else order["item"]["items"]
        return sum((Decimal(str(line["amount"])) for line in lines), Decimal(0)), Decimal(258_000)

    def entries(self) -> Sequence[tuple[str, Decimal]]:
        """None: revenue is in the revenue engine only."""
        return ()

    def changes(self) -> int:
        """The length of the journal."""
        return len(self.simulator.journal.writes)


class TrytonBooks:
    """The records of a real Tryton, asked for over its JSON-RPC."""

    def __init__(self, server: str, database: str, password: str) -> None:
        """Log in.

        Raises:
            OSError: when it does not answer.

        """
        self._url = f"{server}/{database}/rpc/"
        self._session = ""
        user, session, *_ = self._call("common.db.login", "integration", {"password": password})
        self._session = base64.b64encode(f"integration:{user}:{session}".encode()).decode()

    def _call(self, method: str, *parameters: object) -> Any:  # noqa: ANN401 - whatever the method gives
        headers = {"Content-Type": "application/json"}
        if self._session:
            headers["Authorization"] = f"Session {self._session}"
        body = json.dumps({"id": 0, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(self._url, data=body, headers=headers)  # noqa: S310 - our own, on loopback
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - as above
            found = json.load(answer)
        return found["result"] if isinstance(found, dict) else found

    def _rows(self, model: str, domain: list[object], *fields: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._call(
            f"model.{model}.search_read", domain, 0, None, [["id", "ASC"]], list(fields), {"company": 1}
        )
        return rows

    def set_up(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """A customer, two projects, two tasks for hours and three for milestones and their amendment."""
        works = self._rows("project.work", [], "type")
        found = {
            "customer": len(self._rows("party.party", [["code", "=", CLIENT]], "code")),
            "projects": sum(row["type"] == "project" for row in works),
            "tasks": sum(row["type"] == "task" for row in works),
        }
        return found, {"customer": 1, "projects": 2, "tasks": 5}

    def project(self) -> str:
        """The number of the project that hours are booked on."""
        rows = self._rows(
            "project.work", [["comment", "like", f"TG:{ENGAGEMENT}-TM%"], ["type", "=", "project"]], "name"
        )
        return ", ".join(str(row["id"]) for row in rows)

    def time(self) -> Sequence[Booked]:
        """Lines of the time sheet; the key and the cycle are in their description."""
        found: list[Booked] = []
        for row in self._rows("timesheet.line", [], "description", "duration"):
            text = str(row["description"])
            key, cycle = _MARK.search(text), _CYCLE.search(text)
            seconds = Decimal(str(row["duration"]["seconds"]))
            found.append(
                Booked(
                    key.group(1).removeprefix("KT-") if key else "",
                    round(seconds / 60),
                    cycle.group(1) if cycle else "",
                )
            )
        return found

    def invoices(self) -> Sequence[tuple[str, Decimal]]:
        """Invoices that are posted."""
        rows = self._rows(
            "account.invoice", [["state", "in", ["posted", "paid"]]], "reference", "total_amount"
        )
        return [(str(row["reference"]), Decimal(row["total_amount"]["decimal"])) for row in rows]

    def amended(self) -> tuple[Decimal, Decimal]:
        """The prices of the tasks for milestones, of which one is the amendment."""
        tasks = self._rows(
            "project.work", [["type", "=", "task"], ["product.code", "=", "MILESTONE"]], "list_price"
        )
        return sum((Decimal(row["list_price"]["decimal"]) for row in tasks), Decimal(0)), Decimal(186_000)

    def entries(self) -> Sequence[tuple[str, Decimal]]:
        """Posted entries that bear a key of ours, with what they credit to services."""
        found: list[tuple[str, Decimal]] = []
        moves = self._rows(
            "account.move", [["state", "=", "posted"], ["description", "like", "TG:%"]], "description"
        )
        for move in moves:
            lines = self._rows("account.move.line", [["move", "=", move["id"]]], "credit")
            key = _MARK.search(str(move["description"]))
            total = sum((Decimal(line["credit"]["decimal"]) for line in lines), Decimal(0))
            found.append((key.group(1) if key else "", total))
        return found

    def changes(self) -> int:
        """The number of records of every kind that the integration makes."""
        kinds = (
            "party.party",
            "project.work",
            "timesheet.line",
            "account.invoice",
            "account.move",
            "account.move.line",
        )
        return sum(len(self._rows(kind, [], "id")) for kind in kinds)
