"""Flows: edges found, cycles refused, steps compiled in an order in which each follows what it needs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast

from engine.compile import problems
from engine.compile.body import Body, texts_of
from engine.compile.build_policies import Decision, event_type, refuted_by, set_by
from engine.compile.build_versions import name_of_event, triggered_by
from engine.compile.check_effects import check_undo, effect_of, undo_of
from engine.compile.collect_models import CHECK, RECEIPT
from engine.compile.compilation import Compilation, Signature
from engine.compile.correlation import match_of
from engine.compile.delays import delay
from engine.compile.expressions import Expressions
from engine.compile.fit import contradicts, refuses
from engine.connect.connector_plan import OperationPlan
from engine.language.compiled import Compiled
from engine.language.known import NO_FACTS, Facts, both
from engine.plan import graph
from engine.plan.delay import Delay, Match
from engine.plan.effect import UndoPlan
from engine.plan.plan import BLOCKING, FlowPlan, RetryPlan
from engine.plan.policy import PolicyPlan
from engine.plan.step import (
    ENTITY,
    AnyStep,
    CheckStep,
    ChooseStep,
    EmitStep,
    ForEach,
    Link,
    Make,
    MapStep,
    Need,
    ReadStep,
    WaitStep,
    WriteStep,
)
from engine.source import Span, Text
from engine.spec.field import STEP_NAME
from engine.spec.shape import fields_of
from engine.values import type as types
from engine.values.type import ANY, DATETIME, STRING, Enum, Field, Listing, Record, Type
from engine.values.value import Value
from engine.workspace.kinds.flow import FlowDocument, RetryDocument, StepDocument, WaitDocument
from engine.workspace.kinds.model import EntityDocument, EventDocument
from engine.workspace.kinds.policy import PolicyDocument
from engine.workspace.kinds.reference import ConnectionDocument

VERBS = ("read", "check", "write", "emit", "wait", "choose")

ENTITY_PARAMETERS = Record(name="", fields={"id": Field(type=STRING, required=True)})

WEIGHTS: Mapping[str, int] = MappingProxyType({"high": 10, "normal": 0, "low": -10})

_STEP_KEYS = frozenset(field.key for field in fields_of(StepDocument))

# The keys of a step that say something about these verbs only.
KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "with": ("read", "map", "write", "emit"),
        "cache": ("read",),
        "missing": ("read",),
        "links": ("write",),
        "undo": ("write",),
        "irreversible": ("write",),
        "stands": ("write",),
        "faults": ("write",),
        "proposes": ("write",),
    }
)


def build_flows(compilation: Compilation) -> None:
    """Every flow; one with a cycle, or without a usable trigger, is left out."""
    for document in compilation.documents(FlowDocument).values():
        builder = FlowBuilder(compilation, document)
        flow = builder.flow()
        if flow is not None:
            compilation.flows[flow.name] = flow


def _retry_of(written: RetryDocument | None) -> RetryPlan:
    if written is None:
        return RetryPlan()
    return RetryPlan(
        attempts=written.attempts,
        patience_seconds=None if written.patience is None else float(written.patience.seconds),
        longest_seconds=None if written.longest is None else float(written.longest.seconds),
    )


def _weight_of(priority: str) -> int:
    return WEIGHTS[priority] if priority in WEIGHTS else int(priority)


@dataclass(frozen=True, slots=True)
class _Edge:
    """What a step needs, and where it says so."""

    step: str
    branch: str | None
    text: Text  # an expression, or the mapping or policy that has an input of this name


class FlowBuilder:
    """Builds one flow."""

    def __init__(self, compilation: Compilation, document: FlowDocument) -> None:
        """Take the names in scope from the trigger; the steps add theirs."""
        self.compilation = compilation
        self.document = document
        self.expressions = Expressions(compilation)
        self.input_name = str(document.trigger.name or "event")
        kind, self.earlier = triggered_by(compilation, document.trigger.event)
        self.scope: dict[str, Type] = {
            self.input_name: kind,
            "now": DATETIME,
        }
        self.steps = {str(name): step for name, step in document.steps.items()}
        self.verbs = {
            name: self._verb(key, step)
            for key, (name, step) in zip(document.steps, self.steps.items(), strict=True)
        }
        self.results: dict[str, Type] = {}
        self.nullable: set[str] = set()
        self.facts: Facts = NO_FACTS  # what was shown before the step at hand is reached
        self.shown: dict[str, Facts] = {}  # what has been shown where a step is done

    def flow(self) -> FlowPlan | None:
        """The flow, if its steps can be put in order."""
        document = self.document
        where = None
        if document.trigger.where is not None:
            where = self._condition("trigger", "where", document.trigger.where, {})
            self.facts = self._body({}).shown(document.trigger.where)[0]
        self.shown[""] = self.facts
        if not self._check_names():
            return None
        edges = {name: list(self._edges(name, step)) for name, step in self.steps.items()}
        needs = {name: [edge.step for edge in found] for name, found in edges.items()}
        cycle = graph.cycle(needs)
        if cycle is not None:
            following = [*cycle[1:], cycle[0]]
            said = [
                next(edge.text for edge in edges[name] if edge.step == other)
                for name, other in zip(cycle, following, strict=True)
            ]
            self.compilation.report(problems.cycle(list(zip(cycle, said, strict=True))))
            return None
        ordered = graph.order(needs)
        index = {name: number for number, name in enumerate(ordered)}
        steps = [self._step(name, index, edges[name], needs) for name in ordered]
        within = None if document.slo is None else document.slo.complete_within.seconds
        return FlowPlan(
            name=str(document.name),
            version=document.version,
            owner=None if document.owner is None else str(document.owner),
            event=name_of_event(document.trigger.event),
            earlier=self.earlier,
            input_name=self.input_name,
            where=where,
            steps=tuple(step for step in steps if step is not None),
            complete_within_seconds=within,
            compensates=document.compensate == "on_failure",
            weight=_weight_of(str(document.priority)),
            labels=frozenset(str(label) for label in document.labels),
            retry=_retry_of(document.retry),
            stops_key=self._stops_key(),
        )

    def _stops_key(self) -> frozenset[str]:
        """The statuses in which a run at rest stops what comes behind it."""
        order = self.document.order
        if order is None:
            return BLOCKING
        event = self.compilation.documents(EventDocument).get(name_of_event(self.document.trigger.event))
        if event is not None and not event.order_by:
            self.compilation.report(problems.order_without_key(self.document.keys["order"], str(event.name)))
        said = {
            status: getattr(order, f"when_{status}") for status in ("held", "waiting", "failed", "unknown")
        }
        return frozenset(status for status, what in said.items() if what == "blocks")

    def _check_names(self) -> bool:
        """Whether expressions can use the names of the steps, each of which is new."""
        wrong = [name for name in self.document.steps if not re.fullmatch(STEP_NAME, name)]
        for name in wrong:
            self.compilation.report(problems.no_name(name))
        for name in (name for name in self.document.steps if name in self.scope):
            what = "the time of the run" if name == "now" else "the data of the event"
            self.compilation.report(problems.hides(name.span, name, what))
        return not wrong

    def _verb(self, name: Text, step: StepDocument) -> str:
        """The verb of a step: the only one of its keys that is one; `map` serves write and emit as well."""
        found = [verb for verb in VERBS if getattr(step, verb)]
        if step.map is not None and found not in (["write"], ["emit"]):
            found.append("map")
        if not found and any(key not in _STEP_KEYS for key in step.keys):
            # The key that there is not was reported, and may have been meant for the verb.
            self.compilation.spoiled.add((self.document.kind, str(self.document.name)))
            return ""
        if len(found) != 1:
            places = sorted(((verb, step.keys[verb]) for verb in found), key=lambda one: one[1].start)
            self.compilation.report(problems.one_verb(name, places))
            return ""
        for key in (key for key in KEYS if key in step.keys and found[0] not in KEYS[key]):
            self.compilation.report(problems.other_verb_wanted(step.keys[key], key, found[0], KEYS[key]))
        return found[0]

    def _edges(self, name: str, step: StepDocument) -> Iterator[_Edge]:
        """What a step needs: what it says, and the steps that its expressions and inputs name."""
        seen: set[tuple[str, str | None]] = set()
        for edge in (*self._said(step), *self._named(name, step)):
            if (edge.step, edge.branch) not in seen:
                seen.add((edge.step, edge.branch))
                yield edge

    def _said(self, step: StepDocument) -> Iterator[_Edge]:
        for need in step.needs:
            other, _, branch = str(need).partition(".")
            if other not in self.steps:
                self.compilation.unknown("step", need, self.steps)
            elif branch and branch not in [str(key) for key in self.steps[other].choose]:
                offered = [f"{other}.{key}" for key in self.steps[other].choose]
                self.compilation.unknown("branch", need, offered)
            else:
                yield _Edge(other, branch or None, need)

    def _named(self, name: str, step: StepDocument) -> Iterator[_Edge]:
        item = self._item_name(step)
        for text in self._texts(step):
            parsed = self.expressions.parse(text)
            for used in sorted(parsed.names if parsed else ()):
                if used in self.steps and used != item:
                    yield _Edge(used, None, text)
        given = {str(key) for key in step.given}
        for used, text in sorted(self._inputs(step).items()):
            if used in self.steps and used != item and used not in given and used != name:
                yield _Edge(used, None, text)

    def _texts(self, step: StepDocument) -> Iterator[Text]:
        each, waits = step.for_each, step.wait
        single = (step.when, each and each.items, each and each.key)
        yield from (text for text in single if text)
        yield from step.links.values()
        yield from (text for text in step.choose.values() if text != "otherwise")
        if waits is not None:
            key = None if waits.calendar is None else waits.calendar.key
            yield from (text for text in (waits.where, key) if text is not None)
        undo = {} if step.undo is None else step.undo.given
        for entry in (*step.given.values(), *undo.values()):
            yield from texts_of(entry)

    def _inputs(self, step: StepDocument) -> dict[str, Text]:
        """The inputs of the mapping or the policies of a step, each with the name of one that takes it."""
        found: dict[str, Text] = {}
        if step.map is not None and (signature := self.compilation.mapping_types.get(str(step.map))):
            found.update(dict.fromkeys(signature.inputs, step.map))
        for name in step.check:
            if policy := self.compilation.policy_types.get(str(name)):
                found.update(dict.fromkeys(policy.inputs, name))
        return found

    @staticmethod
    def _item_name(step: StepDocument) -> str | None:
        return None if step.for_each is None else str(step.for_each.name or "item")

    def _body(self, more: Mapping[str, Type]) -> Body:
        body = Body(self.compilation, self.expressions, {**self.scope, **self.results, **more})
        body.types = body.types.including({}, frozenset(self.nullable) - more.keys())
        body.assume({place: known for place, known in self.facts.items() if place[0] not in more})
        return body

    def _step(
        self, name: str, index: Mapping[str, int], edges: list[_Edge], needs: Mapping[str, list[str]]
    ) -> AnyStep | None:
        """Compile one step, and put its result in scope."""
        document = self.steps[name]
        self.facts = self._before(edges)
        when = self._condition(name, "when", document.when, {})
        if document.when is not None:
            self.facts = both(self.facts, self._body({}).shown(document.when)[0])
        item = self._items(name, document)
        common = {
            "index": index[name],
            "name": name,
            "needs": tuple(Need(index[edge.step], edge.branch) for edge in edges),
            "when": when,
            "for_each": item[1] if item else None,
        }
        more = item[0] if item else {}
        make = getattr(self, f"_make_{self.verbs[name]}", None)
        if make is None:
            self.results[name] = ANY
            return None
        if self.verbs[name] == "check":
            common["reads"] = tuple(sorted(index[other] for other in self._refreshed(name, needs)))
        step, result = make(name, document, common, more)
        maybe = document.missing == "null"
        self.results[name] = Listing(item=result, nullable=maybe) if item else result
        if maybe and not item:
            self.nullable.add(name)
        self.shown[name] = self.facts if item else both(self.facts, self._passed(document))
        return cast("AnyStep", step)

    def _before(self, edges: list[_Edge]) -> Facts:
        """What has been shown where a step is reached: all that it needs was done, on its branch."""
        facts = self.shown[""]
        for edge in edges:
            facts = both(facts, self.shown.get(edge.step, NO_FACTS))
            if edge.branch is not None and self.steps[edge.step].for_each is None:
                facts = both(facts, self._chosen(self.steps[edge.step], edge.branch))
        return facts

    def _chosen(self, document: StepDocument, branch: str) -> Facts:
        """What holds on a branch: its own condition, and none of those before it."""
        facts = NO_FACTS
        for name, text in document.choose.items():
            yes, no = (NO_FACTS, NO_FACTS) if text == "otherwise" else self._body({}).shown(text)
            if str(name) == branch:
                return both(facts, yes)
            facts = both(facts, no)
        return facts

    def _passed(self, document: StepDocument) -> Facts:
        """What a check shows to the steps that need it: where a policy rejects, they are not reached.

        A hold shows nothing, for a person may release it whatever the data says.
        """
        facts = NO_FACTS
        documents = self.compilation.documents(PolicyDocument)
        for name in document.check:
            policy = documents.get(str(name))
            if policy is not None and str(name) in self.compilation.policies:
                facts = both(facts, refuted_by(self.compilation, policy))
        return facts

    def _refreshed(self, name: str, needs: Mapping[str, list[str]]) -> set[str]:
        """The reads behind a check, and what is made of them by mappings."""
        behind = graph.ancestors(needs, name)
        reads = {other for other in behind if self.verbs[other] == "read"}
        maps = {
            other for other in behind if self.verbs[other] == "map" and graph.ancestors(needs, other) & reads
        }
        return reads | maps

    def _items(self, name: str, document: StepDocument) -> tuple[Mapping[str, Type], ForEach] | None:
        each = document.for_each
        if each is None:
            return None
        item = self._item_name(document) or "item"
        if item in self.scope or item in self.steps:
            place = each.name or each.items
            self.compilation.report(problems.hides(place.span, item, "a name that is in use"))
        body = self._body({})
        emitted = body.expression(each.items)
        if refuses(Listing(item=ANY), emitted.type):
            self.compilation.report(problems.not_a_list(each.items, types.describe(emitted.type)))
        items = body.build(f"{self.document.name} {name} for_each", str(each.items), emitted.atom)
        more = {item: emitted.type.item if isinstance(emitted.type, Listing) else ANY}
        key = self._text(name, "key", each.key, more)
        return more, ForEach(items=items, name=item, key=key, limit=each.limit)

    def _text(self, name: str, part: str, text: Text | None, more: Mapping[str, Type]) -> Compiled | None:
        if text is None:
            return None
        return self._body(more).compiled(f"{self.document.name} {name} {part}", text)

    def _condition(
        self, name: str, part: str, text: Text | None, more: Mapping[str, Type]
    ) -> Compiled | None:
        if text is None:
            return None
        return self._body(more).compiled_condition(f"{self.document.name} {name} {part}", text)

    def _record(self, name: str, document: StepDocument, more: Mapping[str, Type], kind: Type) -> Compiled:
        """The record that `with:` writes down."""
        body = self._body(more)
        place = document.map or document.write or document.emit or document.read
        assert place is not None
        made = body.record(document.given, kind, None, place)
        return body.build(f"{self.document.name} {name} with", name, made.atom)

    def _payload(
        self, name: str, document: StepDocument, more: Mapping[str, Type], kind: Type
    ) -> tuple[Make, str | None]:
        """What is written or emitted: by a mapping, or field by field."""
        if document.map is None:
            return self._record(name, document, more, kind).call, None
        make, output = self._mapped(name, document, more)
        if kind is not ANY and output is not ANY and output != kind:
            told = types.describe(kind), types.describe(output)
            self.compilation.report(problems.other_type_wanted(document.map, *told))
        return make, str(document.map)

    def _mapped(self, name: str, document: StepDocument, more: Mapping[str, Type]) -> tuple[Make, Type]:
        """A mapping, given its inputs by name, those in `with:` first."""
        assert document.map is not None
        mapping = self.compilation.mappings.get(str(document.map))
        if mapping is None:
            self.compilation.unknown("mapping", document.map, self.compilation.mappings)
            return _nothing, ANY
        signature = self.compilation.mapping_types[mapping.name]
        self._check_inputs(document.map, signature, document, more)
        if not document.given:
            return mapping.make, signature.output
        inputs = {key: Field(type=kind) for key, kind in signature.inputs.items()}
        kind = Record(name=f"the mapping `{mapping.name}`", fields=inputs)
        given, make = self._record(name, document, more, kind).call, mapping.make

        def made(scope: Mapping[str, Value]) -> Value:
            return make({**scope, **cast("Mapping[str, Value]", given(scope))})

        return made, signature.output

    def _check_inputs(
        self, text: Text, signature: Signature, document: StepDocument, more: Mapping[str, Type]
    ) -> None:
        """Every input of a mapping or policy is in scope, and of its type as far as that is known."""
        known = {**self.scope, **self.results, **more}
        given = {str(key) for key in document.given}
        for name, wanted in signature.inputs.items():
            if name in given:
                continue
            gives = document.map is not None
            if name not in known:
                brought = self.scope[self.input_name]
                event = str(self.document.trigger.event) if wanted == brought and wanted != ANY else ""
                self.compilation.report(
                    problems.input_not_in_scope(text, name, known, can_be_given=gives, event=event)
                )
            elif self._is_null_refused(name, signature, more):
                self.compilation.report(problems.input_may_be_null(text, name, self._null_from(name)))
            elif contradicts(wanted, known[name]):
                described = types.describe(wanted), types.describe(known[name])
                self.compilation.report(
                    problems.input_of_other_type(text, name, *described, can_be_given=gives)
                )

    def _is_null_refused(self, name: str, signature: Signature, more: Mapping[str, Type]) -> bool:
        """Whether an input may be null here, and whoever takes it never asks whether it is."""
        if name not in self.nullable or name in more or name in signature.nullable:
            return False
        shown = self.facts.get((name,))
        return shown is None or shown.nullable

    def _null_from(self, name: str) -> Span | None:
        """Where a step says that its result may be null."""
        return self.steps[name].keys.get("missing")

    def _operation(self, text: Text, does: str) -> OperationPlan | None:
        """An operation that exists and does what the verb says."""
        connection, operation = str(text).split(".")
        connections, place = self.compilation.documents(ConnectionDocument), len(connection) + 1
        known = self.compilation.operations
        found = known.get(str(text))
        if found is not None:
            if found.writes != (does == "write"):
                self.compilation.report(problems.wrong_direction(text, place, does))
                return None
            return found
        if connection not in connections:
            self.compilation.unknown("connection", text, connections, name=connection)
        else:
            offered = [other[place:] for other in known if other.startswith(f"{connection}.")]
            of = f"connection `{connection}`"
            self.compilation.unknown("operation", text, offered, of=of, name=operation, offset=place)
        return None

    def _make_read(
        self, name: str, document: StepDocument, common: dict[str, Any], more: Mapping[str, Type]
    ) -> tuple[AnyStep, Type]:
        text = cast("Text", document.read)
        connection, operation = str(text).split(".")
        if connection == ENTITY:
            output = self._entity(text, operation)
            kind = self._parameters(text, document, ENTITY_PARAMETERS)
        else:
            found = self._operation(text, "read")
            output = found.gives if found else ANY
            kind = self._parameters(text, document, found.parameters) if found else ANY
        step = ReadStep(
            **common,
            connection=connection,
            operation=operation,
            parameters=self._record(name, document, more, kind).call,
            missing_is_null=document.missing == "null",
            cache_seconds=0 if document.cache is None else document.cache.seconds,
        )
        return step, output

    def _parameters(self, text: Text, document: StepDocument, parameters: Record) -> Type:
        """The type of what `with:` writes down; parameters that are missing or too many are reported."""
        for key in document.given:
            if str(key) not in parameters.fields:
                self.compilation.unknown("parameter", key, parameters.fields, of=f"`{text}`")
        required = [key for key, field in parameters.fields.items() if field.required]
        missing = [key for key in required if key not in document.given]
        if missing:
            self.compilation.report(problems.missing_parameters(text, missing))
        fields = {key: replace(field, required=False) for key, field in parameters.fields.items()}
        return Record(name=str(text), fields=fields, open=True)

    def _entity(self, text: Text, name: str) -> Type:
        """The type of an entity that the ledger keeps, in its latest version."""
        newest = self.compilation.documents(EntityDocument).get(name)
        if newest is None:
            known = [document.name for document in self.compilation.versions(EntityDocument)]
            self.compilation.unknown("entity", text, known, name=name, offset=len(ENTITY) + 1)
            return ANY
        return self.compilation.types[f"canonical/{name}@{newest.version}"]

    def _make_map(
        self, name: str, document: StepDocument, common: dict[str, Any], more: Mapping[str, Type]
    ) -> tuple[AnyStep, Type]:
        make, output = self._mapped(name, document, more)
        return MapStep(**common, make=make, mapping=str(document.map)), output

    def _make_check(
        self, name: str, document: StepDocument, common: dict[str, Any], more: Mapping[str, Type]
    ) -> tuple[AnyStep, Type]:
        policies: list[PolicyPlan] = []
        decision = Decision(self.compilation, f"{self.document.name} {name} policies")
        documents = self.compilation.documents(PolicyDocument)
        sets: dict[str, Field] = {}
        for policy in document.check:
            found = self.compilation.policies.get(str(policy))
            if found is None:
                self.compilation.unknown("policy", policy, self.compilation.policies)
                continue
            if str(policy) in [known.name for known in policies]:
                self.compilation.report(problems.checked_twice(policy))
            self._check_inputs(policy, self.compilation.policy_types[found.name], document, more)
            if (
                not self.compilation.checks_only
            ):  # what is wrong with a policy was found when it was compiled alone
                decision.add(documents[found.name], len(policies))
            policies.extend((found, *self.compilation.variants[found.name]))
            keys = set_by(self.compilation, documents[found.name])
            sets.update({key: Field(type=ANY, nullable=True) for key in keys})
        result = Record(name="check", fields={**CHECK.fields, **sets}, open=True)
        return CheckStep(**common, policies=tuple(policies), decide=decision.build()), result

    def _make_write(
        self, name: str, document: StepDocument, common: dict[str, Any], more: Mapping[str, Type]
    ) -> tuple[AnyStep, Type]:
        text = cast("Text", document.write)
        connection, operation = str(text).split(".")
        found = self._operation(text, "write")
        make, mapping = self._payload(name, document, more, found.takes if found else ANY)
        links = tuple(self._link(name, entity, path, more) for entity, path in document.links.items())
        undo = self._undo(name, document, found, more)
        step = WriteStep(
            **common,
            connection=connection,
            operation=operation,
            make=make,
            mapping=mapping,
            effect=effect_of(self.compilation, self.document, name, document, found, undo),
            links=links,
        )
        return step, found.gives if found else RECEIPT

    def _undo(
        self,
        name: str,
        document: StepDocument,
        operation: OperationPlan | None,
        more: Mapping[str, Type],
    ) -> UndoPlan | None:
        """What takes a write back, checked against what it will be given."""
        written, make = document.undo, None
        kind: Type = ANY
        if written is not None:
            self._undone_by(written.call)
        if written is not None and written.given:
            payload, receipt = (operation.takes, operation.gives) if operation else (ANY, RECEIPT)
            body = self._body({**more, "payload": payload, "receipt": receipt})
            made = body.record(written.given, ANY, None, written.call)
            make, kind = body.build(f"{self.document.name} {name} undo", name, made.atom).call, made.type
        undo = undo_of(self.compilation, document, operation, make)
        if undo is not None and operation is not None:
            check_undo(self.compilation, document, operation, undo, kind)
        return undo

    def _undone_by(self, text: Text) -> None:
        found = self.compilation.operations.get(str(text))
        if found is None:
            self._operation(text, "write")
        elif not found.writes:
            self.compilation.report(problems.no_way_back(text, str(text).index(".") + 1))

    def _link(self, name: str, entity: Text, path: Text, more: Mapping[str, Type]) -> Link:
        known = self.compilation.documents(EntityDocument)
        if str(entity) not in known:
            self.compilation.unknown("entity", entity, known)
        compiled = self._body(more).compiled(f"{self.document.name} {name} link {entity}", path)
        return Link(entity=str(entity), canonical_id=compiled.call)

    def _make_emit(
        self, name: str, document: StepDocument, common: dict[str, Any], more: Mapping[str, Type]
    ) -> tuple[AnyStep, Type]:
        event = cast("Text", document.emit)
        if str(event) not in self.compilation.event_types:
            self.compilation.unknown("event", event, self.compilation.event_types)
        kind = self.compilation.event_types.get(str(event), ANY)
        make, mapping = self._payload(name, document, more, kind)
        return EmitStep(**common, event=str(event), make=make, mapping=mapping), kind

    def _make_wait(
        self, name: str, document: StepDocument, common: dict[str, Any], more: Mapping[str, Type]
    ) -> tuple[AnyStep, Type]:
        waits = document.wait
        assert waits is not None
        event = str(waits.event)
        if event not in self.compilation.event_types:
            self.compilation.unknown("event", waits.event, self.compilation.event_types)
        awaited = event_type(self.compilation, event)
        step = WaitStep(
            **common,
            event=event,
            where=self._condition(name, "where", waits.where, {**more, "event": awaited}),
            match=() if waits.where is None else self._match(waits.where, more),
            timeout=self._timeout(name, waits, more),
            on_timeout=str(waits.on_timeout),
            look_back_seconds=None if waits.look_back is None else waits.look_back.seconds,
        )
        if waits.on_timeout == "null" and waits.timeout is not None and not document.for_each:
            self.nullable.add(name)
        return step, self.compilation.event_types.get(event, ANY)

    def _match(self, where: Text, more: Mapping[str, Type]) -> Match:
        """What an index can find a wait by."""
        return match_of(self.expressions.parse(where), {**self.scope, **self.results, **more})

    def _timeout(self, name: str, waits: WaitDocument, more: Mapping[str, Type]) -> Delay | None:
        if waits.timeout is None:
            return None
        title = f"{self.document.name} {name}"
        return delay(self.compilation, waits.timeout, waits.calendar, lambda: self._body(more), title)

    def _make_choose(
        self, name: str, document: StepDocument, common: dict[str, Any], more: Mapping[str, Type]
    ) -> tuple[AnyStep, Type]:
        branches = tuple(
            (
                str(branch),
                None if text == "otherwise" else self._condition(name, f"choose {branch}", text, more),
            )
            for branch, text in document.choose.items()
        )
        branch = Field(type=Enum(values=tuple(str(name) for name in document.choose)), required=True)
        return ChooseStep(**common, branches=branches), Record(name="choice", fields={"branch": branch})


def _nothing(scope: Mapping[str, Value]) -> Value:
    del scope
    return {}
