"""Texts from outside as keys: what a store can keep stays as it is, everything else has a key of its own."""

from hypothesis import given
from hypothesis import strategies as st

from engine.values.keys import LONGEST_KEY, as_key

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
odd = st.builds(lambda text, times: text * times, texts | st.just("\0"), st.sampled_from([1, 20, 400]))


@given(odd | texts)
def test_a_key_can_be_kept_and_is_its_own_key(text):
    key = as_key(text)
    assert len(key) <= LONGEST_KEY
    assert "\0" not in key
    assert as_key(key) == key
    assert key == text or "\0" in text or len(text) > LONGEST_KEY


@given(st.lists(odd | texts, unique=True, max_size=10))
def test_no_two_texts_share_a_key(texts):
    assert len({as_key(text) for text in texts}) == len(texts)
