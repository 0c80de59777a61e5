"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# As they were when this schema was new: a migration does not follow the code.
_COUNTED = (
    "effects.cancelled",
    "effects.dead",
    "effects.done",
    "holds.expired",
    "holds.released",
    "runs.compensated",
    "runs.completed",
    "runs.failed",
    "runs.rejected",
)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _optional(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=True)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _seq() -> sa.Column[int]:
    return sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def upgrade() -> None:
    """Make every table."""
    _events()
    _conflicts()
    _runs()
    _answers()
    _effects()
    _holds()
    _parkings()
    _xrefs()
    _entities()
    _alerts()
    _marks()
    _releases()
    _activations()
    _transitions()
    _superseded()
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
        _text("body_hash"),
        _bytes("body"),
        _number("commit"),
        _seq(),
    )
    op.create_index("events_cause", "events", ["cause"], sqlite_where=sa.text("cause IS NOT NULL"))
    op.create_index("events_id", "events", ["id"], unique=True)


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


def _runs() -> None:
    op.create_table(
        "runs",
        _text("id"),
        _number("event_seq"),
        _text("flow"),
        _text("release"),
        _optional("order_key"),
        _text("now"),
        _number("commit"),
        _text("status"),
        _optional("finished_at"),
        _optional("decisions"),
        _optional("reason"),
        _number("finish_commit", nullable=True),
        _seq(),
    )
    op.create_index("runs_event", "runs", ["event_seq"])
    op.create_index("runs_failed", "runs", ["seq"], sqlite_where=sa.text("status = 'failed'"))
    op.create_index("runs_id", "runs", ["id"], unique=True)
    op.create_index("runs_open", "runs", ["seq"], sqlite_where=sa.text("finish_commit IS NULL"))


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
    op.create_index("effects_dead", "effects", ["seq"], sqlite_where=sa.text("status = 'dead'"))
    op.create_index(
        "effects_external", "effects", ["external_id"], sqlite_where=sa.text("external_id IS NOT NULL")
    )
    op.create_index("effects_key", "effects", ["key"], unique=True)
    op.create_index(
        "effects_open", "effects", ["due_at", "seq"], sqlite_where=sa.text("settle_commit IS NULL")
    )
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
        _text("detail"),
        _text("opened_at"),
        _number("commit"),
        _text("status"),
        _optional("released_at"),
        _optional("released_by"),
        _optional("release_reason"),
        _optional("release_event"),
        _number("release_commit", nullable=True),
        _seq(),
    )
    op.create_index("holds_id", "holds", ["id"], unique=True)
    op.create_index("holds_open", "holds", ["until_event"], sqlite_where=sa.text("release_commit IS NULL"))
    op.create_index(
        "holds_released", "holds", ["release_event"], sqlite_where=sa.text("release_event IS NOT NULL")
    )
    op.create_index("holds_run", "holds", ["run_id"])


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
    op.create_index("parkings_open", "parkings", ["seq"], sqlite_where=sa.text("free_commit IS NULL"))
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
    op.create_index("alerts_open", "alerts", ["seq"], sqlite_where=sa.text("status = 'open'"))
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


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.Text, primary_key=True),
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
    op.create_index("audit_subject", "audit", ["subject"], sqlite_where=sa.text("subject IS NOT NULL"))
