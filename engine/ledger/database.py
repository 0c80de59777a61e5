"""One opened database: its connections, statements in the driver's SQL, and the door for the driver's errors.

Nothing above this module sees an exception of SQLAlchemy or of a driver.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import RLock
from types import TracebackType
from typing import Any, TypeAlias, TypeVar, cast

from sqlalchemy import QueuePool, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import Pool, StaticPool
from sqlalchemy.sql import ClauseElement

from engine.errors import LedgerConflict, LedgerError
from engine.ledger import sqlite
from engine.ledger.statements import Statement

Row = TypeVar("Row")
Cursor: TypeAlias = Any  # of one of the drivers, which are alike in what is used of them

READERS = 4
READERS_AT_MOST = 32


class Door(AbstractContextManager[None]):
    """Turns what the driver raises into one of our errors; the cause is kept."""

    def __init__(
        self, place: object, explain: Callable[[Exception], LedgerError | None] | None = None
    ) -> None:
        """For the database at this place; `explain` knows the errors of another driver than SQLite's."""
        self._explain = explain or (lambda error: translate(error, place))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise our error in the place of the driver's."""
        if isinstance(error, Exception) and not isinstance(error, LedgerError):
            ours = self._explain(error)
            if ours is not None:
                raise ours from error


def translate(error: Exception, place: object) -> LedgerError | None:
    """Our error for one of the driver's or of SQLAlchemy's; None when it is neither's."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.Error):
        return sqlite.explain(error.orig, place)
    if isinstance(error, sqlite3.Error):
        return sqlite.explain(error, place)
    if isinstance(error, SQLAlchemyError):
        return LedgerError(f"the ledger {place} cannot be used: {error}")
    if isinstance(error, UnicodeEncodeError | OverflowError):
        return LedgerConflict(
            f"a row holds what cannot be stored ({error}); nothing of the commit was written"
        )
    return None


class Database:
    """A database at a place; it holds no row and no transaction of its own."""

    def __init__(self, place: sqlite.Place) -> None:
        self.place: object = place
        self._file = place
        self.door = Door(place)
        self._sql: dict[Statement, str] = {}
        self._dialect = sqlite.driver_dialect()
        memory = place.path is None
        # In memory there is one connection for all, so that readers and the writer take turns.
        self.turn: AbstractContextManager[object] = RLock() if memory else nullcontext()
        pool: type[Pool] = StaticPool if memory else QueuePool
        bounds = {} if memory else {"pool_size": READERS, "max_overflow": READERS_AT_MOST - READERS}
        self._engine = create_engine(
            "sqlite://",
            creator=lambda: sqlite.connect(place, write=memory),
            poolclass=pool,
            pool_reset_on_return=None,
            **bounds,
        )

    def sql(self, statement: Statement) -> str:
        """The driver's SQL of a statement, compiled the first time."""
        text = self._sql.get(statement)
        if text is None:
            compiled = statement.core.compile(dialect=self._dialect)
            order = tuple(name.removeprefix("p_") for name in cast("Any", compiled).positiontup or ())
            assert order == statement.fields, f"parameters stand as {order}, not as {statement.fields}"
            text = self._sql[statement] = str(compiled)
        return text

    def compiled(self, core: ClauseElement) -> tuple[str, tuple[object, ...]]:
        """The driver's SQL of an expression that is asked once, and the values in it."""
        compiled = core.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
        names = cast("Any", compiled).positiontup or ()
        return str(compiled), tuple(compiled.params[name] for name in names)

    def writer(self) -> sqlite3.Connection:
        """The connection that writes; the caller closes it, except in memory."""
        if self._file.path is None:
            return cast("sqlite3.Connection", self._engine.raw_connection().driver_connection)
        return sqlite.connect(self._file, write=True)

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A connection for reading, given back at the end."""
        with self.door, self.turn:
            lent = self._engine.raw_connection()
            try:
                yield lent.driver_connection
            finally:
                lent.close()

    @contextmanager
    def snapshot(self) -> Iterator[Callable[[ClauseElement], Iterator[tuple[Any, ...]]]]:
        """Questions that all see one moment; their rows come as they are asked for."""
        with self.reading() as connection:
            connection.execute("BEGIN")
            try:
                yield lambda core: connection.execute(*self.compiled(core))
            finally:
                connection.execute("ROLLBACK")

    def rows(
        self, make: Callable[[Iterable[Any]], Row], statement: Statement, values: Sequence[object] = ()
    ) -> list[Row]:
        """What a statement finds, as rows of one kind."""
        with self.reading() as connection:
            return [*map(make, connection.execute(self.sql(statement), values))]

    def close(self) -> None:
        """Close every connection that readers used."""
        self._engine.dispose()
