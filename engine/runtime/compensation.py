"""Taking a run back because a person wants it: what it would do, and doing it."""

import asyncio
from dataclasses import dataclass

from engine.core.compensate import OVER, planned
from engine.core.state import RunState, RunStatus
from engine.errors import InputError
from engine.runtime.broken import is_broken
from engine.runtime.control import Desk, Did
from engine.values.value import Value

_OVER = frozenset(status.value for status in OVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensateRequest:
    """Which run a person has taken back, and why; with `dry`, only what that would do is told."""

    run: str
    by: str
    reason: str
    dry: bool = False


async def compensate(desk: Desk, request: CompensateRequest) -> Did:
    """Have what a run wrote taken back, last first; where it stands is then in the ledger."""
    state = _standing(desk, request.run)
    plan = planned(state)
    told: dict[str, Value] = {
        "run": request.run,
        "takes_back": [{"step": step, "by": operation} for step, operation in plan.taken_back],
        "stays": [{"step": step, "why": why} for step, why in plan.stays],
        "caused": _caused(desk, request.run),
    }
    if not plan.taken_back:
        raise InputError(f"the run {request.run!r} wrote nothing that can be taken back")
    if request.dry:
        return {**told, "status": state.status.value}
    if not request.reason.strip():
        raise InputError("a run is taken back with a reason only")
    await desk.runner.act(lambda executor: executor.compensate(request.run, request.by, request.reason))
    await asyncio.sleep(0)
    return {**told, "status": RunStatus.RUNNING.value}


def _caused(desk: Desk, run_id: str) -> list[Value]:
    """The runs of events that this one emitted; each is taken back by itself, or not at all."""
    events = desk.reader.events_caused_by_run(run_id)
    runs = [run for event in events for run in desk.reader.runs_of_event(event.id)]
    return [{"run": run.id, "status": run.status} for run in runs]


def _standing(desk: Desk, run_id: str) -> RunState:
    """The run as it stands, at its end.

    Raises:
        InputError: when there is no such run, or it is not at its end.

    """
    row = desk.reader.run(run_id)
    if row is None:
        raise InputError(f"there is no run {run_id!r}")
    if row.status not in _OVER:
        raise InputError(f"the run {run_id!r} is {row.status}: only a run that is over can be taken back")
    if is_broken(row):
        raise InputError(f"the run {run_id!r} was ended by an error; have its event worked again first")
    return desk.runner.executor.decided_again(row)
