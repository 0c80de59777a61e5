"""A case made ready to be played: what happens, one act after the other, and what the systems answer.

A test is one case, or one for each row of its `examples`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from engine.connect import ConnectorPlan, OperationPlan
from engine.flowtest.result import TestError
from engine.flowtest.stubs import Stub, Stubs, stub
from engine.flowtest.written import Filling, Written
from engine.plan.plan import FlowPlan
from engine.source import Span, Text
from engine.spec.field import Raw
from engine.values.instant import in_utc
from engine.values.type import Type
from engine.values.value import Value
from engine.workspace.files import Files
from engine.workspace.kinds.flow_test import ActDocument, ExpectDocument, FlowTestDocument
from engine.workspace.kinds.reference import ConnectionDocument
from engine.workspace.workspace import Workspace

XREF = "xref"
NOW = "now"

_NOTHING: Mapping[Text, Raw] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who releases a hold; what is None is as the hold demands it."""

    by: str | None = None
    role: str | None = None
    reason: str | None = None
    second: str | None = None

    @property
    def is_named(self) -> bool:
        """Whether the test says anything of the person."""
        return any((self.by, self.role, self.reason, self.second))


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that happens."""

    span: Span
    after: timedelta = timedelta()
    at: datetime | None = None
    event: tuple[str, Written] | None = None  # its name and data
    persons: Mapping[str, tuple[Text, ...]] = field(default_factory=dict)  # policies, by what is done
    person: Person = Person()
    code: str = "refused"  # of a refusal
    stubs: Mapping[str, Stub]
    xrefs: Mapping[str, Value]
    expect: ExpectDocument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case of a test."""

    document: FlowTestDocument
    name: str | None
    filling: Filling
    now: datetime
    inputs: Mapping[str, Written]  # of a mapping or a policy
    flows: tuple[FlowPlan, ...]
    acts: tuple[Act, ...]
    stubs: Stubs
    xrefs: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a test may speak of."""

    flows: Mapping[str, FlowPlan]
    operations: Mapping[str, OperationPlan]  # by "connection.operation"
    entities: Mapping[str, Type]
    files: Files


def operations(workspace: Workspace, connectors: Mapping[str, ConnectorPlan]) -> dict[str, OperationPlan]:
    """Every operation of every connection, by "connection.operation"."""
    return {
        f"{document.name}.{name}": operation
        for document in workspace.of(ConnectionDocument).values()
        if (connector := connectors.get(str(document.connector))) is not None
        for name, operation in connector.operations.items()
    }


def rows(document: FlowTestDocument) -> Iterator[tuple[str | None, Raw | None]]:
    """The name and the row of each case."""
    if not document.examples:
        yield None, None
    for name, row in document.examples.items():
        yield str(name), row


def case(
    document: FlowTestDocument,
    name: str | None,
    row: Raw | None,
    known: Known,
    *,
    at: datetime | None = None,
    recording: bool = False,
) -> Case:
    """A case made ready; `at` takes the place of its own `now`.

    Raises:
        TestError: when it is not written as a test is, or a fixture is missing.

    """
    filling = Filling(known.files, {} if row is None else _columns(known.files, row))
    written = {} if document.given is None else document.given.stubs
    given = {str(key): filling.written(raw) for key, raw in written.items()}
    xrefs = given.pop(XREF, None)
    stubs = _stubs(given, known) if document.flow else {}
    return Case(
        document=document,
        name=name,
        filling=filling,
        now=at or _now(document, filling),
        inputs={} if document.flow else _inputs(document, given, filling),
        flows=tuple(known.flows[str(flow)] for flow in document.flow),
        acts=tuple(_acts(document, filling, known)),
        stubs=Stubs(
            stubs,
            known.operations,
            known.entities,
            document.span if document.given is None else document.given.span,
            _spoken_of(document),
            recording and any(not one.keys for one in _expects(document)),
        ),
        xrefs=_records(xrefs),
    )


def _columns(files: Files, row: Raw) -> dict[str, Written]:
    """The values of a row, which may come from fixtures."""
    written = Filling(files).written(row)
    if not isinstance(written.value, Mapping):
        raise TestError("an example is a record of columns, such as {hours: 8, cycle: 2026-W22}", row.span)
    return {key: written.part(key) for key in written.value}


def _now(document: FlowTestDocument, filling: Filling) -> datetime:
    column = filling.columns.get(NOW)
    if column is not None:
        return _instant(column)
    if document.now is not None:
        return document.now if document.now.tzinfo is not None else document.now.replace(tzinfo=UTC)
    if document.flow:  # the compiler refuses it
        raise TestError("a test of a flow needs `now`", document.test.span)
    return datetime(2026, 1, 1, tzinfo=UTC)  # nothing in a mapping or a policy alone asks for it


def _instant(written: Written) -> datetime:
    try:
        found = datetime.fromisoformat(str(written.value))
        if found.tzinfo is not None:
            return in_utc(found)
    except ValueError:
        pass
    raise TestError("`now` is an instant, such as 2026-05-29T18:00:00Z", written.place())


def _stubs(given: Mapping[str, Written], known: Known) -> dict[str, Stub]:
    return {name: stub(name, found, known.operations.get(name)) for name, found in given.items()}


def _inputs(document: FlowTestDocument, given: Mapping[str, Written], filling: Filling) -> dict[str, Written]:
    """The inputs of a mapping or a policy; one of them may be called `event`."""
    found = dict(given)
    if document.given is not None and document.given.event is not None:
        found["event"] = filling.written(document.given.event)
    return found


def _spoken_of(document: FlowTestDocument) -> frozenset[str]:
    """The writes that a test names."""
    return frozenset(str(name) for one in _expects(document) for name in (*one.writes, *one.no_writes))


def _expects(document: FlowTestDocument) -> list[ExpectDocument]:
    found = (document.expect, *(act.expect for act in document.acts))
    return [one for one in found if one is not None]


def _acts(document: FlowTestDocument, filling: Filling, known: Known) -> Iterator[Act]:
    given = document.given
    if given is not None and document.flow:
        if given.event is not None:
            data = _data(filling.written(given.event))
            event = known.flows[str(document.flow[0])].event
            yield Act(span=given.event.span, event=(event, data), stubs={}, xrefs={})
        for raw in given.then:
            yield Act(span=raw.span, event=_event(filling.written(raw)), stubs={}, xrefs={})
        for policy in given.release:
            yield Act(span=policy.span, persons={"release": (_policy(policy, filling),)}, stubs={}, xrefs={})
    for act in document.acts:
        yield _act(act, filling, known)


def _act(document: ActDocument, filling: Filling, known: Known) -> Act:
    given = {str(name): filling.written(raw) for name, raw in document.given.items()}
    xrefs = given.pop(XREF, None)
    said = (document.by, document.role, document.reason, document.second)
    by, role, reason, second = (None if text is None else filling.text(text)[0] for text in said)
    return Act(
        span=document.span,
        after=timedelta(seconds=0 if document.after is None else document.after.seconds),
        at=document.at,
        event=_arriving(document, filling),
        persons={
            verb: tuple(_policy(policy, filling) for policy in policies)
            for verb, policies in document.persons.items()
        },
        code=str(document.code or "refused"),
        person=Person(by=by, role=role, reason=reason, second=second),
        stubs=_stubs(given, known),
        xrefs=_records(xrefs),
        expect=document.expect,
    )


def _policy(policy: Text, filling: Filling) -> Text:
    return Text(*filling.text(policy))


def _arriving(document: ActDocument, filling: Filling) -> tuple[str, Written] | None:
    if document.event is None or document.data is None:
        return None
    return str(document.event), filling.written(document.data)


def _data(event: Written) -> Written:
    value = event.value
    if not isinstance(value, Mapping) or "data" not in value:
        raise TestError("an event is written {data: {...}}", event.place())
    return event.part("data")


def _event(event: Written) -> tuple[str, Written]:
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
