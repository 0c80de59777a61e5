"""Where a machine notes the end of a chain that it writes on a server."""

from pathlib import Path

from engine.ledger.noted import NotedEnd, folder_of


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
