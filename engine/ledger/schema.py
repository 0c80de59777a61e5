"""Whether the schema of a database is ours: made at once in a new one, brought forward in an old one.

Alembic is slow to import and only an upgrade needs it, so the head is a constant here, held by a test.
"""

import sqlite3
from pathlib import Path

from sqlalchemy import MetaData
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from engine.errors import LedgerMissing, LedgerOutdated
from engine.ledger import sqlite
from engine.ledger.audit import COUNTED
from engine.ledger.tables import metadata

HEAD = "0001"
MIGRATIONS = Path(__file__).with_name("migrations")
VERSION = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, PRIMARY KEY (version_num))"


def create(connection: sqlite3.Connection) -> None:
    """Make every table in an empty database, in one transaction; do nothing in one that has some."""
    connection.execute(sqlite.BEGIN)
    try:
        if is_empty(connection):
            for sql in statements(metadata, sqlite.driver_dialect()):
                connection.execute(sql)
            connection.executemany(
                "INSERT INTO counters (name, value) VALUES (?, 0)", [(name,) for name in COUNTED]
            )
            connection.execute(VERSION)
            connection.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def require(connection: sqlite3.Connection, place: sqlite.Place) -> None:
    """Refuse a database whose schema is not the one of this release.

    Raises:
        LedgerOutdated: when it is older or newer, or another program's.
        LedgerMissing: when it is empty.

    """
    if is_empty(connection):
        raise LedgerMissing(f"the file {place} is empty; it holds no ledger")
    judge(version(connection), place)


def judge(found: str | None, place: object, what: str = "file") -> None:
    """Refuse a version of the schema that is not the one of this release.

    Raises:
        LedgerOutdated: when it is older or newer, or another program's.

    """
    if found is None:
        raise LedgerOutdated(f"the {what} {place} is {_OTHER[what]}, but not a ledger of Tidegate")
    if found < HEAD:
        raise LedgerOutdated(
            f"the ledger {place} has schema {found} and this release needs {HEAD}; "
            "run `tidegate ledger upgrade`"
        )
    if found > HEAD:
        raise LedgerOutdated(
            f"the ledger {place} has schema {found}, newer than the {HEAD} of this release; "
            "use the release that wrote it"
        )


def version(connection: sqlite3.Connection) -> str | None:
    """The schema's version; None when the database does not say."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
        return None
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0]) if found else None


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether a database has no table yet."""
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


_OTHER = {"file": "a database", "database": "in use"}


def statements(declared: MetaData, dialect: DefaultDialect) -> list[str]:
    """What makes the tables and indexes that are declared, in the words of a database."""
    tables = [*declared.tables.values()]
    made = [str(CreateTable(table).compile(dialect=dialect)) for table in tables]
    indexes = [
        index for table in tables for index in sorted(table.indexes, key=lambda index: str(index.name))
    ]
    return made + [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
