"""What rules know of documents: facts of each document, each flow and each step, with their types.

docs/rules.md describes each fact. A fact that is added here is added there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.compile.check_effects import Order, stops
from engine.compile.compilation import Compilation
from engine.compile.ownership import Owners
from engine.plan.plan import FlowPlan
from engine.plan.step import AnyStep, CheckStep, EmitStep, ReadStep, WriteStep, verb_of
from engine.source import Span
from engine.spec.field import Document
from engine.values.type import BOOLEAN, INTEGER, STRING, Enum, Field, Listing, Record, Type
from engine.values.value import Value
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.flow_test import FlowTestDocument
from engine.workspace.kinds.policy import PolicyDocument


def _record(**types: Type) -> Record:
    """A record of facts; those that are text may be null unless they are names, which may be empty."""
    always = {"name", "kind", "file", "flow", "connection", "system", "operation"}
    fields = {
        name: Field(type=kind, required=True, nullable=_may_be_null(name, kind) and name not in always)
        for name, kind in types.items()
    }
    return Record(name="", fields=fields)


def _may_be_null(name: str, kind: Type) -> bool:
    return kind is STRING or name == "slo_seconds"


_TEXTS = Listing(item=STRING)
VERBS = ("read", "map", "check", "write", "emit", "wait", "choose")

TYPES: Mapping[str, Record] = MappingProxyType(
    {
        "document": _record(
            kind=STRING, name=STRING, version=INTEGER, owner=STRING, about=STRING, file=STRING, unowned=_TEXTS
        ),
        "flow": _record(
            name=STRING,
            version=INTEGER,
            owner=STRING,
            about=STRING,
            file=STRING,
            event=STRING,
            slo_seconds=INTEGER,
            tests=_TEXTS,
            steps=_TEXTS,
            writes=_TEXTS,
        ),
        "step": _record(
            name=STRING,
            flow=STRING,
            owner=STRING,
            file=STRING,
            verb=Enum(values=VERBS),
            connection=STRING,
            system=STRING,
            operation=STRING,
            mapping=STRING,
            event=STRING,
            policies=_TEXTS,
            stopping_policies=_TEXTS,
            once=STRING,
            undo=STRING,
            irreversible=STRING,
            stands=STRING,
            closed_period=STRING,
            for_each=BOOLEAN,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that rules are about."""

    name: str  # as an exemption names it
    place: Span
    file: str
    facts: Mapping[str, Value]


class Facts:
    """The facts of one workspace."""

    def __init__(self, compilation: Compilation) -> None:
        """Take down what several facts need."""
        self._compilation = compilation
        self._owners = Owners(compilation)
        self._policies = compilation.documents(PolicyDocument)
        self._tests: dict[str, list[str]] = {}
        for test in compilation.workspace.documents:
            if isinstance(test, FlowTestDocument):
                for name in map(str, test.flow):
                    self._tests.setdefault(name, []).append(str(test.name))

    def of(self, kind: str) -> Iterator[Subject]:
        """All subjects of a kind: document, flow, step."""
        match kind:
            case "document":
                yield from map(self._document, self._compilation.workspace.documents)
            case "flow":
                yield from (self._flow(document, flow) for document, flow in self._flows())
            case _:
                for document, flow in self._flows():
                    order = Order(flow)
                    yield from (self._step(document, order, step) for step in flow.steps)

    def _flows(self) -> Iterator[tuple[FlowDocument, FlowPlan]]:
        for document in self._compilation.documents(FlowDocument).values():
            flow = self._compilation.flows.get(str(document.name))
            if flow is not None:
                yield document, flow

    def _document(self, document: Document) -> Subject:
        facts = {**_common(document), "kind": document.kind, "unowned": self._unowned(document)}
        return Subject(str(document.name), document.name.span, _file(document), facts)

    def _unowned(self, document: Document) -> list[Value]:
        """The fields of an entity that no system owns."""
        entity = self._owners.entities.get(str(document.name)) if document.kind == "entity" else None
        if entity is None:
            return []
        return [
            ".".join(one.path)
            for one in self._owners.fields(entity)
            if self._owners.of(str(entity.name), one.path) is None
        ]

    def _flow(self, document: FlowDocument, flow: FlowPlan) -> Subject:
        writes = [step for step in flow.steps if isinstance(step, WriteStep)]
        facts: dict[str, Value] = {
            **_common(document),
            "event": flow.event,
            "slo_seconds": flow.complete_within_seconds,
            "tests": list(self._tests.get(flow.name, ())),
            "steps": [step.name for step in flow.steps],
            "writes": [f"{step.connection}.{step.operation}" for step in writes],
        }
        return Subject(flow.name, document.name.span, _file(document), facts)

    def _step(self, document: FlowDocument, order: Order, step: AnyStep) -> Subject:
        before = [other for other in order.flow.steps if other.index in order.before[step.index]]
        policies = [
            str(name)
            for other in before
            if isinstance(other, CheckStep)
            for name in document.steps[other.name].check  # type: ignore[index]
        ]
        stopping = [name for name in policies if name in self._policies and stops(self._policies[name])]
        facts: dict[str, Value] = dict.fromkeys(TYPES["step"].fields)
        facts |= {
            "name": step.name,
            "flow": order.flow.name,
            "owner": order.flow.owner,
            "file": _file(document),
            "verb": verb_of(step),
            "mapping": getattr(step, "mapping", None),
            "event": step.event if isinstance(step, EmitStep) else None,
            "policies": list(policies),
            "stopping_policies": list(stopping),
            "for_each": step.for_each is not None,
            **self._call(step),
        }
        place = next(name for name in document.steps if str(name) == step.name)
        return Subject(f"{order.flow.name}.{step.name}", place.span, _file(document), facts)

    def _call(self, step: AnyStep) -> dict[str, Value]:
        """What a step asks of a system, and what is said of it."""
        if not isinstance(step, ReadStep | WriteStep):
            return dict.fromkeys(("connection", "system", "operation"), "")
        called: dict[str, Value] = {
            "connection": step.connection,
            "system": self._owners.systems.get(step.connection, ""),
            "operation": step.operation,
        }
        if isinstance(step, ReadStep):
            return called
        effect = step.effect
        return {
            **called,
            "once": effect.once,
            "undo": None if effect.undo is None else effect.undo.name,
            "irreversible": effect.irreversible,
            "stands": effect.stands,
            "closed_period": effect.faults.get("closed_period"),
        }


def _common(document: Document) -> dict[str, Value]:
    return {
        "name": str(document.name),
        "version": document.version,
        "owner": None if document.owner is None else str(document.owner),
        "about": None if document.about is None else str(document.about),
        "file": _file(document),
    }


def _file(document: Document) -> str:
    return document.name.span.source.name
