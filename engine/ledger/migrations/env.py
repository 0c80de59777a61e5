"""How Alembic runs the migrations: on the engine of `engine.ledger.upgrade`, one transaction each."""

from alembic import context
from sqlalchemy import event

engine = context.config.attributes["engine"]


if engine.dialect.name == "sqlite":
    # The connection begins no transaction of its own, so a migration would be written statement by statement.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

with engine.connect() as connection:
    context.configure(connection=connection, transactional_ddl=True, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
