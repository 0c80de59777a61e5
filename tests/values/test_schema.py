"""JSON Schemas: the types that they describe, and what they say of values."""

from datetime import UTC, date, datetime
from decimal import Decimal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.values.schema import SchemaUnusable, checked_schema, record_type, type_from_schema
from engine.values.type import (
    ANY,
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    STRING,
    Enum,
    Field,
    Listing,
    Record,
    Scalar,
)

TIME = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "hours"],
    "properties": {
        "id": {"type": "string", "maxLength": 3},
        "hours": {"type": "number", "multipleOf": Decimal("0.01"), "minimum": 0},
        "day": {"type": "string", "format": "date"},
        "at": {"type": ["string", "null"], "format": "date-time"},
    },
}


class TestTypes:
    @pytest.mark.parametrize(
        "schema, kind",
        [
            ({"type": "string"}, STRING),
            ({"type": "string", "format": "date"}, DATE),
            ({"type": "string", "format": "date-time"}, DATETIME),
            ({"type": "string", "format": "email"}, STRING),
            ({"type": "integer"}, INTEGER),
            ({"type": "number"}, DECIMAL),
            ({"type": "number", "multipleOf": Decimal("0.01")}, Scalar(name="decimal", decimals=2)),
            ({"type": "number", "multipleOf": Decimal("0.05")}, DECIMAL),
            ({"type": "number", "multipleOf": 1}, DECIMAL),
            ({"type": "boolean"}, BOOLEAN),
            ({"enum": ["a", "b", None]}, Enum(values=("a", "b"))),
            ({"enum": ["a", 1]}, ANY),
            ({"type": "array", "items": {"type": "integer"}}, Listing(item=INTEGER)),
            ({"type": "array"}, Listing(item=ANY, nullable=True)),
            ({"type": ["string", "null"]}, STRING),
            ({"type": ["string", "integer"]}, ANY),
            ({"anyOf": [{"type": "string"}, {"type": "null"}]}, STRING),
            ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, ANY),
            ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "boolean"}}}, BOOLEAN),
            ({}, ANY),
        ],
    )
    def test_kinds(self, schema, kind):
        assert type_from_schema(schema, "n") == kind

    def test_records(self):
        assert record_type(TIME, "harvest/time@2") == Record(
            name="harvest/time@2",
            fields={
                "id": Field(type=Scalar(name="string", longest=3), required=True),
                "hours": Field(type=Scalar(name="decimal", decimals=2), required=True),
                "day": Field(type=DATE),
                "at": Field(type=DATETIME, nullable=True),
            },
        )

    @pytest.mark.parametrize(
        "schema, nullable",
        [
            ({"type": "string"}, False),
            ({"type": ["string", "null"]}, True),
            ({"enum": ["a"]}, False),
            ({"enum": ["a", None]}, True),
            ({"const": 1}, False),
            ({"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
            ({"$ref": "#/$defs/maybe"}, True),
            ({}, True),
        ],
    )
    def test_what_may_be_null(self, schema, nullable):
        whole = {
            "type": "object",
            "properties": {"x": schema},
            "$defs": {"maybe": {"type": ["integer", "null"]}},
        }
        assert record_type(whole, "n").fields["x"].nullable is nullable

    @pytest.mark.parametrize(
        "schema",
        [
            {"$ref": "other.json#/x"},
            {"$ref": "https://example.org/schema"},
            {"$ref": "#/$defs/none"},
            {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
            {"type": "array", "items": {"$ref": "#"}},
        ],
    )
    def test_references_that_lead_nowhere_or_round(self, schema):
        with pytest.raises(SchemaUnusable):
            type_from_schema(schema, "n")

    def test_what_is_no_record(self):
        with pytest.raises(SchemaUnusable, match="no record"):
            record_type({"type": "string"}, "n")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4) | st.decimals(-5, 5, places=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=8,
)
SCHEMA = {
    "type": "object",
    "required": ["a"],
    "additionalProperties": False,
    "properties": {
        "a": {"type": "number", "minimum": -2},
        "b": {"type": ["string", "null"], "minLength": 1},
        "c": {"type": "array", "items": {"type": "boolean"}, "maxItems": 2},
    },
}


NUMBERS = st.integers(-3, 3) | st.decimals(-3, 3, allow_nan=False, places=1)


def whole(value):
    """The value with whole decimals as integers: 1.0 is one, and the reference knows that of floats only."""
    if isinstance(value, dict):
        return {name: whole(one) for name, one in value.items()}
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


BOUNDED_NUMBER = st.fixed_dictionaries(
    {"type": st.sampled_from(["number", ["number", "null"], "integer", ["string", "number"]])},
    optional={"minimum": NUMBERS, "maximum": NUMBERS, "exclusiveMaximum": NUMBERS},
)
BOUNDED = st.recursive(
    BOUNDED_NUMBER,
    lambda inner: st.fixed_dictionaries(
        {"properties": st.dictionaries(st.sampled_from("ab"), inner)},
        optional={"type": st.just("object"), "items": inner, "minimum": NUMBERS},
    ),
    max_leaves=4,
)
BOUNDED_VALUES = st.recursive(
    NUMBERS | st.sampled_from([None, True, "a"]),
    lambda inner: st.dictionaries(st.sampled_from("ab"), inner) | st.lists(inner, max_size=2),
    max_leaves=4,
)


class TestComplaints:
    @pytest.mark.parametrize(
        "value, said",
        [
            ({"id": "a", "hours": Decimal("7.25")}, []),
            ({"id": "a", "hours": 7, "day": date(2026, 3, 1), "at": datetime(2026, 3, 1, tzinfo=UTC)}, []),
            ({"id": "a", "hours": 7, "day": "2026-03-01", "at": "2026-03-01T12:00:00.000+0000"}, []),
            ({"id": "a", "hours": 7, "at": None}, []),
            ({"id": "a"}, ["hours: is required and missing"]),
            ({"id": 7, "hours": 1}, ["id: expected text, found whole number"]),
            ({"id": "abcd", "hours": 1}, ["id: the value is longer than 3 characters"]),
            ({"id": "a", "hours": Decimal("7.255")}, ["hours: the value is not a multiple of 0.01"]),
            ({"id": "a", "hours": 1, "day": "soon"}, ["day: 'soon' is not a date (write 2026-05-29)"]),
            ([], ["the record: expected record, found list"]),
            ({"id": Decimal("7.5"), "hours": 1}, ["id: expected text, found number"]),
        ],
    )
    def test_sentences(self, value, said):
        assert checked_schema(TIME, "n").complaints(value) == said

    def test_unknown_field_is_named(self):
        (said,) = checked_schema(TIME, "n").complaints({"id": "a", "hours": 1, "hurs": 2})
        assert said == "there is no field `hurs`"

    @pytest.mark.requirement("API-16")
    def test_values_are_not_repeated(self):
        schema = {"type": "object", "properties": {"name": {"type": "string", "pattern": "^[A-Z]+$"}}}
        assert "Jane" not in str(checked_schema(schema, "n").complaints({"name": "Jane Doe"}))

    def test_complaints_are_bounded(self):
        schema = {"type": "array", "items": {"type": "string"}}
        assert len(checked_schema(schema, "n").complaints(list(range(1000)))) == 5

    @pytest.mark.parametrize("schema", [{"type": "strin"}, {"properties": []}, {"pattern": "("}])
    def test_what_is_no_schema(self, schema):
        with pytest.raises(SchemaUnusable, match="no JSON Schema"):
            checked_schema(schema, "n")

    @given(st.decimals(-1000, 1000, allow_nan=False, places=3))
    def test_decimals_are_exact(self, amount):
        schema = {"multipleOf": Decimal("0.01"), "maximum": Decimal("999.99")}
        valid = checked_schema(schema, "n").complaints(amount) == []
        assert valid is (amount % Decimal("0.01") == 0 and amount <= Decimal("999.99"))

    @given(BOUNDED, BOUNDED_VALUES)
    def test_bounds_of_numbers_are_judged_as_the_reference_judges_them(self, schema, value):
        wanted = jsonschema.Draft202012Validator(schema).is_valid(whole(value))
        said = checked_schema(schema, "n").complaints(value)
        assert (said == []) is wanted
        assert wanted or "does not fulfil" not in str(said)

    @given(VALUES)
    def test_the_reference_implementation_agrees(self, value):
        wanted = jsonschema.Draft202012Validator(SCHEMA).is_valid(value)
        assert (checked_schema(SCHEMA, "n").complaints(value) == []) is wanted


def test_decoding():
    checked = checked_schema(TIME, "n")
    decoded = checked.decode({"id": "a", "hours": 1, "day": "2026-03-01", "at": "2026-03-01T12:00:00+02:00"})
    assert decoded["day"] == date(2026, 3, 1)
    assert decoded["at"] == datetime(2026, 3, 1, 10, tzinfo=UTC)
