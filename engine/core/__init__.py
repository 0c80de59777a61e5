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
from engine.core.state import Answer, RunState, RunStatus, StepStatus

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
    "StepStatus",
    "WaitCommand",
    "WriteCommand",
    "advance",
    "awaited_by",
    "begin",
    "released_by",
    "starts",
]
