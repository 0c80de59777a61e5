"""How the key of an effect is written for the systems that fold repeats."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connect.connector_plan import OncePlan
from engine.connect.once import once_key

UUID_FORM = OncePlan(how="header")
TEXT_FORM = OncePlan(how="header", form="text", max_length=32)


def test_keys_are_fixed_for_ever():
    assert once_key(UUID_FORM, "billing/time:1/bill") == "5b83d775-c9b7-5465-8eb8-81abb1c895c9"
    assert once_key(TEXT_FORM, "billing:time-1") == "billing:time-1"


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_effects_have_different_keys(one, other):
    for form in (UUID_FORM, TEXT_FORM):
        assert (once_key(form, one) == once_key(form, other)) is (one == other)


@given(st.text(min_size=1))
def test_keys_fit(key):
    assert UUID(once_key(UUID_FORM, key)).version == 5
    text = once_key(TEXT_FORM, key)
    assert len(text) <= 32
    assert text.isascii()
    assert text.isprintable()


@pytest.mark.parametrize("key", ["a\r\nX: 1", "a b", "\u00e9", "x" * 33])
def test_text_that_does_not_fit_is_hashed(key):
    assert once_key(TEXT_FORM, key).isalnum()
