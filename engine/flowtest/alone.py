"""A mapping or a policy by itself, played as a flow of one step by the very code that runs flows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from engine.core import (
    AlertCommand,
    Answer,
    Command,
    HoldCommand,
    LookUpCommand,
    RunState,
    RunStatus,
    advance,
    begin,
    reason,
)
from engine.event import Event
from engine.flowtest.case import Case
from engine.flowtest.fixtures import misfits, unknown_fields
from engine.flowtest.result import TestError
from engine.flowtest.world import NO_RUN
from engine.flowtest.written import Written
from engine.plan.plan import FlowPlan, MappingPlan
from engine.plan.policy import PolicyPlan
from engine.plan.step import AnyStep, CheckStep, MapStep
from engine.values.json_text import read_json, write_json
from engine.values.type import ANY, DecodeError, Record, Type, decoder
from engine.values.value import Value

STEP = "$alone"

Decide = Callable[[Mapping[str, Value]], tuple[list[int], dict[str, Value]]]


class PolicyAlone(Protocol):
    """A policy, and a check that puts nothing else to its inputs."""

    @property
    def plans(self) -> tuple[PolicyPlan, ...]:
        """What follows from it, and from those rows of its table that act."""
        ...

    @property
    def decide(self) -> Decide:
        """What decides whether it applies."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """What came of a mapping or a policy alone."""

    failed: str | None  # why it could not be worked out
    output: Value = None  # of a mapping
    result: Mapping[str, Any] | None = None  # of a policy: what its check gives
    outcome: str = NO_RUN
    alerts: tuple[Value, ...] = ()


def play_mapping(case: Case, plan: MappingPlan, types: Mapping[str, Type]) -> Single:
    """Put the given inputs through a mapping.

    Raises:
        TestError: when an input is missing, or is not what its type says.

    """
    inputs = _inputs(case, types)
    step = MapStep(**_named(STEP, len(inputs)), make=plan.make, mapping=plan.name)
    state, _ = _play(case, inputs, step)
    if state.status is not RunStatus.COMPLETED:
        return Single(failed=reason(state) or str(state.status))
    return Single(failed=None, output=state.scope[STEP])


def play_policy(case: Case, policy: PolicyAlone, types: Mapping[str, Type]) -> Single:
    """Put the given inputs to a policy.

    Raises:
        TestError: when an input is missing, or is not what its type says.

    """
    inputs = _inputs(case, types)
    step = CheckStep(**_named(STEP, len(inputs)), policies=policy.plans, decide=policy.decide, reads=())
    state, commands = _play(case, inputs, step)
    note = state.trace.get(STEP, {})
    if state.status is RunStatus.FAILED:
        return Single(failed=str(note.get("failed") or reason(state)))
    return Single(failed=None, result=note, outcome=_outcome(note, commands), alerts=_alerts(commands))


def _named(name: str, index: int) -> Mapping[str, Any]:
    """What all steps have in common."""
    return {"index": index, "name": name, "needs": (), "when": None, "for_each": None}


def _play(case: Case, inputs: Mapping[str, Value], step: AnyStep) -> tuple[RunState, list[Command]]:
    """Play a flow that has the inputs as results of steps, and then the one step; what it asked for."""
    given = [
        MapStep(**_named(name, index), make=partial(_given, value), mapping=None)
        for index, (name, value) in enumerate(inputs.items())
    ]
    flow = FlowPlan(
        name=str(case.document.subject),
        version=1,
        owner=None,
        event=STEP,
        input_name="$event",
        where=None,
        steps=(*given, step),
    )
    state, commands = begin(flow, Event(STEP, STEP, {}, b"{}", None, case.now, case.now))
    asked = list(commands)
    while answers := {
        one.key: Answer(_xref(case, one)) for one in commands if isinstance(one, LookUpCommand)
    }:
        state, commands = advance(state, answers)
        asked += commands
    return state, asked


def _given(value: Value, scope: Mapping[str, Value]) -> Value:
    del scope
    return value


def _xref(case: Case, command: LookUpCommand) -> Value:
    given = case.xrefs.get(command.entity)
    if isinstance(given, Mapping) and command.canonical_id in given:
        found = given[command.canonical_id]
        found = found.get(command.system) if isinstance(found, Mapping) else found
        return None if found is None else str(found)
    return f"?{command.entity}:{command.canonical_id}@{command.system}"


def _alerts(commands: Sequence[Command]) -> tuple[Value, ...]:
    return tuple(
        {"to": one.to, "severity": one.severity, "message": one.message}
        for one in commands
        if isinstance(one, AlertCommand)
    )


def _outcome(note: Mapping[str, Any], commands: Sequence[Command]) -> str:
    """The first of what follows, by its precedence; `none` when the policy does not apply."""
    if not note.get("fired"):
        return NO_RUN
    if note.get("rejected"):
        return "reject"
    held = next((one for one in commands if isinstance(one, HoldCommand)), None)
    if held is not None:
        return "approve" if held.hold.approval else "hold"
    if note.get("rolled"):
        return "roll"
    if note.get("route") is not None:
        return "route"
    return "alert" if _alerts(commands) else "set"


def _inputs(case: Case, types: Mapping[str, Type]) -> dict[str, Value]:
    """The given inputs, decoded and checked as those of a run are."""
    given = case.inputs
    missing = [name for name in types if name not in given]
    if missing:  # the compiler refuses it
        raise TestError(f"{case.document.subject} takes {', '.join(missing)} as well", case.stubs.at)
    return {name: _decoded(name, given[name], kind) for name, kind in types.items()}


def _decoded(name: str, written: Written, kind: Type) -> Value:
    value = read_json(write_json(written.value))
    if isinstance(kind, Record) and kind.name in _RESULTS:
        value = _completed(kind, value)
    wrong = list(unknown_fields(kind, value))
    decode = decoder(kind)
    if not wrong:
        try:
            value = value if decode is None or value is None else decode(value)
        except DecodeError as error:
            raise TestError(f"this is no input {name}: {error}", written.place(error.path)) from error
        wrong = [] if value is None or kind == ANY else misfits(kind, value)
    if wrong:
        raise TestError(f"this is no input {name}: {'; '.join(wrong)}", written.place())
    return value


_RESULTS = ("check", "receipt")
"""What steps give: of these a test says what it is about, and the rest is as if nothing had happened."""

_NOTHING_HAPPENED: Mapping[str, Value] = {
    **{name: [] for name in ("fired", "held", "rolled", "rejected", "released", "notes")},
    "route": None,
    "cycle": None,
    "reasons": {},
}


def _completed(kind: Record, value: Value) -> Value:
    if not isinstance(value, Mapping):
        return value
    given = {key: item for key, item in _NOTHING_HAPPENED.items() if kind.name == "check"}
    return {**given, **value}
