"""`check`: put policies to their inputs.

The value of a check is a record: which policies fired, what each led to, the route, the cycle, the
notes and reasons in words, and what the policies set. A check that holds has no value yet.
"""

from typing import Any

from engine.core.command import AlertCommand, CloseHoldCommand, HoldCommand
from engine.core.state import DONE, HELD, REJECTED, StepStatus
from engine.core.turn import Turn, suffix
from engine.language.compiled import Scope
from engine.plan.policy import PolicyPlan
from engine.plan.step import CheckStep
from engine.values.value import Value


def check(turn: Turn, step: CheckStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Ask every policy, always all of them, and act on those that fire.

    Reject comes before hold: what is rejected is not also held.
    """
    places, result = step.decide(scope)
    policies, rejected = step.policies, result["rejected"]
    for place in places:
        policy = policies[place]
        if policy.hold is not None and not rejected:
            _hold(turn, step, item, policy, result)
        if policy.alert is not None:
            _alert(turn, step, item, policy, scope, result)
    if turn.state.open_holds:
        _close_others(turn, step, item, [] if rejected else [policies[place] for place in places])
    turn.note(step, item, result)
    if rejected:
        return REJECTED, None
    return (HELD, None) if result["held"] else (DONE, result)


def _hold(turn: Turn, step: CheckStep, item: str | None, policy: PolicyPlan, result: dict[str, Any]) -> None:
    key = f"hold:{step.name}{suffix(item)}:{policy.name}"
    if turn.answer(key) is not None:  # a person released it
        result["released"].append(policy.name)
        turn.state.open_holds.pop(key, None)
        return
    result["held"].append(policy.name)
    assert policy.hold is not None
    state = turn.state
    reason = result["reasons"].get(policy.name, f"Policy {policy.name} holds it.")
    if key not in state.open_holds:
        # A hold that was closed may open again; it is then another one.
        times = sum(known.startswith(f"recheck:{step.name}#") for known in state.answers)
        hold_id = f"{state.run_id}/{step.name}{suffix(item)}/{policy.name}" + (f"#{times}" if times else "")
        state.open_holds[key] = hold_id
        state.asked.discard(key)
        turn.give(
            HoldCommand(key, hold_id, step.name, item, policy.name, policy.owner, reason, policy.hold), key
        )


def _close_others(turn: Turn, step: CheckStep, item: str | None, fired: list[PolicyPlan]) -> None:
    """Close the holds of policies that were checked again and no longer fire."""
    open_holds = turn.state.open_holds
    start = f"hold:{step.name}{suffix(item)}:"
    holding = {f"{start}{policy.name}" for policy in fired if policy.hold is not None}
    for key in [key for key in open_holds if key.startswith(start) and key not in holding]:
        answer = turn.answer(f"recheck:{step.name}")
        event_id = "" if answer is None else str(answer.value)
        turn.commands.append(CloseHoldCommand(open_holds.pop(key), event_id))


def _alert(
    turn: Turn, step: CheckStep, item: str | None, policy: PolicyPlan, scope: Scope, result: dict[str, Any]
) -> None:
    alert = policy.alert
    assert alert is not None
    alert_id = f"{turn.state.run_id}/{step.name}{suffix(item)}/{policy.name}"
    key = f"alert:{step.name}{suffix(item)}:{policy.name}"
    if key in turn.state.asked:  # told before: not again when the policy is checked again
        return
    message = alert.message.call(scope) if alert.message else result["reasons"].get(policy.name)
    text = str(message) if message else f"Policy {policy.name} applies."
    turn.give(AlertCommand(alert_id, step.name, policy.name, alert.to, alert.severity, text), key)
