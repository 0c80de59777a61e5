"""Policies to compiled conditions and outcomes."""

import re
from collections.abc import Callable, Mapping
from typing import cast

from engine.compile import problems
from engine.compile.body import Body, Target
from engine.compile.build_mappings import check_names
from engine.compile.collect_models import CHECK_FIELDS, resolve_type
from engine.compile.compilation import Compilation, Signature
from engine.compile.expressions import Expressions
from engine.language.compiled import Compiled, EvaluationError
from engine.language.generate import Emitter
from engine.plan.policy import Alert, Hold, PolicyPlan, Until
from engine.source import Text
from engine.spec.field import IDENTIFIER
from engine.values.type import ANY, STRING, Field, Record, Type
from engine.values.value import Value, kind_of
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
        name = str(document.name)
        compilation.policy_types[name] = Signature(inputs=inputs, output=ANY)
        _check(compilation, document)
        if not check_names(compilation, document.inputs, document.let):
            compilation.spoiled.add((document.kind, name))
            continue
        # Compiled by itself for what is wrong with it: a policy may be used by no check yet.
        Decision(compilation, f"policy {name}").add(document, 0)
        Body(compilation, Expressions(compilation), inputs, document.let).need_all()
        compilation.policies[name] = _Builder(compilation, document, inputs).policy()


def _check(compilation: Compilation, document: PolicyDocument) -> None:
    name, then, keys = document.name, document.then, document.then.keys
    outcomes = (then.hold, then.roll, then.reject, then.route, then.alert, then.approve)
    if not any(outcomes) and not then.set:
        compilation.report(problems.policy_without_outcome(name, then.span))
    if then.hold is not None and then.hold.until is None and then.hold.release is None:
        compilation.report(problems.hold_without_release(name, then.hold.span))
    decision = next((keys[key] for key in ("hold", "reject", "approve") if key in keys), None)
    if decision is not None and document.reason is None:
        compilation.report(problems.decision_without_reason(name, decision))
    if then.hold is not None and then.approve is not None:
        compilation.report(problems.hold_and_approve(name, keys["hold"], keys["approve"]))
    for key in then.set:
        if key in CHECK_FIELDS:
            compilation.report(problems.hides(key.span, key, "a part of what every check gives"))
        elif not re.fullmatch(IDENTIFIER, key):
            compilation.report(problems.no_name(key))


# What every check gives, and how it begins.
_PARTS = {
    "held": "[]",
    "rolled": "[]",
    "rejected": "[]",
    "released": "[]",
    "route": "None",
    "cycle": "None",
    "notes": "[]",
    "reasons": "{}",
}


class Decision:
    """One function that puts all policies of a check to the scope.

    It gives the places of those that apply and hold or alert, and the value of the check but for
    holds. What several policies look up is looked up once.
    """

    def __init__(self, compilation: Compilation, title: str) -> None:
        """Begin with no policies."""
        self._compilation = compilation
        self._title = title
        self._expressions = Expressions(compilation)
        self._emitter = Emitter()
        self._inputs: dict[str, Type] = {}
        self._places = self._emitter.assign("[]")
        self._parts = {"fired": self._emitter.assign("[]")}
        self._parts.update({name: self._emitter.assign(value) for name, value in _PARTS.items()})
        self._complain = self._emitter.constant(_complain)

    def add(self, document: PolicyDocument, place: int) -> None:
        """Ask this policy as well, and take down what it says when it applies."""
        name, emitter = str(document.name), self._emitter
        inputs = self._compilation.policy_types[name].inputs
        self._inputs.update(inputs)
        body = Body(self._compilation, self._expressions, inputs, document.let, emitter=emitter)
        for key in document.then.set:
            self._parts.setdefault(str(key), "None")
        condition = body.condition(document.when).atom
        with emitter.block(f"if {condition} is True:"):
            if document.then.hold or document.then.approve or document.then.alert:
                emitter.line(f"{self._places}.append({place})")
            emitter.line(f"{self._parts['fired']}.append({name!r})")
            self._say(document, name, body)
        with emitter.block(f"elif {condition} is not False:"):
            emitter.line(f"{self._complain}({name!r}, {condition})")

    def _say(self, document: PolicyDocument, name: str, body: Body) -> None:
        then, parts, line = document.then, self._parts, self._emitter.line
        if document.reason is not None:
            line(f"{parts['reasons']}[{name!r}] = {body.expression(document.reason).atom}")
        if document.note is not None:
            line(f"{parts['notes']}.append({body.expression(document.note).atom})")
        if then.reject is not None:
            line(f"{parts['rejected']}.append({name!r})")
        if then.roll is not None:
            line(f"{parts['rolled']}.append({name!r})")
            line(f"{parts['cycle']} = {body.expression(then.roll.cycle).atom}")
        if then.route is not None:
            line(f"{parts['route']} = {_entry(body, then.route.to, document.name)}")
        for key, entry in then.set.items():
            line(f"{self._named(str(key))} = {_entry(body, entry, document.name)}")

    def _named(self, key: str) -> str:
        """The local of a value that policies set."""
        if self._parts[key] == "None":
            self._parts[key] = f"set_{list(self._parts).index(key)}"
        return self._parts[key]

    def build(self) -> Callable[[Mapping[str, Value]], tuple[list[int], dict[str, Value]]]:
        """The finished function."""
        emitter = self._emitter
        emitter.scope = {name: f"n_{name}" for name in self._inputs}
        value = ", ".join(f"{name!r}: {atom}" for name, atom in self._parts.items())
        defaults = [atom for name, atom in self._parts.items() if atom.startswith("set_")]
        call, _ = emitter.build(
            self._title, f"({self._places}, {{{value}}})", first=[f"{atom} = None" for atom in defaults]
        )
        return cast("Callable[[Mapping[str, Value]], tuple[list[int], dict[str, Value]]]", call)


def _entry(body: Body, entry: EntryDocument, name: Text) -> str:
    body.need(entry)
    return body.entry(entry, Target(name, str(name), None)).atom


def _complain(policy: str, value: Value) -> None:
    raise EvaluationError(
        f"the condition of policy {policy} must be true or false, and it is {kind_of(value)}"
    )


class _Builder:
    """Compiles the expressions of one policy, each to a function of its own."""

    def __init__(
        self, compilation: Compilation, document: PolicyDocument, inputs: Mapping[str, Type]
    ) -> None:
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
            hold=self._hold(then),
            reject=None if then.reject is None else str(then.reject.code or document.name),
            alert=None if then.alert is None else self._alert(then.alert),
        )

    def _body(self, more: Mapping[str, Type] | None = None) -> Body:
        return Body(
            self._compilation, self._expressions, {**self._inputs, **(more or {})}, self._document.let
        )

    def _text(self, text: Text, part: str) -> Compiled:
        return self._body().compiled(f"policy {self._document.name} {part}", text)

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
                    escalate_after_seconds=None
                    if approve.escalate is None
                    else approve.escalate.after.seconds,
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
            four_eyes_over=None
            if release is None or release.four_eyes_over is None
            else str(release.four_eyes_over),
            escalate_to=None if escalate is None else str(escalate.to),
            escalate_after_seconds=None if escalate is None else escalate.after.seconds,
        )

    def _until(self, until: UntilDocument) -> Until:
        where = None
        if until.event not in self._compilation.event_types:
            self._compilation.unknown("event", until.event, self._compilation.event_types)
        if until.where is not None:
            body = self._body({"event": event_type(self._compilation, str(until.event))})
            where = body.compiled_condition(f"policy {self._document.name} until", until.where)
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
