"""What a turn decided, as rows of the ledger. Functions of values; nothing is asked here.

What is the same for many runs of a flow is written out once, and kept by :class:`Rests`.
"""

from datetime import datetime

from engine.core import (
    STEP_STATUSES,
    AlertCommand,
    HoldCommand,
    RunState,
    RunStatus,
    WaitCommand,
    WriteCommand,
    reason,
)
from engine.ledger import Commit, instant
from engine.ledger.rows import NewAlert, NewEffect, NewHold, NewWait, RunFinished, RunPaused
from engine.plan.plan import FlowPlan
from engine.plan.step import CheckStep
from engine.values.json_text import write_json, written

_COMPLETED = RunStatus.COMPLETED
FINAL = (RunStatus.COMPLETED, RunStatus.REJECTED, RunStatus.FAILED, RunStatus.COMPENSATED)


def effect_row(run_id: str, command: WriteCommand, at: str) -> NewEffect:
    """A write that was decided."""
    return NewEffect(
        command.effect_key,
        run_id,
        command.step,
        command.item,
        command.connection,
        command.operation,
        write_json(command.payload).decode(),
        at,
    )


def hold_row(run_id: str, command: HoldCommand, at: str, timers: str | None) -> NewHold:
    """A hold that opens, with what time does to it."""
    hold = command.hold
    detail = {
        "approval": hold.approval,
        "role": hold.role,
        "reason_required": hold.reason_required,
        "four_eyes_over": hold.four_eyes_over,
        **({} if hold.amount is None else {"amount": command.amount}),
    }
    return NewHold(
        command.hold_id,
        run_id,
        command.step,
        command.item,
        command.policy,
        command.reason,
        command.owner or "",
        None if hold.until is None else hold.until.event,
        command.match,
        timers,
        write_json(detail).decode(),
        at,
    )


def wait_row(run_id: str, command: WaitCommand, at: str, due: datetime | None) -> NewWait:
    """A step that begins to wait."""
    return NewWait(
        command.wait_id,
        run_id,
        command.step,
        command.item,
        command.event,
        command.match,
        at,
        None if due is None else instant(due),
    )


def alert_row(run_id: str, command: AlertCommand, at: str) -> NewAlert:
    """Somebody who is told."""
    return NewAlert(
        command.alert_id,
        run_id,
        command.step,
        command.policy,
        command.severity,
        command.to,
        command.message,
        at,
    )


def refused(flow: FlowPlan, why: list[str]) -> str:
    """The decisions of a run that a flow did not begin."""
    said = {"refused": why, "$versions": {"flow": flow.version, "owner": flow.owner}}
    return write_json(said).decode()


class Rests:
    """Runs that are over, or wait for nothing that is on its way, with what was decided and why."""

    def __init__(self) -> None:
        """Begin with nothing written out."""
        self._flows: dict[int, _Written] = {}  # by the identity of a flow, which its entry keeps alive

    def record(self, commit: Commit, run_id: str, state: RunState, status: str, at: str) -> None:
        """One run that rests, in this status."""
        decisions = self.decisions(state)
        why = None if state.status is _COMPLETED else reason(state)
        if state.status in FINAL:
            commit.runs_finished.append(RunFinished(status, at, decisions, why, run_id))
        else:
            commit.runs_paused.append(RunPaused(status, decisions, why, at, run_id))

    def decisions(self, state: RunState) -> str:
        """What was decided about a run, and why, as it is recorded."""
        flow = self._flows.get(id(state.flow))
        if flow is None:
            flow = self._flows[id(state.flow)] = _Written(state.flow)
        said = {"steps": flow.steps(state.steps), **state.trace, "$versions": flow.versions}
        return write_json(said).decode()


class _Written:
    """What the runs of one flow say alike."""

    def __init__(self, flow: FlowPlan) -> None:
        self._flow = flow
        self.versions = written(_versions(flow))
        self._steps: dict[tuple[int, ...], object] = {}

    def steps(self, statuses: list[int]) -> object:
        """Where the steps stand, in words."""
        key = tuple(statuses)
        found = self._steps.get(key)
        if found is None:
            if len(self._steps) >= _KEPT:
                self._steps.clear()
            pairs = zip(self._flow.steps, statuses, strict=True)
            found = self._steps[key] = written({step.name: STEP_STATUSES[status] for step, status in pairs})
        return found


_KEPT = 1_000  # ways in which the steps of one flow can stand; of most flows there are few


def _versions(flow: FlowPlan) -> dict[str, object]:
    """The versions of the flow and of the policies that it checks; no step can have their name."""
    checks = (step for step in flow.steps if isinstance(step, CheckStep))
    earlier = {} if flow.earlier is None else {"event": f"{flow.earlier.name} by {flow.earlier.down}"}
    return {
        **earlier,
        "flow": flow.version,
        "owner": flow.owner,
        "policies": {policy.name: policy.version for step in checks for policy in step.policies},
    }
