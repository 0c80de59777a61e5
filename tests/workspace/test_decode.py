"""From YAML to documents: what is accepted, what is refused, and what of a broken document is kept."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.spec.field import Duration, FormulaText, PathText, Raw
from tests.workspace.reading import document

FLOW = """\
flow: bill
trigger: {event: time_entry.approved, as: entry}
steps:
  bill:
    write: erp.time_bill
"""


def step(extra):
    found, codes = document(FLOW + "".join(f"    {line}\n" for line in extra.splitlines()))
    return (found.steps["bill"] if found else None), codes


def mapping(entry):
    text = f"mapping: m\ninputs: {{entry: record}}\noutput: record\nfields:\n  x: {entry}\n"
    found, codes = document(text)
    return (found.fields["x"] if found else None), codes


def test_document_knows_its_name_kind_and_place():
    found, codes = document(FLOW)
    assert codes == []
    assert (found.kind, found.name, found.name.span.line, found.name.span.column) == ("flow", "bill", 1, 7)
    assert found.keys["steps"].line == 3
    assert found.trigger.name == "entry"
    assert list(found.steps) == ["bill"]


def test_keys_of_the_language_that_are_words_of_python():
    found, codes = step("with: {a: b}\nfor_each: {in: entry.splits, as: split}")
    assert codes == []
    assert found.given["a"].path == "b"
    assert (found.for_each.items, found.for_each.name) == ("entry.splits", "split")


def test_texts_are_of_the_class_of_their_language():
    found, _ = step("when: entry.billable\nwith: {a: b.c, d: {expr: 1 + 1}}")
    assert type(found.when) is FormulaText
    assert type(found.given["a"].path) is PathText
    assert type(found.given["d"].expr) is FormulaText


def test_mistake_inside_an_expression_has_its_place_in_the_file():
    found, _ = step('when: "entry.billable and\n  entry.wrong"')
    start = found.when.index("wrong")
    span = found.when.at(start, start + 5)
    assert (span.line, span.source.text[span.start : span.end]) == (7, "wrong")


def test_shorthand_stands_for_its_key():
    found, codes = mapping("entry.id")
    assert codes == []
    assert (found.path, found.expr) == ("entry.id", None)


def test_one_may_stand_for_a_list_of_one():
    assert step("needs: project")[0].needs == ("project",)
    assert step("needs: [project, other]")[0].needs == ("project", "other")
    assert step("needs: []")[0].needs == ()


def test_keys_that_are_not_described_are_names_where_names_are_expected():
    found, codes = document(
        "test: it works\nflow: bill\nnow: 2026-05-29T23:10:00Z\n"
        'given: {event: {data: {}}, erp.project: {id: "7"}}\nexpect: {run: completed, eligible: {x: 1}}\n'
    )
    assert codes == []
    assert found.given.stubs["erp.project"].value == {"id": "7"}
    assert found.expect.steps["eligible"].value == {"x": 1}
    assert found.now == datetime(2026, 5, 29, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text, amount, unit, business",
    [
        ("90s", 90, "second", False),
        ("15m", 15, "minute", False),
        ("2h", 2, "hour", False),
        ("3d", 3, "day", False),
        ("1w", 1, "week", False),
        ("10 minutes", 10, "minute", False),
        ("1 day", 1, "day", False),
        ("2 business days", 2, "day", True),
        ("4 business hours", 4, "hour", True),
        ('"5m"', 5, "minute", False),
    ],
)
def test_durations(text, amount, unit, business):
    found, codes = step(f"cache: {text}")
    assert codes == []
    assert isinstance(found.cache, Duration)
    assert (found.cache.amount, found.cache.unit, found.cache.business) == (amount, unit, business)


@pytest.mark.parametrize(
    "text", ["15", "m", "1.5h", "-1h", "1y", "3 business weeks", "2 months", "soon", "9999999999s"]
)
def test_what_is_no_duration(text):
    assert step(f"cache: {text}")[1] == ["TG215"]


@pytest.mark.parametrize("text", ["36601d", "5229w", "999999999 hours", "36601 business days", "999999999w"])
def test_a_length_of_time_out_of_every_calendar(text):
    assert step(f"cache: {text}")[1] == ["TG215"]


def test_the_longest_length_of_time():
    assert step("cache: 36600d")[1] == []


@pytest.mark.parametrize(
    "written, value",
    [
        ("1", 1),
        ("-7", -7),
        ("0", 0),
        ("1.50", Decimal("1.50")),
        ("-0.5", Decimal("-0.5")),
        (".5", Decimal("0.5")),
        ("12345678901234567890.123456789", Decimal("12345678901234567890.123456789")),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("2026-05-29", "2026-05-29"),
        ("2026-05-29T23:05:00Z", "2026-05-29T23:05:00Z"),
        ('"1"', "1"),
        ("'true'", "true"),
        ("12a", "12a"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("nobody", "nobody"),
        ("[1, {a: 2}]", [1, {"a": 2}]),
        ("{}", {}),
    ],
)
def test_any_value(written, value):
    found, codes = mapping(f"{{value: {written}}}")
    assert codes == []
    assert isinstance(found.value, Raw)
    assert found.value.value == value
    assert type(found.value.value) is type(value)


def test_scale_of_a_decimal_is_kept():
    found, _ = mapping("{value: 10.00}")
    assert str(found.value.value) == "10.00"


def test_parts_of_a_value_have_places():
    found, _ = mapping("{value: {a: [1, two]}}")
    places = found.value.places
    assert places["a", 1].column == 22
    assert set(places) == {(), ("a",), ("a", 0), ("a", 1)}
    assert len(places) == 4
    assert ("a", 2) not in places
    assert ("b",) not in places


@pytest.mark.parametrize(
    "written, code",
    [
        *[(word, "TG140") for word in ("yes", "No", "ON", "off", "y", "N")],
        ("1:30", "TG141"),
        ("12:30:45", "TG141"),
        ("012", "TG142"),
        ("0x1F", "TG142"),
        ("0o17", "TG142"),
        ("1_000", "TG143"),
        (".nan", "TG144"),
        ("-.INF", "TG144"),
        ("1e3", "TG145"),
        ("+5", "TG145"),
        ("9" * 401, "TG146"),
    ],
)
def test_words_that_tools_read_differently_are_reported_and_kept_as_text(written, code):
    found, codes = mapping(f"{{value: {written}}}")
    assert codes == [code]
    assert found.value.value == written


@pytest.mark.parametrize("written", ["yes", "012", "1:30", "1_000", "1e3", ".inf"])
def test_quotes_settle_it(written):
    found, codes = mapping(f'{{value: "{written}"}}')
    assert (codes, found.value.value) == ([], written)


def test_keys_are_texts_whatever_they_look_like():
    found, codes = mapping("{path: a, values: {yes: A, no: B, 1: C, 012: D, true: E}}")
    assert codes == []
    assert list(found.values) == ["yes", "no", "1", "012", "true"]


def test_number_is_taken_as_written_where_a_text_is_expected():
    found, codes = document(FLOW + "about: 2025.10\n")
    assert (codes, found.about) == ([], "2025.10")


def test_null_is_a_word_where_it_is_one_of_the_choices():
    assert step("missing: null")[0].missing == "null"
    assert step("missing: null")[1] == []


def test_date_is_a_date_with_and_without_quotes():
    for written in ("2026-12-24", '"2026-12-24"'):
        found, codes = document(f"calendar: c\ntime_zone: Europe/Berlin\ndays_off: [{written}]\n")
        assert (codes, found.days_off) == ([], (date(2026, 12, 24),))


@pytest.mark.parametrize(
    "written", ["2026-05-29T23:10:00", "2026-05-29", "23:10Z", "2026-13-01T00:00:00Z", "[]"]
)
def test_instant_needs_a_zone(written):
    _, codes = document(
        f"test: a\nflow: b\nnow: {written}\ngiven: {{event: {{}}}}\nexpect: {{run: completed}}\n"
    )
    assert codes == ["TG206" if written == "[]" else "TG214"]


@pytest.mark.parametrize(
    "line, code",
    [
        ("colour: red", "TG204"),
        ("when: [a]", "TG206"),
        ("when:", "TG207"),
        ("when: ''", "TG216"),
        ("when: yes", "TG140"),
        ("needs: {a: b}", "TG206"),
        ("needs: [a, [b]]", "TG206"),
        ("with: entry", "TG206"),
        ("with: {a: 5}", "TG217"),
        ("with: {a: {}}", "TG212"),
        ("with: {a: {path: b, expr: c}}", "TG211"),
        ("with: {a: {each: b}}", "TG211"),
        ("cache: 15", "TG215"),
        ("missing: maybe", "TG209"),
        ("for_each: {in: a, limit: 0}", "TG210"),
        ("for_each: {in: a, limit: 10001}", "TG210"),
        ("for_each: {in: a, limit: many}", "TG206"),
        ('for_each: {in: a, limit: "5"}', "TG206"),
        ("for_each: {in: a, limit: 1.5}", "TG206"),
        ("for_each: {in: a, limit: true}", "TG206"),
        ("for_each: {in: a, limit: 0x5}", "TG142"),
        ("for_each: {as: b}", "TG205"),
    ],
)
def test_what_is_wrong_is_said_once(line, code):
    assert step(line)[1] == [code]


def test_all_mistakes_are_found_at_once():
    _, codes = document(
        "flow: Bad Name\ncolour: x\ntrigger: []\nversion: none\nsteps: {a: {writes: b}, c: 5}\n"
    )
    assert sorted(codes) == ["TG204", "TG204", "TG206", "TG206", "TG206", "TG208"]


def test_misspelt_key_is_not_missing_too():
    _, codes = document("flow: bill\ntriger: {event: a}\nsteps: {}\n")
    assert codes == ["TG204"]


@pytest.mark.parametrize("text", ["flow: a\ntrigger: {event: b}\nsteps: {}\ncolour: red\n"])
def test_document_with_an_unknown_key_can_be_used(text):
    found, codes = document(text)
    assert codes == ["TG204"]
    assert found is not None


@pytest.mark.parametrize(
    "text",
    [
        "flow: a\ntrigger: {event: b}\nsteps: {c: 5}\n",
        "flow: a\ntrigger: {event: b}\nsteps: {c: {missing: maybe}}\n",
        "flow: a\ntrigger: {event: b}\nsteps: {c: {when: f(a, b)}}\n",
        "flow: a\ntrigger: {event: b\n",
    ],
)
def test_document_that_does_not_satisfy_its_description_is_not_used(text):
    found, codes = document(text)
    assert found is None
    assert len(codes) == 1


def test_repeated_part_is_the_same_in_both_places():
    found, codes = document("connection: erp\nconnector: x\nenvironments: {a: &one {k: [1]}, b: *one}\n")
    assert codes == []
    assert found.environments["a"].value == found.environments["b"].value == {"k": [1]}
