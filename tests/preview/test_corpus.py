"""A corpus: pseudonyms that keep what is joined, nothing personal left, and the same decisions."""

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.preview.behaviour import sample_of
from engine.preview.behaviour.lines import answer_entry
from engine.preview.corpus import Pseudonyms, redacted
from engine.preview.corpus.pseudonyms import Bounds
from engine.revisions import personal_in
from engine.values.json_text import read_json, write_json
from tests.preview.conftest import loaded
from tests.preview.test_behaviour import NOW

KEY = b"a key that nobody can guess"
ONE, OTHER = Pseudonyms(KEY), Pseudonyms(b"another key of the same length")
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)


@given(
    value=TEXTS | st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=2) | st.dates()
)
def test_a_value_has_one_pseudonym_of_its_own_kind(value):
    made = ONE.of(value)
    assert made == Pseudonyms(KEY).of(value)
    assert type(made) is type(value)


@given(st.lists(st.from_regex(r"[A-Z]{2}-[0-9]{3}", fullmatch=True), unique=True, min_size=2))
def test_what_keeps_its_shape_is_never_mixed_up(values):
    bounds = Bounds(pattern=r"^[A-Z]{2}-\d{3}$")
    made = [ONE.text(value, bounds) for value in values]
    assert len(set(made)) == len(values)
    assert all(bounds.holds(one) for one in made)


@given(st.integers(min_value=-(10**12), max_value=10**12), st.dates(), st.dates())
def test_numbers_keep_their_digits_and_days_their_year(number, day, another):
    made = ONE.of(number)
    assert (len(str(made)), made < 0) == (len(str(number)), number < 0)
    assert ONE.of(day).year == day.year
    assert (ONE.of(day) == ONE.of(another)) == (day == another)


def test_forms_are_kept_where_a_schema_demands_them():
    mail = ONE.of("Ada.Lovelace@firm.com")
    name, _, domain = mail.partition("@")
    assert (mail, domain) == (ONE.of("ada.lovelace@FIRM.com"), ONE.of("bob@firm.com").partition("@")[2])
    assert "ada" not in name
    assert domain.endswith(".example")
    assert ONE.of("Ada Lovelace").startswith("p-")
    assert len(ONE.of("+49 170 1234567")) == len("+49 170 1234567")
    assert date.fromisoformat(ONE.of("1990-02-28")).year == 1990
    assert ONE.of("1990-02-28T09:00:00Z").endswith("T09:00:00Z")
    assert len(ONE.text("Adam", Bounds(longest=4))) == 4
    assert ONE.of(Decimal("12.50")).as_tuple().exponent == -2
    assert {ONE.one_of(value, ("f", "m", "x")) for value in "fmx"} == {"f", "m", "x"}
    assert (ONE.of(value=True), ONE.of(None), ONE.of("")) == (False, None, "")


def test_another_key_gives_others_and_a_short_one_is_refused():
    assert ONE.of("Ada Lovelace") != OTHER.of("Ada Lovelace")
    with pytest.raises(InputError, match="at least 16 bytes"):
        Pseudonyms(b"guess me")


@pytest.fixture
def personal(pair):
    """The workspace `hours`, in which the name of a worker is personal and who approved time is said to be."""
    return personal_in(loaded(pair.new), ["approved_by"], [])


def line():
    """An event, and what flows asked and wrote by the name of who approved it."""
    return {
        "type": "time.approved",
        "data": {"id": "te-1", "project": "P-7", "approved_by": "Ada King", "hours": Decimal("7.50")},
        "accepted_at": "2026-06-01T00:00:00Z",
        "recorded": {
            "reads": [
                {
                    "read": "erp.project",
                    "with": {"boss": "Ada King", "id": "P-7"},
                    "gives": {"id": "P-7", "phone": "030 123456", "note": "ask Ada King or eve@firm.com"},
                }
            ],
            "xrefs": [{"entity": "worker", "id": "Ada King", "in": "erp", "is": "31"}],
            "writes": [
                {
                    "write": "billing/time.approved:te-1/bill",
                    "with": {"by": "Ada King"},
                    "fails": "no Ada King",
                }
            ],
            "holds": [
                {
                    "run": "billing/time.approved:te-1",
                    "hold": "hold:check:x",
                    "gives": {"by": "kim", "reason": "ok!"},
                }
            ],
        },
    }


def test_a_personal_value_is_replaced_wherever_it_was_recorded(personal):
    made = redacted(line(), personal, ONE)
    text = write_json(made).decode()
    assert not [
        word for word in ("Ada", "King", "eve", "firm.com", "kim", "030 123456", "ok!") if word in text
    ]
    ada = made["data"]["approved_by"]
    (read,), (xref,), (write,), (hold,) = made["recorded"].values()
    assert (read["with"]["boss"], xref["id"], write["with"]["by"]) == (ada, ada, ada)
    assert (write["fails"], write["write"]) == (f"no {ada}", "billing/time.approved:te-1/bill")
    assert read["gives"]["note"].startswith(f"ask {ada} or u")
    assert (read["gives"]["id"], xref["is"], hold["hold"]) == ("P-7", "31", "hold:check:x")
    assert made["data"]["hours"] == Decimal("7.50")
    assert redacted(line(), personal, ONE) == made
    assert sample_of(made, NOW).recorded.persons


def test_a_name_is_no_part_of_another_word(personal):
    given = line()
    given["data"]["approved_by"] = "Ann"
    given["recorded"] = {"reads": [{"read": "a.b", "with": {"x": "Annual Ann"}, "gives": None}]}
    made = redacted(given, personal, ONE)
    assert made["recorded"]["reads"][0]["with"]["x"] == f"Annual {ONE.of('Ann')}"


def test_a_person_says_what_is_to_be_kept(pair):
    kept = personal_in(loaded(pair.new), [], ["phone"])
    assert redacted(line(), kept, ONE)["recorded"]["reads"][0]["gives"]["phone"] == "030 123456"


def test_what_is_written_is_read_again():
    sample = sample_of(read_json(write_json(line())), NOW)
    (answers,) = sample.recorded.reads.values()
    assert answer_entry(answers[0]) == {"gives": line()["recorded"]["reads"][0]["gives"]}
    (written,) = sample.recorded.receipts.values()
    assert answer_entry(written[1]) == {"fails": "no Ada King"}
    (person,) = sample.recorded.persons.values()
    assert json.loads(write_json(answer_entry(person.answer))) == {"gives": {"by": "kim", "reason": "ok!"}}


@pytest.mark.parametrize(
    "name,said",
    [
        ("Ada King", "ADA KING"),
        ("Ada King", "ada  king"),
        ("Ada King", "Ada\nKing"),
        ("Lovelace", "LOVELACE"),
        ("Jos\u00e9 Ruiz", "Jose\u0301 Ruiz"),
        ("Jose\u0301 Ruiz", "Jos\u00e9 Ruiz"),
        ("491701234567", "491701234567"),
        (491701234567, "491701234567"),
    ],
)
def test_a_person_is_found_however_the_name_is_written(personal, name, said):
    given = line()
    given["data"]["approved_by"] = name
    given["recorded"] = {"reads": [{"read": "a.b", "with": {"x": f"of {said}, paid"}, "gives": None}]}
    made = redacted(given, personal, ONE)
    assert made["recorded"]["reads"][0]["with"]["x"] == f"of {made['data']['approved_by']}, paid"


def test_a_short_word_of_language_is_no_name(personal):
    given = line()
    given["data"]["approved_by"] = "Bill"
    given["recorded"] = {"reads": [{"read": "a.b", "with": {"kind": "bill", "by": "Bill"}, "gives": None}]}
    assert redacted(given, personal, ONE)["recorded"]["reads"][0]["with"] == {
        "kind": "bill",
        "by": ONE.of("Bill"),
    }


def test_names_of_fields_and_numbers_that_are_persons_are_replaced(personal):
    given = line()
    given["data"]["approved_by"] = 491701234567
    found = {"eve@firm.com": 2, "491701234567": 3, "Ada": 4, "who": 491701234567, "amount": 12_345}
    given["recorded"] = {"reads": [{"read": "a.b", "with": {}, "gives": {"hours": found}}]}
    made = redacted(given, personal, ONE)
    number = made["data"]["approved_by"]
    hours = made["recorded"]["reads"][0]["gives"]["hours"]
    assert hours == {ONE.of("eve@firm.com"): 2, str(number): 3, "Ada": 4, "who": number, "amount": 12_345}


def test_who_refused_a_hold_and_why_is_not_told(personal):
    given = line()
    given["recorded"]["holds"][0] = {
        "run": "billing/time.approved:te-1",
        "hold": "hold:check:x",
        "gives": {"by": "kim", "reason": "she is ill", "refused": "late"},
        "fails": "refused by kim (late): she is ill",
    }
    (hold,) = redacted(given, personal, ONE)["recorded"]["holds"]
    assert hold["fails"] == f"refused by {ONE.of('kim')} (late): {ONE.of('she is ill')}"


@pytest.mark.parametrize(
    "one,other", [("\u674e", "\u738b"), ("\u0661\u0662\u0663", "\u0664\u0665\u0666"), ("\u00d6", "\u00c4")]
)
def test_letters_and_digits_of_other_languages_are_told_apart(one, other):
    assert ONE.of(one) != ONE.of(other)
    long, short = (
        Bounds(longest=8),
        [ONE.text(f"{text}dil{text}ab", Bounds(longest=8)) for text in (one, other)],
    )
    assert short[0] != short[1]
    assert all(long.holds(text) and not {*one, *other} & {*text} for text in short if len(one) == 1)
