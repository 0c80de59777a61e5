"""Policies: when they apply, what follows, and what is refused."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from engine.language.compiled import EvaluationError
from tests.compile.making import ORDER, compiled, problems

EVENT = "event: e\ndata: any\nidentity: data.id"
WARNINGS = ("TG449", "TG456")  # nobody owns the policies here, and all of them always apply
FLOW = "flow: f\ntrigger: {{event: e, as: a}}\nsteps:\n  c: {{check: [{checked}]}}\n"
NOON = datetime(2026, 5, 29, 12, tzinfo=UTC)
EMPTY = {
    "fired": [],
    "held": [],
    "rolled": [],
    "rejected": [],
    "released": [],
    "route": None,
    "cycle": None,
    "notes": [],
    "reasons": {},
}


def policy(name="p", when="'True'", then="{alert: {to: team}}", *, lets="", inputs="{a: any}", more=""):
    let = f"let: {lets}\n" if lets else ""
    return f"policy: {name}\ninputs: {inputs}\n{let}when: {when}\nthen: {then}\n{more}"


def step(*policies, more=()):
    """The check step of a flow with these policies."""
    names = [text.split("\n")[0].removeprefix("policy: ") for text in policies]
    plan = compiled(EVENT, *policies, *more, FLOW.format(checked=", ".join(names))).plan
    return plan.flows["f"].step("c")


def decide(*policies, a=None, more=()):
    made = step(*policies, more=more)
    acting, result = made.decide({"a": a})
    assert acting == [
        index
        for index, one in enumerate(made.policies)
        if one.name in result["fired"] and (one.hold or one.alert)
    ]
    return result


class TestOutcomes:
    @pytest.mark.parametrize(
        "then, more, expected",
        [
            ("{hold: {release: {role: lead}}}", "reason: because {{ a.n }}", {"reasons": {"p": "because 5"}}),
            ("{reject: too-late}", "reason: late", {"rejected": ["p"], "reasons": {"p": "late"}}),
            ("{reject: {}}", "reason: late", {"rejected": ["p"], "reasons": {"p": "late"}}),
            ("{approve: {role: lead}}", "reason: why", {"reasons": {"p": "why"}}),
            (
                "{roll: {cycle: \"{'name': a.n}\"}}",
                "note: late",
                {"rolled": ["p"], "cycle": {"name": 5}, "notes": ["late"]},
            ),
            ("{route: a.to}", "", {"route": "there"}),
            ("{route: {to: {value: here}}}", "note: as {{ a.n }}", {"route": "here", "notes": ["as 5"]}),
            ("{alert: {to: team, message: 'n is {{ a.n }}'}}", "", {}),
            ("{set: {x: a.n, y: {expr: a.n + 1}}}", "", {"x": 5, "y": 6}),
        ],
    )
    def test_what_follows_when_it_applies(self, then, more, expected):
        made = decide(policy(then=then, more=more), a={"n": 5, "to": "there"})
        assert made == {**EMPTY, "fired": ["p"], **expected}

    def test_nothing_follows_when_it_does_not(self):
        text = policy(when="a.n > 9", then="{reject: x, set: {y: a.n}}", more="reason: r\nnote: noted")
        assert decide(text, a={"n": 5}) == {**EMPTY, "y": None}

    def test_how_a_hold_ends(self):
        then = (
            "{hold: {amount: a.value, until: {event: e, where: event.data.id == a.id}, "
            "release: {role: lead, reason: optional, four_eyes_over: 500 EUR}, escalate: {after: 2h, to: boss}}}"
        )
        hold = step(policy(then=then, more="reason: r")).policies[0].hold
        assert (hold.role, hold.reason_required, hold.four_eyes_over, hold.approval) == (
            "lead",
            False,
            "500 EUR",
            False,
        )
        (escalation,) = hold.escalations
        assert (escalation.to, escalation.after.text, hold.until.event) == ("boss", "2 hours", "e")
        assert escalation.after.due(NOON, None) == NOON + timedelta(hours=2)
        assert hold.until.match == ((("data", "id"), ("a", "id")),)
        scope = {"a": {"id": 1}, "event": {"type": "e", "data": {"id": 1}}}
        assert hold.until.where.call(scope) is True
        assert hold.until.where.call({**scope, "a": {"id": 2}}) is False

    def test_an_approval_is_a_hold_that_a_person_ends(self):
        then = "{approve: {role: cfo, escalate: {after: 1d, to: board}}}"
        hold = step(policy(then=then, more="reason: r")).policies[0].hold
        assert (hold.approval, hold.role, hold.until) == (True, "cfo", None)
        assert [(one.to, one.after.text) for one in hold.escalations] == [("board", "1 day")]

    @pytest.mark.parametrize(
        "where, fields",
        [
            ("a.id == event.data.id", [("data.id", "a.id")]),
            ("event.data.id == a.id and event.data.n > 1", [("data.id", "a.id")]),
            ("event.data.id == a.id and event.data.to == a.to", [("data.id", "a.id"), ("data.to", "a.to")]),
            ("event.data.id == a.id or event.data.n > 1", []),
            ("not (event.data.id == a.id)", []),
            ("event.data.id != a.id", []),
            ("event.data.id == 'x'", []),
            ("event.data.id == upper(a.id)", []),
            ("a.id == a.to", []),
            ("event.data.id == named", []),
        ],
    )
    def test_what_of_a_condition_an_index_can_find(self, where, fields):
        then = f'{{hold: {{until: {{event: e, where: "{where}"}}}}}}'
        hold = step(policy(then=then, lets="{named: a.to}", more="reason: r")).policies[0].hold
        found = [(".".join(field), ".".join(own)) for field, own in hold.until.match]
        assert found == fields

    def test_time_does_several_things_to_a_hold_by_several_clocks(self):
        then = (
            "{approve: {role: cfo, escalate: [{after: 1 business day, to: board}, {after: 90m, to: x}], "
            "expires: {after: 3 business hours, then: reject, calendar: office}}}"
        )
        office = "calendar: office\ntime_zone: Europe/Berlin\nbusiness_hours: 08:00-16:00"
        hold = step(policy(then=then, more="reason: r"), more=[office]).policies[0].hold
        friday = datetime(2026, 5, 29, 13, tzinfo=UTC)  # 15:00 in Berlin
        assert [one.after.due(friday, None) for one in hold.escalations] == [
            datetime(2026, 6, 1, 13, tzinfo=UTC),
            friday + timedelta(minutes=90),
        ]
        assert hold.expires.then == "reject"
        assert hold.expires.after.due(friday, None) == datetime(2026, 6, 1, 8, tzinfo=UTC)

    def test_the_code_of_a_rejection_is_the_name_unless_it_is_said(self):
        plans = step(
            policy("p", then="{reject: {}}", more="reason: r"),
            policy("q", then="{reject: code}", more="reason: r"),
        )
        assert [one.reject for one in plans.policies] == ["p", "code"]

    def test_an_alert_says_its_message(self):
        alert = (
            step(policy(then="{alert: {to: team, severity: critical, message: '{{ a.n }}!'}}"))
            .policies[0]
            .alert
        )
        assert (alert.to, alert.severity, alert.message.call({"a": {"n": 1}})) == ("team", "critical", "1!")


class TestConditions:
    @pytest.mark.parametrize("n", [None, 0, 1, "", "true", [], {}])
    def test_one_that_is_neither_true_nor_false_is_an_error(self, n):
        with pytest.raises(EvaluationError, match="condition of policy p must be true or false"):
            decide(policy(when="a.n"), a={"n": n})

    @pytest.mark.parametrize("n", [True, False])
    def test_only_true_applies(self, n):
        assert decide(policy(when="a.n"), a={"n": n})["fired"] == (["p"] if n else [])

    @pytest.mark.parametrize(
        "when, wrong",
        [
            ("a.id", True),
            ("a.total", True),
            ("a.lines", True),
            ("a.paid", False),
            ("a.total > 1", False),
            ("len(a.id)", True),
        ],
    )
    def test_one_that_never_is_does_not_compile(self, when, wrong):
        found = problems(ORDER, policy(when=when, inputs="{a: canonical/order@1}"))
        assert found == ([("TG409", when)] if wrong else [])

    @pytest.mark.parametrize(
        "flow",
        [
            "flow: f\ntrigger: {event: order.placed, as: o, where: o.id}\nsteps: {}",
            "flow: f\ntrigger: {event: order.placed, as: o}\nsteps: {c: {when: o.id, emit: order.placed, with: {}}}",
            "flow: f\ntrigger: {event: order.placed, as: o}\nsteps: {c: {choose: {x: o.id, z: otherwise}}}",
            "flow: f\ntrigger: {event: order.placed, as: o}\nsteps: {c: {wait: {event: order.placed, where: o.id}}}",
        ],
    )
    def test_other_conditions_likewise(self, flow):
        assert ("TG409", "o.id") in problems(ORDER, flow)


class TestSeveral:
    def test_each_has_its_own_lets_of_the_same_names(self):
        one = policy("one", when="x > 3", lets="{x: {expr: a.n + 1}}", then="{set: {one: {expr: x}}}")
        two = policy("two", when="x > 30", lets="{x: {expr: a.n * 10}}", then="{set: {two: {expr: x}}}")
        assert decide(one, two, a={"n": 3}) == {**EMPTY, "fired": ["one"], "one": 4, "two": None}
        assert decide(one, two, a={"n": 4}) == {**EMPTY, "fired": ["one", "two"], "one": 5, "two": 40}

    def test_lets_of_what_follows_are_computed_only_then(self):
        text = policy(when="a.n != 0", lets="{x: {expr: 1 / a.n}}", then="{set: {y: {expr: x}}}")
        assert decide(text, a={"n": 0}) == {**EMPTY, "y": None}
        assert decide(text, a={"n": 4})["y"] == Decimal("0.25")

    def test_a_let_first_used_by_one_that_does_not_apply_is_there_for_the_next(self):
        lets = "{x: {expr: a.n + 1}}"
        one = policy("one", when="a.n > 100", lets=lets, then="{set: {y: {expr: x}}}")
        two = policy("two", when="x == 6", lets=lets, then="{set: {z: {expr: x}}}")
        assert decide(one, two, a={"n": 5}) == {**EMPTY, "fired": ["two"], "y": None, "z": 6}

    def test_what_several_look_up_is_looked_up_once(self):
        table = "table: t\nkey: {id: string}\ncolumns: {v: integer}\nrows: [{id: x, v: 7}]"
        texts = [
            policy(
                name,
                when=f"r is not None and r.v > {least}",
                lets="{r: {table: t, key: a.k}}",
                then=f"{{set: {{{name}: r.v}}}}",
            )
            for name, least in (("one", 5), ("two", 6), ("three", 7))
        ]
        made = decide(*texts, a={"k": "x"}, more=[table])
        assert (made["fired"], made["one"], made["two"], made["three"]) == (["one", "two"], 7, 7, None)

    def test_a_look_up_inside_of_what_follows_is_not_taken_for_one_before(self):
        table = "table: t\nkey: {id: string}\ncolumns: {v: integer}\nrows: [{id: x, v: 7}]"
        entry = "{table: t, key: a.k, take: v}"
        one = policy("one", when="a.n > 9", then=f"{{set: {{y: {entry}}}}}")
        two = policy("two", when="a.n > 1", then=f"{{set: {{z: {entry}}}}}")
        assert decide(one, two, a={"n": 5, "k": "x"}, more=[table])["z"] == 7

    def test_of_two_that_set_one_value_the_later_counts(self):
        one, two = (
            policy(name, when=f"a.{name}", then=f"{{set: {{x: {{value: {name}}}}}}}")
            for name in ("one", "two")
        )
        assert decide(one, two, a={"one": True, "two": True})["x"] == "two"
        assert decide(one, two, a={"one": True, "two": False})["x"] == "one"
        assert decide(one, two, a={"one": False, "two": False})["x"] is None

    def test_the_value_has_the_same_keys_whatever_applies(self):
        one = policy("one", when="a.n > 1", then="{set: {x: a.n}}")
        two = policy("two", when="a.n > 2", then="{route: a.to}", more="note: noted")
        assert list(decide(one, two, a={"n": 0})) == list(decide(one, two, a={"n": 9, "to": "t"}))

    def test_calendars_tables_and_dates_in_conditions(self):
        calendar = (
            "calendar: billing\ntime_zone: Europe/Berlin\n"
            "cycles: {every: week, starts: monday, name: '%G-W%V', cutoff: friday 18:00}"
        )
        text = policy(
            when="a.sent_at is not None and a.sent_at > cutoff('billing', a.placed_on)",
            inputs="{a: canonical/order@1}",
            then="{roll: {cycle: \"next_cycle('billing', a.placed_on)\"}}",
        )
        plan = compiled(
            ORDER, calendar, text, FLOW.format(checked="p").replace("event: e", "event: order.placed")
        ).plan
        late = {"a": {"placed_on": date(2026, 5, 27), "sent_at": datetime(2026, 5, 29, 16, 1, tzinfo=UTC)}}
        _, made = plan.flows["f"].step("c").decide(late)
        assert made["cycle"]["name"] == "2026-W23"
        early = {"a": {**late["a"], "sent_at": datetime(2026, 5, 29, 16, 0, tzinfo=UTC)}}
        assert plan.flows["f"].step("c").decide(early)[1]["rolled"] == []


class TestMistakes:
    @pytest.mark.parametrize(
        "text, expected",
        [
            (policy(then="{}"), [("TG505", "{}")]),
            (policy(then="{set: {}}"), [("TG505", "{set: {}}")]),
            (policy(then="{hold: {}}", more="reason: r"), [("TG506", "{}")]),
            (
                policy(then="{hold: {escalate: {after: 1h, to: x}}}", more="reason: r"),
                [("TG506", "{escalate: {after: 1h, to: x}}")],
            ),
            (policy(then="{hold: {release: {role: r}}}"), [("TG507", "hold")]),
            (policy(then="{reject: code}"), [("TG507", "reject")]),
            (policy(then="{approve: {role: r}}"), [("TG507", "approve")]),
            (
                policy(then="{hold: {release: {role: r}}, approve: {role: r}}", more="reason: r"),
                [("TG508", "approve")],
            ),
            (policy(then="{set: {held: a.x}}"), [("TG308", "held")]),
            (policy(then="{set: {'x y': a.x}}"), [("TG208", "'x y'")]),
            (policy(lets="{a: {value: 1}}"), [("TG308", "a")]),
            (policy(lets="{x: {expr: unknown}}"), [("TG302", "unknown")]),
            (policy(then="{hold: {until: {event: none}}}", more="reason: r"), [("TG313", "none")]),
            (
                policy(then="{hold: {until: {event: none, where: event.data.id == b}}}", more="reason: r"),
                [("TG313", "none"), ("TG302", "b")],
            ),
            (policy(inputs="{a: canonical/none@1}", when="a.x.z > 1"), [("TG310", "canonical/none@1")]),
            (policy(inputs="{'a b': any}"), [("TG208", "'a b'")]),
            (policy(more="reason: '{{ a.x'"), [("TG253", "'")]),
        ],
    )
    def test_each_is_reported_once_whether_a_check_uses_it_or_not(self, text, expected):
        for more in ((), (FLOW.format(checked="p"),)):
            found = [one for one in problems(EVENT, text, *more) if one[0] not in WARNINGS]
            assert [one[0] for one in found] == [code for code, _ in expected]
            if expected[0][0] != "TG253":
                assert found == expected

    def test_a_policy_named_twice(self):
        assert problems(EVENT, policy(), FLOW.format(checked="p, p")) == [("TG308", "p")]
