"""A copy of a ledger that is in use: whole, at one moment, private, and never half there."""

import threading

import pytest

from engine.errors import ConfigurationError, InputError, LedgerError, LedgerMissing, LedgerRestored
from engine.ledger import (
    Commit,
    accept_restored,
    back_up,
    file_breaks,
    open_ledger,
    open_reader,
    verify_chain,
)
from tests.ledger.samples import a_whole_ledger, an_event, begin, finish


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


class TestAnOlderCopyInThePlaceOfTheLedger:
    @pytest.fixture
    def path(self, url, clock, tmp_path):
        path = tmp_path / "ledger.sqlite"
        with open_ledger(url, clock=clock, create=True) as ledger:
            ledger.commit(begin("1"))
            copied(url, tmp_path / "copy.sqlite")
            ledger.commit(finish("1"))
            ledger.commit(begin("2"))
        (tmp_path / "copy.sqlite").replace(path)
        return path

    def test_is_refused(self, path, url, clock):
        for _ in range(2):
            with pytest.raises(LedgerRestored, match="has 1 rows, and had 3 when it was last written here"):
                open_ledger(url, clock=clock, create=True)
        reader = open_reader(url)  # whoever reads only may look at it
        assert reader.head().seq == 1
        reader.close()

    def test_is_refused_though_others_have_written_it_as_far(self, path, url, clock, tmp_path):
        with open_ledger(str(path.rename(tmp_path / "other.sqlite")), clock=clock) as other:
            for number in range(3, 9):
                other.commit(begin(str(number)))
        (tmp_path / "other.sqlite").replace(path)
        with pytest.raises(LedgerRestored, match="an older copy, or another one"):
            open_ledger(url, clock=clock)

    def test_is_gone_on_with_when_a_person_says_so_and_the_chain_keeps_it(self, path, url, clock):
        assert accept_restored(url, clock, "ann", "the disk broke") == 2
        with open_ledger(url, clock=clock) as ledger:
            ledger.commit(begin("2"))
            said = [(row.actor, row.action, row.detail) for row in ledger.reader().audit()]
            assert ("ann", "ledger restored", '{"reason":"the disk broke","rows_lost":2}') in said
            assert verify_chain(ledger.reader()) == []
        with pytest.raises(InputError, match="is the one that was last written there"):
            accept_restored(url, clock, "ann", "once more")

    def test_a_new_ledger_in_its_place_is_none(self, path, url, clock):
        path.unlink()
        with open_ledger(url, clock=clock, create=True) as ledger:
            ledger.commit(begin("1"))

    def test_an_emptied_file_is_one(self, path, url, clock):
        path.write_bytes(b"")
        with pytest.raises(LedgerRestored, match="has 0 rows"):
            open_ledger(url, clock=clock, create=True)

    def test_a_note_that_is_behind_or_cannot_be_read_refuses_nothing(self, url, clock, tmp_path):
        lock = tmp_path / "ledger.sqlite.lock"
        with open_ledger(url, clock=clock, create=True) as ledger:
            ledger.commit(begin("1"))
            before = lock.read_bytes()
            ledger.commit(begin("2"))
        for content in (before, b"", b"77\n", b" " * 40 + b"\xff\xfe \0"):
            lock.write_bytes(content)
            open_ledger(url, clock=clock).close()
