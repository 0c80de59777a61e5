"""`read`: ask a system, or the ledger's own entity store."""

from engine.core.command import ReadCommand
from engine.core.state import ASKED, DONE, FAILED, StepStatus
from engine.core.turn import Turn, record, suffix
from engine.language.compiled import Scope
from engine.plan.step import ReadStep
from engine.values.value import Value


def read(turn: Turn, step: ReadStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Ask once; a refreshed read asks again under another key."""
    times = turn.state.refreshed.get(step.index, 0)
    key = f"read:{step.name}{suffix(item)}" + (f"#{times}" if times else "")
    answer = turn.answer(key)
    if answer is None:
        made, parameters = turn.make(step.parameters, scope)
        if made:
            turn.give(
                ReadCommand(
                    key,
                    step.name,
                    step.connection,
                    step.operation,
                    record(parameters),
                    step.missing_is_null,
                    0 if times else step.cache_seconds,
                ),
                key,
            )
        return ASKED, None
    if answer.failure is not None:
        turn.note(step, item, {"failed": answer.failure})
        return FAILED, None
    if answer.value is None and not step.missing_is_null:
        turn.note(step, item, {"failed": f"{step.connection}.{step.operation} found nothing"})
        return FAILED, None
    return DONE, answer.value
