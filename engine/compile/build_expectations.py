"""Expectations: what has to happen in time; also the time that a flow says its runs are complete in."""

from collections.abc import Mapping

from engine.compile import expectation_problems as problems
from engine.compile.body import Body
from engine.compile.compilation import Compilation
from engine.compile.delays import delay
from engine.compile.expressions import Expressions
from engine.compile.fit import refuses
from engine.language.compiled import Compiled
from engine.plan.expectation import ExpectationPlan
from engine.plan.plan import FlowPlan
from engine.source import Text
from engine.spec.field import Duration
from engine.values.actors import OPERATIONS
from engine.values.type import ANY, Record, Type, describe, member
from engine.workspace.kinds.expectation import ComesDocument, ExpectationDocument
from engine.workspace.kinds.flow import FlowDocument


def build_expectations(compilation: Compilation) -> None:
    """Every expectation, those of flows that say in what time they are complete among them."""
    for document in compilation.documents(ExpectationDocument).values():
        found = _Builder(compilation, document).expectation()
        if found is not None:
            compilation.expectations.append(found)
    for flow_document in compilation.documents(FlowDocument).values():
        flow = compilation.flows.get(str(flow_document.name))
        if flow is not None and flow_document.slo is not None:
            length = flow_document.slo.complete_within
            compilation.expectations.append(_of_flow(compilation, flow, length))


def _of_flow(compilation: Compilation, flow: FlowPlan, length: Duration) -> ExpectationPlan:
    """The `slo` of a flow, as an expectation."""

    def body() -> Body:
        return Body(compilation, Expressions(compilation), {})

    return ExpectationPlan(
        name=f"slo/{flow.name}",
        owner=flow.owner,
        event=flow.event,
        input_name=flow.input_name,
        where=flow.where,
        flow=flow.name,
        comes=None,
        match=(),
        within=delay(compilation, length, None, body, f"flow {flow.name} slo"),
        to=flow.owner or OPERATIONS,
        severity="warning",
        message=None,
    )


class _Builder:
    """Builds one expectation."""

    def __init__(self, compilation: Compilation, document: ExpectationDocument) -> None:
        self._compilation = compilation
        self._document = document
        after = document.after
        self._input = "event" if after is None or after.name is None else str(after.name)
        self._types: Mapping[str, Type] = {}

    def expectation(self) -> ExpectationPlan | None:
        document = self._document
        subject = document.after or document.quiet
        if subject is None:
            return None  # reported when it was read
        kind = self._event(subject.event)
        self._types = {self._input: kind} if document.after is not None else {}
        length = self._length()
        if length is None:
            return None
        comes, after = document.comes, document.after
        return ExpectationPlan(
            name=str(document.name),
            owner=None if document.owner is None else str(document.owner),
            event=str(subject.event),
            input_name=self._input,
            where=None if after is None or after.where is None else self._condition(after.where),
            flow=None if comes is None or comes.flow is None else self._flow(comes.flow, str(subject.event)),
            comes=None if comes is None or comes.event is None else str(comes.event),
            match=() if comes is None or comes.event is None else self._match(comes),
            within=delay(
                self._compilation, length, document.calendar, self._body, f"expectation {document.name}"
            ),
            to=str(document.alert.to),
            severity=str(document.alert.severity),
            message=None if document.alert.message is None else self._text(document.alert.message),
        )

    def _length(self) -> Duration | None:
        """In what time; None, and a problem, when a part is missing or does not belong there."""
        document = self._document
        if document.quiet is not None:
            for key in ("comes", "within"):
                if key in document.keys:
                    self._compilation.report(problems.no_part_of_quiet(document.keys[key], key))
            return document.quiet.for_
        assert document.after is not None
        missing = [key for key in ("comes", "within") if getattr(document, key) is None]
        if missing:
            self._compilation.report(problems.lacks(document.after.event, missing))
        return None if missing else document.within

    def _body(self) -> Body:
        return Body(self._compilation, Expressions(self._compilation), dict(self._types))

    def _title(self, part: str) -> str:
        return f"expectation {self._document.name} {part}"

    def _condition(self, text: Text) -> Compiled:
        return self._body().compiled_condition(self._title("where"), text)

    def _text(self, text: Text) -> Compiled:
        return self._body().compiled(self._title("message"), text)

    def _event(self, text: Text) -> Type:
        if str(text) not in self._compilation.event_types:
            self._compilation.unknown("event", text, self._compilation.event_types)
        return self._compilation.event_types.get(str(text), ANY)

    def _flow(self, text: Text, event: str) -> str:
        flow = self._compilation.flows.get(str(text))
        if flow is None:
            known = [str(document.name) for document in self._compilation.documents(FlowDocument).values()]
            if str(text) not in known:
                self._compilation.unknown("flow", text, known)
        elif flow.event != event:
            starts = [one.name for one in self._compilation.flows.values() if one.event == event]
            self._compilation.report(problems.flow_of_another_event(text, event, flow.event, starts))
        return str(text)

    def _match(self, comes: ComesDocument) -> tuple[tuple[tuple[str, ...], Compiled], ...]:
        assert comes.event is not None
        kind = self._event(comes.event)
        if not comes.match:
            self._compilation.report(problems.any_would_do(comes.event))
        found = []
        for key, path in comes.match.items():
            chain = tuple(str(key).split("."))
            self._check_field(comes.event, kind, key, chain, path)
            found.append((chain, self._body().compiled(self._title(f"match {key}"), path)))
        return tuple(found)

    def _check_field(self, event: Text, kind: Type, key: Text, chain: tuple[str, ...], path: Text) -> None:
        for name in chain:
            field = member(kind, name)
            if field is None:
                known = list(kind.fields) if isinstance(kind, Record) else []
                self._compilation.report(problems.no_such_field(event, key, name, known))
                return
            kind = field.type
        given = self._body().expression(path).type
        if refuses(kind, given):
            self._compilation.report(problems.never_equal(path, str(key), describe(kind), describe(given)))
