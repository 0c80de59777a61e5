"""Two long texts of a report: what differs can be seen in what is left of them."""

from hypothesis import given
from hypothesis import strategies as st

from engine.preview.excerpt import apart, money_said
from engine.preview.meaning.change import SAFE, WORDING, Change
from engine.preview.meaning.say import LONGEST, say

texts = st.text(st.characters(min_codepoint=97, max_codepoint=99), max_size=60)
MOST = 40


@given(texts, texts, texts)
def test_texts_that_differ_still_do_when_they_are_cut(same, one, other):
    old, new = apart(same * 3 + one, same * 3 + other, MOST)
    assert max(len(old), len(new)) <= MOST
    assert (old == new) == (one == other)


def test_money_is_written_as_people_write_it():
    assert money_said('[{"amount":-210.00,"currency":"EUR"}]') == "[-210.00 EUR]"


def test_a_long_reason_that_changed_at_its_end_shows_how():
    reason = "hours " * LONGEST
    change = Change(
        kind="policy", name="long-day", place=("reason",), what="changed", aspect="reason", touches=WORDING,
        severity=SAFE, sentence="", old=f"{reason}are 12", new=f"{reason}are 8", file="", line=1,
    )  # fmt: skip
    assert say(change) == "`reason`: `…hours hours are 12` → `…hours hours are 8`."
