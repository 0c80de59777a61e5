"""What is fuzzed: each target takes bytes, and raises when something else than a sentence comes of them."""

import atexit
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, mkdtemp
from types import MappingProxyType

from engine.compile.evaluate import evaluate
from engine.compile.incremental import Incremental
from engine.errors import InputError
from engine.problems import Collector, Report
from engine.problems.render import render_github, render_json, render_junit, render_sarif, render_text
from engine.runtime.accept import read_line
from engine.session import ALL_KINDS, load
from engine.values.json_text import JsonError, read_json, write_json
from engine.workspace.decode import Decoder
from engine.workspace.yaml_tree import read_yaml, source_of

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LARGEST = 4096  # bytes of one input; what is large is the business of tests/hostile

DATA = {
    "a": {"b": [1, 2, {"c": None}], "money": {"amount": Decimal("1.50"), "currency": "EUR"}},
    "items": [{"id": n, "name": f"n{n}", "on": n % 2 == 0, "rate": Decimal(n) / 3} for n in range(4)],
    "text": "Für 日本 \U0001f600",
    "day": "2026-05-29",
    "number": 12,
    "nothing": None,
}
BASE = """\
entity: thing
owner: x
key: id
fields:
  id: {type: string, required: true}
  name: {type: string, nullable: true}
  count: {type: integer}
  rate: {type: decimal}
  day: {type: date}
  at: {type: datetime}
  price: {type: money}
  state: {enum: [open, closed]}
  parts: {type: list, items: {type: record, fields: {n: {type: integer}}}}
---
event: thing.seen
owner: x
data: canonical/thing@1
identity: data.id
---
mapping: thing-to-thing
owner: x
inputs: {thing: canonical/thing@1}
output: canonical/thing@1
fields: {id: thing.id}
---
flow: see-things
owner: x
trigger: {event: thing.seen, as: thing}
steps: {made: {map: thing-to-thing}}
"""


def _shown(report: Report) -> None:
    """Every form in which problems are shown can be written and read."""
    render_text(report, columns=60).encode()
    render_github(report).encode()
    render_junit(report).encode()
    json.loads(render_json(report).encode())
    json.loads(render_sarif(report).encode())


def _yaml(data: bytes) -> None:
    """Bytes to documents, with their problems."""
    collector = Collector()
    source = source_of("flows/x.yaml", data, collector)
    if source is not None:
        decoder = Decoder(ALL_KINDS, collector)
        for tree in read_yaml(source, collector):
            decoder.decode(tree)
    _shown(collector.report())


class _Folder:
    """A workspace in which one file is fuzzed. The same text again gives the same problems."""

    def __init__(self, base: str, name: str) -> None:
        root = Path(mkdtemp(prefix="tidegate-fuzz-"))
        atexit.register(rmtree, root, ignore_errors=True)
        (root / "flows").mkdir()
        (root / "flows" / "base.yaml").write_text(base, encoding="utf-8")
        self._looks = Incremental(root, ALL_KINDS)
        self._name = name

    def __call__(self, data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        _shown(self._looks.update({self._name: text}).report())


def _evaluated(kind: str) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        answer = evaluate(kind, data.decode("utf-8", "replace"), DATA)
        json.loads(write_json({key: value for key, value in answer.items() if key != "rendered"}))

    return run


def _json(data: bytes) -> None:
    """Bytes to a value, which is the same when it is written and read again."""
    try:
        value = read_json(data)
    except JsonError:
        return
    assert read_json(write_json(value)) == value


class _Lines:
    """Lines of events, taken in as `process` takes them."""

    def __init__(self) -> None:
        with TemporaryDirectory(prefix="tidegate-fuzz-") as name:
            (Path(name) / "flows").mkdir()
            (Path(name) / "flows" / "base.yaml").write_text(BASE, encoding="utf-8")
            self._plan = load(Path(name)).ready.plan

    def __call__(self, data: bytes) -> None:
        for line in data.split(b"\n"):
            for name in ("thing.seen", None):
                try:
                    read_line(self._plan, line, name, NOW)
                except InputError as error:
                    str(error).encode()


TARGETS: Mapping[str, Callable[[], Callable[[bytes], None]]] = MappingProxyType(
    {
        "yaml": lambda: _yaml,
        "workspace": lambda: _Folder(BASE, "flows/x.yaml"),
        "manifest": lambda: _Folder("", "connectors/x/connector.yaml"),
        "formula": lambda: _evaluated("expr"),
        "template": lambda: _evaluated("template"),
        "path": lambda: _evaluated("path"),
        "json": lambda: _json,
        "lines": _Lines,
    }
)
"""What makes each target ready."""

SHARES: Mapping[str, int] = MappingProxyType(
    {
        "yaml": 20,
        "workspace": 5,
        "manifest": 5,
        "formula": 20,
        "template": 15,
        "path": 15,
        "json": 10,
        "lines": 10,
    }
)
"""How many of a hundred executions each target gets; those of workspaces take the longest."""
