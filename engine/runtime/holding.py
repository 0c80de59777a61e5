"""What ends holds and waits, other than events: persons and time. Each act is part of one turn.

Whether something is still open is asked of the run itself, after all that came before in the turn: an event
and a person may come at the same moment, and only the first of them ends a hold.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from engine.core import Answer, Timer, expiry, refused, timed_out, waits_for
from engine.core.turn import suffix
from engine.errors import InputError
from engine.ledger.instants import read_instant
from engine.ledger.rows import (
    AuditEntry,
    HoldExpired,
    HoldMoved,
    HoldRefused,
    HoldReleased,
    HoldRow,
    NewAlert,
)
from engine.runtime.permission import (
    NOT_PROPOSED,
    Release,
    agreement_refusal,
    proposal_refusal,
    refusal,
    refusal_refusal,
)
from engine.runtime.timers import Due, read_timers
from engine.values.json_text import read_json, write_json
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.execute import Executor

SEVERITY = "error"  # of what is told when a hold stays open too long


def hold_key(row: HoldRow) -> str:
    """The key under which a run knows a hold."""
    return f"hold:{row.step}{suffix(row.item)}:{row.policy}"


def release(executor: "Executor", hold_id: str, person: Release) -> None:
    """A person releases a hold, with a second one where that is asked for.

    Raises:
        InputError: when it is not open any more, or its policy does not allow this release.

    """
    row = _open(executor, hold_id, "released")
    _require(refusal(_detail(row), person), row, "released")
    _end_released(executor, row, person.by, person)


def propose(executor: "Executor", hold_id: str, person: Release) -> None:
    """A person proposes to release a hold; another one has to agree before it is checked again.

    Raises:
        InputError: when it is not open any more, or this person may not release it.

    """
    row = _open(executor, hold_id, "proposed for release")
    _require(proposal_refusal(_detail(row), person), row, "proposed for release")
    said = {"by": person.by, "reason": person.reason, "role": person.role}
    detail = write_json(said).decode()
    executor.commit_rows.holds_moved.append(HoldMoved("proposed", executor.at, person.reason, detail, row.id))
    _audit(executor, person.by, "hold release proposed", row, said)


def agree(executor: "Executor", hold_id: str, person: Release) -> None:
    """A second person agrees with what the first has proposed, and the hold is released.

    Raises:
        InputError: when nothing is proposed, or the policy does not allow that this person agrees.

    """
    row = _open(executor, hold_id, "released")
    proposed = proposal(executor, row)
    if proposed is None:
        raise InputError(f"the hold {hold_id!r} cannot be released: {NOT_PROPOSED}")
    first = Release(by=str(proposed["by"]), reason=_text(proposed["reason"]), role=_text(proposed["role"]))
    _require(agreement_refusal(_detail(row), first, person), row, "released")
    second = Release(by=first.by, reason=first.reason, role=first.role, second=person.by)
    _end_released(executor, row, first.by, second)


def refuse(executor: "Executor", hold_id: str, person: Release, code: str) -> None:
    """A person refuses what waits: the step is rejected with a code and a reason.

    Raises:
        InputError: when it is not open any more, or this person may not.

    """
    row = _open(executor, hold_id, "refused")
    _require(refusal_refusal(_detail(row), person), row, "refused")
    executor.commit_rows.holds_refused.append(
        HoldRefused(executor.at, person.by, person.reason, code, row.id)
    )
    said = {"reason": person.reason, "role": person.role, "code": code}
    _audit(executor, person.by, "hold refused", row, said)
    answer = refused(person.by, code, person.reason or "")
    executor.waking.answer_recorded(row.run_id, hold_key(row), "hold", answer)


def proposal(executor: "Executor", row: HoldRow) -> Mapping[str, Value] | None:
    """What was proposed and has not lapsed: who, why, and in which role."""
    moved = [one for one in executor.commit_rows.holds_moved if one.id == row.id]
    if moved:
        detail = moved[-1].detail if moved[-1].status == "proposed" else None
    elif row.status == "proposed":
        detail = executor.reader.transitions(row.id)[-1].detail
    else:
        detail = None
    return None if detail is None else cast("Mapping[str, Value]", read_json(detail))


def lapse(executor: "Executor", run_id: str, step: str, event_id: str) -> None:
    """A check is done again, so what was proposed about its holds was about other facts."""
    for row in executor.reader.holds_of_run(run_id):
        if row.step == step and row.release_commit is None and proposal(executor, row) is not None:
            why = f"checked again after {event_id}"
            executor.commit_rows.holds_moved.append(HoldMoved("open", executor.at, why, None, row.id))


def expire(executor: "Executor", due: Due) -> None:
    """What time does, if what it was to be done to is still open."""
    if due.kind == "wait":
        _end_wait(executor, due)
        return
    row = executor.reader.hold(due.id)
    if row is None or not is_open(executor, row):
        return
    timer = read_timers(row.timers)[due.number]
    answer = expiry(timer)
    if answer is None:
        _tell(executor, row, timer, due.number)
        return
    said = cast("Mapping[str, Value]", answer.value)
    reason = str(said["reason"])
    executor.commit_rows.holds_expired.append(HoldExpired(executor.at, reason, row.id))
    executor.waking.answer_recorded(row.run_id, hold_key(row), "hold", answer)


def _end_wait(executor: "Executor", due: Due) -> None:
    row = executor.reader.wait(due.id)
    if row is None or row.end_commit is not None:
        return
    key = f"wait:{row.step}{suffix(row.item)}"
    with executor.waking.consulted(row.run_id) as state:
        if waits_for(state, key):
            answer = timed_out(row.event, read_instant(row.due_at or row.began_at))
            executor.waking.answer_recorded(row.run_id, key, "wait", answer)


def _tell(executor: "Executor", row: HoldRow, timer: Timer, number: int) -> None:
    """Tell somebody that a hold stays open, once."""
    name = f"{row.id}/after/{number + 1}"
    if executor.reader.alert(name) is None:
        message = f"Held for {timer.after} by policy {row.policy}: {row.reason}"
        alert = NewAlert(name, row.run_id, row.step, row.policy, SEVERITY, timer.to, message, executor.at)
        executor.alert(alert)


def is_open(executor: "Executor", row: HoldRow) -> bool:
    """Whether the run still has this hold, after all that came before in this turn."""
    if row.release_commit is not None:
        return False
    with executor.waking.consulted(row.run_id) as state:
        return state.open_holds.get(hold_key(row)) == row.id


def _open(executor: "Executor", hold_id: str, done: str) -> HoldRow:
    row = executor.reader.hold(hold_id)
    if row is None:
        raise InputError(f"the hold {hold_id!r} cannot be {done}: there is no such hold")
    if row.release_commit is not None:
        raise InputError(f"the hold {hold_id!r} cannot be {done}: it is {row.status}")
    if not is_open(executor, row):
        raise InputError(f"the hold {hold_id!r} cannot be {done}: it has just ended")
    return row


def _require(why: str | None, row: HoldRow, done: str) -> None:
    if why:
        raise InputError(f"the hold {row.id!r} cannot be {done}: {why}")


def _end_released(executor: "Executor", row: HoldRow, by: str, person: Release) -> None:
    rows = executor.commit_rows
    rows.holds_released.append(HoldReleased(executor.at, by, person.reason, None, row.id))
    said = {"reason": person.reason, "role": person.role, "second": person.second}
    _audit(executor, by, "hold released", row, said)
    if person.second is not None:
        _audit(executor, person.second, "hold release agreed", row, said)
    answer = Answer({"by": by, "reason": person.reason})
    executor.waking.answer_recorded(row.run_id, hold_key(row), "hold", answer)


def _audit(executor: "Executor", actor: str, action: str, row: HoldRow, said: Mapping[str, Value]) -> None:
    detail = write_json(said).decode()
    executor.commit_rows.entries.append(AuditEntry(executor.at, actor, action, row.id, detail))


def _detail(row: HoldRow) -> Mapping[str, Value]:
    return cast("Mapping[str, Value]", read_json(row.detail))


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
