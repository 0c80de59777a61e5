"""Holds, opened by policies and ended by people, events or time; waits; and the alerts that tell somebody."""

from sqlalchemy import true

from engine.ledger.batch import Batch, require_status
from engine.ledger.commit import Commit
from engine.ledger.facts import (
    ALERTS,
    HOLDS,
    HOLDS_EXPIRED,
    HOLDS_REFUSED,
    HOLDS_RELEASED,
    WAITS,
    WAITS_ENDED,
)
from engine.ledger.rows import OPEN_HOLDS
from engine.ledger.statements import adding, changing
from engine.ledger.tables import alerts, holds, waits

_OPEN = holds.c.release_commit.is_(None)

ADD_HOLD = adding(holds, HOLDS.columns, {"status": "'open'"})
RELEASE = changing(
    holds,
    "release_commit",
    ("released_at", "released_by", "release_reason", "release_event", "id"),
    {"status": "'released'"},
    _OPEN,
)
EXPIRE = changing(
    holds, "release_commit", ("released_at", "release_reason", "id"), {"status": "'expired'"}, _OPEN
)
REFUSE = changing(
    holds,
    "release_commit",
    ("released_at", "released_by", "release_reason", "refusal_code", "id"),
    {"status": "'refused'"},
    _OPEN,
)
MOVE_HOLD = changing(holds, None, ("status", "id"), {}, _OPEN)
ADD_WAIT = adding(waits, WAITS.columns, {"status": "'waiting'"})
END_WAIT = changing(
    waits, "end_commit", ("status", "ended_at", "end_event", "id"), {}, waits.c.end_commit.is_(None)
)
ADD_ALERT = adding(alerts, ALERTS.columns, {"status": "'open'"})
MOVE_ALERT = changing(alerts, None, ("status", "id"), {}, true())


def begin(batch: Batch, commit: Commit) -> None:
    """Write the holds that open, the waits that begin and the alerts that are raised."""
    batch.add(HOLDS, ADD_HOLD, commit.holds)
    batch.add(WAITS, ADD_WAIT, commit.waits)
    batch.add(ALERTS, ADD_ALERT, commit.alerts)


def change(batch: Batch, commit: Commit) -> None:
    """Write what became of holds, waits and alerts."""
    steps = commit.holds_moved
    require_status({row.status for row in steps}, OPEN_HOLDS)
    batch.move(
        "hold",
        MOVE_HOLD,
        [(row.status, row.id) for row in steps],
        [(row.status, row.at, None, row.reason, row.detail) for row in steps],
    )
    batch.end(HOLDS_RELEASED, RELEASE, commit.holds_released)
    batch.end(HOLDS_EXPIRED, EXPIRE, commit.holds_expired)
    batch.end(HOLDS_REFUSED, REFUSE, commit.holds_refused)
    batch.end(WAITS_ENDED, END_WAIT, commit.waits_ended)
    batch.counts["holds.refused"] += len(commit.holds_refused)
    batch.counts["holds.released"] += len(commit.holds_released)
    batch.counts["holds.expired"] += len(commit.holds_expired)
    moved = commit.alerts_moved
    batch.move(
        "alert",
        MOVE_ALERT,
        [(row.status, row.id) for row in moved],
        [(row.status, row.at, None, None, None) for row in moved],
    )
