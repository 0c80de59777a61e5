"""Where the fields of a mapping come from."""

import pytest

from engine.plan.lineage import Origin
from tests.compile.making import compiled, mapping


def origins(entry, *more, **options):
    """The origins of the one field of a mapping: carried as `a.b`, worked out as `(a.b)`."""
    made = compiled(mapping(entry, **options), *more).plan.mappings["m"].lineage
    return {name: {shown(one) for one in found} for name, found in made.items()}


def shown(origin):
    path = ".".join([origin.root, *origin.path])
    return path if origin.carried else f"({path})"


TABLE = "table: rates\nkey: {role: string}\ncolumns: {price: decimal}\nrows: [{role: a, price: 1.5}]\n"


@pytest.mark.parametrize(
    "entry, found",
    [
        ("a.b", {"a.b"}),
        ("{expr: a.b.c}", {"a.b.c"}),
        ("a.b[0].c", {"a.b.c"}),
        ("a.b[?d == 'x'].c", {"a.b.c", "(a.b.d)"}),
        ("{expr: a.b or a.c}", {"a.b", "a.c"}),
        ("{expr: a.b if a.c else a.d}", {"a.b", "(a.c)", "a.d"}),
        ("{expr: a.b + a.c}", {"(a.b)", "(a.c)"}),
        ("{expr: upper(a.b)}", {"(a.b)"}),
        ("{expr: 'first([o for o in a.b if o.c])'}", {"a.b", "(a.b.c)"}),
        ("{expr: 'first([o.d for o in a.b])'}", {"a.b.d"}),
        ("{path: a.b, values: {x: z}}", {"a.b"}),
        ("{path: a.b, as: string, default: z}", {"a.b"}),
        ('{template: "{{ a.b }}"}', {"(a)"}),
        ("{value: x}", set()),
    ],
)
def test_a_value_is_carried_or_worked_out(entry, found):
    assert origins(entry).get("out", set()) == found


def test_a_row_of_a_table_is_carried_and_its_key_chooses_it():
    assert origins("{table: rates, key: a.role, take: price}", TABLE)["out"] == {
        "table:rates.price",
        "(a.role)",
    }


def test_values_that_are_named_are_followed():
    assert origins("one.c", lets="one: a.b\n")["out"] == {"a.b.c"}


def test_records_and_lists_are_followed_field_by_field():
    entry = "{each: a.lines, as: line, fields: {x: line.y, z: a.q}}"
    found = origins(entry, field="{type: list, items: {type: record, fields: {x: any, z: any}}}")
    assert found == {"out.x": {"a.lines.y"}, "out.z": {"a.q"}}


def test_an_origin_says_what_it_is():
    assert Origin("deal", ("id",)) == Origin(root="deal", path=("id",), carried=True)
