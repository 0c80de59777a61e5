"""Each character of a value is found where it stands in the file, however the scalar is written."""

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.problems import Collector
from engine.source import Source
from engine.workspace.decode import make_text
from engine.workspace.node import MapNode, ScalarNode
from engine.workspace.yaml_tree import read_yaml


def value_of(text):
    (tree,) = read_yaml(Source("test.yaml", text), Collector())
    assert isinstance(tree.root, MapNode)
    node = tree.root.pairs[-1][1]
    assert isinstance(node, ScalarNode)
    return make_text(node)


def written_at(value, index):
    """What stands in the file where a character of the value is said to come from."""
    span = value.at(index)
    return span.source.text[span.start : span.end]


def assert_exact(value):
    """Each character is there, as itself or as the line end or escape that became it."""
    for index, char in enumerate(value):
        found = written_at(value, index)
        if found == "\\":  # an escape; which one, the cases below say
            continue
        assert found == char or (char == " " and found == "\n") or (char == "\n" and found in {"\n", ""}), (
            index,
            char,
            found,
        )


WRITTEN = {
    "plain": "a: one two\n",
    "plain over lines": "a: one\n  two\n\n  three\n\n\n  four # five\n",
    "single": "a: 'one two'\n",
    "single with apostrophes": "a: 'it''s ''x'''\n",
    "single over lines": "a: ' one  \n   two\n\n  three '\n",
    "double": 'a: "one two"\n',
    "double with escapes": 'a: "x\\ty \\u00e9\\x41 \\\\ z"\n',
    "double over lines": 'a: "one\n  two\n\n\n  three"\n',
    "double joined by backslash": 'a: "one \\\n   two\\\n\n   three"\n',
    "double with an escaped space": 'a: "one\n  \\  two"\n',
    "literal": "a: |\n  one\n    two\n\n  three\nb: 1\n".replace("b: 1\n", ""),
    "literal with indicator": "a: |2\n    one\n  two\n",
    "literal kept": "a: |+\n  one\n\n\n",
    "literal stripped": "a: |-\n  one\n  two\n\n",
    "literal after blank lines": "a: |\n\n\n  one\n",
    "folded": "a: >\n  one\n  two\n\n  three\n\n\n  four\n",
    "folded with lines set in": "a: >\n  one\n    two\n    three\n\n  four\n",
    "folded stripped": "a: >-\n  one\n  two\n",
    "in a record": "a: {b: 1}\nc:   'it''s'  \n",
    "tagged by an anchor": "a: &x   one two\n",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_character_is_found(name):
    value = value_of(WRITTEN[name])
    assert len(value) > 0
    assert_exact(value)


@pytest.mark.parametrize(
    "text, part, place",
    [
        ("a: |\n    one\n    two wrong\n", "wrong", (3, 9)),
        ("a: >-\n  one\n  two wrong\n", "wrong", (3, 7)),
        ("a: 'it''s wrong'\n", "wrong", (1, 11)),
        ('a: "x\\ty\\u00e9 wrong"\n', "wrong", (1, 16)),
        ("a: one\n  two\n  wrong\n", "wrong", (3, 3)),
        ("- {a: [{b: wrong}]}\n- a:   wrong", "wrong", (2, 8)),
    ],
)
def test_a_word_inside_has_its_line_and_column(text, part, place):
    if text.startswith("-"):
        (tree,) = read_yaml(Source("test.yaml", text), Collector())
        value = make_text(tree.root.items[1].pairs[0][1])
    else:
        value = value_of(text)
    start = value.index(part)
    span = value.at(start, start + len(part))
    assert (span.line, span.column, span.end - span.start) == (*place, len(part))


TEXTS = st.text(st.sampled_from("ab '\"\\\n\té字:#,"), min_size=1, max_size=40)


@given(TEXTS, st.sampled_from(["'", '"', "|", ">", None]), st.sampled_from([20, 1_000]))
def test_whatever_the_writer_of_yaml_writes(text, style, width):
    written = yaml.dump({"a": text}, default_style=style, width=width, allow_unicode=True)
    assume("\t" not in written.replace("\\t", ""))
    try:
        value = value_of(written)
    except (AssertionError, ValueError):
        assume(False)
    assert value == text
    assert_exact(value)
