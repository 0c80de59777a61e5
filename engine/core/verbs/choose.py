"""`choose`: take the first branch whose condition is true."""

from engine.core.state import DONE, FAILED, StepStatus
from engine.core.turn import Turn, truth
from engine.language.compiled import Scope
from engine.plan.step import ChooseStep
from engine.values.value import Value


def choose(turn: Turn, step: ChooseStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Choose; the value is a record with the name of the branch."""
    for branch, condition in step.branches:
        if condition is None or truth(condition.call(scope)):
            turn.note(step, item, {"branch": branch})
            return DONE, {"branch": branch}
    turn.note(step, item, {"failed": "no branch fits, and there is no `otherwise`"})
    return FAILED, None
