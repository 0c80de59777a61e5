"""Names, fields, functions and values that cannot be right are found before there is data."""

import pytest

from engine.language.calendar import Calendar
from engine.language.check import check_formula, check_path, check_template
from engine.language.formula import parse_formula
from engine.language.functions.calendars import CYCLE, calendar_functions
from engine.language.functions.spec import joined
from engine.language.functions.standard import STANDARD
from engine.language.path import parse_path
from engine.language.scope import TypeScope
from engine.language.template import parse_template
from engine.values.type import (
    ANY,
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    NULL,
    STRING,
    Enum,
    Field,
    Listing,
    Record,
    Scalar,
)

SPLIT = Record(name="split", fields={"task": Field(type=STRING), "hours": Field(type=DECIMAL, required=True)})
ENTRY = Record(
    name="canonical/time_entry@2",
    fields={
        "id": Field(type=STRING, required=True),
        "minutes": Field(type=INTEGER, required=True),
        "rate": Field(type=DECIMAL, required=True),
        "discount": Field(type=DECIMAL),
        "day": Field(type=DATE, required=True),
        "at": Field(type=DATETIME, required=True),
        "billable": Field(type=BOOLEAN),
        "status": Field(type=Enum(values=("draft", "approved", "billed"))),
        "splits": Field(type=Listing(item=SPLIT), required=True),
        "extra": Field(type=Record(name="", open=True), required=True),
        "raw": Field(type=ANY),
    },
)
SCOPE = TypeScope(names={"entry": ENTRY, "limit": INTEGER})
CALENDAR = Calendar(zone="UTC")
FUNCTIONS = joined(STANDARD, calendar_functions({"billing": lambda _key: CALENDAR}))

TYPES = [
    ("entry.minutes", INTEGER),
    ("entry['rate']", DECIMAL),
    ("entry.splits", Listing(item=SPLIT)),
    ("entry.splits[0].hours", DECIMAL),
    ("entry.splits[1:]", Listing(item=SPLIT)),
    ("[s.task for s in entry.splits]", Listing(item=STRING, nullable=True)),
    ("[k for k in entry]", Listing(item=STRING)),
    ("entry.extra.anything", ANY),
    ("entry.raw.x.y", ANY),
    ("entry.minutes + 1", INTEGER),
    ("entry.minutes / 60", DECIMAL),
    ("entry.minutes * entry.rate", DECIMAL),
    ("-entry.rate", DECIMAL),
    ("entry.id + 'x'", STRING),
    ("entry.id * 2", STRING),
    ("[1] + [2]", Listing(item=INTEGER)),
    ("entry.day - entry.day", INTEGER),
    ("entry.minutes > 1 and entry.id == 'x'", BOOLEAN),
    ("entry.id or 'x'", STRING),
    ("1 if entry.billable else 1.5", Scalar(name="decimal", decimals=1)),
    ("entry.id if entry.billable else None", STRING),
    ("entry.id if entry.billable else 1", ANY),
    ("f'{entry.id}'", STRING),
    ("None", NULL),
    ("entry.id[0]", STRING),
    ("upper(entry.id)", STRING),
    ("first(entry.splits).hours", DECIMAL),
    ("sum(s.hours for s in entry.splits)", DECIMAL),
    ("sum([entry.minutes])", INTEGER),
    ("max(entry.minutes, 1)", INTEGER),
    ("sort(entry.splits, 'hours')[0].hours", DECIMAL),
    ("default(entry.rate, 0)", DECIMAL),
    ("default(entry.rate, 0.0)", DECIMAL),
    ("money(1, 'EUR').amount", Scalar(name="decimal", currency="EUR")),
    ("cycle('billing', entry.day)", CYCLE),
    ("next_cycle('billing', entry.day, after=entry.at).cutoff", DATETIME),
    ("{'a': entry.minutes}.a", INTEGER),
    ("{'a': 1}['a']", INTEGER),
    ("entry.status", Enum(values=("draft", "approved", "billed"))),
    ("entry.status == 'billed' or entry.status in ('draft', 'approved')", BOOLEAN),
]


@pytest.mark.parametrize("text, kind", TYPES)
def test_type(text, kind):
    known, mistakes = check_formula(parse_formula(text), SCOPE, FUNCTIONS)
    assert (known.type, mistakes) == (kind, [])


# The formula, the kind of mistake, the text that it points at, and names that are near.
MISTAKES = [
    ("entri.id", "unknown_name", "entri", ("entry",)),
    ("true", "unknown_name", "true", ("True",)),
    ("entry.minuts + 1", "unknown_field", "minuts", ("minutes",)),
    ("entry['minuts']", "unknown_field", "entry['minuts']", ("minutes",)),
    ("entry . day . x", "no_fields", "x", ()),
    ("[s.hour for s in entry.splits]", "unknown_field", "hour", ("hours",)),
    ("entry.splits[0].tsk", "unknown_field", "tsk", ("task",)),
    ("entry.splits.hours", "no_fields", "hours", ()),
    ("uper(entry.id)", "unknown_function", "uper", ("upper",)),
    ("upper()", "arguments", "upper()", ()),
    ("upper(entry.id, 1)", "arguments", "upper(entry.id, 1)", ()),
    ("round(entry.rate, digits=2)", "arguments", "round(entry.rate, digits=2)", ()),
    ("upper(entry.minutes)", "arguments", "entry.minutes", ()),
    ("add_days(entry.at, 1)", "arguments", "entry.at", ()),
    ("upper(None)", "arguments", "None", ()),
    ("[limit for limit in entry.splits]", "shadowed", "limit", ()),
    ("[x for x in entry.day]", "not_a_list", "entry.day", ()),
    ("entry.status == 'aproved'", "unknown_value", "'aproved'", ("approved",)),
    ("'paid' != entry.status", "unknown_value", "'paid'", ()),
    ("entry.status in ['draft', 'bill']", "unknown_value", "'bill'", ("billed",)),
    ("entry.day > entry.at", "dates", "entry.day > entry.at", ()),
    ("entry.day == '2026-05-29'", "dates", "entry.day == '2026-05-29'", ()),
    ("entry.id < 5", "operands", "entry.id < 5", ()),
    ("(entry.billable or False) > 1", "operands", "(entry.billable or False) > 1", ()),
    ("entry.day + 3", "operands", "entry.day + 3", ()),
    ("entry.id - 1", "operands", "entry.id - 1", ()),
    ("entry.billable + 1", "operands", "entry.billable + 1", ()),
    ("cutoff('biling', entry.day)", "unknown_name", "'biling'", ("billing",)),
    ("cutoff(entry.id, entry.day)", "literal", "entry.id", ()),
]


@pytest.mark.parametrize("text, kind, where, near", MISTAKES)
def test_mistake_in_a_formula(text, kind, where, near):
    _, mistakes = check_formula(parse_formula(text), SCOPE, FUNCTIONS)
    assert [(one.kind, text[one.start : one.end]) for one in mistakes] == [(kind, where)]
    assert set(near) <= set(mistakes[0].near)
    assert not mistakes[0].message.endswith(".")


@pytest.mark.parametrize(
    "text, where",
    [
        ("{{ entry.minuts }}", "minuts"),
        ("é {% for s in entry.splits %}{{ s.hour }}{{ loop.index + 1 }}{% endfor %}", "hour"),
        ("{% if entry.status == 'aproved' %}{% else %}{{ entry.id }}{% endif %}", "'aproved'"),
        ("{{ entry.id | uper }}", "uper"),
        ("{{ entry.minutes | upper }}", "entry.minutes"),
        ("{% for entry in entry.splits %}{% endfor %}", "entry"),
        ("{% for s in entry.day %}{% endfor %}", "entry.day"),
        ("{{ nope }}", "nope"),
        ("{{ cutoff('biling', entry.day) }}", "'biling'"),
    ],
)
def test_mistake_in_a_template(text, where):
    mistakes = check_template(parse_template(text), SCOPE, FUNCTIONS)
    assert [text[one.start : one.end] for one in mistakes] == [where]


@pytest.mark.parametrize(
    "text, kind, where",
    [
        ("entry.id", "", ""),
        ("entry.extra.a.b", "", ""),
        ("entry.splits[].task", "", ""),
        ("entry.splits[*].task | [0]", "", ""),
        ("entry.splits[?hours > `1`].task", "", ""),
        ("entri.id", "unknown_name", "entri"),
        ("entry.minuts", "unknown_field", "minuts"),
        ("entry.splits[0].tsk", "unknown_field", "tsk"),
        ("entry.splits[?hour > `1`].task", "unknown_field", "hour"),
        ("entry.splits.task", "no_fields", "task"),
        ("entry.day.x", "no_fields", "x"),
        ("entry.day[0]", "not_a_list", "[0]"),
        ("[entry.minuts, entry.minuts]", "unknown_field", "minuts"),
    ],
)
def test_mistake_in_a_path(text, kind, where):
    _, mistakes = check_path(parse_path(text), SCOPE)
    assert {(one.kind, text[one.start : one.end]) for one in mistakes} == ({(kind, where)} if kind else set())


def test_a_name_may_be_null_and_a_scope_may_grow():
    scope = SCOPE.including({"entry": STRING, "more": DATE}, frozenset({"more"}))
    assert scope.type_of("entry") == STRING
    assert scope.type_of("nope") is None
    assert scope.nullable == {"more"}
    assert scope.including({"more": DATE}).nullable == frozenset()


@pytest.mark.parametrize(
    "parse, text",
    [(parse_formula, "cutoff('billing', entry.day)"), (parse_template, "{{ cutoff('billing', entry.day) }}")],
)
def test_the_key_of_a_calendar_is_added_where_it_is_left_out(parse, text):
    tree = parse(text, {"billing": "place.entity"})
    assert tree.names == {"entry", "place"}
    check = check_formula if parse is parse_formula else check_template
    found = check(tree, SCOPE, FUNCTIONS)
    mistakes = found[1] if isinstance(found, tuple) else found
    assert [(one.name, text[one.start : one.end]) for one in mistakes] == [("place", "'billing'")]
    assert parse(text.replace(".day)", ".day, entry.id)"), {"billing": "place.entity"}).names == {"entry"}
    assert parse(text.replace(".day)", ".day, key=entry.id)"), {"billing": "place.entity"}).names == {"entry"}
