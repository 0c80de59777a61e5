"""Taking back what a run has written, last first, by the operations that its writes name for that.

It begins when a run has come to its end: by itself where its flow says `compensate: on_failure` and a step
was refused or failed, or because a person wants it. One is taken back at a time, so that what was built on
something is gone before it goes. What is irreversible, or stands by declaration, stays.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from engine.core.command import WriteCommand
from engine.core.state import DONE, RunState, RunStatus
from engine.core.turn import Turn, suffix
from engine.language.compiled import EvaluationError
from engine.plan.step import WriteStep
from engine.values.value import Value

COMPENSATE = "compensate"
"""The key of the answer by which a person has a run taken back; its value is who and why."""

OVER = frozenset({RunStatus.COMPLETED, RunStatus.REJECTED, RunStatus.FAILED})
UNDO = "undo:"
TAKEN_BACK = "$taken-back"  # the note in a run's decisions; no step can have its name


def take_back(turn: Turn) -> None:
    """Go on with taking back, if it is wanted, and say where the run stands then."""
    state = turn.state
    if not (state.flow.compensates or COMPENSATE in state.answers):
        return
    notes: dict[str, str] = {}
    state.status = _go_on(turn, notes)
    if notes:
        state.trace[TAKEN_BACK] = {"steps": notes}


class Plan(NamedTuple):
    """What taking a run back would do, in order, and what it would leave."""

    taken_back: tuple[tuple[str, str], ...]  # step with its item, and the operation
    stays: tuple[tuple[str, str], ...]  # step, and why


def planned(state: RunState) -> Plan:
    """What taking back would do to a run that is at its end."""
    done = {key for _, _, key in _written(state)}
    back = tuple(
        (f"{step.name}{suffix(item)}", step.effect.undo.name)
        for step, item, _ in _written(state)
        if step.effect.undo is not None
    )
    stays = tuple(
        (step.name, step.effect.irreversible or step.effect.stands or "nothing takes it back")
        for step in state.flow.steps
        if isinstance(step, WriteStep) and step.key not in done and state.steps[step.index] is DONE
        if step.effect.undo is None
    )
    return Plan(back, stays)


def _go_on(turn: Turn, notes: dict[str, str]) -> RunStatus:
    state, failed = turn.state, False
    for step, item, key in _written(state):
        about = f"{step.name}{suffix(item)}"
        undo = UNDO + about
        answer = state.answers.get(undo)
        if answer is None:
            if undo in state.asked:
                return RunStatus.RUNNING
            why = _ask(turn, step, item, key)
            if why is None:
                return RunStatus.RUNNING
            notes[about], failed = f"could not be taken back: {why}", True
        elif answer.unknown:
            notes[about] = f"may have been taken back: {answer.failure}"
            return RunStatus.UNKNOWN
        elif answer.failure is not None:
            notes[about], failed = f"could not be taken back: {answer.failure}", True
        else:
            notes[about] = "taken back"
    return RunStatus.FAILED if failed else RunStatus.COMPENSATED if notes else state.status


def _written(state: RunState) -> Iterator[tuple[WriteStep, str | None, str]]:
    """What was written and can be taken back, the last step first, and of its items the last."""
    for step in reversed(state.flow.steps):
        if isinstance(step, WriteStep) and step.effect.undo is not None:
            for key in reversed([key for key in state.written if _is_of(step, key)]):
                if _receipt(state, key) is not None:
                    yield step, _item(step, key), key


def _is_of(step: WriteStep, key: str) -> bool:
    return key == step.key or (key.startswith(f"{step.key}[") and step.for_each is not None)


def _item(step: WriteStep, key: str) -> str | None:
    return None if key == step.key else key.removeprefix(f"{step.key}[").removesuffix("]")


def _receipt(state: RunState, key: str) -> Mapping[str, Value] | None:
    """The receipt of a write; of one that was done only after it had been refused, the last."""
    number, found = 0, state.answers.get(key)
    while found is not None and found.failure is not None:
        number += 1
        found = state.answers.get(f"{key}#{number}")
    return None if found is None else cast("Mapping[str, Value]", found.value)


def _ask(turn: Turn, step: WriteStep, item: str | None, key: str) -> str | None:
    """Ask for the write that takes this one back; why it cannot be asked for, if it cannot."""
    state, undo = turn.state, step.effect.undo
    assert undo is not None
    receipt = _receipt(state, key)
    payload = state.written[key]
    assert receipt is not None
    given: Mapping[str, Value] = {}
    if undo.given is not None:
        try:
            scope = {**state.scope, "payload": payload, "receipt": receipt}
            given = cast("Mapping[str, Value]", undo.given(cast("Mapping[str, Value]", scope)))
        except EvaluationError as error:
            return str(error)
    about = f"{step.name}{suffix(item)}"
    state.asked.add(UNDO + about)
    turn.commands.append(
        WriteCommand(
            UNDO + about,
            f"{state.run_id}/{about}/undo",
            step.name,
            item,
            undo.connection,
            undo.operation,
            undo.taken({**payload, **receipt, **given}),
            (),
        )
    )
    return None
