"""Accepting events: each identity once; a repeat is folded, a contradiction is kept as evidence."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, replace
from operator import add
from typing import Any

from sqlalchemy import bindparam, select

from engine.ledger.batch import Batch
from engine.ledger.commit import Commit
from engine.ledger.facts import CONFLICTS, EVENTS, INBOX, INBOX_TAKEN
from engine.ledger.rows import NewEvent
from engine.ledger.statements import (
    Statement,
    adding,
    asking,
    changing,
    insert_unless_known,
    listed,
)
from engine.ledger.tables import conflicts, events, inbox

_EVENT = (
    "id",
    "type",
    "order_key",
    "at",
    "accepted_at",
    "source",
    "cause",
    "depth",
    "version",
    "body_hash",
    "body",
    "commit",
    "seq",
)
_BODY = _EVENT.index("body")
_CONFLICT = ("event_id", "body_hash", "body", "source", "at", "commit")


def _adding_unless_known(table: Any, columns: tuple[str, ...], *key: str) -> Statement:  # noqa: ANN401
    core = insert_unless_known(table, *key).values({name: bindparam(f"p_{name}") for name in columns})
    return Statement(core=core, table=table, fields=columns)


ADD_EVENT = _adding_unless_known(events, _EVENT, "id")
ADD_CONFLICT = _adding_unless_known(conflicts, _CONFLICT, "event_id", "body_hash")
ADD_INBOX = adding(inbox, INBOX.columns)
TAKE = changing(inbox, "taken_commit", ("seq",), {}, inbox.c.taken_commit.is_(None))
KNOWN_EVENTS = asking(
    events,
    select(events.c.id, events.c.body_hash).where(events.c.id.in_(listed(bindparam("p_ids")))),
    "ids",
)


class KnownEventError(Exception):
    """An event of the commit is in the ledger already, or twice in the commit. Never leaves this package."""


def accept(batch: Batch, commit: Commit) -> None:
    """Write the events.

    Raises:
        KnownEventError: when one of them was known; the caller rolls back, folds and writes again.

    """
    if not commit.events:
        return
    number, first = batch.number, batch.next_seq(events)
    tails = [(number, seq) for seq in range(first, first + len(commit.events))]
    if batch.run(ADD_EVENT, [*map(add, commit.events, tails)]) != len(tails):
        raise KnownEventError
    batch.prove(EVENTS, [event[:_BODY] + tail for event, tail in zip(commit.events, tails, strict=True)])
    batch.name(events, (event.id for event in commit.events), first)
    batch.counts["events.accepted"] += len(tails)
    if commit.handed:
        _hand_over(batch, commit)


def _hand_over(batch: Batch, commit: Commit) -> None:
    """Leave events to the owners of their partitions, who begin their runs."""
    seq_of = batch.numbers(events, {one.event_id for one in commit.handed})
    number = batch.number
    batch.put(INBOX, ADD_INBOX, [(one.partition, number, seq_of[one.event_id]) for one in commit.handed])


def take(batch: Batch, commit: Commit) -> None:
    """Note that the runs of events were begun by the owner of their partition."""
    batch.end(INBOX_TAKEN, TAKE, commit.taken)


def keep_conflicts(batch: Batch, commit: Commit) -> None:
    """Keep the deliveries that contradict an accepted event; one that is kept already is not kept twice."""
    tail = (batch.number,)
    for event in commit.conflicts:
        row = (event.id, event.body_hash, event.body, event.source, event.accepted_at, batch.number)
        if batch.run(ADD_CONFLICT, [row]):
            batch.prove(CONFLICTS, [row[:2] + row[3:5] + tail])


def fold(commit: Commit, known: dict[str, str]) -> tuple[Commit, tuple[str, ...], tuple[str, ...]]:
    """The commit without the events that are `known` (id to hash) and without what hangs on them.

    Also the ids of those known with the same body, and of those known with another.
    """
    seen = dict(known)
    fresh: list[NewEvent] = []
    same: list[str] = []
    other: list[NewEvent] = []
    for event in commit.events:
        if event.id not in seen:
            seen[event.id] = event.body_hash
            fresh.append(event)
        elif seen[event.id] == event.body_hash:
            same.append(event.id)
        else:
            other.append(event)
    left = replace(commit, events=fresh, conflicts=[*commit.conflicts, *other])
    return _without(left, known), tuple(same), tuple(event.id for event in other)


def _without(commit: Commit, known: dict[str, str]) -> Commit:
    runs = {run.id for run in commit.runs if run.event_id in known}
    keys = {effect.key for effect in (*commit.effects, *commit.sends) if effect.run_id in runs}
    holds = {hold.id for hold in commit.holds if hold.run_id in runs}
    parkings = {parking.id for parking in commit.parkings if parking.run_id in runs}
    gone = {"event_id": known.keys(), "run_id": runs, "effect_key": keys}
    by_list = {"runs_": ("id", runs), "effects_": ("key", keys), "holds_": ("id", holds)}
    by_list["parkings_"] = ("id", parkings)
    waits = {wait.id for wait in commit.waits if wait.run_id in runs}
    by_list["waits_"] = ("id", waits)
    left: dict[str, Any] = {}
    for name in (field.name for field in fields(commit) if field.name not in _KEPT):
        refused = dict(gone)
        refused.update(pair for start, pair in by_list.items() if name.startswith(start))
        kept = [row for row in getattr(commit, name) if not _hangs(row, refused)]
        # A delivery twice in one commit had its run decided twice, with the same rows.
        left[name] = [*dict.fromkeys(kept)] if name in _MADE_ONCE else kept
    return replace(commit, **left)


_KEPT = {"actor", "action", "subject", "detail", "events", "conflicts", "entries"}
_MADE_ONCE = {"runs", "answers", "effects", "sends", "holds", "waits", "parkings", "alerts"}


def _hangs(row: object, gone: Mapping[str, AbstractSet[str]]) -> bool:
    return any(getattr(row, name, None) in ids for name, ids in gone.items())
