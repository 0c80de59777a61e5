"""The systems of the workspace `hours`, as simulators: an ERP and a revenue engine; what the desk sends."""

import hmac
import json
import shutil
from hashlib import sha256
from pathlib import Path

from engine.connect.records import Table
from engine.connect.simulator import Call, Response, Simulator

HOURS = Path(__file__).parent / "hours"
TOKEN = "simulated"


def hours(folder: Path) -> Path:
    """A copy of the workspace that a test may change."""
    return Path(shutil.copytree(HOURS, folder / "hours"))


class Keyed(Simulator):
    """Folds repeats of an idempotency key."""

    KIND = "record"
    PREFIX = "R-"

    def __init__(self, **options):
        super().__init__(**options)
        self.records = Table(self.KIND, self.journal, prefix=self.PREFIX)
        self.keys = {}
        self.refusing = None  # why nothing is made at present
        self.accept_token(TOKEN)

    def make(self, call: Call) -> Response:
        if self.refusing:
            return Response(status=422, body={"error": self.refusing})
        key = call.headers.get("idempotency-key")
        if key not in self.keys:
            self.keys[key] = self.records.create(call.record())
        return Response(status=201, body=self.answer(self.keys[key]))

    def forget(self, call: Call) -> Response:
        if self.records.get(call.arguments["id"]) is None:
            return Response(status=404, body={"error": "no such record"})
        self.records.delete(call.arguments["id"])
        return Response(status=204)

    def answer(self, record):
        return {"id": record["id"]}


class Erp(Keyed):
    """Projects, and the bills for them."""

    NAME = "erp"
    ROOT = "/api"
    KIND = "bill"
    PREFIX = "B-"

    def __init__(self, **options):
        super().__init__(**options)
        self.projects = {}
        self.lines = {}

    def routes(self):
        return (
            ("GET", "/projects/{id}", self._project),
            ("PUT", "/lines/{key}", self._line),
            ("POST", "/bills", self.make),
            ("GET", "/bills", self._bill),
            ("DELETE", "/records/{id}", self.forget),
        )

    def _project(self, call):
        found = self.projects.get(call.arguments["id"])
        return Response(body=found) if found else Response(status=404, body={"error": "no such project"})

    def _line(self, call):
        key = call.arguments["key"]
        self.lines[key] = call.record()
        return Response(body={"id": f"L-{key}"})

    def _bill(self, call):
        found = next((one for one in self.records if one["entry"] == call.query.get("entry")), None)
        return Response(body=found) if found else Response(status=404, body={"error": "no such bill"})

    def answer(self, record):
        return {"id": record["id"], "number": f"INV-{record['id']}"}


class Rev(Keyed):
    """What was performed, and the entry that it was recognised by."""

    NAME = "rev"
    ROOT = "/v1"
    KIND = "performance"
    PREFIX = "PE-"

    def routes(self):
        return (("POST", "/performance", self.make), ("DELETE", "/records/{id}", self.forget))

    def answer(self, record):
        return {"id": record["id"], "entry": f"RE-{record['id']}"}


def entry(number: int = 1, **changes) -> dict:
    """An approved time entry."""
    return {
        "id": f"te-{number}",
        "project": "P-7",
        "worker": "w-3",
        "hours": 7.5,
        "worked_on": "2026-05-28",
        "approved_at": "2026-05-29T09:00:00Z",
        "approved_by": "ada",
        **changes,
    }


def lines(*events) -> str:
    """Events as a file has them: (type, data) each."""
    return "".join(json.dumps({"type": name, "data": data}) + "\n" for name, data in events)


def approval(number: int = 1, **changes) -> dict:
    """An approval as the desk tells of it."""
    return {
        "entryId": f"te-{number}",
        "project": "P-7",
        "person": "w-3",
        "minutes": 450,
        "day": "2026-05-28",
        "approval": {"at": "2026-05-29T09:00:00Z", "by": "ada"},
        **changes,
    }


def signed(body: bytes, secret: str = TOKEN) -> dict[str, str]:
    """The headers of a delivery of the desk."""
    digest = hmac.new(secret.encode(), body, sha256).hexdigest()
    return {"X-Desk-Signature": f"sha256={digest}", "Content-Type": "application/json"}
