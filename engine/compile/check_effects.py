"""The effects of flows: each write is made once or says how doubt is settled, can be taken back or says not.

What lives here: what is worked out of a write when its step is built (:func:`effect_of`), and what can
only be seen of a whole flow, the order of its steps (:func:`check_effects`). What does not: doing any of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from engine.compile import effect_problems as problems
from engine.compile.compilation import Compilation
from engine.compile.fit import refuses
from engine.connect.connector_plan import OperationPlan
from engine.connect.template import Placeholder, Template
from engine.plan.effect import EffectPlan, UndoPlan
from engine.plan.plan import FlowPlan
from engine.plan.step import AnyStep, CheckStep, Make, WriteStep
from engine.source import Span, Text
from engine.values import type as types
from engine.values.type import STRING, Field, Record, Type, member
from engine.workspace.kinds.flow import FaultsDocument, FlowDocument, StepDocument
from engine.workspace.kinds.policy import PolicyDocument
from engine.workspace.kinds.reference import ConnectionDocument

CLASSES = ("transient", "permanent", "unknown", "closed_period")

# What becomes of a fault when nobody says: of an unknown outcome, by the way in which the write is made once.
DEFAULTS: Mapping[str, str] = MappingProxyType({"transient": "retry", "permanent": "dead_letter"})
SETTLED: Mapping[str, str] = MappingProxyType(
    {"header": "retry", "natural_key": "retry", "lookup": "look_up"}
)
CLOSED_WAYS = ("dead_letter", "hold", "roll")


def effect_of(
    compilation: Compilation,
    flow: FlowDocument,
    name: str,
    step: StepDocument,
    operation: OperationPlan | None,
    undo: UndoPlan | None,
) -> EffectPlan:
    """What a write is beyond what is written; what it leaves open is reported."""
    if operation is None:
        return EffectPlan(once="none", undo=undo)
    _check_ways_back(compilation, name, step, undo, operation)
    irreversible = step.irreversible or (operation.irreversible if undo is None else None)
    return EffectPlan(
        once=operation.once.how,
        undo=undo,
        irreversible=None if irreversible is None else str(irreversible),
        stands=None if step.stands is None else str(step.stands),
        proposes=None if step.proposes is None else str(step.proposes),
        faults=_faults(compilation, flow, name, step, operation),
        refusals=refusals_of(operation),
    )


def refusals_of(operation: OperationPlan) -> frozenset[str]:
    """The classes of fault that an operation may answer with, as far as its manifest says."""
    return operation.raises | {rule.fault for rule in operation.faults if rule.fault in CLASSES}


def _check_ways_back(
    compilation: Compilation, name: str, step: StepDocument, undo: UndoPlan | None, operation: OperationPlan
) -> None:
    """Report a write that says nothing of its undoing, or two things."""
    assert step.write is not None
    for key in ("irreversible", "stands"):
        if step.undo is not None and key in step.keys:
            compilation.report(problems.two_ways(name, step.undo.span, step.keys[key], key))
    if undo is None and not (step.irreversible or step.stands or operation.irreversible):
        compilation.report(problems.no_way_back_said(name, step.write, _likely(compilation, step.write)))


def _likely(compilation: Compilation, write: Text) -> list[str]:
    """Writes of the same connection whose name says that they take something back."""
    connection, _, operation = str(write).partition(".")
    thing = operation.partition("_")[2] or operation
    words = ("delete", "void", "reverse", "cancel", "remove", "archive")
    names = [f"{connection}.{word}_{thing}" for word in words]
    return [name for name in names if name in compilation.operations]


def _faults(
    compilation: Compilation, flow: FlowDocument, name: str, step: StepDocument, operation: OperationPlan
) -> dict[str, str]:
    """Where each class of fault goes: as the step says, its flow, its connection, or by default."""
    assert step.write is not None
    connection = compilation.documents(ConnectionDocument).get(str(step.write).partition(".")[0])
    said = (step.faults, flow.faults, None if connection is None else connection.faults)
    answers = refusals_of(operation)
    ways = {**DEFAULTS, "unknown": SETTLED.get(operation.once.how, "")}
    for fault in CLASSES:
        way = _said(fault, said)
        if way is not None:
            ways[fault] = str(way)
            _check_way(compilation, name, fault, way, step, operation)
        elif fault == "unknown" and not ways["unknown"]:
            compilation.report(problems.fault_goes_nowhere(name, step.write, fault, ("person",)))
        elif fault == "closed_period" and fault in answers:
            compilation.report(problems.fault_goes_nowhere(name, step.write, fault, CLOSED_WAYS))
    return {fault: way for fault, way in ways.items() if way}


def _said(fault: str, documents: Iterable[FaultsDocument | None]) -> Text | None:
    found = (getattr(document, fault) for document in documents if document is not None)
    return next((way for way in found if way is not None), None)


def _check_way(
    compilation: Compilation,
    name: str,
    fault: str,
    way: Text,
    step: StepDocument,
    operation: OperationPlan,
) -> None:
    """Report a way that the operation does not have."""
    once = operation.once
    if fault == "unknown" and way == "retry" and not operation.once_safe:
        helps = "write `look_up` or `person`" if once.look_up else "write `person`"
        why = "doing it again might do it twice"
        compilation.report(problems.fault_cannot_go(way, fault, name, why, helps))
    if fault == "unknown" and way == "look_up" and once.look_up is None:
        why = "the operation has no read that finds it"
        compilation.report(problems.fault_cannot_go(way, fault, name, why, "write `person`"))
    here = step.faults is not None and way is getattr(step.faults, fault)
    if here and fault == "closed_period" and fault not in refusals_of(operation):
        compilation.report(problems.fault_never_comes(way, fault, str(step.write)))


# What takes a write back.


def undo_of(
    compilation: Compilation, step: StepDocument, operation: OperationPlan | None, given: Make | None
) -> UndoPlan | None:
    """The operation that takes a write back: that of the step, else that of the connector."""
    assert step.write is not None
    if step.undo is not None:
        connection, _, name = str(step.undo.call).partition(".")
    elif operation is None or operation.undo is None or step.irreversible or step.stands:
        return None
    else:
        connection, name = str(step.write).partition(".")[0], operation.undo
    back = compilation.operations.get(f"{connection}.{name}")
    fields = None if back is None else _taken(back)
    return UndoPlan(connection=connection, operation=name, given=given, fields=fields)


def _taken(operation: OperationPlan) -> frozenset[str] | None:
    """The fields that an operation takes, when it says so: by its schema, else by what its request names."""
    if isinstance(operation.takes, Record):
        return None if operation.takes.open else frozenset(operation.takes.fields)
    needed = needs_of(operation)
    return frozenset(needed) if needed else None


def check_undo(
    compilation: Compilation, step: StepDocument, operation: OperationPlan, undo: UndoPlan, given: Type
) -> None:
    """Report what an undo needs and is not given, or is given of another type."""
    assert step.write is not None
    back = compilation.operations.get(undo.name)
    if back is None or not back.writes:
        return
    place = step.write.span if step.undo is None else step.undo.call.span
    needed = needs_of(back)
    with_keys = () if step.undo is None else tuple(step.undo.given)
    for key in with_keys:
        if back.input is not None and member(back.takes, str(key).partition(".")[0]) is None:
            known = [*back.takes.fields] if isinstance(back.takes, Record) else []
            compilation.report(problems.undo_given_too_much(key, undo.name, known))
    offered = _offered(operation, given)
    missing = [name for name in needed if offered is not None and name not in offered]
    if missing:
        compilation.report(problems.undo_lacks(place, undo.name, missing))
    for name, field in _fields(back.takes).items():
        found = None if offered is None else offered.get(name)
        if found is not None and refuses(field.type, found.type):
            told = types.describe(field.type), types.describe(found.type)
            compilation.report(problems.undo_of_other_type(place, undo.name, name, *told))


def _offered(operation: OperationPlan, given: Type) -> Mapping[str, Field] | None:
    """What an undo is given: payload, receipt, and what the flow adds; None when that is not known."""
    takes = operation.takes
    if not isinstance(takes, Record) or takes.open:
        return None
    receipt = _fields(operation.gives)
    return {**takes.fields, "id": Field(type=STRING), **receipt, **_fields(given)}


def _fields(kind: Type) -> Mapping[str, Field]:
    return kind.fields if isinstance(kind, Record) else {}


def needs_of(operation: OperationPlan) -> list[str]:
    """What an operation cannot be called without: what its schema demands, else what its request names."""
    if isinstance(operation.takes, Record):
        return [name for name, field in operation.takes.fields.items() if field.required]
    request = operation.request
    if request is None:
        return [operation.once.key_field] if operation.once.key_field else []
    texts = (request.path, request.body)
    return list(dict.fromkeys(found for text in texts for found in sorted(_names(text))))


def _names(written: object) -> Iterator[str]:
    """The names that a text, or a body of texts, is filled from."""
    if isinstance(written, Template):
        found = (piece.name[0] for piece in written.pieces if isinstance(piece, Placeholder))
        yield from (name for name in found if name not in {"effect", "payload"})
    elif isinstance(written, Mapping):
        for item in written.values():
            yield from _names(item)
    elif isinstance(written, list | tuple):
        for item in written:
            yield from _names(item)


# The order of the steps of a flow.


def check_effects(compilation: Compilation) -> None:
    """Report what cannot be taken back and comes before what may be refused, flow by flow."""
    for document in compilation.documents(FlowDocument).values():
        flow = compilation.flows.get(str(document.name))
        if flow is not None:
            _check_order(compilation, document, flow)


def _check_order(compilation: Compilation, document: FlowDocument, flow: FlowPlan) -> None:
    order = Order(flow)
    steps = {str(name): step for name, step in document.steps.items()}
    policies = compilation.documents(PolicyDocument)
    for step in flow.steps:
        if not isinstance(step, WriteStep):
            continue
        written = steps[step.name]
        _check_roll(compilation, policies, order, step, written, document)
        later = [other for other in flow.steps if other.index != step.index and order.may_follow(step, other)]
        refusals = [found for other in later for found in _refusal(other, steps[other.name], policies)]
        if step.effect.stands is not None:
            if not refusals:
                compilation.report(problems.stands_needlessly(step.name, written.keys["stands"]))
        elif step.effect.irreversible is not None and refusals:
            place = written.irreversible or written.write
            assert place is not None
            refusals.sort(key=lambda found: not found[1].startswith("the check"))
            compilation.report(problems.irreversible_too_early(step.name, place.span, refusals))


def _refusal(
    step: AnyStep, written: StepDocument, policies: Mapping[str, PolicyDocument]
) -> Iterator[tuple[Span, str]]:
    """Where a step may be refused, and how that is said."""
    if isinstance(step, CheckStep):
        for name in written.check:
            policy = policies.get(str(name))
            if policy is not None and stops(policy):
                yield name.span, f"the check `{step.name}`, whose policy `{name}` may stop work"
                return
    if isinstance(step, WriteStep) and written.write is not None:
        yield written.write.span, f"the write `{step.name}`, which `{step.connection}` may refuse"


def stops(policy: PolicyDocument) -> bool:
    """Whether a policy may keep what depends on its check from happening."""
    holds = any(then.hold is not None or then.approve is not None for then in policy.outcomes)
    return holds or policy.may_reject


def _check_roll(
    compilation: Compilation,
    policies: Mapping[str, PolicyDocument],
    order: "Order",
    step: WriteStep,
    written: StepDocument,
    document: FlowDocument,
) -> None:
    """A write that rolls to another cycle has a policy before it that says which."""
    if step.effect.faults.get("closed_period") != "roll" or "closed_period" not in step.effect.refusals:
        return
    why = _no_roll(policies, order, step)
    if why is not None:
        way = _said("closed_period", (written.faults, document.faults)) or written.write
        assert way is not None
        helps = "let it come after such a check, or write `hold` or `dead_letter`"
        compilation.report(
            problems.fault_cannot_go(Text("roll", way.span), "closed_period", step.name, why, helps)
        )


def _no_roll(policies: Mapping[str, PolicyDocument], order: "Order", step: WriteStep) -> str | None:
    """Why a write cannot be moved to another cycle; None when a policy before it says to which."""
    if step.for_each is not None:
        return "it is done for each of several items, of which some may be in the cycle already"
    checks = [other for other in order.flow.steps if other.index in order.before[step.index]]
    names = {
        policy.name
        for other in checks
        if isinstance(other, CheckStep) and other.for_each is None
        for policy in other.policies
    }
    rolls = [name for name in sorted(names) if name in policies and _rolls(policies[name])]
    return None if rolls else "no check before it has a policy that rolls to another cycle"


def _rolls(policy: PolicyDocument) -> bool:
    """Whether a policy, other than by a table of its own cases, says to which cycle work moves."""
    return policy.then is not None and policy.then.roll is not None


class Order:
    """Which steps of a flow come before which, and which are never done in one run."""

    def __init__(self, flow: FlowPlan) -> None:
        """Go through the steps, each of which follows what it needs."""
        self.flow = flow
        self.before: dict[int, frozenset[int]] = {}
        self.branches: dict[int, Mapping[int, frozenset[str]]] = {}
        for step in flow.steps:
            near = frozenset(need.step for need in step.needs if need.step in self.before)
            self.before[step.index] = near.union(*(self.before[index] for index in near))
            self.branches[step.index] = self._branches(step)

    def _branches(self, step: AnyStep) -> Mapping[int, frozenset[str]]:
        """The branches that must have been chosen for a step to be done, by the step that chooses."""
        found: dict[int, frozenset[str]] = {}
        for need in step.needs:
            inherited = self.branches.get(need.step, {}).items()
            own = [(need.step, frozenset([need.branch]))] if need.branch is not None else []
            for chooser, branches in (*inherited, *own):
                found[chooser] = found[chooser] & branches if chooser in found else branches
        return found

    def may_follow(self, step: AnyStep, other: AnyStep) -> bool:
        """Whether the other may still be done once this step is done."""
        if other.index in self.before[step.index]:
            return False
        mine, theirs = self.branches[step.index], self.branches[other.index]
        return all(mine[chooser] & theirs[chooser] for chooser in mine.keys() & theirs.keys())
