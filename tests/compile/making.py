"""Short ways to compile a few documents and to call what comes out."""

import tempfile
from pathlib import Path
from textwrap import dedent

from engine.compile.compile import compile_workspace
from engine.session import ALL_KINDS
from engine.values.json_text import read_json
from engine.workspace import load_workspace

ORDER = """\
entity: order
fields:
  id: {type: string, required: true}
  status: {enum: [open, closed], required: true}
  total: {type: decimal, required: true}
  count: {type: integer, required: true}
  paid: {type: boolean, required: true}
  placed_on: {type: date, required: true}
  sent_at: {type: datetime, nullable: true, required: true}
  note: {type: string, nullable: true}
  lines: {type: list, items: {type: record, fields: {sku: string, size: integer}}, required: true}
  tags: {type: list, items: string}
  client: {type: record, fields: {id: {type: string, required: true}, name: string}, required: true}
---
event: order.placed
data: canonical/order@1
identity: data.id
"""

DESK = """\
connector: desk
irreversible: Orders stay.
api: {name: Desk, version: "1"}
base_url: https://desk.example
auth: {bearer: true}
operations:
  post:
    does: write
    request: {post: /orders}
    input: schemas/order.json
    once_by: {how: header, header: Idempotency-Key}
    returns: {id: body.id}
  note: {does: write, request: {post: /notes}, once_by: natural_key, returns: {id: body.id}}
  forget: {does: write, request: {delete: "/notes/{id}"}, once_by: natural_key, found: status == 404}
  unpost: {does: write, request: {delete: "/orders/{id}", body: {why: "{why}"}}, once_by: natural_key}
  close: {does: write, request: {post: /closings}, once_by: natural_key, raises: closed_period, undo: forget}
  find:
    does: read
    request: {get: "/orders/{id}"}
    parameters: {id: {type: string, required: true}, day: date}
  list: {does: read, request: {get: /orders}}
sources:
  orders: {poll: {request: {get: /orders}}, output: schemas/order.json}
---
connection: desk
connector: desk
environments: {}
"""

DESK_FILES = {
    "connectors/desk/connector.yaml": DESK,
    "connectors/desk/schemas/order.json": """{
        "type": "object",
        "properties": {"number": {"type": "string"}, "total": {"type": "number"}, "note": {"type": "string"}},
        "required": ["number"], "additionalProperties": false}""",
}


def write(root, files):
    """Put files into a folder."""
    for name, text in files.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else text.decode(), encoding="utf-8")


def compile_files(files):
    """What files compile to, None when there are errors, and the collector."""
    with tempfile.TemporaryDirectory() as root:
        write(root, files)
        workspace, collector = load_workspace(Path(root), ALL_KINDS)
        return compile_workspace(workspace, collector), collector


def compiled(*texts, files=None, desk=False):
    """What a few documents compile to; a problem fails the test with its rendering."""
    documents = "\n---\n".join(dedent(text) for text in texts)
    found, collector = compile_files(
        {**(DESK_FILES if desk else {}), "flows/all.yaml": documents, **(files or {})}
    )
    assert found is not None, [(one.code, one.message) for one in collector.problems]
    return found


def problems(*texts, files=None, desk=False):
    """The codes and the guilty texts of the problems of a few documents."""
    documents = "\n---\n".join(dedent(text) for text in texts)
    _, collector = compile_files(
        {**(DESK_FILES if desk else {}), "flows/all.yaml": documents, **(files or {})}
    )
    return [(one.code, one.span.source.text[one.span.start : one.span.end]) for one in collector.problems]


def mapping(entry, *, field="any", lets="", inputs="{a: any}", name="out"):
    """A mapping with one field, made as the entry says; of the field the type, or all that describes it."""
    kind = field if field.startswith("{") else f"{{type: {field}}}"
    made = f"entity: made\nkey: key\nopen: true\nfields:\n  key: string\n  {name}: {kind}\n"
    indented = "".join(f"  {line}\n" for line in dedent(lets).splitlines())
    let = f"let:\n{indented}" if lets else ""
    head = f"mapping: m\ninputs: {inputs}\noutput: canonical/made@1\n"
    return f"{made}---\n{head}{let}fields:\n  {name}: {entry}\n"


def value(entry, data, *more, asked=None, **options):
    """What a mapping with one field makes of its input `a`."""
    plan = compiled(mapping(entry, **options), *more).plan
    scope = {"a": data, "now": None, "$ask": asked or (lambda *_: None)}
    return plan.mappings["m"].make(scope)


def json(text):
    """A value of JSON."""
    return read_json(text)
