"""The questions that are asked per event or per run, compiled once; and the places where an id may stand."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from engine.ledger.audit import ONE, ZERO
from engine.ledger.rows import DISMISSED
from engine.ledger.statements import Statement, asking, listed
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
    marks,
    parkings,
    releases,
    runs,
    transitions,
    waits,
    xrefs,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an id may stand, and how what bears it there is named."""

    kind: str
    matched: str  # the name of the column, as a reader is told
    column: ColumnElement[Any]
    core: Select[Any]


def _named(table: Table, number: str, other: Table, name: str) -> Select[Any]:
    """The rows of a table, with the id of what it refers to by number."""
    columns = [other.c.id.label(name) if column.name == number else column for column in table.columns]
    return select(*columns).select_from(table.outerjoin(other, table.c[number] == other.c.seq))


_SELECTED = {
    runs: _named(runs, "event_seq", events, "event_id"),
    answers: _named(answers, "run_seq", runs, "run_id"),
    effects: _named(effects, "run_seq", runs, "run_id"),
}


def selected(table: Table) -> Select[Any]:
    """The rows of a table, in the columns of its row type."""
    return _SELECTED[table] if table in _SELECTED else select(table)


def _by(table: Table, *columns: str) -> Statement:
    tests = [table.c[name] == bindparam(f"p_{name}") for name in columns]
    return asking(table, selected(table).where(*tests).order_by(table.c.seq), *columns)


def _of(table: Table, number: str, other: Table) -> Statement:
    """The rows that refer to one row of another table."""
    found = select(other.c.seq).where(other.c.id == bindparam("p_id")).scalar_subquery()
    return asking(table, selected(table).where(table.c[number] == found).order_by(table.c.seq), "id")


def _of_any(table: Table, number: str, other: Table) -> Statement:
    """The rows that refer to any of several rows of another table."""
    found = select(other.c.seq).where(other.c.id.in_(listed(bindparam("p_ids"))))
    return asking(table, selected(table).where(table.c[number].in_(found)).order_by(table.c.seq), "ids")


EVENT = _by(events, "id")
EVENTS_CAUSED = _by(events, "cause")
EVENTS_CAUSED_WITHIN = asking(
    events,
    selected(events)
    .where(events.c.cause >= bindparam("p_first"), events.c.cause < bindparam("p_beyond"))
    .order_by(events.c.seq),
    "first",
    "beyond",
)
CONFLICTS = _by(conflicts, "event_id")
RUN = _by(runs, "id")
RUNS_OF_EVENT = _of(runs, "event_seq", events)
OPEN_RUNS = asking(
    runs,
    selected(runs)
    .where(runs.c.finish_commit.is_(None), runs.c.seq > bindparam("p_after"))
    .order_by(runs.c.seq)
    .limit(bindparam("p_limit"))
    .offset(ZERO),
    "after",
    "limit",
)
# Of runs that are on their way only what tells their place in line.
BROKEN_RUNS = asking(
    runs,
    select(runs.c.id)
    .where(
        runs.c.status == literal_column("'failed'"), runs.c.decisions.like(literal_column("'{\"broken\":%'"))
    )
    .order_by(runs.c.seq),
)
LEFT = select(runs.c.id, runs.c.order_key, runs.c.reason, runs.c.seq).where(
    runs.c.finish_commit.is_(None),
    runs.c.status == literal_column("'running'"),
    runs.c.seq > bindparam("p_after"),
)
LEFT_RUNS = asking(
    runs,
    LEFT.order_by(runs.c.seq).limit(bindparam("p_limit")).offset(ZERO),
    "after",
    "limit",
)
ANSWERS = _of(answers, "run_seq", runs)
ANSWERS_OF = _of_any(answers, "run_seq", runs)
EFFECT = _by(effects, "key")
EFFECTS = _of(effects, "run_seq", runs)
EFFECTS_OF = _of_any(effects, "run_seq", runs)
OPEN_EFFECTS = asking(
    effects,
    selected(effects)
    .where(
        effects.c.settle_commit.is_(None),
        func.coalesce(effects.c.due_at, literal_column("''")) <= bindparam("p_due_by"),
    )
    .order_by(effects.c.due_at.nulls_first(), effects.c.seq)
    .limit(bindparam("p_limit"))
    .offset(ZERO),
    "due_by",
    "limit",
)
HOLD = _by(holds, "id")
HOLDS_OF_RUN = _by(holds, "run_id")
_HELD = (holds.c.release_commit.is_(None), holds.c.until_event == bindparam("p_event"))
_WAITING = (waits.c.end_commit.is_(None), waits.c.event == bindparam("p_event"))


def _asked_in_full(table: Table, tests: tuple[ColumnElement[bool], ...]) -> Statement:
    """The runs that wait for an event of a type and did not say by what text it is found."""
    core = select(table.c.run_id).where(*tests, table.c.match.is_(None)).order_by(table.c.seq)
    return asking(table, core, "event")


def _matching(table: Table, tests: tuple[ColumnElement[bool], ...]) -> Statement:
    """The runs that wait for an event of which one of several texts is true."""
    core = select(table.c.run_id).where(*tests, table.c.match.in_(listed(bindparam("p_matches"))))
    return asking(table, core.order_by(table.c.seq), "event", "matches")


HELD_IN_FULL = _asked_in_full(holds, _HELD)
HELD_FOR = _matching(holds, _HELD)
WAITING_IN_FULL = _asked_in_full(waits, _WAITING)
WAITING_FOR = _matching(waits, _WAITING)
WAIT = _by(waits, "id")
WAITS_OF_RUN = _by(waits, "run_id")
# Runs on their way of which nothing is written but that they are: they stand in line, or have just begun.
UNDECIDED = asking(
    runs,
    select(runs.c.id)
    .where(
        runs.c.finish_commit.is_(None),
        runs.c.status == literal_column("'running'"),
        ~exists().where(answers.c.run_seq == runs.c.seq, answers.c.kind != literal_column("'ordered'")),
        ~exists().where(effects.c.run_seq == runs.c.seq),
    )
    .order_by(runs.c.seq),
)
# Further attempts that stand in line where the first one stood, rather than before those who have not begun.
IN_LINE = asking(
    runs,
    select(runs.c.id).where(
        runs.c.finish_commit.is_(None),
        runs.c.id.like(literal_column("'%~%'")),
        exists().where(answers.c.run_seq == runs.c.seq, answers.c.key == literal_column("'in line'")),
    ),
)
RUNS_ON = asking(
    runs,
    select(runs.c.id, runs.c.status).where(
        runs.c.seq > bindparam("p_after"), runs.c.release == bindparam("p_release")
    ),
    "after",
    "release",
)
LAST_RUN = asking(runs, select(func.coalesce(func.max(runs.c.seq), literal_column("0"))))
OPEN_RELEASES = asking(
    runs, select(runs.c.release).where(runs.c.finish_commit.is_(None)).distinct().order_by(runs.c.release)
)
OPEN_FLOWS = asking(
    runs,
    select(runs.c.release, runs.c.flow)
    .where(runs.c.finish_commit.is_(None))
    .distinct()
    .order_by(runs.c.release, runs.c.flow),
)
EVENTS_BACK = asking(
    events,
    select(events)
    .where(
        events.c.type == bindparam("p_type"),
        events.c.seq < bindparam("p_before"),
        events.c.accepted_at >= bindparam("p_since"),
    )
    .order_by(events.c.seq.desc())
    .limit(bindparam("p_limit"))
    .offset(ZERO),
    "type",
    "before",
    "since",
    "limit",
)
PARKINGS_OF_RUN = _by(parkings, "run_id")
PARKED = asking(parkings, select(parkings).where(parkings.c.free_commit.is_(None)).order_by(parkings.c.seq))
PARKED_RUNS = asking(
    parkings,
    select(parkings.c.id, parkings.c.run_id, parkings.c.order_key, runs.c.seq)
    .select_from(parkings.join(runs, parkings.c.run_id == runs.c.id))
    .where(parkings.c.free_commit.is_(None))
    .order_by(parkings.c.seq),
)
# Runs that are open and were begun after what stops their key; those that rest have passed it before.
BEHIND = asking(
    runs,
    select(runs.c.order_key, func.count())
    .where(
        runs.c.finish_commit.is_(None),
        runs.c.order_key.is_not(None),
        runs.c.status == literal_column("'running'"),
    )
    .group_by(runs.c.order_key),
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
MARK = asking(
    marks,
    select(marks)
    .where(marks.c.source == bindparam("p_source"), marks.c.key == bindparam("p_key"))
    .order_by(marks.c.seq.desc())
    .limit(ONE)
    .offset(ZERO),
    "source",
    "key",
)
MARKS_FROM = asking(
    marks,
    select(marks)
    .where(
        marks.c.source == bindparam("p_source"),
        marks.c.key >= bindparam("p_first"),
        marks.c.key < bindparam("p_beyond"),
    )
    .order_by(marks.c.key, marks.c.seq),
    "source",
    "first",
    "beyond",
)
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
OPEN_ALERTS = asking(
    alerts,
    select(alerts)
    .where(
        alerts.c.status == literal_column("'open'"),
        alerts.c.id >= bindparam("p_first"),
        alerts.c.id < bindparam("p_beyond"),
    )
    .order_by(alerts.c.seq),
    "first",
    "beyond",
)
AUDIT_OF = _by(audit, "subject")


def _done_with(subject: ColumnElement[Any], since: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a person has said that nothing is to be done about it."""
    tests = (
        audit.c.subject == subject,
        audit.c.action == literal_column(f"'{DISMISSED}'"),
        audit.c.at >= since,
    )
    return exists().where(*tests).correlate(runs, effects)


def _needing_work(*tests: ColumnElement[bool]) -> Statement:
    """The runs of a flow that ended so, and that nobody has worked again or is done with."""
    further, at = runs.alias("further"), runs.c.finished_at
    dead = (effects.c.run_seq == runs.c.seq, effects.c.status == literal_column("'dead'"))
    core = (
        selected(runs)
        .where(
            *tests,
            runs.c.flow == bindparam("p_flow"),
            runs.c.seq > bindparam("p_after"),
            ~exists().where(
                further.c.event_seq == runs.c.event_seq,
                further.c.flow == runs.c.flow,
                further.c.seq > runs.c.seq,
            ),
            or_(
                exists().where(*dead, ~_done_with(effects.c.key, at)),
                and_(~exists().where(*dead), ~_done_with(runs.c.id, at)),
            ),
        )
        .order_by(runs.c.seq)
        .limit(bindparam("p_limit"))
        .offset(ZERO)
    )
    return asking(runs, core, "flow", "after", "limit")


FAILED_RUNS = _needing_work(runs.c.status == literal_column("'failed'"))
REFUSED_RUNS = _needing_work(
    runs.c.status == literal_column("'rejected'"), runs.c.decisions.like(literal_column("'{\"refused\":%'"))
)
UNKNOWN_RUNS = asking(
    runs,
    selected(runs)
    .where(
        runs.c.finish_commit.is_(None),
        runs.c.status == literal_column("'unknown'"),
        runs.c.flow == bindparam("p_flow"),
    )
    .order_by(runs.c.seq)
    .limit(ONE)
    .offset(ZERO),
    "flow",
)


def _place(kind: str, column: ColumnElement[Any], *names: ColumnElement[Any]) -> Place:
    return Place(kind=kind, matched=column.key or "", column=column, core=select(*(names or (column,))))


_XREF = (xrefs.c.entity, xrefs.c.canonical_id, xrefs.c.system)
PLACES = (
    _place("event", events.c.id),
    _place("run", runs.c.id),
    Place(
        kind="run",
        matched="event_id",
        column=events.c.id,
        core=select(runs.c.id).join_from(runs, events, runs.c.event_seq == events.c.seq),
    ),
    _place("effect", effects.c.key),
    _place("effect", effects.c.external_id, effects.c.key),
    _place("hold", holds.c.id),
    _place("hold", holds.c.release_event, holds.c.id),
    _place("alert", alerts.c.id),
    _place("release", releases.c.fingerprint),
    _place("xref", xrefs.c.canonical_id, *_XREF),
    _place("xref", xrefs.c.external_id, *_XREF),
    _place("entity", entities.c.id, entities.c.entity, entities.c.id),
)
