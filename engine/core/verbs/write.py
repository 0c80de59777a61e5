"""`write`: write a record to a system, once."""

from engine.core.command import WriteCommand
from engine.core.state import ASKED, DONE, FAILED, UNKNOWN, Answer, StepStatus
from engine.core.turn import Turn, record, suffix
from engine.language.compiled import Scope
from engine.plan.step import WriteStep
from engine.values.value import Value


def write(turn: Turn, step: WriteStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Make the record and ask for the write; go on with its receipt."""
    state = turn.state
    key = step.key if item is None else f"{step.key}[{item}]"
    if key in state.answers:
        return _settled(turn, step, item, state.answers[key])
    if key in state.asked:
        return ASKED, None
    made, payload = turn.make(step.make, scope)
    if made:
        effect_key = f"{state.flow.name}/{state.event.id}/{step.name}{suffix(item)}"
        links = [(link.entity, str(link.canonical_id(scope))) for link in step.links] if step.links else ()
        state.asked.add(key)
        turn.commands.append(
            WriteCommand(
                key,
                effect_key,
                step.name,
                item,
                step.connection,
                step.operation,
                record(payload),
                tuple(links),
            )
        )
    return ASKED, None


def _settled(turn: Turn, step: WriteStep, item: str | None, answer: Answer) -> tuple[StepStatus, Value]:
    if answer.unknown:
        turn.note(step, item, {"unknown": answer.failure})
        return UNKNOWN, None
    if answer.failure is not None:
        turn.note(step, item, {"failed": answer.failure})
        return FAILED, None
    return DONE, answer.value
