"""The chain of audit rows: at least one a commit, each bound to the one before it.

The first row of a commit is bound as well to the facts that the commit wrote. The hash of a row is SHA-256
over the compact UTF-8 JSON of `[prev_hash, seq, at, actor, action, subject, detail, commit, facts]`; the row
before the first has the hash of sixty-four zeros.
"""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, literal_column, select, update

from engine.ledger.batch import Batch
from engine.ledger.commit import Commit
from engine.ledger.facts import AUDIT
from engine.ledger.rows import AuditEntry
from engine.ledger.statements import Statement, adding, asking
from engine.ledger.tables import audit, counters
from engine.values.canonical import text_hash
from engine.values.json_text import write_json

NO_HASH = "0" * 64

# Given as they are: SQLite's dialect makes a parameter of an offset that is not there.
ONE: ColumnElement[int] = literal_column("1")
ZERO: ColumnElement[int] = literal_column("0")


class Head(NamedTuple):
    """The end of the chain; published elsewhere, it shows that nothing was cut off since."""

    commit: int
    seq: int
    hash: str


EMPTY = Head(0, 0, NO_HASH)

ADD_AUDIT = adding(
    audit, ("at", "actor", "action", "subject", "detail", "commit", "facts", "prev_hash", "hash", "seq")
)
LAST_LINK = asking(
    audit,
    select(audit.c.commit, audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(ONE).offset(ZERO),
)
COUNT = Statement(
    core=update(counters)
    .ordered_values((counters.c.value, counters.c.value + bindparam("p_value")))
    .where(counters.c.name == bindparam("p_name")),
    table=counters,
    fields=("value", "name"),
)
COUNTED = (
    "events.accepted",
    "effects.cancelled",
    "effects.dead",
    "effects.done",
    "holds.expired",
    "holds.refused",
    "holds.released",
    "runs.compensated",
    "runs.completed",
    "runs.failed",
    "runs.moved",
    "runs.rejected",
)


def link(prev_hash: str, seq: int, entry: AuditEntry, commit: int, facts: str | None) -> str:
    """The hash of an audit row."""
    return text_hash(write_json([prev_hash, seq, *entry, commit, facts]))


def close(batch: Batch, commit: Commit, end: Callable[[], Head], at: str) -> Head:
    """Write the counters and the audit rows of a commit; the new end of the chain.

    `end` is asked for the present one, when everything else is written: where several write, it makes the
    others wait.
    """
    first = AuditEntry(at, commit.actor, commit.action, commit.subject, commit.detail)
    entries = (*batch.entries, *commit.entries)
    if entries:
        batch.prove(AUDIT, [(*entry, batch.number) for entry in entries])
    facts: str | None = batch.facts()
    rows = []
    _, seq, prev_hash = end()
    counts = sorted((name, value) for name, value in batch.counts.items() if value)
    if counts:
        batch.run(COUNT, [(value, name) for name, value in counts])
    for entry in (first, *entries):
        seq += 1
        found = link(prev_hash, seq, entry, batch.number, facts)
        rows.append((*entry, batch.number, facts, prev_hash, found, seq))
        prev_hash, facts = found, None
    batch.run(ADD_AUDIT, rows)
    return Head(batch.number, seq, prev_hash)
