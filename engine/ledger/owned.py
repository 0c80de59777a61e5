"""What a machine reads of a ledger whose work is divided: of open work that of its own partitions.

What others accepted, and what may wake runs, comes in the order of the chain, which is the order in which it
became visible: whoever has read up to a row has missed nothing before it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

from sqlalchemy import BigInteger, bindparam, func, literal_column, select, true

from engine.ledger import questions, rows
from engine.ledger.database import Database
from engine.ledger.partitions import partition_of
from engine.ledger.reader import CHUNK, LAST, LISTED, LedgerReader
from engine.ledger.statements import asking, key_list, listed, listed_numbers
from engine.ledger.tables import audit, events, inbox, runs
from engine.values.json_text import write_json


class _OfRun(Protocol):
    @property
    def run_id(self) -> str: ...


Of = TypeVar("Of", bound=_OfRun)

STEP = 5_000  # rows of the chain that are read at a time
ROWS = 20  # bits for the place of a row in its commit

_MINE = runs.c.partition.in_(listed_numbers(bindparam("p_partitions")))
OPEN_RUNS = asking(
    runs,
    questions.selected(runs)
    .where(runs.c.finish_commit.is_(None), runs.c.seq > bindparam("p_after"), _MINE)
    .order_by(runs.c.seq)
    .limit(bindparam("p_limit")),
    "after",
    "partitions",
    "limit",
)
LEFT_RUNS = asking(
    runs,
    questions.LEFT.where(_MINE).order_by(runs.c.seq).limit(bindparam("p_limit")),
    "after",
    "partitions",
    "limit",
)
RESTING = asking(
    runs,
    questions.selected(runs)
    .where(
        runs.c.finish_commit.is_(None),
        runs.c.status == bindparam("p_status"),
        runs.c.seq < bindparam("p_before"),
        _MINE,
    )
    .order_by(runs.c.seq.desc())
    .limit(bindparam("p_limit")),
    "status",
    "before",
    "partitions",
    "limit",
)
OURS = asking(
    runs,
    select(runs.c.id).where(runs.c.id.in_(listed(bindparam("p_ids"))), _MINE),
    "ids",
    "partitions",
)
_LINK = audit.c.facts.is_not(None)
_MINE_STANDING = (
    inbox.c.taken_commit.is_(None),
    inbox.c.partition.in_(listed_numbers(bindparam("p_partitions"))),
)
# The chain is asked once for each commit by which something stands in the inbox, however long both are.
_COMMITS = (
    select(
        inbox.c.commit,
        func.count().label("events"),
        func.min(inbox.c.seq).label("first"),
        func.max(inbox.c.seq).label("last"),
    )
    .where(*_MINE_STANDING)
    .group_by(inbox.c.commit)
    .cte("commits")
    .prefix_with("MATERIALIZED")
)
_PLACE = select(audit.c.seq).where(audit.c.commit == _COMMITS.c.commit, _LINK).scalar_subquery()
STANDING = asking(
    inbox,
    select(
        _PLACE.label("place"), _COMMITS.c.commit, _COMMITS.c.events, _COMMITS.c.first, _COMMITS.c.last
    ).order_by(literal_column("1")),
    "partitions",
)
# The events one by one, by their number: joined otherwise, all that there ever were may be read for some.
_EVENT = (
    select(events.c.id, events.c.type, events.c.version)
    .where(events.c.seq == inbox.c.seq)
    .limit(literal_column("1"))
    .lateral("event")
)
INBOX = asking(
    inbox,
    select(inbox.c.commit, inbox.c.seq, inbox.c.partition, _EVENT.c.id, _EVENT.c.type, _EVENT.c.version)
    .select_from(inbox.join(_EVENT, true()))
    .where(
        *_MINE_STANDING,
        inbox.c.commit.in_(listed_numbers(bindparam("p_commits"))),
        inbox.c.seq >= bindparam("p_first"),
        inbox.c.seq <= bindparam("p_last"),
    ),
    "partitions",
    "commits",
    "first",
    "last",
)
SEVERAL = asking(events, select(events).where(events.c.seq.in_(listed_numbers(bindparam("p_seqs")))), "seqs")
_LINKS = (
    select(audit.c.seq, audit.c.commit)
    .where(_LINK, audit.c.seq > bindparam("p_after"), audit.c.seq <= bindparam("p_upto"))
    .cte("links")
)
_ROWS = literal_column(str(1 << ROWS), BigInteger)
# Rows are numbered by their commit: between the first and the last commit of the links lies what is wanted,
# and little else. Joined by ranges, each link would be compared with each event.
BEHIND = asking(
    events,
    select(_LINKS.c.seq, *events.c)
    .select_from(_LINKS.join(events, events.c.commit == _LINKS.c.commit))
    .where(
        events.c.seq >= select(func.min(_LINKS.c.commit)).scalar_subquery() * _ROWS,
        events.c.seq < (select(func.max(_LINKS.c.commit)).scalar_subquery() + literal_column("1")) * _ROWS,
        events.c.type.in_(listed(bindparam("p_types"))),
    )
    .order_by(_LINKS.c.seq, events.c.seq),
    "after",
    "upto",
    "types",
)
END = asking(audit, select(func.coalesce(func.max(audit.c.seq), literal_column("0"))))


class Handed(NamedTuple):
    """An event that waits in the inbox of a partition."""

    position: int  # of its commit in the chain
    seq: int
    partition: int
    id: str
    type: str
    version: int


class _Standing(NamedTuple):
    """What stands in the inbox by one commit."""

    place: int | None  # of the commit in the chain
    commit: int
    events: int
    first: int  # seq
    last: int


class OwnedReader(LedgerReader):
    """Questions to a ledger; those after open work find that of the partitions in `focus` alone."""

    def __init__(self, database: Database, owned: Callable[[], Collection[int]], among: int) -> None:
        """`owned` are the partitions of this machine at present, of so many."""
        super().__init__(database)
        self._owned = owned
        self._among = among
        self._focus: Collection[int] | None = None

    @contextmanager
    def only(self, partitions: Collection[int]) -> Iterator[None]:
        """Look at these partitions alone for a while: those that were just taken over."""
        before, self._focus = self._focus, partitions
        try:
            yield
        finally:
            self._focus = before

    def is_mine(self, order_key: str | None, event_id: str) -> bool:
        """Whether an event and its runs belong to a partition of this machine."""
        return partition_of(order_key, event_id, self._among) in self._looked_at()

    def is_my_run(self, run_id: str) -> bool:
        """Whether a run belongs to a partition of this machine."""
        return bool(self._ours([run_id]))

    def _looked_at(self) -> Collection[int]:
        return self._owned() if self._focus is None else self._focus

    def _mine(self) -> str:
        return write_json(sorted(self._looked_at())).decode()

    def open_runs(self, *, after: int = 0, limit: int = CHUNK) -> list[rows.RunRow]:
        """Runs of ours that are not finished, in the order in which they were begun."""
        return self._all(rows.RunRow._make, OPEN_RUNS, after, self._mine(), limit)

    def left_runs(self, *, after: int = 0, limit: int = CHUNK) -> list[rows.LeftRun]:
        """Runs of ours that are on their way, in the order in which they were begun."""
        return self._all(rows.LeftRun._make, LEFT_RUNS, after, self._mine(), limit)

    def runs(
        self, *, status: str | None = None, flow: str | None = None, before: int = LAST, limit: int = LISTED
    ) -> list[rows.RunRow]:
        """The newest runs, newest first; of those that rest, ours alone."""
        if status in rows.OPEN_RUNS and flow is None:
            return self._all(rows.RunRow._make, RESTING, status, before, self._mine(), limit)
        return super().runs(status=status, flow=flow, before=before, limit=limit)

    def runs_held_for(self, event_type: str, matches: Collection[str]) -> list[str]:
        """Our runs with an open hold that an event may release."""
        return self._ours(super().runs_held_for(event_type, matches))

    def runs_waiting_for(self, event_type: str, matches: Collection[str]) -> list[str]:
        """Our runs with a step that may wait for an event."""
        return self._ours(super().runs_waiting_for(event_type, matches))

    def open_holds(self, *, timed: bool | None = None, before: str | None = None) -> Iterator[rows.HoldRow]:
        """Holds of our runs that are open, in the order in which they opened."""
        return self._of_ours(super().open_holds(timed=timed, before=before))

    def open_waits(self, *, timed: bool | None = None, before: str | None = None) -> Iterator[rows.WaitRow]:
        """Waits of our runs that are not over, in the order in which they began."""
        return self._of_ours(super().open_waits(timed=timed, before=before))

    def broken_runs(self) -> list[str]:
        """Our runs that an error ended."""
        return self._ours(super().broken_runs())

    def unknown_runs(self) -> Iterator[rows.RunRow]:
        """Our runs with a write of which nobody knows whether it happened."""
        mine = frozenset(self._looked_at())
        return (row for row in super().unknown_runs() if row.partition in mine)

    def _ours(self, run_ids: Collection[str]) -> list[str]:
        if not run_ids:
            return []
        found = set(self._all(text_of, OURS, key_list(run_ids), self._mine()))
        return [run_id for run_id in run_ids if run_id in found]

    def _of_ours(self, found: Iterator[Of]) -> Iterator[Of]:
        while chunk := [*islice(found, CHUNK)]:
            ours = set(self._ours([row.run_id for row in chunk]))
            for row in chunk:
                if row.run_id in ours:
                    yield row

    def parked(self) -> list[rows.ParkingRow]:
        """What stops order keys of ours, in the order in which it did."""
        return [row for row in super().parked() if self.is_mine(row.order_key, "")]

    def parked_runs(self) -> list[rows.ParkedRun]:
        """The same, with the number of each run."""
        return [row for row in super().parked_runs() if self.is_mine(row.order_key, "")]

    def end(self) -> int:
        """The last row of the chain."""
        return self._all(int_of, END)[0]

    def inbox(self, upto: int, limit: int) -> list[Handed]:
        """Events whose runs this machine is to begin, in the order of the chain up to a row of it."""
        standing = self._all(_Standing._make, STANDING, self._mine())
        chosen, events_of_them = dict[int, int](), 0
        for one in standing:
            if one.place is None or one.place > upto or events_of_them >= limit:
                break
            chosen[one.commit] = one.place
            events_of_them += one.events
        if not chosen:
            return []
        found = self._all(
            Handed._make,
            INBOX,
            self._mine(),
            write_json([*chosen]).decode(),
            min(one.first for one in standing if one.commit in chosen),
            max(one.last for one in standing if one.commit in chosen),
        )
        placed = [one._replace(position=chosen[one.position]) for one in found]
        return sorted(placed, key=lambda one: (one.position, one.seq))[:limit]

    def several(self, seqs: Iterable[int]) -> dict[int, rows.EventRow]:
        """Events by their number."""
        found = self._all(rows.EventRow._make, SEVERAL, write_json([*seqs]).decode())
        return {row.seq: row for row in found}

    def behind(self, after: int, upto: int, types: Collection[str]) -> list[tuple[int, rows.EventRow]]:
        """Events of some types behind a row of the chain, each with its place in it."""
        if not types:
            return []
        wanted, found = key_list(sorted(types)), []
        for start in range(after, upto, STEP):
            found += self._all(_placed, BEHIND, start, min(start + STEP, upto), wanted)
        return found


def int_of(row: Iterable[int]) -> int:
    """The one number of a row."""
    (found,) = row
    return found


def text_of(row: Iterable[str]) -> str:
    """The one text of a row."""
    (found,) = row
    return found


def _placed(row: Iterable[object]) -> tuple[int, rows.EventRow]:
    position, *values = row
    return int(str(position)), rows.EventRow._make(values)
