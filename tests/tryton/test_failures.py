"""What a real Tryton refuses, and what is lost on the way: each in its class, and nothing twice."""

from datetime import date
from decimal import Decimal

import pytest

from engine.connect import Failure, FaultClass, Permanent, Receipt, Secret, Transient
from tests.tryton.conftest import YEAR

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TIME = "model.timesheet.line."
INVOICE = "model.account.invoice."
ENTRY = "model.account.move."


def entry(key, on):
    lines = [{"account": "2.2.2", "debit": Decimal(40)}, {"account": "4.2.2", "credit": Decimal(40)}]
    return {"external_id": f"rr-{key}", "journal": "MISC", "date": on, "lines": lines}


def time_line(key):
    day = date(YEAR, 3, 3)
    return {"external_id": key, "employee": "EMP-001", "task": f"T-{key}", "date": day, "hours": Decimal(8)}


def period(erp, name):
    (row,) = erp.rows("account.period", [["name", "=", name]], [])
    return row["id"]


def failed(outcome, fault, words=""):
    assert isinstance(outcome, Failure), outcome
    assert outcome.fault is fault, outcome
    assert words in outcome.reason
    return True


class TestClosedPeriod:
    """The class that a policy answers by rolling into the next period."""

    def test_an_entry_does_not_go_in_and_goes_into_the_next(self, erp, key):
        closed, following = date(YEAR, 4, 30), date(YEAR, 5, 1)
        erp.write("post_entry", **entry(f"{key}-before", closed))
        erp.rpc("account.period.close", [period(erp, f"{YEAR}-04")])
        assert erp.read("period", date=closed)["state"] == "closed"
        assert failed(
            erp.write("post_entry", **entry(key, closed)), FaultClass.CLOSED_PERIOD, "closed journal-period"
        )
        assert erp.read("entry", external_id=f"rr-{key}") is None
        assert isinstance(erp.write("post_entry", **entry(key, following)), Receipt)
        assert erp.read("entry", external_id=f"rr-{key}")["period"] == f"{YEAR}-05"

    def test_a_journal_that_was_never_used_in_it(self, erp, key):
        erp.rpc("account.period.close", [period(erp, f"{YEAR}-06")])
        outcome = erp.write("post_entry", **entry(key, date(YEAR, 6, 15)))
        assert failed(outcome, FaultClass.CLOSED_PERIOD, "in closed period")

    def test_a_locked_one_is_closed_too(self, erp, key):
        erp.rpc("account.period.close", [period(erp, f"{YEAR}-07")])
        erp.rpc("account.period.lock_", [period(erp, f"{YEAR}-07")])
        assert erp.read("period", date=date(YEAR, 7, 15))["state"] == "locked"
        assert failed(erp.write("post_entry", **entry(key, date(YEAR, 7, 15))), FaultClass.CLOSED_PERIOD)

    def test_an_invoice_waits_as_a_draft_and_is_posted_in_the_next(self, erp, project, key):
        erp.write("record_time", **time_line(key))
        erp.rpc("account.period.close", [period(erp, f"{YEAR}-09")])
        asked = {"reference": f"INV-{key}", "project": project, "date": date(YEAR, 9, 30)}
        words = "you must reopen the period"
        assert failed(erp.write("invoice_project", **asked), FaultClass.CLOSED_PERIOD, words)
        assert erp.read("invoice", reference=f"INV-{key}")["state"] == "draft"
        assert erp.look_up("invoice_project", **asked) is None
        rolled = erp.write("invoice_project", **(asked | {"date": date(YEAR, 10, 1)}))
        assert rolled.body["date"] == date(YEAR, 10, 1)
        assert len(erp.rows("account.invoice", [["party.code", "=", f"C-{key}"]], [])) == 1


class TestRights:
    def test_a_user_without_them_is_refused_for_good(self, connect, erp, project, key):
        clerk = connect(user="clerk")
        more = {"external_id": f"T2-{key}", "name": "More", "product": "CONSULT-H", "price": 1}
        for outcome in (
            clerk.write("post_entry", **entry(key, date(YEAR, 2, 1))),
            clerk.write("complete_task", task=f"T-{key}"),
            clerk.write("create_task", project=project, **more),
        ):
            assert failed(outcome, FaultClass.PERMANENT, "You are not allowed to")
        assert erp.read("project", external_id=project)["tasks"][0]["progress"] == 0

    def test_a_wrong_password_waits_for_a_person(self, connect):
        outsider = connect(**{"auth.password": Secret("wrong")})
        assert failed(
            outsider.write("save_customer", code="X", name="X"), FaultClass.TRANSIENT, "does not let"
        )
        with pytest.raises(Transient, match="does not let user 'integration' in"):
            outsider.read("customer", code="X")

    def test_a_database_that_is_not_there(self, connect):
        outcome = connect(database="elsewhere").write("save_customer", code="X", name="X")
        assert failed(outcome, FaultClass.PERMANENT, "404")

    def test_a_session_that_ended_is_opened_anew(self, erp, key):
        erp.write("save_customer", code=key, name="X")
        # As if the server had forgotten it.
        erp.connector._erp._session = {"authorization": "Session aW50ZWdyYXRpb246MTpnb25l"}
        assert erp.write("save_customer", code=key, name="Y").found is False


class TestWarnings:
    """Tryton asks whether a due date in the past is meant."""

    def asked(self, key, project):
        # Late enough that earlier invoices of this file do not stand in the way.
        return {"reference": f"INV-{key}", "project": project, "date": date(YEAR, 11, 2)}

    def test_of_a_kind_that_is_accepted(self, erp, project, key):
        erp.write("record_time", **time_line(key))
        assert isinstance(erp.write("invoice_project", **self.asked(key, project)), Receipt)

    def test_of_a_kind_that_is_not_is_a_refusal(self, connect, erp, project, key):
        erp.write("record_time", **time_line(key))
        careful = connect(accepted_warnings="")
        outcome = careful.write("invoice_project", **self.asked(key, project))
        assert failed(outcome, FaultClass.PERMANENT, "invoice_payment_term")
        # A person accepts it; the draft that was left is the one that is posted.
        assert isinstance(erp.write("invoice_project", **self.asked(key, project)), Receipt)
        assert len(erp.rows("account.invoice", [["party.code", "=", f"C-{key}"]], [])) == 1


class TestLost:
    """The answer is lost, or the request: whatever came of it is found, and nothing is done twice."""

    @pytest.mark.requirement("REL-02")
    def test_time_that_was_recorded_is_found(self, between, erp, project, key):
        proxy, erp_behind = between
        proxy.lose("answer", f"{TIME}create")
        outcome = erp_behind.write("record_time", **time_line(key))
        assert failed(outcome, FaultClass.UNKNOWN, "so it may have been done")
        assert erp_behind.look_up("record_time", **time_line(key)).found is True
        assert erp_behind.write("record_time", **time_line(key)).found is True
        assert erp.read("project", external_id=project)["to_invoice"] == Decimal("1200.00")

    def test_time_that_was_not_recorded_is_not_found(self, between, project, key):
        proxy, erp_behind = between
        proxy.lose("request", f"{TIME}create")
        assert failed(erp_behind.write("record_time", **time_line(key)), FaultClass.UNKNOWN)
        assert erp_behind.look_up("record_time", **time_line(key)) is None
        assert erp_behind.write("record_time", **time_line(key)).found is False
        assert erp_behind.read("project", external_id=project)["to_invoice"] == Decimal("1200.00")

    @pytest.mark.parametrize("lose", ["answer", "request"])
    @pytest.mark.parametrize(
        "step", ["model.project.work.invoice", f"{INVOICE}write", f"{INVOICE}post", f"{INVOICE}search_read"]
    )
    def test_an_invoice_is_made_once_whichever_step_is_lost(self, between, erp, project, key, step, lose):
        proxy, erp_behind = between
        erp.write("record_time", **time_line(key))
        asked = {"reference": f"INV-{key}", "project": project, "date": date(YEAR, 12, 1)}
        # The answer to the first posting is the warning that the due date is past.
        proxy.lose(lose, step, passed=1 if step.endswith("post") else 0)
        outcome = erp_behind.write("invoice_project", **asked)
        assert failed(outcome, FaultClass.TRANSIENT if step.endswith("read") else FaultClass.UNKNOWN)
        found = erp_behind.look_up("invoice_project", **asked)
        posted = erp_behind.write("invoice_project", **asked)
        assert found is None or found.external_id == posted.external_id
        assert (found is not None) == (step.endswith("post") and lose == "answer")
        invoices = erp.rows("account.invoice", [["party.code", "=", f"C-{key}"]], ["state", "untaxed_amount"])
        assert [(row["state"], row["untaxed_amount"]) for row in invoices] == [("posted", Decimal("1200.00"))]

    @pytest.mark.parametrize("lose", ["answer", "request"])
    @pytest.mark.parametrize("step", [f"{ENTRY}create", f"{ENTRY}post"])
    def test_an_entry_is_posted_once_whichever_step_is_lost(self, between, erp, key, step, lose):
        asked = entry(key, date(YEAR, 12, 15))
        proxy, erp_behind = between
        proxy.lose(lose, step)
        assert failed(erp_behind.write("post_entry", **asked), FaultClass.UNKNOWN)
        assert isinstance(erp_behind.write("post_entry", **asked), Receipt)
        found = erp.rows("account.move", [["description", "like", f"TG:rr-{key}%"]], ["state"])
        assert [row["state"] for row in found] == ["posted"]

    def test_a_server_that_asks_to_wait(self, between, key):
        proxy, erp_behind = between
        proxy.lose("turn", "model.party.party.create")
        outcome = erp_behind.write("save_customer", code=key, name="X")
        assert failed(outcome, FaultClass.TRANSIENT, "503")
        assert outcome.retry_after_seconds == 7

    def test_a_server_that_is_not_there(self, connect, free_port):
        outcome = connect(url=f"http://127.0.0.1:{free_port}").write("save_customer", code="X", name="X")
        assert failed(outcome, FaultClass.TRANSIENT, "cannot be reached")

    def test_a_read_is_asked_again(self, between):
        proxy, erp_behind = between
        proxy.lose("answer", "model.party.party.search_read")
        with pytest.raises(Transient):
            erp_behind.read("customer", code="nobody")
        assert erp_behind.read("customer", code="nobody") is None


class TestConcurrency:
    def test_two_at_once_make_one_customer(self, connect, key):
        made = connect().write("save_customer", code=key, name="X")
        late = connect()
        search, looks = late.connector._erp.row, []

        async def row(*asked):
            # The first look is from before the other had made it.
            looks.append(asked)
            return await search(*asked) if len(looks) > 1 else None

        late.connector._erp.row = row
        again = late.write("save_customer", code=key, name="X")
        assert (again.external_id, again.found) == (made.external_id, True)

    def test_what_was_changed_meanwhile_is_tried_again(self, erp, key):
        made = erp.write("save_customer", code=key, name="X")
        number = int(made.external_id)
        (row,) = erp.rows("party.party", [["id", "=", number]], ["_timestamp"])
        erp.rpc("party.party.write", [number], {"name": "Y"})
        stale = {"_timestamp": {f"party.party,{number}": row["_timestamp"]}}
        call = ["model.party.party.write", [[number], {"name": "Z"}, {"company": 1, **stale}]]
        with pytest.raises(Transient, match="modified"):
            erp._do(erp.connector._erp._ask(*call, writes=True))


def test_a_read_that_the_manifest_does_not_have(erp):
    with pytest.raises(Permanent, match="no read 'save_customer'"):
        erp.read("save_customer", code="X")
