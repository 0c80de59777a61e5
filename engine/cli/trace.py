"""`tidegate trace`."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from engine.cli import options, output
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.insight.trace import Trace
    from engine.insight.trace_nodes import Node


@click.command("trace")
@click.argument("wanted", metavar="ID")
@options.ledger
@click.option("--back", "direction", flag_value="back", help="Only what led to it.")
@click.option("--forward", "direction", flag_value="forward", help="Only what followed from it.")
@options.output_format()
def command(wanted: str, ledger_url: str, direction: str | None, form: str) -> None:
    """Follow ID back to what caused it, and on to everything that it caused.

    ID is that of an event, a run, an effect, a hold, an alert, a release, of a record in another system
    (an invoice, a revenue entry), or of one of our own records. `record:SYSTEM:ID` means that of one system.
    """
    from engine.errors import InputError
    from engine.insight.trace import Direction, trace
    from engine.ledger import open_reader

    reader = open_reader(ledger_url)
    try:
        found = trace(reader, wanted, Direction(direction or "both"))
    finally:
        reader.close()
    if not found.start:
        raise InputError(f"nothing in the ledger bears the id {wanted!r}")
    if form == "json":
        output.json(_as_json(found))
        return
    draw = _draw_tree if _is_terminal() else _draw_lines
    draw(list(_told(found)))
    if not found.complete:
        output.line("There is more; follow one of the ids above.", error=True)


def _as_json(found: "Trace") -> Mapping[str, Value]:
    return {
        "id": found.id,
        "start": list(found.start),
        "complete": found.complete,
        "nodes": [
            {"id": node.id, "kind": node.kind, "title": node.title, "at": node.at, "details": node.details}
            for node in found.nodes.values()
        ],
        "edges": [{"from": edge.source, "to": edge.target, "kind": edge.kind} for edge in found.edges],
    }


def _is_terminal() -> bool:
    return sys.stdout.isatty()


class _Told(NamedTuple):
    """One node as it is shown: how deep it lies below what led to it, its line, and lines about it."""

    depth: int
    title: str
    details: Sequence[str] = ()


def _draw_lines(told: Sequence[_Told]) -> None:
    for depth, title, details in told:
        output.line("  " * depth + title)
        for line in details:
            output.line("  " * (depth + 2) + line)


def _draw_tree(told: Sequence[_Told]) -> None:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    console = Console()
    trees: list[Tree] = []  # the branch that is being drawn, from its root
    roots: list[Tree] = []
    for depth, title, details in told:
        label = Text(output.clean(title), style="bold")
        label.append("".join(f"\n{output.clean(line)}" for line in details), style="dim not bold")
        del trees[depth:]
        trees.append(trees[-1].add(label) if trees else Tree(label))
        if depth == 0:
            roots.append(trees[0])
    for root in roots:
        console.print(root, soft_wrap=False)


def _told(found: "Trace") -> Iterator[_Told]:
    """Every node once, below what led to it; where it is met again, a line says so."""
    seen: set[str] = set()
    left = [(0, name, "") for name in reversed(found.roots())]
    while left:
        depth, name, how = left.pop()
        node = found.nodes[name]
        if name in seen:
            yield _Told(depth, f"{how}{node.kind} {node.title} (see above)")
            continue
        seen.add(name)
        mark = "  <== this" if name in found.start else ""
        when = "" if node.at is None else f", {node.at}"
        yield _Told(depth, f"{how}{node.kind} {node.title}{when}{mark}", tuple(_details(node)))
        left.extend((depth + 1, edge.target, f"{edge.kind}: ") for edge in reversed(found.results(name)))


_TOLD = {
    "event": ("id", "happened_at", "source", "data", "commit"),
    "run": (
        "id",
        "flow_version",
        "event_version",
        "release",
        "reason",
        "finished_at",
        "commit",
        "finish_commit",
    ),
    "answer": ("answer", "failure"),
    "decision": ("policy_version", "reason", "facts", "notes", "cycle", "route", "commit"),
    "hold": (
        "id",
        "owner",
        "reason",
        "released_at",
        "released_by",
        "release_reason",
        "release_event",
        "commit",
        "release_commit",
    ),
    "alert": ("message",),
    "effect": ("key", "sent", "receipt", "failure", "attempts", "settled_at", "commit", "settle_commit"),
    "record": (),
    "release": ("fingerprint", "activated", "commit"),
}


def _details(node: "Node") -> Iterator[str]:
    for key in _TOLD[node.kind]:
        value = node.details.get(key)
        if value is not None:
            yield f"{key.replace('_', ' ')}: {_shown(value)}"


def _shown(value: Value) -> str:
    from engine.values.json_text import write_json

    return value if isinstance(value, str) else write_json(value).decode()
