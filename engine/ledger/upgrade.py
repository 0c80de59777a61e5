"""Bringing the schema of an old ledger forward, with Alembic, which nothing else imports."""

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, StaticPool, create_engine

from engine.errors import LedgerError, LedgerOutdated
from engine.ledger import schema, sqlite
from engine.ledger.database import Door


def upgrade(place: sqlite.Place) -> None:
    """Run the migrations that a ledger lacks, each in a transaction of its own.

    Raises:
        LedgerBusy: another process writes it.
        LedgerError: it cannot be upgraded; the sentence says why.

    """
    sqlite.require_file(place)
    lock = sqlite.WriterLock(place)
    try:
        with Door(place):
            _upgrade(place)
    except CommandError as error:
        raise LedgerOutdated(f"the ledger {place} cannot be upgraded by this release: {error}") from error
    finally:
        lock.release()


def _upgrade(place: sqlite.Place) -> None:
    connection = sqlite.connect(place, write=True)
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    try:
        if schema.version(connection) is None and not schema.is_empty(connection):
            raise LedgerError(f"the file {place} is a database, but not a ledger of Tidegate")
        _migrate(engine)
    finally:
        connection.close()


def _migrate(engine: Engine) -> None:
    try:
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS).replace("%", "%%"))
        config.attributes["engine"] = engine
        command.upgrade(config, "head")
    finally:
        engine.dispose()


def upgrade_on_server(url: str) -> None:
    """Run the migrations that a ledger on PostgreSQL lacks, while nobody else works on it.

    Raises:
        LedgerBusy: others work on it.
        LedgerError: it cannot be upgraded; the sentence says why.

    """
    from engine.ledger import postgres, postgres_schema
    from engine.ledger.postgres_database import PostgresDatabase

    place = postgres.read_url(url)
    database = PostgresDatabase(place)
    try:
        with database.door, postgres_schema.alone(place) as session:
            if postgres_schema.version(session) is None and not postgres_schema.is_empty(session):
                raise LedgerError(f"the database {place} holds tables, but no ledger of Tidegate")
            _migrate(create_engine("postgresql+psycopg://", creator=lambda: postgres.plain(place)))
    except CommandError as error:
        raise LedgerOutdated(f"the ledger {place} cannot be upgraded by this release: {error}") from error
    finally:
        database.close()
