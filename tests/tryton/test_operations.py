"""Each operation against a real Tryton: what it does, that repeating it does nothing, and what it refuses."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.connect import Failure, FaultClass, Receipt
from tests.tryton.conftest import YEAR

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Invoices are numbered in the order of their dates, so all of this file have the same.
INVOICED = date(YEAR, 3, 31)


def refused(outcome, words):
    assert isinstance(outcome, Failure), outcome
    assert outcome.fault is FaultClass.PERMANENT
    assert words in outcome.reason
    return True


def record(erp, key, hours="7.5", **more):
    payload = {
        "external_id": f"te-{key}",
        "employee": "EMP-001",
        "task": f"T-{key}",
        "date": date(YEAR, 3, 3),
        "hours": Decimal(hours),
    }
    return erp.write("record_time", **(payload | more))


def entry(key, amount="100.00", on=date(YEAR, 2, 27), **more):
    value = Decimal(amount)
    return {
        "external_id": f"rr-{key}",
        "journal": "MISC",
        "date": on,
        "description": "Revenue of February",
        "lines": [{"account": "2.2.2", "debit": value}, {"account": "4.2.2", "credit": value}],
        **more,
    }


class TestCustomer:
    def test_is_made_once_and_then_brought_up_to_date(self, erp, key):
        made = erp.write("save_customer", code=key, name="Acme", city="Testville")
        again = erp.write("save_customer", code=key, name="Acme", city="Testville")
        changed = erp.write("save_customer", code=key, name="Acme Ltd", payment_term="30 days")
        assert (made.found, again.found, changed.found) == (False, True, False)
        assert made.external_id == again.external_id == changed.external_id
        assert erp.read("customer", code=key) == {
            "id": made.external_id,
            "code": key,
            "name": "Acme Ltd",
            "payment_term": "30 days",
        }

    def test_is_looked_up_as_it_should_be(self, erp, key):
        assert erp.look_up("save_customer", code=key, name="Acme") is None
        erp.write("save_customer", code=key, name="Acme")
        assert erp.look_up("save_customer", code=key, name="Acme").found is True
        assert erp.look_up("save_customer", code=key, name="Other") is None

    def test_that_is_not_there_reads_as_nothing(self, erp):
        assert erp.read("customer", code="nobody") is None

    def test_with_a_payment_term_that_is_not_there(self, erp, key):
        assert refused(
            erp.write("save_customer", code=key, name="A", payment_term="60 days"), "no payment term"
        )


class TestProject:
    @pytest.mark.requirement("FLW-01")
    def test_is_made_once_with_its_tasks(self, erp, project, key):
        found = erp.read("project", external_id=project)
        assert found["customer"] == f"C-{key}"
        assert found["tasks"] == [{"external_id": f"T-{key}", "name": "Build", "progress": Decimal(0)}]
        again = erp.write(
            "create_project",
            external_id=project,
            name="Rollout",
            customer=f"C-{key}",
            invoice_method="timesheet",
        )
        assert (again.found, again.external_id) == (True, found["id"])

    def test_takes_more_tasks(self, erp, project, key):
        task = {
            "external_id": f"T2-{key}",
            "name": "Test",
            "product": "CONSULT-H",
            "price": Decimal("120.50"),
        }
        made = erp.write("create_task", project=project, **task)
        again = erp.write("create_task", project=project, **task)
        assert (made.found, again.found, again.external_id) == (False, True, made.external_id)
        assert len(erp.read("project", external_id=project)["tasks"]) == 2
        assert erp.read("task", external_id=f"T2-{key}") == {
            "id": made.external_id,
            "external_id": f"T2-{key}",
            "name": "Test",
            "project": project,
            "progress": Decimal(0),
            "billed": False,
        }

    def test_of_an_unknown_customer(self, erp, key):
        outcome = erp.write(
            "create_project", external_id=key, name="X", customer="nobody", invoice_method="effort"
        )
        assert refused(outcome, "erp has no customer 'nobody'")

    def test_that_is_not_there_reads_as_nothing(self, erp):
        assert erp.read("project", external_id="nothing") is None


class TestTime:
    def test_is_recorded_once(self, erp, project, key):
        made, again = record(erp, key, note="Workshop"), record(erp, key, note="Workshop")
        assert (made.found, again.found, again.external_id) == (False, True, made.external_id)
        lines = erp.rows(
            "timesheet.line", [["description", "like", f"TG:te-{key}%"]], ["description", "duration"]
        )
        assert [(line["description"], line["duration"]) for line in lines] == [
            (f"TG:te-{key} Workshop", Decimal("7.5"))
        ]
        assert erp.read("project", external_id=project)["to_invoice"] == Decimal("1125.00")

    @pytest.mark.usefixtures("project")
    def test_reads_as_it_was_recorded(self, erp, key):
        made = record(erp, key, hours="0.33", note="Call")
        assert erp.read("time_line", external_id=f"te-{key}") == {
            "id": made.external_id,
            "external_id": f"te-{key}",
            "employee": "EMP-001",
            "date": date(YEAR, 3, 3),
            "hours": Decimal("0.33"),
            "billed": False,
        }
        assert erp.read("time_line", external_id="none") is None
        assert erp.read("task", external_id="none") is None

    @pytest.mark.usefixtures("project")
    def test_is_not_mistaken_for_a_longer_key(self, erp, key):
        record(erp, key, external_id=f"{key}_1x")
        assert record(erp, key, external_id=f"{key}_1").found is False
        assert record(erp, key, external_id=f"{key}%").found is False

    @pytest.mark.usefixtures("project")
    def test_of_the_same_key_with_other_hours_is_no_repeat(self, erp, key):
        record(erp, key)
        assert refused(record(erp, key, hours="8"), f"already, with 7.5 hours on {YEAR}-03-03")

    @pytest.mark.usefixtures("project")
    def test_is_taken_back_once(self, erp, key):
        record(erp, key)
        removed = erp.write("remove_time", external_id=f"te-{key}", id="7")
        again = erp.write("remove_time", external_id=f"te-{key}")
        assert (removed.found, again.found) == (False, True)
        assert erp.look_up("remove_time", external_id=f"te-{key}").found is True
        assert record(erp, key).found is False
        assert erp.look_up("remove_time", external_id=f"te-{key}") is None

    @pytest.mark.usefixtures("project")
    @pytest.mark.parametrize(
        "more, words",
        [({"employee": "EMP-9"}, "no employee 'EMP-9'"), ({"task": "none"}, "no task 'none'")],
    )
    def test_of_nobody_or_on_nothing(self, erp, key, more, words):
        assert refused(record(erp, key, **more), words)

    def test_that_its_schema_does_not_allow(self, erp, key):
        assert refused(record(erp, key, hours="25"), "erp.record_time: ")


class TestInvoice:
    @pytest.mark.requirement("FLW-26")
    def test_bills_time_up_to_a_day_once(self, erp, project, key):
        record(erp, key)
        record(erp, key, external_id=f"late-{key}", date=date(YEAR, 3, 20))
        asked = {"reference": f"INV-{key}", "project": project, "date": INVOICED, "up_to": date(YEAR, 3, 10)}
        made, again = erp.write("invoice_project", **asked), erp.write("invoice_project", **asked)
        assert (made.found, again.found, again.external_id) == (False, True, made.external_id)
        assert made.body["total"] == Decimal("1125.00")
        assert made.body["number"].startswith(f"INV-{YEAR}-")
        found = erp.read("invoice", reference=f"INV-{key}")
        assert (found["state"], found["customer"], found["currency"]) == ("posted", f"C-{key}", "USD")
        assert erp.read("project", external_id=project)["invoiced"] == Decimal("1125.00")
        assert erp.read("time_line", external_id=f"te-{key}")["billed"] is True
        assert erp.read("time_line", external_id=f"late-{key}")["billed"] is False
        # What was billed stays as it is.
        assert refused(erp.write("remove_time", external_id=f"te-{key}"), "invoiced")

    @pytest.mark.requirement("FLW-12")
    def test_bills_a_milestone_once_it_is_done(self, erp, key):
        erp.write("save_customer", code=f"C-{key}", name="Acme")
        milestones = [
            {"external_id": f"M{n}-{key}", "name": f"Milestone {n}", "product": "MILESTONE", "price": price}
            for n, price in ((1, 10_000), (2, 15_000))
        ]
        erp.write(
            "create_project",
            external_id=f"P-{key}",
            name="Fixed price",
            customer=f"C-{key}",
            invoice_method="effort",
            tasks=milestones,
        )
        asked = {"project": f"P-{key}", "date": INVOICED, "reference": f"INV-{key}"}
        assert refused(erp.write("invoice_project", **asked), "nothing to bill")
        done, again = (erp.write("complete_task", task=f"M1-{key}") for _ in range(2))
        assert (done.found, again.found) == (False, True)
        made = erp.write("invoice_project", **asked)
        assert made.body["total"] == Decimal("10000.00")
        assert [erp.read("task", external_id=f"M{n}-{key}")["billed"] for n in (1, 2)] == [True, False]
        assert erp.look_up("invoice_project", **asked).external_id == made.external_id

    def test_draft_that_was_left_is_the_one_that_is_posted(self, erp, project, key):
        record(erp, key)
        number = int(erp.read("project", external_id=project)["id"])
        erp.rpc("project.work.invoice", [number])
        asked = {"reference": f"INV-{key}", "project": project, "date": INVOICED}
        assert erp.look_up("invoice_project", **asked) is None
        made = erp.write("invoice_project", **asked)
        drafts = erp.rows("account.invoice", [["party.code", "=", f"C-{key}"]], ["state"])
        assert [(str(row["id"]), row["state"]) for row in drafts] == [(made.external_id, "posted")]

    @pytest.mark.requirement("PAT-22")
    def test_changes_are_told(self, erp, project, key):
        record(erp, key)
        made = erp.write("invoice_project", reference=f"INV-{key}", project=project, date=INVOICED)
        first = erp.poll("invoice_changed", datetime(2020, 1, 1, tzinfo=UTC))
        assert made.external_id in [item["id"] for item in first.items]
        assert first.upto == max(item["changed_at"] for item in first.items)
        # The overlap brings the last ones again: whoever accepts them drops repeats.
        again = erp.poll("invoice_changed", first.upto)
        assert made.external_id in [item["id"] for item in again.items]
        assert erp.poll("invoice_changed", datetime(2100, 1, 1, tzinfo=UTC)).items == []


class TestEntry:
    def test_is_posted_once(self, erp, key):
        made, again = erp.write("post_entry", **entry(key)), erp.write("post_entry", **entry(key))
        assert (made.found, again.found, again.external_id) == (False, True, made.external_id)
        found = erp.read("entry", external_id=f"rr-{key}")
        assert (found["state"], found["period"], found["journal"]) == ("posted", f"{YEAR}-02", "MISC")
        assert found["lines"] == [
            {"account": "2.2.2", "debit": Decimal("100.00"), "credit": Decimal(0)},
            {"account": "4.2.2", "debit": Decimal(0), "credit": Decimal("100.00")},
        ]

    def test_of_the_same_key_with_other_lines_is_no_repeat(self, erp, key):
        erp.write("post_entry", **entry(key))
        assert refused(erp.write("post_entry", **entry(key, amount="101.00")), "already, with other lines")

    @pytest.mark.parametrize(
        "lines, words",
        [
            ([("2.2.2", "100", "0"), ("4.2.2", "0", "99.99")], "100 debit, 99.99 credit"),
            ([("2.2.2", "100", "100"), ("4.2.2", "0", "0")], "either a debit or a credit"),
            ([("2.2.2", "1", "0"), ("9.9.9", "0", "1")], "no account '9.9.9'"),
        ],
    )
    def test_that_is_no_entry(self, erp, key, lines, words):
        made = [{"account": a, "debit": Decimal(d), "credit": Decimal(c)} for a, d, c in lines]
        assert refused(erp.write("post_entry", **entry(key, lines=made)), words)
        assert erp.read("entry", external_id=f"rr-{key}") is None

    def test_without_a_period(self, erp, key):
        outcome = erp.write("post_entry", **entry(key, on=date(YEAR + 9, 1, 5)))
        assert refused(outcome, f"no accounting period for {YEAR + 9}-01-05")
        assert erp.read("period", date=date(YEAR + 9, 1, 5)) is None

    def test_with_a_customer_where_the_account_asks_for_one(self, erp, key):
        erp.write("save_customer", code=f"C-{key}", name="Acme")
        lines = [
            {"account": "1.2.1", "debit": Decimal(5), "customer": f"C-{key}"},
            {"account": "4.2.2", "credit": Decimal(5)},
        ]
        assert refused(
            erp.write("post_entry", **entry(key, lines=[{**lines[0], "customer": "-"}, lines[1]])), "-"
        )
        assert isinstance(erp.write("post_entry", **entry(key, lines=lines)), Receipt)


def test_several_effects_are_answered_in_their_order(erp, key):
    effects = [
        erp.effect("save_customer", {"code": f"{key}-1", "name": "One"}),
        erp.effect("save_customer", {"code": f"{key}-2"}),
        erp.effect("no_such_operation", {}),
        erp.effect("save_customer", {"code": f"{key}-3", "name": "Three"}),
    ]
    kinds = [type(outcome).__name__ for outcome in erp._do(erp.connector.write(effects))]
    assert kinds == ["Receipt", "Failure", "Failure", "Receipt"]
