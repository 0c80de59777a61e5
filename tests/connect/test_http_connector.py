"""A connector made of its manifest, against a system over real HTTP."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from engine.connect.faults import Permanent, Transient
from engine.connect.simulator import Response
from engine.effect import Failure, FaultClass, Receipt
from tests.connect import toy as toys
from tests.connect.opening import every_page
from tests.connect.toy import effect


class TestWriting:
    def test_receipt(self, toy, write):
        receipt = write(effect("put", key="a/b", amount=Decimal("1.10"), day=date(2026, 3, 1)))
        assert receipt == Receipt(external_id="1", body={"id": "1"})
        assert toy.seen[-1].path == "/api/things/a%2Fb"
        assert toy.seen[-1].body == b'{"amount":1.10,"day":"2026-03-01"}'
        assert toy.seen[-1].headers["x-client"] == "tidegate"

    def test_outcomes_stand_in_the_order_of_the_effects(self, ask):
        effects = [effect("put", key=f"k{number}") for number in range(20)]
        effects[7] = effect("put", wrong=True)
        outcomes = ask(lambda connector: connector.write(effects))
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == [Failure if number == 7 else Receipt for number in range(20)]
        assert len({outcome.external_id for outcome in outcomes if isinstance(outcome, Receipt)}) == 19

    def test_body_template(self, toy, write):
        write(effect("post", amount=Decimal("0.30"), key="k"))
        assert toy.seen[-1].json() == {"thing": {"key": "k", "note": "about k", "amount": Decimal("0.30")}}

    def test_members_without_a_value_are_left_out(self, toy, write):
        write(effect("post"))
        assert toy.seen[-1].json() == {"thing": {}}

    def test_payload_that_breaks_its_schema_is_not_sent(self, toy, write):
        failure = write(effect("put", key="k", amount="much"))
        assert failure.fault is FaultClass.PERMANENT
        assert "amount" in failure.reason
        assert toy.seen == []

    @pytest.mark.parametrize("payload", [{}, {"key": {"a": 1}}, {"key": "a\r\nb"}, {"key": ".."}])
    def test_path_that_cannot_be_filled_is_permanent(self, toy, write, payload):
        failure = write(effect("remove", **payload))
        assert failure.fault is FaultClass.PERMANENT
        assert "key" in failure.reason or ".." in failure.reason
        assert toy.seen == []

    def test_operation_that_is_none(self, write):
        for name in ("nothing", "thing"):
            assert write(effect(name)).fault is FaultClass.PERMANENT

    def test_deleting_what_is_gone_is_done(self, write):
        write(effect("put", key="k"))
        assert write(effect("remove", key="k")) == Receipt(external_id=None)
        assert write(effect("remove", key="k")) == Receipt(external_id=None, found=True)

    @pytest.mark.requirement("REL-02")
    def test_key_goes_into_the_header_and_is_always_the_same(self, toy, write):
        for _ in range(2):
            write(effect("post", key="k"))
        first, second = (
            call.headers["idempotency-key"] for call in toy.seen if call.path.endswith("/things")
        )
        assert first == second
        write(effect("blind"))
        assert "idempotency-key" not in toy.seen[-1].headers

    @pytest.mark.parametrize(
        "answer",
        [
            Response(status=200, body=b"<html>"),
            Response(status=200, body=b'{"id": 1, "key": "k"'),
            Response(status=200, body=b'{"id": NaN, "key": "k"}'),
            Response(status=200),
            Response(status=204),
            Response(status=200, body=[]),
            Response(status=200, body={"key": "k"}),
            Response(status=200, body={"id": None, "key": "k"}),
            Response(status=200, body={"id": "1", "key": "another"}),
        ],
        ids=["html", "cut", "nan", "empty", "no content", "list", "no id", "null id", "another record"],
    )
    def test_success_that_proves_nothing_is_a_doubt(self, toy, write, answer):
        toy.answer = answer
        failure = write(effect("put", key="k"))
        assert failure.fault is FaultClass.UNKNOWN
        assert failure.evidence["status"] == answer.status


class TestClassing:
    @pytest.mark.parametrize(
        "status, fault",
        [
            (300, FaultClass.PERMANENT),
            (302, FaultClass.UNKNOWN),
            (307, FaultClass.PERMANENT),
            (400, FaultClass.PERMANENT),
            (403, FaultClass.PERMANENT),
            (409, FaultClass.CLOSED_PERIOD),
            (429, FaultClass.TRANSIENT),
            (500, FaultClass.UNKNOWN),
            (502, FaultClass.UNKNOWN),
            (503, FaultClass.TRANSIENT),
            (504, FaultClass.UNKNOWN),
        ],
    )
    def test_status_of_a_write(self, toy, write, status, fault):
        toy.answer = Response(status=status, body={"error": "no"})
        assert write(effect("put", key="k")).fault is fault

    @pytest.mark.parametrize(
        "status, fault", [(400, Permanent), (500, Transient), (502, Transient), (429, Transient)]
    )
    def test_status_of_a_read(self, toy, ask, status, fault):
        toy.answer = Response(status=status, body={"error": "no"})
        with pytest.raises(fault):
            ask(lambda connector: connector.read("thing", {"key": "k"}))

    def test_a_gateway_is_a_doubt_whatever_the_manifest_says(self, toy, ask):
        daring = toys.MANIFEST.replace("faults:\n", "faults:\n  - {when: status >= 500, is: transient}\n")
        found = []
        for status in (500, 502):
            toy.answer = Response(status=status)
            found += ask(lambda connector: connector.write([effect("put", key="k")]), manifest=daring)
        assert [failure.fault for failure in found] == [FaultClass.TRANSIENT, FaultClass.UNKNOWN]

    def test_reason_code_and_wait(self, toy, write):
        body = {"error": "too \x1b[31mlong", "code": "E1"}
        toy.answer = Response(status=400, body=body, headers={"retry-after": "9"})
        failure = write(effect("put", key="k"))
        assert failure.reason == "toy.put refuses it: too  [31mlong"
        assert failure.evidence["code"] == "E1"
        assert failure.retry_after_seconds == 9

    def test_throttling_is_told(self, toy, write):
        toy.answer = Response(status=429, headers={"retry-after": "3"})
        failure = write(effect("put", key="k"))
        assert (failure.evidence["throttled"], failure.retry_after_seconds) == (True, 3)

    @pytest.mark.requirement("API-16")
    def test_secrets_do_not_come_back_as_evidence(self, toy, write):
        told = "your token is toy-token-1 and no more"
        toy.answer = Response(status=400, body={"error": told, "code": "toy-token-1"})
        failure = write(effect("put", key="k"))
        assert "your token is *** and no more" in failure.reason
        assert "toy-token-1" not in f"{failure}"

    def test_evidence_is_bounded(self, toy, write):
        toy.answer = Response(status=400, body={"error": "x" * 5000})
        assert len(f"{write(effect('put', key='k'))}") < 1500


class TestReading:
    def test_answer_is_decoded(self, toy, ask):
        toy.things.create({"key": "k", "changed": "2026-03-01T12:00:00+02:00", "amount": Decimal("0.10")})
        found = ask(lambda connector: connector.read("thing", {"key": "k", "day": date(2026, 3, 1)}))
        assert found["changed"] == datetime(2026, 3, 1, 10, tzinfo=UTC)
        assert found["amount"] == Decimal("0.10")
        assert toy.seen[-1].query == {"at": "2026-03-01"}

    def test_missing_record_is_none(self, ask):
        assert ask(lambda connector: connector.read("thing", {"key": "k"})) is None

    def test_absent_parameter_leaves_its_query_out(self, toy, ask):
        toy.things.create({"key": "k"})
        ask(lambda connector: connector.read("thing", {"key": "k"}))
        assert toy.seen[-1].query == {}

    @pytest.mark.parametrize(
        "parameters, said", [({}, "'key' is required"), ({"key": None}, "'key' is required")]
    )
    def test_missing_parameter(self, ask, parameters, said):
        with pytest.raises(Permanent, match=said):
            ask(lambda connector: connector.read("thing", parameters))

    def test_parameter_that_its_pattern_refuses(self, toy, ask):
        with pytest.raises(Permanent, match="is no 'color'"):
            ask(lambda connector: connector.read("things", {"color": "red&x=1"}))
        assert toy.seen == []

    @pytest.mark.requirement("REL-33")
    @pytest.mark.parametrize(
        "body, said",
        [({"id": 7}, "id: expected text"), ({}, "id: is required"), ({"id": "1", "changed": "x"}, "x")],
    )
    def test_answer_that_breaks_its_schema(self, toy, ask, body, said):
        toy.answer = Response(body=body)
        with pytest.raises(Permanent, match=said):
            ask(lambda connector: connector.read("thing", {"key": "k"}))

    def test_answer_that_is_no_json(self, toy, ask):
        toy.answer = Response(body=b"<html>")
        with pytest.raises(Permanent, match="not JSON"):
            ask(lambda connector: connector.read("thing", {"key": "k"}))

    @pytest.mark.parametrize("operation", ["things", "numbered", "passed"])
    @pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
    def test_all_pages_are_read(self, toy, ask, operation, count):
        for number in range(count):
            toy.things.create({"key": f"k{number}"})
        found = ask(lambda connector: connector.read(operation, {}))
        assert [item["key"] for item in found] == [f"k{number}" for number in range(count)]

    def test_pages_without_end_are_refused(self, toy, ask):
        for number in range(7):
            toy.things.create({"key": f"k{number}"})
        with pytest.raises(Permanent, match="more than 3 pages"):
            ask(lambda connector: connector.read("things", {}))

    def test_next_page_on_another_host_is_refused(self, toy, ask):
        toy.answer = Response(body={"items": [], "next": "http://evil.example/things"})
        with pytest.raises(Permanent, match="another host"):
            ask(lambda connector: connector.read("things", {}))

    def test_page_without_a_list(self, toy, ask):
        toy.answer = Response(body={"items": {"a": 1}})
        with pytest.raises(Permanent, match="no list"):
            ask(lambda connector: connector.read("things", {}))


class TestLookingUp:
    def test_found_or_not(self, toy, ask):
        asked = effect("post", key="k")
        assert ask(lambda connector: connector.look_up(asked)) is None
        toy.things.create({"key": "k"})
        found = ask(lambda connector: connector.look_up(asked))
        assert found == Receipt(external_id="1", body={"id": "1"}, found=True)

    def test_operation_without_a_way_to_look(self, ask):
        with pytest.raises(Permanent, match="no way to look up"):
            ask(lambda connector: connector.look_up(effect("blind")))

    def test_outage_is_no_answer(self, toy, ask):
        toy.outage()
        with pytest.raises(Transient):
            ask(lambda connector: connector.look_up(effect("post", key="k")))


class TestPolling:
    SINCE = datetime(2026, 3, 1, tzinfo=UTC)

    def poll(self, ask):
        return ask(lambda connector: every_page(connector, "changed", self.SINCE))

    def test_what_changed(self, toy, ask):
        for number, color in enumerate(["red", "black", "blue"]):
            toy.things.create(
                {"key": f"k{number}", "color": color, "changed": f"2026-03-0{number + 1}T00:00:00Z"}
            )
        found = self.poll(ask)
        assert [item["color"] for item in found.items] == ["red", "blue"]
        assert found.upto == datetime(2026, 3, 3, tzinfo=UTC)
        assert toy.seen[1].query["since"] == "2026-02-28T23:59:00Z"

    def test_a_page_at_a_time_and_a_restart_between_any_two(self, toy, ask):
        for number in range(5):
            toy.things.create({"key": f"k{number}", "color": "red", "changed": "2026-03-02T00:00:00Z"})
        seen, after = [], None
        while True:
            page = ask(lambda connector, at=after: connector.poll("changed", self.SINCE, at))
            seen.append([item["key"] for item in page.items])
            if (after := page.after) is None:
                break
            assert json.loads(json.dumps(after)) == after  # it is kept in the ledger
        assert seen == [["k0", "k1"], ["k2", "k3"], ["k4"]]

    def test_a_record_from_the_future_does_not_move_the_watermark_past_others(self, toy, ask):
        """Neither is it lost. What counts is the clock of the system, as its answer tells."""
        there = datetime(2026, 3, 5, tzinfo=UTC)
        toy.now = lambda: there
        for key, changed in (("a", "2026-03-04T00:00:00Z"), ("b", "2099-01-01T00:00:00Z")):
            toy.things.create({"key": key, "color": "red", "changed": changed})
        found = self.poll(ask)
        assert [item["key"] for item in found.items] == ["a", "b"]
        assert found.upto == datetime(2026, 3, 4, tzinfo=UTC)

    @pytest.mark.requirement("REL-24")
    def test_one_bad_record_holds_nobody_up(self, toy, ask):
        toy.things.create({"key": "a", "color": 7, "changed": "2026-03-02T00:00:00Z"})
        toy.things.create({"key": "b", "changed": "2026-03-02T00:00:00Z"})
        toy.things.create({"key": "c", "color": "red", "changed": "2026-03-01T00:00:00Z"})
        found = self.poll(ask)
        assert [item["key"] for item in found.items] == ["c"]
        assert [(item["key"], "color" in reason) for item, reason in found.unfit] == [
            ("a", True),
            ("b", True),
        ]
        assert found.upto == datetime(2026, 3, 2, tzinfo=UTC)

    def test_nothing_new_keeps_the_watermark(self, ask):
        assert self.poll(ask).upto == self.SINCE

    def test_older_news_do_not_move_the_watermark_back(self, toy, ask):
        toy.things.create({"key": "k", "changed": "2026-01-01T00:00:00Z"})
        assert self.poll(ask).upto == self.SINCE

    def test_source_that_tells_by_itself(self, ask):
        with pytest.raises(Permanent, match="not a source that is asked"):
            ask(lambda connector: connector.poll("told", self.SINCE - timedelta(days=1)))
