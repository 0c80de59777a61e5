"""Deciding: pure. No clock, no I/O, no randomness, no logging."""

from engine.core.advance import advance, awaited_by, begin, released_by, starts
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

__all__ = [
    "AlertCommand",
    "Answer",
    "CloseHoldCommand",
    "Command",
    "EmitCommand",
    "HoldCommand",
    "LookUpCommand",
    "ReadCommand",
    "RunState",
    "RunStatus",
    "STEP_STATUSES",
    "WaitCommand",
    "WriteCommand",
    "advance",
    "awaited_by",
    "begin",
    "reason",
    "released_by",
    "starts",
]
