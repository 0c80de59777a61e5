"""What a person is told who writes as elsewhere, or breaks a line: the way out, and nothing that only follows."""

import pytest

from tests.compile.making import DESK_FILES, compile_files
from tests.compile.test_decision_tables import INVOICE

FLOW = "flow: f\nowner: t\ntrigger: {event: invoice.made, as: a}\nsteps:\n  c: {check: p}\n"
RATES = "table: rates\nkey: {kind: string}\ncolumns: {rate: money}\nrows:\n"
FULL = [f"{{kind: {kind}, rate: 10.00 EUR}}" for kind in ("fixed", "hourly", "retainer")]


def told(*texts):
    """The code and the lines of help of each problem."""
    files = {**DESK_FILES, "flows/all.yaml": "\n---\n".join(texts)}
    return [(problem.code, *problem.help) for problem in compile_files(files)[1].problems]


def rule(when, *, inputs="{a: canonical/invoice@1}", then="{set: {x: {value: 1}}}"):
    return f"policy: p\nowner: t\nabout: A rule.\ninputs: {inputs}\nwhen: {when}\nthen: {then}"


def table(rows, inputs="{a: canonical/invoice@1}"):
    by = "{kind: a.kind, lines: a.lines}"
    return f"policy: p\nowner: t\ninputs: {inputs}\ndecide:\n  by: {by}\n  gives: [desk]\n  rows: {rows}"


def mapping(entry, *, field="{type: any}", name="out"):
    made = f"entity: made\nkey: {name}\nfields:\n  {name}: {field}\n"
    return f"{made}---\nmapping: m\ninputs: {{a: canonical/invoice@1}}\noutput: canonical/made@1\nfields:\n  {entry}"


def rates(*rows):
    return RATES + "".join(f"  - {row}\n" for row in rows)


LOOK_UP = mapping("out: {table: rates, key: a.kind, take: rate}", field="{type: money, required: true}")


def test_a_misspelt_verb_is_told_once():
    misspelt = told(INVOICE, rule("a.paid"), FLOW.replace("{check: p}", "{chekc: p}"))
    assert misspelt == [("TG204", "did you mean `check` or `cache`?")]
    none = told(INVOICE, FLOW.replace("{check: p}", "{needs: []}"))
    assert [code for code, *_ in none] == ["TG503"]


class TestWordsOfOtherLanguages:
    @pytest.mark.parametrize(
        "when, code, way_out",
        [
            ("a.paid AND a.lines > 3", "TG252", "write `and`"),
            ("a.paid Or a.lines > 3", "TG252", "write `or`"),
            ("a.desk IS NULL", "TG252", "write `is None` or `is not None`"),
            ("a.desk is null", "TG252", "write `None`"),
            ("a.desk <> 'x'", "TG252", "write `!=`"),
            (
                "a.desk == \N{LEFT DOUBLE QUOTATION MARK}x\N{RIGHT DOUBLE QUOTATION MARK}",
                "TG252",
                "write ' or \"",
            ),
            ("a.amount > 10000 EUR", "TG252", "write money(10000, 'EUR')"),
            ("a.paid and and a.paid", "TG252", None),
            ("a.desk == null", "TG302", "did you mean `None`?"),
            ("a.paid == true", "TG302", "did you mean `True`?"),
            ("IF(a.paid, a.paid, a.paid)", "TG305", "write `value if condition else other`"),
            ("a.total > money(5, 'EUR')", "TG401", "write exceeds(a.total, money(5, 'EUR'))"),
            ("a.total >= money(5, 'EUR')", "TG401", "write not exceeds(money(5, 'EUR'), a.total)"),
            ("a.total <= money(5, 'EUR')", "TG401", "write not exceeds(a.total, money(5, 'EUR'))"),
            ("a.total < money(5, 'EUR')", "TG401", "write exceeds(money(5, 'EUR'), a.total)"),
        ],
    )
    def test_formulas(self, when, code, way_out):
        found = told(INVOICE, rule(when), FLOW)
        assert found == [(code, way_out) if way_out else (code,)]

    @pytest.mark.parametrize(
        "entry, field, helps",
        [
            (
                "out: Contoso",
                "{type: string}",
                ["there is `a`", "for the text itself, write {value: Contoso}"],
            ),
            (
                "out: a.id + a.client",
                "{type: string}",
                ['a bare text is a path; a formula is written {expr: "a.id + a.client"}'],
            ),
            (
                "out: 'a.client + \" x\"'",
                "{type: string}",
                ["a bare text is a path; a formula is written {expr: 'a.client + \" x\"'}"],
            ),
            (
                "out: upper(a.client)",
                "{type: string}",
                ['a bare text is a path; a formula is written {expr: "upper(a.client)"}'],
            ),
            (
                "out: '{{ a.client }} of {{ a.id }}'",
                "{type: string}",
                [
                    (
                        "a bare text is a path; a text with values in it is written "
                        '{template: "{{ a.client }} of {{ a.id }}"}'
                    )
                ],
            ),
            *(
                (
                    f"out: '{text}'",
                    "{type: string}",
                    [f'a bare text is a path; for the text itself, write {{value: "{text}"}}'],
                )
                for text in ("2", "2026-05-29", "ACME-DE", "Net 30", "12.50 EUR")
            ),
            ("out: a.total", "{type: decimal}", ["write `a.total.amount`"]),
            ("out: a.id", "{type: record, fields: {id: string}}", ["fill one of its fields: `out.id: ...`"]),
            (
                "out: a.amount",
                "{type: money}",
                ["write {expr: \"money(a.amount, 'EUR')\"}, with its currency"],
            ),
            (
                "out: a.sent_at",
                "{type: date}",
                ["write {expr: \"date(a.sent_at, 'Europe/Berlin')\"}, the day in a time zone"],
            ),
            ("out: {each: a, fields: {}}", "{type: list, items: any}", ['a list of this one alone is "[a]"']),
        ],
    )
    def test_entries(self, entry, field, helps):
        assert told(INVOICE, mapping(entry, field=field))[0][1:] == tuple(helps)

    @pytest.mark.parametrize(
        "language", ["out: {path}", 'out: {{expr: "{path}"}}', 'out: {{template: "{{{{ {path} }}}}"}}']
    )
    @pytest.mark.parametrize(
        "path, told_of",
        [
            ("e.titel", "title"),
            ("e.inner.titel", "title"),
            ("e.Title", "title"),
            ("e.tittle", "title"),
            ("e.title", None),
            ("e.line2", None),  # beside `line1`, on purpose
            ("e.ids", None),  # too short to be told from others
            ("e.customer", None),
        ],
    )
    def test_an_open_record_may_have_other_fields_and_a_slip_of_the_pen_is_told(
        self, path, told_of, language
    ):
        fields = "{title: {type: string, required: true}, line1: string, id: string}"
        entity = f"entity: e\nopen: true\nfields: {fields[:-1]}, inner: {{type: record, fields: {fields}, required: true}}}}"
        made = "mapping: m\ninputs: {e: canonical/e@1}\noutput: record\nfields:\n  " + language.format(
            path=path
        )
        found = [one for one in told(entity, made) if one[0] == "TG317"]
        open_ = "inner" not in path
        assert [one[1] for one in found] == ([f"did you mean `{told_of}`?"] if told_of and open_ else [])

    def test_a_field_that_is_meant_is_written_otherwise(self):
        entity = "entity: e\nkey: title\nopen: true\nfields: {title: {type: string, required: true}}"
        made = "mapping: m\ninputs: {e: canonical/e@1}\noutput: record\nfields:\n  "
        for entry in ("out: 'e.\"titel\"'", "out: {expr: \"e['titel']\"}"):
            assert told(entity, made + entry) == []
        (doubt,) = told(entity, made + "out: e.titel")
        assert doubt == (
            "TG317",
            "did you mean `title`?",
            'one that is there all the same stands in quotes: e."titel"',
        )
        (doubt,) = told(entity, made + "out: {expr: upper(e.titel)}")
        assert doubt[2] == "one that is there all the same stands in brackets: e['titel']"

    def test_a_doubt_does_not_keep_a_mapping_from_being_made(self):
        entity = "entity: e\nkey: title\nopen: true\nfields: {title: {type: string, required: true}}"
        made = "mapping: m\ninputs: {e: canonical/e@1}\noutput: record\nfields:\n  out: e.titel"
        found, _ = compile_files({**DESK_FILES, "flows/all.yaml": f"{entity}\n---\n{made}"})
        assert found.plan.mappings["m"].make({"e": {"title": "a", "titel": "b"}}) == {"out": "b"}

    def test_a_field_without_a_near_name_lists_those_that_there_are(self):
        [found] = told("entity: e\nfields: {id: string, city: string}", *told_of_a_field("e.zzzzz"))
        assert found == ("TG303", "there are `id` and `city`")


def told_of_a_field(path):
    return (f"mapping: m\ninputs: {{e: canonical/e@1}}\noutput: record\nfields:\n  out: {path}",)


class TestOneMistakeIsToldOnce:
    def test_a_broken_flow_asks_nobody_knows_which_policies(self):
        assert [code for code, *_ in told(INVOICE, rule("a.paid"), FLOW.replace("{event: ", "{evnt: "))] == [
            "TG204"
        ]

    def test_a_table_of_decisions_over_a_broken_type_is_not_said_to_leave_something_out(self):
        broken = INVOICE.replace("lines: {type: integer", "lines: {type: int")
        rows = "[[fixed, 1, x]]"
        assert {code for code, *_ in told(broken, table(rows))} == {"TG209"}
        assert "TG443" in {code for code, *_ in told(INVOICE, table(rows))}

    def test_a_column_that_cannot_be_read_is_told_without_gaps(self):
        found = told(INVOICE, table("[[fixed, 1, x]]").replace("a.lines", "a.lins"))
        assert [code for code, *_ in found] == ["TG303"]

    def test_a_row_that_cannot_be_read_is_not_said_to_be_missing(self):
        assert told(INVOICE, rates(*FULL), LOOK_UP) == []
        found = told(INVOICE, rates("{kind: fixed, rate: 10.00}", *FULL[1:]), LOOK_UP)
        assert [code for code, *_ in found] == ["TG351"]


def test_a_row_that_is_missing_is_named():
    [found] = told(INVOICE, rates(*FULL[1:]), LOOK_UP)
    assert found[:2] == ("TG418", "table `rates` has no row for `fixed`: add it")


def test_an_input_that_the_event_brings_is_to_be_named_in_the_trigger():
    found = told(INVOICE, rule("a.paid"), FLOW.replace(", as: a", ""))
    assert found == [("TG331", "call what the event brings `a`: `trigger: {event: invoice.made, as: a}`")]


class TestThousands:
    """`10.000 EUR` is ten in one country and ten thousand in another; nobody is to guess."""

    @pytest.mark.parametrize("amount", ["10.000 EUR", "1.500 USD", "250.000 JPY"])
    def test_a_limit_is_refused(self, amount):
        hold = f"{{hold: {{amount: a.total, release: {{role: boss, four_eyes_over: {amount}}}}}}}"
        number, currency = amount.split()
        way_out = f"write `{number.replace('.', '')} {currency}`; a point stands before cents"
        assert told(INVOICE, rule("a.paid", then=hold), FLOW) == [("TG208", way_out)]

    @pytest.mark.parametrize("amount", ["10.00 EUR", "0.125 EUR", "10000 EUR", "10.0000 EUR", "10.000 KWD"])
    def test_what_can_only_mean_one_thing_is_taken(self, amount):
        assert told(INVOICE, rates(f"{{kind: fixed, rate: {amount}}}", *FULL[1:]), LOOK_UP) == []

    def test_a_row_of_a_table_is_refused(self):
        assert told(INVOICE, rates("{kind: fixed, rate: 10.000 EUR}", *FULL[1:]), LOOK_UP) == [("TG351",)]


class TestPlacesOfKeys:
    def test_a_step_beside_the_steps(self):
        found = told(INVOICE, rule("a.paid"), f"{FLOW}d: {{check: p}}")
        assert found == [("TG204", "if `d` belongs to `steps`, indent it as the others there are")]

    def test_a_document_without_its_line_above(self):
        found = told(INVOICE.replace("---\n", ""))
        assert found[0] == ("TG204", "if another document begins here, write a line `---` above `event:`")

    def test_a_type_without_its_version(self):
        found = told("event: order.made\ndata: purchase_order\nidentity: data.id")
        assert found == [("TG208", "it is a type with its version: `canonical/purchase_order@1`")]

    def test_a_type_as_others_call_it(self):
        assert told("entity: e\nkey: id\nfields: {id: {type: varchar}}")[0][1] == "write `string`"
