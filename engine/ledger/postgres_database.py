"""A ledger on a server: sessions that are lent to readers, and the statements of batches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import QueuePool
from sqlalchemy.sql import ClauseElement

from engine.errors import LedgerError, LedgerUnreachable
from engine.ledger import postgres
from engine.ledger.database import READERS, READERS_AT_MOST, Database, Door, translate
from engine.ledger.statements import Statement

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection


class PostgresDatabase(Database):
    """A database on a server. Sessions that broke are thrown away, and made anew when the next is needed."""

    def __init__(self, place: postgres.Place) -> None:
        self.place = place
        self.server = place
        self.door = Door(place, lambda error: explained(error, place))
        self.turn = nullcontext()
        self._sql: dict[Statement, str] = {}
        self._bulks: dict[Statement, postgres.Bulk] = {}
        self._dialect = postgres.driver_dialect()
        self._pool = QueuePool(
            lambda: cast("DBAPIConnection", postgres.Session.opened(place, postgres.READER)),
            pool_size=READERS,
            max_overflow=READERS_AT_MOST - READERS,
            reset_on_return=None,
        )

    def bulk(self, statement: Statement) -> postgres.Bulk:
        """A statement for many rows, compiled the first time."""
        found = self._bulks.get(statement)
        if found is None:
            found = self._bulks[statement] = postgres.bulk(statement)
        return found

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A session for reading, given back at the end; one that broke is closed."""
        with self.door:
            pool = self._pool
            lent = pool.connect()
            try:
                yield lent.driver_connection
            except BaseException as error:
                if isinstance(explained(error, self.server), LedgerUnreachable):
                    # The others were opened before the server went, as this one was.
                    lent.invalidate()
                    pool.dispose()
                    self._pool = self._pool if self._pool is not pool else pool.recreate()
                raise
            finally:
                lent.close()

    @contextmanager
    def snapshot(self) -> Iterator[Callable[[ClauseElement], Iterator[tuple[Any, ...]]]]:
        """Questions that all see one moment; their rows come as they are asked for."""
        with self.door:
            # A session of its own: what looks through everything may take long, and must not be given up.
            session = postgres.Session.opened(self.server, postgres.READER)
            session.answer_seconds = LONG_SECONDS
            try:
                session.execute(postgres.SEES_ONE_MOMENT)
                yield lambda core: self._streamed(session, core)
            finally:
                session.close()

    def _streamed(self, session: postgres.Session, core: ClauseElement) -> Iterator[tuple[Any, ...]]:
        sql, values = self.compiled(core)
        with session.cursor(name=f"walk{next(_NAMES)}") as cursor:
            cursor.itersize = 2_000
            yield from cursor.execute(sql, values)

    def close(self) -> None:
        """Close every session that readers used."""
        self._pool.dispose()


LONG_SECONDS = 600.0
_NAMES = count(1)


def explained(error: BaseException, place: postgres.Place) -> LedgerError | None:
    """Our error for one of the driver's or of SQLAlchemy's; None when it is neither's."""
    original = getattr(error, "orig", None)
    if postgres.is_error(error):
        return postgres.explain(error, place)
    if original is not None and postgres.is_error(original):
        return postgres.explain(original, place)
    return translate(error, place) if isinstance(error, Exception) else None
