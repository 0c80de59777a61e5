"""The pictures of a plan: the steps of a flow, and the flows of a workspace between events and systems."""

from collections.abc import Iterable, Iterator, Mapping

from engine.drawing.picture import Edge, Node, Picture
from engine.plan.graph import ancestors, plain
from engine.plan.plan import FlowPlan, Plan
from engine.plan.policy import PolicyPlan
from engine.plan.step import (
    AnyStep,
    CheckStep,
    ChooseStep,
    EmitStep,
    MapStep,
    ReadStep,
    WaitStep,
    WriteStep,
    verb_of,
)

LONGEST = 44
"""Conditions and names are cut to so many characters: a box is read at a glance."""


def flow_picture(flow: FlowPlan, *, every_edge: bool = False) -> Picture:
    """The steps of a flow below the event that starts it.

    An edge that follows from others is left out, unless it depends on a branch, or `every_edge` is wanted.
    """
    trigger = Node(id="trigger", kind="event", title=flow.event, lines=_condition(flow.where))
    names = [step.name for step in flow.steps]
    shown = plain({step.name: [names[need.step] for need in step.needs] for step in flow.steps})
    edges: list[Edge] = []
    for step in flow.steps:
        edges.extend(
            Edge(start=_id(names[need.step]), end=_id(step.name), label=need.branch or "")
            for need in step.needs
            if every_edge or need.branch or (names[need.step], step.name) in shown
        )
        if not step.needs:
            edges.append(Edge(start="trigger", end=_id(step.name)))
    nodes = (trigger, *(_step(step) for step in flow.steps))
    return Picture(title=flow.name, nodes=nodes, edges=tuple(edges))


def _id(step: str) -> str:
    return f"step.{step}"


def _condition(where: object) -> tuple[str, ...]:
    text = getattr(where, "text", None)
    return () if text is None else (f"when {_short(str(text))}",)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _step(step: AnyStep) -> Node:
    lines = list(_about(step))
    if step.for_each is not None:
        lines.append(f"for each {step.for_each.name}")
    lines.extend(_condition(step.when))
    return Node(id=_id(step.name), kind=verb_of(step), title=step.name, lines=tuple(lines))


def _about(step: AnyStep) -> Iterator[str]:
    match step:
        case ReadStep():
            yield f"read {step.connection}.{step.operation}"
        case WriteStep():
            yield f"write {step.connection}.{step.operation}"
            if step.mapping:
                yield f"map {step.mapping}"
        case MapStep():
            yield f"map {step.mapping}" if step.mapping else "map"
        case CheckStep():
            yield from _checked(step.policies)
        case EmitStep():
            yield f"emit {step.event}"
        case WaitStep():
            yield f"wait {step.event}"
        case ChooseStep():
            yield f"choose {', '.join(branch for branch, _ in step.branches)}"


def _checked(policies: Iterable[PolicyPlan]) -> Iterator[str]:
    """Each policy once, with what it may do to the run: the plan has a decision table row by row."""
    may: dict[str, dict[str, None]] = {}
    for policy in policies:
        does = (("holds", policy.hold), ("rejects", policy.reject))
        may.setdefault(policy.name, {}).update((word, None) for word, given in does if given is not None)
    for name, words in may.items():
        yield f"check {name} ({', '.join(words)})" if words else f"check {name}"


def workspace_picture(plan: Plan, title: str) -> Picture:
    """Where events come from, which flows they start, and where these write."""
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str], Edge] = {}

    def node(kind: str, name: str, *lines: str) -> str:
        key = f"{kind}.{name}"
        nodes.setdefault(key, Node(id=key, kind=kind, title=name, lines=lines))
        return key

    def edge(start: str, end: str, label: str = "") -> None:
        edges.setdefault((start, end), Edge(start=start, end=end, label=label))

    for source in plan.sources:
        origin = node("source", source.connection)
        edge(origin, node("event", source.event))
    for schedule in plan.schedules:
        edge(node("source", "schedule"), node("event", schedule.source.event))
    for flow in plan.flows.values():
        here = node("flow", flow.name, _counted(len(flow.steps)))
        edge(node("event", flow.event), here)
        for step in flow.steps:
            if isinstance(step, WriteStep):
                edge(here, node("connection", step.connection))
            elif isinstance(step, EmitStep):
                edge(here, node("event", step.event))
            elif isinstance(step, WaitStep):
                edge(node("event", step.event), here, "awaited")
    return Picture(title=title, nodes=tuple(nodes.values()), edges=_without_circles(edges), rightward=True)


def _counted(steps: int) -> str:
    return f"{steps} step{'' if steps == 1 else 's'}"


def _without_circles(edges: Mapping[tuple[str, str], Edge]) -> tuple[Edge, ...]:
    """All edges, but for those of a wait that would lead back to where they come from."""
    needs: dict[str, list[str]] = {name: [] for pair in edges for name in pair}
    shown = []
    for (start, end), edge in sorted(edges.items(), key=lambda item: bool(item[1].label)):
        if edge.label and (start == end or end in ancestors(needs, start)):
            continue
        needs[end].append(start)
        shown.append(edge)
    return tuple(shown)
