"""Verifying the chain: every digest is made again from the tables, and what differs is told.

The audit rows and the rows of every fact are read side by side, by commit, at one moment of the ledger and
with memory that does not grow with it. What the chain cannot show by itself is that its end was cut off: for
that, `head` is a `LedgerReader.head()` that was published elsewhere.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from heapq import merge
from itertools import islice
from typing import Any, cast

from sqlalchemy import ColumnElement, select

from engine.ledger import audit, tables
from engine.ledger.batch import Tuple, digest, in_order
from engine.ledger.facts import FACTS, Fact
from engine.ledger.pruned import is_pruned, mark_for
from engine.ledger.reader import LedgerReader
from engine.ledger.rows import AuditEntry, AuditRow
from engine.ledger.standing import Ask, Break, standing_breaks
from engine.values.canonical import text_hash
from engine.values.json_text import JsonError, read_json

BREAKS = 100  # told at most; one is enough to know


def verify_chain(reader: LedgerReader, *, head: audit.Head | None = None) -> list[Break]:
    """Every break of the chain, at most `BREAKS`; none, when the ledger is what was written.

    With `head`, the end of the chain at an earlier time, also whether the chain still goes through it.
    """
    with reader.snapshot() as ask, closing(_breaks(ask, head)) as breaks:
        return [*islice(breaks, BREAKS)]


def _breaks(ask: Ask, head: audit.Head | None) -> Generator[Break, None, None]:
    yield from _chain_breaks(ask, head)
    streams = [_Stream(ask, fact) for fact in FACTS]
    pruned = _Pruned(ask)
    # Where several write, the order of the chain is not that of the numbers under which they wrote.
    link = tables.audit.c
    firsts = select(link.commit, link.facts).where(link.facts.is_not(None)).order_by(link.commit)
    for commit, facts in ask(firsts):
        yield from _fact_breaks(commit, facts, streams, pruned)
    yield from pruned.rest()
    for stream in streams:
        yield from stream.rest()
    yield from standing_breaks(ask)


def _chain_breaks(ask: Ask, head: audit.Head | None) -> Iterator[Break]:
    previous = audit.EMPTY
    for values in ask(select(tables.audit).order_by(tables.audit.c.seq)):
        row = AuditRow._make(values)
        yield from _link_breaks(row, previous)
        previous = audit.Head(row.commit, row.seq, row.hash)
        if head is not None and row.seq == head.seq and row.hash != head.hash:
            yield Break(
                row.commit, "audit", "the chain was written anew: it does not have the published hash here"
            )
    if head is not None and previous.seq < head.seq:
        yield Break(previous.commit, "audit", f"the chain ends before row {head.seq}, which was published")


def _link_breaks(row: AuditRow, previous: audit.Head) -> Iterator[Break]:
    if row.seq != previous.seq + 1 or (row.commit != previous.commit) != (row.facts is not None):
        yield Break(row.commit, "audit", f"rows are missing, added or moved before row {row.seq}")
    if row.prev_hash != previous.hash:
        yield Break(row.commit, "audit", f"row {row.seq} does not continue the row before it")
    entry = AuditEntry(row.at, row.actor, row.action, row.subject, row.detail)
    if row.hash != audit.link(row.prev_hash, row.seq, entry, row.commit, row.facts):
        yield Break(row.commit, "audit", f"row {row.seq} was changed")


def _fact_breaks(commit: int, facts: str, streams: list["_Stream"], pruned: "_Pruned") -> Iterator[Break]:
    recorded = digests_in(facts)
    yield from pruned.rest(before=commit)
    yield from pruned.lead(commit, recorded)
    for stream in streams:
        yield from stream.rest(before=commit)
        rows = stream.take(commit)
        count, hashed = recorded.get(stream.name, (0, ""))
        if len(rows) != count:
            yield Break(commit, stream.name, f"{count} rows were written and {len(rows)} are there")
        elif rows and _digest(stream.fact, rows) != hashed:
            yield Break(commit, stream.name, "a row was changed, exchanged or moved")


def digests_in(facts: str | None) -> dict[str, tuple[int, str]]:
    """The number of rows and the digest of each fact, as the chain has recorded them."""
    # A text that cannot be read was changed, which the hash of its row tells already.
    try:
        return {
            name: (count, hashed)
            for name, (count, hashed) in cast("dict[str, tuple[int, str]]", read_json(facts or "{}")).items()
        }
    except (JsonError, AttributeError, TypeError, ValueError):
        return {}


def _digest(fact: Fact, rows: list[Tuple]) -> str:
    # Someone may have put a value of another kind in a column; that is a change like any other.
    try:
        return digest(in_order(fact, rows))
    except TypeError:
        return "unreadable"


class _Stream:
    """The rows of one fact, by the commit that wrote them, with those that were overwritten since."""

    def __init__(self, ask: Ask, fact: Fact) -> None:
        self.fact = fact
        self.name = fact.name
        self._number = number = _numbering(fact)
        self._rows = merge(_current(ask, fact), _former(ask, fact), key=number)
        self._next = next(self._rows, None)

    def take(self, commit: int) -> list[Tuple]:
        """The rows that a commit wrote."""
        taken = []
        while self._next is not None and self._number(self._next) == commit:
            taken.append(self._next)
            self._next = next(self._rows, None)
        return taken

    def rest(self, *, before: int | None = None) -> Iterator[Break]:
        """A break for each row that belongs to no commit, or to one that is over."""
        while self._next is not None and (before is None or self._number(self._next) < before):
            number = self._number(self._next)
            yield Break(number, self.name, "a row was added, or moved from its place")
            self._next = next(self._rows, None)


class _Pruned:
    """What digests became when rows of their commits were blanked, by commit."""

    def __init__(self, ask: Ask) -> None:
        table = tables.prunings
        core = select(table.c.of_commit, table.c.fact, table.c.before, table.c.after, table.c.seq)
        self._rows = ask(core.order_by(table.c.of_commit, table.c.seq))
        self._next = next(self._rows, None)

    def lead(self, commit: int, recorded: dict[str, tuple[int, str]]) -> Iterator[Break]:
        """Put in the place of each recorded digest of a commit the one that was led to from it."""
        while self._next is not None and self._next[0] == commit:
            _, fact, before, after, _ = self._next
            count, hashed = recorded.get(fact, (0, ""))
            if hashed != before:
                yield Break(commit, fact, "it was pruned from another digest than the one it had")
            recorded[fact] = (count, after)
            self._next = next(self._rows, None)

    def rest(self, *, before: int | None = None) -> Iterator[Break]:
        """A break for each pruning of a commit that is not there."""
        while self._next is not None and (before is None or not _reaches(self._next[0], before)):
            yield Break(None, tables.prunings.name, f"there is no commit {self._next[0]!r} that was pruned")
            self._next = next(self._rows, None)


def _reaches(number: object, commit: int) -> bool:
    return isinstance(number, int) and number >= commit


def _numbering(fact: Fact) -> Callable[[Tuple], int]:
    # No method of the stream: its rows would then hold on to it, and so to the statement, until a collection.
    place = fact.columns.index(fact.number)
    return lambda row: row[place] if isinstance(row[place], int) else 0


def _current(ask: Ask, fact: Fact) -> Iterator[Tuple]:
    columns = rows_of(fact)
    core = select(*columns) if fact.where is None else select(*columns).where(fact.where)
    # By insertion, so that a row which was moved shows; what was changed in place is asked for by commit.
    number, seq = fact.table.c[fact.number], fact.table.c.seq
    if fact.table is tables.audit:
        core = core.order_by(number, seq)
    else:
        core = core.order_by(number) if fact.order else core.order_by(seq)
    return (as_proved(fact, row) for row in ask(core)) if fact.blob else ask(core)


def rows_of(fact: Fact) -> list[ColumnElement[Any]]:
    """The columns that the rows of a fact are made of; `as_proved` makes rows of them."""
    return [fact.table.c[name] for name in (*fact.columns, *(fact.blob or ())[:1])]


def as_proved(fact: Fact, row: Tuple) -> Tuple:
    """A row as it stands in its digest: what is large by its hash, which has to be that of what is there."""
    if fact.blob is None:
        return row
    *values, blob = row
    place = fact.columns.index(fact.blob[1])
    if is_pruned(blob):
        values[place] = blob.decode() if blob == mark_for(values[place]).encode() else None
    elif not isinstance(blob, bytes) or text_hash(blob) != values[place]:
        values[place] = None
    return tuple(values)


def _former(ask: Ask, fact: Fact) -> Iterator[Tuple]:
    table = tables.superseded
    core = select(table.c.body).where(table.c.fact == fact.name).order_by(table.c.commit, table.c.seq)
    for (body,) in ask(core):
        try:
            row = tuple(cast("list[object]", read_json(body)))
        except (JsonError, TypeError):
            row = ()
        yield row if len(row) == len(fact.columns) else (0,) * len(fact.columns)
