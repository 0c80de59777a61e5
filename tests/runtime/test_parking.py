"""What a run at rest does to its order key, told in the ledger, and the same after a restart."""

import asyncio
from contextlib import suppress

import pytest

from engine.errors import InputError
from engine.insight.keys import described_keys
from engine.ledger import open_reader, verify_chain
from engine.runtime.acts import ACTS
from engine.runtime.control import Desk, perform
from engine.runtime.permission import Release
from tests.runtime.scripted import Small, Stopped, begun, failure
from tests.runtime.test_recovery import Cut

pytestmark = pytest.mark.requirement("REL-11")

POLICY = """
policy: large
owner: finance
inputs: {item: canonical/item@1}
when: item.amount > 100
then:
  hold:
    until: {event: item.changed, where: event.data.id == item.id}
    release: {role: boss}
reason: "Too much."
"""


def flow(order=""):
    return f"""
flow: f
owner: billing
trigger: {{event: item.ordered, as: item}}
{order}
steps:
  ok: {{check: large}}
  put: {{needs: ok, write: erp.line, with: {{key: item.id}}}}
"""


def ordered(*names, amount=1, group="G"):
    return [("item.ordered", {"id": name, "group": group, "amount": amount}) for name in names]


def written(process):
    return [call[2].split(":")[1].split("/")[0] for call in process.system.calls if call[0] == "write"]


def parked(process):
    reader = open_reader(process.url)
    try:
        assert verify_chain(reader) == []
        return described_keys(reader, process.clock.now())
    finally:
        reader.close()


@pytest.fixture
def small(tmp_path):
    def make(order=""):
        return Small(tmp_path, flow(order), POLICY)

    return make


@pytest.fixture
def stopped(small):
    """The first of the key has failed, two wait behind it, and another key goes on."""
    process = small()
    process.system.writes["line"].append(failure("permanent", "no rights"))
    process.run(*ordered("1", "2", "3"), *ordered("9", group="H"))
    return process


def free(process, key="G", why="posted by hand"):
    async def work(runner):
        runner.recover()
        desk = Desk(runner=runner, reader=runner._reader, clock=process.clock)
        request = {"key": key, "by": "ann", "reason": why}
        freed = begun(perform(ACTS, desk, "free_key", request))
        await asyncio.sleep(0)
        await runner.until_rest()
        await freed

    with process.process() as (runner, ledger):
        asyncio.run(work(runner))
        return ledger.reader().runs(limit=100)


def statuses(rows):
    return {row.id.rpartition(":")[2]: row.status for row in rows}


class TestFailed:
    def test_it_stops_its_key_and_no_other(self, stopped):
        assert sorted(written(stopped)) == ["1", "9"]
        (key,) = parked(stopped)
        assert key == {
            "key": "G",
            "run": "f/item.ordered:1",
            "step": "put",
            "why": "failed",
            "reason": "no rights",
            "since": key["since"],
            "age": "0 s",
            "waiting": 2,
        }

    def test_somebody_is_told_when_it_stops_and_when_it_is_freed(self, stopped):
        seen = stopped.run()
        (alert,) = seen.alerts
        assert (alert.to, alert.status, alert.run_id) == ("billing", "open", "f/item.ordered:1")
        assert "no rights" in alert.message
        assert (alert.severity, "since it has failed" in alert.message) == ("error", True)
        free(stopped)
        seen = stopped.run()
        assert [alert.status for alert in seen.alerts] == ["closed"]
        told = [(row.actor, row.action) for row in seen.audit if row.subject == "G"]
        assert told == [("tidegate", "order key parked"), ("ann", "order key freed")]

    def test_a_key_that_is_an_empty_text_can_be_read(self, small):
        process = small()
        process.system.writes["line"].append(failure("permanent", "no"))
        (alert,) = process.run(*ordered("1", group="")).alerts
        assert alert.message.startswith("What comes behind f/item.ordered:1 under '' waits, ")

    def test_a_restart_does_not_walk_round_it(self, stopped):
        stopped.run(*ordered("4"))
        assert sorted(written(stopped)) == ["1", "9"]
        assert parked(stopped)[0]["waiting"] == 3

    def test_a_person_lets_the_others_pass_in_their_order(self, stopped):
        rows = free(stopped)
        assert written(stopped)[-2:] == ["2", "3"]
        assert statuses(rows) == {"1": "failed", "2": "completed", "3": "completed", "9": "completed"}
        assert parked(stopped) == []

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("number", range(1, 4))
    def test_freed_and_stopped_at_any_commit(self, stopped, monkeypatch, number, after):
        with monkeypatch.context() as patch:
            Cut(patch, number, after=after)
            with suppress(Stopped):
                free(stopped)
        if parked(stopped):
            free(stopped)
        stopped.run()
        assert [name for name in written(stopped) if name in "23"] == sorted(
            name for name in written(stopped) if name in "23"
        )
        assert parked(stopped) == []
        assert statuses(open_runs(stopped))["3"] == "completed"

    def test_what_does_not_stand_cannot_be_freed(self, stopped):
        with pytest.raises(InputError, match="nothing stops"):
            free(stopped, key="H")

    def test_a_flow_may_say_that_the_others_go_on(self, small):
        process = small("order: {when_failed: goes_on}")
        process.system.writes["line"].append(failure("permanent", "no rights"))
        process.run(*ordered("1", "2"))
        assert written(process) == ["1", "2"]
        assert parked(process) == []


def open_runs(process):
    reader = open_reader(process.url)
    try:
        return reader.runs(limit=100)
    finally:
        reader.close()


class TestHeld:
    BLOCKS = "order: {when_held: blocks}"

    def test_the_others_go_on_unless_the_flow_says_otherwise(self, small):
        process = small()
        process.run(*ordered("1", amount=500), *ordered("2"))
        assert written(process) == ["2"]
        assert parked(process) == []

    def test_a_hold_that_blocks_stops_its_key_until_it_is_released(self, small):
        process = small(self.BLOCKS)
        process.run(*ordered("1", amount=500), *ordered("2", "3"), *ordered("9", group="H"))
        assert written(process) == ["9"]
        assert (parked(process)[0]["why"], parked(process)[0]["step"]) == ("held", "ok")
        released(process)
        assert written(process) == ["9", "1", "2", "3"]
        assert parked(process) == []

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("number", range(1, 4))
    def test_released_and_stopped_at_any_commit(self, small, monkeypatch, number, after):
        process = small(self.BLOCKS)
        process.run(*ordered("1", amount=500), *ordered("2", "3"))
        with monkeypatch.context() as patch:
            Cut(patch, number, after=after)
            with suppress(Stopped):
                released(process)
        if process.run().holds["f/item.ordered:1/ok/large"].status == "open":
            released(process)
        process.run()
        assert list(process.system.applied) == [f"f/item.ordered:{name}/put" for name in "123"]
        assert parked(process) == []


def released(process):
    async def work(runner):
        runner.recover()
        release = Release(by="ann", role="boss", reason="fine")
        done = begun(runner.release("f/item.ordered:1/ok/large", release))
        await asyncio.sleep(0)
        await runner.until_rest()
        await done

    with process.process() as (runner, _):
        asyncio.run(work(runner))


def test_one_that_comes_back_writes_when_nobody_else_of_its_key_does(small):
    """It was held and passed; released while another of its key is at work, it waits for that one."""
    process = small()
    process.run(*ordered("1", amount=500))
    working = []

    async def write(effects):
        (effect,) = effects
        working.append(effect.key)
        assert len(working) == 1, "two write under one order key"
        await asyncio.sleep(0.01)
        working.remove(effect.key)
        return [process.system._write(effect)]

    process.system.write = write

    async def work(runner):
        runner.recover()
        runner.offer(process.offers(*ordered("2", "3")))
        await runner.turn()
        await asyncio.sleep(0)
        done = begun(
            runner.release("f/item.ordered:1/ok/large", Release(by="ann", role="boss", reason="fine"))
        )
        await asyncio.sleep(0)
        await runner.until_rest()
        await done

    with process.process() as (runner, _):
        asyncio.run(work(runner))
    assert written(process) == ["2", "1", "3"]


def test_one_that_came_back_and_one_that_was_at_work_when_the_process_ended(small):
    """Both had begun: after the crash neither decides anything twice."""
    process = small()
    process.run(*ordered("1", amount=500))
    silent = asyncio.Event

    async def never(effects):
        await silent().wait()

    sound, process.system.write = process.system.write, never

    async def work(runner):
        runner.recover()
        runner.offer(process.offers(*ordered("2", "3")))
        await runner.turn()
        done = begun(
            runner.release("f/item.ordered:1/ok/large", Release(by="ann", role="boss", reason="fine"))
        )
        await asyncio.sleep(0)
        await runner.turn()
        await done
        await runner.stop(0)

    with process.process() as (runner, _):
        asyncio.run(work(runner))
    process.system.write = sound
    process.run()
    assert sorted(written(process)) == ["1", "2", "3"]
    assert {row.status for row in open_runs(process)} == {"completed"}
    assert parked(process) == []


def test_in_doubt_stops_the_key(tmp_path):
    steps = "flow: f\ntrigger: {event: item.ordered, as: item}\nsteps:\n"
    process = Small(
        tmp_path, steps + "  put: {write: erp.blind, with: {key: item.id}, faults: {unknown: person}}\n"
    )
    process.system.writes["blind"].append(failure("unknown", "no answer"))
    process.run(*ordered("1", "2"))
    assert written(process) == ["1"]
    assert [(key["why"], key["waiting"]) for key in parked(process)] == [("unknown", 1)]
