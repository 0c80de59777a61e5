"""The questions that are asked per event or per run, compiled once; and the places where an id may stand."""

from sqlalchemy import Table, bindparam, func, literal_column, select

from engine.ledger import sqlite
from engine.ledger.audit import ONE, ZERO
from engine.ledger.statements import Statement, asking
from engine.ledger.tables import (
    activations,
    alerts,
    answers,
    audit,
    conflicts,
    effects,
    entities,
    events,
    holds,
    releases,
    runs,
    transitions,
    xrefs,
)


def _by(table: Table, *columns: str) -> Statement:
    tests = [table.c[name] == bindparam(f"p_{name}") for name in columns]
    return asking(table, select(table).where(*tests).order_by(table.c.seq), *columns)


def _in(table: Table, column: str) -> Statement:
    return asking(
        table,
        select(table).where(table.c[column].in_(sqlite.listed(bindparam("p_keys")))).order_by(table.c.seq),
        "keys",
    )


EVENT = _by(events, "id")
EVENTS_CAUSED = _by(events, "cause")
CONFLICTS = _by(conflicts, "event_id")
RUN = _by(runs, "id")
RUNS_OF_EVENT = _by(runs, "event_id")
OPEN_RUNS = asking(
    runs,
    select(runs)
    .where(runs.c.finish_commit.is_(None), runs.c.seq > bindparam("p_after"))
    .order_by(runs.c.seq)
    .limit(bindparam("p_limit"))
    .offset(ZERO),
    "after",
    "limit",
)
ANSWERS = _by(answers, "run_id")
ANSWERS_OF = _in(answers, "run_id")
EFFECT = _by(effects, "key")
EFFECTS = _by(effects, "run_id")
EFFECTS_OF = _in(effects, "run_id")
OPEN_EFFECTS = asking(
    effects,
    select(effects)
    .where(
        effects.c.settle_commit.is_(None),
        func.coalesce(effects.c.due_at, literal_column("''")) <= bindparam("p_due_by"),
    )
    .order_by(effects.c.due_at, effects.c.seq)
    .limit(bindparam("p_limit"))
    .offset(ZERO),
    "due_by",
    "limit",
)
HOLD = _by(holds, "id")
HOLDS_OF_RUN = _by(holds, "run_id")
OPEN_HOLDS = asking(
    holds,
    select(holds)
    .where(holds.c.release_commit.is_(None), holds.c.until_event == bindparam("p_until_event"))
    .order_by(holds.c.seq),
    "until_event",
)
XREF = asking(
    xrefs,
    select(xrefs).where(
        xrefs.c.canonical_id == bindparam("p_canonical_id"),
        xrefs.c.entity == bindparam("p_entity"),
        xrefs.c.system == bindparam("p_system"),
    ),
    "canonical_id",
    "entity",
    "system",
)
XREFS_OF = asking(
    xrefs,
    select(xrefs)
    .where(xrefs.c.canonical_id == bindparam("p_canonical_id"), xrefs.c.entity == bindparam("p_entity"))
    .order_by(xrefs.c.system),
    "canonical_id",
    "entity",
)
XREFS_BACK = asking(
    xrefs,
    select(xrefs)
    .where(
        xrefs.c.external_id == bindparam("p_external_id"),
        xrefs.c.system == bindparam("p_system"),
        xrefs.c.entity == bindparam("p_entity"),
    )
    .order_by(xrefs.c.seq),
    "external_id",
    "system",
    "entity",
)
_OBJECT = (entities.c.id == bindparam("p_id"), entities.c.entity == bindparam("p_entity"))
LATEST = asking(
    entities,
    select(entities).where(*_OBJECT).order_by(entities.c.seq.desc()).limit(ONE).offset(ZERO),
    "id",
    "entity",
)
AS_OF = asking(
    entities,
    select(entities)
    .where(*_OBJECT, entities.c.at <= bindparam("p_at"))
    .order_by(entities.c.at.desc(), entities.c.seq.desc())
    .limit(ONE)
    .offset(ZERO),
    "id",
    "entity",
    "at",
)
SNAPSHOTS = asking(entities, select(entities).where(*_OBJECT).order_by(entities.c.seq), "id", "entity")
RELEASE = _by(releases, "fingerprint")
ACTIVATIONS = _by(activations)
ACTIVE = asking(
    releases,
    select(releases).where(
        releases.c.fingerprint
        == select(activations.c.fingerprint)
        .order_by(activations.c.seq.desc())
        .limit(ONE)
        .offset(ZERO)
        .scalar_subquery()
    ),
)
TRANSITIONS = _by(transitions, "subject")
ALERT = _by(alerts, "id")
ALERTS_OF_RUN = _by(alerts, "run_id")
AUDIT_OF = _by(audit, "subject")

# Where an id may stand, and what bears it there: table, column, kind, and the columns that name it.
PLACES: tuple[tuple[Table, str, str, tuple[str, ...]], ...] = (
    (events, "id", "event", ("id",)),
    (runs, "id", "run", ("id",)),
    (runs, "event_id", "run", ("id",)),
    (effects, "key", "effect", ("key",)),
    (effects, "external_id", "effect", ("key",)),
    (holds, "id", "hold", ("id",)),
    (alerts, "id", "alert", ("id",)),
    (releases, "fingerprint", "release", ("fingerprint",)),
    (xrefs, "canonical_id", "xref", ("entity", "canonical_id", "system")),
    (xrefs, "external_id", "xref", ("entity", "canonical_id", "system")),
    (entities, "id", "entity", ("entity", "id")),
)
