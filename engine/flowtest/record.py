"""What happened, as a person would have expected it: what an empty `expect` is filled with."""

from collections.abc import Mapping

from engine.flowtest.alone import Single
from engine.flowtest.compare import as_shown
from engine.flowtest.result import Edit, Failure
from engine.flowtest.world import NO_RUN, Chapter, runs_of
from engine.plan.plan import FlowPlan
from engine.source import Span
from engine.values.value import Value
from engine.workspace.kinds.flow_test import ExpectDocument

_TOLD = ("to", "severity", "policy", "expectation")  # of an alert; its message follows from the policy


def nothing_expected(expect: ExpectDocument, happened: Mapping[str, Value]) -> Failure:
    """An `expect` that demands nothing, and what it could demand."""
    return Failure(
        message="expects nothing",
        span=expect.span,
        help=("`tidegate test --update` writes down what happens",),
        edits=(Edit(span=expect.span, value=dict(happened)),),
    )


def of_chapter(chapter: Chapter, flows: tuple[FlowPlan, ...], *, act: bool) -> dict[str, Value]:
    """How runs end, what is written, emitted, told and held."""
    first = runs_of(chapter, flows[0], act=act)
    found: dict[str, Value] = {}
    if len(first) <= 1:
        found["run"] = first[0].status if first else NO_RUN
    several = {
        flow.name: [stand.status for stand in runs_of(chapter, flow, act=act)]
        for flow in (flows[1:] if len(first) <= 1 else flows)
    }
    whys = [
        stand.reason for stand in first if stand.reason and stand.status in ("failed", "rejected", "unknown")
    ]
    parts: dict[str, Value] = {
        "runs": {name: ends for name, ends in several.items() if ends},
        "problem": whys[0] if len(whys) == 1 else None,
        "refused": chapter.refused if act else None,
        "writes": {name: _calls(calls) for name, calls in chapter.writes.items()},
        "emits": {name: _calls(events) for name, events in chapter.emits.items()},
        "alerts": [_told(alert) for alert in chapter.alerts],
        "holds": [policy for stand in chapter.stands for policy in stand.holds],
    }
    return found | {name: value for name, value in parts.items() if value}


def of_single(single: Single) -> dict[str, Value]:
    """What a mapping made, or what a policy said."""
    if single.failed is not None:
        return {"problem": single.failed}
    if single.result is None:
        return {"output": as_shown(single.output)}
    reasons = list(single.result.get("reasons", {}).values())
    found: dict[str, Value] = {"outcome": single.outcome}
    if reasons:
        found["reason"] = str(reasons[0])
    if single.result.get("cycle") is not None:
        found["cycle"] = {"name": single.result["cycle"]["name"]}
    if single.result.get("route") is not None:
        found["route"] = single.result["route"]
    return found


def _calls(calls: list[Value]) -> Value:
    shown = [as_shown(call) for call in calls]
    return shown[0] if len(shown) == 1 else shown


def _told(alert: Value) -> Value:
    assert isinstance(alert, Mapping)
    return {key: alert[key] for key in _TOLD if key in alert}


def is_empty(expect: ExpectDocument) -> bool:
    """Whether it demands nothing."""
    return not expect.keys


def key_column(span: Span) -> int | None:
    """At which column the key of an empty `expect` stands; None when it stands between braces."""
    line = span.source.line(span.line)
    before = line[: span.column - 1]
    if "{" in before or "[" in before or "expect:" not in before:
        return None
    return before.index("expect:")
