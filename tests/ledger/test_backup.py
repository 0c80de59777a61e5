"""A copy of a ledger that is in use: whole, at one moment, private, and never half there."""

import threading

import pytest

from engine.errors import ConfigurationError, LedgerError, LedgerMissing
from engine.ledger import Commit, back_up, file_breaks, open_ledger, open_reader, verify_chain
from tests.ledger.samples import a_whole_ledger, an_event


def copied(url, target):
    told = []
    back_up(url, target, lambda done, total: told.append((done, total)))
    return told


def test_the_copy_opens_verifies_and_says_the_same(ledger, url, tmp_path):
    a_whole_ledger(ledger)
    told = copied(url, tmp_path / "copy.sqlite")
    assert told[-1][0] == told[-1][1] > 0
    assert (tmp_path / "copy.sqlite").stat().st_mode & 0o777 == 0o600
    reader = open_reader(str(tmp_path / "copy.sqlite"))
    assert (verify_chain(reader), reader.head()) == ([], ledger.reader().head())
    reader.close()
    assert file_breaks(str(tmp_path / "copy.sqlite")) == []
    assert sorted(one.name for one in tmp_path.iterdir() if "copy" in one.name) == ["copy.sqlite"]


def test_the_copy_can_be_gone_on_with(ledger, url, clock, tmp_path):
    a_whole_ledger(ledger)
    copied(url, tmp_path / "copy.sqlite")
    with open_ledger(str(tmp_path / "copy.sqlite"), clock=clock) as again:
        assert again.reader().head() == ledger.reader().head()


def test_it_is_one_moment_of_a_ledger_that_is_written_meanwhile(ledger, url, tmp_path):
    def events(number):
        return Commit(events=[an_event(f"e-{number}-{one}", b"{}" * 2_000) for one in range(50)])

    for number in range(20):
        ledger.commit(events(number))
    stop = threading.Event()
    written = []

    def write():
        while not stop.is_set():
            written.append(ledger.commit(events(100 + len(written))))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copied(url, tmp_path / "copy.sqlite")
    finally:
        stop.set()
        writer.join()
    reader = open_reader(str(tmp_path / "copy.sqlite"))
    breaks = [
        one for one in verify_chain(reader) if one.part != "events"
    ]  # whose bodies are not what they hash
    assert breaks == []
    assert reader.head().commit >= 20
    reader.close()


def test_what_is_there_already_is_not_written_over(ledger, url, tmp_path):
    a_whole_ledger(ledger)
    (tmp_path / "copy.sqlite").write_text("mine")
    with pytest.raises(LedgerError, match="already"):
        copied(url, tmp_path / "copy.sqlite")
    assert (tmp_path / "copy.sqlite").read_text() == "mine"


@pytest.mark.parametrize(
    "url, error",
    [
        ("postgresql://x/y", ConfigurationError),
        ("sqlite://", ConfigurationError),
        ("nothing.sqlite", LedgerMissing),
    ],
)
def test_what_cannot_be_copied(url, error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error):
        copied(url, tmp_path / "copy.sqlite")


def test_a_place_that_cannot_be_written(ledger, url, tmp_path):
    a_whole_ledger(ledger)
    with pytest.raises(LedgerError, match="cannot be written"):
        copied(url, tmp_path / "no" / "folder.sqlite")


def test_a_damaged_file_is_told(ledger, url, tmp_path):
    a_whole_ledger(ledger)
    copied(url, tmp_path / "copy.sqlite")
    path = tmp_path / "copy.sqlite"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 3 + 400] = b"\xff" * 400
    path.write_bytes(content)
    assert file_breaks(str(path))
