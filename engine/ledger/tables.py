"""The tables and indexes of the ledger, with the reason for each index.

Columns stand in the order of the row types in `rows.py`: first what is written once when the row is made,
with the number of the commit that made it; then what changes; last `seq`, the order of insertion. Runs refer
to events, and answers and effects to runs, by `seq`; readers are given the id.

An index costs every insert, so there are few, and those on open work are partial: their condition is a null
test, because SQLite evaluates `status IN (...)` in an index several times slower than it writes the row. No
table is clustered by text (WITHOUT ROWID): that was measured to be slower, as rows move when pages split.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    FetchedValue,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData()

# By code points everywhere: ranges of ids have to mean the same, and no locale may order them anew.
WORDS = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str) -> Column[str]:
    return Column(name, WORDS, nullable=False)


def _optional(name: str) -> Column[str]:
    return Column(name, WORDS, nullable=True)


def _where(test: Any) -> dict[str, Any]:  # noqa: ANN401
    """The condition of a partial index, for every database."""
    return {"sqlite_where": test, "postgresql_where": test}


def _commit(name: str = "commit", *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _reference(name: str) -> Column[int]:
    # Not by id: ids come in no order, so an index on them has each commit write to all of its pages.
    return Column(name, BigInteger, nullable=False)


def _seq() -> Column[int]:
    # SQLite makes only INTEGER PRIMARY KEY an alias of the row id.
    # On PostgreSQL the number comes of that of the commit, and no sequence is wanted.
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column("seq", kind, primary_key=True, autoincrement=False, server_default=FetchedValue())


events = Table(
    "events",
    metadata,
    _text("id"),
    _text("type"),
    _optional("order_key"),
    _text("at"),
    _text("accepted_at"),
    _optional("source"),
    _optional("cause"),
    Column("depth", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    _text("body_hash"),
    Column("body", LargeBinary, nullable=False),
    _commit(),
    _seq(),
)
# A delivery is looked up by its identity: this is what folds duplicates.
Index("events_id", events.c.id, unique=True)
# A step that looks back asks which events of a type came last.
Index("events_type", events.c.type, events.c.seq)
# Lineage goes from an effect to the events that it emitted; only those have a cause.
Index("events_cause", events.c.cause, **_where(events.c.cause.is_not(None)))

conflicts = Table(
    "conflicts",
    metadata,
    _text("event_id"),
    _text("body_hash"),
    Column("body", LargeBinary, nullable=False),
    _optional("source"),
    _text("at"),
    _commit(),
    _seq(),
)
# A sender that repeats a conflicting delivery is recorded once.
Index("conflicts_event", conflicts.c.event_id, conflicts.c.body_hash, unique=True)

# Events that were accepted, and whose runs the owner of their partition is still to begin. The number of a
# row is that of its event. Where one process does everything, events are begun as they are accepted.
inbox = Table(
    "inbox",
    metadata,
    Column("partition", Integer, nullable=False),
    _commit(),
    _commit("taken_commit", nullable=True),
    _seq(),
)
Index("inbox_open", inbox.c.partition, inbox.c.seq, **_where(inbox.c.taken_commit.is_(None)))

runs = Table(
    "runs",
    metadata,
    _text("id"),
    _reference("event_seq"),
    _text("flow"),
    _text("release"),
    _optional("order_key"),
    _text("now"),
    Column("partition", Integer, nullable=False),
    _commit(),
    _text("status"),
    _optional("finished_at"),
    _optional("decisions"),
    _optional("reason"),
    _commit("finish_commit", nullable=True),
    _seq(),
)
Index("runs_id", runs.c.id, unique=True)
# Trace, and the folding of a replay, ask what an event started.
Index("runs_event", runs.c.event_seq)
# After a restart the open runs are taken up in the order in which they were begun.
Index("runs_open", runs.c.seq, **_where(runs.c.finish_commit.is_(None)))
# Dead letters are listed by people and are few among many.
Index("runs_failed", runs.c.seq, **_where(runs.c.status == text("'failed'")))
Index("runs_rejected", runs.c.seq, **_where(runs.c.status == text("'rejected'")))

answers = Table(
    "answers",
    metadata,
    _reference("run_seq"),
    _text("key"),
    _text("kind"),
    _text("at"),
    _text("body"),
    _commit(),
    _seq(),
)
# Written once, and read by run.
Index("answers_key", answers.c.run_seq, answers.c.key, unique=True)

effects = Table(
    "effects",
    metadata,
    _text("key"),
    _reference("run_seq"),
    _text("step"),
    _optional("item"),
    _text("connection"),
    _text("operation"),
    _text("payload"),
    _text("created_at"),
    _text("began"),
    _commit(),
    _text("status"),
    Column("attempts", Integer, nullable=False),
    _optional("due_at"),
    _optional("receipt"),
    _optional("external_id"),
    _optional("failure"),
    _optional("settled_at"),
    _commit("settle_commit", nullable=True),
    _seq(),
)
# The same effect decided twice is one effect.
Index("effects_key", effects.c.key, unique=True)
Index("effects_run", effects.c.run_seq)
# What is to be sent next.
Index("effects_open", effects.c.due_at, effects.c.seq, **_where(effects.c.settle_commit.is_(None)))
# Dead letters are listed by people and are few among many.
Index("effects_dead", effects.c.seq, **_where(effects.c.status == text("'dead'")))
# Trace begins at the number that the target gave: an invoice, a journal entry.
Index("effects_external", effects.c.external_id, **_where(effects.c.external_id.is_not(None)))

holds = Table(
    "holds",
    metadata,
    _text("id"),
    _text("run_id"),
    _text("step"),
    _optional("item"),
    _text("policy"),
    _text("reason"),
    _text("owner"),
    _optional("until_event"),
    _optional("match"),
    _optional("timers"),
    _text("detail"),
    _text("opened_at"),
    _commit(),
    _text("status"),
    _optional("released_at"),
    _optional("released_by"),
    _optional("release_reason"),
    _optional("release_event"),
    _optional("refusal_code"),
    _commit("release_commit", nullable=True),
    _seq(),
)
Index("holds_id", holds.c.id, unique=True)
Index("holds_run", holds.c.run_id)
# Each accepted event asks which open holds it may release; of many that wait for its type, few match it.
Index("holds_open", holds.c.until_event, holds.c.match, **_where(holds.c.release_commit.is_(None)))
# At a start, and now and then, all that is open is looked at.
Index("holds_standing", holds.c.seq, **_where(holds.c.release_commit.is_(None)))
# Trace asks which holds an event has released.
Index("holds_released", holds.c.release_event, **_where(holds.c.release_event.is_not(None)))

# A run that ended or rests in a way that stops its order key: nothing behind it begins until it is freed.
parkings = Table(
    "parkings",
    metadata,
    _text("id"),
    _text("run_id"),
    _text("order_key"),
    _optional("step"),
    _text("why"),
    _optional("reason"),
    _text("at"),
    _commit(),
    _text("status"),
    _optional("freed_at"),
    _optional("freed_by"),
    _optional("free_reason"),
    _commit("free_commit", nullable=True),
    _seq(),
)
Index("parkings_id", parkings.c.id, unique=True)
# The same run may stop its key again, after it was done again.
Index("parkings_run", parkings.c.run_id)
# What is stopped is read at every start, and by people.
Index("parkings_open", parkings.c.seq, **_where(parkings.c.free_commit.is_(None)))

waits = Table(
    "waits",
    metadata,
    _text("id"),
    _text("run_id"),
    _text("step"),
    _optional("item"),
    _text("event"),
    _optional("match"),
    _text("began_at"),
    _optional("due_at"),
    _commit(),
    _text("status"),
    _optional("ended_at"),
    _optional("end_event"),
    _commit("end_commit", nullable=True),
    _seq(),
)
Index("waits_id", waits.c.id, unique=True)
Index("waits_run", waits.c.run_id)
# Each accepted event asks which steps wait for it, as it asks which holds do.
Index("waits_open", waits.c.event, waits.c.match, **_where(waits.c.end_commit.is_(None)))
Index("waits_standing", waits.c.seq, **_where(waits.c.end_commit.is_(None)))

xrefs = Table(
    "xrefs",
    metadata,
    _text("entity"),
    _text("canonical_id"),
    _text("system"),
    _text("external_id"),
    _optional("effect_key"),
    _text("at"),
    _commit(),
    _seq(),
)
# Both begin with the id, so that a search which knows nothing else uses them as well.
Index("xrefs_canonical", xrefs.c.canonical_id, xrefs.c.entity, xrefs.c.system, unique=True)
Index("xrefs_external", xrefs.c.external_id, xrefs.c.system, xrefs.c.entity)

entities = Table(
    "entities",
    metadata,
    _text("entity"),
    _text("id"),
    _optional("event_id"),
    _text("at"),
    _text("body"),
    _commit(),
    _seq(),
)
# The last snapshot of an object is the one with the highest seq; the id comes first for the search by id.
Index("entities_id", entities.c.id, entities.c.entity, entities.c.seq)

alerts = Table(
    "alerts",
    metadata,
    _text("id"),
    _optional("run_id"),
    _optional("step"),
    _optional("policy"),
    _text("severity"),
    _text("to"),
    _text("message"),
    _text("at"),
    _commit(),
    _text("status"),
    _seq(),
)
Index("alerts_id", alerts.c.id, unique=True)
Index("alerts_run", alerts.c.run_id)
# What is still to be told to somebody.
Index("alerts_open", alerts.c.seq, **_where(alerts.c.status == text("'open'")))

# How far sources have been read: watermarks, last fired instants, places in files, ids of messages. A move is
# a new row, so that nothing of the past is overwritten and the chain covers every step.
marks = Table(
    "marks",
    metadata,
    _text("source"),
    _text("key"),
    _text("value"),
    _text("at"),
    _commit(),
    _seq(),
)
# The last mark under a key is where its source stands.
Index("marks_key", marks.c.source, marks.c.key, marks.c.seq)

releases = Table(
    "releases",
    metadata,
    _text("fingerprint"),
    _text("created_at"),
    _text("note"),
    Column("content", LargeBinary, nullable=False),
    _text("content_hash"),
    _commit(),
    _seq(),
)
Index("releases_fingerprint", releases.c.fingerprint, unique=True)

activations = Table(
    "activations",
    metadata,
    _text("fingerprint"),
    _text("at"),
    _text("actor"),
    _text("reason"),
    _commit(),
    _seq(),
)

transitions = Table(
    "transitions",
    metadata,
    _text("kind"),
    _text("subject"),
    _text("status"),
    _text("at"),
    _optional("due_at"),
    _optional("reason"),
    _optional("detail"),
    _commit(),
    _seq(),
)
# The history of one run or effect; the common ones, sent once and done, have none.
Index("transitions_subject", transitions.c.subject, transitions.c.seq)

# Facts that were written once and have since been overwritten, as the row that the chain's digest was made
# over: the former end of what was reopened, the former id in a cross-reference. Verification puts them back
# in their place.
superseded = Table(
    "superseded",
    metadata,
    _text("fact"),
    _text("key"),
    _text("body"),
    _commit(),  # the one that made the fact
    _commit("by_commit"),  # the one that overwrote it
    _seq(),
)

# What the digest of a fact in a commit was before rows of it were blanked, and what it is since. The chain
# goes on over these from what it has recorded.
prunings = Table(
    "prunings",
    metadata,
    _text("fact"),
    _commit("of_commit"),
    _text("before"),
    _text("after"),
    _commit(),
    _seq(),
)
# From one digest it goes on to one other: two who prune at once cannot both write.
Index("prunings_of", prunings.c.of_commit, prunings.c.fact, prunings.c.before, unique=True)

# Totals of what is finished, so that counting does not read the tables; verification compares them.
counters = Table(
    "counters", metadata, Column("name", WORDS, primary_key=True), Column("value", BigInteger, nullable=False)
)

audit = Table(
    "audit",
    metadata,
    _text("at"),
    _text("actor"),
    _text("action"),
    _optional("subject"),
    _optional("detail"),
    _commit(),
    _optional("facts"),
    _text("prev_hash"),
    _text("hash"),
    _seq(),
)
# A person asks what was done to one thing; the turns of the engine have no subject.
Index("audit_subject", audit.c.subject, **_where(audit.c.subject.is_not(None)))

# What only a ledger that many machines write has besides. These are no facts: who works what at present.
machines = MetaData()

partitions = Table(
    "partitions",
    machines,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),  # how often it has changed hands; a commit locks it
    Column("worker", WORDS, nullable=True),  # who has it; what that worker has seen is in its own row
    # The same of a partition that was given back, or taken over by somebody who has not caught up with it.
    Column("seen", BigInteger, nullable=True),
)
workers = Table(
    "workers",
    machines,
    Column("name", WORDS, primary_key=True),
    Column("seen", BigInteger, nullable=False),  # up to which row of the chain its runs were woken
)
# What persons ask of whichever machine has a partition, until they have heard what came of it.
requests = Table(
    "requests",
    machines,
    Column("id", WORDS, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("act", WORDS, nullable=False),
    Column("body", WORDS, nullable=False),  # JSON, as at the control door
    Column("until", DateTime(timezone=True), nullable=False),  # by the server's clock; nobody begins it later
    Column("worker", WORDS, nullable=True),  # who has begun it
    Column("status", Integer, nullable=True),  # of the answer, as at the control door
    Column("answer", WORDS, nullable=True),  # JSON
)
