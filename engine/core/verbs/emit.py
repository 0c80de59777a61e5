"""`emit`: say that something happened."""

from engine.core.command import AlertCommand, EmitCommand
from engine.core.state import ASKED, DONE, FAILED, StepStatus
from engine.core.turn import Turn, record, suffix
from engine.language.compiled import Scope
from engine.plan.step import EmitStep
from engine.values.actors import OPERATIONS
from engine.values.value import Value

DEEPEST = 32
"""So many events may cause each other, one after the other: flows that start each other end here."""


def emit(turn: Turn, step: EmitStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Give the event; it is accepted in the same transaction, so there is no answer to wait for."""
    if turn.state.event.depth >= DEEPEST:
        return _refused(turn, step, item)
    made, data = turn.make(step.make, scope)
    if not made:
        return ASKED, None
    key = f"emit:{step.name}{suffix(item)}"
    effect_key = f"{turn.state.run_id}/{step.name}{suffix(item)}"
    turn.give(EmitCommand(key, effect_key, step.name, step.event, record(data)), key)
    return DONE, data


def _refused(turn: Turn, step: EmitStep, item: str | None) -> tuple[StepStatus, Value]:
    """End a circle of flows that start each other, and tell somebody."""
    why = (
        f"{step.event} is not emitted: {DEEPEST} events have caused each other before it, "
        "as if flows started each other without end"
    )
    key = f"alert:{step.name}{suffix(item)}:depth"
    name = f"{turn.state.run_id}/{step.name}{suffix(item)}/depth"
    turn.give(AlertCommand(name, step.name, "", OPERATIONS, "error", why), key)
    turn.note(step, item, {"failed": why})
    return FAILED, None
