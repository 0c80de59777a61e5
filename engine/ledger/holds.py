"""Holds, opened by policies and ended by people, events or time; and the alerts that tell somebody."""

from sqlalchemy import true

from engine.ledger.batch import Batch
from engine.ledger.commit import Commit
from engine.ledger.facts import ALERTS, HOLDS, HOLDS_EXPIRED, HOLDS_RELEASED
from engine.ledger.statements import adding, changing
from engine.ledger.tables import alerts, holds

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
ADD_ALERT = adding(alerts, ALERTS.columns, {"status": "'open'"})
MOVE_ALERT = changing(alerts, None, ("status", "id"), {}, true())


def begin(batch: Batch, commit: Commit) -> None:
    """Write the holds that open and the alerts that are raised."""
    batch.add(HOLDS, ADD_HOLD, commit.holds)
    batch.add(ALERTS, ADD_ALERT, commit.alerts)


def change(batch: Batch, commit: Commit) -> None:
    """Write what became of holds and alerts."""
    batch.end(HOLDS_RELEASED, RELEASE, commit.holds_released)
    batch.end(HOLDS_EXPIRED, EXPIRE, commit.holds_expired)
    batch.counts["holds.released"] += len(commit.holds_released)
    batch.counts["holds.expired"] += len(commit.holds_expired)
    moved = commit.alerts_moved
    batch.move(
        "alert",
        MOVE_ALERT,
        [(row.status, row.id) for row in moved],
        [(row.status, row.at, None, None, None) for row in moved],
    )
