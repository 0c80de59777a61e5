"""Opening a ledger, and writing one commit to it: everything of the commit, or nothing."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import fields
from threading import Lock
from types import TracebackType
from typing import Self

from engine.clock import Clock
from engine.errors import ConfigurationError, InputError, LedgerError
from engine.ledger import (
    audit,
    effects,
    entities,
    events,
    holds,
    parkings,
    prune,
    releases,
    runs,
    schema,
    space,
    sqlite,
)
from engine.ledger.batch import Batch
from engine.ledger.beside import beside
from engine.ledger.commit import Commit, CommitResult
from engine.ledger.database import Cursor, Database
from engine.ledger.instants import instant
from engine.ledger.newest import goes_through, require_newest
from engine.ledger.reader import LedgerReader
from engine.ledger.rows import AuditEntry
from engine.values.json_text import write_json

_LISTS = tuple(
    field.name for field in fields(Commit) if field.name not in {"actor", "action", "subject", "detail"}
)


class Ledger:
    """The writer of one ledger; there is one at a time, and it may be called from any thread."""

    divided = False  # whether work is divided into partitions, of which this writer may own some

    def __init__(
        self,
        database: Database,
        connection: sqlite3.Connection | None,
        lock: sqlite.WriterLock | None,
        clock: Clock,
    ) -> None:
        self._database = database
        self._lock = lock
        self._clock = clock
        self._turn = Lock()
        self._connection = connection
        self._head: audit.Head | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def commit(self, commit: Commit, meanwhile: Callable[[], None] | None = None) -> CommitResult:
        """Write a commit in one transaction. When this returns, it survives a power cut.

        `meanwhile` is called once, on this thread, while the disk takes up what was written; it may neither
        ask nor write this ledger. When there is nothing to write, it is not called.

        Raises:
            LedgerError: nothing of the commit was written; the same commit may be tried again.

        """
        with self._turn, self._database.door, self._database.turn:
            try:
                return CommitResult(number=self._write(commit, meanwhile))
            except events.KnownEventError:
                return self._write_folded(commit, meanwhile)

    def shrink(self) -> int:
        """Give some of the room that nothing lies in back to the disk; how many bytes are left of it."""
        with self._turn, self._database.door, self._database.turn:
            return space.give_back(self._open_connection())

    def reader(self) -> LedgerReader:
        """Everything that only reads."""
        return LedgerReader(self._database)

    def own_reader(self) -> LedgerReader:
        """What only reads, and finds of open work what this writer may work."""
        return self.reader()

    @property
    def place(self) -> str:
        """Where it is, without any password."""
        return str(self._database.place)

    def lost_rows(self) -> int | None:
        """How many rows of the chain are lost that had been noted; None when none are missing."""
        noted = None if self._lock is None else self._lock.noted_end()
        if noted is None or goes_through(self.reader(), noted):
            return None
        return max(0, noted[0] - self.reader().head().seq)

    def known_events(self, ids: Iterable[str]) -> dict[str, str]:
        """The hashes of the bodies of those events that are known, by id."""
        return self.reader().known_events(ids)

    def close(self) -> None:
        """Close the file and let another process write; closing twice is harmless."""
        with self._turn, self._database.door:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
                self._database.close()
                if self._lock is not None:
                    self._lock.release()

    def _write_folded(self, commit: Commit, meanwhile: Callable[[], None] | None) -> CommitResult:
        known = self.known_events(event.id for event in commit.events)
        left, same, other = events.fold(commit, known)
        return CommitResult(number=self._write(left, meanwhile), duplicates=same, conflicts=other)

    def _write(self, commit: Commit, meanwhile: Callable[[], None] | None) -> int | None:
        if not self._has_rows(commit):
            return None
        connection = self._open_connection()
        cursor = connection.cursor()
        try:
            cursor.execute(sqlite.BEGIN)
            head = self._head or self._last(cursor)
            batch = Batch(self._database, cursor, head.commit + 1)
            fill(batch, commit)
            space.lay_close(batch, commit.blanks)
            head = audit.close(batch, commit, lambda: head, instant(self._clock.now()))
            if meanwhile is None:
                cursor.execute(sqlite.COMMIT)
            else:
                beside(lambda: cursor.execute(sqlite.COMMIT), meanwhile)
        except BaseException:
            self._give_up(connection)
            raise
        self._head = head
        if self._lock is not None:
            self._lock.note_end(head.seq, head.hash)
        return head.commit

    @staticmethod
    def _has_rows(commit: Commit) -> bool:
        return any(getattr(commit, name) for name in _LISTS)

    def _last(self, cursor: Cursor) -> audit.Head:
        found = cursor.execute(self._database.sql(audit.LAST_LINK)).fetchone()
        return audit.Head(*found) if found else audit.EMPTY

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise LedgerError(f"the ledger {self._database.place} is closed")
        return self._connection

    def _give_up(self, connection: sqlite3.Connection) -> None:
        # After an error the end of the chain is read again: only the file knows what came of the commit.
        self._head = None
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def fill(batch: Batch, commit: Commit) -> None:
    """Write the rows of a commit."""
    prune.write(batch, commit)
    events.accept(batch, commit)
    events.take(batch, commit)
    events.keep_conflicts(batch, commit)
    runs.begin(batch, commit)
    effects.intend(batch, commit)
    holds.begin(batch, commit)
    parkings.begin(batch, commit)
    entities.write(batch, commit)
    releases.write(batch, commit)
    effects.change(batch, commit)
    holds.change(batch, commit)
    parkings.change(batch, commit)
    runs.change(batch, commit)


def open_ledger(url: str, *, clock: Clock, create: bool = False, restored: bool = False) -> Ledger:
    """Open a ledger for writing; with `create`, make it where there is none.

    With `restored`, a person has seen to it that it is an older copy.

    Raises:
        LedgerRestored: it is an older copy of the one that was written there.
        LedgerBusy: another process writes it.
        LedgerOutdated: its schema is not the one of this release.
        LedgerMissing: there is none, and `create` was not asked for.
        LedgerError: it cannot be used; the sentence says why.
        ConfigurationError: the address is none of a ledger.

    """
    if _is_postgres(url):
        from engine.ledger.postgres_ledger import open_postgres

        return open_postgres(url, clock=clock, create=create, alone=True, restored=restored)
    place = sqlite.read_url(url)
    made = create and sqlite.make_file(place)
    sqlite.require_file(place)
    lock = sqlite.WriterLock(place)
    database = Database(place)
    try:
        if made:
            lock.forget_end()
        noted = None if restored else lock.noted_end()
        return Ledger(database, _writer(database, place, noted, create=create), lock, clock)
    except BaseException:
        database.close()
        lock.release()
        raise


def _writer(
    database: Database, place: sqlite.Place, noted: tuple[int, str] | None, *, create: bool
) -> sqlite3.Connection:
    with database.door:
        connection = database.writer()
        try:
            if create or place.path is None:
                schema.create(connection)
            schema.require(connection, place)
            require_newest(LedgerReader(database), noted, place)
        except BaseException:
            connection.close()
            raise
        return connection


def open_reader(url: str) -> LedgerReader:
    """Open a ledger for reading alone, whoever writes it.

    Raises:
        LedgerOutdated: its schema is not the one of this release.
        LedgerMissing: there is none.
        LedgerError: it cannot be used; the sentence says why.

    """
    if _is_postgres(url):
        return _postgres_reader(url)
    place = sqlite.read_url(url)
    sqlite.require_file(place)
    database = Database(place)
    with database.reading() as connection:
        schema.require(connection, place)
    return LedgerReader(database)


def is_shared(url: str) -> bool:
    """Whether an address names a ledger that several machines can work together.

    Raises:
        ConfigurationError: when it does, and what speaks to one is not installed.

    """
    return _is_postgres(url)


def shown_address(url: str) -> str:
    """The address of a ledger as it may be shown: a file as it was given, a server without its password.

    Raises:
        ConfigurationError: the address is none of a ledger.

    """
    if not _is_postgres(url):
        return url
    from engine.ledger import postgres

    return str(postgres.read_url(url))


def _is_postgres(url: str) -> bool:
    """Whether an address names a server.

    Raises:
        ConfigurationError: when it does, and what speaks to one is not installed.

    """
    if not url.startswith(("postgresql://", "postgres://")):
        return False
    try:
        from engine.ledger import postgres
    except ImportError as error:
        raise ConfigurationError(
            "a ledger on PostgreSQL needs more than was installed: pip install 'tidegate[postgres]'"
        ) from error
    return postgres.is_postgres(url)


def _postgres_reader(url: str) -> LedgerReader:
    from engine.ledger import postgres, postgres_schema
    from engine.ledger.postgres_database import PostgresDatabase

    place = postgres.read_url(url)
    database = PostgresDatabase(place)
    try:
        with database.reading() as session:
            postgres_schema.require(session, place)
    except BaseException:
        database.close()
        raise
    return LedgerReader(database)


def accept_restored(url: str, clock: Clock, by: str, reason: str) -> int:
    """A person goes on with an older copy of a ledger; how many rows of its chain are lost.

    Raises:
        InputError: it is the ledger that was last written there.

    """
    with open_ledger(url, clock=clock, restored=True) as ledger:
        lost = ledger.lost_rows()
        if lost is None:
            raise InputError(
                f"the ledger {ledger.place} is the one that was last written there; it can be gone on with"
            )
        detail = write_json({"reason": reason, "rows_lost": lost}).decode()
        entry = AuditEntry(instant(clock.now()), by, "ledger restored", None, detail)
        ledger.commit(Commit(entries=[entry]))
    return lost


def upgrade_ledger(url: str) -> None:
    """Bring the schema of a ledger to the one of this release; forward only.

    Raises:
        LedgerBusy: another process writes it.
        LedgerError: it cannot be upgraded; the sentence says why.

    """
    from engine.ledger.upgrade import upgrade, upgrade_on_server

    if _is_postgres(url):
        upgrade_on_server(url)
    else:
        upgrade(sqlite.read_url(url))
