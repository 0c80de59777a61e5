"""Values on the wire and the classes of errors, without a server."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.tryton.records import bears, mark, marked
from connectors.tryton.refusals import fault_in, warning_in
from connectors.tryton.wire import duration, from_wire, to_wire
from engine.connect import FaultClass, read_json, write_json

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=5, minutes=30))])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.text(max_size=20),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12),
    st.dates(),
    st.datetimes(timezones=ZONES, min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_every_value_comes_back_as_it_was(value):
    assert from_wire(read_json(write_json(to_wire(value)))) == value


@given(st.decimals(min_value=0, max_value=24, places=3))
def test_hours_come_back_as_they_were(hours):
    assert from_wire(read_json(write_json(to_wire({"duration": duration(hours)})))) == {"duration": hours}


@pytest.mark.parametrize(
    "broken",
    [
        {"__class__": "date", "year": 2026, "month": 13, "day": 1},
        {"__class__": "date", "year": 2026},
        {"__class__": "Decimal", "decimal": "many"},
        {"__class__": "timedelta", "seconds": None},
        [{"__class__": "datetime", "year": "x"}],
    ],
)
def test_what_is_not_what_it_says_is_refused(broken):
    with pytest.raises((LookupError, ValueError, ArithmeticError)):
        from_wire(broken)


def test_amounts_travel_as_text():
    assert to_wire(Decimal("1E+2")) == {"__class__": "Decimal", "decimal": "100"}
    assert to_wire([date(2026, 3, 3)]) == [{"__class__": "date", "year": 2026, "month": 3, "day": 3}]


CLOSED, PERMANENT, TRANSIENT = FaultClass.CLOSED_PERIOD, FaultClass.PERMANENT, FaultClass.TRANSIENT


@pytest.mark.parametrize(
    "error, fault",
    [
        (["UserError", ['You cannot add lines on closed journal-period "M - 2026-02".', "", None]], CLOSED),
        (["UserError", ['You cannot create a journal-period in closed period "2026-01".', ""]], CLOSED),
        (["UserError", ['To continue, you must reopen the period "2026-02" of company "C".', ""]], CLOSED),
        (["UserError", ['To continue, you must create a period for the date "01/05/2029".', ""]], PERMANENT),
        (["UserError", ["The code on party must be unique.", ""]], PERMANENT),
        (["UserError", ['A value is required for field "Closed period".', ""]], PERMANENT),
        (["UserWarning", ["ab12.some_kind", "Really?", ""]], PERMANENT),
        (["ConcurrencyException", "Records were modified in the meanwhile"], TRANSIENT),
        (["database is locked", ""], TRANSIENT),
        (["'nofield'", ""], PERMANENT),
        ("text", PERMANENT),
        (None, PERMANENT),
        ([], PERMANENT),
        ([7, {"a": 1}], PERMANENT),
    ],
)
def test_errors_have_a_class_and_a_reason(error, fault):
    found = fault_in(error, "erp").failure
    assert found.fault is fault
    assert found.reason.startswith("erp: ")


@given(VALUES)
def test_no_error_is_beyond_classing(error):
    assert fault_in(error, "erp").failure.fault in FaultClass
    assert warning_in(error) is None


def test_a_warning_has_a_kind():
    warned = warning_in(["UserWarning", ["4c1f.invoice_payment_term", "The date is past.", ""]])
    assert (warned.kind, warned.text) == ("invoice_payment_term", "The date is past.")


@given(st.from_regex(r"\S+", fullmatch=True), st.from_regex(r"\S+", fullmatch=True), st.text())
def test_a_mark_is_that_of_one_key_only(key, other, remark):
    assert bears(marked(key, remark), key)
    assert bears(mark(key), key)
    assert bears(marked(key, remark), other) == (key == other)
