"""The schema: made at once or by migrations it is the same, and rows stand as its columns do."""

import sqlite3
import subprocess
import sys

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from engine.clock import FixedClock
from engine.errors import LedgerBusy, LedgerError, LedgerMissing, LedgerOutdated
from engine.ledger import audit as audit_module
from engine.ledger import (
    batch,
    effects,
    entities,
    events,
    holds,
    open_ledger,
    parkings,
    questions,
    releases,
    rows,
    runs,
    schema,
    upgrade_ledger,
)
from engine.ledger.database import Database
from engine.ledger.sqlite import Place
from engine.ledger.statements import Statement
from engine.ledger.tables import metadata
from tests.ledger.samples import NOW, a_whole_ledger, begin

CLOCK = FixedClock(NOW)
ROWS = {
    "events": rows.EventRow,
    "conflicts": rows.ConflictRow,
    "inbox": rows.InboxRow,
    "runs": rows.RunRow,
    "answers": rows.AnswerRow,
    "effects": rows.EffectRow,
    "holds": rows.HoldRow,
    "parkings": rows.ParkingRow,
    "waits": rows.WaitRow,
    "xrefs": rows.XrefRow,
    "entities": rows.EntityRow,
    "alerts": rows.AlertRow,
    "marks": rows.MarkRow,
    "releases": rows.ReleaseRow,
    "activations": rows.ActivationRow,
    "transitions": rows.TransitionRow,
    "audit": rows.AuditRow,
}
NEW = {
    "events": rows.NewEvent,
    "runs": rows.NewRun,
    "answers": rows.NewAnswer,
    "effects": rows.NewEffect,
    "holds": rows.NewHold,
    "parkings": rows.NewParking,
    "waits": rows.NewWait,
    "xrefs": rows.NewXref,
    "entities": rows.NewEntity,
    "alerts": rows.NewAlert,
    "marks": rows.NewMark,
    "releases": rows.NewRelease,
    "activations": rows.NewActivation,
    "audit": rows.AuditEntry,
}
STATEMENTS = [
    pytest.param(statement, id=f"{module.__name__}.{name}")
    for module in (audit_module, batch, effects, entities, events, holds, parkings, questions, releases, runs)
    for name, statement in vars(module).items()
    if isinstance(statement, Statement)
]


@pytest.mark.parametrize("table", sorted(ROWS))
def test_rows_stand_as_the_columns_do(table):
    named = {"event_seq": "event_id", "run_seq": "run_id"}
    columns = tuple(named.get(column.name, column.name) for column in metadata.tables[table].columns)
    assert (
        ROWS[table]._fields
        == columns
        == tuple(questions.selected(metadata.tables[table]).selected_columns.keys())
    )


@pytest.mark.parametrize("table", sorted(NEW))
def test_new_rows_are_the_first_columns(table):
    assert ROWS[table]._fields[: len(NEW[table]._fields)] == NEW[table]._fields


@pytest.mark.parametrize("statement", STATEMENTS)
def test_no_statement_that_runs_per_event_reads_a_whole_table(ledger, statement):
    """Each is compiled, its parameters stand as promised, and it finds its rows by an index."""
    sql = ledger._database.sql(statement)
    with ledger.reader()._database.reading() as connection:
        steps = connection.execute("EXPLAIN QUERY PLAN " + sql, (None,) * len(statement.fields)).fetchall()
    # Walking a partial index, or a table from its end, reads only what is asked for.
    scans = [step[3] for step in steps if step[3].startswith("SCAN") and "USING" not in step[3]]
    scans = [scan for scan in scans if "VIRTUAL TABLE" not in scan]
    assert set(scans) <= {"SCAN audit", "SCAN activations"}, steps


def test_the_migrated_schema_is_the_declared_one(tmp_path):
    declared, migrated = tmp_path / "declared.sqlite", tmp_path / "migrated.sqlite"
    with open_ledger(str(declared), clock=CLOCK, create=True):
        pass
    migrated.touch(0o600)
    upgrade_ledger(str(migrated))
    assert _schema(migrated) == _schema(declared)
    with open_ledger(str(migrated), clock=CLOCK) as ledger:
        a_whole_ledger(ledger)


def test_the_head_is_that_of_the_migrations():
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [schema.HEAD]
    assert [script.revision for script in scripts.walk_revisions()] == [schema.HEAD]


def test_upgrading_keeps_what_is_there(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with open_ledger(str(path), clock=CLOCK, create=True) as ledger:
        ledger.commit(begin())
    upgrade_ledger(str(path))
    with open_ledger(str(path), clock=CLOCK) as ledger:
        assert ledger.reader().run("r1").status == "running"
        with pytest.raises(LedgerBusy):
            upgrade_ledger(str(path))


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "ledger.sqlite"
    path.touch()
    monkeypatch.setattr("sqlalchemy.sql.ddl.CreateTable.__init__", _fail_at("audit"))
    with pytest.raises(LedgerError, match="boom"):
        upgrade_ledger(str(path))
    assert "events" not in {name for _, name, _ in _objects(path)}


def test_only_a_ledger_is_upgraded(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with pytest.raises(LedgerMissing):
        upgrade_ledger(str(path))
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (id)")
    with pytest.raises(LedgerError, match="not a ledger of Tidegate"):
        upgrade_ledger(str(path))
    connection.execute("DROP TABLE customers")
    connection.close()
    upgrade_ledger(str(path))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerOutdated, match="cannot be upgraded by this release"):
        upgrade_ledger(str(path))


def test_opening_does_not_import_alembic(tmp_path):
    program = (
        "import sys; from engine.clock import SystemClock; from engine.ledger import open_ledger; "
        f"open_ledger({str(tmp_path / 'l.sqlite')!r}, clock=SystemClock(), create=True).close(); "
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_declared_schema_compiles_for_a_database_alone():
    """Statements are compiled by the dialect that the database has, not by a global one."""
    assert Database(Place(path=None)).sql(runs.FINISH).startswith("UPDATE runs SET finish_commit=?, status=?")


def _objects(path):
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    connection.close()
    return found


def _schema(path):
    connection = sqlite3.connect(path)
    found = {}
    for kind, name, sql in _objects(path):
        found[kind, name] = " ".join((sql or "").split()) if kind == "index" else None
        for pragma in ("table_xinfo", "index_list", "index_xinfo"):
            found[kind, name, pragma] = sorted(map(str, connection.execute(f'PRAGMA {pragma}("{name}")')))
    found["counters"] = connection.execute("SELECT * FROM counters ORDER BY name").fetchall()
    found["version"] = connection.execute("SELECT * FROM alembic_version").fetchall()
    connection.close()
    # The list of a table's indexes begins with the order of their making, which means nothing.
    return {key: _unnumbered(value) if key[-1] == "index_list" else value for key, value in found.items()}


def _unnumbered(lines):
    return sorted(line.split(",", 1)[1] for line in lines)


def _fail_at(table):
    from sqlalchemy.sql.ddl import CreateTable

    original = CreateTable.__init__

    def init(self, element, *args, **kwargs):
        if element.name == table:
            raise sqlite3.OperationalError("boom")
        original(self, element, *args, **kwargs)

    return init
