"""A Kantata OX account on loopback, as far as its REST API is used here.

Objects come in maps by id beside an ordered list of results, a create answers 200, a create that is repeated
makes a duplicate, and the feed of events is unordered, repeats itself and forgets after nine days.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from engine.connect import Value
from engine.connect.records import Table
from engine.connect.simulator import Call, Refused, Response, Route, Simulator, run

TOKEN = "simulated"  # noqa: S105  what every simulated connection has for a token
KEPT = timedelta(days=9)
PER_PAGE, MOST_PER_PAGE = 20, 200

# Resources with the key of one in a body, and the fields that a create must have.
SINGULAR: Mapping[str, str] = {
    "workspaces": "workspace",
    "stories": "story",
    "users": "user",
    "workspace_resources": "workspace_resource",
    "workspace_allocations": "workspace_allocation",
    "time_entries": "time_entry",
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "workspaces": ("title", "creator_role"),
    "stories": ("title", "story_type", "workspace_id"),
    "users": ("full_name",),
    "workspace_resources": ("workspace_id",),
    "workspace_allocations": ("workspace_resource_id", "start_date", "end_date", "minutes"),
    "time_entries": ("workspace_id", "date_performed", "time_in_minutes"),
}
REFERENCES: Mapping[str, str] = {
    "workspace_id": "workspaces",
    "story_id": "stories",
    "parent_id": "stories",
    "user_id": "users",
    "workspace_resource_id": "workspace_resources",
}
DEFAULTS: Mapping[str, Mapping[str, Value]] = {
    "workspaces": {"archived": False, "status": {"key": 310, "message": "In Progress"}},
    "stories": {"state": "not started", "percentage_complete": 0, "tag_list": ""},
    "time_entries": {
        "approved": False,
        "billable": True,
        "is_invoiced": False,
        "story_id": None,
        "notes": None,
    },
}
DATES = ("start_date", "due_date", "end_date", "date_performed")
STORY_TYPES = ("task", "deliverable", "milestone", "issue")


class KantataSimulator(Simulator):
    """One account, with the subscription to events that the vendor sells apart."""

    NAME = "kantata"
    ROOT = "/api/v1"

    def __init__(self, *, now: Callable[[], datetime] | None = None) -> None:
        """Begin without records."""
        super().__init__(now=now)
        self.tables = {
            name: Table(name, self.journal, first_id=10_000_001 + 1_000_000 * index)
            for index, name in enumerate(SINGULAR)
        }
        self._references: dict[tuple[str, str, str], list[str]] = {}
        self.events: list[dict[str, Value]] = []
        self.accept_token(TOKEN)

    def routes(self) -> Sequence[Route]:
        """Lists, single objects, creates, changes, and the feed of events."""
        return (
            ("GET", "/subscribed_events", self._feed),
            ("GET", "/{name}", self._list),
            ("POST", "/{name}", self._create),
            ("GET", "/{name}/{id}", self._show),
            ("PUT", "/{name}/{id}", self._change),
            ("DELETE", "/{name}/{id}", self._delete),
        )

    def refuse_caller(self) -> Response:
        """401 about an invalid OAuth 2 request."""
        return _error(401, "oauth", "Invalid OAuth 2 Request")

    def refuse_load(self) -> Response:
        """429; no headers are published."""
        return _error(429, "system", "Too many requests")

    def not_found(self, call: Call) -> Response:
        """404."""
        return _error(404, "system", f"{call.path} was not found")

    # What people do

    def add(self, name: str, **values: Value) -> str:
        """A record that a person entered; its id."""
        return str(self._made(name, values)["id"])

    def approve_time(self, entry: str, times: int = 1) -> None:
        """A project manager approves a time entry; the feed says so, more than once if asked."""
        self._edit("time_entries", entry, {"approved": True, "approved_at": self._stamp()}, times)

    def complete_milestone(self, story: str, times: int = 1) -> None:
        """A project manager accepts a milestone."""
        self._edit("stories", story, {"state": "completed", "percentage_complete": 100}, times)

    def edit(self, name: str, identity: str, **values: Value) -> None:
        """A person changes a record."""
        self._edit(name, identity, values, 1)

    # Requests

    def _table(self, call: Call) -> Table:
        table = self.tables.get(call.arguments["name"])
        if table is None:
            raise Refused(self.not_found(call))
        return table

    def _existing(self, call: Call) -> tuple[Table, dict[str, Value]]:
        table = self._table(call)
        record = table.get(call.arguments["id"])
        if record is None:
            raise Refused(self.not_found(call))
        return table, record

    def _show(self, call: Call) -> Response:
        table, record = self._existing(call)
        return _enveloped(table.kind, [record])

    def _create(self, call: Call) -> Response:
        table = self._table(call)
        values = _inner(call, SINGULAR[table.kind])
        reference = values.pop("external_reference", None)
        record = self._made(table.kind, values)
        if isinstance(reference, Mapping):
            key = (table.kind, str(reference.get("service_name")), str(reference.get("service_model_ref")))
            self._references.setdefault(key, []).append(str(record["id"]))
        return _enveloped(table.kind, [record])

    def _change(self, call: Call) -> Response:
        table, record = self._existing(call)
        self._edit(table.kind, str(record["id"]), _inner(call, SINGULAR[table.kind]), 1)
        return _enveloped(table.kind, [record])

    def _delete(self, call: Call) -> Response:
        table, record = self._existing(call)
        table.delete(str(record["id"]))
        return Response(status=204)

    def _list(self, call: Call) -> Response:
        table = self._table(call)
        found = [record for record in table if self._listed(table.kind, record, call.query)]
        field, _, direction = call.query.get("order", "id:asc").partition(":")
        found.sort(key=lambda record: str(record.get(field)), reverse=direction == "desc")
        return _paged(table.kind, found, call.query)

    def _listed(self, name: str, record: Mapping[str, Value], query: Mapping[str, str]) -> bool:
        if "external_reference_service_model_ref" in query:
            service = query.get("external_reference_service_name", "")
            known = self._references.get((name, service, query["external_reference_service_model_ref"]), [])
            return record["id"] in known
        if "only" in query:
            return record["id"] in query["only"].split(",")
        if "search" in query:
            return (
                query["search"].lower() in f"{record.get('full_name')} {record.get('email_address')}".lower()
            )
        return _matches(record, query)

    def _feed(self, call: Call) -> Response:
        after = datetime.fromisoformat(call.query.get("created_after", "1970-01-01T00:00:00Z"))
        kinds = call.query.get("event_types", "").split(",")
        oldest = self.now() - KEPT
        found = [
            event
            for event in self.events
            if datetime.fromisoformat(str(event["created_at"])) >= max(after, oldest)
            and (kinds == [""] or event["event_type"] in kinds)
        ]
        # The feed promises no order: the newest half comes first, so that nobody relies on one.
        middle = len(found) // 2
        return _paged("subscribed_events", [*found[middle:], *found[:middle]], call.query)

    # Records

    def _made(self, name: str, values: Mapping[str, Value]) -> dict[str, Value]:
        missing = [field for field in REQUIRED[name] if values.get(field) in (None, "")]
        if missing:
            raise Refused(_error(422, "validation", "can't be blank", missing[0]))
        self._check(values)
        record = self.tables[name].create({**DEFAULTS.get(name, {}), **values, "updated_at": self._stamp()})
        self._tell(name, "created", None, record, 1)
        return record

    def _edit(self, name: str, identity: str, values: Mapping[str, Value], times: int) -> None:
        before = dict(self.tables[name].get(identity) or {})
        self._check(values)
        if name == "time_entries" and before.get("is_invoiced") is True:
            raise Refused(_error(422, "validation", "can't be changed once invoiced", "time_entry"))
        record = self.tables[name].update(identity, {**values, "updated_at": self._stamp()})
        self._tell(name, "updated", before, record, times)

    def _check(self, values: Mapping[str, Value]) -> None:
        for field, name in REFERENCES.items():
            if values.get(field) is not None and self.tables[name].get(str(values[field])) is None:
                raise Refused(_error(422, "validation", "does not exist", field))
        for field in DATES:
            if values.get(field) is not None and not _is_date(str(values[field])):
                raise Refused(_error(422, "validation", "is not a valid date", field))
        if values.get("story_type") not in (None, *STORY_TYPES):
            raise Refused(_error(422, "validation", "is not included in the list", "story_type"))

    def _tell(
        self,
        name: str,
        what: str,
        before: Mapping[str, Value] | None,
        record: Mapping[str, Value],
        times: int,
    ) -> None:
        for _ in range(times):
            event: dict[str, Value] = {
                "id": str(len(self.events) + 1),
                "event_type": f"{SINGULAR[name]}:{what}",
                "subject_id": record["id"],
                "subject_type": SINGULAR[name],
                "subject_changed_at": record["updated_at"],
                "created_at": self._stamp(),
                "previous_payload": before,
                "current_payload": dict(record),
            }
            self.events.append(event)

    def _stamp(self) -> str:
        return self.now().astimezone(UTC).isoformat(timespec="seconds")


def _enveloped(
    name: str, records: Sequence[Mapping[str, Value]], meta: Mapping[str, Value] | None = None
) -> Response:
    body: dict[str, Value] = {
        "count": len(records),
        "meta": {"count": len(records), "page_count": 1, "page_number": 1, "page_size": PER_PAGE},
        "results": [{"key": name, "id": record["id"]} for record in records],
        name: {str(record["id"]): record for record in records},
    }
    if meta is not None:
        body |= {"count": meta["count"], "meta": meta}
    return Response(body=body)


def _paged(name: str, found: Sequence[Mapping[str, Value]], query: Mapping[str, str]) -> Response:
    size = min(int(query.get("per_page", PER_PAGE)), MOST_PER_PAGE)
    number = int(query.get("page", "1"))
    pages = -(-len(found) // size)
    meta: dict[str, Value] = {
        "count": len(found),
        "page_count": pages,
        "page_number": number,
        "page_size": size,
    }
    return _enveloped(name, found[(number - 1) * size : number * size], meta)


def _inner(call: Call, key: str) -> dict[str, Value]:
    inner = call.record().get(key)
    if not isinstance(inner, dict):
        raise Refused(_error(400, "system", f"the body has no {key}"))
    return inner


def _matches(record: Mapping[str, Value], query: Mapping[str, str]) -> bool:
    if "workspace_id" in query and record.get("workspace_id") != query["workspace_id"]:
        return False
    if "approved" in query and record.get("approved") is not (query["approved"] == "true"):
        return False
    first, _, last = query.get("date_performed_between", ":").partition(":")
    return not first or first <= str(record.get("date_performed")) <= last


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _error(status: int, kind: str, message: str, field: str = "") -> Response:
    said: dict[str, Value] = {"type": kind, "message": message}
    if field:
        said["field"] = field
    return Response(status=status, body={"errors": [said]})


SIMULATOR = KantataSimulator

if __name__ == "__main__":
    sys.exit(run(KantataSimulator))
