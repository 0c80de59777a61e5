"""Entries of mappings: every form, every option, and what is refused."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.language.compiled import EvaluationError
from tests.compile.making import ORDER, compiled, mapping, problems, value

TABLES = """\
table: office
key: {id: string}
columns: {zone: string, address: record, rank: integer}
rows:
  - {id: north, zone: Europe/Berlin, address: {city: Kiel, floor: {level: 3}}, rank: 1}
  - {id: south, zone: Europe/Rome}
---
table: price
key: {sku: string, size: integer}
effective: {from: since, to: until}
columns: {since: date, until: date, amount: decimal}
rows:
  - {sku: A, size: 1, since: 2026-01-01, until: 2026-03-31, amount: 10.50}
  - {sku: A, size: 1, since: 2026-05-01, until: 2026-05-31, amount: 12}
  - {sku: A, size: 1, since: 2026-07-01, amount: 13}
  - {sku: A, size: 2, since: 2026-01-01, amount: 20}
"""


class TestForms:
    @pytest.mark.parametrize(
        "entry, data, expected",
        [
            ("a.b", {"b": 5}, 5),
            ("{path: a.b}", {"b": 5}, 5),
            ("{path: 'a.b[0]'}", {"b": [7, 8]}, 7),
            ("{path: \"a.b[?c == 'x'].d\"}", {"b": [{"c": "x", "d": 1}, {"c": "y", "d": 2}]}, [1]),
            ("{expr: a.b * 2}", {"b": Decimal("1.25")}, Decimal("2.50")),
            ("{template: 'b is {{ a.b }}'}", {"b": 3}, "b is 3"),
            ("{value: 12.50}", None, Decimal("12.50")),
            ("{value: text}", None, "text"),
            ("{value: [1, {b: true}]}", None, [1, {"b": True}]),
            ("{value: false}", None, False),
            ("{value: null}", None, None),
            ("{fields: {b: a.b, c: {fields: {d: {value: 1}}}}}", {"b": 2}, {"b": 2, "c": {"d": 1}}),
            (
                "{fields: {b.c: a.b, b.d: {value: 1}, e: {value: 2}}}",
                {"b": 2},
                {"b": {"c": 2, "d": 1}, "e": 2},
            ),
            ("{each: a.l, fields: {n: item.n}}", {"l": [{"n": 1}, {"n": 2}]}, [{"n": 1}, {"n": 2}]),
            ("{each: a.l, as: x, fields: {n: {expr: x.n + a.m}}}", {"l": [{"n": 1}], "m": 4}, [{"n": 5}]),
            ("{each: a.l, fields: {n: item}}", {"l": []}, []),
            (
                "{each: a.l, as: x, fields: {m: {each: x.l, as: z, fields: {s: {expr: x.k + z}}}}}",
                {"l": [{"k": 1, "l": [10, 20]}, {"k": 2, "l": []}]},
                [{"m": [{"s": 11}, {"s": 21}]}, {"m": []}],
            ),
        ],
    )
    def test_gives_its_value(self, entry, data, expected):
        assert value(entry, data) == {"out": expected}

    def test_a_dotted_field_nests(self):
        assert value("{fields: {x.y.z: a, x.w: {value: 2}}}", 1) == {"out": {"x": {"y": {"z": 1}, "w": 2}}}

    def test_fields_stand_in_the_order_in_which_they_are_written(self):
        made = value("{fields: {z: {value: 1}, b.c: {value: 2}, a: {value: 3}, b.a: {value: 4}}}", None)
        assert list(made["out"]) == ["z", "b", "a"]
        assert list(made["out"]["b"]) == ["c", "a"]

    def test_a_list_that_is_none_is_said(self):
        with pytest.raises(EvaluationError, match="is not a list") as caught:
            value("{each: a.l, fields: {n: item}}", {"l": 5})
        assert caught.value.text == "a.l"
        assert re.fullmatch(r"flows/all\.yaml:\d+:\d+", caught.value.place)

    @pytest.mark.parametrize(
        "entry", ["{each: a.l, fields: {n: item}}", "{each: a.l, required: true, fields: {n: item}}"]
    )
    def test_a_list_that_is_not_there_is_nothing(self, entry):
        with pytest.raises(EvaluationError, match="out is required"):
            value(entry, {})
        assert value("{each: a.l, required: false, fields: {n: item}}", {}) == {"out": None}

    def test_xref_asks_for_the_id_in_the_system(self):
        asked = []

        def ask(*question):
            asked.append(question)
            return "77"

        plan = compiled(
            mapping("{xref: made, id: a.id, in: desk, required: true}", field="string"), desk=True
        ).plan
        assert plan.mappings["m"].make({"a": {"id": "5"}, "$ask": ask}) == {"out": "77"}
        assert asked == [("made", "5", "desk")]
        with pytest.raises(EvaluationError, match="required"):
            plan.mappings["m"].make({"a": {"id": None}, "$ask": ask})
        assert len(asked) == 1


class TestTables:
    @pytest.mark.parametrize(
        "entry, data, expected",
        [
            ("{table: office, key: a.o, take: zone}", {"o": "north"}, "Europe/Berlin"),
            ("{table: office, key: {id: a.o}, take: zone}", {"o": "south"}, "Europe/Rome"),
            ("{table: office, key: {id: {value: north}}, take: zone}", {}, "Europe/Berlin"),
            ("{table: office, key: {id: {expr: a.o.lower}}, take: rank}", {"o": {"lower": "north"}}, 1),
            ("{table: office, key: a.o, take: address.city}", {"o": "north"}, "Kiel"),
            ("{table: office, key: a.o, take: address.floor.level}", {"o": "north"}, 3),
            ("{table: office, key: a.o, take: address.city, default: none}", {"o": "south"}, "none"),
            ("{table: office, key: a.o, take: zone, default: UTC}", {"o": "west"}, "UTC"),
            (
                "{table: office, key: a.o}",
                {"o": "south"},
                {"id": "south", "zone": "Europe/Rome", "address": None, "rank": None},
            ),
        ],
    )
    def test_without_a_day(self, entry, data, expected):
        assert value(entry, data, TABLES) == {"out": expected}

    @pytest.mark.parametrize(
        "day, expected",
        [
            (date(2025, 12, 31), None),
            (date(2026, 1, 1), Decimal("10.50")),
            (date(2026, 3, 31), Decimal("10.50")),
            (date(2026, 4, 1), None),
            (date(2026, 5, 1), Decimal(12)),
            (date(2026, 5, 31), Decimal(12)),
            (date(2026, 6, 30), None),
            (date(2026, 7, 1), Decimal(13)),
            (date(2099, 1, 1), Decimal(13)),
            (None, None),
        ],
    )
    def test_with_a_day_both_the_first_and_the_last_included(self, day, expected):
        entry = "{table: price, key: {sku: a.sku, size: a.size}, on: a.day, take: amount, required: false}"
        assert value(entry, {"sku": "A", "size": 1, "day": day}, TABLES) == {"out": expected}

    def test_all_parts_of_the_key_count(self):
        entry = "{table: price, key: {size: a.size, sku: a.sku}, on: a.day, take: amount, required: false}"
        day = date(2026, 2, 1)
        assert value(entry, {"sku": "A", "size": 2, "day": day}, TABLES) == {"out": Decimal(20)}
        assert value(entry, {"sku": "B", "size": 2, "day": day}, TABLES) == {"out": None}
        assert value(entry, {"sku": None, "size": 2, "day": day}, TABLES) == {"out": None}

    def test_a_key_that_no_row_can_have_is_not_found(self):
        entry = "{table: office, key: a.o, take: zone, required: false}"
        assert value(entry, {"o": 5}, TABLES) == {"out": None}

    def test_a_key_that_is_a_list_is_said(self):
        with pytest.raises(EvaluationError, match="office"):
            value("{table: office, key: a.o, take: zone}", {"o": ["north"]}, TABLES)

    def test_a_day_that_is_none_is_said(self):
        entry = "{table: price, key: {sku: a.sku, size: a.size}, on: a.day, take: amount}"
        with pytest.raises(EvaluationError, match="which is not a date"):
            value(entry, {"sku": "A", "size": 1, "day": datetime(2026, 1, 1, tzinfo=UTC)}, TABLES)

    def test_one_look_up_serves_several_entries(self):
        text = mapping(
            "{fields: {z: {table: office, key: a.o, take: zone}, r: {table: office, key: a.o, take: rank}}}"
        )
        source = compiled(text, TABLES).plan.mappings["m"].source
        assert source.count(".get(t") + source.count(".get(n_") <= 3

    @pytest.mark.parametrize(
        "entry, expected",
        [
            ("{table: ofice, key: a.o, take: zone}", ("TG315", "ofice")),
            ("{table: office, key: a.o, take: zon}", ("TG316", "zon")),
            ("{table: office, take: zone}", ("TG406", "office")),
            ("{table: price, key: a.o, on: a.day, take: amount}", ("TG406", "a.o")),
            ("{table: price, key: {sku: a.s}, on: a.day, take: amount}", ("TG406", "{sku: a.s}")),
            ("{table: price, key: {sku: a.s, siz: a.z}, on: a.day, take: amount}", ("TG316", "siz")),
            ("{table: price, key: {sku: a.s, size: a.z}, take: amount}", ("TG405", "price")),
            ("{table: office, key: a.o, on: a.day, take: zone}", ("TG405", "a.day")),
            ("{table: office, key: o.id, take: zone}", ("TG302", "o")),
            ("{path: a.o, take: zone}", ("TG510", "take")),
            ("{path: a.o, key: a.p}", ("TG510", "key")),
        ],
    )
    def test_mistakes_are_reported_once(self, entry, expected):
        assert problems(mapping(entry), TABLES) == [expected]

    def test_types_of_keys_and_days_are_checked(self):
        keys = "{table: office, key: o.count, take: zone}"
        days = "{table: price, key: {sku: o.id, size: o.count}, on: o.total, take: amount}"
        inputs = "{o: canonical/order@1}"
        assert problems(mapping(keys, inputs=inputs), ORDER, TABLES) == [("TG409", "o.count")]
        assert problems(mapping(days, inputs=inputs), ORDER, TABLES) == [("TG409", "o.total")]


class TestConversions:
    @pytest.mark.parametrize(
        "kind, given, expected",
        [
            ("string", 5, "5"),
            ("string", Decimal("1.50"), "1.50"),
            ("string", True, "true"),
            ("string", date(2026, 1, 2), "2026-01-02"),
            ("string", datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00Z"),
            ("integer", "12", 12),
            ("integer", Decimal("12.00"), 12),
            ("decimal", " 1.5 ", Decimal("1.5")),
            ("decimal", 3, Decimal(3)),
            ("decimal(2)", "2.675", Decimal("2.68")),
            ("decimal(2)", Decimal("2.665"), Decimal("2.66")),
            ("decimal(0)", Decimal("2.5"), Decimal(2)),
            ("boolean", "true", True),
            ("boolean", False, False),
            ("date", "2026-02-28", date(2026, 2, 28)),
            ("datetime", "2026-01-02T04:00:00+01:00", datetime(2026, 1, 2, 3, tzinfo=UTC)),
        ],
    )
    def test_as(self, kind, given, expected):
        made = value(f"{{path: a, as: {kind}}}", given)["out"]
        assert (made, type(made)) == (expected, type(expected))

    @pytest.mark.parametrize(
        "rounding, expected",
        [
            ("half_even", ["2.12", "-2.12", "2.14"]),
            ("half_up", ["2.13", "-2.13", "2.14"]),
            ("down", ["2.12", "-2.12", "2.13"]),
            ("up", ["2.13", "-2.13", "2.14"]),
            ("floor", ["2.12", "-2.13", "2.13"]),
            ("ceiling", ["2.13", "-2.12", "2.14"]),
        ],
    )
    def test_rounding(self, rounding, expected):
        entry = f"{{each: a, fields: {{n: {{path: item, as: decimal(2), rounding: {rounding}}}}}}}"
        given = [Decimal("2.125"), Decimal("-2.125"), Decimal("2.136")]
        assert [str(row["n"]) for row in value(entry, given)["out"]] == expected

    @pytest.mark.parametrize(
        "kind, given",
        [
            ("integer", "1.5"),
            ("integer", "x"),
            ("decimal", True),
            ("decimal", "NaN"),
            ("decimal(2)", "1e90"),
            ("boolean", "yes"),
            ("date", "2026-02-30"),
            ("datetime", "2026-01-02T04:00:00"),
            ("string", [1]),
        ],
    )
    def test_what_cannot_become_it_is_said(self, kind, given):
        with pytest.raises(EvaluationError):
            value(f"{{path: a, as: {kind}}}", given)

    def test_null_stays_null(self):
        assert value("{path: a, as: decimal(2), required: false}", None) == {"out": None}

    @pytest.mark.parametrize(
        "kind", ["coins", "decimal(-1)", "string(2)", "dcimal", "decimal(21)", "decimal(999)", "list"]
    )
    def test_conversions_that_do_not_exist(self, kind):
        assert problems(mapping(f"{{path: a, as: {kind}}}")) == [("TG402", kind)]

    @pytest.mark.parametrize(
        "path, kind, right",
        [
            ("o.id", "decimal", True),
            ("o.total", "integer", True),
            ("o.paid", "string", True),
            ("o.placed_on", "string", True),
            ("o.paid", "decimal", False),
            ("o.placed_on", "decimal", False),
            ("o.lines", "string", False),
            ("o.client", "string", False),
            ("o.sent_at", "date", False),
        ],
    )
    def test_conversions_that_never_work(self, path, kind, right):
        found = problems(mapping(f"{{path: {path}, as: {kind}}}", inputs="{o: canonical/order@1}"), ORDER)
        assert found == ([] if right else [("TG402", kind)])


class TestOptions:
    @pytest.mark.parametrize(
        "entry, data, expected",
        [
            ("{path: a.b, default: 5}", {}, 5),
            ("{path: a.b, default: 5}", {"b": None}, 5),
            ("{path: a.b, default: 5}", {"b": 0}, 0),
            ("{path: a.b, default: null}", {}, None),
            ("{path: a.b, default: [x]}", {}, ["x"]),
            ("{path: a.b, required: false}", {}, None),
            ("{path: a.b, as: decimal(2), default: 0}", {"b": "1.005"}, Decimal("1.00")),
            ("{path: a.b, max_length: 3}", {"b": "abcdef"}, "abc"),
            ("{path: a.b, max_length: 3}", {"b": "ab"}, "ab"),
            ("{path: a.b, as: string, max_length: 2}", {"b": 12345}, "12"),
            ("{path: a.b, values: {x: 1, y: [2]}}", {"b": "y"}, [2]),
            ("{path: a.b, values: {'1': one, 'true': 'yes'}}", {"b": 1}, "one"),
            ("{path: a.b, values: {'1': one, 'true': 'yes'}}", {"b": True}, "yes"),
            ("{path: a.b, values: {x: '5'}, as: integer}", {"b": "x"}, 5),
            ("{path: a.b, values: {x: null}, default: 7}", {"b": "x"}, 7),
            ("{path: a.b, values: {x: 1}, required: false}", {}, None),
        ],
    )
    def test_each_of_them(self, entry, data, expected):
        assert value(entry, data) == {"out": expected}

    def test_nothing_found_is_an_error_that_tells_of_the_field_and_its_place(self):
        with pytest.raises(EvaluationError, match="out is required, and nothing was found for it") as caught:
            value("a.b", {})
        assert caught.value.text == "a.b"
        assert caught.value.place.startswith("flows/all.yaml:")

    def test_nothing_found_is_fine_where_the_field_may_be_null(self):
        assert value("a.b", {}, field="{type: string, nullable: true}") == {"out": None}
        with pytest.raises(EvaluationError, match="required"):
            value("{path: a.b, required: true}", {}, field="{type: string, nullable: true}")

    @pytest.mark.parametrize(
        "omit, given, kept",
        [
            ("null", None, False),
            ("null", "", True),
            ("null", [], True),
            ("null", 0, True),
            ("empty", None, False),
            ("empty", "", False),
            ("empty", [], False),
            ("empty", 0, True),
            ("empty", False, True),
        ],
    )
    def test_omit(self, omit, given, kept):
        assert value(f"{{path: a, omit: '{omit}'}}", given) == ({"out": given} if kept else {})
        nested = value(f"{{fields: {{x.y: {{path: a, omit: '{omit}'}}, z: {{value: 1}}}}}}", given)["out"]
        assert nested == ({"x": {"y": given}, "z": 1} if kept else {"z": 1})
        beside = value(f"{{fields: {{x.y: {{path: a, omit: '{omit}'}}, x.z: {{value: 1}}}}}}", given)["out"]
        assert beside == ({"x": {"y": given, "z": 1}} if kept else {"x": {"z": 1}})

    @pytest.mark.parametrize("given", ["z", 1, None])
    def test_a_value_that_is_not_in_the_map_never_passes(self, given):
        with pytest.raises(EvaluationError):
            value("{path: a, values: {x: 1, y: unmapped}}", given)

    def test_a_value_that_is_declared_unmapped_is_refused(self):
        with pytest.raises(EvaluationError, match="declared unmapped"):
            value("{path: a, values: {x: 1, y: unmapped}}", "y")

    @pytest.mark.parametrize(
        "path, values, expected",
        [
            ("o.status", "{open: O, closed: C}", []),
            ("o.status", "{open: O, closed: unmapped}", []),
            ("o.status", "{open: O}", [("TG404", "values")]),
            ("o.status", "{open: O, closed: C, lost: L}", [("TG403", "lost")]),
            ("o.paid", "{'true': t, 'false': f}", []),
            ("o.paid", "{'true': t}", [("TG404", "values")]),
            ("o.id", "{open: O}", []),
        ],
    )
    def test_a_value_map_says_what_becomes_of_each_known_value(self, path, values, expected):
        found = problems(
            mapping(f"{{path: {path}, values: {values}}}", inputs="{o: canonical/order@1}"), ORDER
        )
        assert found == expected

    @pytest.mark.parametrize(
        "entry, expected",
        [
            ("{path: a, rounding: down}", ("TG510", "rounding")),
            ("{path: a, as: string, rounding: down}", ("TG510", "rounding")),
            ("{path: a, id: a.b}", ("TG510", "id")),
            ("{path: a, in: crm}", ("TG510", "in")),
            ("{each: a, fields: {b: item}, max_length: 3}", ("TG510", "max_length")),
            ("{each: a, fields: {b: item}, values: {x: 1}}", ("TG510", "values")),
            ("{xref: made, id: a.b}", ("TG407", "made")),
            ("{xref: maid, id: a.b, in: crm}", ("TG314", "maid")),
            ("{xref: made, id: a.b, in: crm}", ("TG319", "crm")),
        ],
    )
    def test_keys_that_say_nothing_and_names_that_are_not_there(self, entry, expected):
        assert expected in problems(mapping(entry))

    @pytest.mark.parametrize(
        "entry, expected",
        [
            ("{fields: {b: {value: 1}, b.c: {value: 2}}}", ("TG308", "b.c")),
            ("{fields: {b.c: {value: 2}, b: {value: 1}}}", ("TG308", "b")),
            ("{fields: {b: {path: a, omit: empty}, b.c: {value: 2}}}", ("TG308", "b.c")),
            ("{each: a.l, as: a, fields: {b: {value: 1}}}", ("TG308", "a")),
            ("{each: a.l, as: decimal(2), fields: {b: {value: 1}}}", ("TG208", "decimal(2)")),
            ("{fields: {a.b.c.d.e.f.g.h.i.j.k.l.m: {value: 1}}}", ("TG416", "a.b.c.d.e.f.g.h.i.j.k.l.m")),
        ],
    )
    def test_names_that_are_taken_or_none(self, entry, expected):
        assert problems(mapping(entry)) == [expected]


class TestTypes:
    @pytest.mark.parametrize(
        "field, entry, expected",
        [
            ("string", "o.count", ("TG409", "o.count")),
            ("string", "{path: o.count, as: string}", None),
            ("decimal", "o.id", ("TG409", "o.id")),
            ("decimal", "o.count", None),
            ("integer", "o.total", ("TG423", "o.total")),
            ("boolean", "o.status", ("TG409", "o.status")),
            ("date", "o.id", None),
            ("date", "o.placed_on", None),
            ("date", "o.sent_at", ("TG409", "o.sent_at")),
            ("string", "o.placed_on", None),
            ("string", "o.lines", ("TG409", "o.lines")),
            ("list", "o.lines", None),
            ("list", "{each: o.lines, fields: {b: item.sku}}", None),
            ("string", "{each: o.lines, fields: {b: item.sku}}", ("TG409", "o.lines")),
            ("{type: list, items: integer}", "o.tags", ("TG409", "o.tags")),
            ("{enum: [open, done]}", "o.status", ("TG421", "o.status")),
            ("{enum: [won, lost]}", "o.status", ("TG409", "o.status")),
            ("{enum: [won, lost]}", "{path: o.status, values: {open: won, closed: lost}}", None),
            ("{enum: [won, lost]}", "{value: gone}", ("TG409", "gone")),
            ("{enum: [won, lost]}", "o.id", None),
            ("decimal", "{value: five}", ("TG409", "five")),
            ("decimal", "{path: o.total, default: none}", ("TG409", "none")),
            ("string", "{template: '{{ o.total }}'}", None),
            ("integer", "{template: '{{ o.total }}'}", ("TG409", "'{{ o.total }}'")),
            ("boolean", "{expr: o.count > 3}", None),
            ("decimal", "{expr: o.count > 3}", ("TG409", "o.count > 3")),
            ("money", "{fields: {amount: o.total, currency: {value: EUR}}}", None),
            ("money", "{fields: {amount: o.total}}", ("TG408", "out")),
            (
                "money",
                "{fields: {amount: o.total, currency: {value: EUR}, tax: {value: 1}}}",
                ("TG309", "tax"),
            ),
            ("any", "o.count", None),
        ],
    )
    def test_a_value_that_its_field_never_takes(self, field, entry, expected):
        found = problems(mapping(entry, field=field, inputs="{o: canonical/order@1}"), ORDER)
        assert found == ([] if expected is None else [expected])

    @pytest.mark.parametrize(
        "field, entry, expected",
        [
            ("{type: decimal, decimals: 2}", "{value: 1.005}", "1.005"),
            ("{type: decimal, decimals: 2}", "{value: 1.50}", None),
            ("{type: decimal, decimals: 2}", "{path: o.total, as: decimal(2), default: 0.125}", "0.125"),
            ("{type: decimal, decimals: 2}", "{path: o.status, values: {open: 1.005, closed: 2}}", "1.005"),
            ("integer", "{path: o.count, default: 1.5}", "1.5"),
            ("integer", "{path: o.count, default: 2.0}", None),
            ("string", "{value: [x]}", "[x]"),
            ("string", "{path: o.note, default: [x]}", "[x]"),
            ("date", "{value: tomorrow}", "tomorrow"),
            ("date", "{path: o.placed_on, default: 2026-02-30}", "2026-02-30"),
            ("date", "{path: o.placed_on, default: 2026-02-28}", None),
            ("datetime", "{path: o.sent_at, default: 2026-02-28T09:00:00}", "2026-02-28T09:00:00"),
            ("datetime", "{path: o.sent_at, default: 2026-02-28T09:00:00Z}", None),
            (
                "{type: money, currency: EUR}",
                "{value: {amount: 5, currency: USD}}",
                "{amount: 5, currency: USD}",
            ),
            ("money", "{value: {amount: 5}}", "{amount: 5}"),
            ("money", "{value: {amount: 5, currency: USD, tax: 1}}", "{amount: 5, currency: USD, tax: 1}"),
            ("money", "{value: {amount: 5, currency: USD}}", None),
            ("{type: list, items: string}", "{path: o.tags, default: [a, 5]}", "[a, 5]"),
            ("{type: list, items: string}", "{path: o.tags, default: [a, null]}", "[a, null]"),
            ("{type: list, items: {type: string, nullable: true}}", "{path: o.tags, default: [null]}", None),
        ],
    )
    def test_a_constant_that_its_field_does_not_take(self, field, entry, expected):
        found = problems(mapping(entry, field=field, inputs="{o: canonical/order@1}"), ORDER)
        assert [text for code, text in found if code in ("TG409", "TG420")] == (
            [expected] if expected else []
        )

    def test_required_fields_are_demanded_of_records_in_records(self):
        field = (
            "{type: record, fields: {id: {type: string, required: true}, at: {type: date, required: true}}}"
        )
        assert problems(mapping("{fields: {id: {value: x}}}", field=field)) == [("TG408", "out")]
        whole = "{fields: {id: {value: x}, at: {value: '2026-01-01'}}}"
        assert problems(mapping(whole, field=field)) == []

    def test_what_a_let_makes_is_known(self):
        lets = "one: {fields: {size: {value: 1}, name: {value: x}}}\nmany: {each: a, fields: {n: item.n}}"
        assert problems(mapping("one.size", lets=lets)) == []
        assert problems(mapping("one.sise", lets=lets)) == [("TG303", "sise")]
        assert problems(mapping("many[0].m", lets=lets)) == [("TG303", "m")]

    def test_unknown_types_make_no_further_problems(self):
        text = mapping("{expr: a.b.c + a.d}", inputs="{a: canonical/none@1}")
        assert problems(text) == [("TG310", "canonical/none@1")]
        output = text.replace("output: canonical/made@1", "output: canonical/maid@1")
        assert problems(output) == [("TG310", "canonical/none@1"), ("TG310", "canonical/maid@1")]


class TestLet:
    def test_is_computed_only_when_it_is_used(self):
        lets = "bad: {expr: 1 / a.zero}\ngood: {expr: a.zero + 1}"
        assert value("good", {"zero": 0}, lets=lets) == {"out": 1}
        with pytest.raises(EvaluationError):
            value("bad", {"zero": 0}, lets=lets)

    def test_is_computed_once(self):
        lets = "twice: {expr: len(a) * 2}"
        text = mapping("{fields: {x: twice, y: {expr: twice + 1}, z: {template: '{{ twice }}'}}}", lets=lets)
        plan = compiled(text).plan.mappings["m"]
        assert plan.make({"a": [1, 2]}) == {"out": {"x": 4, "y": 5, "z": "4"}}
        assert plan.source.count("(n_a)") == 1

    def test_uses_others_in_any_order(self):
        lets = "b: {expr: c * 2}\nc: {expr: d + 1}\nd: a.n"
        assert value("b", {"n": 4}, lets=lets) == {"out": 10}

    @pytest.mark.parametrize("items, expected", [([], []), ([1, 2], [{"v": 11}, {"v": 12}])])
    def test_used_first_inside_of_a_list_is_there_behind_it(self, items, expected):
        lets = "base: {expr: a.base}\nrows: {each: a.l, fields: {v: {expr: item + base}}}"
        entry = "{fields: {rows: rows, base: base}}"
        assert value(entry, {"l": items, "base": 10}, lets=lets) == {"out": {"rows": expected, "base": 10}}

    def test_used_in_conditions_inside_of_formulas(self):
        lets = "n: {expr: 10 / a.d}"
        entry = "{expr: 'n if a.d != 0 else 0'}"
        assert value(entry, {"d": 5}, lets=lets) == {"out": 2}

    def test_used_in_keys_of_tables_and_days(self):
        lets = "office: a.o\nsku: {value: A}\nday: {path: a.day, as: date}"
        entry = "{fields: {z: {table: office, key: office, take: zone}, p: {table: price, key: {sku: sku, size: a.n}, on: day, take: amount}}}"
        data = {"o": "north", "n": 1, "day": "2026-01-05"}
        assert value(entry, data, TABLES, lets=lets) == {"out": {"z": "Europe/Berlin", "p": Decimal("10.50")}}

    @pytest.mark.parametrize(
        "lets, expected",
        [
            ("x: x", [("TG502", "x")]),
            ("x: {expr: u + 1}\nu: {expr: z}\nz: {expr: x}", [("TG502", "x")]),
            ("w: {expr: x}\nx: {expr: z}\nz: {expr: x}", [("TG502", "x")]),
            ("x: {each: a, fields: {b: {expr: x}}}", [("TG502", "x")]),
            ("a: {value: 1}", [("TG308", "a")]),
            ("x y: {value: 1}", [("TG208", "x y")]),
            ("x: {expr: nothing}", [("TG302", "nothing")]),
        ],
    )
    def test_mistakes_are_found_whether_it_is_used_or_not(self, lets, expected):
        assert problems(mapping("a", lets=lets)) == expected
        if "x y" not in lets and "x:" in lets:
            assert problems(mapping("{expr: x}", lets=lets)) == expected

    def test_a_let_of_a_constant_can_be_read_as_any_other(self):
        lets = "text: {value: abc}\nnumber: {value: 5, default: 3}\nrow: {value: {b: 1}}"
        entry = "{fields: {t: {expr: text + 'd'}, n: {expr: number + 1}, r: row.b}}"
        assert value(entry, None, lets=lets) == {"out": {"t": "abcd", "n": 6, "r": 1}}

    @pytest.mark.parametrize("name, use", [("n", "x.n"), ("deep.n", "x.deep.n")])
    def test_null_in_a_record_of_a_let_is_a_matter_of_who_uses_it(self, name, use):
        data = {"id": "1", "note": None}
        options = {"lets": f"x: {{fields: {{{name}: a.note}}}}", "inputs": "{a: canonical/order@1}"}
        safe = {**options, "field": "string"}
        assert value(f"{{expr: \"default({use}, 'none')\"}}", data, ORDER, **safe) == {"out": "none"}
        assert problems(mapping(f"{{expr: upper({use})}}", **safe), ORDER) == [("TG417", use)]
        sure = {**safe, "lets": f"x: {{fields: {{{name}: {{path: a.note, required: true}}}}}}"}
        assert value(f"{{expr: upper({use})}}", {**data, "note": "b"}, ORDER, **sure) == {"out": "B"}
        with pytest.raises(EvaluationError, match="is required"):
            value(f"{{expr: upper({use})}}", data, ORDER, **sure)

    def test_names_that_only_quoted_paths_could_use_are_refused(self):
        assert problems(mapping("'\"x y\".z'", inputs='{"x y": any}')) == [("TG208", '"x y"')]
