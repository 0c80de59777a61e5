"""Deciding: pure. No clock, no I/O, no randomness, no logging."""

from engine.core.advance import advance, begin, deadline, overdue, starts, woken_by
from engine.core.command import (
    AlertCommand,
    CloseHoldCommand,
    Command,
    EmitCommand,
    HoldCommand,
    LookUpCommand,
    ReadCommand,
    WaitCommand,
    WriteCommand,
)
from engine.core.reason import reason
from engine.core.state import STEP_STATUSES, Answer, RunState, RunStatus
from engine.language.compiled import EvaluationError

__all__ = [
    "STEP_STATUSES",
    "AlertCommand",
    "Answer",
    "CloseHoldCommand",
    "Command",
    "EmitCommand",
    "EvaluationError",
    "HoldCommand",
    "LookUpCommand",
    "ReadCommand",
    "RunState",
    "RunStatus",
    "WaitCommand",
    "WriteCommand",
    "advance",
    "begin",
    "deadline",
    "overdue",
    "reason",
    "starts",
    "woken_by",
]
