"""`check`: put policies to their inputs.

The value of a check is a record: which policies fired, what each led to, the route, the cycle, the
notes and reasons in words, and what the policies set. A check that holds has no value yet.
"""

from typing import Any

from engine.core.command import AlertCommand, CloseHoldCommand, HoldCommand
from engine.core.correlate import wanted
from engine.core.state import DONE, HELD, REJECTED, RunState, StepStatus
from engine.core.turn import Turn, calendar_key, suffix
from engine.language.compiled import Scope
from engine.plan.policy import Hold, PolicyPlan
from engine.plan.step import CheckStep
from engine.values.value import Value


def check(turn: Turn, step: CheckStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Ask every policy, always all of them, and act on those that fire.

    Reject comes before hold: what is rejected is not also held. What a person refused, or time, is rejected.
    """
    was_held = bool(turn.state.open_holds)
    acting, result = step.decide(scope)
    if turn.state.answers:
        _take_refusals(turn, step, item, acting, result)
    rejected = result["rejected"]
    for place in acting:
        policy = step.policies[place]
        if policy.hold is not None and not rejected:
            _hold(turn, step, item, policy, scope, result)
        if policy.alert is not None:
            _alert(turn, step, item, policy, scope, result)
    if was_held:
        _close_others(turn, step, item, [] if rejected else [step.policies[place] for place in acting])
    if item is None:
        turn.state.trace[step.name] = result
    else:
        turn.note(step, item, result)
    if rejected:
        return REJECTED, None
    return (HELD, None) if result["held"] else (DONE, result)


def _take_refusals(
    turn: Turn, step: CheckStep, item: str | None, acting: list[int], result: dict[str, Any]
) -> None:
    """What was refused in place of being released: by a person, or because its time is over."""
    for policy in (step.policies[place] for place in acting):
        key = f"hold:{step.name}{suffix(item)}:{policy.name}"
        answer = None if policy.hold is None else turn.answer(key)
        if answer is None or answer.failure is None:
            continue
        if policy.name not in result["rejected"]:
            result["rejected"].append(policy.name)
        before = result["reasons"].get(policy.name)
        why = str(answer.failure)
        result["reasons"][policy.name] = f"{why}. {before}" if before else f"{why}."
        turn.state.open_holds.pop(key, None)
        turn.state.matches.pop(key, None)


def _hold(
    turn: Turn, step: CheckStep, item: str | None, policy: PolicyPlan, scope: Scope, result: dict[str, Any]
) -> None:
    state, name, hold = turn.state, policy.name, policy.hold
    assert hold is not None
    about = step.name if item is None else f"{step.name}{suffix(item)}"
    key = f"hold:{about}:{name}"
    if key in state.answers:  # a person released it
        result["released"].append(name)
        state.open_holds.pop(key, None)
        state.matches.pop(key, None)
        return
    result["held"].append(name)
    match = None if hold.until is None else wanted(hold.until.match, scope)
    if key in state.open_holds and state.matches[key] != match:
        # What was read afresh has it wait for another event: the ledger would not find it by the former.
        turn.commands.append(CloseHoldCommand(state.open_holds.pop(key), _event_of(turn, step), "waits anew"))
    if key not in state.open_holds:
        again = _again(state, step) if state.answers else ""
        hold_id = f"{state.run_id}/{about}/{name}{again}"
        state.open_holds[key] = hold_id
        state.matches[key] = match
        state.asked.add(key)
        reason = result["reasons"].get(name) or f"Policy {name} holds it."
        amount = None if hold.amount is None else hold.amount.call(scope)
        keys = _calendar_keys(hold, scope, state) if hold.escalations or hold.expires else ()
        turn.commands.append(
            HoldCommand(key, hold_id, step.name, item, name, policy.owner, reason, hold, amount, match, keys)
        )


def _calendar_keys(hold: Hold, scope: Scope, state: RunState) -> tuple[str | None, ...]:
    """The key of the calendar of each thing that time does to a hold."""
    delays = [one.after for one in hold.escalations]
    delays += [] if hold.expires is None else [hold.expires.after]
    return tuple(calendar_key(delay, scope, state.now) for delay in delays)


def _again(state: RunState, step: CheckStep) -> str:
    """How the id of a hold ends: one that was closed may open again, and is then another one."""
    times = sum(known.startswith(f"recheck:{step.name}#") for known in state.answers)
    return f"#{times}" if times else ""


def _close_others(turn: Turn, step: CheckStep, item: str | None, fired: list[PolicyPlan]) -> None:
    """Close the holds of policies that were checked again and no longer fire."""
    open_holds = turn.state.open_holds
    start = f"hold:{step.name}{suffix(item)}:"
    holding = {f"{start}{policy.name}" for policy in fired if policy.hold is not None}
    for key in [key for key in open_holds if key.startswith(start) and key not in holding]:
        turn.state.matches.pop(key, None)
        turn.commands.append(CloseHoldCommand(open_holds.pop(key), _event_of(turn, step)))


def _event_of(turn: Turn, step: CheckStep) -> str:
    """The event after which a check was done again."""
    answer = turn.answer(f"recheck:{step.name}")
    return "" if answer is None else str(answer.value)


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
