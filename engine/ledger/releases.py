"""Snapshots of workspaces, content-addressed, and which of them is active since when."""

from sqlalchemy import bindparam, select

from engine.errors import LedgerConflict
from engine.ledger.batch import Batch
from engine.ledger.commit import Commit
from engine.ledger.facts import ACTIVATIONS, RELEASES
from engine.ledger.rows import NewRelease
from engine.ledger.statements import adding, asking
from engine.ledger.tables import activations, releases
from engine.values.canonical import text_hash

ADD_RELEASE = adding(releases, ("fingerprint", "created_at", "note", "content", "content_hash", "commit"))
ADD_ACTIVATION = adding(activations, ACTIVATIONS.columns)
STORED = asking(
    releases,
    select(releases.c.content_hash).where(releases.c.fingerprint == bindparam("p_fingerprint")),
    "fingerprint",
)


def write(batch: Batch, commit: Commit) -> None:
    """Write snapshots and activations; a snapshot that is known is left as it is."""
    for release in commit.releases:
        if not batch.ask(STORED, (release.fingerprint,)):
            _store(batch, release)
    for activation in commit.activations:
        if not batch.ask(STORED, (activation.fingerprint,)):
            raise LedgerConflict(
                f"the release {activation.fingerprint} is not stored, so it cannot be activated"
            )
    batch.add(ACTIVATIONS, ADD_ACTIVATION, commit.activations)


def _store(batch: Batch, release: NewRelease) -> None:
    row = (*release, text_hash(release.content), batch.number)
    batch.run(ADD_RELEASE, [row])
    batch.prove(RELEASES, [row[:3] + row[4:]])
