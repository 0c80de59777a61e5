"""What a decision was made by: the facts that are kept, and the sentence that is made of them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.compile.making import compiled
from tests.compile.test_decision_tables import DATA, FLOW, INVOICE, decide, table

CALENDAR = (
    "calendar: billing\nowner: t\ntime_zone: Europe/Berlin\n"
    "cycles: {every: week, starts: monday, name: '%G-W%V', cutoff: friday 18:00}"
)
RATES = (
    "table: rates\nowner: t\nkey: {kind: string}\ncolumns: {limit: decimal}\nrows: [{kind: fixed, limit: 50}]"
)
CARDS = (
    "table: cards\nowner: t\nkey: {kind: string}\neffective: {from: since}\n"
    "columns: {since: date, limit: decimal}\nrows: [{kind: fixed, since: 2026-01-01, limit: 50}]"
)
REJECT = "{reject: x}"


def rule(when, then=REJECT, about="Large invoices are looked at.", more=""):
    return (
        f"policy: p\nowner: t\nabout: {about}\ninputs: {{a: canonical/invoice@1}}\n"
        f"when: {when}\nthen: {then}\n{more}"
    )


def found(text, *more, **changes):
    plan = compiled(INVOICE, *more, text, FLOW).plan
    return plan.flows["f"].step("c").decide({"a": {**DATA, **changes}})[1]


@pytest.mark.requirement("POL-05", "POL-02")
class TestRules:
    def test_a_reason_that_nobody_wrote_is_made_of_the_rule_and_the_facts(self):
        made = found(rule("a.amount > 50 and not a.paid"))
        assert made["facts"] == {"p": {"a.amount": Decimal("99.50"), "a.paid": False}}
        assert made["reasons"] == {"p": "Large invoices are looked at: a.amount = 99.50, a.paid = False."}

    def test_what_a_calendar_said_is_a_fact(self):
        made = found(
            rule("a.sent_at > cutoff('billing', a.billed_on)", about="Late invoices wait."),
            CALENDAR,
            sent_at=datetime(2026, 5, 29, 23, 5, tzinfo=UTC),
        )
        assert made["reasons"]["p"] == (
            "Late invoices wait: a.sent_at = 2026-05-29T23:05:00Z, a.billed_on = 2026-05-29, "
            "cutoff = 2026-05-29T16:00:00Z."
        )

    @pytest.mark.parametrize(
        "lookup, document, told",
        [
            ("{table: rates, key: a.kind}", RATES, "rates fixed"),
            ("{table: cards, key: a.kind, on: a.billed_on}", CARDS, "cards fixed, 2026-01-01"),
        ],
    )
    def test_a_row_of_a_table_is_told_by_its_key_and_its_day(self, lookup, document, told):
        text = rule("r is not None", more=f"let: {{r: {lookup}}}\n")
        assert found(text, document)["facts"] == {"p": {"r": told}}
        assert found(text.replace("is not None", "is None"), document, kind="hourly")["facts"] == {
            "p": {"r": None}
        }

    def test_lists_and_records_are_no_facts_but_money_is(self):
        made = found(rule("a.total is not None and len(a.id) > 0"))
        assert made["facts"]["p"] == {"a.total": DATA["total"], "a.id": "1"}
        assert "a.total = 99.50 EUR" in made["reasons"]["p"]

    def test_written_reasons_and_notes_stand(self):
        assert found(rule("a.amount > 5", more="reason: Because.\n"))["reasons"] == {"p": "Because."}
        then = "{roll: {cycle: \"cycle('billing', a.billed_on)\"}}"
        noted = found(rule("a.amount > 5", then, more="note: Late.\n"), CALENDAR)
        assert (noted["reasons"], noted["notes"], noted["facts"]) == (
            {},
            ["Late."],
            {"p": {"a.amount": Decimal("99.50")}},
        )
        told = found(rule("a.amount > 5", "{alert: {to: team, message: Look.}}"))
        assert (told["reasons"], told["facts"]["p"]) == ({}, {"a.amount": Decimal("99.50")})

    @pytest.mark.parametrize("then", ["{set: {x: a.id}}", "{route: a.id}"])
    def test_what_changes_no_course_keeps_no_facts(self, then):
        assert "facts" not in found(rule("a.amount > 5", then))

    def test_what_does_not_apply_keeps_none(self):
        assert "facts" not in found(rule("a.amount > 500"))

    def test_names_of_a_comprehension_are_no_facts(self):
        made = found(rule("any([a.amount > n for n in [5, 6]])"))
        assert made["facts"] == {"p": {"a.amount": Decimal("99.50")}}


@pytest.mark.requirement("POL-05")
class TestRows:
    def test_a_row_tells_its_number_its_values_and_its_tests(self):
        text = table(
            "{kind: fixed, amount: '< 100', then: {reject: x}}",
            by="{kind: a.kind, amount: a.amount, paid: a.paid}",
        )
        made = decide(text)
        assert made["facts"] == {"p": {"row": 1, "kind": "fixed", "amount": Decimal("99.50")}}
        assert made["reasons"] == {"p": "Desks differ (row 1): kind = fixed, amount = 99.50 (< 100)."}

    def test_a_row_in_its_own_words(self):
        text = table("{kind: fixed, about: Fixed is fixed., then: {reject: x}}", by="{kind: a.kind}")
        assert decide(text)["reasons"] == {"p": "Fixed is fixed (row 1): kind = fixed."}
