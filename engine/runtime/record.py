"""What a turn decided, as rows of the ledger. Functions of values; nothing is asked or kept here."""

from engine.core import STEP_STATUSES, AlertCommand, HoldCommand, RunState, RunStatus, WriteCommand, reason
from engine.ledger import Commit
from engine.ledger.rows import NewAlert, NewEffect, NewHold, RunFinished, RunPaused
from engine.plan.step import CheckStep
from engine.values.json_text import write_json

FINAL = (RunStatus.COMPLETED, RunStatus.REJECTED, RunStatus.FAILED)


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


def hold_row(run_id: str, command: HoldCommand, at: str) -> NewHold:
    """A hold that opens."""
    hold = command.hold
    detail = {
        "approval": hold.approval,
        "role": hold.role,
        "reason_required": hold.reason_required,
        "four_eyes_over": hold.four_eyes_over,
        "escalate_to": hold.escalate_to,
        "escalate_after_seconds": hold.escalate_after_seconds,
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
        None,
        write_json(detail).decode(),
        at,
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


def rest(commit: Commit, run_id: str, state: RunState, at: str) -> None:
    """A run that is over, or waits for nothing that is on its way, with what was decided and why."""
    steps = zip(state.flow.steps, state.steps, strict=True)
    said = {
        "steps": {step.name: STEP_STATUSES[status] for step, status in steps},
        **state.trace,
        "$versions": _versions(state),
    }
    decisions = write_json(said).decode()
    status, why = state.status.value, reason(state)
    if state.status in FINAL:
        commit.runs_finished.append(RunFinished(status, at, decisions, why, run_id))
    else:
        commit.runs_paused.append(RunPaused(status, decisions, why, at, run_id))


def _versions(state: RunState) -> dict[str, object]:
    """The versions of the flow and of the policies that it checks; no step can have their name."""
    checks = (step for step in state.flow.steps if isinstance(step, CheckStep))
    return {
        "flow": state.flow.version,
        "policies": {policy.name: policy.version for step in checks for policy in step.policies},
    }
