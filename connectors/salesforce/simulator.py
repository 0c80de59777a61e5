"""A Salesforce organisation on loopback, as far as its REST API is used here.

It answers queries in pages, upserts by external id with the statuses of the documentation, refuses in an
array, counts calls against the daily limit, and posts signed callouts as a Flow would.
"""

import hmac
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256

from connectors.salesforce.soql import Query, SoqlError, holds, parse, sort_key
from engine.connect import Value
from engine.connect.records import Table
from engine.connect.simulator import Call, Refused, Response, Route, Simulator, run

API = "/services/data/v62.0"
PAGE = 2000
MOST_ROWS = 200  # in one call for many
SECRET = "simulated"  # noqa: S105  what every simulated connection has for a secret

# Objects with the prefix of their ids, the fields that an insert must have, and how others refer to them.
PREFIXES: Mapping[str, str] = {
    "Account": "001",
    "Opportunity": "006",
    "Contract": "800",
    "Contract_Amendment__c": "a01",
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Account": ("Name",),
    "Opportunity": ("Name", "StageName", "CloseDate"),
    "Contract": ("AccountId",),
    "Contract_Amendment__c": ("Contract__c",),
}
PARENTS: Mapping[str, tuple[str, str]] = {
    "Account": ("AccountId", "Account"),
    "Contract": ("ContractId", "Contract"),
    "Contract__r": ("Contract__c", "Contract"),
}
CHILDREN: Mapping[str, tuple[str, str]] = {"Contract_Amendments__r": ("Contract_Amendment__c", "Contract__c")}
LONGEST: Mapping[str, int] = {"Integration_Message__c": 255, "Name": 255}
READ_ONLY = frozenset({"Id", "IsWon", "IsClosed", "LastModifiedDate", "CreatedDate", "SystemModstamp"})
WON, LOST = "Closed Won", "Closed Lost"


class SalesforceSimulator(Simulator):
    """One organisation with a daily limit of calls."""

    NAME = "salesforce"

    def __init__(self, *, now: Callable[[], datetime] | None = None) -> None:
        """Begin without records."""
        super().__init__(now=now, signer=self._sign)
        self.daily_limit = 100_000
        self.page_size = PAGE
        self._used = 0
        self.locked: set[str] = set()  # rows that somebody else saves at this moment; each is so once
        self._cursors: dict[str, list[Value]] = {}
        self.tables = {
            name: Table(name, self.journal, unique=("External_Id__c",), first_id=1) for name in PREFIXES
        }

    def routes(self) -> Sequence[Route]:
        """The token endpoint, queries, and rows by id and by external id."""
        return (
            ("POST", "/services/oauth2/token", self._token),
            ("GET", f"{API}/query", self._query),
            ("GET", f"{API}/query/{{cursor}}", self._more),
            ("POST", f"{API}/sobjects/{{name}}", self._insert),
            ("GET", f"{API}/sobjects/{{name}}/{{id}}", self._get),
            ("PATCH", f"{API}/sobjects/{{name}}/{{id}}", self._update),
            ("DELETE", f"{API}/sobjects/{{name}}/{{id}}", self._delete),
            ("PATCH", f"{API}/sobjects/{{name}}/{{field}}/{{value}}", self._upsert),
            ("PATCH", f"{API}/composite/sobjects", self._update_many),
            ("PATCH", f"{API}/composite/sobjects/{{name}}/{{field}}", self._upsert_many),
        )

    def refuse_caller(self) -> Response:
        """401 INVALID_SESSION_ID."""
        return _errors(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def refuse_load(self) -> Response:
        """403 REQUEST_LIMIT_EXCEEDED, without a Retry-After."""
        return _errors(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    def not_found(self, call: Call) -> Response:
        """404 NOT_FOUND."""
        return _errors(404, "NOT_FOUND", f"The requested resource does not exist: {call.path}")

    # What people do

    def add(self, name: str, **values: Value) -> str:
        """A record that a person entered; its id."""
        return str(self._created(name, values)["Id"])

    def win(self, opportunity: str, times: int = 1) -> None:
        """A person sets a deal to won, and the Flow tells those who registered for `opportunity_won`."""
        record = self.tables["Opportunity"].update(opportunity, {"StageName": WON})
        self._touch("Opportunity", record)
        self._callout("opportunity_won", "Opportunity", self._row(OPPORTUNITY, record), times)

    def sign_amendment(self, amendment: str, signed_on: str, times: int = 1) -> None:
        """An amendment is signed, and the Flow tells those who registered for `amendment_signed`."""
        values: dict[str, Value] = {"Status__c": "Signed", "Signed_Date__c": signed_on}
        record = self.tables["Contract_Amendment__c"].update(amendment, values)
        self._touch("Contract_Amendment__c", record)
        self._callout("amendment_signed", "Contract_Amendment__c", _public(record), times)

    def _callout(self, topic: str, name: str, record: Mapping[str, Value], times: int) -> None:
        self.notifier.tell(topic, {"event": topic, "object": name, "records": [record]}, times)

    def _sign(self, body: bytes, number: int) -> Mapping[str, str]:
        stamp = str(int(self.now().timestamp()))
        signed = f"callout-{number}.{stamp}.".encode() + body
        signature = b64encode(hmac.digest(SECRET.encode(), signed, sha256)).decode()
        return {
            "X-Callout-Id": f"callout-{number}",
            "X-Callout-Timestamp": stamp,
            "X-Callout-Signature": signature,
        }

    # Signing in

    def _token(self, call: Call) -> Response:
        form = call.form()
        known = (
            form.get("grant_type", "").endswith(":jwt-bearer") and form.get("assertion", "").count(".") == 2
        )
        if not known and form.get("grant_type") != "client_credentials":
            return Response(status=400, body={"error": "unsupported_grant_type"})
        return Response(
            body={"access_token": self.issue_token(), "instance_url": self.base_url, "token_type": "Bearer"}
        )

    # Rows

    def _table(self, call: Call) -> Table:
        self._count()
        table = self.tables.get(call.arguments["name"])
        if table is None:
            raise Refused(self.not_found(call))
        return table

    def _count(self) -> None:
        self._used += 1
        if self._used > self.daily_limit:
            raise Refused(self.refuse_load())

    def _existing(self, call: Call) -> dict[str, Value]:
        record = self._table(call).get(call.arguments["id"][:18])
        if record is None:
            message = (
                "Provided external ID field does not exist or is not accessible: " + call.arguments["id"]
            )
            raise Refused(_errors(404, "NOT_FOUND", message))
        return record

    def _get(self, call: Call) -> Response:
        record = self._existing(call)
        name = call.arguments["name"]
        return self._told(200, {"attributes": _attributes(name, record), **_public(record)})

    def _insert(self, call: Call) -> Response:
        record = self._created(self._table(call).kind, call.record())
        return self._told(201, {"id": record["Id"], "success": True, "errors": []})

    def _update(self, call: Call) -> Response:
        record, table = self._existing(call), self._table(call)
        self._changed(table, record, call.record())
        return self._told(204, None)

    def _delete(self, call: Call) -> Response:
        record, table = self._existing(call), self._table(call)
        table.delete(str(record["id"]))
        return self._told(204, None)

    def _upsert(self, call: Call) -> Response:
        table, field, value = self._table(call), call.arguments["field"], call.arguments["value"]
        values = call.record()
        if field in values:
            message = f"The {field} field should not be specified in the sobject data."
            raise Refused(_errors(400, "INVALID_FIELD", message, [field]))
        found = self._put(table, field, value, values)
        return self._told(201 if found["created"] else 200, found)

    def _put(self, table: Table, field: str, value: Value, values: dict[str, Value]) -> dict[str, Value]:
        matches = [record for record in table if record.get(field) == value]
        if len(matches) > 1:
            rows: list[Value] = [f"{API}/sobjects/{table.kind}/{record['Id']}" for record in matches]
            raise Refused(self._told(300, rows))
        if matches:
            record = self._changed(table, matches[0], values)
        else:
            record = self._created(table.kind, {**values, field: value})
        return {"id": record["Id"], "success": True, "errors": [], "created": not matches}

    # Many rows in a call: each is done or refused by itself, and the call is answered with 200

    def _update_many(self, call: Call) -> Response:
        def update(row: dict[str, Value]) -> dict[str, Value]:
            table, identity = self.tables[_type_of(row)], str(row.pop("id", ""))
            record = table.get(identity[:18])
            if record is None:
                raise Refused(_errors(404, "ENTITY_IS_DELETED", "entity is deleted"))
            self._changed(table, record, row)
            return {"id": record["Id"], "success": True, "errors": []}

        return self._many(call, update)

    def _upsert_many(self, call: Call) -> Response:
        table, field = self.tables.get(call.arguments["name"]), call.arguments["field"]
        if table is None:
            raise Refused(self.not_found(call))

        def upsert(row: dict[str, Value]) -> dict[str, Value]:
            if _type_of(row) != table.kind:
                raise Refused(_errors(400, "INVALID_TYPE", f"The rows are to be of {table.kind}."))
            return self._put(table, field, row.pop(field, None), row)

        return self._many(call, upsert)

    def _many(self, call: Call, do: Callable[[dict[str, Value]], dict[str, Value]]) -> Response:
        self._count()
        said = call.record()
        rows = [dict(row) for row in _listed(said.get("records")) if isinstance(row, Mapping)]
        if not rows or len(rows) > MOST_ROWS or said.get("allOrNone"):
            message = f"1 to {MOST_ROWS} records, each done by itself, are taken here."
            raise Refused(_errors(400, "INVALID_INPUT", message))
        return self._told(200, [_row_result(do, row) for row in rows])

    def _created(self, name: str, values: Mapping[str, Value]) -> dict[str, Value]:
        missing = [field for field in REQUIRED[name] if values.get(field) in (None, "")]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise Refused(_errors(400, "REQUIRED_FIELD_MISSING", message, missing))
        _check_lengths(values)
        table = self.tables[name]
        identity = f"{PREFIXES[name]}5g{len(table) + 1:010d}AAA"
        return self._touch(name, table.create(values, identity))

    def _changed(self, table: Table, record: dict[str, Value], values: dict[str, Value]) -> dict[str, Value]:
        forbidden = sorted(READ_ONLY & values.keys())
        if forbidden:
            message = f"Unable to create/update fields: {', '.join(forbidden)}."
            raise Refused(_errors(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, forbidden))
        if record["id"] in self.locked:
            self.locked.discard(str(record["id"]))
            raise Refused(
                _errors(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
            )
        _check_lengths(values)
        if record.get("HasOpportunityLineItem") is True:
            values.pop("Amount", None)  # the sum of the line items wins, and nobody is told
        return self._touch(table.kind, table.update(str(record["id"]), values))

    def _touch(self, name: str, record: dict[str, Value]) -> dict[str, Value]:
        record["Id"] = record["id"]
        record["LastModifiedDate"] = self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        if name == "Opportunity":
            record["IsWon"] = record["StageName"] == WON
            record["IsClosed"] = record["StageName"] in {WON, LOST}
        return record

    # Queries

    def _query(self, call: Call) -> Response:
        try:
            query = parse(call.query.get("q", ""))
            found = self._select(query)
        except SoqlError as error:
            raise Refused(_errors(400, "MALFORMED_QUERY", str(error))) from error
        return self._rows(found, len(found))

    def _more(self, call: Call) -> Response:
        rest = self._cursors.pop(call.arguments["cursor"], None)
        if rest is None:
            raise Refused(_errors(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))
        return self._rows(rest, len(rest))

    def _rows(self, rows: list[Value], total: int) -> Response:
        body: dict[str, Value] = {"totalSize": total, "done": True, "records": rows[: self.page_size]}
        if len(rows) > self.page_size:
            cursor = f"01g{len(self._cursors):06d}-{self.page_size}"
            self._cursors[cursor] = rows[self.page_size :]
            body |= {"done": False, "nextRecordsUrl": f"{API}/query/{cursor}"}
        return self._told(200, body)

    def _select(self, query: Query) -> list[Value]:
        table = self.tables.get(query.source)
        if table is None:
            raise SoqlError(f"sObject type '{query.source}' is not supported.")
        found = [record for record in table if holds(query, partial(self._field, record))]
        found.sort(key=partial(sort_key, query))
        return [self._row(query, record) for record in found]

    def _row(self, query: Query, record: Mapping[str, Value]) -> dict[str, Value]:
        row: dict[str, Value] = {"attributes": _attributes(query.source, record)}
        for path in query.fields:
            parent, _, field = path.rpartition(".")
            if not parent:
                row[path] = record.get(path)
            elif self._parent(record, parent) is None:
                row[parent] = None
            else:
                inner = row.setdefault(parent, {})
                assert isinstance(inner, dict)
                inner[field] = self._field(record, path)
        for child in query.children:
            row[child.source] = self._children(child, record)
        return row

    def _children(self, query: Query, record: Mapping[str, Value]) -> Value:
        name, field = CHILDREN[query.source]
        rows = [self._row(query, each) for each in self.tables[name] if each.get(field) == record["Id"]]
        return {"totalSize": len(rows), "done": True, "records": rows} if rows else None

    def _parent(self, record: Mapping[str, Value], name: str) -> Mapping[str, Value] | None:
        if name not in PARENTS:
            raise SoqlError(f"Didn't understand relationship '{name}' in field path.")
        field, kind = PARENTS[name]
        return self.tables[kind].get(str(record.get(field)))

    def _field(self, record: Mapping[str, Value], path: str) -> Value:
        parent, _, field = path.rpartition(".")
        found = self._parent(record, parent) if parent else record
        return None if found is None else found.get(field)

    def _told(self, status: int, body: Value) -> Response:
        usage = {"sforce-limit-info": f"api-usage={self._used}/{self.daily_limit}"}
        return Response(status=status, body=body, headers=usage)


# What the Flow sends of a deal: the fields of the `opportunity` schema.
_SENT = (
    *("Id", "Name", "StageName", "IsWon", "IsClosed", "Amount", "CurrencyIsoCode", "CloseDate"),
    *("LastModifiedDate", "Legal_Entity__c", "Billing_Type__c", "SOW_Number__c", "SOW_Status__c"),
    *("SOW_Signed_Date__c", "Project_Start__c", "Project_End__c", "Integration_Status__c", "AccountId"),
    *("Account.Name", "Account.Customer_Number__c", "Account.Payment_Terms__c", "ContractId"),
    *("Contract.ContractNumber", "Contract.Status", "Contract.StartDate", "Contract.EndDate"),
    "Contract.ContractTerm",
)
OPPORTUNITY = Query(fields=_SENT, children=(), source="Opportunity", conditions=(), order=())


def _type_of(row: dict[str, Value]) -> str:
    """The type that a row of a call for many names; it is taken out of it."""
    said = row.pop("attributes", None)
    found = str(said.get("type")) if isinstance(said, Mapping) else ""
    if found not in PREFIXES:
        raise Refused(_errors(400, "INVALID_TYPE", f"sObject type {found!r} is not supported."))
    return found


def _listed(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def _row_result(do: Callable[[dict[str, Value]], dict[str, Value]], row: dict[str, Value]) -> Value:
    """What became of one row; a refusal has other names here than for a call of its own."""
    try:
        return do(row)
    except Refused as refused:
        said = refused.response.body
        errors: list[Value] = [
            {"statusCode": one["errorCode"], "message": one["message"], "fields": one.get("fields", [])}
            for one in (said if isinstance(said, list) else [])
            if isinstance(one, Mapping)
        ]
        several: Value = {"statusCode": "DUPLICATE_VALUE", "message": "several records match", "fields": []}
        return {"success": False, "errors": errors or [several]}


def _errors(status: int, code: str, message: str, fields: Sequence[str] = ()) -> Response:
    said: dict[str, Value] = {"message": message, "errorCode": code}
    if fields:
        said["fields"] = list(fields)
    return Response(status=status, body=[said])


def _attributes(name: str, record: Mapping[str, Value]) -> Value:
    return {"type": name, "url": f"{API}/sobjects/{name}/{record['Id']}"}


def _public(record: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in record.items() if name != "id"}


def _check_lengths(values: Mapping[str, Value]) -> None:
    for name, longest in LONGEST.items():
        if len(str(values.get(name) or "")) > longest:
            message = f"{name}: data value too large (max length={longest})"
            raise Refused(_errors(400, "STRING_TOO_LONG", message, [name]))


SIMULATOR = SalesforceSimulator

if __name__ == "__main__":
    sys.exit(run(SalesforceSimulator))
