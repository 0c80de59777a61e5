"""A test made ready to be played: its event, what follows, and what the systems answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.connect import ConnectorPlan, OperationPlan
from engine.flowtest.result import TestError
from engine.flowtest.stubs import Stubs, stub
from engine.flowtest.written import Written, written
from engine.plan.plan import FlowPlan, Plan
from engine.source import Text
from engine.spec.field import Raw
from engine.values.value import Value
from engine.workspace.files import Files
from engine.workspace.kinds.flow_test import FlowTestDocument
from engine.workspace.kinds.reference import ConnectionDocument
from engine.workspace.workspace import Workspace

XREF = "xref"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test."""

    document: FlowTestDocument
    flow: FlowPlan
    now: datetime
    event: Written
    then: tuple[tuple[str, Written], ...]  # names and data of the events that follow
    release: tuple[Text, ...]
    stubs: Stubs
    xrefs: Mapping[str, Value]

    def xref(self, entity: str, canonical_id: str, system: str) -> Value:
        """The id of an entity in another system: what is given, or one that is visibly made up."""
        known = self.xrefs.get(entity)
        found = known.get(canonical_id) if isinstance(known, Mapping) else None
        if isinstance(found, Mapping):
            found = found.get(system)
        return f"?{entity}:{canonical_id}@{system}" if found is None else str(found)


def operations(workspace: Workspace, connectors: Mapping[str, ConnectorPlan]) -> dict[str, OperationPlan]:
    """Every operation of every connection, by "connection.operation"."""
    return {
        f"{document.name}.{name}": operation
        for document in workspace.of(ConnectionDocument).values()
        if (connector := connectors.get(str(document.connector))) is not None
        for name, operation in connector.operations.items()
    }


def case(document: FlowTestDocument, plan: Plan, files: Files, known: Mapping[str, OperationPlan]) -> Case:
    """A document made ready.

    Raises:
        TestError: when it is not written as a test is, or a fixture is missing.

    """
    given = document.given
    now = document.now if document.now.tzinfo is not None else document.now.replace(tzinfo=UTC)
    stubs = {str(name): written(files, raw) for name, raw in given.stubs.items()}
    xrefs = stubs.pop(XREF, None)
    names = (*document.expect.writes, *document.expect.no_writes)
    return Case(
        document=document,
        flow=plan.flows[str(document.flow)],
        now=now,
        event=_data(written(files, given.event)),
        then=tuple(_event(files, raw) for raw in given.then),
        release=given.release,
        stubs=Stubs(
            {name: stub(name, found, known.get(name)) for name, found in stubs.items()},
            known,
            given.span,
            frozenset(str(name) for name in names),
        ),
        xrefs=_records(xrefs),
    )


def _data(event: Written) -> Written:
    value = event.value
    if not isinstance(value, Mapping) or "data" not in value:
        raise TestError("an event is written {data: {...}}", event.place())
    return event.part("data")


def _event(files: Files, raw: Raw) -> tuple[str, Written]:
    event = written(files, raw)
    value = event.value
    if not isinstance(value, Mapping) or not isinstance(value.get("event"), str) or "data" not in value:
        raise TestError("an event that follows is written {event: NAME, data: {...}}", event.place())
    return str(value["event"]), event.part("data")


def _records(xrefs: Written | None) -> Mapping[str, Value]:
    if xrefs is None:
        return {}
    if not isinstance(xrefs.value, Mapping):
        raise TestError("cross references are written {entity: {canonical id: id}}", xrefs.place())
    return xrefs.value
