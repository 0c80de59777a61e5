"""A revenue engine on loopback.

It folds repeated idempotency keys for a day, allocates, recognises by obligation, posts into the period of
the event while that is open, and reports refusals with status 200 and `success: false`, as engines do.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from connectors.revenue.recognition import allocate, number, recognise
from engine.connect import Value
from engine.connect.records import Table
from engine.connect.simulator import Call, Refused, Response, Route, Simulator, run

KEY_LIFE = timedelta(hours=24)
REQUIRED_OF_CONTRACT = ("customer", "currency", "transactionPrice", "obligations")
REQUIRED_OF_EVENT = ("contractNumber", "obligationId", "eventType", "eventDate", "currency", "source")


class RevenueSimulator(Simulator):
    """One book of contracts."""

    NAME = "revenue"

    def __init__(self, *, now: Callable[[], datetime] | None = None) -> None:
        """Begin without contracts, and with every period open."""
        super().__init__(now=now)
        self.contracts = Table("contract", self.journal, unique=("contractNumber",), prefix="RC-")
        self.events = Table("performance_event", self.journal, prefix="RE-")
        self.entries = Table("revenue_entry", self.journal, prefix="RJ-")
        self.closed: set[str] = set()
        self._keys: dict[str, tuple[datetime, bytes, Response]] = {}

    def close_period(self, month: str) -> None:
        """Close a period: `2026-02`."""
        self.closed.add(month)

    def open_period(self, month: str) -> None:
        """Open it again."""
        self.closed.discard(month)

    def routes(self) -> Sequence[Route]:
        """The token endpoint, contracts, events, entries, schedules."""
        return (
            ("POST", "/oauth/token", self._token),
            ("PUT", "/v1/contracts/{key}", self._save_contract),
            ("GET", "/v1/contracts/{key}", self._get_contract),
            ("POST", "/v1/performance-events", self._record),
            ("GET", "/v1/performance-events", self._find_events),
            ("POST", "/v1/performance-events/{id}/reverse", self._reverse),
            ("GET", "/v1/revenue-entries", self._list_entries),
            ("GET", "/v1/revenue-schedules/{key}", self._schedule),
        )

    def refuse_caller(self) -> Response:
        """401."""
        return _refusal("AUTHENTICATION_FAILED", "The token does not hold.", status=401)

    def refuse_load(self) -> Response:
        """429 with the seconds until the minute is over."""
        response = _refusal("RATE_LIMIT", "Too many requests in this minute.", status=429)
        return Response(status=429, body=response.body, headers={"ratelimit-reset": "1"})

    def not_found(self, call: Call) -> Response:
        """404."""
        return _refusal("NOT_FOUND", f"There is no {call.path}.", status=404)

    def _token(self, call: Call) -> Response:
        if call.form().get("grant_type") != "client_credentials" or "authorization" not in call.headers:
            return Response(status=400, body={"error": "invalid_client"})
        return Response(body={"access_token": self.issue_token(), "expires_in": self.TOKEN_SECONDS})

    # Contracts

    def _contract(self, call: Call, key: str) -> dict[str, Value]:
        found = self.contracts.find("contractNumber", key)
        if found is None:
            raise Refused(self.not_found(call))
        return found

    def _get_contract(self, call: Call) -> Response:
        return Response(body={"success": True, **self._contract(call, call.arguments["key"])})

    def _save_contract(self, call: Call) -> Response:
        said = call.record()
        _require(said, REQUIRED_OF_CONTRACT)
        obligations = [item for item in _items(said["obligations"]) if item.get("obligationId")]
        shares = allocate(number(said["transactionPrice"]), obligations)
        told: list[Value] = [
            {**item, "allocated": share} for item, share in zip(obligations, shares, strict=True)
        ]
        values = {**said, "contractNumber": call.arguments["key"], "obligations": told}
        known = self.contracts.find("contractNumber", call.arguments["key"])
        if known is None:
            saved = self.contracts.create({**values, "version": 1})
        elif all(known.get(name) == value for name, value in values.items()):
            saved = known  # the same again changes nothing
        else:
            version = int(number(known["version"])) + 1
            saved = self.contracts.update(str(known["id"]), {**values, "version": version})
        body = {"success": True, "id": saved["id"], "version": saved["version"], "created": known is None}
        return Response(body=body)

    # Events

    def _record(self, call: Call) -> Response:
        key = call.headers.get("idempotency-key", "")
        held = self._keys.get(key)
        if held is not None and held[0] > self.now():
            if held[1] != call.body:
                raise Refused(_refusal("KEY_REUSED", "This key was used for another body.", status=422))
            return Response(body=held[2].body, headers={"idempotent-replayed": "true"})
        response = self._recognised(call.record())
        if key:
            self._keys[key] = (self.now() + KEY_LIFE, call.body, response)
        return response

    def _recognised(self, said: dict[str, Value]) -> Response:
        _require(said, REQUIRED_OF_EVENT)
        contract = self.contracts.find("contractNumber", said["contractNumber"])
        if contract is None:
            raise Refused(_refusal("UNKNOWN_CONTRACT", "There is no such contract.", "contractNumber"))
        obligation = next(
            (
                item
                for item in _items(contract["obligations"])
                if item["obligationId"] == said["obligationId"]
            ),
            None,
        )
        if obligation is None:
            raise Refused(
                _refusal("UNKNOWN_OBLIGATION", "The contract has no such obligation.", "obligationId")
            )
        if said["currency"] != contract["currency"]:
            raise Refused(_refusal("CURRENCY", "The contract is in another currency.", "currency"))
        period = self._open_period(str(said["eventDate"]))
        so_far = self._sum(contractNumber=said["contractNumber"], obligationId=said["obligationId"])
        amount = recognise(obligation, said, so_far)
        if amount is None:
            message = f"More than the {obligation['allocated']} that is allocated would be recognised."
            raise Refused(_refusal("OVER_RECOGNITION", message, "amount"))
        event = self.events.create({**said, "status": "processed"})
        self._post(event, period, amount, "posted")
        body = {"success": True, "id": event["id"], "recognised": amount, "period": period}
        return Response(body=body)

    def _reverse(self, call: Call) -> Response:
        event = self.events.get(call.arguments["id"])
        if event is None:
            raise Refused(self.not_found(call))
        if event["status"] == "reversed":
            raise Refused(_refusal("ALREADY_REVERSED", "The event was reversed before."))
        period = self._open_period(self.now().date().isoformat())
        amount = self._sum(performanceEventId=event["id"])
        self.events.update(str(event["id"]), {"status": "reversed"})
        self._post(event, period, -amount, "reversal")
        return Response(body={"success": True, "id": event["id"]})

    def _find_events(self, call: Call) -> Response:
        found: list[Value] = [
            event
            for event in self.events
            if _source(event).get("id") == call.query.get("sourceId")
            and _source(event).get("type") == call.query.get("sourceType")
        ]
        return Response(body={"success": True, "count": len(found), "events": found})

    # Entries

    def _post(self, event: Mapping[str, Value], period: str, amount: Decimal, status: str) -> None:
        self.entries.create(
            {
                "performanceEventId": event["id"],
                "contractNumber": event["contractNumber"],
                "obligationId": event["obligationId"],
                "period": period,
                "amount": amount,
                "currency": event["currency"],
                "status": status,
                "recognisedOn": event["eventDate"],
                "createdAt": self.now().astimezone(UTC).isoformat(),
                "source": dict(_source(event)),
            }
        )

    def _open_period(self, day: str) -> str:
        try:
            period = date.fromisoformat(day).strftime("%Y-%m")
        except ValueError:
            raise Refused(_refusal("INVALID_DATE", f"{day!r} is no date.", "eventDate")) from None
        if period in self.closed:
            raise Refused(
                _refusal("PERIOD_CLOSED", f"The accounting period {period} is closed.", "eventDate")
            )
        return period

    def _sum(self, **wanted: Value) -> Decimal:
        found = [
            entry for entry in self.entries if all(entry[name] == value for name, value in wanted.items())
        ]
        return sum((number(entry["amount"]) for entry in found), Decimal(0))

    def _list_entries(self, call: Call) -> Response:
        names = ("performanceEventId", "contractNumber", "period")
        since = call.query.get("createdSince")
        found = [
            entry
            for entry in self.entries
            if all(entry[name] == call.query[name] for name in names if name in call.query)
            and (since is None or _instant(entry["createdAt"]) >= _instant(since))
        ]
        size, page = int(call.query.get("pageSize", "8")), int(call.query.get("page", "1"))
        body: dict[str, Value] = {"success": True, "entries": found[(page - 1) * size : page * size]}
        if page * size < len(found):
            kept = "&".join(f"{name}={value}" for name, value in call.query.items() if name != "page")
            body["nextPage"] = f"{self.base_url}/v1/revenue-entries?{kept}&page={page + 1}".replace(
                "+", "%2B"
            )
        return Response(body=body)

    def _schedule(self, call: Call) -> Response:
        contract = self._contract(call, call.arguments["key"])
        name = contract["contractNumber"]
        obligations: list[Value] = []
        for item in _items(contract["obligations"]):
            done = self._sum(contractNumber=name, obligationId=item["obligationId"])
            fixed = item["method"] != "time_and_materials"
            deferred = number(item["allocated"]) - done if fixed else Decimal(0)
            row = {name: item[name] for name in ("obligationId", "method", "allocated")}
            obligations.append({**row, "recognised": done, "deferred": deferred})
        months = sorted({str(entry["period"]) for entry in self.entries if entry["contractNumber"] == name})
        periods: list[Value] = [
            {
                "period": month,
                "closed": month in self.closed,
                "recognised": self._sum(contractNumber=name, period=month),
            }
            for month in months
        ]
        said = {"contractNumber": name, "currency": contract["currency"], "obligations": obligations}
        return Response(body={"success": True, **said, "periods": periods})


def _refusal(code: str, message: str, field: str = "", *, status: int = 200) -> Response:
    reason: dict[str, Value] = {"code": code, "message": message}
    if field:
        reason["field"] = field
    return Response(status=status, body={"success": False, "processId": "P-1", "reasons": [reason]})


def _require(said: Mapping[str, Value], names: Sequence[str]) -> None:
    for name in names:
        if said.get(name) in (None, "", []):
            raise Refused(_refusal("REQUIRED", "A value is required.", name))


def _items(value: Value) -> list[Mapping[str, Value]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _source(event: Mapping[str, Value]) -> Mapping[str, Value]:
    found = event.get("source")
    return found if isinstance(found, Mapping) else {}


def _instant(text: Value) -> datetime:
    return datetime.fromisoformat(str(text))


SIMULATOR = RevenueSimulator

if __name__ == "__main__":
    sys.exit(run(RevenueSimulator))
