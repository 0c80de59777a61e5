"""Which order keys stand, told to a person: since when, by what, and how many wait."""

from datetime import datetime, timedelta

from engine.ledger.reader import LedgerReader
from engine.values.value import Value


def described_keys(reader: LedgerReader, now: datetime) -> list[dict[str, Value]]:
    """What stops order keys, the oldest first."""
    running = reader.running_by_order_key()
    return [
        {
            "key": row.order_key,
            "run": row.run_id,
            "step": row.step,
            "why": row.why,
            "reason": row.reason,
            "since": row.at,
            "age": age(now - datetime.fromisoformat(row.at)),
            "waiting": running.get(row.order_key, 0),
        }
        for row in reader.parked()
    ]


def age(span: timedelta) -> str:
    """A length of time in the words of a person: `3 d 4 h`, `12 min`, `40 s`."""
    seconds = max(0, int(span.total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
