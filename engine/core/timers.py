"""What time does to holds and waits, as values: when, and what then.

A run knows no time but that of its event. When a hold opened or a step began to wait is known to whoever
records it; what follows from time comes back to the run as an answer.
"""

from datetime import datetime
from typing import NamedTuple

from engine.core.command import HoldCommand, WaitCommand
from engine.core.state import Answer
from engine.values.actors import ENGINE

EXPIRED = "expired"  # the code under which a hold is refused whose time is over


class Timer(NamedTuple):
    """What becomes of a hold that is still open at an instant."""

    at: datetime
    does: str  # escalate, alert, reject, release
    to: str  # who is told; "" for nobody
    after: str  # "2 business days"


def timers(command: HoldCommand, opened_at: datetime) -> tuple[Timer, ...]:
    """What time does to a hold that opens now, in the order in which the policy says it."""
    hold, keys = command.hold, command.calendar_keys
    found = [
        Timer(one.after.due(opened_at, key), "escalate", one.to, one.after.text)
        for one, key in zip(hold.escalations, keys, strict=False)
    ]
    if hold.expires is not None:
        after = hold.expires.after
        at = after.due(opened_at, keys[len(hold.escalations)])
        found.append(Timer(at, hold.expires.then, hold.expires.to, after.text))
    return tuple(found)


def wait_ends(command: WaitCommand, began_at: datetime) -> datetime | None:
    """When a wait that begins now is over, if ever."""
    timeout = command.timeout
    return None if timeout is None else timeout.due(began_at, command.calendar_key)


def expiry(timer: Timer) -> Answer | None:
    """What a run is told when the time of a hold is over; None when it goes on waiting."""
    if timer.does not in ("reject", "release"):
        return None
    reason = f"nothing ended it within {timer.after}"
    if timer.does == "reject":
        return refused(ENGINE, EXPIRED, reason)
    return Answer({"by": ENGINE, "reason": reason})


def refused(by: str, code: str, reason: str) -> Answer:
    """What a run is told when a hold is refused in place of being released."""
    return Answer({"by": by, "reason": reason, "refused": code}, f"refused by {by} ({code}): {reason}")


def timed_out(event: str, until: datetime) -> Answer:
    """What a run is told when nothing came in time."""
    return Answer(None, f"no {event} came before {until.isoformat()}")
