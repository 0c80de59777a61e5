"""`wait`: go on when an event arrives."""

from datetime import timedelta

from engine.core.command import WaitCommand
from engine.core.state import DONE, FAILED, WAITING, StepStatus
from engine.core.turn import Turn, suffix
from engine.language.compiled import Scope
from engine.plan.step import WaitStep
from engine.values.value import Value


def wait(turn: Turn, step: WaitStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Ask to be told; the answer is the data of the event, or that the time is up."""
    del scope
    key = f"wait:{step.name}{suffix(item)}"
    answer = turn.answer(key)
    if answer is None:
        timeout = step.timeout_seconds
        until = None if timeout is None else turn.state.now + timedelta(seconds=timeout)
        turn.give(WaitCommand(key, step.name, step.event, until), key)
        return WAITING, None
    if answer.failure is not None:
        turn.note(step, item, {"failed": answer.failure})
        return FAILED, None
    return DONE, answer.value
