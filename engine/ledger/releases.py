"""Snapshots of workspaces, content-addressed, and which of them is active since when."""

from sqlalchemy import bindparam, func, select

from engine.errors import LedgerConflict
from engine.ledger.audit import ONE, ZERO
from engine.ledger.batch import Batch
from engine.ledger.commit import Commit
from engine.ledger.facts import ACTIVATIONS, RELEASES
from engine.ledger.rows import NewRelease, StillActive
from engine.ledger.statements import adding, asking
from engine.ledger.tables import activations, audit, releases
from engine.values.canonical import text_hash

ADD_RELEASE = adding(releases, ("fingerprint", "created_at", "note", "content", "content_hash", "commit"))
ADD_ACTIVATION = adding(activations, ACTIVATIONS.columns)
STORED = asking(
    releases,
    select(releases.c.content_hash).where(releases.c.fingerprint == bindparam("p_fingerprint")),
    "fingerprint",
)
ACTIVE = asking(
    activations, select(activations.c.fingerprint).order_by(activations.c.seq.desc()).limit(ONE).offset(ZERO)
)
SAID = asking(
    audit,
    select(func.coalesce(func.max(audit.c.seq), ZERO)).where(audit.c.subject == bindparam("p_subject")),
    "subject",
)


def write(batch: Batch, commit: Commit) -> None:
    """Write snapshots and activations; a snapshot that is known is left as it is."""
    for wanted in commit.still_active:
        _require_active(batch, wanted)
    for release in commit.releases:
        if not batch.ask(STORED, (release.fingerprint,)):
            _store(batch, release)
    for activation in commit.activations:
        if not batch.ask(STORED, (activation.fingerprint,)):
            raise LedgerConflict(
                f"the release {activation.fingerprint} is not stored, so it cannot be activated"
            )
    batch.add(ACTIVATIONS, ADD_ACTIVATION, commit.activations)


def _require_active(batch: Batch, wanted: StillActive) -> None:
    batch.lock_pointer()
    found = batch.ask(ACTIVE, ())
    active = found[0][0] if found else None
    if active != wanted.fingerprint:
        raise LedgerConflict(
            f"the release {active or 'none'} is active, and not {wanted.fingerprint or 'none'}; "
            "nothing of the commit was written"
        )
    if wanted.subject is not None and batch.ask(SAID, (wanted.subject,)) != [(wanted.seen,)]:
        raise LedgerConflict(
            f"somebody else did something about {wanted.subject} at the same moment; nothing was written, so "
            "look what it was, and try again"
        )


def _store(batch: Batch, release: NewRelease) -> None:
    row = (*release, text_hash(release.content), batch.number)
    batch.run(ADD_RELEASE, [row])
    batch.prove(RELEASES, [row[:3] + row[4:]])
