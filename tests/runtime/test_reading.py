"""The lines of a file of events, read in blocks."""

import io

from hypothesis import given
from hypothesis import strategies as st

from engine.runtime import process
from engine.values.json_text import MAX_BYTES


@given(st.binary(max_size=200).map(lambda text: text.replace(b"a", b"\n")), st.integers(1, 40))
def test_blocks_of_any_size_give_the_same_lines(text, size):
    stream = io.BytesIO(text)
    assert list(process._split(iter(lambda: stream.read(size), b""))) == text.split(b"\n")


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_bytes(b'\n {"a":1}\r\n\n \t\n{"b":2}')
    assert list(process._lines(file)) == [(2, b'{"a":1}'), (5, b'{"b":2}')]


def test_of_a_line_that_is_too_long_as_much_is_kept_as_shows_that(tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"x" * (3 * MAX_BYTES) + b"\n{}\n")
    (one, long), (two, short) = process._lines(file)
    assert (one, two, short) == (1, 2, b"{}")
    assert MAX_BYTES < len(long) <= MAX_BYTES + process.BLOCK
