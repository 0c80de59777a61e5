"""Policies to compiled conditions and outcomes."""

from collections.abc import Mapping

from engine.compile import problems
from engine.compile.body import Body, Target
from engine.compile.build_mappings import check_lets
from engine.compile.collect_models import CHECK_FIELDS, resolve_type
from engine.compile.compilation import Compilation, Signature
from engine.compile.expressions import Expressions
from engine.language.compiled import Compiled
from engine.plan.policy import Alert, Hold, PolicyPlan, Until
from engine.source import Text
from engine.values.type import ANY, STRING, Field, Record, Type
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.policy import (
    AlertDocument,
    ApproveDocument,
    HoldDocument,
    OutcomeDocument,
    PolicyDocument,
    UntilDocument,
)


def build_policies(compilation: Compilation) -> None:
    """Every policy, checked for an outcome, a reason and a way out of its hold."""
    for document in compilation.documents(PolicyDocument).values():
        inputs = {str(name): resolve_type(compilation, kind) for name, kind in document.inputs.items()}
        check_lets(compilation, document.let, inputs)
        _check(compilation, document)
        name = str(document.name)
        compilation.policy_types[name] = Signature(inputs=inputs, output=ANY)
        compilation.policies[name] = _Builder(compilation, document, inputs).policy()


def _check(compilation: Compilation, document: PolicyDocument) -> None:
    then = document.then
    outcomes = (then.hold, then.roll, then.reject, then.route, then.alert, then.approve)
    if not any(outcomes) and not then.set:
        compilation.report(problems.policy_without_outcome(document.name))
    if then.hold is not None and then.hold.until is None and then.hold.release is None:
        compilation.report(problems.hold_without_release(document.name, then.hold))
    if (then.hold or then.reject or then.approve) and document.reason is None:
        compilation.report(problems.decision_without_reason(document.name))
    if then.hold is not None and then.approve is not None:
        compilation.report(problems.hold_and_approve(document.name))
    for name in then.set:
        if name in CHECK_FIELDS:
            compilation.report(problems.hides(name, "a part of what every check gives"))


class _Builder:
    """Compiles the expressions of one policy, each to a function of its own."""

    def __init__(self, compilation: Compilation, document: PolicyDocument, inputs: Mapping[str, Type]) -> None:
        self._compilation = compilation
        self._document = document
        self._inputs = inputs
        self._expressions = Expressions(compilation)

    def policy(self) -> PolicyPlan:
        document, then = self._document, self._document.then
        return PolicyPlan(
            name=str(document.name),
            version=document.version,
            owner=None if document.owner is None else str(document.owner),
            when=self._text(document.when, "when"),
            hold=self._hold(then),
            roll=None if then.roll is None else self._text(then.roll.cycle, "roll"),
            reject=None if then.reject is None else str(then.reject.code or document.name),
            route=None if then.route is None else self._entry(then.route.to, "route"),
            set=tuple((str(name), self._entry(entry, f"set {name}")) for name, entry in then.set.items()),
            alert=None if then.alert is None else self._alert(then.alert),
            reason=None if document.reason is None else self._text(document.reason, "reason"),
            note=None if document.note is None else self._text(document.note, "note"),
        )

    def _body(self, more: Mapping[str, Type] | None = None) -> Body:
        return Body(self._compilation, self._expressions, {**self._inputs, **(more or {})}, self._document.let)

    def _text(self, text: Text, part: str) -> Compiled:
        return self._body().compiled(f"policy {self._document.name} {part}", text)

    def _entry(self, entry: EntryDocument, part: str) -> Compiled:
        body = self._body()
        body.need(entry)
        made = body.entry(entry, Target(self._document.name, part, None))
        return body.build(f"policy {self._document.name} {part}", part, made.atom)

    def _hold(self, then: OutcomeDocument) -> Hold | None:
        match then:
            case OutcomeDocument(hold=HoldDocument() as hold):
                return self._held(hold)
            case OutcomeDocument(approve=ApproveDocument() as approve):
                return Hold(
                    approval=True,
                    until=None,
                    role=str(approve.role),
                    reason_required=False,
                    four_eyes_over=None,
                    escalate_to=None if approve.escalate is None else str(approve.escalate.to),
                    escalate_after_seconds=None if approve.escalate is None else approve.escalate.after.seconds,
                )
            case _:
                return None

    def _held(self, hold: HoldDocument) -> Hold:
        release, escalate = hold.release, hold.escalate
        return Hold(
            approval=False,
            until=None if hold.until is None else self._until(hold.until),
            role=None if release is None else str(release.role),
            reason_required=release is None or release.reason == "required",
            four_eyes_over=None if release is None or release.four_eyes_over is None else str(release.four_eyes_over),
            escalate_to=None if escalate is None else str(escalate.to),
            escalate_after_seconds=None if escalate is None else escalate.after.seconds,
        )

    def _until(self, until: UntilDocument) -> Until:
        where = None
        if until.event not in self._compilation.event_types:
            self._compilation.unknown("event", until.event, self._compilation.event_types)
        if until.where is not None:
            body = self._body({"event": event_type(self._compilation, str(until.event))})
            where = body.compiled(f"policy {self._document.name} until", until.where)
        return Until(event=str(until.event), where=where)

    def _alert(self, alert: AlertDocument) -> Alert:
        message = None if alert.message is None else self._text(alert.message, "alert")
        return Alert(to=str(alert.to), severity=str(alert.severity), message=message)


def event_type(compilation: Compilation, name: str) -> Type:
    """The type of `event` where an event is awaited: a record of its type and its data."""
    data = compilation.event_types.get(name, ANY)
    return Record(
        name=f"event {name}",
        fields={"type": Field(type=STRING, required=True), "data": Field(type=data, required=True)},
    )

