"""A small connector and its system, for tests of what all connectors share."""

from collections.abc import Mapping
from functools import cache

from engine.connect.connector_plan import ConnectorPlan, build_connector
from engine.connect.http_connector import HttpConnector
from engine.connect.records import Table
from engine.connect.settings import Settings
from engine.connect.simulator import Call, Refused, Response, Simulator
from engine.effect import Effect
from engine.values.value import Value
from tests.connect import opening

MANIFEST = """
connector: toy
api: {name: Toy, version: "1"}
base_url: https://{host}/api
settings: {host: {about: Where it is., pattern: "[a-z.]+"}}
auth: {oauth2: client_credentials, token: /token}
headers: {X-Client: tidegate}
limits: {concurrency: 4, answer: 1s, connect: 1s, reply_megabytes: 1}
faults:
  - {when: status == 401, is: token_expired}
  - {when: status == 409, is: closed_period, reason: body.error}
  - when: status >= 400 and status < 500 and status != 429
    is: permanent
    reason: body.error
    code: body.code
operations:
  thing:
    does: read
    request: {get: "/things/{key}", query: {at: "{day}"}}
    parameters: {key: string, day: {type: date, required: false}}
    output: thing.json
    missing: status == 404
    returns: {id: body.id}
  things:
    does: read
    request: {get: /things, query: {color: "{color}"}}
    parameters: {color: {type: string, required: false, pattern: "[a-z]+"}}
    paging: {items: body.items, next: body.next, size: 2, max_pages: 3}
    output: thing.json
  numbered:
    does: read
    request: {get: /things}
    paging: {items: body.items, page: page, size: 2}
  passed:
    does: read
    request: {get: /things}
    paging: {items: body.items, offset: offset, size: 2}
  put:
    does: write
    request: {put: "/things/{key}", omit: [key]}
    input: put.json
    once_by: {how: natural_key, field: key}
    proof: body.key == payload.key
    returns: {id: body.id}
  post:
    does: write
    request: {post: /things, body: {thing: {key: "{key}", note: "about {key}", amount: "{amount}"}}}
    once_by: {how: header, header: Idempotency-Key, look_up: thing, with: {key: "{key}"}}
    returns: {id: body.id}
  remove:
    does: write
    request: {delete: "/things/{key}"}
    once_by: {how: natural_key, field: key}
    found: status == 404
  blind:
    does: write
    request: {post: /things}
    once_by: none
    returns: {id: body.id}
sources:
  changed:
    poll:
      request: {get: /things, query: {since: "{since}"}}
      overlap: 1m
      watermark: item.changed
      paging: {items: body.items, next: body.next, size: 2}
    when: item.color != 'black'
    output: thing.json
  told:
    webhook:
      signature: hmac_sha256
      header: X-Signature
      prefix: "v1="
      signed: "{id}.{timestamp}.{body}"
      id: X-Id
      timestamp: X-Time
    items: body.things
    when: item.color != 'black'
    output: thing.json
"""

THING: Mapping[str, Value] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "color": {"type": ["string", "null"]},
        "changed": {"type": "string", "format": "date-time"},
        "amount": {"type": "number"},
    },
}
PUT: Mapping[str, Value] = {
    "type": "object",
    "required": ["key"],
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string"},
        "amount": {"type": "number"},
        "day": {"type": "string", "format": "date"},
    },
}


@cache
def plan(manifest: str = MANIFEST) -> ConnectorPlan:
    files = {"thing.json": THING, "put.json": PUT}
    spec = opening.read_spec("toy.yaml", manifest)
    return build_connector(
        spec, files.__getitem__, compile_path=opening.path, compile_formula=opening.formula
    )


class Toy(Simulator):
    """Things by key."""

    NAME = "toy"
    ROOT = "/api"

    def __init__(self) -> None:
        super().__init__()
        self.things = Table("thing", self.journal, unique=("key",))
        self.seen: list[Call] = []
        self.answer: Response | None = None  # what every call but the token's gets instead

    def routes(self):
        return (
            ("POST", "/token", self._token),
            ("GET", "/things", self._list),
            ("POST", "/things", self._post),
            ("GET", "/things/{key}", self._get),
            ("PUT", "/things/{key}", self._put),
            ("DELETE", "/things/{key}", self._delete),
        )

    def _token(self, call: Call) -> Response:
        self.seen.append(call)
        return Response(body={"access_token": self.issue_token(), "expires_in": 3600})

    def _noted(self, call: Call) -> None:
        self.seen.append(call)
        if self.answer is not None:
            raise Refused(self.answer)

    def _list(self, call: Call) -> Response:
        self._noted(call)
        found = [thing for thing in self.things if call.query.get("color") in (None, thing.get("color"))]
        start = int(call.query.get("offset", 0)) + 2 * (int(call.query.get("page", 1)) - 1)
        body: dict[str, Value] = {"items": found[start : start + 2]}
        if start + 2 < len(found):
            body["next"] = f"{self.base_url}/things?offset={start + 2}"
        return Response(body=body)

    def _get(self, call: Call) -> Response:
        self._noted(call)
        found = self.things.find("key", call.arguments["key"])
        return Response(body=found) if found else Response(status=404, body={"error": "no such thing"})

    def _put(self, call: Call) -> Response:
        self._noted(call)
        values = {**call.record(), "key": call.arguments["key"]}
        known = self.things.find("key", values["key"])
        return Response(
            body=self.things.update(str(known["id"]), values) if known else self.things.create(values)
        )

    def _post(self, call: Call) -> Response:
        self._noted(call)
        inner = call.record().get("thing", {})
        return Response(status=201, body=self.things.create(inner))

    def _delete(self, call: Call) -> Response:
        self._noted(call)
        found = self.things.find("key", call.arguments["key"])
        if found is None:
            return Response(status=404, body={"error": "no such thing"})
        self.things.delete(str(found["id"]))
        return Response(status=204)


def settings(base_url: str, **values: str) -> Settings:
    return Settings(connection="toy", environment="test", simulated=True, base_url=base_url, values=values)


def connector(toy: Toy, manifest: str = MANIFEST) -> HttpConnector:
    return HttpConnector(plan(manifest), settings(toy.base_url), now=toy.now)


def effect(operation: str, /, **payload: Value) -> Effect:
    return Effect(key="flow/event/step", connection="toy", operation=operation, payload=payload)
