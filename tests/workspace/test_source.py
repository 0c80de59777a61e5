"""Lines and columns of a text, and the places of parts of a string."""

from hypothesis import given
from hypothesis import strategies as st

from engine.source import Source, Span, Text

TEXTS = st.text(st.sampled_from("ab\n\r字"), max_size=30)


@given(TEXTS, st.integers(0, 30))
def test_position_counts_line_feeds(text, offset):
    offset = min(offset, len(text))
    line, column = Source("a", text).position(offset)
    assert line == text.count("\n", 0, offset) + 1
    assert column == offset - (text.rfind("\n", 0, offset) + 1) + 1


@given(TEXTS)
def test_lines_are_those_of_the_text(text):
    source = Source("a", text)
    lines = [line.rstrip("\r") for line in text.split("\n")]
    assert [source.line(number) for number in range(1, len(lines) + 1)] == lines
    assert source.line(0) == source.line(len(lines) + 1) == ""


def test_places_outside_of_a_text_are_kept_inside():
    source = Source("a", "abc\n")
    text = Text("bc", Span(source, 1, 3))
    assert (text.at(0, 99).start, text.at(0, 99).end) == (1, 3)
    assert source.position(99) == (2, 1)
    assert (Text("", Span(source, 1, 1), ()).at(0).start, text.at(5).start) == (1, 3)
