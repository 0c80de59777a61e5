"""Writing one commit to a ledger on PostgreSQL, beside others who write to it.

Rows are numbered by their commit and their place in it, so that nobody has to ask what the last number was.
Only the end of a transaction, where its link is put to the chain, is done by one session at a time: the order
of the chain is the order in which commits became visible.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import Table

from engine.clock import Clock
from engine.errors import LedgerBusy, LedgerError, LedgerLost, LedgerUnreachable
from engine.ledger import audit, postgres, postgres_schema, requests
from engine.ledger.batch import Batch, Tuple
from engine.ledger.beside import beside
from engine.ledger.commit import Commit
from engine.ledger.instants import instant
from engine.ledger.ledger import Ledger, fill
from engine.ledger.newest import older
from engine.ledger.noted import NotedEnd, folder_of
from engine.ledger.owned import ROWS, OwnedReader
from engine.ledger.partitions import PARTITIONS
from engine.ledger.postgres_database import PostgresDatabase
from engine.ledger.statements import Statement

CHAIN = 7_430_002  # the lock of those who put a link to the chain
POINTER = 7_430_004  # the lock of those who decide which release is worked by
TRIES = 5  # of one commit that met another
LEAVE_SECONDS = 2.0  # for the server to hear that we leave; it finds out by itself if it does not
PATIENCE_SECONDS = 10.0  # how long it is tried to find out what became of a commit

LOCK = "SELECT pg_advisory_xact_lock(%s)"
OWNED = (
    "SELECT count(*) FROM (SELECT 1 FROM partitions "
    "JOIN unnest(%b::bigint[], %b::bigint[]) AS mine(id, epoch) "
    "ON partitions.id = mine.id AND partitions.epoch = mine.epoch FOR SHARE OF partitions) AS held"
)
HELD = "SELECT worker, seen FROM partitions WHERE id = %s FOR UPDATE"
CLAIM = "UPDATE partitions SET epoch = epoch + 1, worker = %s, seen = %s WHERE id = %s RETURNING epoch"
CAUGHT_UP = "UPDATE partitions SET seen = NULL WHERE id = ANY(%b::bigint[]) AND worker = %s"
SEEN = "SELECT seen FROM workers WHERE name = %s"
GIVE_BACK = "UPDATE partitions SET epoch = epoch + 1, worker = NULL, seen = %s WHERE id = %s AND epoch = %s"
SEE = "INSERT INTO workers VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET seen = excluded.seen"
ROWS_OF_CHAIN = "SELECT coalesce(max(seq), 0) FROM audit"
TELL_NAME = "SELECT pg_try_advisory_lock_shared(%s::int, %s::bigint::bit(32)::int)"  # a key has a sign there
NEWS = "tidegate_news"  # the channel on which machines hear that something was handed over


class PostgresBatch(Batch):
    """What one commit has written so far; a statement goes to the server once for all its rows."""

    def __init__(
        self, database: PostgresDatabase, cursor: postgres.Cursor, number: int, partitions: int
    ) -> None:
        super().__init__(database, cursor, number)
        self._server = database
        self.partitions = partitions
        self._first = number << ROWS
        self._made: dict[Table, int] = {}

    def run(self, statement: Statement, rows: Sequence[Tuple]) -> int:
        """Give rows to a statement; the number of rows that it wrote."""
        bulk = self._server.bulk(statement)
        values = bulk.values(rows)
        if bulk.numbered:
            made = self._made.get(statement.table, 0)
            self._made[statement.table] = made + len(rows)
            values.insert(0, self._first + made)
        self._cursor.execute(bulk.sql, values)
        return int(self._cursor.rowcount)

    def lock_pointer(self) -> None:
        """Let nobody else decide where the ledger points until this commit ends."""
        self._cursor.execute(LOCK, (POINTER,))

    def next_seq(self, table: Table) -> int:
        """The number of the next row of a table."""
        del table
        return self._first + 1


class PostgresLedger(Ledger):
    """A writer of a ledger that may have others; each commit shows that what it writes is still its own."""

    divided = True

    def __init__(
        self,
        database: PostgresDatabase,
        clock: Clock,
        *,
        alone: bool,
        name: str = "",
        noted: NotedEnd | None = None,
        restored: bool = False,
    ) -> None:
        """Write alone, or beside others who do the same; the name is who others see at work.

        `noted` is where this machine notes the end of the chain; with `restored`, a person has said that the
        ledger is an older copy.
        """
        super().__init__(database, None, None, clock)
        self._server = database
        self._alone = alone
        self.name = name
        self._closed = False
        self._noted = noted
        self._restored = restored
        self._session: postgres.Session | None = None
        self.epochs: dict[int, int] = {}  # of the partitions that are ours, as they were given to us
        self.partitions = 1
        self.seen = 0  # up to which row of the chain runs were woken; written with every commit that moved it
        self._told = 0
        self._catching_up: set[int] = set()  # partitions of which no commit has yet what we woke
        with database.door:
            self._connected()

    def shrink(self) -> int:
        """Nothing: PostgreSQL sees to the room of its tables itself."""
        return 0

    def _write(self, commit: Commit, meanwhile: Callable[[], None] | None) -> int | None:
        if not self._has_rows(commit):
            return None
        for _ in range(TRIES):
            try:
                return self._once(commit, meanwhile)
            except Exception as error:
                if postgres.is_unstorable(error):
                    commit = commit.with_texts(postgres.storable)
                elif postgres.is_there_already(error, "alerts"):
                    commit = self._untold(commit, error)
                    if not self._has_rows(commit):
                        return None
                elif not postgres.is_passing(error):
                    raise
        raise LedgerBusy(
            f"others write the same in the ledger {self._database.place} again and again; nothing was written"
        )

    def _untold(self, commit: Commit, error: Exception) -> Commit:
        """The commit without what another machine has told in the meantime, which is about no run of ours.

        Raises:
            Exception: the error, when that was not the reason for it.

        """
        reader = self.reader()
        told = {row.id for row in commit.alerts if row.run_id is None and reader.alert(row.id) is not None}
        if not told:
            raise error
        return replace(commit, alerts=[row for row in commit.alerts if row.id not in told])

    def _once(self, commit: Commit, meanwhile: Callable[[], None] | None) -> int:
        session = self._connected()
        cursor = session.cursor()
        try:
            number = self._begin(cursor)
            batch = PostgresBatch(self._server, cursor, number, self.partitions)
            fill(batch, commit)
            if commit.handed:
                cursor.execute("SELECT pg_notify(%s, %s)", (NEWS, self.name))
            at = instant(self._clock.now())
            head = audit.close(batch, commit, lambda: self._end(cursor), at)
        except BaseException:
            self._give_up(session)
            raise
        self._commit(session, cursor, number, meanwhile)
        self._head, self._told = head, self.seen
        if self._noted is not None:
            self._noted.note(head.seq, head.hash)
        self._catching_up.clear()
        return number

    def _begin(self, cursor: postgres.Cursor) -> int:
        """Begin a transaction, with the number of its commit."""
        cursor.execute("BEGIN")
        found = cursor.execute("SELECT nextval('commits')").fetchone()
        assert found is not None
        if self._catching_up:
            cursor.execute(CAUGHT_UP, (postgres.numbers(sorted(self._catching_up)), self.name))
        if self.epochs:
            self._require_owned(cursor)
        if self.seen != self._told or self._catching_up:
            cursor.execute(SEE, (self.name, self.seen))
        return int(found[0])

    def _require_owned(self, cursor: postgres.Cursor) -> None:
        """Lock the epochs of our partitions until the end of the transaction.

        Whoever takes one over waits for that, and finds it written; or was before us, and we find that.
        """
        ids, epochs = postgres.numbers([*self.epochs]), postgres.numbers([*self.epochs.values()])
        (held,) = cursor.execute(OWNED, (ids, epochs)).fetchone() or (0,)
        if held != len(self.epochs):
            raise LedgerLost("another machine has taken over the work of this one; nothing was written")

    def _end(self, cursor: postgres.Cursor) -> audit.Head:
        cursor.execute(LOCK, (CHAIN,))
        return self._last(cursor)

    def _commit(
        self,
        session: postgres.Session,
        cursor: postgres.Cursor,
        number: int,
        meanwhile: Callable[[], None] | None,
    ) -> None:
        try:
            if meanwhile is None:
                cursor.execute("COMMIT")
            else:
                beside(lambda: cursor.execute("COMMIT"), meanwhile)
        except Exception as error:
            self._give_up(session)
            if not postgres.is_error(error) or not session.closed:
                raise
            if not self._was_committed(number):
                raise

    def _was_committed(self, number: int) -> bool:
        """Find out what became of a commit whose answer was lost.

        The lock of the chain was held by it, so whoever has that lock now knows that it has ended.

        Raises:
            LedgerUnreachable: when nobody could be asked; the commit may have been written.

        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with self._connected().transaction():
                    session = self._connected()
                    session.execute(LOCK, (CHAIN,))
                    found = session.execute("SELECT 1 FROM audit WHERE commit = %s LIMIT 1", (number,))
                    return found.fetchone() is not None
            except Exception as error:
                self._drop()
                if time.monotonic() > deadline:
                    raise LedgerUnreachable(
                        f"the answer to a commit was lost, and the ledger {self._database.place} cannot be "
                        "asked what became of it; start again from what it holds"
                    ) from error
                time.sleep(0.1)

    def claim(self, partition: int) -> int | None:
        """Take over a partition, whoever has it: from now on nobody else writes what belongs to it.

        Gives the row of the chain up to which its runs were woken; None when nobody ever had it. That row
        stays with the partition until a commit of ours has what we woke: should we end before, the next one
        wakes from there, and not from where we are with our other partitions.

        Raises:
            LedgerError: it could not be taken.

        """
        with self._turn, self._database.door:
            session = self._connected()
            with session.transaction():
                # This waits for a commit that is under way, and only afterwards is asked what it had seen.
                before = session.execute(HELD, (partition,)).fetchone()
                if before is None:
                    raise LedgerError(f"the ledger {self._database.place} has no partition {partition}")
                worker, seen = before
                if worker is not None and seen is None:
                    (seen,) = session.execute(SEEN, (worker,)).fetchone() or (None,)
                claimed = session.execute(CLAIM, (self.name, seen, partition)).fetchone()
                assert claimed is not None  # its row is locked, so it is there
            self.epochs[partition] = claimed[0]
            self._catching_up.add(partition)
            return None if seen is None else int(seen)

    def give_back(self, partition: int) -> None:
        """Let others have a partition; one that was taken away already is only forgotten.

        Raises:
            LedgerError: the server could not be told.

        """
        with self._turn, self._database.door:
            epoch = self.epochs.pop(partition, None)
            self._catching_up.discard(partition)
            if epoch is not None:
                self._connected().execute(GIVE_BACK, (self.seen, partition, epoch))

    def own_reader(self) -> OwnedReader:
        """What only reads, and finds of open work what belongs to our partitions."""
        return OwnedReader(self._database, lambda: self.epochs, self.partitions)

    def forget(self) -> None:
        """Own nothing any more; what was ours is taken over by whoever comes."""
        with self._turn:
            self.epochs.clear()
            self._catching_up.clear()

    def _connected(self) -> postgres.Session:
        if self._closed:
            raise LedgerError(f"the ledger {self._database.place} is closed")
        session = self._session
        if session is None or session.closed:
            self._head = None
            session = postgres.Session.opened(self._server.server, postgres.WRITER)
            try:
                postgres_schema.require(session, self._server.server)
                self._take_part(session)
                self._require_newest(session)
                (self.partitions,) = session.execute("SELECT count(*) FROM partitions").fetchone() or (1,)
            except BaseException:
                session.close()
                raise
            self._session = session
        return session

    def _require_newest(self, session: postgres.Session) -> None:
        """Refuse a server that was set back to before what this machine has written."""
        noted = None if self._noted is None or self._restored else self._noted.noted()
        if noted is not None and not goes_on_from(session, noted):
            (end,) = session.execute(ROWS_OF_CHAIN).fetchone() or (0,)
            raise older(int(end), noted[0], self._database.place)

    def lost_rows(self) -> int | None:
        """How many rows of the chain are lost that this machine had noted; None when none are missing."""
        noted = None if self._noted is None else self._noted.noted()
        with self._turn, self._database.door:
            if noted is None or goes_on_from(self._connected(), noted):
                return None
            (end,) = self._connected().execute(ROWS_OF_CHAIN).fetchone() or (0,)
        return max(0, noted[0] - int(end))

    def _take_part(self, session: postgres.Session) -> None:
        """Be the only one who writes, or one of those who work together; until the session ends."""
        share = "" if self._alone else "_shared"
        found = session.execute(
            f"SELECT pg_try_advisory_lock{share}(%s)", (postgres_schema.WRITING,)
        ).fetchone()
        if not found or not found[0]:
            place = self._database.place
            raise LedgerBusy(
                f"other processes work on the ledger {place}; stop them, or let them do the work"
                if self._alone
                else f"a process works alone on the ledger {place}; start again when it has ended"
            )
        if not self._alone:
            # For whoever wants to know which machines live; the server lets go of it when the session ends.
            session.execute(TELL_NAME, (postgres_schema.NAMED, postgres_schema.name_key(self.name)))

    def _give_up(self, session: Any) -> None:  # noqa: ANN401
        self._head = None
        with suppress(Exception):
            if not session.closed:
                session.execute("ROLLBACK")

    def _let_others_in(self) -> None:
        """Give up our locks now: the server gives them up some time after a connection was closed."""
        session = self._session
        if session is not None and not session.closed:
            session.answer_seconds = LEAVE_SECONDS
            with suppress(Exception):
                session.execute("SELECT pg_advisory_unlock_all()")

    def _drop(self) -> None:
        if self._session is not None:
            with suppress(Exception):
                self._session.close()
        self._session = None

    def close(self) -> None:
        """Close the sessions and let others write; closing twice is harmless."""
        with self._turn:
            self._closed = True
            self._let_others_in()
            self._drop()
            if self._noted is not None:
                self._noted.close()
            self._database.close()


def open_shared(url: str, *, clock: Clock, name: str, create: bool = False) -> PostgresLedger:
    """Open a ledger on a server as one of several who work it.

    The name has to be new in every life of a process: what it had seen is kept under it.

    Raises:
        LedgerBusy: somebody works alone on it.
        LedgerError: it cannot be used; the sentence says why.

    """
    return open_postgres(url, clock=clock, create=create, alone=False, name=name)


def listening(url: str, handed: Callable[[], None], asked: Callable[[], None]) -> postgres.Listener:
    """Hear when others handed something over, and when a person asks for something.

    Raises:
        LedgerError: the server cannot be reached.

    """
    place = postgres.read_url(url)
    database = PostgresDatabase(place)
    with database.door:
        return postgres.Listener(place, {NEWS: handed, requests.CHANNEL: asked})


def goes_on_from(session: postgres.Session, noted: tuple[int, str]) -> bool:
    """Whether a row of this number is in the chain, with this hash."""
    found = session.execute("SELECT hash FROM audit WHERE seq = %s", (noted[0],)).fetchone()
    return found is not None and found[0] == noted[1]


def open_postgres(  # noqa: PLR0913 - each by its name
    url: str,
    *,
    clock: Clock,
    create: bool,
    alone: bool,
    name: str = "",
    partitions: int = PARTITIONS,
    restored: bool = False,
) -> PostgresLedger:
    """Open a ledger on a server for writing; with `create`, make it where there is none.

    With `restored`, a person has seen to it that it is an older copy.

    Raises:
        LedgerRestored: it is an older copy of the one that this machine wrote.
        LedgerError: it cannot be used; the sentence says why.
        ConfigurationError: the address is none of a ledger.

    """
    place = postgres.read_url(url)
    database = PostgresDatabase(place)
    noted = NotedEnd(folder_of(os.environ), str(place))
    try:
        if create:
            with database.door:
                session = postgres.Session.opened(place, postgres.WRITER)
                try:
                    if postgres_schema.create(session, partitions):
                        noted.forget()
                finally:
                    session.close()
        return PostgresLedger(database, clock, alone=alone, name=name, noted=noted, restored=restored)
    except BaseException:
        database.close()
        raise
