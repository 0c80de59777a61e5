"""`emit`: say that something happened."""

from engine.core.command import EmitCommand
from engine.core.state import ASKED, DONE, StepStatus
from engine.core.turn import Turn, record, suffix
from engine.language.compiled import Scope
from engine.plan.step import EmitStep
from engine.values.value import Value


def emit(turn: Turn, step: EmitStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Give the event; it is accepted in the same transaction, so there is no answer to wait for."""
    made, data = turn.make(step.make, scope)
    if not made:
        return ASKED, None
    key = f"emit:{step.name}{suffix(item)}"
    effect_key = f"{turn.state.flow.name}/{turn.state.event.id}/{step.name}{suffix(item)}"
    turn.give(EmitCommand(key, effect_key, step.name, step.event, record(data)), key)
    return DONE, data
