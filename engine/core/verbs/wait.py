"""`wait`: go on when an event arrives."""

from engine.core.command import WaitCommand
from engine.core.correlate import wanted
from engine.core.state import DONE, FAILED, SKIPPED, WAITING, RunState, StepStatus
from engine.core.turn import Turn, calendar_key, suffix
from engine.language.compiled import Scope
from engine.plan.delay import Match
from engine.plan.step import CheckStep, WaitStep
from engine.values.value import Value


def wait(turn: Turn, step: WaitStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Ask to be told; the answer is the data of the event, or that the time is up."""
    about = f"{step.name}{suffix(item)}"
    answer = turn.answer(f"wait:{about}")
    if answer is None:
        _ask(turn, step, scope, item, about)
        return WAITING, None
    if answer.failure is None:
        return DONE, answer.value
    if step.on_timeout == "fail":
        turn.note(step, item, {"failed": answer.failure})
        return FAILED, None
    turn.note(step, item, {"skipped" if step.on_timeout == "skip" else "timed_out": answer.failure})
    return (SKIPPED if step.on_timeout == "skip" and item is None else DONE), None


def _ask(turn: Turn, step: WaitStep, scope: Scope, item: str | None, about: str) -> None:
    key, timeout = f"wait:{about}", step.timeout
    if key in turn.state.asked:
        return
    command = WaitCommand(
        key,
        f"{turn.state.run_id}/{about}",
        step.name,
        item,
        step.event,
        wanted(step.match, scope) if _stands(turn.state, step.match) else None,
        timeout,
        None if timeout is None else calendar_key(timeout, scope, turn.state.now),
        step.look_back_seconds,
    )
    turn.give(command, key)


def _stands(state: RunState, match: Match) -> bool:
    """Whether what is waited for stays as it is: a check that is done again may have it read afresh."""
    steps = state.flow.steps
    afresh = {steps[index].name for step in steps if isinstance(step, CheckStep) for index in step.reads}
    return afresh.isdisjoint(own[0] for _, own in match)
