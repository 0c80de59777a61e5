"""How a ledger stands: runs, effects, holds and alerts by status, and the oldest run that is open."""

from collections.abc import Mapping

from engine.ledger.reader import LedgerReader
from engine.values.value import Value

OPEN = ("running", "waiting", "held", "unknown", "pending", "sending", "open", "proposed")
"""Statuses of what is not over; they are told first."""


def standing(reader: LedgerReader) -> dict[str, Value]:
    """The numbers of a ledger by table and status, open ones first, and since when the oldest open run is."""
    counts = reader.counts()
    oldest = reader.open_runs(limit=1)
    release = reader.active_release()
    return {
        **{
            table: _ordered(counts[table])
            for table in ("events", "runs", "effects", "holds", "waits", "alerts")
        },
        "oldest_open_run": oldest[0].now if oldest else None,
        "release": None if release is None else release.fingerprint,
    }


def _ordered(found: Mapping[str, int]) -> dict[str, Value]:
    """Without what there is none of."""
    names = [*(name for name in OPEN if name in found), *(name for name in found if name not in OPEN)]
    return {name: found[name] for name in names if found[name]}
