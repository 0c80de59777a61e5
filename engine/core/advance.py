"""Deciding: a run and what the world answered, to the next state and what to ask of the world.

``advance`` goes through the steps once, in an order in which each follows what it needs. The same
flow, event and answers, given in the same order, lead to the same state and the same commands.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias, cast

from engine.core.command import CloseHoldCommand, Command, HoldCommand
from engine.core.compensate import COMPENSATE, OVER, take_back
from engine.core.move import CLOSED_PERIOD, move
from engine.core.state import (
    ASKED,
    DONE,
    FAILED,
    HELD,
    PENDING,
    REJECTED,
    SKIPPED,
    STEP_STATUSES,
    UNKNOWN,
    WAITING,
    WITHDRAWN,
    Answer,
    RunState,
    RunStatus,
    StepStatus,
)
from engine.core.turn import Turn, suffix, truth
from engine.core.verbs.check import check
from engine.core.verbs.choose import choose
from engine.core.verbs.emit import emit
from engine.core.verbs.map import map_
from engine.core.verbs.read import read
from engine.core.verbs.wait import wait
from engine.core.verbs.write import write
from engine.event import Event
from engine.language.compiled import ASK, Compiled, EvaluationError, Scope
from engine.plan.plan import FlowPlan
from engine.plan.step import (
    AnyStep,
    CheckStep,
    ForEach,
    WaitStep,
    verb_of,
)
from engine.values.keys import as_key
from engine.values.value import Value

_Verb: TypeAlias = Callable[[Turn, Any, Scope, str | None], tuple[StepStatus, Value]]

_VERBS: Mapping[str, _Verb] = {
    "read": read,
    "map": map_,
    "check": check,
    "write": write,
    "emit": emit,
    "wait": wait,
    "choose": choose,
}


def begin(flow: FlowPlan, event: Event, attempt: int = 1) -> tuple[RunState, list[Command]]:
    """Start a run of `flow` for `event`, whose acceptance is the only "now" that the run knows."""
    now = event.accepted_at
    scope: dict[str, Value] = {flow.input_name: given(flow, event), "now": now}
    steps = [PENDING] * len(flow.steps)
    none = _NOTHING
    state = RunState(flow, event, now, _RUNNING, scope, steps, none, none, set(), {}, {}, {}, none, attempt)
    return _pass(Turn(state))


def advance(state: RunState, answers: Mapping[str, Answer]) -> tuple[RunState, list[Command]]:
    """Go on with what the world answered, by the keys of the commands.

    Three answers were not asked for. What ends a hold (a person's release or refusal, or its time) comes
    under the key of the hold. `recheck:STEP#N` with the id of an event has the policies of that step checked
    again, on reads done afresh, where N counts the times. `compensate` has what was written taken back.
    """
    return advance_own(state.copy(), answers)


def advance_own(state: RunState, answers: Mapping[str, Answer]) -> tuple[RunState, list[Command]]:
    """As :func:`advance`, for who keeps no other reference to the state: it becomes the next one itself."""
    _take(state, answers)
    return _pass(Turn(state))


def take_in(state: RunState, answers: Mapping[str, Answer]) -> None:
    """Take in what ends holds and waits of a run at rest, which decides what follows when it is its turn.

    The state is changed. What is answered is open no more, and the run is on its way.
    """
    _take(state, answers)
    state.status = _RUNNING


def _take(state: RunState, answers: Mapping[str, Answer]) -> None:
    known, refreshed = dict(state.answers), dict(state.refreshed)
    state.answers, state.refreshed = known, refreshed
    for key, answer in answers.items():
        known[key] = answer
        if answer is WITHDRAWN:
            del known[key]
        elif key.startswith("recheck:"):
            step = key.removeprefix("recheck:").partition("#")[0]
            known[f"recheck:{step}"] = answer
            _refresh(state, step, refreshed)
        elif key.startswith("hold:"):  # it has ended, also where its check is just being done again
            state.open_holds.pop(key, None)
            state.matches.pop(key, None)
        elif answer.fault == CLOSED_PERIOD:
            move(state, key, answer, known, refreshed)


def starts(flow: FlowPlan, event: Event) -> bool:
    """Whether an event starts a run of a flow that it triggers.

    Raises:
        EvaluationError: when the flow's condition cannot be evaluated on this event, or the version of the
            event that the flow works cannot be made of it.

    """
    if flow.earlier is None and flow.where is None:
        return True
    data = given(flow, event)
    return flow.where is None or truth(flow.where.call({flow.input_name: data}))


def given(flow: FlowPlan, event: Event) -> Value:
    """The data of an event in the version that a flow works.

    Raises:
        EvaluationError: when the earlier version cannot be made of it.

    """
    earlier = flow.earlier
    if earlier is None:
        return event.data
    assert earlier.lowered is not None
    return earlier.lowered(event.data)


def woken_by(state: RunState, event: Event) -> dict[str, Answer]:
    """The answers that an event brings to a run: held checks to be done again, and waits that end."""
    answers: dict[str, Answer] = {}
    for step in state.flow.steps:
        if isinstance(step, CheckStep):
            if state.open_holds and _releases(state, step, event):
                times = sum(key.startswith(f"recheck:{step.name}#") for key in state.answers)
                answers[f"recheck:{step.name}#{times + 1}"] = Answer(event.id)
        elif isinstance(step, WaitStep) and step.event == event.type and state.steps[step.index] < DONE:
            for item, scope in _scopes(step, state.scope).items():
                key = f"wait:{step.name}{suffix(item)}"
                if key in state.asked and key not in state.answers and _fits(step.where, scope, event):
                    answers[key] = Answer(event.data)
    return answers


def waits_for(state: RunState, key: str) -> bool:
    """Whether a run still waits under this key, so that time or an event may end it."""
    return key in state.asked and key not in state.answers


def _releases(state: RunState, step: CheckStep, event: Event) -> bool:
    """Whether an open hold of a check waits for this event, so that the check is to be done again."""
    untils = [
        (policy.name, policy.hold.until.where)
        for policy in step.policies
        if policy.hold is not None and policy.hold.until is not None and policy.hold.until.event == event.type
    ]
    scopes = _scopes(step, state.scope).items() if untils else ()
    return any(
        f"hold:{step.name}{suffix(item)}:{name}" in state.open_holds and _fits(where, scope, event)
        for item, scope in scopes
        for name, where in untils
    )


def _scopes(step: AnyStep, scope: dict[str, Value]) -> Mapping[str | None, dict[str, Value]]:
    """The scopes in which a step is done: the run's, or that of each item by its key."""
    return {None: scope} if step.for_each is None else dict(_items(step.for_each, scope).items())


def _fits(where: Compiled | None, scope: Mapping[str, Value], event: Event) -> bool:
    if where is None:
        return True
    try:
        return truth(where.call({**scope, "event": {"type": event.type, "data": event.data}}))
    except EvaluationError:
        return False  # it speaks of fields that this event does not have: another one is meant


def _refresh(state: RunState, step_name: str, refreshed: dict[int, int]) -> None:
    """Have a held check asked again, and the reads behind it before."""
    step = state.flow.step(step_name)
    if not isinstance(step, CheckStep) or state.steps[step.index] >= DONE:
        return
    for index in step.reads:
        refreshed[index] = refreshed.get(index, 0) + 1
        state.steps[index] = PENDING
    state.steps[step.index] = PENDING


def _pass(turn: Turn) -> tuple[RunState, list[Command]]:
    """Take every step as far as it goes; most are done once and on no condition, and taken right here."""
    state, commands = turn.state, turn.commands
    steps, scope = state.steps, state.scope
    scope[ASK] = turn.ask  # type: ignore[assignment]
    found = 0
    for index, name, needs, verb, is_plain, step in state.flow.stages:
        if steps[index] < DONE:
            for need in needs:
                if steps[need] is not DONE:
                    if is_plain and steps[need] < DONE:
                        steps[index] = PENDING
                    else:
                        _consider(turn, step)
                    break
            else:
                if is_plain:
                    given = len(commands)
                    try:
                        steps[index], value = _VERBS[verb](turn, step, scope, None)
                        if steps[index] is DONE:
                            scope[name] = value
                    except EvaluationError as error:
                        _fail(turn, step, given, error)
                else:
                    _consider(turn, step)
        found |= 1 << steps[index]
    del scope[ASK]
    state.status = status = _STATUSES[found]
    if state.written and status in OVER and (status is not _COMPLETED or COMPENSATE in state.answers):
        take_back(turn)
    return state, commands


def _consider(turn: Turn, step: AnyStep) -> None:
    """Take a step that may have to wait or to be skipped, or that is done for several items."""
    blocked = _blocked(turn.state, step)
    if blocked is None:
        _work(turn, step)
    elif blocked:
        _skip(turn, step, blocked)
    else:
        turn.state.steps[step.index] = PENDING


def _work(turn: Turn, step: AnyStep) -> None:
    """Take one step as far as it goes, if it is wanted."""
    state, verb = turn.state, _VERBS[verb_of(step)]
    given = len(turn.commands)
    try:
        if step.when is not None and not truth(step.when.call(state.scope)):
            _skip(turn, step, f"not when {step.when.text}")
            return
        status, value = (
            verb(turn, step, state.scope, None)
            if step.for_each is None
            else _each(turn, step, step.for_each, verb)
        )
    except EvaluationError as error:
        _fail(turn, step, given, error)
        return
    state.steps[step.index] = status
    if status is DONE:
        state.scope[step.name] = value


def _fail(turn: Turn, step: AnyStep, given: int, error: EvaluationError) -> None:
    """A step that fails asks for nothing, and leaves no hold open."""
    _withdraw(turn, step, None, given)
    turn.state.steps[step.index] = FAILED
    turn.note(step, None, {"failed": str(error)})


def _withdraw(turn: Turn, step: AnyStep, item: str | None, given: int) -> None:
    """Take back what a step has asked for in this turn, and close the holds that it opened before."""
    turn.wanted = ()
    for command in turn.commands[given:]:
        if isinstance(command, HoldCommand):
            del turn.state.open_holds[command.key]  # nobody has heard of it yet
            turn.state.matches.pop(command.key, None)
    turn.commands[given:] = [one for one in turn.commands[given:] if isinstance(one, CloseHoldCommand)]
    if item is None:
        _close_holds(turn, f"hold:{step.name}:", f"hold:{step.name}[")
    else:
        _close_holds(turn, f"hold:{step.name}{suffix(item)}:")


def _close_holds(turn: Turn, *starts: str) -> None:
    """Close the holds of a step that has come to an end: nothing is left for anybody to release."""
    open_holds = turn.state.open_holds
    for key in [key for key in open_holds if key.startswith(starts)]:
        turn.state.matches.pop(key, None)
        turn.commands.append(CloseHoldCommand(open_holds.pop(key), "", "nothing waits for it any more"))


def _skip(turn: Turn, step: AnyStep, reason: str) -> None:
    turn.state.steps[step.index] = SKIPPED
    turn.note(step, None, {"skipped": reason})
    _close_holds(turn, f"hold:{step.name}:", f"hold:{step.name}[")


def _blocked(state: RunState, step: AnyStep) -> str | None:
    """Why a step will never be worked; "" when it cannot be yet; None when it can be."""
    for need in step.needs:
        status = state.steps[need.step]
        if status is DONE:
            if need.branch is None:
                continue
            other = state.flow.steps[need.step].name
            chosen = cast("Mapping[str, Value]", state.scope[other])["branch"]
            if chosen != need.branch:
                return f"{other} chose {chosen}"
        elif status > DONE:
            return f"{state.flow.steps[need.step].name} was {STEP_STATUSES[status]}"
        else:
            return ""
    return None


def _each(turn: Turn, step: AnyStep, each: ForEach, verb: _Verb) -> tuple[StepStatus, Value]:
    """Do a step for each item; it stands where the item that is furthest behind stands."""
    scopes = _items(each, turn.state.scope)
    results = [_item(turn, step, verb, key, scope) for key, scope in scopes.items()]
    statuses = [status for status, _ in results]
    behind = min((status for status in statuses if status < DONE), default=None)
    return behind or max(statuses, default=DONE), [value for _, value in results]


def _items(each: ForEach, scope: dict[str, Value]) -> dict[str, dict[str, Value]]:
    """The scope of each item, by its key."""
    items = each.items.call(scope)
    if items is None:
        return {}
    if not isinstance(items, list):
        raise EvaluationError("is not a list", text=each.items.text)
    if len(items) > each.limit:
        raise EvaluationError(
            f"has {len(items)} items, more than the limit of {each.limit}", text=each.items.text
        )
    scopes: dict[str, dict[str, Value]] = {}
    for number, item in enumerate(items):
        inner = {**scope, each.name: item}
        key = str(number) if each.key is None else as_key(str(each.key.call(inner)))
        if key in scopes:
            raise EvaluationError(f"two items have the key {key!r}", text=each.key.text if each.key else "")
        scopes[key] = inner
    return scopes


def _item(
    turn: Turn, step: AnyStep, verb: _Verb, key: str, scope: dict[str, Value]
) -> tuple[StepStatus, Value]:
    """One item; one that cannot be done does not keep the others from it."""
    given = len(turn.commands)
    try:
        return verb(turn, step, scope, key)
    except EvaluationError as error:
        _withdraw(turn, step, key, given)
        turn.note(step, key, {"failed": str(error)})
        return FAILED, None


_RUNNING = RunStatus.RUNNING
_COMPLETED = RunStatus.COMPLETED
_NOTHING: Mapping[Any, Any] = MappingProxyType({})
_FIRST = (
    (ASKED, _RUNNING),
    (HELD, RunStatus.HELD),
    (UNKNOWN, RunStatus.UNKNOWN),
    (WAITING, RunStatus.WAITING),
    (FAILED, RunStatus.FAILED),
    (REJECTED, RunStatus.REJECTED),
)


def _status(found: int) -> RunStatus:
    """How a run stands of whose steps one has each status whose bit is set."""
    return next((status for step, status in _FIRST if found >> step & 1), RunStatus.COMPLETED)


_STATUSES = tuple(map(_status, range(1 << len(STEP_STATUSES))))
