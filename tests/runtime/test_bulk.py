"""Many runs worked again: in order, no faster than allowed, no further than the stop rule, each told of."""

import asyncio
from itertools import pairwise

import pytest

from engine.errors import InputError, LedgerError
from engine.runtime.bench import Bench, Choice, Verdict
from engine.runtime.bulk import Bulk, Order, Pace, report
from engine.runtime.control import Desk
from engine.runtime.failure_acts import Here, driven
from engine.runtime.recover import Recovery
from engine.runtime.retry import RetryPolicy
from tests.runtime.scripted import PATIENCE, failure

STEPS = "put: {write: erp.line, with: {key: item.id}}\nmore: {write: erp.journal, with: {key: put.id}}"
ORDER = Order(by="ann", reason="the account is open again")
NO = failure("permanent", "the account is closed")


def runs(count):
    return [f"f/item.made:{number}" for number in range(count)]


@pytest.fixture
def failed(small):
    """Makes a process in which the second write of so many events was refused."""

    def make(count):
        process = small(STEPS)
        process.system.writes["journal"] += [NO] * count
        process.run(*[("item.made", {"id": str(number)}) for number in range(count)])
        process.system.calls.clear()
        return process

    return make


def bulk(process, count, pace=None, names=None, policy=PATIENCE, **choice):
    """A replay of so many runs; what became of each."""
    told = []

    async def work(runner, ledger):
        runner.recover()
        reader = ledger.reader()
        recovery = Recovery(reader, runner.executor.recovery.plan, runner._connections)
        bench = Bench(reader, recovery)
        items = [await bench.judge(run, Choice(**choice)) for run in names or runs(count)]
        desk = Desk(runner=runner, reader=reader, clock=process.clock)
        found = await driven(runner, Bulk(Here(desk), reader, ORDER, pace or Pace(), told.append).work(items))
        request = {"name": "replay/1", "by": ORDER.by, "report": "{}"}
        await driven(runner, Here(desk).keep(request))
        return found

    with process.process(policy=policy) as (runner, ledger):
        found = asyncio.run(work(runner, ledger))
        entries = [entry for entry in ledger.reader().audit() if entry.action == "replay.report"]
    assert entries[-1].actor == "ann"
    assert len(told) == len(found)
    return found


def words(found):
    return [one.what for one in found]


@pytest.mark.requirement("REL-09", "REL-13")
class TestWhatBecameOfThem:
    def test_all_are_applied_and_nothing_is_repeated(self, failed):
        process = failed(5)
        found = bulk(process, 5)
        assert words(found) == ["applied"] * 5
        assert [call[1] for call in process.system.calls] == ["journal"] * 5
        assert all(len(payloads) == 1 for payloads in process.system.applied.values())

    def test_again_there_is_nothing_to_do(self, failed):
        process = failed(3)
        bulk(process, 3)
        process.system.calls.clear()
        found = bulk(process, 3)
        assert (words(found), [one.ok for one in found]) == (["already applied"] * 3, [True] * 3)
        assert process.system.calls == []

    def test_success_is_not_said_before_the_target_agrees(self, failed):
        process = failed(3)
        process.system.writes["journal"] += [NO, "done", "lost", *[failure("unknown")] * 9]
        process.system.looks += [failure("transient", "away")] * 99
        found = bulk(process, 3)
        assert words(found) == ["failed", "applied", "unknown"]
        assert (found[0].why, found[0].ok, found[2].ok) == ("the account is closed", False, False)

    def test_they_are_worked_in_the_order_of_their_events(self, failed):
        process = failed(4)
        bulk(process, 4, Pace(stop_after=1), names=runs(4)[::-1])
        assert [call[2] for call in process.system.calls] == [f"{run}/more" for run in runs(4)]

    def test_what_needs_a_person_is_left_alone(self, failed):
        process = failed(2)
        process.system.writes["journal"].append("done")
        process.run(("item.made", {"id": "9"}))
        process.change("next", process_flow())
        process.system.calls.clear()
        found = bulk(process, 2, release=process.plan.release)
        assert words(found) == [Verdict.PERSON.value] * 2
        assert "another body" in found[0].why
        assert process.system.calls == []

    def test_what_was_worked_meanwhile_is_refused(self, failed):
        process = failed(1)

        class Late:
            async def begin(self, request):
                raise InputError("a later attempt is there")

        async def work():
            items = [await Bench(reader, recovery).judge(run, Choice()) for run in runs(1)]
            return await Bulk(Late(), reader, ORDER, Pace(), lambda _: None).work(items)

        with process.process() as (runner, ledger):
            reader, recovery = ledger.reader(), runner.executor.recovery
            (one,) = asyncio.run(work())
        assert (one.what, one.why, one.ok) == ("refused", "a later attempt is there", False)

    def test_one_that_nobody_answers_for_ends_it_and_the_others_are_told_of(self, failed):
        process = failed(4)

        class Dies(Here):
            async def begin(self, request):
                if request["run"] == runs(4)[2]:
                    raise LedgerError("the machine began it and gave no answer")
                return await super().begin(request)

        async def work(runner, reader):
            runner.recover()
            bench = Bench(reader, Recovery(reader, runner.executor.recovery.plan, runner._connections))
            items = [await bench.judge(run, Choice()) for run in runs(4)]
            doer = Dies(Desk(runner=runner, reader=reader, clock=process.clock))
            return await driven(runner, Bulk(doer, reader, ORDER, Pace(), lambda _: None).work(items))

        with process.process() as (runner, ledger):
            found = asyncio.run(work(runner, ledger.reader()))
        assert words(found) == ["applied", "applied", "not known", "not begun"]
        assert found[2].why == "the machine began it and gave no answer"


def process_flow():
    return "flow: f\ntrigger: {event: item.made, as: item}\nsteps:\n" + "".join(
        f"  {line}\n" for line in STEPS.replace("{key: item.id}", "{key: item.group}").splitlines()
    )


class TestPace:
    def test_it_stops_after_so_many_failures(self, failed):
        process = failed(6)
        process.system.writes["journal"] += ["done", NO, NO, "done"]
        found = bulk(process, 6, Pace(stop_after=2))
        assert words(found) == ["applied", "failed", "failed", "not begun", "not begun", "not begun"]
        assert found[3].why == "stopped after 2 failures"
        assert len(process.system.calls) == 3

    def test_it_stops_at_a_share_of_failures(self, failed):
        process = failed(10)
        process.system.writes["journal"] += [NO] * 9
        found = bulk(process, 10, Pace(stop_at=20))
        assert words(found).count("failed") == 3
        assert words(found).count("not begun") == 7

    def test_no_more_than_so_many(self, failed):
        found = bulk(failed(4), 4, Pace(limit=3))
        assert words(found) == ["applied"] * 3 + ["not begun"]

    def test_no_faster_than_so_many_a_second(self, failed):
        process = failed(4)
        at = []

        async def work(reader, recovery):
            loop = asyncio.get_running_loop()

            class Doer:
                async def begin(self, request):
                    at.append(loop.time())
                    return request["run"]

            items = [await Bench(reader, recovery).judge(run, Choice()) for run in runs(4)]
            return await Bulk(Doer(), reader, ORDER, Pace(per_second=50), lambda _: None).work(items)

        with process.process() as (runner, ledger):
            asyncio.run(work(ledger.reader(), runner.executor.recovery))
        assert all(later - one >= 0.019 for one, later in pairwise(at))

    def test_what_stays_on_its_way_is_left_to_itself(self, failed):
        process = failed(1)
        process.system.writes["journal"] += [failure("transient", "away")] * 9
        patient = RetryPolicy(first_seconds=60.0)
        found = bulk(process, 1, Pace(wait_seconds=0.1), policy=patient)
        assert (found[0].what, found[0].ok) == ("on its way", False)


def test_the_report_has_all_of_it(failed):
    process = failed(2)
    process.system.writes["journal"] += ["done", NO]
    found = bulk(process, 2)
    told = report(found, ORDER, {"all": True})
    assert told["counts"] == {"applied": 1, "failed": 1}
    assert told["items"][1] == {
        "run": "f/item.made:1",
        "worked_by": "f/item.made:1",
        "became": "failed",
        "why": "the account is closed",
    }
    assert (told["by"], told["reason"], told["asked"]) == ("ann", ORDER.reason, {"all": True})
