"""Types from the schema of a source to the field of a target: what fits, what may be null, what was shown before."""

import pytest

from tests.compile.making import compiled, mapping, problems, value

ROW = """\
entity: row
fields:
  id: {type: string, required: true}
  state: {enum: [open, closed], required: true}
  note: {type: string, max_length: 100, required: true}
  maybe: string
  flag: {type: boolean, nullable: true, required: true}
  hours: {type: decimal, decimals: 2, required: true}
  count: {type: integer, required: true}
  euros: {type: money, currency: EUR, required: true}
  sum: {type: money, required: true}
  day: {type: date, required: true}
  parts:
    type: list
    required: true
    items: {type: record, fields: {name: {type: string, required: true}, size: integer}}
"""
OF_ROW = "{r: canonical/row@1}"

# The type of the field, the entry, and the code and text of its problem.
FITS = [
    ("{enum: [open, closed, void]}", "r.state", None),
    ("{enum: [open]}", "r.state", ("TG421", "r.state")),
    ("{enum: [open]}", "{expr: \"'open' if r.count > 1 else 'shut'\"}", ("TG421", "\"'open' if r.count > 1 else 'shut'\"")),
    ("{enum: [open]}", "{path: r.state, values: {open: open, closed: shut}}", ("TG420", "shut")),
    ("integer", "{path: r.state, values: {open: 1, closed: two}}", ("TG420", "two")),
    ("integer", "{path: r.state, values: {open: '1', closed: '2'}, as: integer}", None),
    ("{type: string, max_length: 50}", "r.note", ("TG422", "r.note")),
    ("{type: string, max_length: 50}", "{path: r.note, max_length: 50}", None),
    ("{type: string, max_length: 100}", "r.note", None),
    ("{type: string, max_length: 3}", "{value: four}", ("TG422", "four")),
    ("{type: string, max_length: 3}", "r.id", None),
    ("{type: decimal, decimals: 1}", "r.hours", ("TG423", "r.hours")),
    ("{type: decimal, decimals: 2}", "{expr: r.hours * r.count}", None),
    ("{type: decimal, decimals: 2}", "{expr: r.hours * r.hours}", ("TG423", "r.hours * r.hours")),
    ("{type: decimal, decimals: 2}", "{expr: r.hours * r.hours, as: decimal(2)}", None),
    ("integer", "{expr: r.count + 1}", None),
    ("integer", "{expr: r.count / 2}", ("TG423", "r.count / 2")),
    ("{type: money, currency: USD}", "r.euros", ("TG424", "r.euros")),
    ("{type: money, currency: USD}", "r.sum", None),
    ("{type: money, currency: EUR}", "{expr: 'add_money(r.euros, r.euros)'}", None),
    ("money", "r.euros", None),
    ("money", "{value: 12.50 EUR, as: money}", None),
    ("string", "r.maybe", ("TG418", "r.maybe")),
    ("{type: string, nullable: true}", "r.maybe", None),
    ("string", "{path: r.maybe, required: true}", None),
    ("string", "{path: r.maybe, default: none}", None),
    ("string", "{path: r.maybe, omit: null}", None),
    ("{type: string, required: true}", "{path: r.maybe, omit: null}", ("TG418", "omit")),
    ("string", "{path: 'r.parts[0].name'}", ("TG418", "'r.parts[0].name'")),
    ("string", "{expr: upper(r.maybe)}", ("TG417", "r.maybe")),
    ("string", "{expr: \"r.parts[0].name if len(r.parts) > 0 else ''\"}", None),
    ("{type: list, items: {type: record, fields: {name: string}}}", "r.parts", None),
    ("{type: list, items: {type: record, fields: {label: {type: string, required: true}}}}", "r.parts", ("TG430", "r.parts")),
    ("{type: list, items: {type: record, fields: {size: {type: integer, required: true}}}}", "r.parts", ("TG418", "r.parts")),
    ("{type: list, items: integer}", "'r.parts[].size'", None),
]  # fmt: skip


@pytest.mark.parametrize("field, entry, expected", FITS)
def test_what_fits_its_field(field, entry, expected):
    found = problems(mapping(entry, field=field, inputs=OF_ROW), ROW)
    assert found == ([] if expected is None else [expected])


class TestWhatIsSaidOnce:
    def test_a_let_that_is_required_is_there(self):
        lets = "maybe: {path: r.maybe, required: true}"
        assert problems(mapping("{expr: upper(maybe)}", field="string", lets=lets, inputs=OF_ROW), ROW) == []
        without = "maybe: {path: r.maybe}"
        found = problems(mapping("{expr: upper(maybe)}", field="string", lets=without, inputs=OF_ROW), ROW)
        assert found == [("TG417", "maybe")]

    def test_a_let_that_is_required_stops_the_run(self):
        entry, lets = "{expr: x + 1}", "x: {path: a.x, required: true}"
        assert value(entry, {"x": 1}, lets=lets) == {"out": 2}
        with pytest.raises(Exception, match="x is required, and nothing was found for it"):
            value(entry, {}, lets=lets)

    @pytest.mark.parametrize("wrong", ["r.stat", "{expr: upper(r.idd)}", "{table: none, key: r.id}"])
    def test_a_mistake_makes_no_other(self, wrong):
        lets = f"x: {wrong}"
        entry = "{expr: 'x + 1', as: decimal(2)}"
        assert (
            len(
                problems(
                    mapping(entry, field="{type: decimal, required: true}", lets=lets, inputs=OF_ROW), ROW
                )
            )
            == 1
        )


class TestTables:
    TABLE = "table: t\nkey: {state: string}\ncolumns: {a: string, b: string}\nrows:\n"
    FULL = TABLE + "  - {state: open, a: x, b: w}\n  - {state: closed, a: z}\n"
    PART = TABLE + "  - {state: open, a: x, b: w}\n"

    @pytest.mark.parametrize(
        "table, take, expected",
        [
            (FULL, "a", []),  # a row for each text, and no empty cell
            (FULL, "b", [("TG418", "t")]),  # one cell is empty
            (PART, "a", [("TG418", "t")]),  # no row for closed
        ],
    )
    def test_a_look_up_by_an_enum_is_complete_or_not(self, table, take, expected):
        entry = f"{{table: t, key: r.state, take: {take}}}"
        assert problems(mapping(entry, field="string", inputs=OF_ROW), ROW, table) == expected

    def test_records_and_lists_in_rows_have_the_type_that_they_show(self):
        table = "table: t\nkey: {id: string}\ncolumns: {parts: list}\nrows: [{id: x, parts: [{code: a, share: 5}]}]"
        lets = "parts: {table: t, key: r.id, take: parts, required: true}"
        wrong = mapping("{expr: 'sum([p.shar for p in parts])'}", lets=lets, inputs=OF_ROW)
        assert problems(wrong, ROW, table) == [("TG303", "shar")]


ASSIGNED = """\
entity: assigned
fields: {id: {type: string, required: true}, row_id: {type: string, required: true}}
---
event: e
data: canonical/assigned@1
identity: data.id
---
mapping: m
inputs: {a: canonical/assigned@1, r: canonical/row@1}
output: record
fields: {id: r.id}
"""
FLOW = """\
flow: f
trigger: {{event: e, as: a}}
steps:
  r: {{read: entity.row, with: {{id: a.row_id}}, missing: "null"}}
{steps}"""
REJECTS = "policy: known\nowner: o\ninputs: {r: canonical/row@1}\nwhen: r is None\nthen: {reject: none}\nreason: none"
HOLDS = REJECTS.replace("{reject: none}", "{hold: {release: {role: boss}}}")


def flow(*steps):
    return FLOW.format(steps="".join(f"  {step}\n" for step in steps))


def found(*texts):
    """What is wrong with the types; what else is said of such small flows is no matter here."""
    return [one for one in problems(ROW, ASSIGNED, *texts) if one[0] in ("TG417", "TG418", "TG427", "TG428")]


class TestFlows:
    def test_null_is_not_handed_to_one_who_never_asks(self):
        assert found(flow("made: {map: m}")) == [("TG427", "m")]

    @pytest.mark.parametrize(
        "steps, expected",
        [
            (["known: {check: known}", "made: {needs: known, map: m}"], []),
            (["known: {check: known}", "made: {map: m}"], [("TG427", "m")]),
            (["made: {map: m, when: r is not None}"], []),
            (["made: {map: m, when: r is None}"], [("TG427", "m")]),
            (["on: {choose: {there: r is not None, gone: otherwise}}", "made: {needs: on.there, map: m}"], []),
            (["on: {choose: {gone: r is None, there: otherwise}}", "made: {needs: on.there, map: m}"], []),
            (["on: {choose: {gone: r is None, there: otherwise}}", "made: {needs: on.gone, map: m}"], [("TG427", "m")]),
        ],
    )  # fmt: skip
    def test_what_was_shown_before_a_step_holds_in_it(self, steps, expected):
        assert found(REJECTS, flow(*steps)) == expected

    def test_a_hold_shows_nothing_for_a_person_may_release_it(self):
        steps = ["known: {check: known}", "made: {needs: known, map: m}"]
        assert found(HOLDS, flow(*steps)) == [("TG427", "m")]

    def test_one_who_asks_may_be_handed_null(self):
        asks = ASSIGNED.replace("{id: r.id}", "{id: {expr: \"'' if r is None else r.id\"}}")
        assert [one for one in problems(ROW, asks, flow("made: {map: m}")) if one[0] == "TG427"] == []
        says = ASSIGNED.replace("{id: r.id}", "{id: {path: r.id, required: true}}")
        assert [one for one in problems(ROW, says, flow("made: {map: m}")) if one[0] == "TG427"] == []

    def test_the_reason_of_a_policy_knows_its_condition(self):
        policy = "policy: p\nowner: o\ninputs: {{r: canonical/row@1}}\nwhen: {}\nthen: {{reject: x}}\nreason: '{{{{ r.maybe }}}}'"
        assert found(policy.format("r.maybe is not None")) == []
        assert found(policy.format("r.count > 1")) == [("TG417", "r.maybe")]

    def test_a_condition_is_never_null(self):
        policy = (
            "policy: p\nowner: o\ninputs: {{r: canonical/row@1}}\nwhen: {}\nthen: {{reject: x}}\nreason: x"
        )
        assert found(policy.format("r.flag")) == [("TG428", "r.flag")]
        assert found(policy.format("bool(r.flag)")) == []


def test_a_field_of_exact_decimals_and_one_currency_is_checked_when_data_comes():
    plan = compiled(ROW, "event: e\ndata: canonical/row@1\nidentity: data.id").plan
    data = {
        "id": "1",
        "state": "open",
        "note": "",
        "flag": None,
        "count": 1,
        "day": "2026-01-01",
        "parts": [],
    }
    good = {
        **data,
        "hours": 1,
        "euros": {"amount": 1, "currency": "EUR"},
        "sum": {"amount": 1, "currency": "USD"},
    }
    complaints = plan.events["e"].complaints
    assert complaints(good) == []
    assert [one.split(":")[0] for one in complaints({**good, "euros": good["sum"]})] == ["euros.currency"]
