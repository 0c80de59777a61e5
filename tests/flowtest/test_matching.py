"""What is expected and what is found: in part, exactly, and the words of an expectation."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flowtest.compare import MISSING, differences, recorded

pytestmark = pytest.mark.requirement("GOV-07")


def fits(expected, found, *, exact=False):
    return not any(differences(expected, found, exact=exact))


PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab$.", max_size=3) | st.dates()
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "expected, found",
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}),
        ([{"a": 1}], [{"a": 1, "b": 2}]),
        ("7.50", Decimal("7.5")),
        ("2026-05-29", date(2026, 5, 29)),
        ("2026-05-29T11:00:00+02:00", datetime(2026, 5, 29, 9, tzinfo=UTC)),
        ({"a": "$absent"}, {"b": 1}),
        ({"a": "$any"}, {"a": None}),
        ({"$contains": "mend"}, "amended"),
        ({"$contains": [{"a": 1}]}, [{"a": 2}, {"a": 1, "b": 3}]),
        ({"$contains": {"a": 1}}, [{"a": 1}]),
        ({"$unordered": [1, 2]}, [2, 1]),
        ({"$unordered": [{"a": "$any"}, {"a": 1}]}, [{"a": 1}, {"a": 2}]),  # the first fits both
        ({"$near": 10, "within": Decimal("0.5")}, Decimal("10.4")),
        ({"$near": "10.00"}, 10),
        ({"$exact": True, "a": 1}, {"a": 1}),
    ],
)
def test_fits(expected, found):
    assert fits(expected, found)


@pytest.mark.parametrize(
    "expected, found",
    [
        ({"a": None}, {}),
        ([1], [1, 2]),
        ([1, 2], [1]),
        (True, 1),
        (1, True),
        ("", None),
        ({"a": "$absent"}, {"a": None}),
        ({"a": "$any"}, {}),
        ({"$contains": "x"}, "amended"),
        ({"$contains": [1, 1]}, [1, 2]),
        ({"$contains": 1}, 1),
        ({"$unordered": [1, 2]}, [1, 2, 3]),
        ({"$unordered": [1, 2]}, [1, 1]),
        ({"$near": 10, "within": Decimal("0.5")}, Decimal("10.51")),
        ({"$near": 10, "within": 1}, "ten"),
        ({"$near": 1, "within": 1}, True),
        ({"$exact": True, "a": 1}, {"a": 1, "b": 2}),
        ({"$exact": True, "a": {}}, {"a": {"b": 1}}),
    ],
)
def test_differs(expected, found):
    assert not fits(expected, found)


def test_exact_holds_all_the_way_down_unless_it_is_taken_back():
    assert not fits({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, exact=True)
    assert fits({"a": {"$exact": False, "b": 1}}, {"a": {"b": 1, "c": 2}}, exact=True)


def test_only_what_differs_is_told_and_where():
    expected = {"a": {"b": [1, {"c": 2}], "d": 3}}
    found = {"a": {"b": [1, {"c": 9}, 7], "d": 3}}
    assert [(item.path, item.expected, item.found) for item in differences(expected, found)] == [
        (("a", "b", 1, "c"), 2, 9),
        (("a", "b", 2), MISSING, 7),
    ]


@given(VALUES, VALUES, st.booleans())
def test_what_is_recorded_is_what_is_found(expected, found, exact):
    assert fits(recorded(expected, found, exact=exact), found, exact=exact)


@given(VALUES)
def test_everything_fits_itself(value):
    text = repr(value)
    assert "$" in text or fits(value, value, exact=True)
