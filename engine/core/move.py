"""A write that was refused because its period is closed moves to the next cycle.

Its flow says so by `closed_period: roll`. The policy that says to which cycle is one of a check before
the write. What it would do for time that came too late is done here for a period that the target has closed:
the check's cycle becomes that one, and what was worked out from the check is worked out again.
"""

from collections.abc import Mapping
from typing import Any, cast

from engine.core.state import DONE, PENDING, Answer, RunState
from engine.core.verbs.write import rolled_key
from engine.language.compiled import EvaluationError
from engine.plan.policy import PolicyPlan
from engine.plan.step import AnyStep, CheckStep, ChooseStep, MapStep, ReadStep, WriteStep
from engine.values.value import Value

CLOSED_PERIOD = "closed_period"


def move(
    state: RunState, key: str, answer: Answer, known: dict[str, Answer], refreshed: dict[int, int]
) -> None:
    """Move the run of a refused write to another cycle, once, where its flow says so and a policy says which.

    Where it cannot be moved nothing is changed, and the write stays refused.
    """
    step = state.flow.step(key.removeprefix("write:"))
    if not isinstance(step, WriteStep) or step.effect.faults.get(CLOSED_PERIOD) != "roll":
        return
    found = _rolling(state, step)
    if found is None:
        return
    check, policy = found
    before = cast("dict[str, Any]", state.scope[check.name])
    cycle = _cycle(policy, state.scope)
    if cycle is None or cycle == before["cycle"]:
        return
    state.scope[check.name] = after = _moved(before, policy, cycle, str(answer.failure))
    state.trace[check.name] = after
    known[rolled_key(step.name)] = Answer(cycle)
    _work_again(state, check, step, refreshed)


def _cycle(policy: PolicyPlan, scope: Mapping[str, Value]) -> Value:
    assert policy.roll is not None
    try:
        return policy.roll.call(scope)
    except EvaluationError:
        return None


def _moved(before: Mapping[str, Any], policy: PolicyPlan, cycle: Value, why: str) -> dict[str, Any]:
    """What a check gives when the target has closed the period in which it had put the work."""
    name = cycle.get("name") if isinstance(cycle, Mapping) else cycle
    rolled = before["rolled"] if policy.name in before["rolled"] else [*before["rolled"], policy.name]
    note = f"Moved to cycle {name}: {why}"
    return {**before, "rolled": rolled, "cycle": cycle, "notes": [*before["notes"], note]}


def _rolling(state: RunState, step: WriteStep) -> tuple[CheckStep, PolicyPlan] | None:
    """The nearest check before a write with a policy that rolls."""
    for index in sorted(_before(state, step), reverse=True):
        other = state.flow.steps[index]
        if isinstance(other, CheckStep) and state.steps[index] == DONE and other.for_each is None:
            policy = next((one for one in other.policies if one.roll is not None), None)
            if policy is not None:
                return other, policy
    return None


def _before(state: RunState, step: AnyStep) -> set[int]:
    """The indexes of all steps that a step needs."""
    found: set[int] = set()
    waiting = [need.step for need in step.needs]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += [need.step for need in state.flow.steps[index].needs]
    return found


def _work_again(state: RunState, check: CheckStep, step: WriteStep, refreshed: dict[int, int]) -> None:
    """Have the steps between the check and the write done again, and the write itself."""
    for index in sorted(_before(state, step)):
        other = state.flow.steps[index]
        if state.steps[index] == DONE and check.index in _before(state, other):
            if isinstance(other, ReadStep):
                refreshed[index] = refreshed.get(index, 0) + 1
            if isinstance(other, ReadStep | MapStep | ChooseStep):
                state.steps[index] = PENDING
    state.steps[step.index] = PENDING
