"""Writes and reads through connectors that fail in every way they may."""

from dataclasses import replace

import pytest

from engine.connect import Receipt
from tests.runtime.scripted import PATIENCE, failure

WRITE = "put: {{write: erp.{}, with: {{key: item.id}}}}"
RUN = "f/item.made:1"
KEY = f"{RUN}/put"
ONE = ("item.made", {"id": "1"})


def made(small, operation):
    if operation == "blind":
        return small("put: {write: erp.blind, with: {key: item.id}, faults: {unknown: person}}")
    return small(WRITE.format(operation))


class TestWrites:
    def test_a_receipt_ends_it(self, small):
        process = made(small, "line")
        seen = process.run(ONE)
        assert (seen.status(RUN), seen.effects[KEY].status, seen.effects[KEY].external_id) == (
            "completed",
            "done",
            f"id-{KEY}",
        )

    @pytest.mark.requirement("REL-06")
    @pytest.mark.parametrize("operation", ["time_bill", "line", "journal", "blind"])
    def test_transient_trouble_passes(self, small, operation):
        process = made(small, operation) if operation != "time_bill" else small(BILL)
        process.system.writes[operation] += [failure("transient"), failure("transient")]
        seen = process.run(ONE)
        assert (seen.status(RUN), seen.tally.retries, len(process.system.applied[KEY])) == ("completed", 2, 1)

    @pytest.mark.requirement("REL-07")
    def test_patience_ends_in_a_dead_letter_with_its_reason(self, small):
        process = made(small, "line")
        process.system.writes["line"] += [failure("transient", "the ERP is gone")] * 3
        seen = process.run(ONE)
        assert (seen.status(RUN), seen.effects[KEY].status) == ("failed", "dead")
        assert seen.runs[RUN].reason == "the ERP is gone"
        assert process.system.count("write") == 3

    @pytest.mark.requirement("REL-07")
    def test_a_patient_process_outlasts_an_outage(self, small):
        process = made(small, "line")
        process.system.writes["line"] += [failure("transient", "the ERP is gone")] * 50
        seen = process.run(ONE, policy=replace(PATIENCE, patience_seconds=3600))
        assert (seen.status(RUN), seen.tally.retries) == ("completed", 50)

    @pytest.mark.parametrize("fault", ["permanent", "closed_period"])
    def test_a_refusal_is_not_repeated(self, small, fault):
        process = made(small, "line")
        process.system.writes["line"].append(failure(fault, "the period is closed"))
        seen = process.run(ONE)
        assert (seen.status(RUN), seen.effects[KEY].status) == ("failed", "dead")
        assert f'"fault":"{fault}"' in seen.effects[KEY].failure
        assert process.system.count("write") == 1


BILL = (
    "put: {write: erp.time_bill, with: {entry: item.id, project: item.id, "
    "hours: {value: 1}, amount: {value: 1}, cycle: item.id}}"
)


@pytest.mark.requirement("REL-02")
class TestUnknownOutcomes:
    """The write was done, and no answer came."""

    @pytest.mark.parametrize("operation", ["time_bill", "line"])
    def test_what_the_target_folds_is_sent_again_under_its_key(self, small, operation):
        process = small(BILL) if operation == "time_bill" else made(small, operation)
        process.system.writes[operation].append("lost")
        seen = process.run(ONE)
        assert seen.status(RUN) == "completed"
        assert [call[2] for call in process.system.calls] == [KEY, KEY]

    def test_what_can_be_looked_up_is_looked_up_and_not_sent_again(self, small):
        process = made(small, "journal")
        process.system.writes["journal"].append("lost")
        seen = process.run(ONE)
        assert seen.status(RUN) == "completed"
        assert [call[0] for call in process.system.calls] == ["write", "look_up"]

    def test_what_is_not_there_is_sent_again(self, small):
        process = made(small, "journal")
        process.system.writes["journal"].append(failure("unknown"))
        seen = process.run(ONE)
        assert seen.status(RUN) == "completed"
        assert [call[0] for call in process.system.calls] == ["write", "look_up", "write"]

    def test_a_look_up_that_fails_leaves_the_doubt(self, small):
        process = made(small, "journal")
        process.system.writes["journal"].append("lost")
        process.system.looks += [failure("transient", "gone"), failure("permanent", "not allowed")]
        seen = process.run(ONE)
        assert (seen.status(RUN), process.system.count("write")) == ("unknown", 1)
        assert "could not be looked up" in seen.runs[RUN].reason

    @pytest.mark.requirement("REL-10")
    def test_without_any_way_to_tell_a_person_has_to(self, small):
        process = made(small, "blind")
        process.system.writes["blind"].append("lost")
        seen = process.run(ONE)
        assert (seen.status(RUN), seen.effects[KEY].status) == ("unknown", "unknown")
        assert process.system.count("write") == 1
        assert process.run().status(RUN) == "unknown"
        assert process.system.count("write") == 1

    def test_a_refusal_after_a_doubt_proves_nothing(self, small):
        process = made(small, "line")
        process.system.writes["line"] += ["lost", failure("permanent", "exists already")]
        seen = process.run(ONE)
        assert (seen.status(RUN), seen.effects[KEY].status) == ("unknown", "unknown")


class TestReads:
    STEPS = "got: {read: erp.project, with: {id: item.id}}\n" + WRITE.format("line").replace(
        "key: item.id", "key: got.id"
    )

    def test_transient_trouble_passes(self, small):
        process = small(self.STEPS)
        process.system.reads["project"] += [failure("transient"), failure("transient")]
        assert process.run(ONE).status(RUN) == "completed"
        assert process.system.count("read") == 3

    @pytest.mark.requirement("REL-08")
    @pytest.mark.parametrize(
        "script", [[failure("permanent", "no right")], [failure("transient", "no right")] * 3]
    )
    def test_no_answer_is_told(self, small, script):
        process = small(self.STEPS)
        process.system.reads["project"] += script
        seen = process.run(ONE)
        assert (seen.status(RUN), seen.runs[RUN].reason, seen.effects) == ("failed", "no right", {})

    def test_one_answer_for_many_when_it_may_be_so_old(self, small):
        process = small(self.STEPS.replace("{id: item.id}}", "{id: {value: same}}, cache: 10m}"))
        process.run(ONE)
        process.run(*[("item.made", {"id": str(number)}) for number in range(2, 5)], limits=None)
        assert process.system.count("read") <= 4
        seen = process.run()
        assert {row.status for row in seen.runs.values()} == {"completed"}


class TestMany:
    @pytest.mark.requirement("REL-01")
    def test_the_same_event_is_worked_once(self, small):
        process = made(small, "line")
        seen = process.run(ONE, ONE)
        assert (seen.tally.events, seen.tally.accepted, seen.tally.duplicates) == (2, 1, 1)
        seen = process.run(ONE)
        assert (seen.tally.accepted, seen.tally.duplicates, process.system.count("write")) == (0, 1, 1)

    @pytest.mark.requirement("REL-03")
    def test_the_same_id_with_another_body_is_kept_and_not_worked(self, small):
        process = made(small, "line")
        seen = process.run(ONE, ("item.made", {"id": "1", "amount": 2}))
        assert (seen.tally.accepted, seen.tally.conflicts, process.system.count("write")) == (1, 1, 1)

    def test_what_does_not_fit_is_kept_and_rejected(self, small):
        process = made(small, "line")
        seen = process.run(("item.made", {"id": "1", "amount": "many"}))
        assert (seen.status(RUN), process.system.calls) == ("rejected", [])
        assert "amount" in seen.runs[RUN].reason

    @pytest.mark.requirement("REL-11")
    def test_one_order_key_goes_in_order_even_when_the_first_has_trouble(self, small):
        process = small(WRITE.format("line"), event="item.ordered")
        process.system.writes["line"] += [failure("transient"), failure("transient")]
        events = [("item.ordered", {"id": str(number), "group": "g"}) for number in range(4)]
        process.run(*events)
        done = [call[2] for call in process.system.calls]
        assert done == [f"f/item.ordered:{number}/put" for number in (0, 0, 0, 1, 2, 3)]

    def test_others_do_not_wait(self, small):
        process = small(WRITE.format("line"), event="item.ordered")
        process.system.writes["line"] += [failure("transient")]
        process.run(*[("item.ordered", {"id": str(number), "group": f"g{number}"}) for number in range(3)])
        done = [call[2] for call in process.system.calls]
        assert done[-1] == "f/item.ordered:0/put"

    def test_a_found_receipt_counts_as_one(self, small):
        process = made(small, "line")
        process.system.writes["line"].append(Receipt("was there", found=True))
        assert process.run(ONE).effects[KEY].external_id == "was there"
