"""`write`: write a record to a system, once; and what follows when the system refuses it."""

from collections.abc import Mapping

from engine.core.command import HoldCommand, WriteCommand
from engine.core.state import ASKED, DONE, FAILED, HELD, UNKNOWN, Answer, StepStatus
from engine.core.turn import Turn, record, suffix
from engine.language.compiled import Scope
from engine.plan.policy import Hold
from engine.plan.step import WriteStep
from engine.values.keys import as_key
from engine.values.value import Value

# The policy under which a refused write is held, by the class of the fault.
HELD_AS: Mapping[str, str] = {"permanent": "refused-by-target", "closed_period": "period-closed"}

_BY_A_PERSON = Hold(
    approval=False,
    until=None,
    role=None,
    reason_required=True,
    four_eyes_over=None,
)


def write(turn: Turn, step: WriteStep, scope: Scope, item: str | None) -> tuple[StepStatus, Value]:
    """Make the record and ask for the write; go on with its receipt.

    A write that was refused, and that the flow has held or moved to another cycle, is another write when
    it is asked for again: the refused one proves that nothing happened, so it takes a key of its own.
    """
    state = turn.state
    key = step.key if item is None else f"{step.key}[{item}]"
    number, asked = 0, key
    while (answer := state.answers.get(asked)) is not None:
        if answer.failure is None or answer.unknown or not _again(turn, step, item, number, answer):
            return _settled(turn, step, item, answer)
        if _hold_key(step, item, number, answer.fault) in state.open_holds:
            return HELD, None
        number += 1
        asked = _numbered(key, number)
    if asked not in state.asked:
        _ask(turn, step, scope, item, asked, number)
    elif step.name in state.trace:  # it was in doubt, and is tried once more
        turn.forget(step, item)
    return ASKED, None


def _ask(turn: Turn, step: WriteStep, scope: Scope, item: str | None, key: str, number: int) -> None:
    state = turn.state
    made, payload = turn.make(step.make, scope)
    if not made:
        return
    name = step.name if item is None else f"{step.name}{suffix(item)}"
    effect_key = f"{state.run_id}/{name}"
    state.asked.add(key)
    sent = record(payload)
    if step.effect.undo is not None:
        base = step.key if item is None else f"{step.key}[{item}]"
        state.written = {**state.written, base: sent}
    turn.commands.append(
        WriteCommand(
            key,
            _numbered(effect_key, number) if number else effect_key,
            step.name,
            item,
            step.connection,
            step.operation,
            sent,
            _links(step, scope) if step.links else (),
        )
    )


def _links(step: WriteStep, scope: Scope) -> tuple[tuple[str, str], ...]:
    return tuple((link.entity, as_key(str(link.canonical_id(scope)))) for link in step.links)


def _numbered(key: str, number: int) -> str:
    return f"{key}#{number}" if number else key


def _settled(turn: Turn, step: WriteStep, item: str | None, answer: Answer) -> tuple[StepStatus, Value]:
    if answer.unknown:
        turn.note(step, item, {"unknown": answer.failure})
        return UNKNOWN, None
    if answer.failure is not None:
        turn.note(step, item, {"failed": answer.failure})
        return FAILED, None
    if step.name in turn.state.trace:  # it was in doubt, and somebody has found out
        turn.forget(step, item)
    return DONE, answer.value


def _again(turn: Turn, step: WriteStep, item: str | None, number: int, answer: Answer) -> bool:
    """Whether a refused write may be asked for again: later, after a person, or in another cycle at once."""
    way = step.effect.faults.get(answer.fault)
    if way == "roll":  # once: when the next period is closed as well, a person has to see it
        return number == 0 and rolled_key(step.name) in turn.state.answers
    if way != "hold":
        return False
    key = _hold_key(step, item, number, answer.fault)
    released = turn.state.answers.get(key)
    if released is not None:
        turn.state.open_holds.pop(key, None)
        return released.failure is None
    if key not in turn.state.open_holds:
        _hold(turn, step, item, key, answer)
    return True


def rolled_key(step: str) -> str:
    """The key under which a run knows that a refused write moved to another cycle."""
    return f"roll:{step}"


def _hold_key(step: WriteStep, item: str | None, number: int, fault: str) -> str:
    return f"hold:{step.name}{suffix(item)}:{_numbered(HELD_AS.get(fault, fault), number)}"


def _hold(turn: Turn, step: WriteStep, item: str | None, key: str, answer: Answer) -> None:
    """Park the write until a person says that it may go out again."""
    state, policy = turn.state, key.rpartition(":")[2]
    hold_id = f"{state.run_id}/{step.name}{suffix(item)}/{policy}"
    state.open_holds[key] = hold_id
    state.asked.add(key)
    reason = str(answer.failure)
    turn.note(step, item, {"held": [policy], "reasons": {policy: reason}})
    turn.commands.append(
        HoldCommand(key, hold_id, step.name, item, policy, state.flow.owner, reason, _BY_A_PERSON)
    )
