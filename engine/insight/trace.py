"""The story of a record: from any id back to what caused it, and on to everything that it caused.

What lives here: the graph, as values. What does not: how it is drawn. Everything comes from the ledger, so
that a trace shows what was recorded at the time and not what would be decided today.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, cast

from engine.insight.references import is_small, references, speaks_of
from engine.insight.trace_nodes import (
    Node,
    alert_node,
    answer_nodes,
    decision_nodes,
    effect_node,
    event_node,
    hold_node,
    record_node,
    release_node,
    run_node,
    scalars,
)
from engine.ledger.reader import LedgerReader
from engine.ledger.rows import EffectRow, EventRow, Found
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value

MAX_NODES = 2_000
MAX_FOUND = 50  # effects whose receipts speak of one id
MAX_REFERENCES = 60  # values of one payload that are looked for as ids


class Direction(StrEnum):
    """Which way to follow."""

    BACK = "back"
    FORWARD = "forward"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Edge:
    """One thing led to another."""

    source: str
    target: str
    kind: str  # started, asked, decided, held, wrote, made, emitted, told, released, used


@dataclass(slots=True, kw_only=True)
class Trace:
    """Nodes by id, and the edges between them, each from cause to result."""

    id: str  # what was asked for
    start: tuple[str, ...]  # the nodes that bear it
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    complete: bool = True  # whether the bound on the number of nodes cut nothing off

    def roots(self) -> list[str]:
        """The nodes to which nothing led."""
        caused = {edge.target for edge in self.edges}
        return [name for name in self.nodes if name not in caused] or list(self.start)

    def results(self, name: str) -> list[Edge]:
        """What a node led to, in the order in which it was found."""
        return [edge for edge in self.edges if edge.source == name]


def trace(reader: LedgerReader, id: str, direction: Direction = Direction.BOTH) -> Trace:  # noqa: A002 - its name
    """Everything that led to what bears an id, and everything that followed from it.

    `id` is that of an event, run, effect, hold, alert or release, that of a record in another system, or that
    of one of our own records. Nothing is found when `start` is empty.
    """
    tracer = _Tracer(reader, Trace(id=id, start=()))
    start = tracer.begin(id)
    if direction is not Direction.FORWARD:
        tracer.follow(start, tracer.causes)
    if direction is not Direction.BACK:
        tracer.follow_on(start)
    tracer.trace.start = tuple(start)
    return tracer.trace


_Follow: TypeAlias = Callable[[str], Iterable[str]]


class _Tracer:
    def __init__(self, reader: LedgerReader, into: Trace) -> None:
        self._reader = reader
        self.trace = into
        self._known_edges: set[Edge] = set()

    # --- what bears the id ------------------------------------------------------------------------

    def begin(self, text: str) -> list[str]:
        if text.startswith("record:") and text.count(":") > 1:
            return list(dict.fromkeys(self._named(text)))
        names: dict[str, None] = {}
        for found in self._reader.find(text):
            names.update(dict.fromkeys(self._begun(found)))
        return list(names) or list(self._receipts(text))

    def _named(self, name: str) -> Iterator[str]:
        """The record that a trace gave this name: an id and whose it is."""
        for effect in self._effects_of_record(name, name.removeprefix("record:")):
            row = self._reader.effect(effect.removeprefix("effect:"))
            assert row is not None
            yield self._record(row)

    def _receipts(self, text: str) -> Iterator[str]:
        """Effects whose receipts speak of an id beside that of the record; looked for one by one."""
        found = 0
        for row in self._reader.settled_effects(status="done"):
            if text in (row.receipt or "") and text in scalars(read_json(row.receipt or ""), MAX_REFERENCES):
                yield self._effect(row)
                found += 1
            if found >= MAX_FOUND:
                return

    def _begun(self, found: Found) -> Iterator[str]:
        match found.kind:
            case "event":
                yield from self._event(self._reader.event(found.key))
            case "run" if found.matched == "id":
                yield from self._run(found.key)
            case "effect":
                effect = self._reader.effect(found.key)
                assert effect is not None
                yield self._effect(effect) if found.matched == "key" else self._record(effect)
            case "hold" | "alert" | "release" if found.matched in ("id", "fingerprint"):
                yield from getattr(self, f"_{found.kind}")(found.key)
            case "xref":
                yield from self._xref(found.key)
            case "entity":
                yield from self._snapshots(found.key)
            case _:
                pass  # found by something that it refers to, and not by its own id

    def _xref(self, key: str) -> Iterator[str]:
        """The records by which systems know one of ours."""
        entity, rest = key.split(" ", 1)
        canonical_id, system = rest.rsplit(" ", 1)
        row = self._reader.xref(entity, canonical_id, system)
        effect = None if row is None or row.effect_key is None else self._reader.effect(row.effect_key)
        if effect is not None:
            yield self._record(effect)

    def _snapshots(self, key: str) -> Iterator[str]:
        """The events that said how one of our records is."""
        entity, entity_id = key.split(" ", 1)
        for row in self._reader.snapshots(entity, entity_id):
            if row.event_id is not None:
                yield from self._event(self._reader.event(row.event_id))

    # --- nodes --------------------------------------------------------------------------------------

    def _add(self, node: Node) -> str:
        self.trace.nodes.setdefault(node.id, node)
        return node.id

    def _event(self, row: EventRow | None) -> Iterator[str]:
        if row is not None:
            yield self._add(event_node(row))

    def _run(self, run_id: str) -> Iterator[str]:
        """A run with its context: what it read, what was decided, what held it, who was told."""
        row = self._reader.run(run_id)
        if row is None:
            return
        name = f"run:{run_id}"
        if name in self.trace.nodes:
            yield name
            return
        self._add(run_node(row))
        for node in answer_nodes(self._reader.answers(run_id)):
            self._edge(name, self._add(node), "asked")
        for node in decision_nodes(row, self._reader.transitions(run_id)):
            self._edge(name, self._add(node), "decided")
        for hold in self._reader.holds_of_run(run_id):
            self._edge(name, self._add(hold_node(hold, self._reader.audit_of(hold.id))), "held")
        for alert in self._reader.alerts_of_run(run_id):
            self._edge(name, self._add(alert_node(alert)), "told")
        yield name

    def _effect(self, row: EffectRow) -> str:
        return self._add(effect_node(row, self._reader.transitions(row.key)))

    def _record(self, row: EffectRow) -> str:
        """The record in another system that an effect made or changed."""
        name = self._add(record_node(row.connection, str(row.external_id)))
        self._edge(self._effect(row), name, "made")
        return name

    def _hold(self, hold_id: str) -> Iterator[str]:
        row = self._reader.hold(hold_id)
        assert row is not None
        list(self._run(row.run_id))
        yield f"hold:{hold_id}"

    def _alert(self, alert_id: str) -> Iterator[str]:
        row = self._reader.alert(alert_id)
        assert row is not None
        if row.run_id is not None:
            list(self._run(row.run_id))
        yield self._add(alert_node(row))

    def _release(self, fingerprint: str) -> Iterator[str]:
        row = self._reader.release(fingerprint)
        assert row is not None
        yield self._add(release_node(row, self._reader.activations()))

    def _edge(self, source: str, target: str, kind: str) -> None:
        edge = Edge(source, target, kind)
        if edge not in self._known_edges:
            self._known_edges.add(edge)
            self.trace.edges.append(edge)

    # --- walking ------------------------------------------------------------------------------------

    def follow(self, start: Iterable[str], step: _Follow) -> None:
        """Breadth first, so that a bound cuts off what is farthest."""
        left = deque(start)
        seen = set(left)
        while left:
            if len(self.trace.nodes) > MAX_NODES:
                self.trace.complete = False
                return
            for name in step(left.popleft()):
                if name not in seen:
                    seen.add(name)
                    left.append(name)

    def follow_on(self, start: Iterable[str]) -> None:
        """Forward, and on through the events by which systems told of the records that were made there."""
        found = list(start)
        asked: set[str] = set()
        while found:
            self.follow(found, self.results)
            new = [
                name for name, node in self.trace.nodes.items() if node.kind == "record" and name not in asked
            ]
            asked.update(new)
            found = list(self._told_of(new)) if new and self.trace.complete else []

    def causes(self, name: str) -> Iterator[str]:
        """What led to a node."""
        kind, _, key = name.partition(":")
        match kind:
            case "run":
                yield from self._causes_of_run(key)
            case "event":
                yield from self._causes_of_event(key)
            case "effect":
                row = self._reader.effect(key)
                assert row is not None
                for run in self._run(row.run_id):
                    self._edge(run, name, "wrote")
                    yield run
            case "record":
                yield from self._effects_of_record(name, key)
            case "hold" | "alert" | "decision" | "answer":
                yield from [edge.source for edge in self.trace.edges if edge.target == name]
            case _:
                pass  # nothing led to a release but people

    def _causes_of_run(self, run_id: str) -> Iterator[str]:
        row = self._reader.run(run_id)
        assert row is not None
        name = f"run:{run_id}"
        for event in self._event(self._reader.event(row.event_id)):
            self._edge(event, name, "started")
            yield event
        for hold in self._reader.holds_of_run(run_id):
            if hold.release_event:
                for event in self._event(self._reader.event(hold.release_event)):
                    self._edge(event, f"hold:{hold.id}", "released")
                    yield event
        yield from self._used(run_id)

    def _used(self, run_id: str) -> Iterator[str]:
        """What a run relied on: writes that gave other systems' ids, events that told of an object."""
        for answer in self._reader.answers(run_id):
            if answer.kind == "xref":
                _, entity, rest = answer.key.split(":", 2)
                canonical_id, system = rest.rsplit(":", 1)
                row = self._reader.xref(entity, canonical_id, system)
                effect = (
                    None if row is None or row.effect_key is None else self._reader.effect(row.effect_key)
                )
                if effect is not None and effect.run_id != run_id:
                    used = self._effect(effect)
                    self._edge(used, f"answer:{run_id} {answer.key}", "used")
                    yield used
            elif answer.kind == "entity":
                for event in self._snapshot(answer.body, answer.commit):
                    self._edge(event, f"answer:{run_id} {answer.key}", "used")
                    yield event

    def _snapshot(self, body: str, commit: int) -> Iterator[str]:
        """The event that told of an object as it was read."""
        value = cast("Mapping[str, Value]", read_json(body)).get("value")
        for text in scalars(value, 5):
            for found in self._reader.find(text):
                if found.kind == "entity":
                    entity, entity_id = found.key.split(" ", 1)
                    rows = [one for one in self._reader.snapshots(entity, entity_id) if one.commit <= commit]
                    told = rows[-1].event_id if rows and read_json(rows[-1].body) == value else None
                    if told is not None:
                        yield from self._event(self._reader.event(told))
                        return

    def _causes_of_event(self, event_id: str) -> Iterator[str]:
        row = self._reader.event(event_id)
        assert row is not None
        if row.cause is not None:
            for run_id in run_of(self._reader, row.cause):
                for run in self._run(run_id):
                    self._edge(run, f"event:{event_id}", "emitted")
                    yield run
        yield from self._referred(row)

    def _referred(self, row: EventRow) -> Iterator[str]:
        """The effects whose receipts gave ids that an event speaks of."""
        system = None if row.source is None else row.source.partition(".")[0]
        for text, said in references(_value(row.body), row.type, MAX_REFERENCES).items():
            known = self._reader.find(text)
            for found in known:
                if found.kind != "effect" or found.matched != "external_id":
                    continue
                effect = self._reader.effect(found.key)
                if effect is None or effect.commit > row.commit:
                    continue
                if not speaks_of(text, said, _names(effect, known)):
                    continue
                emitted = row.cause is not None and row.cause.startswith(f"{effect.run_id}/")
                if emitted or effect.connection == system:
                    record = self._record(effect)
                    self._edge(record, f"event:{row.id}", "told of")
                    yield record

    def _effects_of_record(self, name: str, key: str) -> Iterator[str]:
        connection, _, external_id = key.partition(":")
        made = [edge.source for edge in self.trace.edges if edge.target == name and edge.kind == "made"]
        if made and is_small(external_id):  # others of the number may be records of another kind
            yield from made
            return
        for found in self._reader.find(external_id):
            if found.kind == "effect" and found.matched == "external_id":
                effect = self._reader.effect(found.key)
                if effect is not None and effect.connection == connection:
                    node = self._effect(effect)
                    self._edge(node, name, "made")
                    yield node

    def results(self, name: str) -> Iterator[str]:
        """What a node led to."""
        kind, _, key = name.partition(":")
        match kind:
            case "event":
                yield from self._results_of_event(name, key)
            case "run":
                yield from self._results_of_run(name, key)
            case "effect":
                row = self._reader.effect(key)
                if row is not None and row.external_id is not None:
                    yield self._record(row)
            case "hold":
                row_of_hold = self._reader.hold(key)
                assert row_of_hold is not None
                yield f"run:{row_of_hold.run_id}"
            case _:
                pass  # the others led to nothing by themselves

    def _results_of_event(self, name: str, event_id: str) -> Iterator[str]:
        for row in self._reader.runs_of_event(event_id):
            for run in self._run(row.id):
                self._edge(name, run, "started")
                yield run
        for hold_id in self._released_by(event_id):
            hold = self._reader.hold(hold_id)
            assert hold is not None
            for run in self._run(hold.run_id):
                self._edge(name, f"hold:{hold_id}", "released")
                yield run

    def _released_by(self, event_id: str) -> Iterator[str]:
        return (found.key for found in self._reader.find(event_id) if found.matched == "release_event")

    def _results_of_run(self, name: str, run_id: str) -> Iterator[str]:
        for row in self._reader.effects(run_id):
            effect = self._effect(row)
            self._edge(name, effect, "wrote")
            yield effect
        for event_row in self._reader.events_caused_by_run(run_id):
            if run_id in run_of(self._reader, str(event_row.cause)):
                for event in self._event(event_row):
                    self._edge(name, event, "emitted")
                    yield event

    def _told_of(self, records: Iterable[str]) -> Iterator[str]:
        """The events in which a system speaks of a record that was made there, looked for one by one."""
        wanted: dict[str, dict[str, str]] = {}  # names of records by system and id
        for name in records:
            _, system, external_id = name.split(":", 2)
            wanted.setdefault(system, {})[external_id] = name
        known = [
            node.at for node in self.trace.nodes.values() if node.kind == "event" and node.at is not None
        ]
        since = datetime.fromisoformat(min(known)) if known else None
        for row in self._reader.events(since=since):
            ids = wanted.get((row.source or "").partition(".")[0])
            if ids and f"event:{row.id}" not in self.trace.nodes:
                said = references(_value(row.body), row.type, MAX_REFERENCES)
                for text in said.keys() & ids.keys():
                    if speaks_of(text, said[text], self._names_of(ids[text])):
                        name = self._add(event_node(row))
                        self._edge(ids[text], name, "told of")
                        yield name

    def _names_of(self, record: str) -> Iterator[str]:
        """What a record was made as."""
        _, system, external_id = record.split(":", 2)
        known = self._reader.find(external_id)
        for found in known:
            if found.kind == "effect" and found.matched == "external_id":
                effect = self._reader.effect(found.key)
                if effect is not None and effect.connection == system:
                    yield from _names(effect, known)


def _names(effect: EffectRow, known: Iterable[Found]) -> Iterator[str]:
    """What the record of an effect was made as: by operation, by step, and as which of our entities."""
    yield effect.operation
    yield effect.step
    for found in known:
        if found.kind == "xref" and found.key.endswith(f" {effect.connection}"):
            yield found.key.partition(" ")[0]


def _value(body: bytes) -> Value:
    try:
        return read_json(body)
    except JsonError:
        return None


def run_of(reader: LedgerReader, effect_key: str) -> list[str]:
    """The run that gave an effect its key, which is the run's id, a slash and the step (with the item)."""
    place = effect_key.find("/")
    while place != -1:
        run_id, step = effect_key[:place], effect_key[place + 1 :].partition("[")[0]
        if step.replace("_", "a").isalnum() and reader.run(run_id) is not None:
            return [run_id]
        place = effect_key.find("/", place + 1)
    return []
