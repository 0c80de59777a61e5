"""The life of what stops an order key: parked, and freed when its run went on or a person let others pass."""

from engine.ledger.batch import Batch
from engine.ledger.commit import Commit
from engine.ledger.facts import PARKINGS, PARKINGS_FREED
from engine.ledger.statements import adding, changing
from engine.ledger.tables import parkings

ADD_PARKING = adding(parkings, PARKINGS.columns, {"status": "'parked'"})
FREE = changing(
    parkings,
    "free_commit",
    ("freed_at", "freed_by", "free_reason", "id"),
    {"status": "'freed'"},
    parkings.c.free_commit.is_(None),
)


def begin(batch: Batch, commit: Commit) -> None:
    """Write what stops its order key from now on."""
    batch.add(PARKINGS, ADD_PARKING, commit.parkings)


def change(batch: Batch, commit: Commit) -> None:
    """Write what does not any more."""
    batch.end(PARKINGS_FREED, FREE, commit.parkings_freed)
