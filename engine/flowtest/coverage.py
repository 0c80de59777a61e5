"""What of a workspace its tests have come by: fields of mappings, outcomes of policies, edges of flows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core import STEP_STATUSES, RunState
from engine.flowtest.world import Stand
from engine.plan.plan import FlowPlan, Plan
from engine.plan.step import AnyStep, CheckStep, ChooseStep, Need, WriteStep
from engine.source import Span
from engine.workspace.coverable import (
    STARTS,
    STAYS,
    Covered,
    Item,
    name_of_flow,
    of_mapping,
    of_policy,
)
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.flow_test import FlowTestDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.policy import PolicyDocument
from engine.workspace.workspace import Workspace

_NOT_WHEN = "not when "
_WORKED = ("waiting", "held", "unknown", "done", "rejected", "failed")
_CHECKED = ("held", "done", "rejected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Everything that can be covered, and what was."""

    items: tuple[Item, ...]  # by document, in the order of files
    seen: frozenset[str]

    @property
    def covered(self) -> int:
        """How many things were come by."""
        return sum(item.name in self.seen for item in self.items)

    @property
    def percent(self) -> float:
        """The share of them; all of nothing."""
        return 100 * self.covered / len(self.items) if self.items else 100.0

    def by(self, part: str) -> Mapping[str, tuple[int, int]]:
        """So many of so many, by `kind` or `document` of the items."""
        found: dict[str, tuple[int, int]] = {}
        for item in self.items:
            covered, all_ = found.get(getattr(item, part), (0, 0))
            found[getattr(item, part)] = covered + (item.name in self.seen), all_ + 1
        return found

    def missing(self, document: str) -> Iterator[Item]:
        """What of a document was never come by."""
        return (item for item in self.items if item.document == document and item.name not in self.seen)


def coverage(
    workspace: Workspace,
    plan: Plan,
    rows: Covered,
    seen: Iterable[str],
    tests: Sequence[FlowTestDocument] | None,
) -> Coverage:
    """How much was covered of all documents, or, when tests are named, of those that they are about."""
    items = list(_items(workspace, plan, rows))
    if tests is not None:
        about = _about(workspace, tests)
        items = [item for item in items if item.document in about]
    order = {source.name: number for number, source in enumerate(workspace.sources)}
    items.sort(key=lambda item: (order.get(item.span.source.name, len(order)), item.span.start))
    return Coverage(items=tuple(items), seen=frozenset(seen))


def _items(workspace: Workspace, plan: Plan, rows: Covered) -> Iterator[Item]:
    for mapping in workspace.of(MappingDocument).values():
        yield from of_mapping(mapping)
    for policy in workspace.of(PolicyDocument).values():
        yield from of_policy(policy)
    yield from rows.rows.values()
    for flow in workspace.of(FlowDocument).values():
        yield from _of_flow(flow, plan.flows[str(flow.flow)])


def _about(workspace: Workspace, tests: Sequence[FlowTestDocument]) -> frozenset[str]:
    """The documents that tests are about: what is tested, and the mappings and policies that a flow uses."""
    flows = workspace.of(FlowDocument)
    found: set[str] = set()
    for test in tests:
        if test.mapping is not None:
            found.add(f"mapping {test.mapping}")
        if test.policy is not None:
            found.add(f"policy {test.policy}")
        for name in test.flow:
            found.add(f"flow {name}")
            for step in flows[str(name)].steps.values():
                found.update(f"policy {policy}" for policy in step.check)
                found.update([f"mapping {step.map}"] if step.map is not None else [])
    return frozenset(found)


# --- flows --------------------------------------------------------------------------------------------


def _of_flow(document: FlowDocument, plan: FlowPlan) -> Iterator[Item]:
    def item(kind: str, what: str, label: str, span: Span) -> Item:
        name = name_of_flow(plan.name, what)
        return Item(name=name, kind=kind, document=f"flow {plan.name}", label=label, span=span)

    trigger = document.trigger
    yield item("start", STARTS, STARTS, trigger.event.span)
    if trigger.where is not None:
        yield item("start", STAYS, STAYS, trigger.where.span)
    keys = {str(key): key for key in document.steps}
    for step in plan.steps:
        written, span = document.steps[keys[step.name]], keys[step.name].span
        yield item("step", f"{step.name}:done", f"step {step.name}", span)
        if written.when is not None:
            for truth in ("true", "false"):
                yield item(
                    "when", f"{step.name}:when {truth}", f"step {step.name}: when {truth}", written.when.span
                )
        if isinstance(step, ChooseStep):
            for branch in written.choose:
                yield item("branch", f"{step.name}:{branch}", f"step {step.name}: {branch}", branch.span)
        if isinstance(step, WriteStep):
            yield item("fault", f"{step.name}:fails", f"step {step.name}: fails", span)
        said = {str(need): need.span for need in written.needs}
        for need in step.needs:
            before = _need(plan, need)
            label = f"{before} to {step.name}"
            yield item("edge", f"{before}>{step.name}", label, said.get(before, span))


def _need(flow: FlowPlan, need: Need) -> str:
    name = flow.steps[need.step].name
    return name if need.branch is None else f"{name}.{need.branch}"


def seen_in(stands: Iterable[Stand]) -> Iterator[str]:
    """What of their flows some runs have come by."""
    for stand in stands:
        if stand.state is not None:
            yield from seen_of(stand.state)


def seen_of(state: RunState) -> Iterator[str]:
    """What of its flow a run has come by."""
    flow = state.flow
    yield name_of_flow(flow.name, STARTS)
    for step in flow.steps:
        note: Mapping[str, Any] = state.trace.get(step.name, {})
        for what in _seen_of(flow, step, STEP_STATUSES[state.steps[step.index]], note):
            yield name_of_flow(flow.name, what)


def stays_of(flow: str) -> str:
    """The name of an event that does not start a flow."""
    return name_of_flow(flow, STAYS)


def _seen_of(flow: FlowPlan, step: AnyStep, status: str, note: Mapping[str, Any]) -> Iterator[str]:
    name, worked = step.name, status in _WORKED
    refused = str(note.get("skipped", "")).startswith(_NOT_WHEN)
    if status == "done" or (isinstance(step, CheckStep) and status in _CHECKED):
        yield f"{name}:done"
    if worked or refused:
        yield f"{name}:when {'true' if worked else 'false'}"
        yield from (f"{_need(flow, need)}>{name}" for need in step.needs)
    if "branch" in note:
        yield f"{name}:{note['branch']}"
    notes = note.get("items", {None: note}).values()
    if any("failed" in one or "unknown" in one for one in notes):
        yield f"{name}:fails"
