"""Decision tables: what a row means, what follows from it, and which mistakes are told."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.language.compiled import EvaluationError
from tests.compile.making import compile_files, compiled, problems

INVOICE = """\
entity: invoice
fields:
  id: {type: string, required: true}
  kind: {enum: [fixed, hourly, retainer], required: true}
  amount: {type: decimal, required: true}
  lines: {type: integer, required: true}
  total: {type: money, required: true}
  paid: {type: boolean, required: true}
  billed_on: {type: date, required: true}
  sent_at: {type: datetime, required: true}
  client: {type: string, required: true}
  desk: {type: string, required: true, nullable: true}
---
event: invoice.made
data: canonical/invoice@1
identity: data.id
"""
FLOW = "flow: f\nowner: t\ntrigger: {event: invoice.made, as: a}\nsteps:\n  c: {check: p}\n"
DATA = {
    "id": "1",
    "kind": "fixed",
    "amount": Decimal("99.50"),
    "lines": 3,
    "total": {"amount": Decimal("99.50"), "currency": "EUR"},
    "paid": False,
    "billed_on": date(2026, 5, 29),
    "sent_at": datetime(2026, 5, 29, 18, tzinfo=UTC),
    "client": "Acme",
    "desk": None,
}


def table(*rows, by, hit="first", gives="x", last=True, more=""):
    """A policy with a table; with `last`, a row that takes what the others leave."""
    written = "".join(f"    - {row}\n" for row in (*rows, *(["{when: []}"] if last else [])))
    return (
        f"policy: p\nowner: t\nabout: Desks differ.\ninputs: {{a: canonical/invoice@1}}\n{more}"
        f"decide:\n  by: {by}\n  hit: {hit}\n  gives: {gives}\n  rows:\n{written}"
    )


def decide(text, files=None, **changes):
    plan = compiled(INVOICE, text, FLOW, files=files).plan
    return plan.flows["f"].step("c").decide({"a": {**DATA, **changes}})[1]


def applies(cell, by, **changes):
    """Whether a row with this test applies."""
    return decide(table(f"[{cell}, yes_]", by=f"{{c: {by}}}"), **changes)["x"] == "yes_"


@pytest.mark.requirement("POL-03")
class TestCells:
    @pytest.mark.parametrize(
        "cell, by, true, false",
        [
            ("fixed", "a.kind", ["fixed"], ["hourly"]),
            ("'fixed, hourly'", "a.kind", ["fixed", "hourly"], ["retainer"]),
            ("[fixed, hourly]", "a.kind", ["fixed", "hourly"], ["retainer"]),
            ("not(fixed)", "a.kind", ["hourly"], ["fixed"]),
            ("'not(fixed, hourly)'", "a.kind", ["retainer"], ["fixed", "hourly"]),
            ("'!= fixed'", "a.kind", ["hourly"], ["fixed"]),
            ("100", "a.amount", [100, Decimal("100.00")], [Decimal("100.01")]),
            ("< 100", "a.amount", [Decimal("99.99")], [100]),
            ("<= 100", "a.amount", [100], [Decimal("100.01")]),
            ("'> 100'", "a.amount", [101], [100]),
            ("100..500", "a.amount", [100, 500], [99, 501]),
            ("'[100..500)'", "a.amount", [100, 499], [99, 500]),
            ("(100..500)", "a.amount", [101], [100, 500]),
            ("-5..-1.5", "a.amount", [-5, Decimal("-1.5")], [-1]),
            ("'< 10, 20, > 30'", "a.amount", [5, 20, 31], [10, 30]),
            ("not(1..5)", "a.lines", [0, 6], [1, 5]),
            ("2026-05-29", "a.billed_on", [date(2026, 5, 29)], [date(2026, 5, 30)]),
            ("'>= 2026-01-01'", "a.billed_on", [date(2026, 1, 1)], [date(2025, 12, 31)]),
            ("2026-01-01..2026-03-31", "a.billed_on", [date(2026, 3, 31)], [date(2026, 4, 1)]),
            (
                "< 2026-05-29T20:00:00+02:00",
                "a.sent_at",
                [datetime(2026, 5, 29, 17, 59, tzinfo=UTC)],
                [datetime(2026, 5, 29, 18, tzinfo=UTC)],
            ),
            ("true", "a.paid", [True], [False]),
            ("Acme", "a.client", ["Acme"], ["acme", "true"]),
            ("\"'a, b'\"", "a.client", ["a, b"], ["a"]),
            ("O'Brien", "a.client", ["O'Brien"], ["OBrien"]),
            ("\"'100'\"", "a.client", ["100"], ["10"]),
            ("null", "a.desk", [None], ["d"]),
            ("not(null)", "a.desk", ["d"], [None]),
            ("not(d)", "a.desk", ["e", None], ["d"]),
            ("2", "{expr: len(a.client)}", [], ["Acme"]),
        ],
    )
    def test_what_a_cell_is_true_for(self, cell, by, true, false):
        name = by.strip("{}").split("a.")[1].rstrip(")")
        for value in true:
            assert applies(cell, by, **{name: value}), value
        for value in false:
            assert not applies(cell, by, **{name: value}), value

    @pytest.mark.parametrize("cell", ["< 1,500", "1,500", "not(1,500)", ">= 12,250,500", "1,500..2000"])
    def test_commas_within_a_number_are_not_taken_for_alternatives(self, cell):
        rows = (f"['{cell}', a]", "[-, b]")
        found = problems(INVOICE, table(*rows, by="{c: a.amount}", last=False), FLOW)
        assert ("TG441", f"'{cell}'") in found
        apart = (f"['{cell.replace(',', ', ')}', a]", "[-, b]")
        assert "TG441" not in [
            code for code, _ in problems(INVOICE, table(*apart, by="{c: a.amount}", last=False), FLOW)
        ]

    def test_what_nothing_is_known_of(self):
        text = table(
            "[true, a]", "[1, b]", "[word, c]", "[null, d]", "['> 5', e]", by="{c: a.lines}"
        ).replace("a: canonical/invoice@1", "a: any")
        found = [decide(text, lines=value)["x"] for value in (True, 1, "word", None, 6, 2, "other", [1])]
        assert found == ["a", "b", "c", "d", "e", None, None, None]

    @pytest.mark.parametrize(
        "cell, by, code",
        [
            ("< fixed", "a.kind", "TG441"),
            ("1..0", "a.amount", "TG441"),
            ("'(1..1]'", "a.amount", "TG441"),
            ("'[1..2'", "a.amount", "TG441"),
            ("'1,000'", "a.amount", "TG441"),
            ("small", "a.amount", "TG441"),
            ("true", "a.amount", "TG441"),
            ("5", "a.client", "TG441"),
            ("'\"x\"'", "a.amount", "TG441"),
            ("2026-02-30", "a.billed_on", "TG441"),
            ("2026-05-29T18:00:00", "a.sent_at", "TG441"),
            ("maybe", "a.paid", "TG441"),
            ("'> 5'", "a.paid", "TG441"),
            ("'> null'", "a.amount", "TG441"),
            ("[]", "a.kind", "TG441"),
            ("'a,'", "a.client", "TG441"),
            ('"\'open"', "a.client", "TG441"),
            ("{b: c}", "a.kind", "TG441"),
            ("5", "a.total", "TG441"),
            ("fixd", "a.kind", "TG442"),
            ("'fixed, fixd'", "a.kind", "TG442"),
            ("null", "a.kind", "TG442"),
            ("1.5", "a.lines", "TG442"),
            ("(1..2)", "a.lines", "TG442"),
            ("(2026-01-01..2026-01-02)", "a.billed_on", "TG442"),
            ("'not(true, false)'", "a.paid", "TG442"),
        ],
    )
    def test_cells_that_say_nothing(self, cell, by, code):
        found = problems(INVOICE, table(f"[{cell}, yes_]", by=f"{{c: {by}}}"), FLOW)
        assert [one[0] for one in found] == [code]


class TestRows:
    def test_cells_by_name_and_what_a_row_says_itself(self):
        text = table(
            "{kind: fixed, x: one, then: {set: {y: a.client}}}",
            "{amount: '< 100', then: {reject: small}, reason: 'Only {{ a.amount }}.'}",
            by="{kind: a.kind, amount: a.amount}",
        )
        assert (decide(text)["x"], decide(text)["y"], decide(text)["rejected"]) == ("one", "Acme", [])
        small = decide(text, kind="hourly")
        assert (small["x"], small["y"], small["rejected"]) == (None, None, ["p"])
        assert small["reasons"] == {"p": "Only 99.50."}
        assert decide(text, kind="hourly", amount=100)["fired"] == []

    def test_what_the_columns_give(self):
        text = table(
            "[fixed, code, desk, team, Because., Noted., 7]",
            by="{kind: a.kind}",
            gives="[reject, route, alert, reason, note, level]",
        )
        plan = compiled(INVOICE, text, FLOW).plan.flows["f"].step("c")
        acting, found = plan.decide({"a": DATA})
        assert (found["rejected"], found["route"], found["level"]) == (["p"], "desk", 7)
        assert (found["reasons"], found["notes"]) == ({"p": "Because."}, ["Noted."])
        assert [plan.policies[place].alert.to for place in acting] == ["team"]
        assert [policy.name for policy in plan.policies] == ["p", "p"]

    def test_rows_that_hold_each_in_its_way(self):
        text = table(
            "{kind: fixed, then: {hold: {release: {role: one}}}}",
            "{kind: hourly, then: {approve: {role: two}, alert: {to: team}}}",
            by="{kind: a.kind}",
        )
        plan = compiled(INVOICE, text, FLOW).plan.flows["f"].step("c")
        for kind, role, alert in (("fixed", "one", None), ("hourly", "two", "team")):
            (place,), found = plan.decide({"a": {**DATA, "kind": kind}})
            policy = plan.policies[place]
            assert (policy.hold.role, policy.alert and policy.alert.to) == (role, alert)
            assert found["fired"] == ["p"]
        assert plan.decide({"a": {**DATA, "kind": "retainer"}})[0] == []

    def test_the_first_row_counts(self):
        text = table("[-, '> 50', one]", "[fixed, -, two]", by="{kind: a.kind, amount: a.amount}")
        assert [decide(text, amount=n)["x"] for n in (51, 50)] == ["one", "two"]

    def test_a_row_that_says_nothing_keeps_those_below_from_it(self):
        text = table("[fixed]", "[-, late]", by="{kind: a.kind}", last=False)
        assert decide(text)["fired"] == []
        assert decide(text, kind="hourly")["x"] == "late"

    def test_all_that_apply(self):
        text = table(
            "{kind: fixed, then: {reject: x}, reason: 'It is fixed.'}",
            "{amount: '< 100', then: {reject: z, set: {w: a.id}}, reason: 'It is small.'}",
            "{amount: '> 500', then: {reject: q}}",
            by="{kind: a.kind, amount: a.amount}",
            hit="all",
            last=False,
        )
        found = decide(text)
        assert (found["fired"], found["rejected"], found["w"]) == (["p"], ["p"], "1")
        assert found["reasons"] == {"p": "It is fixed. It is small."}
        assert decide(text, kind="hourly", amount=200)["fired"] == []

    def test_what_a_row_computes_is_its_own(self):
        text = table(
            "{kind: fixed, reason: '{{ big }}', then: {reject: x}}",
            "{kind: hourly, reason: '{{ big }}!', then: {reject: x}}",
            by="{kind: a.kind}",
            more="let: {big: {expr: a.amount * 2}}\n",
        )
        assert decide(text)["reasons"] == {"p": "199.00"}
        assert decide(text, kind="hourly")["reasons"] == {"p": "199.00!"}

    @pytest.mark.parametrize(
        "name, content",
        [
            ("rows.csv", "kind,amount,x,about\nfixed,< 100,one,Small ones\nhourly,,two,\n,,,\n"),
            (
                "rows.jsonl",
                '{"kind": "fixed", "amount": "< 100", "x": "one"}\n{"kind": "hourly", "x": "two"}\n{}\n',
            ),
        ],
    )
    def test_rows_of_a_file(self, name, content):
        text = table(by="{kind: a.kind, amount: a.amount}", last=False).replace("rows:\n", f"file: {name}\n")
        files = {f"flows/{name}": content}
        assert decide(text, files)["x"] == "one"
        assert decide(text, files, kind="hourly")["x"] == "two"
        assert decide(text, files, amount=100)["fired"] == []

    def test_a_mistake_in_a_file_is_shown_there(self):
        text = table(by="{kind: a.kind}", last=False).replace("rows:\n", "file: rows.csv\n")
        _, collector = compile_files(
            {"flows/all.yaml": f"{INVOICE}---\n{text}", "flows/rows.csv": "kind,x\nfixed,a\nhorly,b\n"}
        )
        (problem,) = collector.problems
        assert (problem.code, problem.span.source.name, problem.span.line) == ("TG442", "flows/rows.csv", 3)

    @pytest.mark.parametrize(
        "rows, options",
        [
            (["[fixed]"], {"by": "{kind: a.kind, amount: a.amount}"}),
            (["[fixed, -, x, z]"], {"by": "{kind: a.kind, amount: a.amount}"}),
            (["{knd: fixed}"], {"by": "{kind: a.kind}"}),
            (["{kind: fixed, reject: a, then: {reject: b}}"], {"by": "{kind: a.kind}", "gives": "reject"}),
            (["[fixed, 5]"], {"by": "{kind: a.kind}", "gives": "reject"}),
            ([], {"by": "{kind: a.kind}", "last": False}),
        ],
    )
    def test_rows_that_do_not_fit(self, rows, options):
        text = table(*rows, **options)
        text = text if rows else text.replace("rows:\n", "rows: []\n")
        assert {one[0] for one in problems(INVOICE, text, FLOW)} == {"TG440"}

    @pytest.mark.parametrize("names", ["{then: a.kind}", "{x: a.kind}", "{note: a.desk}"])
    def test_columns_that_have_no_name_of_their_own(self, names):
        assert problems(INVOICE, table("[-]", by=names), FLOW)[0][0] == "TG308"

    @pytest.mark.parametrize("gives, code", [("held", "TG308"), ("Desk", "TG208")])
    def test_values_that_have_no_name(self, gives, code):
        assert problems(INVOICE, table("[-, 1]", by="{kind: a.kind}", gives=gives), FLOW)[0][0] == code

    def test_keys_of_a_rule_are_none_of_a_table(self):
        text = table("[-, 1]", by="{kind: a.kind}", last=False) + "reason: Because.\n"
        assert problems(INVOICE, text, FLOW) == [("TG440", "reason")]

    def test_a_value_that_is_not_of_its_type_has_no_row(self):
        text = table("[fixed, 1]", "[not(fixed), 2]", by="{kind: a.kind}", last=False)
        with pytest.raises(EvaluationError, match=r"no row of policy p covers kind = odd"):
            decide(text, kind="odd")
