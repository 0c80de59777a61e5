"""Policies together: which contradict each other, and which say nothing or too much."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compile.making import compile_files, problems
from tests.compile.test_decision_tables import INVOICE
from tests.depth import examples

FLOW = "flow: f\nowner: t\ntrigger: {event: invoice.made, as: a}\nsteps:\n  c: {check: [one, two]}\n"


def rule(name, when, then, *, owner="t", lets=""):
    head = f"policy: {name}\n" + (f"owner: {owner}\n" if owner else "")
    return f"{head}about: A rule.\ninputs: {{a: canonical/invoice@1}}\n{lets}when: {when}\nthen: {then}"


def pair(one, two, first="{set: {x: {value: 1}}}", second="{set: {x: {value: 2}}}"):
    return [code for code, _ in problems(INVOICE, rule("one", one, first), rule("two", two, second), FLOW)]


@pytest.mark.requirement("POL-16", "POL-17")
class TestContradictions:
    @pytest.mark.parametrize(
        "one, two, code",
        [
            ("a.amount > 5", "a.kind == 'fixed'", "TG447"),
            ("a.amount > 5", "a.amount > 4", "TG447"),
            ("a.amount > 5", "a.amount <= 5", None),
            ("a.amount > 5", "not a.amount > 5", None),
            ("5 < a.amount < 9", "a.amount >= 9 or a.amount < 2", None),
            ("a.kind == 'fixed'", "a.kind in ['hourly', 'retainer']", None),
            ("a.kind != 'fixed'", "a.kind == 'fixed' and a.paid", None),
            ("a.paid", "not a.paid", None),
            ("a.desk is None", "a.desk == 'x'", None),
            ("a.lines > 5", "a.lines < 6", None),
            ("'True'", "a.paid", "TG447"),
            ("len(a.id) > 5", "a.paid", "TG448"),
            ("len(a.id) > 5", "len(a.id) > 5 and a.paid", "TG447"),
            ("len(a.id) > 5", "not len(a.id) > 5", None),
            ("a.paid and len(a.id) > 5", "not a.paid and len(a.client) > 5", None),
        ],
    )
    def test_two_values_under_one_name(self, one, two, code):
        assert pair(one, two) == ([code] if code else [])

    @pytest.mark.parametrize(
        "first, second, code",
        [
            ("{route: {to: {value: here}}}", "{route: {to: {value: there}}}", "TG447"),
            ("{route: {to: {value: here}}}", "{route: {to: {value: here}}}", None),
            ("{route: a.id}", "{route: a.client}", "TG448"),
            ("{route: a.id}", "{set: {route_: a.client}}", None),
            ("{set: {x: {value: 1}}}", "{set: {z: {value: 2}}}", None),
            ("{roll: {cycle: {}}}", "{roll: {cycle: {}}}", None),
            ("{alert: {to: t}}", "{reject: c}", None),
        ],
    )
    def test_what_is_different(self, first, second, code):
        found = [one for one in pair("a.amount > 5", "a.paid", first, second) if one in ("TG447", "TG448")]
        assert found == ([code] if code else [])

    @pytest.mark.parametrize(
        "one, two, never",
        [
            ("a.amount > 5", "a.amount > 9", True),
            ("a.amount > 9", "a.amount > 5", False),
            ("not a.paid", "a.amount > 5 and not a.paid", True),
            ("not a.paid", "a.amount > 5", False),
        ],
    )
    @pytest.mark.parametrize("second", ["{approve: {role: r}}", "{hold: {release: {role: r}}}"])
    def test_a_question_that_is_never_asked(self, one, two, never, second):
        assert pair(one, two, "{reject: c}", second) == (["TG447"] if never else [])

    def test_the_same_values_under_other_names(self):
        lets = "let: {k: a.kind}\n"
        one = rule("one", "k == 'fixed'", "{set: {x: {value: 1}}}", lets=lets)
        two = rule("two", "a.kind == 'hourly'", "{set: {x: {value: 2}}}")
        assert problems(INVOICE, one, two, FLOW) == []

    def test_rows_of_tables(self):
        def deciding(name, cell, value):
            return (
                f"policy: {name}\nowner: t\ninputs: {{a: canonical/invoice@1}}\ndecide:\n  by: {{k: a.kind}}\n"
                f"  gives: x\n  rows:\n    - [{cell}, {value}]\n    - [not({cell})]\n"
            )

        codes = [
            [
                code
                for code, _ in problems(INVOICE, deciding("one", "fixed", 1), deciding("two", cell, 2), FLOW)
            ]
            for cell in ("fixed", "hourly")
        ]
        assert codes == [["TG447"], []]

    def test_rows_that_all_may_apply(self):
        text = (
            "policy: one\nowner: t\ninputs: {a: canonical/invoice@1}\ndecide:\n  by: {k: a.kind, n: a.amount}\n"
            "  hit: all\n  gives: x\n  rows:\n    - [fixed, -, 1]\n    - [-, '> 5', 2]\n    - [-, '< 0', 1]\n"
        )
        assert problems(INVOICE, text, FLOW.replace(", two", "")) == [("TG447", "[-, '> 5', 2]")]


CONDITIONS = st.recursive(
    st.sampled_from(
        [
            "a.lines > 1",
            "a.lines == 2",
            "a.lines <= 3",
            "a.paid",
            "a.kind == 'fixed'",
            "a.kind in ['fixed', 'hourly']",
            "1 < a.lines < 3",
            "a.kind != 'hourly'",
            "'True'".strip("'"),
            "False",
        ]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda one: f"(not {one})"),
    ),
    max_leaves=5,
)
POINTS = [
    {"a": {"lines": lines, "paid": paid, "kind": kind}}
    for lines, paid, kind in itertools.product(range(6), (True, False), ("fixed", "hourly", "retainer"))
]


@given(CONDITIONS, CONDITIONS)
@settings(max_examples=examples(60))
def test_what_is_proved_of_conditions_is_what_trying_finds(one, two):
    """Whether two conditions meet, always hold or never do, compared with their value for every input."""
    texts = (
        rule("one", f'"{one}"', "{set: {x: {value: 1}}}"),
        rule("two", f'"{two}"', "{set: {x: {value: 2}}}"),
    )
    documents = "\n---\n".join((INVOICE, *texts, FLOW))
    _, collector = compile_files({"flows/all.yaml": documents})
    codes = {problem.code for problem in collector.problems}

    def true(text, point):
        row = point["a"]

        class Row:
            lines, paid, kind = row["lines"], row["paid"], row["kind"]

        return eval(text, {"a": Row})  # noqa: S307 - made above

    meet = any(true(one, point) and true(two, point) for point in POINTS)
    assert ("TG447" in codes) == meet
    never = [not any(true(text, point) for point in POINTS) for text in (one, two)]
    # A comparison with what is never there says so itself.
    assert "TG413" in codes or ("TG455" in codes) == any(never)


class TestHolds:
    def hold(self, then, owner="t", when="a.paid"):
        text = rule("one", when, then, owner=owner)
        return [code for code, _ in problems(INVOICE, text, FLOW.replace(", two", ""))]

    def test_one_that_nobody_owns(self):
        assert self.hold("{hold: {release: {role: r}}}", owner=None) == ["TG449"]
        assert self.hold("{approve: {role: r}}", owner=None) == ["TG449"]

    @pytest.mark.requirement("POL-14")
    def test_a_second_person_above_an_amount_that_nobody_knows(self):
        then = "{hold: {release: {role: r, four_eyes_over: 5 EUR}}}"
        assert self.hold(then) == ["TG451"]
        assert self.hold(then.replace("{hold: {", "{hold: {amount: a.total, ")) == []
        assert self.hold("{approve: {role: r, four_eyes_over: 5 EUR}}") == ["TG451"]
        assert self.hold("{approve: {role: r, four_eyes_over: 5 EUR, amount: a.total}}") == []

    @pytest.mark.parametrize("amount", ["a.amount", "a.id", "{expr: len(a.id)}", "a"])
    def test_an_amount_that_is_no_money(self, amount):
        assert self.hold(f"{{hold: {{amount: {amount}, release: {{role: r}}}}}}") == ["TG452"]

    @pytest.mark.parametrize(
        "when, then, code",
        [
            ("a.amount > 5 and a.amount < 3", "{set: {x: a.id}}", "TG455"),
            ("a.amount > 5 or a.amount <= 5", "{set: {x: a.id}}", None),
            ("a.amount > 5 or a.amount <= 5", "{reject: x}", "TG456"),
            ("a.desk == 'x' or a.desk != 'x'", "{approve: {role: r}}", "TG456"),
            ("a.kind == 'fxied'", "{reject: x}", "TG413"),
            ("a.kind != 'fxied'", "{reject: x}", "TG413"),
        ],
    )
    def test_conditions_that_say_nothing(self, when, then, code):
        assert self.hold(then, when=when) == ([code] if code else [])

    def test_a_policy_that_no_check_asks(self):
        one, two = rule("one", "a.paid", "{reject: x}"), rule("two", "a.paid", "{reject: x}")
        assert problems(INVOICE, one, two) == []  # there is no flow yet
        assert problems(INVOICE, one, two, FLOW.replace(", two", "")) == [("TG454", "two")]

    @pytest.mark.parametrize("name, told", [("finanse", True), ("finance", False), ("sales", False)])
    def test_a_team_that_may_be_misspelt(self, name, told):
        one = rule("one", "a.paid", f"{{alert: {{to: {name}}}}}", owner="finance")
        found = problems(
            INVOICE.replace("entity: invoice", "entity: invoice\nowner: finance"),
            one,
            FLOW.replace(", two", ""),
        )
        assert found == ([("TG457", name)] if told else [])


class TestCalendars:
    TABLE = "table: firm\nowner: t\nkey: {id: string}\ncolumns: {zone: string}\nrows: [{id: x, zone: Europe/Berlin}]\n"
    CYCLES = "cycles: {every: month, name: '%Y-%m', cutoff: day 3 18:00}\n"

    @pytest.mark.parametrize(
        "key, call, codes",
        [
            ("", "cutoff('billing', a.billed_on)", ["TG453"]),
            ("", "cutoff('billing', a.billed_on, a.client)", []),
            ("", "cutoff('billing', a.billed_on, key=a.client)", []),
            ("key: a.client, ", "cutoff('billing', a.billed_on)", []),
            ("key: b.client, ", "cutoff('billing', a.billed_on)", ["TG302"]),
            ("", "cutoff('biling', a.billed_on)", ["TG302"]),
        ],
    )
    @pytest.mark.requirement("POL-02")
    def test_one_that_differs_by_a_key_is_given_it(self, key, call, codes):
        calendar = f"calendar: billing\nowner: t\nby: {{table: firm, {key}time_zone: zone}}\n{self.CYCLES}"
        text = rule("one", f"a.sent_at > {call}", "{set: {x: a.id}}")
        found = problems(INVOICE, self.TABLE, calendar, text, FLOW.replace(", two", ""))
        assert [code for code, _ in found] == codes

    def test_a_roll_to_no_cycle(self):
        text = rule("one", "a.paid", "{roll: {cycle: a.billed_on}}")
        assert problems(INVOICE, text, FLOW.replace(", two", "")) == [("TG409", "a.billed_on")]
