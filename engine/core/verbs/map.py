"""`map`: make a value of others."""

from engine.core.state import ASKED, DONE, StepStatus
from engine.core.turn import Turn
from engine.language.compiled import Scope
from engine.plan.step import MapStep
from engine.values.value import Value


def map_(turn: Turn, step: MapStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Make it, once its look-ups are answered."""
    del item
    made, value = turn.make(step.make, scope)
    return (DONE, value) if made else (ASKED, None)
