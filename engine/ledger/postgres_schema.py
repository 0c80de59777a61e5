"""The schema of a ledger on PostgreSQL: that of every ledger, and what only many machines need."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.errors import LedgerBusy, LedgerMissing
from engine.ledger import postgres, schema
from engine.ledger.audit import COUNTED
from engine.ledger.tables import machines, metadata

MAKING = 7_430_001  # the lock of those who make a ledger
WRITING = 7_430_003  # shared by machines that work together; whole for one that works alone
NAMED = 7_430_005  # with the key of its name, the lock of each machine that works together with others
# As Alembic would make it.
VERSION = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)

# Whoever takes up what others accepted asks where in the chain it stands.
PLACES = "CREATE UNIQUE INDEX audit_commit ON audit (commit) WHERE facts IS NOT NULL"


def create(session: postgres.Session, partitions: int) -> bool:
    """Make every table in an empty database, in one transaction; do nothing in one that has some.

    Gives whether they were made.
    """
    with session.transaction():
        session.execute("SELECT pg_advisory_xact_lock(%s)", (MAKING,))
        made = is_empty(session)
        if made:
            _make(session, partitions)
    return made


def _make(session: postgres.Session, partitions: int) -> None:
    dialect = postgres.driver_dialect()
    for sql in (*schema.statements(metadata, dialect), *schema.statements(machines, dialect)):
        session.execute(sql)
    session.execute("CREATE SEQUENCE commits")
    session.execute(PLACES)
    with session.cursor() as cursor:
        cursor.executemany("INSERT INTO counters (name, value) VALUES (%s, 0)", [(name,) for name in COUNTED])
        cursor.executemany(
            "INSERT INTO partitions (id, epoch) VALUES (%s, 0)",
            [(number,) for number in range(partitions)],
        )
    session.execute(VERSION)
    session.execute("INSERT INTO alembic_version VALUES (%s)", (schema.HEAD,))


def require(session: postgres.Session, place: postgres.Place) -> None:
    """Refuse a database whose schema is not the one of this release.

    Raises:
        LedgerOutdated: when it is older or newer, or another program's.
        LedgerMissing: when it is empty.

    """
    if is_empty(session):
        raise LedgerMissing(f"the database {place} is empty; it holds no ledger")
    schema.judge(version(session), place, "database")


@contextmanager
def alone(place: postgres.Place) -> Iterator[postgres.Session]:
    """A session while which nobody else works on a ledger.

    Raises:
        LedgerBusy: somebody does.

    """
    session = postgres.Session.opened(place, postgres.WRITER)
    try:
        if not _one(session, f"SELECT pg_try_advisory_lock({WRITING})"):
            raise LedgerBusy(f"other processes work on the ledger {place}; stop them first")
        yield session
    finally:
        session.close()


def name_key(name: str) -> int:
    """The key of the lock of a machine of this name, as the server lists it: 32 bits without a sign."""
    return zlib.crc32(name.encode())


def version(session: postgres.Session) -> str | None:
    """The schema's version; None when the database does not say."""
    if _one(session, "SELECT to_regclass('alembic_version')") is None:
        return None
    found = session.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0]) if found else None


def is_empty(session: postgres.Session) -> bool:
    """Whether a database has no table of ours or anybody's yet, where new ones would be made."""
    sql = "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema() LIMIT 1"
    return session.execute(sql).fetchone() is None


def _one(session: postgres.Session, sql: str) -> Any:  # noqa: ANN401
    found = session.execute(sql).fetchone()
    return None if found is None else found[0]
