"""Deciding: pure. No clock, no I/O, no randomness, no logging."""

from engine.core.advance import advance, advance_own, begin, starts, take_in, waits_for, woken_by
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
from engine.core.state import (
    STEP_STATUSES,
    WITHDRAWN,
    Answer,
    RunState,
    RunStatus,
    attempt_of,
    event_of,
    flow_of,
    run_name,
)
from engine.core.timers import Timer, expiry, refused, timed_out, timers, wait_ends
from engine.language.compiled import EvaluationError

__all__ = [
    "STEP_STATUSES",
    "WITHDRAWN",
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
    "Timer",
    "WaitCommand",
    "WriteCommand",
    "advance",
    "advance_own",
    "attempt_of",
    "begin",
    "event_of",
    "expiry",
    "flow_of",
    "reason",
    "refused",
    "run_name",
    "starts",
    "take_in",
    "timed_out",
    "timers",
    "wait_ends",
    "waits_for",
    "woken_by",
]
