"""What ends waits: events that match, also from before, and time; across processes and releases."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from engine.ledger import open_reader, verify_chain
from engine.runtime.waking import Waking
from tests.runtime.scripted import NOW

RUN = "f/item.made:1"
MADE = ("item.made", {"id": "1"})


def wait(more=""):
    return f"w: {{wait: {{event: item.changed, where: event.data.id == item.id{more}}}}}"


def changed(name="1", amount=1):
    return ("item.changed", {"id": name, "amount": amount})


def whole(process):
    reader = open_reader(process.url)
    try:
        assert verify_chain(reader) == []
        return {wait.id: (wait.status, wait.end_event) for wait in reader.waits_of_run(RUN)}
    finally:
        reader.close()


class TestTimeOut:
    def test_it_counts_from_when_the_step_is_reached(self, small):
        process = small(
            "ok: {check: [p]}\n" + wait(", timeout: 1h").replace("wait:", "needs: ok, wait:"),
            "policy: p\nowner: o\ninputs: {item: canonical/item@1}\nwhen: item.amount == 1\n"
            "then: {hold: {until: {event: item.said}, expires: {after: 5h, then: release}}}\nreason: r",
        )
        assert process.run(MADE).status(RUN) == "held"
        process.clock.advance(timedelta(hours=5))
        assert process.run().status(RUN) == "waiting"
        assert process.run().status(RUN) == "waiting"
        process.clock.advance(timedelta(hours=1))
        assert process.run().status(RUN) == "failed"
        assert whole(process) == {f"{RUN}/w": ("timed out", None)}

    @pytest.mark.parametrize(
        "follows, run, steps",
        [
            ("fail", "failed", {"w": "failed", "late": "skipped", "put": "skipped"}),
            ("skip", "completed", {"w": "skipped", "late": "skipped", "put": "skipped"}),
            ("null", "completed", {"w": "done", "late": "done", "put": "done"}),
        ],
    )
    def test_what_follows(self, small, follows, run, steps):
        asks = "w == None" if follows == "null" else "w.amount == 0"
        process = small(
            wait(f", timeout: 1h, on_timeout: {follows}")
            + f"\nlate: {{choose: {{missing: {asks}, there: otherwise}}}}"
            + "\nput: {needs: late.missing, write: erp.line, with: {key: item.id}}"
        )
        process.run(MADE)
        process.clock.advance(timedelta(hours=1))
        seen = process.run()
        assert seen.status(RUN) == run
        assert json.loads(seen.runs[RUN].decisions)["steps"] == steps
        assert whole(process) == {f"{RUN}/w": ("timed out", None)}

    def test_in_the_time_of_a_calendar(self, small):
        office = "calendar: office\nowner: o\ntime_zone: America/New_York\nbusiness_hours: 09:00-17:00"
        process = small(wait(", timeout: 9 business hours, calendar: office"), office)
        process.run(MADE)  # Tuesday, eight in the morning in New York
        reader = open_reader(process.url)
        (row,) = reader.waits_of_run(RUN)
        reader.close()
        assert row.due_at == "2026-04-01T14:00:00.000000Z"  # an hour after nine on Wednesday
        process.clock.instant = datetime(2026, 4, 1, 13, 59, tzinfo=UTC)
        assert process.run().status(RUN) == "waiting"
        process.clock.advance(timedelta(minutes=1))
        assert process.run().status(RUN) == "failed"

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("number", [1, 2, 3])
    @pytest.mark.requirement("REL-17")
    def test_stopped_at_any_commit(self, small, cut, number, after):
        process = small(wait(", timeout: 1h, on_timeout: skip"))
        process.run(MADE)
        process.clock.advance(timedelta(hours=2))
        with cut(number, after=after):
            process.run(changed())
        assert process.run(changed()).status(RUN) == "completed"
        assert whole(process) == {f"{RUN}/w": ("timed out", None)}


class TestCorrelation:
    @pytest.mark.requirement("SCN-25")
    def test_only_the_runs_that_match_are_looked_at(self, small, monkeypatch):
        process = small(wait() + "\nput: {write: erp.line, with: {key: w.id}}")
        process.run(*[("item.made", {"id": str(n)}) for n in range(20)])
        looked = []
        consulted = Waking.consulted

        def counted(executor, run_id):
            looked.append(run_id)
            return consulted(executor, run_id)

        monkeypatch.setattr("engine.runtime.waking.Waking.consulted", counted)
        seen = process.run(changed("7"))
        assert looked == ["f/item.made:7"]
        assert seen.status("f/item.made:7") == "completed"

    def test_what_is_no_text_is_asked_with_its_whole_condition(self, small):
        process = small(wait().replace("event.data.id == item.id", "event.data.amount == item.amount"))
        process.run(("item.made", {"id": "1", "amount": 1.5}))
        assert process.run(changed(amount=1)).status(RUN) == "waiting"
        assert process.run(changed(amount="1.50")).status(RUN) == "waiting"
        seen = process.run(("item.changed", {"id": "2", "amount": 1.50}))
        assert seen.status(RUN) == "completed"

    def test_a_run_stays_on_its_release_and_is_still_found(self, small):
        process = small(wait())
        process.run(MADE)
        process.change(
            "next",
            "flow: f\ntrigger: {event: item.made, as: item}\nsteps:\n"
            "  put: {write: erp.line, with: {key: item.id}}",
        )
        assert process.run(("item.made", {"id": "2"})).status("f/item.made:2") == "completed"
        assert process.run(changed("3")).status(RUN) == "waiting"
        assert process.run(changed()).status(RUN) == "completed"
        assert whole(process) == {f"{RUN}/w": ("arrived", "item.changed:1:1")}


class TestLookBack:
    def test_an_event_that_came_before_counts_as_far_as_is_said(self, small):
        process = small(wait(", look_back: 2h"))
        process.run(changed(amount=1), changed("other"))
        process.clock.advance(timedelta(hours=1))
        assert process.run(MADE).status(RUN) == "completed"
        assert whole(process) == {f"{RUN}/w": ("arrived", "item.changed:1:1")}

    def test_what_came_earlier_does_not(self, small):
        process = small(wait(", look_back: 2h"))
        process.run(changed())
        process.clock.advance(timedelta(hours=3))
        assert process.run(MADE).status(RUN) == "waiting"

    def test_without_it_only_what_comes_counts(self, small):
        process = small(wait())
        process.run(changed())
        assert process.run(MADE).status(RUN) == "waiting"

    def test_of_several_the_last_and_those_of_the_same_turn(self, small):
        process = small(wait(", look_back: 2h") + "\nput: {write: erp.line, with: {key: w.amount}}")
        process.run(changed(amount=1))
        process.run(changed(amount=2), MADE)
        assert whole(process) == {f"{RUN}/w": ("arrived", "item.changed:1:2")}
        assert process.clock.instant > NOW
