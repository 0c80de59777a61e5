"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# As they were when this schema was new: a migration does not follow the code.
_COUNTED = (
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


_PARTITIONS = 64  # of a ledger on PostgreSQL whose maker did not ask for another number
_WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, _WORDS, nullable=False)


def _optional(name: str) -> sa.Column[str]:
    return sa.Column(name, _WORDS, nullable=True)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _seq() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("seq", kind, primary_key=True, autoincrement=False)


def _where(test: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(test), "postgresql_where": sa.text(test)}


def upgrade() -> None:
    """Make every table."""
    if op.get_bind().dialect.name == "postgresql":
        _machines()
    _events()
    _conflicts()
    _inbox()
    _runs()
    _answers()
    _effects()
    _holds()
    _parkings()
    _waits()
    _xrefs()
    _entities()
    _alerts()
    _marks()
    _releases()
    _activations()
    _transitions()
    _superseded()
    _prunings()
    _counters()
    _audit()


def _events() -> None:
    op.create_table(
        "events",
        _text("id"),
        _text("type"),
        _optional("order_key"),
        _text("at"),
        _text("accepted_at"),
        _optional("source"),
        _optional("cause"),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        _text("body_hash"),
        _bytes("body"),
        _number("commit"),
        _seq(),
    )
    op.create_index("events_cause", "events", ["cause"], **_where("cause IS NOT NULL"))
    op.create_index("events_id", "events", ["id"], unique=True)
    op.create_index("events_type", "events", ["type", "seq"])


def _conflicts() -> None:
    op.create_table(
        "conflicts",
        _text("event_id"),
        _text("body_hash"),
        _bytes("body"),
        _optional("source"),
        _text("at"),
        _number("commit"),
        _seq(),
    )
    op.create_index("conflicts_event", "conflicts", ["event_id", "body_hash"], unique=True)


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("partition", sa.Integer, nullable=False),
        _number("commit"),
        _number("taken_commit", nullable=True),
        _seq(),
    )
    op.create_index("inbox_open", "inbox", ["partition", "seq"], **_where("taken_commit IS NULL"))


def _runs() -> None:
    op.create_table(
        "runs",
        _text("id"),
        _number("event_seq"),
        _text("flow"),
        _text("release"),
        _optional("order_key"),
        _text("now"),
        sa.Column("partition", sa.Integer, nullable=False),
        _number("commit"),
        _text("status"),
        _optional("finished_at"),
        _optional("decisions"),
        _optional("reason"),
        _number("finish_commit", nullable=True),
        _seq(),
    )
    op.create_index("runs_event", "runs", ["event_seq"])
    op.create_index("runs_failed", "runs", ["seq"], **_where("status = 'failed'"))
    op.create_index("runs_rejected", "runs", ["seq"], **_where("status = 'rejected'"))
    op.create_index("runs_id", "runs", ["id"], unique=True)
    op.create_index("runs_open", "runs", ["seq"], **_where("finish_commit IS NULL"))


def _answers() -> None:
    op.create_table(
        "answers",
        _number("run_seq"),
        _text("key"),
        _text("kind"),
        _text("at"),
        _text("body"),
        _number("commit"),
        _seq(),
    )
    op.create_index("answers_key", "answers", ["run_seq", "key"], unique=True)


def _effects() -> None:
    op.create_table(
        "effects",
        _text("key"),
        _number("run_seq"),
        _text("step"),
        _optional("item"),
        _text("connection"),
        _text("operation"),
        _text("payload"),
        _text("created_at"),
        _text("began"),
        _number("commit"),
        _text("status"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _optional("due_at"),
        _optional("receipt"),
        _optional("external_id"),
        _optional("failure"),
        _optional("settled_at"),
        _number("settle_commit", nullable=True),
        _seq(),
    )
    op.create_index("effects_dead", "effects", ["seq"], **_where("status = 'dead'"))
    op.create_index("effects_external", "effects", ["external_id"], **_where("external_id IS NOT NULL"))
    op.create_index("effects_key", "effects", ["key"], unique=True)
    op.create_index("effects_open", "effects", ["due_at", "seq"], **_where("settle_commit IS NULL"))
    op.create_index("effects_run", "effects", ["run_seq"])


def _holds() -> None:
    op.create_table(
        "holds",
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
        _number("commit"),
        _text("status"),
        _optional("released_at"),
        _optional("released_by"),
        _optional("release_reason"),
        _optional("release_event"),
        _optional("refusal_code"),
        _number("release_commit", nullable=True),
        _seq(),
    )
    op.create_index("holds_id", "holds", ["id"], unique=True)
    op.create_index("holds_open", "holds", ["until_event", "match"], **_where("release_commit IS NULL"))
    op.create_index("holds_released", "holds", ["release_event"], **_where("release_event IS NOT NULL"))
    op.create_index("holds_run", "holds", ["run_id"])
    op.create_index("holds_standing", "holds", ["seq"], **_where("release_commit IS NULL"))


def _waits() -> None:
    op.create_table(
        "waits",
        _text("id"),
        _text("run_id"),
        _text("step"),
        _optional("item"),
        _text("event"),
        _optional("match"),
        _text("began_at"),
        _optional("due_at"),
        _number("commit"),
        _text("status"),
        _optional("ended_at"),
        _optional("end_event"),
        _number("end_commit", nullable=True),
        _seq(),
    )
    op.create_index("waits_id", "waits", ["id"], unique=True)
    op.create_index("waits_open", "waits", ["event", "match"], **_where("end_commit IS NULL"))
    op.create_index("waits_run", "waits", ["run_id"])
    op.create_index("waits_standing", "waits", ["seq"], **_where("end_commit IS NULL"))


def _parkings() -> None:
    op.create_table(
        "parkings",
        _text("id"),
        _text("run_id"),
        _text("order_key"),
        _optional("step"),
        _text("why"),
        _optional("reason"),
        _text("at"),
        _number("commit"),
        _text("status"),
        _optional("freed_at"),
        _optional("freed_by"),
        _optional("free_reason"),
        _number("free_commit", nullable=True),
        _seq(),
    )
    op.create_index("parkings_id", "parkings", ["id"], unique=True)
    op.create_index("parkings_open", "parkings", ["seq"], **_where("free_commit IS NULL"))
    op.create_index("parkings_run", "parkings", ["run_id"])


def _xrefs() -> None:
    op.create_table(
        "xrefs",
        _text("entity"),
        _text("canonical_id"),
        _text("system"),
        _text("external_id"),
        _optional("effect_key"),
        _text("at"),
        _number("commit"),
        _seq(),
    )
    op.create_index("xrefs_canonical", "xrefs", ["canonical_id", "entity", "system"], unique=True)
    op.create_index("xrefs_external", "xrefs", ["external_id", "system", "entity"])


def _entities() -> None:
    op.create_table(
        "entities",
        _text("entity"),
        _text("id"),
        _optional("event_id"),
        _text("at"),
        _text("body"),
        _number("commit"),
        _seq(),
    )
    op.create_index("entities_id", "entities", ["id", "entity", "seq"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        _text("id"),
        _optional("run_id"),
        _optional("step"),
        _optional("policy"),
        _text("severity"),
        _text("to"),
        _text("message"),
        _text("at"),
        _number("commit"),
        _text("status"),
        _seq(),
    )
    op.create_index("alerts_id", "alerts", ["id"], unique=True)
    op.create_index("alerts_open", "alerts", ["seq"], **_where("status = 'open'"))
    op.create_index("alerts_run", "alerts", ["run_id"])


def _marks() -> None:
    op.create_table(
        "marks",
        _text("source"),
        _text("key"),
        _text("value"),
        _text("at"),
        _number("commit"),
        _seq(),
    )
    op.create_index("marks_key", "marks", ["source", "key", "seq"])


def _releases() -> None:
    op.create_table(
        "releases",
        _text("fingerprint"),
        _text("created_at"),
        _text("note"),
        _bytes("content"),
        _text("content_hash"),
        _number("commit"),
        _seq(),
    )
    op.create_index("releases_fingerprint", "releases", ["fingerprint"], unique=True)


def _activations() -> None:
    op.create_table(
        "activations",
        _text("fingerprint"),
        _text("at"),
        _text("actor"),
        _text("reason"),
        _number("commit"),
        _seq(),
    )


def _transitions() -> None:
    op.create_table(
        "transitions",
        _text("kind"),
        _text("subject"),
        _text("status"),
        _text("at"),
        _optional("due_at"),
        _optional("reason"),
        _optional("detail"),
        _number("commit"),
        _seq(),
    )
    op.create_index("transitions_subject", "transitions", ["subject", "seq"])


def _superseded() -> None:
    op.create_table(
        "superseded",
        _text("fact"),
        _text("key"),
        _text("body"),
        _number("commit"),
        _number("by_commit"),
        _seq(),
    )


def _prunings() -> None:
    op.create_table(
        "prunings",
        _text("fact"),
        _number("of_commit"),
        _text("before"),
        _text("after"),
        _number("commit"),
        _seq(),
    )
    op.create_index("prunings_of", "prunings", ["of_commit", "fact", "before"], unique=True)


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", _WORDS, primary_key=True),
        _number("value"),
    )
    counters = sa.table("counters", sa.column("name"), sa.column("value"))
    op.bulk_insert(counters, [{"name": name, "value": 0} for name in _COUNTED])


def _audit() -> None:
    op.create_table(
        "audit",
        _text("at"),
        _text("actor"),
        _text("action"),
        _optional("subject"),
        _optional("detail"),
        _number("commit"),
        _optional("facts"),
        _text("prev_hash"),
        _text("hash"),
        _seq(),
    )
    if op.get_bind().dialect.name == "postgresql":
        where = sa.text("facts IS NOT NULL")
        op.create_index("audit_commit", "audit", ["commit"], unique=True, postgresql_where=where)
    op.create_index("audit_subject", "audit", ["subject"], **_where("subject IS NOT NULL"))


def _machines() -> None:
    """What only a ledger of many machines has."""
    op.execute("CREATE SEQUENCE commits")
    op.create_table(
        "partitions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        _number("epoch"),
        _optional("worker"),
        _number("seen", nullable=True),
    )
    op.create_table("workers", sa.Column("name", _WORDS, primary_key=True), _number("seen"))
    op.create_table(
        "requests",
        sa.Column("id", _WORDS, primary_key=True),
        sa.Column("partition", sa.Integer(), nullable=False),
        _text("act"),
        _text("body"),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        _optional("worker"),
        sa.Column("status", sa.Integer(), nullable=True),
        _optional("answer"),
    )
    op.execute(
        f"INSERT INTO partitions SELECT n, 0, NULL, NULL FROM generate_series(0, {_PARTITIONS - 1}) AS n"  # noqa: S608
    )
