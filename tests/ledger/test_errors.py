"""No error of the driver or of SQLAlchemy leaves the ledger: each has a counterpart and a sentence."""

import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy.exc

from engine.clock import FixedClock
from engine.errors import (
    LedgerBusy,
    LedgerConflict,
    LedgerDamaged,
    LedgerError,
    LedgerFull,
    LedgerMissing,
    LedgerOutdated,
    LedgerReadOnly,
    LedgerUnreadable,
)
from engine.ledger import Commit, open_ledger, rows, verify_chain
from engine.ledger.database import Door, translate
from engine.ledger.sqlite import Place, explain
from tests.ledger.samples import AT, NOW, begin

MEMORY = Place(path=None)
DRIVER = [
    error for error in vars(sqlite3).values() if isinstance(error, type) and issubclass(error, sqlite3.Error)
]
CODES = sorted(
    name
    for name in vars(sqlite3)
    if name.startswith("SQLITE_")
    and isinstance(getattr(sqlite3, name), int)
    and name.split("_")[1]
    in {*"FULL READONLY PERM AUTH NOTADB CORRUPT FORMAT BUSY LOCKED PROTOCOL".split()}
    | {*"IOERR NOLFS CANTOPEN CONSTRAINT TOOBIG NOMEM".split()}
)
EXPECTED = {
    "FULL": LedgerFull,
    "READONLY": LedgerReadOnly,
    "PERM": LedgerReadOnly,
    "AUTH": LedgerReadOnly,
    "NOTADB": LedgerDamaged,
    "CORRUPT": LedgerDamaged,
    "FORMAT": LedgerDamaged,
    "BUSY": LedgerBusy,
    "LOCKED": LedgerBusy,
    "PROTOCOL": LedgerBusy,
    "IOERR": LedgerUnreadable,
    "NOMEM": LedgerUnreadable,
    "NOLFS": LedgerUnreadable,
    "CANTOPEN": LedgerMissing,
    "CONSTRAINT": LedgerConflict,
    "TOOBIG": LedgerConflict,
}
FULL_DISK = """
import resource, signal, sys
from engine.clock import SystemClock
from engine.errors import LedgerError
from engine.ledger import open_ledger, verify_chain
from tests.ledger.samples import begin
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
with open_ledger(sys.argv[1], clock=SystemClock()) as ledger:
    for number in range(100_000):
        try:
            ledger.commit(begin(str(number)))
        except LedgerError as error:
            print(number, type(error).__name__, flush=True)
            break
    for again in range(3):
        try:
            ledger.commit(begin(str(number)))
        except LedgerError:
            pass
    assert verify_chain(ledger.reader()) == []
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert ledger.commit(begin(str(number))).number == number + 1
"""


def _error(name):
    error = sqlite3.OperationalError("as the driver says it")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize("error", DRIVER, ids=lambda error: error.__name__)
def test_each_exception_of_the_driver_has_a_counterpart(error):
    with pytest.raises(LedgerError) as raised, Door(MEMORY):
        raise error("as the driver says it")
    assert isinstance(raised.value.__cause__, error)


@pytest.mark.parametrize(
    "error",
    [
        error
        for error in vars(sqlalchemy.exc).values()
        if isinstance(error, type) and issubclass(error, sqlalchemy.exc.SQLAlchemyError)
    ],
    ids=lambda error: error.__name__,
)
def test_each_exception_of_sqlalchemy_has_a_counterpart(error):
    instance = error.__new__(error)
    instance.args = ("as the library says it",)
    instance.orig = None
    instance.statement = instance.params = None
    instance.detail, instance.code, instance.hide_parameters, instance.ismulti = [], None, False, False
    assert isinstance(translate(instance, MEMORY), LedgerError)


def test_a_wrapped_exception_of_the_driver_is_explained():
    wrapped = sqlalchemy.exc.OperationalError("SELECT 1", {}, _error("SQLITE_FULL"))
    assert isinstance(translate(wrapped, MEMORY), LedgerFull)


@pytest.mark.parametrize("code", CODES)
def test_each_code_of_the_driver_is_classed(code):
    found = explain(_error(code), MEMORY)
    assert type(found) is EXPECTED[code.split("_")[1]]
    assert str(found)[0].islower()
    assert "\n" not in str(found)


def test_every_class_of_errors_is_reached():
    assert {code.split("_")[1] for code in CODES} == EXPECTED.keys()


def test_a_missing_table_is_an_old_schema():
    assert isinstance(explain(sqlite3.OperationalError("no such table: runs"), MEMORY), LedgerOutdated)


def test_errors_of_our_own_pass_as_they_are():
    for error in (AssertionError("x"), KeyError("x"), LedgerBusy("x"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as raised, Door(MEMORY):
            raise error
        assert raised.value is error


def test_no_room_leaves_the_ledger_as_it_was(ledger, reader):
    ledger.commit(begin("1"))
    (pages,) = ledger._connection.execute("PRAGMA page_count").fetchone()
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
    head = reader.head()
    large = begin("2")
    large.answers.append(rows.NewAnswer("r2", "a", "read", AT, "x" * 100_000))
    with pytest.raises(LedgerFull, match="no room for the ledger"):
        ledger.commit(large)
    assert reader.head() == head
    assert reader.event("e2") is None
    ledger._connection.execute("PRAGMA max_page_count = 1000000")
    assert ledger.commit(large).number == 2
    assert verify_chain(reader) == []


@pytest.mark.slow
def test_a_file_that_cannot_grow_loses_nothing(url):
    with open_ledger(url, clock=FixedClock(NOW), create=True):
        pass
    command = [sys.executable, "-c", FULL_DISK, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    number, name = done.stdout.split()
    assert name in {"LedgerFull", "LedgerUnreadable"}
    with open_ledger(url, clock=FixedClock(NOW)) as ledger:
        assert ledger.reader().counts()["events"] == {"accepted": int(number) + 1}
        assert verify_chain(ledger.reader()) == []


@pytest.mark.parametrize(
    "value",
    ["\ud800", 2**70, object(), 1.5j],
    ids=["surrogate", "huge", "object", "complex"],
)
def test_what_cannot_be_stored_is_refused_in_a_sentence(ledger, reader, value):
    with pytest.raises(LedgerError):
        ledger.commit(Commit(answers=[rows.NewAnswer("r1", "a", "read", AT, value)]))
    assert reader.answers("r1") == []
    assert ledger.commit(begin()).number == 1
