"""An event that is worked once more: what was applied is not done again, whatever is decided now."""

import asyncio

import pytest

from engine.errors import InputError
from engine.ledger import open_reader, verify_chain
from engine.runtime.resolve import Person, attempt_again
from tests.runtime import test_recovery as recovery
from tests.runtime.scripted import failure
from tests.runtime.test_recovery import Cut

STEPS = """
got: {read: erp.project, with: {id: item.id}}
put: {write: erp.line, with: {key: got.id}, links: {item: item.id}}
post: {write: erp.journal, with: {key: put.id}}
say: {emit: item.said, with: {id: post.id}}
"""
RUN, SECOND, THIRD = "f/item.made:1", "f~2/item.made:1", "f~3/item.made:1"
ONE = ("item.made", {"id": "1"})
ANN = Person(by="ann", reason="mended in the ERP")


def again(process, run=RUN, **more):
    return process.order(attempt_again(run, process.plan.release, ANN, **more))


def flow(steps, name="f"):
    body = "".join(f"  {line}\n" for line in steps.strip("\n").splitlines())
    return f"flow: {name}\ntrigger: {{event: item.made, as: item}}\nsteps:\n{body}"


def beside():
    """Two flows that the same event starts, under one order key."""
    first = flow("put: {write: erp.line, with: {key: item.id}}")
    other = flow("note: {write: erp.journal, with: {key: item.id}}", name="g")
    return f"{first}---\n{other}".replace("item.made", "item.ordered")


def writes(process):
    return [call[2] for call in process.system.calls if call[0] == "write"]


@pytest.fixture
def half(small):
    """The line was written, the journal refused."""
    process = small(STEPS)
    process.system.writes["journal"].append(failure("permanent", "the account is closed"))
    assert process.run(ONE).status(RUN) == "failed"
    return process


@pytest.mark.requirement("REL-13")
class TestOnTheSameRelease:
    def test_what_was_applied_is_not_repeated(self, half):
        seen = again(half)
        assert (seen.status(RUN), seen.status(SECOND)) == ("failed", "completed")
        assert writes(half) == [f"{RUN}/put", f"{RUN}/post", f"{SECOND}/post"]
        assert half.system.applied[f"{SECOND}/post"] == [{"key": f"id-{RUN}/put"}]
        assert seen.effects[f"{RUN}/post"].status == "dead"
        reader = open_reader(half.url)
        assert verify_chain(reader) == []
        reader.close()

    def test_reads_are_done_afresh(self, small):
        process = small(STEPS)
        process.system.reads["project"].append(failure("permanent", "no rights"))
        assert process.run(ONE).runs[RUN].reason == "no rights"
        process.system.reads["project"].append({"id": "P", "status": "open", "rate": 1})
        seen = again(process)
        assert seen.status(SECOND) == "completed"
        assert process.system.applied[f"{SECOND}/put"] == [{"key": "P"}]

    def test_a_read_that_says_otherwise_leaves_what_was_applied_to_a_person(self, half):
        half.system.reads["project"].append({"id": "other", "status": "open", "rate": 1})
        seen = again(half)
        assert seen.runs[SECOND].reason == f"put was applied with another body as id-{RUN}/put"
        assert writes(half) == [f"{RUN}/put", f"{RUN}/post"]
        half.system.reads["project"].append({"id": "other", "status": "open", "rate": 1})
        seen = again(half, SECOND, keep=True)
        assert seen.status(THIRD) == "completed"
        assert half.system.applied[f"{THIRD}/post"] == [{"key": f"id-{RUN}/put"}]

    def test_who_and_why_is_kept(self, half):
        (entry,) = [entry for entry in again(half).audit if entry.subject == SECOND]
        assert (entry.actor, entry.action) == ("ann", "run.replay")
        assert '"reason":"mended in the ERP"' in entry.detail

    def test_of_a_completed_run_nothing_is_done(self, small):
        process = small(STEPS)
        process.run(ONE)
        before = writes(process)
        seen = again(process)
        assert (seen.status(SECOND), writes(process)) == ("completed", before)
        assert sum(event.type == "item.said" for event in events(process)) == 1

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("number", range(1, 8))
    def test_stopped_at_any_commit(self, half, monkeypatch, number, after):
        with monkeypatch.context() as patch:
            Cut(patch, number, after=after)
            again(half)
        seen = half.run()
        if SECOND not in seen.runs:
            assert number < 3
            seen = again(half)
        assert seen.status(SECOND) == "completed"
        assert {key: len(found) for key, found in half.system.applied.items()} == {
            f"{RUN}/put": 1,
            f"{SECOND}/post": 1,
        }

    def test_decided_again_it_is_the_same(self, half, monkeypatch):
        same = recovery.TestTheSameAgain()
        half.run = lambda *_: again(half)
        live = same.states(half, monkeypatch)
        assert list(live) == [SECOND]
        same.same(half, live)

    def test_two_at_once_are_one(self, half):
        async def work(runner):
            runner.recover()
            order = attempt_again(RUN, half.plan.release, ANN)
            first, second = (asyncio.ensure_future(runner.act(order)) for _ in range(2))
            await asyncio.sleep(0)
            await runner.until_rest()
            await first
            with pytest.raises(InputError, match="later attempt"):
                await second

        with half.process() as (runner, _):
            asyncio.run(work(runner))
        assert writes(half)[2:] == [f"{SECOND}/post"]

    def test_only_the_latest_attempt_is_worked_again(self, half):
        again(half)
        with pytest.raises(InputError, match="later attempt"):
            again(half)

    def test_an_event_whose_id_looks_like_an_attempt_is_another(self, small):
        process = small(STEPS)
        process.system.writes["journal"].append(failure("permanent", "no"))
        process.run(ONE)
        again(process)
        seen = process.run(("item.made", {"id": "1~2"}))
        assert seen.status("f/item.made:1~2") == "completed"


def events(process):
    reader = open_reader(process.url)
    try:
        return list(reader.events())
    finally:
        reader.close()


@pytest.mark.requirement("REL-34")
class TestOnAnotherRelease:
    def change(self, process, steps):
        process.change("next", flow(steps))

    def test_a_mended_rule(self, small):
        process = small("put: {write: erp.line, with: {key: {expr: text(1 / item.amount)}}}")
        process.run(("item.made", {"id": "1", "amount": 0}))
        assert process.run().status(RUN) == "failed"
        self.change(process, "put: {write: erp.line, with: {key: item.id}}")
        seen = again(process)
        assert (seen.status(SECOND), seen.runs[SECOND].release) == ("completed", process.plan.release)
        assert process.system.applied == {f"{SECOND}/put": [{"key": "1"}]}

    def test_the_old_rules_are_taken_where_they_are_asked_for(self, half):
        old = half.plan.release
        self.change(half, STEPS.replace("got.id", "item.group"))
        assert half.order(attempt_again(RUN, old, ANN)).status(SECOND) == "completed"

    def test_another_body_for_what_was_applied(self, half):
        self.change(half, STEPS.replace("got.id", "item.group"))
        seen = again(half)
        assert "applied with another body" in seen.runs[SECOND].reason
        assert len(half.system.applied) == 1
        assert again(half, SECOND, keep=True).status(THIRD) == "completed"
        assert list(half.system.applied) == [f"{RUN}/put", f"{THIRD}/post"]

    def test_a_step_that_was_renamed(self, half):
        self.change(half, STEPS.replace("put", "place"))
        seen = again(half)
        assert seen.runs[SECOND].reason == f"put was applied as id-{RUN}/put before, and is not wanted now"
        assert len(half.system.applied) == 1

    def test_another_branch_than_before(self, half):
        self.change(
            half,
            """
way: {choose: {a: item.amount > 5, b: otherwise}}
put: {write: erp.line, needs: way.a, with: {key: item.id}}
post: {write: erp.journal, needs: way.b, with: {key: item.id}}
""",
        )
        assert "is not wanted now" in again(half).runs[SECOND].reason
        assert len(half.system.applied) == 1

    def test_another_operation(self, half):
        self.change(half, STEPS.replace("put: {write: erp.line, with", "put: {write: erp.journal, with"))
        assert "would now be erp.journal" in again(half).runs[SECOND].reason
        assert "would now be erp.journal" in again(half, SECOND, keep=True).runs[THIRD].reason

    def test_one_that_cannot_work_it(self, half):
        for steps, name, why in [(STEPS, "g", "it has no flow f"), (STEPS, "f", "the condition of f")]:
            text = flow(steps, name)
            if name == "f":
                text = text.replace("as: item}", "as: item, where: item.amount > 100}")
            half.change(f"{name}s", text)
            with pytest.raises(InputError, match=why):
                again(half)
        with pytest.raises(InputError, match="not the release itself"):
            half.order(attempt_again(RUN, "0" * 64, ANN))

    def test_data_that_fits_at_last(self, small):
        process = small("put: {write: erp.line, with: {key: item.id}}")
        seen = process.run(("item.made", {"id": "1", "day": "tomorrow"}))
        assert seen.status(RUN) == "rejected"
        with pytest.raises(InputError, match="does not fit"):
            again(process)
        folder = process._folder / "workspace" / "schemas" / "models.yaml"
        text = folder.read_text()
        process.change("next", flow("put: {write: erp.line, with: {key: item.id}}"))
        models = process._folder / "next" / "schemas" / "models.yaml"
        models.write_text(text.replace("  day: date\n  at", "  day: string\n  at"))
        process.load("next")
        assert again(process).status(SECOND) == "completed"

    def test_what_it_waited_for_came_before(self, small):
        steps = """
w: {wait: {event: item.changed, where: event.data.id == item.id, timeout: 2h}}
put: {write: erp.line, with: {key: w.group}}
"""
        process = small(steps)
        process.run(ONE)
        process.system.writes["line"].append(failure("permanent", "no"))
        seen = process.run(
            ("item.changed", {"id": "2", "amount": 1}), ("item.changed", {"id": "1", "amount": 1})
        )
        assert seen.status(RUN) == "failed"
        assert again(process).status(SECOND) == "completed"
        assert process.system.applied == {f"{SECOND}/put": [{"key": "g"}]}
        recovered = recovery.TestTheSameAgain().recovered(process, SECOND)
        assert recovered.status == "completed"


def test_an_open_run_goes_on_by_itself(small):
    process = small("put: {write: erp.blind, with: {key: item.id}, faults: {unknown: person}}")
    process.system.writes["blind"].append("lost")
    process.run(ONE)
    with pytest.raises(InputError, match="resolve what is in doubt"):
        again(process)


def test_holds_of_a_further_attempt_are_its_own(small):
    policy = """
policy: shut
inputs: {item: canonical/item@1}
when: item.amount > 5
then: {hold: {release: {role: boss, reason: required}}}
reason: "too much"
"""
    process = small("ok: {check: [shut]}\nput: {write: erp.line, with: {key: item.id}}", policy)
    process.run(("item.made", {"id": "1", "amount": 1}))
    process.change(
        "next",
        flow("ok: {check: [shut]}\nput: {write: erp.line, with: {key: item.id}}"),
        policy.replace("> 5", "> 0"),
    )
    seen = again(process)
    assert (seen.status(SECOND), list(seen.holds)) == ("held", [f"{SECOND}/ok/shut"])


@pytest.mark.requirement("REL-11")
class TestOrder:
    """A failed run stops its order key; whatever is done about it keeps the order of the others."""

    EVENTS = tuple(("item.ordered", {"id": str(number), "group": "G"}) for number in (1, 2, 3))
    RUNS = tuple(f"f/item.ordered:{number}" for number in (1, 2, 3))

    @pytest.fixture
    def stopped(self, small):
        process = small("put: {write: erp.line, with: {key: item.id}}", event="item.ordered")
        process.system.writes["line"].append(failure("permanent", "no"))
        process.run(*self.EVENTS)
        assert list(process.system.applied) == []
        return process

    def test_a_further_attempt_takes_the_place_of_the_one_before(self, stopped):
        seen = again(stopped, self.RUNS[0])
        assert [call[2] for call in stopped.system.calls if call[0] == "write"] == [
            f"{self.RUNS[0]}/put",
            "f~2/item.ordered:1/put",
            f"{self.RUNS[1]}/put",
            f"{self.RUNS[2]}/put",
        ]
        assert seen.status(self.RUNS[2]) == "completed"
        assert all(alert.status == "closed" for alert in seen.alerts)

    def test_also_across_a_crash(self, stopped):
        stopped.system.writes["line"].append("stop")
        assert again(stopped, self.RUNS[0]) is None
        stopped.system.calls.clear()
        stopped.run()
        assert [call[2] for call in stopped.system.calls if call[0] == "write"] == [
            "f~2/item.ordered:1/put",
            f"{self.RUNS[1]}/put",
            f"{self.RUNS[2]}/put",
        ]

    def test_one_that_fails_again_stops_the_key_again(self, stopped):
        stopped.system.writes["line"].append(failure("permanent", "still not"))
        seen = again(stopped, self.RUNS[0])
        assert (seen.status("f~2/item.ordered:1"), seen.status(self.RUNS[1])) == ("failed", "running")
        assert [alert.status for alert in seen.alerts] == ["open", "closed"]
        again(stopped, "f~2/item.ordered:1")
        assert stopped.run().status(self.RUNS[2]) == "completed"
