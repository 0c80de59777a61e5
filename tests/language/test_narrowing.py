"""What may be null is said, unless a test in front of it shows that it is there."""

import pytest

from engine.language.check import check_formula, check_path, check_template
from engine.language.formula import parse_formula
from engine.language.path import parse_path
from engine.language.scope import TypeScope
from engine.language.template import parse_template
from engine.values.type import DATE, DATETIME, DECIMAL, STRING, Enum, Field, Listing, Record, money_in

CLIENT = Record(name="", fields={"name": Field(type=STRING, required=True), "vat": Field(type=STRING)})
LINE = Record(name="", fields={"note": Field(type=STRING), "price": Field(type=DECIMAL, required=True)})
DEAL = Record(
    name="deal",
    fields={
        "id": Field(type=STRING, required=True),
        "rate": Field(type=DECIMAL),
        "other": Field(type=DECIMAL),
        "note": Field(type=STRING, required=True, nullable=True),
        "client": Field(type=CLIENT),
        "lines": Field(type=Listing(item=LINE), required=True),
        "maybe": Field(type=Listing(item=LINE)),
        "notes": Field(type=Listing(item=STRING, nullable=True), required=True),
        "state": Field(type=Enum(values=("open", "won", "lost")), nullable=True, required=True),
        "day": Field(type=DATE, required=True),
        "at": Field(type=DATETIME, required=True),
        "euros": Field(type=money_in("EUR"), required=True),
        "dollars": Field(type=money_in("USD"), required=True),
    },
)
SCOPE = TypeScope(names={"d": DEAL, "old": DEAL}, nullable=frozenset({"old"}))

FINE = [
    "d.rate is not None and d.rate > 1",
    "d.rate is None or d.rate > 1",
    "not (d.rate is None) and d.rate > 1",
    "not (d.rate is None or d.other is None) and d.rate > d.other",
    "d.rate + 1 if d.rate is not None else 0",
    "0 if d.rate is None else d.rate + 1",
    "0 if d.rate is None or d.other is None else d.rate * d.other",
    "(d.rate or 0) + 1",
    "default(d.rate, 0) + 1",
    "default(d.client.vat, 'none') + '!'",
    "default(old.client.vat, 'none') + '!'",
    "d.rate and d.rate > 1",
    "bool(d.rate) and d.rate > 1",
    "d.client.name if d.client else ''",
    "d.client is not None and d.client.vat is not None and d.client.vat + 'x' == d.client.name",
    "d.note == 'x' and upper(d.note) == 'X'",
    "d.note == d.id and upper(d.note) == 'X'",
    "d.note in ['x', 'y'] and upper(d.note) == 'X'",
    "d.state == 'open' and upper(d.state) == 'OPEN'",
    "old is None or old.id == d.id",
    "'' if old is None else old.id",
    "[upper(x.note) for x in d.lines if x.note is not None]",
    "[upper(x) for x in d.notes if x]",
    "[upper(x.note) for x in d.lines if x.note is not None if len(x.note) > 1]",
    "any(x.note is not None and upper(x.note) == 'A' for x in d.lines)",
    "[x.note for x in d.maybe or []]",
    "d.rate == 1 or d.rate != 2",
    "d.note is None and d.rate is None",
    "join([x for x in d.notes if x is not None], ', ')",
    "first([x.price for x in d.lines])",
    "f\"{d.note or '-'}\"",
]


@pytest.mark.parametrize("text", FINE)
def test_what_was_asked_is_known(text):
    assert check_formula(parse_formula(text), SCOPE)[1] == []


# The formula, and each part that may be null.
WRONG = [
    ("d.rate > 1", ["d.rate"]),
    ("d.rate + d.rate", ["d.rate"]),
    ("d.rate * d.other", ["d.rate", "d.other"]),
    ("-d.rate", ["d.rate"]),
    ("round(d.rate)", ["d.rate"]),
    ("upper(d.note)", ["d.note"]),
    ("'x' + d.note", ["d.note"]),
    ("f'{d.note}'", ["d.note"]),
    ("d.client.name", ["d.client"]),
    ("d.client['name']", ["d.client"]),
    ("old.client.name", ["old", "old.client"]),
    ("[x.price for x in d.maybe]", ["d.maybe"]),
    ("len(d.maybe)", ["d.maybe"]),
    ("d.maybe[0].price", ["d.maybe"]),
    ("d.note[0:2]", ["d.note"]),
    ("'a' in d.note", ["d.note"]),
    ("join(d.notes)", ["d.notes"]),
    ("max(d.notes)", ["d.notes"]),
    ("d.rate is None and d.rate > 1", ["d.rate"]),
    ("d.rate is not None or d.rate > 1", ["d.rate"]),
    ("d.rate if d.rate is None else d.other + 1", ["d.other"]),
    ("(d.rate is None or d.other is None) and d.rate > 1", ["d.rate"]),
    ("[upper(x.note) for x in d.lines if x.price > 1]", ["x.note"]),
    ("(d.rate or d.other) + 1", ["d.rate or d.other"]),
    ("[x for x in d.lines if x.note is not None] and [upper(y.note) for y in d.lines]", ["y.note"]),
    ("d.note != 'x' and upper(d.note) == 'Y'", ["d.note"]),
]


@pytest.mark.parametrize("text, where", WRONG)
def test_what_may_be_null_is_said_once(text, where):
    _, mistakes = check_formula(parse_formula(text), SCOPE)
    assert [(one.kind, text[one.start : one.end]) for one in mistakes] == [
        ("nullable", part) for part in where
    ]


@pytest.mark.parametrize(
    "text, where",
    [
        ("{{ d.note }}", ["d.note"]),
        ("{{ d.note }} {{ d.note }}", ["d.note"]),
        ("{{ d.note or '-' }}", []),
        ("{% if d.note %}{{ d.note }}{% endif %}", []),
        ("{% if d.note %}{% else %}{{ d.note }}{% endif %}", ["d.note"]),
        (
            "{% if not d.note %}none{% elif d.rate %}{{ d.note }} {{ d.rate }}{% else %}{{ d.note }}{% endif %}",
            [],
        ),
        ("{% for x in d.lines if x.note %}{{ x.note }}{% endfor %}", []),
        ("{% for x in d.lines %}{{ x.note }}{% endfor %}", ["x.note"]),
        ("{% for x in d.maybe %}{{ x.price }}{% endfor %}", ["d.maybe"]),
        ("{{ d.client.name if d.client else '' }}", []),
    ],
)
def test_templates_narrow_as_well(text, where):
    mistakes = check_template(parse_template(text), SCOPE)
    assert [text[one.start : one.end] for one in mistakes] == where


@pytest.mark.parametrize("text", ["{{ d.lines }}", "{{ d.client }}"])
def test_lists_and_records_have_no_text(text):
    assert "no_text" in [one.kind for one in check_template(parse_template(text), SCOPE)]
    assert check_template(parse_template("{{ d.euros }}"), SCOPE) == []


@pytest.mark.parametrize(
    "text, kind, where",
    [
        ("add_money(d.euros, d.dollars)", "currencies", "add_money(d.euros, d.dollars)"),
        ("exceeds(d.euros, money(1, 'USD'))", "currencies", "exceeds(d.euros, money(1, 'USD'))"),
        ("d.euros.amount + d.dollars.amount", "currencies", "d.euros.amount + d.dollars.amount"),
        ("d.euros.amount < d.dollars.amount", "currencies", "d.euros.amount < d.dollars.amount"),
        ("d.euros == d.dollars", "currencies", "d.euros == d.dollars"),
        ("d.euros + 1", "operands", "d.euros + 1"),
        ("d.euros > d.euros", "operands", "d.euros > d.euros"),
        ("money(1, 'euro')", "arguments", "money(1, 'euro')"),
        ("d.day == d.at", "dates", "d.day == d.at"),
        ("d.day < '2026-01-01'", "dates", "d.day < '2026-01-01'"),
        ("d.day in ['2026-01-01']", "dates", "'2026-01-01'"),
        ("date(d.at)", "dates", "date(d.at)"),
        ("date('tomorrow')", "dates", "date('tomorrow')"),
        ("datetime('2026-01-01T10:00')", "dates", "datetime('2026-01-01T10:00')"),
        ("d.state == 'wonn'", "unknown_value", "'wonn'"),
        ("d.state == 'open' and d.state == 'lost'", "unknown_value", "'lost'"),
        ("-d.id", "operands", "-d.id"),
    ],
)
def test_what_does_not_go_together(text, kind, where):
    _, mistakes = check_formula(parse_formula(text), SCOPE)
    assert [(one.kind, text[one.start : one.end]) for one in mistakes] == [(kind, where)]


@pytest.mark.parametrize(
    "text",
    ["add_money(d.euros, money(1, 'EUR'))", "d.euros.amount + 1", "convert(d.dollars, 0.9, 'EUR') == d.euros", "d.day == date(d.at, 'UTC')"],
)  # fmt: skip
def test_what_goes_together(text):
    assert check_formula(parse_formula(text), SCOPE)[1] == []


@pytest.mark.parametrize(
    "text, kind, where",
    [
        ("sum(d.lines[].note)", "arguments", "[]"),
        ("sum(d.maybe[].price)", "nullable", "[]"),
        ("length(d.note)", "nullable", "d.note"),
        ("join(', ', d.notes)", "nullable", "d.notes"),
        ("d.lines[?note > `1`]", "operands", ">"),
        ("d.lines.price", "no_fields", "price"),
        ("d.client[0]", "not_a_list", "[0]"),
        ("d.id[?a == 'b']", "not_a_list", "[?a == 'b']"),
        ("d.[state == 'wonn']", "unknown_value", "'wonn'"),
        ("starts_with(d.day, '2026')", "arguments", "d.day"),
        ("sort_by(d.lines, &note)", "nullable", "note"),
        ("d.day == '2026-01-01'", "dates", "=="),
    ],
)
def test_paths_that_find_nothing_or_fail(text, kind, where):
    _, mistakes = check_path(parse_path(text), SCOPE)
    assert [(one.kind, text[one.start : one.end]) for one in mistakes] == [(kind, where)]


@pytest.mark.parametrize(
    "text", ["old.id || d.id || 'x'", "not_null(d.note, 'x')", "length(d.note || '')", "d.maybe[].note"]
)
def test_paths_bear_null(text):
    assert check_path(parse_path(text), SCOPE)[1] == []
