"""Policies to compiled conditions and outcomes."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from engine.compile import policy_problems, problems
from engine.compile.asked import inputs_that_may_be_null
from engine.compile.body import Body, Target
from engine.compile.build_mappings import check_names
from engine.compile.check_table import check_table
from engine.compile.collect_models import CHECK_FIELDS, resolve_type
from engine.compile.compilation import Compilation, Signature
from engine.compile.correlation import match_of
from engine.compile.decision_table import DecisionTable, table_of
from engine.compile.delays import delay
from engine.compile.emit_table import ROW, emit_matches, facts_of_row, sentence_of_row
from engine.compile.expressions import Expressions
from engine.compile.facts import Fact, facts_of, keeper, sentence_of
from engine.compile.fit import refuses
from engine.language.compiled import Compiled, EvaluationError
from engine.language.generate import Emitter
from engine.language.known import NO_FACTS, Facts
from engine.plan.delay import Delay, Match
from engine.plan.policy import Alert, Escalation, Expiry, Hold, PolicyPlan, Until
from engine.source import Text
from engine.spec.field import IDENTIFIER, Duration, TemplateText
from engine.values import type as types
from engine.values.money import may_mean_thousands
from engine.values.type import ANY, MONEY, STRING, Field, Record, Type
from engine.values.value import Value, kind_of
from engine.workspace.kinds.delay import CalendarUseDocument
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.policy import (
    AlertDocument,
    ApproveDocument,
    ExpiresDocument,
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
        compilation.policy_types[name] = Signature(
            inputs=inputs,
            output=ANY,
            nullable=inputs_that_may_be_null(Expressions(compilation), document, inputs),
        )
        _check(compilation, document)
        if not check_names(compilation, document.inputs, document.let):
            compilation.spoiled.add((document.kind, name))
            continue
        # Compiled by itself for what is wrong with it: a policy may be used by no check yet.
        if _read_table(compilation, document):
            Decision(compilation, f"policy {name}").add(document, 0)
            builder = _Builder(compilation, document)
            compilation.policies[name], *variants = builder.policies()
            compilation.variants[name] = tuple(variants)
        else:
            compilation.spoiled.add((document.kind, name))
        body_of(compilation, Expressions(compilation), document).need_all()


def _read_table(compilation: Compilation, document: PolicyDocument) -> bool:
    """Read and check the decision table of a policy, if it has one; whether the policy can be used."""
    decide = document.decide
    if decide is None:
        return document.then is not None
    body = body_of(compilation, Expressions(compilation), document)
    table = table_of(compilation, document, decide, body)
    if table is None:
        return False
    compilation.decision_tables[str(document.name)] = table
    if all(compilation.knows_type(kind) for kind in document.inputs.values()):
        for problem in check_table(table, decide.keys.get("rows") or decide.keys.get("file") or decide.span):
            compilation.report(problem)
    return True


def _check(compilation: Compilation, document: PolicyDocument) -> None:
    """What the outcomes of a policy do not say."""
    if document.decide is not None:
        for key in ("then", "reason", "note"):
            if key in document.keys:
                compilation.report(policy_problems.when_or_decide(document.name, document.keys[key], key))
        for row in document.decide.rows or ():
            if row.then is not None:
                _check_outcome(compilation, document, row.then, row.reason, row.about or document.about)
        return
    then = document.then
    if then is None or not (_outcomes(then) or then.set):
        place = document.name.span if then is None else then.span
        compilation.report(problems.policy_without_outcome(document.name, place))
    if then is not None:
        _check_outcome(compilation, document, then, document.reason, document.about)


def _ends(hold: HoldDocument) -> bool:
    """Whether anything ends a hold: an event, a person, or time."""
    expires = hold.expires is not None and hold.expires.then != "alert"
    return hold.until is not None or hold.release is not None or expires


def _outcomes(then: OutcomeDocument) -> bool:
    return any((then.hold, then.roll, then.reject, then.route, then.alert, then.approve))


def _check_outcome(
    compilation: Compilation,
    document: PolicyDocument,
    then: OutcomeDocument,
    reason: TemplateText | None,
    about: Text | None,
) -> None:
    name, keys = document.name, then.keys
    if then.hold is not None and not _ends(then.hold):
        compilation.report(problems.hold_without_release(name, then.hold.span))
    decision = next((keys[key] for key in ("hold", "reject", "approve") if key in keys), None)
    if decision is not None and reason is None and about is None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """What follows from a rule or from a row of a table, and in whose words."""

    then: OutcomeDocument
    reason: TemplateText | None
    note: TemplateText | None
    several: bool = False  # rows of one table may say it together

    @property
    def acts(self) -> bool:
        """Whether it changes the course of work, so that it is kept by which facts."""
        then = self.then
        return any((then.hold, then.approve, then.reject, then.roll, then.alert))

    @property
    def owes_reason(self) -> bool:
        """Whether a sentence has to be made for it: nobody wrote one that tells why."""
        then = self.then
        stops = any((then.hold, then.approve, then.reject))
        tells = then.alert is not None and then.alert.message is None
        return self.reason is None and bool(stops or (self.note is None and (tells or then.roll is not None)))


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
        self._emitter = compilation.emitter()
        self._inputs: dict[str, Type] = {}
        self._places = self._emitter.assign("[]")
        self._parts = {"fired": self._emitter.assign("[]")}
        self._parts.update({name: self._emitter.assign(value) for name, value in _PARTS.items()})
        self._facts = False  # whether a policy keeps what it was decided by
        self._complain = self._emitter.constant(_complain)

    def add(self, document: PolicyDocument, place: int) -> None:
        """Ask this policy as well, and take down what it says when it applies."""
        name, emitter = str(document.name), self._emitter
        inputs = self._compilation.policy_types[name].inputs
        self._inputs.update(inputs)
        body = body_of(self._compilation, self._expressions, document, emitter=emitter)
        if document.when is None:
            self._add_table(document, self._compilation.decision_tables[name], place, body)
            return
        assert document.then is not None
        for key in document.then.set:
            self._parts.setdefault(str(key), "None")
        condition = body.condition(document.when).atom
        says = Says(then=document.then, reason=document.reason, note=document.note)
        body.assume(body.shown(document.when)[0])
        if self._compilation.probe is not None:
            told = emitter.constant(self._compilation.probe.condition(document.when.span), "probe")
            emitter.line(f"{told}({condition})")
        with emitter.block(f"if {condition} is True:"):
            if document.then.hold or document.then.approve or document.then.alert:
                emitter.line(f"{self._places}.append({place})")
            emitter.line(f"{self._parts['fired']}.append({name!r})")
            facts = (
                facts_of(self._compilation, body, document.when, document.let)
                if says.acts and condition != "None"
                else []
            )
            self._say(
                document.name,
                says,
                body,
                self._kept(name, facts) if says.acts else None,
                sentence_of(_words(document)),
            )
        with emitter.block(f"elif {condition} is not False:"):
            emitter.line(f"{self._complain}({name!r}, {condition})")

    def _add_table(self, document: PolicyDocument, table: DecisionTable, place: int, body: Body) -> None:
        """Ask a decision table, and take down what the rows say that apply."""
        name, emitter = str(document.name), self._emitter
        for row in table.rows:
            for key in row.then.set if row.then else ():
                self._parts.setdefault(str(key), "None")
        found, values = emit_matches(body, table, name)
        if self._compilation.probe is not None:
            rows = [(row.number, row.span) for row in table.rows]
            told = emitter.constant(self._compilation.probe.rows(name, rows), "probe")
            emitter.line(f"{told}({found})")
        saying = [index for index, row in enumerate(table.rows) if row.says]
        if not saying:
            return
        several = table.hit == "all"
        acting = variants_of(table)
        with emitter.block(f"if {found} & {sum(1 << index for index in saying)}:"):
            emitter.line(f"{self._parts['fired']}.append({name!r})")
            for order, index in enumerate(saying):
                test = f"{found} & {1 << index}" if several else f"{found} == {1 << index}"
                scope, known = dict(emitter.scope), body.types
                with emitter.block(f"{'if' if several or not order else 'elif'} {test}:"):
                    if index in acting:
                        emitter.line(f"{self._places}.append({place + 1 + acting.index(index)})")
                    self._say_row(document, table, index, values, body)
                # What a row computed for itself, the next one does not have.
                emitter.scope, body.types = scope, known

    def _say_row(
        self, document: PolicyDocument, table: DecisionTable, index: int, values: Sequence[str], body: Body
    ) -> None:
        row, name = table.rows[index], str(document.name)
        then = row.then or OutcomeDocument(span=row.span)
        says = Says(then=then, reason=row.reason, note=row.note, several=table.hit == "all")
        kept = None
        if says.acts:
            kept = self._kept(
                f"{name} row {row.number}" if says.several else name,
                facts_of_row(table, index, values),
                f"{ROW!r}: {row.number}, ",
            )
        words = sentence_of_row(table, index, row.about or _words(document))
        self._say(document.name, says, body, kept, words)

    def _kept(self, name: str, facts: Sequence[Fact], first: str = "") -> str:
        """Keep by which facts it was decided; the local that holds them."""
        if not facts and not first:
            return "{}"
        emitter, self._facts = self._emitter, True
        if all(fact.sure for fact in facts):
            values = ", ".join(f"{fact.label!r}: {fact.atom}" for fact in facts)
        else:
            atoms = "".join(f"{fact.atom}, " for fact in facts)
            values = f"**{emitter.constant(keeper(facts), 'keep')}(({atoms}))"
        made = emitter.assign(f"{{{first}{values}}}")
        with emitter.block("if facts is None:"):
            emitter.line("facts = {}")
        emitter.line(f"facts[{name!r}] = {made}")
        return made

    def _say(
        self,
        name: Text,
        says: Says,
        body: Body,
        facts: str | None,
        sentence: Callable[[Mapping[str, Value]], str],
    ) -> None:
        then, parts, line = says.then, self._parts, self._emitter.line
        quoted, before = repr(str(name)), ""
        if says.several:
            before = f"({parts['reasons']}[{quoted}] + ' ' if {quoted} in {parts['reasons']} else '') + "
        if says.reason is not None:
            line(f"{parts['reasons']}[{quoted}] = {before}{body.expression(says.reason).atom}")
        elif says.owes_reason:
            made = f"{self._emitter.constant(sentence, 'sentence')}({facts})"
            line(f"{parts['reasons']}[{quoted}] = {before}{made}")
        if says.note is not None:
            line(f"{parts['notes']}.append({body.expression(says.note).atom})")
        for outcome, part in ((then.reject, "rejected"), (then.roll, "rolled")):
            if outcome is not None:
                once = f"if {quoted} not in {parts[part]}: " if says.several else ""
                line(f"{once}{parts[part]}.append({quoted})")
        if then.roll is not None:
            line(f"{parts['cycle']} = {self._cycle(body, then.roll.cycle)}")
        if then.route is not None:
            line(f"{parts['route']} = {_entry(body, then.route.to, name)}")
        for key, entry in then.set.items():
            line(f"{self._named(str(key))} = {_entry(body, entry, name)}")

    def _cycle(self, body: Body, text: Text) -> str:
        found = body.expression(text)
        if refuses(cast("Record", CHECK_FIELDS["cycle"].type), found.type):
            told = "a cycle", types.describe(found.type)
            self._compilation.report(problems.other_type_found(text, *told))
        return found.atom

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
        made = f"{{{value}}}"
        if self._facts:
            defaults.append("facts")
            made = emitter.assign(made)
            with emitter.block("if facts is not None:"):
                emitter.line(f"{made}['facts'] = facts")
        call, _ = emitter.build(
            self._title, f"({self._places}, {made})", first=[f"{atom} = None" for atom in defaults]
        )
        return cast("Callable[[Mapping[str, Value]], tuple[list[int], dict[str, Value]]]", call)


def set_by(compilation: Compilation, document: PolicyDocument) -> list[str]:
    """The names of the values that a policy sets."""
    table = compilation.decision_tables.get(str(document.name))
    thens = (document.then,) if table is None else tuple(row.then for row in table.rows)
    return list(dict.fromkeys(str(key) for then in thens if then is not None for key in then.set))


def refuted_by(compilation: Compilation, document: PolicyDocument) -> Facts:
    """What is shown of the inputs of a policy where it does not apply, if work stops where it does."""
    if document.when is None or document.then is None or document.then.reject is None:
        return NO_FACTS
    body = body_of(compilation, Expressions(compilation), document)
    inputs = compilation.policy_types[str(document.name)].inputs
    facts = body.shown(document.when)[1]
    return {place: known for place, known in facts.items() if place[0] in inputs}


def _words(document: PolicyDocument) -> str:
    """The rule in its own words, for a reason that nobody wrote."""
    return str(document.about or f"Policy {document.name} applies")


def variants_of(table: DecisionTable) -> list[int]:
    """The rows that hold, ask or tell somebody: each has an outcome of its own in the plan."""
    return [
        index
        for index, row in enumerate(table.rows)
        if row.then is not None and any((row.then.hold, row.then.approve, row.then.alert))
    ]


def body_of(
    compilation: Compilation,
    expressions: Expressions,
    document: PolicyDocument,
    more: Mapping[str, Type] | None = None,
    emitter: Emitter | None = None,
) -> Body:
    """A function over the inputs of a policy and its `let` values."""
    signature = compilation.policy_types[str(document.name)]
    inputs = {**signature.inputs, **(more or {})}
    nullable = signature.nullable - (more or {}).keys()
    return Body(compilation, expressions, inputs, document.let, nullable=nullable, emitter=emitter)


def _entry(body: Body, entry: EntryDocument, name: Text) -> str:
    body.need(entry)
    return body.entry(entry, Target(name, str(name), None)).atom


def _complain(policy: str, value: Value) -> None:
    raise EvaluationError(
        f"the condition of policy {policy} must be true or false, and it is {kind_of(value)}"
    )


class _Builder:
    """Compiles the expressions of one policy, each to a function of its own."""

    def __init__(self, compilation: Compilation, document: PolicyDocument) -> None:
        self._compilation = compilation
        self._document = document
        self._expressions = Expressions(compilation)

    def policies(self) -> tuple[PolicyPlan, ...]:
        """What can follow: of a rule one thing; of a table nothing special, and what each acting row does."""
        document = self._document
        table = self._compilation.decision_tables.get(str(document.name))
        if document.then is not None and table is None:
            return (self._policy(document.then),)
        assert table is not None
        thens = [row.then for row in table.rows if row.then is not None]
        rejects = next((then.reject for then in thens if then.reject is not None), None)
        plain = OutcomeDocument(span=document.span, reject=rejects)
        acting = [table.rows[index].then for index in variants_of(table)]
        return (self._policy(plain), *(self._policy(then) for then in acting if then is not None))

    def _policy(self, then: OutcomeDocument) -> PolicyPlan:
        document = self._document
        return PolicyPlan(
            name=str(document.name),
            version=document.version,
            owner=None if document.owner is None else str(document.owner),
            hold=self._hold(then),
            reject=None if then.reject is None else str(then.reject.code or document.name),
            alert=None if then.alert is None else self._alert(then.alert),
            roll=None if then.roll is None else self._text(then.roll.cycle, "cycle"),
        )

    def _body(self, more: Mapping[str, Type] | None = None) -> Body:
        body = body_of(self._compilation, self._expressions, self._document, more)
        if self._document.when is not None:
            body.assume(body.shown(self._document.when)[0])
        return body

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
                    four_eyes_over=self._limit(approve.four_eyes_over, approve.amount),
                    amount=self._amount(approve.amount),
                    escalations=self._escalations(approve),
                    expires=self._expiry(approve.expires),
                )
            case _:
                return None

    def _held(self, hold: HoldDocument) -> Hold:
        release = hold.release
        return Hold(
            approval=False,
            until=None if hold.until is None else self._until(hold.until),
            role=None if release is None else str(release.role),
            reason_required=release is None or release.reason == "required",
            four_eyes_over=None if release is None else self._limit(release.four_eyes_over, hold.amount),
            amount=self._amount(hold.amount),
            escalations=self._escalations(hold),
            expires=self._expiry(hold.expires),
        )

    def _escalations(self, held: HoldDocument | ApproveDocument) -> tuple[Escalation, ...]:
        return tuple(
            Escalation(after=self._delay(one.after, one.calendar), to=str(one.to)) for one in held.escalate
        )

    def _expiry(self, expires: ExpiresDocument | None) -> Expiry | None:
        if expires is None:
            return None
        to = str(expires.to or self._document.owner or "")
        after = self._delay(expires.after, expires.calendar)
        return Expiry(after=after, then=str(expires.then), to=to)

    def _delay(self, length: Duration, calendar: CalendarUseDocument | None) -> Delay:
        return delay(self._compilation, length, calendar, self._body, f"policy {self._document.name}")

    def _limit(self, limit: Text | None, amount: EntryDocument | None) -> str | None:
        if limit is not None and may_mean_thousands(limit):
            self._compilation.report(policy_problems.limit_of_thousands(limit))
        if limit is not None and amount is None:
            self._compilation.report(policy_problems.four_eyes_without_amount(limit))
        return None if limit is None else str(limit)

    def _amount(self, entry: EntryDocument | None) -> Compiled | None:
        """The money at stake, as a function of its own: it is asked for when the hold opens."""
        if entry is None:
            return None
        body, name = self._body(), self._document.name
        body.need(entry)
        found = body.entry(entry, Target(name, "amount", None))
        if refuses(MONEY, found.type) or (isinstance(found.type, Record) and not _is_money(found.type)):
            told = types.describe(found.type)
            self._compilation.report(policy_problems.amount_is_no_money(entry.span, told))
        return body.build(f"policy {name} amount", "amount", found.atom)

    def _until(self, until: UntilDocument) -> Until:
        where, match = None, cast("Match", ())
        if until.event not in self._compilation.event_types:
            self._compilation.unknown("event", until.event, self._compilation.event_types)
        if until.where is not None:
            body = self._body({"event": event_type(self._compilation, str(until.event))})
            where = body.compiled_condition(f"policy {self._document.name} until", until.where)
            inputs = self._compilation.policy_types[str(self._document.name)].inputs
            match = match_of(self._expressions.parse(until.where), inputs)
        return Until(event=str(until.event), where=where, match=match)

    def _alert(self, alert: AlertDocument) -> Alert:
        message = None if alert.message is None else self._text(alert.message, "alert")
        return Alert(to=str(alert.to), severity=str(alert.severity), message=message)


def _is_money(kind: Record) -> bool:
    return kind.open or kind.fields.keys() == MONEY.fields.keys()


def event_type(compilation: Compilation, name: str) -> Type:
    """The type of `event` where an event is awaited: a record of its type and its data."""
    data = compilation.event_types.get(name, ANY)
    return Record(
        name=f"event {name}",
        fields={"type": Field(type=STRING, required=True), "data": Field(type=data, required=True)},
    )
