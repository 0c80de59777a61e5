"""What the hash chain covers: the facts, in the order in which a commit's digest of each is made.

A *fact* is a group of columns that is written once. The digest of a fact in one commit is SHA-256 over the
compact UTF-8 JSON of the list of its rows, each a list of the columns named here, ordered by `order`: by
insertion for what is inserted, by key for what is changed. A body or content stands in it by its own SHA-256,
which is a column. What is overwritten later (the former end of something that was reopened) is first copied
to `superseded`.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_

from engine.ledger import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One group of columns that is written once."""

    name: str
    table: Table
    columns: tuple[str, ...]  # one of them is the number of the commit
    number: str = "commit"
    order: tuple[str, ...] = ()  # none: by insertion
    where: ColumnElement[bool] | None = None
    blob: tuple[str, str] | None = None  # a column of bytes, and the column that holds its hash


def _made(
    table: Table, *, until: str = "commit", blob: tuple[str, str] | None = None, numbered: bool = False
) -> Fact:
    """The columns that are written when a row is made: all up to the number of the commit.

    Where others refer to the row by its `seq`, that is a fact as well.
    """
    names = [str(column.name) for column in table.columns]
    columns = tuple(name for name in names[: names.index(until) + 1] if blob is None or name != blob[0])
    columns += ("seq",) if numbered else ()
    return Fact(name=str(table.name), table=table, columns=columns, number=until, blob=blob)


def _ended(
    name: str, table: Table, status: str | None, number: str, *columns: str, none: tuple[str, ...] = ()
) -> Fact:
    """The columns that are written when a row is settled; those in `none` stay empty, and say so."""
    tests: list[ColumnElement[bool]] = [
        table.c[number].is_not(None),
        *(table.c[column].is_(None) for column in none),
    ]
    if status is not None:
        tests.append(table.c.status == status)
    return Fact(
        name=name,
        table=table,
        columns=(number, *columns),
        number=number,
        order=columns[-1:],
        where=and_(*tests),
    )


EVENTS = _made(tables.events, blob=("body", "body_hash"), numbered=True)
CONFLICTS = _made(tables.conflicts, blob=("body", "body_hash"))
INBOX = _made(tables.inbox, numbered=True)
RUNS = _made(tables.runs, numbered=True)
ANSWERS = _made(tables.answers)
EFFECTS = _made(tables.effects)
HOLDS = _made(tables.holds)
PARKINGS = _made(tables.parkings)
WAITS = _made(tables.waits)
XREFS = Fact(
    name="xrefs",
    table=tables.xrefs,
    columns=("entity", "canonical_id", "system", "external_id", "effect_key", "at", "commit"),
    order=("canonical_id", "entity", "system"),
)
ENTITIES = _made(tables.entities)
ALERTS = _made(tables.alerts)
MARKS = _made(tables.marks)
RELEASES = _made(tables.releases, blob=("content", "content_hash"))
ACTIVATIONS = _made(tables.activations)
TRANSITIONS = _made(tables.transitions)
EFFECTS_DONE = _ended(
    "effects.done",
    tables.effects,
    "done",
    "settle_commit",
    *("receipt", "external_id", "settled_at", "key"),
    none=("due_at", "failure"),
)
EFFECTS_DEAD = _ended(
    "effects.dead",
    tables.effects,
    "dead",
    "settle_commit",
    *("failure", "settled_at", "key"),
    none=("due_at", "receipt", "external_id"),
)
EFFECTS_CANCELLED = _ended(
    "effects.cancelled",
    tables.effects,
    "cancelled",
    "settle_commit",
    *("failure", "settled_at", "key"),
    none=("due_at", "receipt", "external_id"),
)
HOLDS_RELEASED = _ended(
    "holds.released",
    tables.holds,
    "released",
    "release_commit",
    *("released_at", "released_by", "release_reason", "release_event", "id"),
    none=("refusal_code",),
)
HOLDS_EXPIRED = _ended(
    "holds.expired",
    tables.holds,
    "expired",
    "release_commit",
    *("released_at", "release_reason", "id"),
    none=("released_by", "release_event", "refusal_code"),
)
HOLDS_REFUSED = _ended(
    "holds.refused",
    tables.holds,
    "refused",
    "release_commit",
    *("released_at", "released_by", "release_reason", "refusal_code", "id"),
    none=("release_event",),
)
WAITS_ENDED = _ended(
    "waits.ended", tables.waits, None, "end_commit", *("status", "ended_at", "end_event", "id")
)
PARKINGS_FREED = _ended(
    "parkings.freed",
    tables.parkings,
    "freed",
    "free_commit",
    *("freed_at", "freed_by", "free_reason", "id"),
)
RUNS_FINISHED = _ended(
    "runs.finished",
    tables.runs,
    None,
    "finish_commit",
    *("status", "finished_at", "decisions", "reason", "id"),
)
INBOX_TAKEN = _ended("inbox.taken", tables.inbox, None, "taken_commit", "seq")
# What people did in a commit: the audit rows after its first, so that none can be cut off at the end.
AUDIT = Fact(
    name="audit",
    table=tables.audit,
    columns=("at", "actor", "action", "subject", "detail", "commit"),
    where=tables.audit.c.facts.is_(None),
)
# The copies themselves: what was overwritten when.
SUPERSEDED = _made(tables.superseded, until="by_commit")
# What digests became when rows were blanked.
PRUNINGS = _made(tables.prunings)

FACTS = (
    EVENTS,
    CONFLICTS,
    INBOX,
    RUNS,
    ANSWERS,
    EFFECTS,
    HOLDS,
    PARKINGS,
    WAITS,
    XREFS,
    ENTITIES,
    ALERTS,
    MARKS,
    RELEASES,
    ACTIVATIONS,
    TRANSITIONS,
    SUPERSEDED,
    PRUNINGS,
    AUDIT,
    EFFECTS_DONE,
    EFFECTS_DEAD,
    EFFECTS_CANCELLED,
    HOLDS_RELEASED,
    HOLDS_EXPIRED,
    PARKINGS_FREED,
    INBOX_TAKEN,
    HOLDS_REFUSED,
    WAITS_ENDED,
    RUNS_FINISHED,
)
