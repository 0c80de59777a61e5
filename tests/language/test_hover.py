"""What an editor shows: the type of each part, and what may be written at a place."""

import pytest

from engine.language.formula import parse_formula
from engine.language.hover import names_at, type_at, types_by_span
from engine.language.path import parse_path
from engine.language.scope import TypeScope
from engine.language.template import parse_template
from engine.values.type import INTEGER, STRING, Field, Listing, Record

LINE = Record(name="", fields={"size": Field(type=INTEGER, about="in pieces")})
ORDER = Record(
    name="order",
    fields={
        "id": Field(type=STRING, required=True, about="its number"),
        "lines": Field(type=Listing(item=LINE)),
    },
)
SCOPE = TypeScope(names={"order": ORDER})


@pytest.mark.parametrize(
    "parse, text, at, shown, about",
    [
        (parse_path, "order.id", "id", "text", "its number"),
        (parse_path, "order.lines[].size", "size", "a whole number, or null", "in pieces"),
        (parse_path, "order.lines[?size > `1`] | [0]", "[?", "a list of a record, or null", ""),
        (parse_formula, "order.id + 'x'", "order.id", "text", "its number"),
        (
            parse_formula,
            "[x.size for x in order.lines or [] if x.size]",
            "x.size for",
            "a whole number",
            "in pieces",
        ),
        (parse_formula, "order.id +  upper(order.id)", "upper", "text", ""),
        (parse_template, "No. {{ order.id }}", ".id", "text", "its number"),
    ],
)
def test_the_type_of_the_smallest_part_at_a_place(parse, text, at, shown, about):
    start = text.index(at)
    tree = parse(text)
    found = type_at(tree, SCOPE, start)
    # A name is a part of its own; the whole chain is one as well.
    parts = [part for part in types_by_span(tree, SCOPE) if part.start <= start < part.end]
    assert found in parts
    assert shown in [part.shown for part in parts]
    assert about in [part.about for part in parts]


def test_parts_are_in_the_order_of_writing_outer_before_inner():
    parts = types_by_span(parse_formula("order.id == 'x'"), SCOPE)
    assert [(part.start, part.end) for part in parts] == [(0, 15), (0, 8), (0, 5), (12, 15)]
    assert type_at(parse_formula("order.id"), SCOPE, 99) is None


@pytest.mark.parametrize(
    "before, names",
    [
        ("", ["order"]),
        ("ord", ["order"]),
        ("order.", ["id", "lines"]),
        ("len(order.li", ["id", "lines"]),
        ("order.lines[0].", ["size"]),
        ("order.lines[].", ["size"]),
        ("order.lines.", []),
        ("order.id.", []),
        ("nobody.", []),
    ],
)
def test_names_at_a_place_in_a_text_that_is_being_written(before, names):
    assert list(names_at(before + ")", SCOPE, len(before))) == names
