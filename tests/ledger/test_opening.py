"""Opening: what an address names, one writer at a time, and a sentence for everything that can be wrong."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.clock import FixedClock
from engine.errors import (
    ConfigurationError,
    LedgerBusy,
    LedgerDamaged,
    LedgerMissing,
    LedgerOutdated,
    LedgerReadOnly,
)
from engine.ledger import control_path, open_ledger, open_reader, verify_chain
from engine.ledger.sqlite import Place, read_url
from tests.ledger.samples import NOW, a_whole_ledger, begin

CLOCK = FixedClock(NOW)
HOLD = """
import sys
from engine.clock import SystemClock
from engine.ledger import open_ledger
ledger = open_ledger(sys.argv[1], clock=SystemClock())
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    "url,path",
    [
        ("sqlite:///ledger.sqlite", "ledger.sqlite"),
        ("sqlite:////var/lib/a%20b.sqlite", "/var/lib/a b.sqlite"),
        ("ledger.sqlite", "ledger.sqlite"),
        ("/var/lib/a%20b.sqlite", "/var/lib/a%20b.sqlite"),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
    ],
)
def test_an_address_names_a_file_or_memory(tmp_path, monkeypatch, url, path):
    monkeypatch.chdir(tmp_path)
    assert read_url(url) == Place(path=None if path is None else Path(os.path.realpath(path)))


@pytest.mark.parametrize(
    "url,sentence",
    [
        ("postgresql://db", "names no database"),
        ("mysql+x://db", "cannot be kept in mysql"),
        ("://x", "cannot be kept in '://x'"),
        ("sqlite://host/path", "names a host"),
        ("sqlite:///", "names no file"),
        ("", "names no file"),
        ("a\0b", "names no file"),
    ],
)
def test_another_address_is_refused(url, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        open_ledger(url, clock=CLOCK, create=True)
    with pytest.raises(ConfigurationError, match=sentence):
        open_reader(url)


def test_a_ledger_in_memory_is_a_whole_one():
    with open_ledger("sqlite://", clock=CLOCK) as ledger, open_ledger("sqlite://", clock=CLOCK) as other:
        a_whole_ledger(ledger)
        assert verify_chain(ledger.reader()) == []
        assert ledger.reader().counts()["events"] == {"accepted": 6}
        assert other.reader().counts()["events"] == {"accepted": 0}


def test_the_file_is_its_owners_alone(ledger, url):
    ledger.commit(begin())
    path = Path(url.removeprefix("sqlite:///"))
    files = [path, path.with_name(path.name + "-wal"), path.with_name(path.name + ".lock")]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600] * 3


def test_what_was_written_is_there_when_opened_again(url):
    with open_ledger(url, clock=CLOCK, create=True) as ledger:
        ledger.commit(begin("1"))
    with open_ledger(url, clock=CLOCK, create=True) as ledger:
        assert ledger.commit(begin("2")).number == 2
        assert [run.id for run in ledger.reader().open_runs()] == ["r1", "r2"]
        assert verify_chain(ledger.reader()) == []


def test_one_process_writes_a_ledger_and_its_death_gives_it_back(url, tmp_path):
    with open_ledger(url, clock=CLOCK, create=True):
        pass
    command = [sys.executable, "-c", HOLD, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        link = tmp_path / "link.sqlite"
        link.symlink_to(tmp_path / "ledger.sqlite")
        for name in (url, str(link)):
            with pytest.raises(
                LedgerBusy, match=rf"another process \(number {holder.pid}\) writes the ledger"
            ):
                open_ledger(name, clock=CLOCK)
        reader = open_reader(url)
        assert reader.counts()["events"] == {"accepted": 0}
        reader.close()
        holder.kill()
        holder.communicate()
    with open_ledger(url, clock=CLOCK) as ledger:
        ledger.commit(begin())


@pytest.mark.usefixtures("ledger")
def test_a_lock_within_the_process_holds_as_well(url):
    with pytest.raises(LedgerBusy):
        open_ledger(url, clock=CLOCK)


def test_a_ledger_that_is_not_there_is_not_made_by_accident(url, tmp_path):
    for opened in (lambda: open_ledger(url, clock=CLOCK), lambda: open_reader(url)):
        with pytest.raises(LedgerMissing, match="there is no ledger at"):
            opened()
    with pytest.raises(LedgerMissing, match=r"folder of the ledger, .*nowhere, does not exist"):
        open_ledger(str(tmp_path / "nowhere" / "l.sqlite"), clock=CLOCK, create=True)
    with pytest.raises(LedgerMissing, match="there is no ledger at"):
        open_ledger(str(tmp_path), clock=CLOCK)
    assert not any(tmp_path.iterdir())


def test_an_empty_file_is_made_a_ledger_only_when_asked(url, tmp_path):
    (tmp_path / "ledger.sqlite").touch()
    with pytest.raises(LedgerMissing, match="is empty"):
        open_ledger(url, clock=CLOCK)
    with open_ledger(url, clock=CLOCK, create=True) as ledger:
        ledger.commit(begin())


@pytest.mark.parametrize("create", [True, False])
def test_a_file_of_another_kind_is_refused_and_left_alone(url, tmp_path, create):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"id,amount\n" * 1000)
    with pytest.raises(LedgerDamaged, match="is not a ledger"):
        open_ledger(url, clock=CLOCK, create=create)
    with pytest.raises(LedgerDamaged, match="is not a ledger"):
        open_reader(url)
    assert path.read_bytes() == b"id,amount\n" * 1000


def test_a_database_of_another_program_is_refused(url, tmp_path):
    _execute(tmp_path, "CREATE TABLE customers (id)")
    with pytest.raises(LedgerOutdated, match="not a ledger of Tidegate"):
        open_ledger(url, clock=CLOCK, create=True)


@pytest.mark.parametrize(
    "version,sentence", [("0000", "run `tidegate ledger upgrade`"), ("9999", "newer than the 0001")]
)
def test_another_schema_is_refused(url, tmp_path, version, sentence):
    with open_ledger(url, clock=CLOCK, create=True):
        pass
    _execute(tmp_path, f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608
    for opened in (lambda: open_ledger(url, clock=CLOCK, create=True), lambda: open_reader(url)):
        with pytest.raises(LedgerOutdated, match=sentence):
            opened()


def test_a_refused_ledger_is_not_kept_locked(url, tmp_path):
    _execute(tmp_path, "CREATE TABLE customers (id)")
    for _ in range(2):
        with pytest.raises(LedgerOutdated):
            open_ledger(url, clock=CLOCK)


def test_a_damaged_page_is_told(url, tmp_path):
    with open_ledger(url, clock=CLOCK, create=True) as ledger:
        a_whole_ledger(ledger)
    path = tmp_path / "ledger.sqlite"
    data = path.read_bytes()
    path.write_bytes(data[:16384] + b"\xff" * (len(data) - 16384))
    with pytest.raises(LedgerDamaged, match="is damaged"):
        verify_chain(open_reader(url))


@pytest.mark.usefixtures("ledger")
def test_a_reader_cannot_write(url):
    reader = open_reader(url)
    with pytest.raises(LedgerReadOnly), reader._database.reading() as connection:
        connection.execute("DELETE FROM audit")
    reader.close()


def _execute(tmp_path, *statements):
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_daemon_is_asked_beside_its_file_and_nowhere_else():
    assert control_path("sqlite:///l.sqlite") == Path.cwd() / "l.sqlite.control"
    assert control_path("postgresql://tidegate@db.example/tidegate") is None
    assert control_path("postgres://tidegate@db.example/tidegate") is None
