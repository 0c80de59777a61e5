"""A NetSuite account on loopback, as far as its REST record service and SuiteQL are used here.

It upserts by external id, checks references, refuses closed periods, unknown fields and more requests at a
time than the account's tier allows, and answers SuiteQL in lower case and as text. What it does and does not
know is in README.md.
"""

import json
import re
import sys
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from engine.connect import Value
from engine.connect.records import Table
from engine.connect.simulator import Call, Refused, Response, Route, Simulator, run

PROBLEM = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
SIGNED_BY = frozenset({"PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})
LONGEST_ASSERTION_SECONDS = 3600

# The fields that a record must have, and those that refer to other records.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "customer": ("companyName", "subsidiary"),
    "job": ("companyName", "parent"),
    "projectTask": ("title", "company"),
    "resourceAllocation": ("allocationResource", "project", "startDate", "endDate", "allocationAmount"),
    "timeBill": ("employee", "customer", "hours", "tranDate"),
    "billingSchedule": ("name", "scheduleType"),
    "salesOrder": ("entity", "tranDate", "item"),
    "invoice": ("entity", "tranDate"),
    "employee": ("entityId", "subsidiary"),
    "creditMemo": ("entity", "tranDate"),
}
REFERENCES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "job": {"parent": ("customer",)},
    "projectTask": {"company": ("job",)},
    "resourceAllocation": {"allocationResource": ("employee",), "project": ("job",)},
    "timeBill": {
        "employee": ("employee",),
        "customer": ("customer", "job"),
        "caseTaskEvent": ("projectTask",),
    },
    "salesOrder": {"entity": ("customer",), "job": ("job",), "billingSchedule": ("billingSchedule",)},
    "invoice": {"entity": ("customer",), "job": ("job",)},
    "creditMemo": {"entity": ("customer",), "job": ("job",)},
}
DEFAULTS: Mapping[str, Mapping[str, Value]] = {
    "job": {"isInactive": False, "allowTime": True},
    "timeBill": {"isBillable": False, "posted": False},
}
POSTING = ("timeBill", "invoice", "creditMemo")  # kinds that a closed period refuses
DATES = ("tranDate", "startDate", "endDate", "dueDate", "projectedEndDate")
HOURS = re.compile(r"\d{1,2}:[0-5]\d")


class NetSuiteSimulator(Simulator):
    """One account, Standard tier: five requests at a time."""

    NAME = "netsuite"
    ROOT = "/services/rest"

    def __init__(self, *, now: Callable[[], datetime] | None = None) -> None:
        """Begin with open periods for the year of the clock and the two years around it."""
        super().__init__(now=now)
        self.concurrency = 5
        self.tables = {
            kind: Table(kind, self.journal, unique=("externalId",), first_id=1001 + 1000 * index)
            for index, kind in enumerate(REQUIRED)
        }
        year = self.now().year
        self.periods = {f"{y}-{m:02d}": False for y in (year - 1, year, year + 1) for m in range(1, 13)}

    def close_period(self, month: str) -> None:
        """Close the posting period of a month: `2026-02`."""
        self.periods[month] = True

    def open_period(self, month: str) -> None:
        """Open it again."""
        self.periods[month] = False

    def add_employee(self, external_id: str, name: str, subsidiary: str = "1") -> str:
        """An employee, as a person in HR or an interface had entered one; its internal id."""
        values: dict[str, Value] = {
            "externalId": external_id,
            "entityId": name,
            "subsidiary": {"id": subsidiary},
        }
        return str(self.tables["employee"].create(values)["id"])

    def routes(self) -> Sequence[Route]:
        """The token endpoint, the record service, SuiteQL."""
        return (
            ("POST", "/auth/oauth2/v1/token", self._token),
            ("POST", "/query/v1/suiteql", self._suiteql),
            ("POST", "/record/v1/{kind}", self._create),
            ("GET", "/record/v1/{kind}/{key}", self._get),
            ("PUT", "/record/v1/{kind}/{key}", self._upsert),
            ("PATCH", "/record/v1/{kind}/{key}", self._patch),
            ("DELETE", "/record/v1/{kind}/{key}", self._delete),
        )

    def refuse_caller(self) -> Response:
        """401 INVALID_LOGIN."""
        return _problem(401, "INVALID_LOGIN", "Invalid login attempt.", title="Unauthorized")

    def refuse_load(self) -> Response:
        """429 with CONCURRENCY_LIMIT_EXCEEDED; no Retry-After is documented."""
        detail = "Concurrent request limit exceeded. Request blocked."
        return _problem(429, "CONCURRENCY_LIMIT_EXCEEDED", detail)

    def not_found(self, call: Call) -> Response:
        """404 for a path that is none."""
        return _problem(
            404, "NONEXISTENT_ID", f"The requested resource {call.path} was not found.", title="Not Found"
        )

    # Signing in

    def _token(self, call: Call) -> Response:
        form = call.form()
        wanted = form.get("grant_type") == "client_credentials" and form.get(
            "client_assertion_type", ""
        ).endswith(":jwt-bearer")
        if not wanted or not self._holds(form.get("client_assertion", "")):
            return Response(status=400, body={"error": "invalid_request"})
        token = self.issue_token()
        return Response(
            body={"access_token": token, "expires_in": str(self.TOKEN_SECONDS), "token_type": "bearer"}
        )

    def _holds(self, assertion: str) -> bool:
        """Whether an assertion is one; its signature is not looked at, since the key was made on the spot."""
        parts = assertion.split(".")
        if len(parts) != 3:
            return False
        header, claims = (json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
        life = claims["exp"] - claims["iat"]
        return (
            header["alg"] in SIGNED_BY
            and claims["aud"].endswith("/auth/oauth2/v1/token")
            and 0 < life <= LONGEST_ASSERTION_SECONDS
            and claims["exp"] > self.now().timestamp()
        )

    # Records

    def _table(self, call: Call) -> Table:
        table = self.tables.get(call.arguments["kind"])
        if table is None:
            raise Refused(self.not_found(call))
        return table

    def _found(self, table: Table, key: str) -> dict[str, Value] | None:
        if key.startswith("eid:"):
            return table.find("externalId", key.removeprefix("eid:"))
        return table.get(key)

    def _existing(self, call: Call) -> dict[str, Value]:
        record = self._found(self._table(call), call.arguments["key"])
        if record is None:
            detail = f"The record instance does not exist: {call.arguments['key']}."
            raise Refused(_problem(404, "NONEXISTENT_ID", detail, title="Not Found"))
        return record

    def _get(self, call: Call) -> Response:
        return Response(body={**self._existing(call), "links": []})

    def _create(self, call: Call) -> Response:
        table = self._table(call)
        values = self._checked(table.kind, call.record(), whole=True)
        if (
            values.get("externalId") is not None
            and table.find("externalId", values["externalId"]) is not None
        ):
            raise Refused(_problem(400, "DUP_RCRD", "This record already exists.", path="externalId"))
        return self._saved(table, table.create(values))

    def _upsert(self, call: Call) -> Response:
        table, key = self._table(call), call.arguments["key"]
        if not key.startswith("eid:"):
            raise Refused(_problem(400, "INVALID_REQUEST", "PUT needs an external id (eid:...)."))
        record = self._found(table, key)
        values = self._checked(table.kind, {**(record or {}), **call.record()}, whole=True)
        values["externalId"] = key.removeprefix("eid:")
        if record is not None:
            return self._saved(table, table.update(str(record["id"]), values))
        return self._saved(table, table.create(values))

    def _patch(self, call: Call) -> Response:
        record, table = self._existing(call), self._table(call)
        values = self._checked(table.kind, {**record, **call.record()}, whole=False)
        return self._saved(table, table.update(str(record["id"]), values))

    def _delete(self, call: Call) -> Response:
        record, table = self._existing(call), self._table(call)
        self._check_period(table.kind, record)
        table.delete(str(record["id"]))
        return Response(status=204)

    def _saved(self, table: Table, record: dict[str, Value]) -> Response:
        record["lastModifiedDate"] = self.now().astimezone(UTC).isoformat().replace("+00:00", "Z")
        if table.kind == "invoice":
            self._post(record)
        where = f"{self.base_url}/record/v1/{table.kind}/{record['id']}"
        return Response(status=204, headers={"location": where})

    def _post(self, invoice: dict[str, Value]) -> None:
        total = sum((Decimal(str(line.get("amount", 0))) for line in _lines(invoice, "item")), Decimal(0))
        invoice["total"] = invoice["amountRemaining"] = total
        invoice.setdefault("tranId", f"INV{invoice['id']}")
        invoice["status"] = {"id": "open", "refName": "Open"}
        for line in _lines(invoice, "time"):
            entry = self._target(("timeBill",), line.get("doc"))
            if entry is not None:
                entry["posted"] = True

    # What it refuses

    def _checked(self, kind: str, values: dict[str, Value], *, whole: bool) -> dict[str, Value]:
        missing = [name for name in REQUIRED[kind] if values.get(name) in (None, "")] if whole else []
        if missing:
            raise Refused(
                _problem(400, "USER_ERROR", f"Please enter value(s) for: {missing[0]}.", path=missing[0])
            )
        for name in DATES:
            _check_date(values.get(name), name)
        if kind == "timeBill":
            _check_hours(values["hours"])
        self._check_period(kind, values)
        resolved = {
            name: self._resolved(kinds, values[name], name)
            for name, kinds in REFERENCES.get(kind, {}).items()
            if values.get(name) is not None
        }
        return {**DEFAULTS.get(kind, {}), **values, **resolved}

    def _resolved(self, kinds: Sequence[str], reference: Value, name: str) -> Value:
        """A reference as it is read back: by internal id, whatever it was written by."""
        target = self._target(kinds, reference)
        if target is None:
            detail = f"Invalid value for the resource or sub-resource field '{name}'. Provide a valid value."
            raise Refused(_problem(400, "INVALID_CONTENT", detail, path=name))
        return {"id": target["id"], "refName": target.get("companyName") or target.get("entityId")}

    def _target(self, kinds: Sequence[str], reference: Value) -> dict[str, Value] | None:
        if not isinstance(reference, Mapping):
            return None
        for kind in kinds:
            found = self.tables[kind].get(str(reference.get("id"))) if "id" in reference else None
            found = found or self.tables[kind].find("externalId", reference.get("externalId"))
            if found is not None:
                return found
        return None

    def _check_period(self, kind: str, values: Mapping[str, Value]) -> None:
        month = str(values.get("tranDate"))[:7]
        if kind in POSTING and self.periods.get(month, True):
            detail = "You may not post a transaction in a closed posting period."
            raise Refused(_problem(400, "TRAN_PERIOD_CLOSED", detail, path="tranDate"))

    # SuiteQL

    def _suiteql(self, call: Call) -> Response:
        if "transient" not in call.headers.get("prefer", ""):
            raise Refused(_problem(400, "INVALID_HEADER", "The request needs the header Prefer: transient."))
        text = str(call.record().get("q", ""))
        match re.search(r"\bFROM (\w+)", text, re.IGNORECASE):
            case re.Match() as found if found.group(1).lower() == "accountingperiod":
                rows = self._period_rows(text)
            case re.Match() as found if found.group(1).lower() == "transaction":
                rows = self._invoice_rows(text)
            case _:
                raise Refused(_problem(400, "INVALID_PARAMETER", "Invalid search query."))
        return _page(rows, int(call.query.get("limit", "1000")), int(call.query.get("offset", "0")))

    def _period_rows(self, text: str) -> list[dict[str, Value]]:
        wanted = re.search(r"TO_DATE\('(\d{4}-\d{2})-\d{2}'", text)
        return [
            {
                "id": str(number),
                "periodname": month,
                "startdate": f"{month}-01",
                "enddate": _last_day(month).isoformat(),
                "closed": "T" if closed else "F",
                "arlocked": "T" if closed else "F",
            }
            for number, (month, closed) in enumerate(self.periods.items(), 1)
            if wanted is None or wanted.group(1) == month
        ]

    def _invoice_rows(self, text: str) -> list[dict[str, Value]]:
        since = re.search(r"TO_TIMESTAMP\('([^']+)'", text)
        rows: list[dict[str, Value]] = [
            {
                "id": str(record["id"]),
                "externalid": record.get("externalId"),
                "entity": _identity(record.get("entity")),
                "trandate": record.get("tranDate"),
                "total": str(record.get("total")),
                "currency": _identity(record.get("currency")),
                "status": "A",
                "lastmodifieddate": record["lastModifiedDate"],
            }
            for record in self.tables["invoice"]
            if since is None or _instant(record["lastModifiedDate"]) >= _instant(since.group(1))
        ]
        return sorted(rows, key=lambda row: (str(row["lastmodifieddate"]), str(row["id"])))


def _problem(status: int, code: str, detail: str, *, path: str = "", title: str = "Bad Request") -> Response:
    said: dict[str, Value] = {"detail": detail, "o:errorCode": code}
    if path:
        said["o:errorPath"] = path
    return Response(
        status=status, body={"type": PROBLEM, "title": title, "status": status, "o:errorDetails": [said]}
    )


def _page(rows: list[dict[str, Value]], limit: int, offset: int) -> Response:
    items = rows[offset : offset + limit]
    body = {
        "links": [],
        "count": len(items),
        "hasMore": offset + limit < len(rows),
        "items": items,
        "offset": offset,
        "totalResults": len(rows),
    }
    return Response(body=body)


def _check_hours(value: Value) -> None:
    if not (isinstance(value, str) and HOURS.fullmatch(value)):
        detail = "Invalid value for the duration field 'hours'."
        raise Refused(_problem(400, "INVALID_CONTENT", detail, path="hours"))


def _check_date(value: Value, name: str) -> None:
    if value is None:
        return
    try:
        date.fromisoformat(str(value))
    except ValueError:
        raise Refused(_problem(400, "INVALID_CONTENT", f"Invalid date value {value!r}.", path=name)) from None


def _lines(record: Mapping[str, Value], name: str) -> list[Mapping[str, Value]]:
    listed = record.get(name)
    items = listed.get("items") if isinstance(listed, Mapping) else None
    return [line for line in items if isinstance(line, Mapping)] if isinstance(items, list) else []


def _identity(reference: Value) -> Value:
    return str(reference.get("id", "")) if isinstance(reference, Mapping) else ""


def _instant(text: Value) -> datetime:
    return datetime.fromisoformat(str(text))


def _last_day(month: str) -> date:
    year, number = int(month[:4]), int(month[5:])
    following = date(year + number // 12, number % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


SIMULATOR = NetSuiteSimulator

if __name__ == "__main__":
    sys.exit(run(NetSuiteSimulator))
