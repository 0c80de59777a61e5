"""Policies together: those that contradict each other in a check, that nobody asks, that hold for ever.

Where several policies of a check set the same thing, the one that stands last in its list wins. That is a
rule, but no substitute for saying what is meant: two that surely apply together and differ are an error,
and two that may are a warning.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from engine.compile import policy_problems as problems
from engine.compile.build_policies import body_of
from engine.compile.check_table import meetings
from engine.compile.compilation import Compilation
from engine.compile.conditions import Region, region_of, region_of_row
from engine.compile.expressions import Expressions
from engine.plan.step import EmitStep, WriteStep
from engine.problems import Problem
from engine.source import Span, Text
from engine.spec.field import Document
from engine.spec.plain import plain
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.policy import OutcomeDocument, PolicyDocument


@dataclass(frozen=True, slots=True)
class Case:
    """Where a policy applies, and what follows there."""

    region: Region
    then: OutcomeDocument
    span: Span


def check_policies(compilation: Compilation) -> None:
    """All policies of a workspace, and all checks of its flows."""
    documents = {
        str(document.name): document
        for document in compilation.documents(PolicyDocument).values()
        if str(document.name) in compilation.policies
    }
    cases = {name: list(_cases(compilation, document)) for name, document in documents.items()}
    for name, document in documents.items():
        for problem in (*_of_itself(compilation, document, cases[name]), *_rows(compilation, document)):
            compilation.report(problem)
    asked: set[str] = set()
    for flow in compilation.documents(FlowDocument).values():
        for step in flow.steps.values():
            asked.update(str(name) for name in step.check)
        for problem in _of_flow(compilation, flow, cases):
            compilation.report(problem)
    if compilation.documents(FlowDocument) and not _is_a_flow_broken(compilation):
        for name, document in documents.items():
            if name not in asked:
                compilation.report(problems.unused(document.name))
    for problem in _nobodies(compilation):
        compilation.report(problem)


def _is_a_flow_broken(compilation: Compilation) -> bool:
    """Whether a flow, or a step of one, could not be read: nobody knows which policies it asks."""
    return any(kind == FlowDocument.kind for kind, _ in (*compilation.workspace.broken, *compilation.spoiled))


def _cases(compilation: Compilation, document: PolicyDocument) -> Iterator[Case]:
    """The rule, or the rows of its table."""
    name = str(document.name)
    table = compilation.decision_tables.get(name)
    if table is not None:
        for index, row in enumerate(table.rows):
            if row.then is not None:
                yield Case(region_of_row(table, index), row.then, row.span)
    elif document.when is not None and document.then is not None:
        expressions = Expressions(compilation)
        body = body_of(compilation, expressions, document)
        body.condition(document.when)
        lets = {str(key): entry for key, entry in document.let.items()}
        region = region_of(document.when, expressions, body.types, compilation.functions, lets, name)
        yield Case(region, document.then, document.when.span)


def _of_itself(
    compilation: Compilation, document: PolicyDocument, cases: Sequence[Case]
) -> Iterator[Problem]:
    """What is wrong with a policy whatever others say."""
    for case in cases:
        hold = case.then.hold
        place = case.then.keys.get("hold") or case.then.keys.get("approve")
        if place is not None and document.owner is None:
            yield problems.hold_without_owner(document.name, place)
        until = None if hold is None or hold.release is not None else hold.until
        known = until is not None and str(until.event) in compilation.event_types
        if until is not None and known and str(until.event) not in _brought_about(compilation):
            yield problems.hold_waits_for_nothing(until.event)
    if document.when is not None and cases:
        region, then = cases[0].region, cases[0].then
        said = (document.when.span, *(entry.span for entry in document.let.values()))
        if any(compilation.collector.has(problems.UNKNOWN_VALUE, span) for span in said):
            return  # a comparison that is never, or always, true was reported where it stands
        if region.never:
            yield problems.never_applies(document.name, document.when)
        elif region.always and (does := _stops(then)):
            yield problems.always_stops(document.name, document.when, does)


def _stops(then: OutcomeDocument) -> str:
    if then.reject is not None:
        return "rejects"
    return "holds" if then.hold is not None else "asks for approval" if then.approve is not None else ""


def _brought_about(compilation: Compilation) -> set[str]:
    """The events that a source or a flow gives; all, where the workspace says of none where it comes from."""
    emitted = {
        str(step.emit)
        for flow in compilation.documents(FlowDocument).values()
        for step in flow.steps.values()
        if step.emit is not None
    }
    native = {source.event for source in compilation.sources}
    native |= {schedule.source.event for schedule in compilation.schedules}
    return emitted | native if native else set(compilation.event_types)


def _rows(compilation: Compilation, document: PolicyDocument) -> Iterator[Problem]:
    """Rows of a table in which all may apply, and that say different things together."""
    table = compilation.decision_tables.get(str(document.name))
    if table is None or table.hit != "all":
        return
    for first, second, example in meetings(table):
        one, other = table.rows[first], table.rows[second]
        if one.then is None or other.then is None:
            continue
        for what, _ in _differences(one.then, other.then, whole=True):
            yield problems.rows_contradict((one.number, one.span), (other.number, other.span), what, example)
            break


def _of_check(names: Sequence[Text], cases: Mapping[str, Sequence[Case]]) -> Iterator[Problem]:
    """The policies of one check, each with each."""
    for first, second in combinations(names, 2):
        if str(first) != str(second):
            problem = _of_pair(first, second, cases[str(first)], cases[str(second)])
            if problem is not None:
                yield problem


def _of_pair(first: Text, second: Text, ones: Iterable[Case], others: Sequence[Case]) -> Problem | None:
    """The worst that is wrong with two policies of one check."""
    found: Problem | None = None
    for one in ones:
        for other in others:
            problem = _of_cases(first, second, one, other)
            if problem is not None and problem.code == problems.CONTRADICTION:
                return problem
            found = found or problem
    return found


def _of_cases(first: Text, second: Text, one: Case, other: Case) -> Problem | None:
    """What is wrong with two cases; nothing where they never meet."""
    never_asked = _never_asked(first, second, one, other)
    differences = list(_differences(one.then, other.then))
    if never_asked is not None or not differences or one.region.apart(other.region):
        return never_asked
    what, sure = differences[0]
    example = one.region.example_with(other.region)
    implied = one.region.within(other.region) or other.region.within(one.region)
    if sure and (implied or example is not None) and not (one.region.never or other.region.never):
        return problems.contradiction(first, second, what, example or "", one.span)
    return problems.may_contradict(first, second, what)


def _never_asked(first: Text, second: Text, one: Case, other: Case) -> Problem | None:
    """A hold or a question that never comes about, for whatever it is about is rejected."""
    for name, by, case, stop in ((first, second, one, other), (second, first, other, one)):
        asks = case.then.hold or case.then.approve
        meant = asks and not case.then.reject and stop.then.reject and not case.region.never
        if meant and case.region.within(stop.region):
            return problems.never_asked(name, by, "asks for approval" if case.then.approve else "holds")
    return None


def _of_flow(
    compilation: Compilation, flow: FlowDocument, cases: Mapping[str, Sequence[Case]]
) -> Iterator[Problem]:
    """What is wrong with the checks of a flow."""
    for step in flow.steps.values():
        yield from _of_check([name for name in step.check if str(name) in cases], cases)
    yield from _without_effect(compilation, flow, cases)


def _without_effect(
    compilation: Compilation, document: FlowDocument, cases: Mapping[str, Sequence[Case]]
) -> Iterator[Problem]:
    """Checks that may stop work, in a flow that writes or tells something and has no step wait for them."""
    flow = compilation.flows.get(str(document.name))
    if flow is None or not any(isinstance(step, WriteStep | EmitStep) for step in flow.steps):
        return
    # By their numbers: a step that could not be built is missing here.
    awaited = {need.step for step in flow.steps for need in step.needs}
    alone = {step.name for step in flow.steps if step.index not in awaited}
    for name, step in document.steps.items():
        stops = (
            (str(policy), does)
            for policy in step.check
            for case in cases.get(str(policy), ())
            if (does := _stops(case.then))
        )
        first = next(stops, None) if str(name) in alone else None
        if first is not None:
            yield problems.nothing_waits(name, *first)


def _differences(
    one: OutcomeDocument, other: OutcomeDocument, *, whole: bool = False
) -> Iterator[tuple[str, bool]]:
    """What two outcomes say differently, in words, and whether it surely differs."""
    if one.route is not None and other.route is not None:
        yield from _differ("route", one.route.to, other.route.to)
    for key in one.set:
        if key in other.set:
            yield from _differ(f"`{key}`", one.set[key], other.set[key])
    if one.roll is not None and other.roll is not None and str(one.roll.cycle) != str(other.roll.cycle):
        yield f"cycle is `{one.roll.cycle}` and `{other.roll.cycle}`", False
    if whole:
        held = [then.hold or then.approve for then in (one, other)]
        if None not in held and plain(held[0]) != plain(held[1]):
            yield "each holds in its own way", True


def _differ(what: str, one: EntryDocument, other: EntryDocument) -> Iterator[tuple[str, bool]]:
    left, right = _said(one), _said(other)
    if left != right:
        constants = one.value is not None and other.value is not None
        yield f"{what} is `{left}` and `{right}`", constants


def _said(entry: EntryDocument) -> str:
    """What an entry says, on one line."""
    if entry.value is not None:
        return str(entry.value.value)
    said = entry.path or entry.expr or entry.template or entry.table or entry.xref or "a record"
    return " ".join(str(said).split())


@dataclass(slots=True)
class _Names:
    """Teams and roles, each with the places where it is named."""

    places: dict[str, list[Text]] = field(default_factory=dict)

    def add(self, text: Text | None) -> None:
        if text is not None:
            self.places.setdefault(str(text), []).append(text)


def _nobodies(compilation: Compilation) -> Iterator[Problem]:
    """Who is told or asked, and is named once and nearly like somebody who is named elsewhere."""
    names, told = _Names(), _Names()
    for document in compilation.workspace.documents:
        if isinstance(document, Document):
            names.add(document.owner)
        if isinstance(document, PolicyDocument):
            for text in _people(document):
                told.add(text)
                names.add(text)
    for name, (place, *_) in told.places.items():
        if len(names.places[name]) == 1:
            near = [other for other in names.places if len(names.places[other]) > 1 and _nearly(name, other)]
            if near:
                yield problems.nobody(place, near)


def _people(document: PolicyDocument) -> Iterator[Text | None]:
    for then in document.outcomes:
        hold, approve = then.hold, then.approve
        if then.alert is not None:
            yield then.alert.to
        if hold is not None and hold.release is not None:
            yield hold.release.role
        if approve is not None:
            yield approve.role
        for asked in (hold, approve):
            if asked is not None:
                yield from (one.to for one in asked.escalate)
                yield None if asked.expires is None else asked.expires.to


SHORTEST = 4
SHORT = 6


def _nearly(one: str, other: str) -> bool:
    """Whether two names differ by one letter, or longer ones by two; short ones are only different."""
    if min(len(one), len(other)) < SHORTEST:
        return False
    most = 1 if min(len(one), len(other)) <= SHORT else 2
    if abs(len(one) - len(other)) > most:
        return False
    row = list(range(len(other) + 1))
    for count, char in enumerate(one, start=1):
        before, row[0] = row[0], count
        for place, wanted in enumerate(other, start=1):
            before, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, before + (char != wanted)),
            )
    return row[-1] <= most
