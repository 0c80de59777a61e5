"""Texts with placeholders."""

from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connect.template import (
    Absent,
    TemplateError,
    encode_path,
    fill_value,
    template,
    template_value,
)


@pytest.mark.parametrize(
    "text, scope, filled",
    [
        ("/things/{key}", {"key": "a"}, "/things/a"),
        ("{a.b}-{c}", {"a": {"b": 1}, "c": True}, "1-true"),
        ("{{literal}}", {}, "{literal}"),
        ("", {}, ""),
        ("{amount}", {"amount": Decimal("1E+2")}, "100"),
        ("{day}", {"day": date(2026, 3, 1)}, "2026-03-01"),
        ("{day:%d/%m}", {"day": date(2026, 3, 1)}, "01/03"),
        ("{at}", {"at": datetime(2026, 3, 1, 12, tzinfo=UTC)}, "2026-03-01T12:00:00Z"),
        ("{at:%Y-%m-%d %H:%M}", {"at": datetime(2026, 3, 1, 12, tzinfo=UTC)}, "2026-03-01 12:00"),
        ("x = {name!sql}", {"name": "O'Neil"}, "x = 'O''Neil'"),
        ("x = {name!soql}", {"name": "O'Neil\\"}, "x = 'O\\'Neil\\\\'"),
        ("{day!sql:%Y}", {"day": date(2026, 3, 1)}, "'2026'"),
    ],
)
def test_filled(text, scope, filled):
    assert template(text).fill(scope) == filled


@pytest.mark.parametrize("text", ["{", "}", "{a", "a}", "{1}", "{a!shout}", "{a b}", "{}", "{a.}x}"])
def test_text_that_cannot_be_read(text):
    with pytest.raises(TemplateError):
        template(text)


@pytest.mark.parametrize("scope", [{}, {"a": None}, {"a": {}}, {"a": "text"}])
def test_placeholder_that_finds_nothing(scope):
    with pytest.raises(Absent, match=r"a\.b"):
        template("{a.b}").fill(scope)


@pytest.mark.parametrize("value", [{"b": 1}, ["b"]])
def test_records_and_lists_are_no_text(value):
    with pytest.raises(TemplateError, match="a record or a list"):
        template("{a}").fill({"a": value})


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\x00", "a\x7f"])
def test_control_characters_never_reach_a_request(value):
    with pytest.raises(TemplateError, match="control character"):
        template("{a}").fill({"a": value})


@pytest.mark.parametrize("value", [".", ".."])
def test_paths_do_not_climb(value):
    with pytest.raises(TemplateError):
        template("/things/{a}").fill({"a": value}, encode_path)


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1))
def test_data_stays_in_its_segment(text):
    if text in {".", ".."}:
        return
    path = template("/things/{key}/parts").fill({"key": text}, encode_path)
    assert path.count("/") == 3
    assert not set(path) & set("?#")
    assert unquote(path.split("/")[2]) == text


@given(st.text(st.sampled_from("{}ab!:%'\\")))
def test_data_is_never_read_as_a_template(text):
    assert template("<{a}>").fill({"a": text, "b": "wrong"}) == f"<{text}>"


def test_values_keep_their_types():
    written = {
        "all": "{payload}",
        "n": "{n}",
        "text": "no {n}",
        "kept": 3,
        "list": ["{n}", None],
        "gone": "{x}",
    }
    filled = fill_value(template_value(written), {"payload": {"n": Decimal("1.50")}, "n": Decimal("1.50")})
    assert filled == {
        "all": {"n": Decimal("1.50")},
        "n": Decimal("1.50"),
        "text": "no 1.50",
        "kept": 3,
        "list": [Decimal("1.50"), None],
    }
