"""What ends holds: events that match, persons, two persons at different times, and time; each once."""

import asyncio
from datetime import timedelta

import pytest

from engine.errors import InputError
from engine.ledger import open_reader, verify_chain
from engine.runtime import holding
from engine.runtime.permission import Release
from engine.runtime.runner import Limits
from engine.runtime.waking import Waking
from tests.runtime.scripted import failure

POLICY = """
policy: below
owner: desk
inputs: {item: canonical/item@1}
when: item.amount < 0
then:
  hold:
    amount: {expr: "money(0 - item.amount, 'EUR')"}
    until: {event: item.changed, where: event.data.group == item.group}
    release: {role: boss, reason: required, four_eyes_over: 100 EUR}
    escalate: [{after: 1 day, to: lead}, {after: 2 business days, to: chief}]
    expires: {after: 5 days, then: THEN}
reason: "It is {{ item.amount }}."
"""
STEPS = "ok: {check: [below]}\nput: {needs: ok, write: erp.line, with: {key: item.id}}"
RUN = "f/item.made:1"
HOLD = f"{RUN}/ok/below"
MADE = ("item.made", {"id": "1", "amount": -500, "group": "A"})
ANN = Release(by="ann", reason="paid in cash", role="boss")
BOB = Release(by="bob", role="boss")


@pytest.fixture
def held(small):
    """A run that is held since NOW; `then` is what its expiry does."""

    def make(then="reject"):
        process = small(STEPS, POLICY.replace("THEN", then))
        assert process.run(MADE).status(RUN) == "held"
        return process

    return make


def whole(process):
    reader = open_reader(process.url)
    try:
        assert verify_chain(reader) == []
    finally:
        reader.close()


def told(seen):
    return [(alert.to, alert.message) for alert in reversed(seen.alerts)]


class TestTwoPersons:
    def act(self, do, *given):
        return lambda executor: do(executor, HOLD, *given)

    @pytest.mark.requirement("POL-14")
    def test_one_proposes_and_another_agrees_later(self, held):
        process = held()
        seen = process.order(self.act(holding.propose, ANN))
        assert (seen.holds[HOLD].status, seen.status(RUN)) == ("proposed", "held")
        process.clock.advance(timedelta(hours=3))
        seen = process.order(self.act(holding.agree, BOB))
        assert (seen.status(RUN), seen.holds[HOLD].released_by) == ("completed", "ann")
        assert [(row.actor, row.action) for row in seen.audit if row.subject == HOLD] == [
            ("ann", "hold release proposed"),
            ("ann", "hold released"),
            ("bob", "hold release agreed"),
        ]
        whole(process)

    def test_the_same_person_cannot_do_both(self, held):
        process = held()
        process.order(self.act(holding.propose, ANN))
        with pytest.raises(InputError, match="ann has proposed it"):
            process.order(self.act(holding.agree, Release(by="Ann ", role="boss")))
        with pytest.raises(InputError, match="in the role boss, and none was given"):
            process.order(self.act(holding.agree, Release(by="bob")))
        assert process.run().holds[HOLD].status == "proposed"

    def test_nobody_agrees_with_what_nobody_proposed(self, held):
        with pytest.raises(InputError, match="nobody has proposed that"):
            held().order(self.act(holding.agree, BOB))

    def test_what_was_proposed_lapses_when_the_hold_is_checked_again(self, held):
        process = held()
        process.order(self.act(holding.propose, ANN))
        seen = process.run(("item.changed", {"id": "x", "amount": 1, "group": "A"}))
        assert (seen.holds[HOLD].status, seen.status(RUN)) == ("open", "held")
        with pytest.raises(InputError, match="what was proposed has lapsed"):
            process.order(self.act(holding.agree, BOB))
        process.order(self.act(holding.propose, ANN), self.act(holding.agree, BOB))
        assert process.run().status(RUN) == "completed"
        whole(process)

    def test_who_may_not_release_may_not_propose(self, held):
        with pytest.raises(InputError, match="in the role boss, not clerk"):
            held().order(self.act(holding.propose, Release(by="cy", reason="x", role="clerk")))


class TestRefusal:
    def test_the_step_is_rejected_with_code_and_reason(self, held):
        process = held()
        seen = process.order(lambda executor: holding.refuse(executor, HOLD, ANN, "not-ours"))
        assert seen.status(RUN) == "rejected"
        assert seen.runs[RUN].reason == "refused by ann (not-ours): paid in cash. It is -500."
        hold = seen.holds[HOLD]
        assert (hold.status, hold.released_by, hold.refusal_code) == ("refused", "ann", "not-ours")
        assert process.system.applied == {}
        assert process.run().status(RUN) == "rejected"
        whole(process)

    def test_with_a_reason_only(self, held):
        with pytest.raises(InputError, match="with a reason only"):
            held().order(lambda executor: holding.refuse(executor, HOLD, BOB, "no"))

    def test_what_has_ended_does_not_end_again(self, held):
        process = held()
        process.order(lambda executor: holding.refuse(executor, HOLD, ANN, "no"))
        for again in (
            lambda executor: holding.refuse(executor, HOLD, ANN, "no"),
            lambda executor: holding.release(executor, HOLD, ANN),
            lambda executor: holding.propose(executor, HOLD, ANN),
        ):
            with pytest.raises(InputError, match="it is refused"):
                process.order(again)


class TestEvents:
    def test_only_the_holds_that_match_are_looked_at(self, small, monkeypatch):
        process = small(STEPS, POLICY.replace("THEN", "reject"))
        made = [("item.made", {"id": f"{n}", "amount": -1, "group": f"G{n}"}) for n in range(20)]
        process.run(*made)
        looked = []
        consulted = Waking.consulted

        def counted(executor, run_id):
            looked.append(run_id)
            return consulted(executor, run_id)

        monkeypatch.setattr("engine.runtime.waking.Waking.consulted", counted)
        process.run(("item.changed", {"id": "x", "amount": 1, "group": "G7"}))
        assert looked == ["f/item.made:7"]

    def test_a_person_and_an_event_at_the_same_moment(self, small):
        """Whichever comes first ends it, and the other is told so or changes nothing."""
        process = small(
            STEPS.replace("ok:", "p: {read: erp.project, with: {id: item.group}}\nok:"),
            POLICY.replace("THEN", "reject")
            .replace("inputs: {", "inputs: {p: erp/project@1, ")
            .replace("item.amount < 0", "p.status == 'shut'"),
        )
        process.system.reads["project"].append({"id": "A", "status": "shut", "rate": 1})
        assert process.run(MADE).status(RUN) == "held"

        async def work(runner):
            runner.recover()
            runner.offer(process.offers(("item.changed", {"id": "x", "amount": 1, "group": "A"})))
            done = asyncio.ensure_future(
                runner.release(HOLD, Release(by="ann", reason="x", role="boss", second="bob"))
            )
            await asyncio.sleep(0)
            await runner.until_rest()
            await done

        with process.process() as (runner, _):
            asyncio.run(work(runner))
        seen = process.run()
        assert seen.status(RUN) == "completed"
        assert (seen.holds[HOLD].status, seen.holds[HOLD].released_by) == ("released", "ann")
        whole(process)


class TestTime:
    @pytest.mark.requirement("ALT-11")
    def test_several_people_are_told_one_after_the_other_each_once(self, held):
        process = held()
        said = "by policy below: It is -500."
        assert told(process.run()) == []
        process.clock.advance(timedelta(days=1))
        assert told(process.run()) == [("lead", f"Held for 1 day {said}")]
        process.clock.advance(timedelta(hours=20))
        assert len(process.run().alerts) == 1
        process.clock.advance(timedelta(hours=4))  # Tuesday noon to Thursday noon
        assert told(process.run())[1:] == [("chief", f"Held for 2 business days {said}")]
        assert len(process.run().alerts) == 2
        whole(process)

    @pytest.mark.parametrize(
        "then, status, run", [("reject", "expired", "rejected"), ("release", "expired", "completed")]
    )
    def test_its_time_is_over_after_a_restart(self, held, then, status, run):
        process = held(then)
        process.clock.advance(timedelta(days=6))
        seen = process.run()
        assert (seen.holds[HOLD].status, seen.status(RUN)) == (status, run)
        assert seen.holds[HOLD].release_reason == "nothing ended it within 5 days"
        assert seen.status(RUN) == process.run().status(RUN)
        if then == "reject":
            assert seen.runs[RUN].reason.startswith("refused by tidegate (expired): nothing ended it within")
        whole(process)

    def test_somebody_is_told_and_it_stays(self, held):
        process = held("alert")
        process.clock.advance(timedelta(days=6))
        seen = process.run()
        assert [to for to, _ in told(seen)] == ["lead", "chief", "desk"]
        assert (seen.holds[HOLD].status, seen.status(RUN)) == ("open", "held")

    def test_what_was_released_is_told_to_nobody(self, held):
        process = held()
        process.order(
            lambda executor: holding.release(
                executor, HOLD, Release(by="ann", reason="x", role="boss", second="b")
            )
        )
        process.clock.advance(timedelta(days=9))
        seen = process.run()
        assert (seen.alerts, seen.status(RUN)) == ([], "completed")

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("number", range(1, 5))
    @pytest.mark.requirement("REL-17")
    def test_stopped_at_any_commit(self, held, cut, number, after):
        process = held("release")
        process.clock.advance(timedelta(days=6))
        with cut(number, after=after):
            process.run()
        seen = process.run()
        assert (seen.holds[HOLD].status, seen.status(RUN)) == ("expired", "completed")
        assert len(seen.alerts) == 2
        assert len(process.system.applied) == 1
        whole(process)

    def test_two_holds_of_one_check_whose_time_is_over_together(self, small):
        second = POLICY.replace("policy: below", "policy: beside").replace("THEN", "reject")
        process = small(STEPS.replace("[below]", "[below, beside]"), POLICY.replace("THEN", "reject"), second)
        process.run(MADE)
        process.clock.advance(timedelta(days=6))
        seen = process.run()
        assert seen.status(RUN) == "rejected"
        assert sorted((hold.policy, hold.status) for hold in seen.holds.values()) == [
            ("below", "expired"),
            ("beside", "released"),
        ]
        whole(process)


class TestWhatIsNotSaid:
    SILENT = POLICY.partition("    escalate")[0] + 'reason: "It is {{ item.amount }}."\n'

    @pytest.mark.requirement("ALT-11")
    def test_a_hold_of_which_nobody_is_told_is_told_once_a_period(self, small):
        process = small(STEPS, self.SILENT)
        process.run(MADE)
        process.clock.advance(timedelta(days=4))
        assert process.run().alerts == []
        process.clock.advance(timedelta(days=4))  # five weekdays have passed
        (alert,) = process.run().alerts
        assert (alert.to, alert.policy) == ("desk", "below")
        assert alert.message.startswith("Held by policy below, which tells nobody of that: It is -500.")
        assert len(process.run().alerts) == 1
        process.clock.advance(timedelta(days=7))
        assert len(process.run().alerts) == 2

    def test_it_is_not_looked_for_when_nobody_wants_it(self, small):
        process = small(STEPS, self.SILENT)
        process.run(MADE)
        process.clock.advance(timedelta(days=40))
        assert process.run(limits=Limits(still_days=0)).alerts == []

    def test_a_wait_without_a_time_out_and_a_write_in_doubt(self, small):
        process = small(
            "w: {wait: {event: item.changed}}\nput: {write: rev.performance, with: {key: item.id}}"
        )
        process.system.writes["performance"] += [failure("unknown", "no answer")] * 9
        seen = process.run(("item.made", {"id": "1"}))
        assert {row.status for row in seen.effects.values()} <= {"unknown", "pending", "sending", "done"}
        process.clock.advance(timedelta(days=9))
        said = sorted(alert.message.partition("(")[0] for alert in process.run().alerts)
        assert "Step w waits for item.changed, with no time-out " in said
