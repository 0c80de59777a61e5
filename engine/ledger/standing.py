"""Verifying what may change: where an open run, effect or alert stands must follow from its recorded history.

The chain covers what is written once. The columns of open work are overwritten as it goes on; each such step
is also a row of `transitions`, which the chain covers, so the last of them tells how the columns must be.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Select, Table, case, func, literal_column, null, or_, select, true

from engine.ledger import tables
from engine.ledger.audit import COUNTED
from engine.ledger.facts import FACTS

Ask: TypeAlias = "Callable[[Select[Any]], Iterator[tuple[Any, ...]]]"


class Break(NamedTuple):
    """One place at which the ledger is not what was written."""

    commit: int | None
    part: str  # audit, or the name of a fact or table
    what: str  # one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """Columns of open rows, and what they follow from: the last step, or the beginning."""

    kind: str
    table: Table
    key: str
    is_open: ColumnElement[bool]
    columns: tuple[str, ...]
    steps: tuple[str, ...]  # the columns of a transition that say the same
    began: tuple[ColumnElement[Any], ...]
    empty: tuple[str, ...] = ()  # columns that only a settled row has


_NONE = null()
_STANDINGS = (
    _Standing(
        kind="run",
        table=tables.runs,
        key="id",
        is_open=tables.runs.c.finish_commit.is_(None),
        columns=("status", "decisions", "reason"),
        steps=("status", "detail", "reason"),
        began=(literal_column("'running'"), _NONE, _NONE),
        empty=("finished_at",),
    ),
    _Standing(
        kind="effect",
        table=tables.effects,
        key="key",
        is_open=tables.effects.c.settle_commit.is_(None),
        columns=("status", "due_at", "failure"),
        steps=("status", "due_at", "detail"),
        began=(tables.effects.c.began, _NONE, _NONE),
        empty=("receipt", "external_id", "settled_at"),
    ),
    _Standing(
        kind="hold",
        table=tables.holds,
        key="id",
        is_open=tables.holds.c.release_commit.is_(None),
        columns=("status",),
        steps=("status",),
        began=(literal_column("'open'"),),
        empty=("released_at", "released_by", "release_reason", "release_event", "refusal_code"),
    ),
    _Standing(
        kind="wait",
        table=tables.waits,
        key="id",
        is_open=tables.waits.c.end_commit.is_(None),
        columns=("status",),
        steps=("status",),
        began=(literal_column("'waiting'"),),
        empty=("ended_at", "end_event"),
    ),
    _Standing(
        kind="parking",
        table=tables.parkings,
        key="id",
        is_open=tables.parkings.c.free_commit.is_(None),
        columns=("status",),
        steps=("status",),
        began=(literal_column("'parked'"),),
        empty=("freed_at", "freed_by", "free_reason"),
    ),
    _Standing(
        kind="alert",
        table=tables.alerts,
        key="id",
        is_open=true(),
        columns=("status",),
        steps=("status",),
        began=(literal_column("'open'"),),
    ),
)


def standing_breaks(ask: Ask) -> Iterator[Break]:
    """A break for each row whose standing does not follow from what is recorded of it."""
    for standing in _STANDINGS:
        yield from _follow(ask, standing)
    yield from _attempts(ask)
    yield from _counters(ask)
    table = tables.superseded
    strange = select(table.c.fact, table.c.by_commit).where(
        table.c.fact.not_in([fact.name for fact in FACTS])
    )
    for name, commit in ask(strange):
        yield Break(commit, table.name, f"there is no fact called {name!r}")


def _follow(ask: Ask, standing: _Standing) -> Iterator[Break]:
    table, step = standing.table, tables.transitions
    key = table.c[standing.key]
    others = step.alias()
    last = (
        select(func.max(others.c.seq))
        .where(others.c.subject == key, others.c.kind == standing.kind)
        .correlate(table)
        .scalar_subquery()
    )
    now = [table.c[name] for name in standing.columns]
    due = [
        case((step.c.seq.is_(None), began), else_=step.c[name])
        for name, began in zip(standing.steps, standing.began, strict=True)
    ]
    differs = [is_now.is_distinct_from(should) for is_now, should in zip(now, due, strict=True)]
    filled = [table.c[name].is_not(None) for name in standing.empty]
    core = select(key, table.c.commit).select_from(table.outerjoin(step, step.c.seq == last))
    for name, commit in ask(core.where(standing.is_open, or_(*differs, *filled))):
        yield Break(
            commit, table.name, f"the {standing.kind} {name!r} does not stand where its history left it"
        )


def _attempts(ask: Ask) -> Iterator[Break]:
    table, step = tables.effects, tables.transitions
    sent = (
        select(func.count())
        .where(step.c.subject == table.c.key, step.c.kind == "effect", step.c.status == "sending")
        .scalar_subquery()
    )
    due = sent + case((table.c.began == "sending", 1), else_=0)
    for key, commit in ask(select(table.c.key, table.c.commit).where(table.c.attempts != due)):
        yield Break(
            commit, table.name, f"the effect {key!r} has another number of attempts than were recorded"
        )


def _counters(ask: Ask) -> Iterator[Break]:
    counted = dict.fromkeys(COUNTED, 0)
    ((counted["events.accepted"],),) = ask(select(func.count()).select_from(tables.events))
    for table in (tables.effects, tables.holds, tables.runs):
        for status, count in ask(select(table.c.status, func.count()).group_by(table.c.status)):
            if f"{table.name}.{status}" in counted:
                counted[f"{table.name}.{status}"] = count
    if dict(ask(select(tables.counters))) != counted:
        yield Break(None, "counters", "the totals are not those of the tables")
