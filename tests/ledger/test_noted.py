"""Where a machine notes the end of a chain that it writes on a server."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ledger import note
from engine.ledger.noted import NotedEnd, folder_of
from engine.ledger.sqlite import HOLDER_BYTES, WriterLock, read_url


def test_the_folder_is_that_of_the_service_or_of_the_user():
    assert folder_of({"STATE_DIRECTORY": "/var/lib/tidegate:/x", "HOME": "/h"}) == Path("/var/lib/tidegate")
    assert folder_of({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == Path("/s/tidegate")
    assert folder_of({"HOME": "/h"}) == Path("/h/.local/state/tidegate")


def test_each_ledger_has_its_own_and_a_new_one_has_none(tmp_path):
    one, other = (NotedEnd(tmp_path / "state", name) for name in ("a", "b"))
    assert one.noted() is None
    one.note(12_345, "f" * 64)
    one.note(7, "e" * 64)
    other.note(3, "d" * 64)
    assert NotedEnd(tmp_path / "state", "a").noted() == (7, "e" * 64)
    one.forget()
    assert (one.noted(), other.noted()) == (None, (3, "d" * 64))
    one.close()
    other.close()


def test_what_cannot_be_written_or_read_is_no_note(tmp_path):
    (tmp_path / "state").write_text("a file in its place")
    note = NotedEnd(tmp_path / "state", "a")
    note.note(1, "f" * 64)
    assert note.noted() is None
    note.forget()
    note.close()
    torn = NotedEnd(tmp_path, "b")
    torn.note(1, "f" * 64)
    for content in (b"", b"\xff\xfe 1", b"7", b"x y"):
        next(tmp_path.glob("end-*")).write_bytes(content)
        assert torn.noted() is None
    torn.close()


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.binary(min_size=32, max_size=32), st.data())
def test_half_a_note_over_another_is_one_of_the_two_or_none(before, after, link, data):
    old, new = (before, "e" * 64), (after, link.hex())
    lines = note.written(*old), note.written(*new)
    assert len(lines[0]) == len(lines[1])
    taken = data.draw(st.integers(0, len(lines[0])))
    assert note.read(lines[1][:taken] + lines[0][taken:]) in {old, new, None}
    assert note.read(lines[1]) == new


@pytest.mark.requirement("REL-17")
def test_a_disk_that_takes_half_a_note_makes_no_copy_of_a_ledger(tmp_path):
    """The new number beside the old hash, which is the end of no chain."""
    place = read_url(str(tmp_path / "ledger.sqlite"))
    lock = WriterLock(place)
    lock.note_end(3, "e" * 64)
    assert lock.noted_end() == (3, "e" * 64)
    half = note.written(4, "f" * 64)[:48]
    lock.release()
    file = tmp_path / "ledger.sqlite.lock"
    text = file.read_bytes()
    file.write_bytes(text[:HOLDER_BYTES] + half + text[HOLDER_BYTES + 48 :])
    lock = WriterLock(place)
    assert lock.noted_end() is None
    lock.release()
