"""A process that ends at any moment, and the next one that goes on: nothing lost, nothing twice."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal

import pytest

from engine.connect import Fault, Receipt
from engine.core import begin
from engine.core.accept import restore
from engine.errors import LedgerError, LedgerFull
from engine.event import Event
from engine.ledger import Ledger, open_reader, read_instant, verify_chain
from engine.runtime.daemon import Daemon
from engine.runtime.permission import Release
from engine.runtime.record import Rests
from engine.runtime.recover import Recovery
from tests.runtime.scripted import Stopped, begun, failure

pytestmark = pytest.mark.usefixtures("both")

STEPS = """
project: {read: erp.project, with: {id: {path: item.group, required: true}}}
named: {map: named}
ok: {check: [shut]}
put:
  write: erp.line
  with: {key: project.id, day: item.day, to: named.group}
  links: {item: item.id}
post: {write: erp.journal, with: {key: put.id}}
say: {emit: item.said, with: {id: post.id, day: {path: item.day, required: true}}}
"""
DOCUMENTS = """
mapping: named
inputs: {item: canonical/item@1}
output: canonical/remark@1
fields: {id: item.id, group: {xref: item, id: item.group, in: erp, required: true}}
---
policy: shut
inputs: {project: erp/project@1, item: canonical/item@1}
when: project.status == 'shut'
then:
  hold:
    until: {event: item.changed, where: event.data.group == item.group}
    release: {role: boss, reason: required}
  alert: {to: boss}
reason: "Project {{ project.id }} is shut."
---
flow: seed
trigger: {event: item.made, as: item}
steps:
  line: {write: erp.line, with: {key: item.id}, links: {item: item.id}}
---
flow: after
trigger: {event: item.said, as: item}
steps:
  line: {write: rev.performance, with: {key: item.id, day: item.day}}
"""
SEED = ("item.made", {"id": "G"})
ONE = ("item.ordered", {"id": "1", "group": "G", "day": "2026-03-01"})
CHANGED = ("item.changed", {"id": "x", "amount": 1, "group": "G"})
RUN = "f/item.ordered:1"
HOLD = f"{RUN}/ok/shut"
STALE = "so a check was done again on what was read before"


@pytest.fixture
def flow(small):
    process = small(STEPS, DOCUMENTS, event="item.ordered")
    process.run(SEED)
    return process


def whole(process):
    """What must be so at the end: all complete, each write there once, the chain whole."""
    seen = process.run()
    assert {row.status for row in seen.runs.values()} == {"completed"}
    steps = sorted(key.partition("/")[0] + "/" + key.rpartition("/")[2] for key in process.system.applied)
    assert steps == ["after/line", "f/post", "f/put", "seed/line"]
    assert {effect.status for effect in seen.effects.values()} == {"done"}
    reader = open_reader(process.url)
    try:
        assert verify_chain(reader) == []
    finally:
        reader.close()
    return seen


class Cut:
    """Cuts the power at the n-th commit of a process: before it, or right after it."""

    def __init__(self, monkeypatch, number, *, after):
        self.left = number
        commit = Ledger.commit

        def cut(ledger, what, *more):
            self.left -= 1
            if self.left == 0 and not after:
                raise Stopped
            result = commit(ledger, what, *more)
            if self.left == 0:
                raise Stopped
            return result

        monkeypatch.setattr(Ledger, "commit", cut)


@pytest.mark.requirement("REL-17")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 9))
def test_stopped_at_any_commit(flow, monkeypatch, number, after):
    with monkeypatch.context() as patch:
        Cut(patch, number, after=after)
        ended = flow.run(ONE)
    assert ended is None or number > 5
    flow.run(ONE)
    whole(flow)


@pytest.mark.parametrize("operation", ["line", "journal", "performance"])
@pytest.mark.parametrize("when", ["stop", "done and stop"])
def test_stopped_at_any_delivery(flow, operation, when):
    flow.system.writes[operation].append(when)
    assert flow.run(ONE) is None
    whole(flow)
    posted = [
        key for key, payloads in flow.system.applied.items() if key.endswith("post") and len(payloads) > 1
    ]
    assert posted == []  # it is looked up, and not posted again


@pytest.mark.requirement("REL-02")
def test_what_failed_and_went_out_again_at_once_is_in_doubt_after_a_crash(small):
    process = small("post: {write: erp.journal, with: {key: item.id}}")
    process.system.writes["journal"] += [
        failure("transient", "again", retry_after_seconds=0),
        "done and stop",
    ]
    assert process.run(("item.made", {"id": "1"})) is None
    assert process.run().status("f/item.made:1") == "completed"
    assert process.system.applied == {"f/item.made:1/post": [{"key": "1"}]}


class TestHolds:
    @pytest.fixture
    def held(self, flow):
        flow.system.reads["project"] += [{"id": "G", "status": "shut", "rate": 1}]
        assert flow.run(ONE).status(RUN) == "held"
        return flow

    def test_a_read_that_fails_for_a_while_does_not_end_what_is_held(self, held):
        held.system.reads["project"] += [failure("transient", "the ERP is gone")] * 3
        seen = held.run(CHANGED)
        assert (seen.status(RUN), seen.holds[HOLD].status) == ("held", "open")
        told = [alert.message for alert in seen.alerts if alert.step == "project"]
        assert told == [f"project could not be read afresh, {STALE}: the ERP is gone"]
        held.run(("item.changed", {"id": "z", "amount": 2, "group": "G"}))
        seen = whole(held)
        assert seen.holds[HOLD].status == "released"

    @pytest.mark.parametrize("late", ["in time for nothing", "not at all"])
    def test_an_answer_that_comes_when_the_run_is_over_is_wanted_by_nobody(self, held, late):
        """Two events at once have it read twice; the second answer comes first, and is enough."""
        gate, calls = asyncio.Event(), []

        async def read(operation, parameters):
            calls.append(operation)
            if len(calls) == 1:
                await gate.wait()
                if late == "not at all":
                    raise Fault(failure("permanent", "gone"))
            return {"id": parameters["id"], "status": "open", "rate": 10}

        async def work(runner):
            runner.recover()
            for number in (1, 2):
                await asyncio.gather(
                    runner.accept(held.offers(("item.changed", {"id": "x", "amount": number, "group": "G"}))),
                    runner.turn(),
                )
                await asyncio.sleep(0)
            while runner.executor.live:
                await runner.turn()
            gate.set()
            await runner.until_rest()

        held.system.read = read
        with held.process() as (runner, _):
            asyncio.run(work(runner))
        assert len(calls) == 2
        del held.system.read
        whole(held)

    def test_a_read_that_is_refused_ends_what_is_held(self, held):
        held.system.reads["project"].append(failure("permanent", "no rights"))
        seen = held.run(CHANGED)
        assert (seen.status(RUN), seen.runs[RUN].reason) == ("failed", "no rights")

    @pytest.mark.requirement("POL-05")
    def test_a_hold_outlives_its_process_and_is_checked_again(self, held):
        seen = held.run(("item.changed", {"id": "y", "amount": 1, "group": "other"}))
        assert (seen.status(RUN), seen.holds[HOLD].status) == ("held", "open")
        seen = held.run(CHANGED)
        hold = seen.holds[HOLD]
        assert (hold.status, hold.released_by, hold.release_event) == (
            "released",
            "tidegate",
            "item.changed:x:1",
        )
        assert seen.status(RUN) == "completed"
        whole(held)

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("number", range(1, 7))
    def test_stopped_while_it_is_checked_again(self, held, monkeypatch, number, after):
        with monkeypatch.context() as patch:
            Cut(patch, number, after=after)
            held.run(CHANGED)
        held.run(CHANGED)
        seen = whole(held)
        assert seen.holds[HOLD].release_event == "item.changed:x:1"
        assert len(seen.alerts) == 1

    def test_two_events_at_once_check_it_again_once_or_twice_and_do_no_harm(self, held):
        shut = {"id": "G", "status": "shut", "rate": 1}
        held.system.reads["project"] += [shut]
        events = [("item.changed", {"id": "x", "amount": number, "group": "G"}) for number in (1, 2, 3)]
        seen = held.run(*events)
        assert seen.status(RUN) in ("completed", "held")
        assert not seen.left
        held.run(("item.changed", {"id": "z", "amount": 9, "group": "G"}))
        whole(held)

    def test_held_again_and_again(self, held):
        shut = {"id": "G", "status": "shut", "rate": 1}
        held.system.reads["project"] += [shut, shut]
        held.run(CHANGED)
        seen = held.run(("item.changed", {"id": "x", "amount": 2, "group": "G"}))
        assert (seen.status(RUN), seen.holds[HOLD].status, len(seen.alerts)) == ("held", "open", 1)
        held.run(("item.changed", {"id": "x", "amount": 3, "group": "G"}))
        whole(held)

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("number", [1, 2, 3, 4])
    @pytest.mark.requirement("GOV-20")
    def test_released_by_a_person(self, held, monkeypatch, number, after):
        with monkeypatch.context() as patch:
            Cut(patch, number, after=after)
            self.released(held)
        if held.run().holds[HOLD].status == "open":
            self.released(held)
        seen = whole(held)
        assert (seen.holds[HOLD].released_by, seen.holds[HOLD].release_reason) == ("ann", "it is fine")
        (entry,) = [entry for entry in seen.audit if entry.subject == HOLD]
        assert (entry.actor, entry.action) == ("ann", "hold released")
        assert '"role":"boss"' in entry.detail

    def released(self, process):
        async def work(runner):
            runner.recover()
            release = Release(by="ann", reason="it is fine", role="boss")
            done = begun(runner.release(HOLD, release))
            await asyncio.sleep(0)
            await runner.until_rest()
            await done

        with process.process() as (runner, _):
            try:
                asyncio.run(work(runner))
            except Stopped:
                return


def test_two_events_at_once_end_a_wait_once(small):
    process = small("w: {wait: {event: item.changed, where: event.data.id == item.id}}")
    process.run(("item.made", {"id": "1"}))
    seen = process.run(*[("item.changed", {"id": "1", "amount": number}) for number in (1, 2)])
    assert seen.status("f/item.made:1") == "completed"
    assert not seen.left


class TestWaitsThatAreOver:
    STEPS = """
w: {wait: {event: item.changed, where: event.data.id == item.id, timeout: 2h}}
put: {write: erp.line, with: {key: w.id}}
beside: {write: erp.line, with: {key: item.id}}
"""
    RUN = "f/item.made:1"

    @pytest.fixture
    def waiting(self, small):
        process = small(self.STEPS)
        assert process.run(("item.made", {"id": "1"})).status(self.RUN) == "waiting"
        process.clock.advance(timedelta(hours=1))
        assert process.run().status(self.RUN) == "waiting"
        return process

    def test_in_the_next_process(self, waiting):
        waiting.clock.advance(timedelta(hours=1))
        seen = waiting.run()
        assert (seen.status(self.RUN), seen.left) == ("failed", [])
        assert seen.runs[self.RUN].reason == "no item.changed came before 2026-03-31T14:00:01+00:00"
        assert waiting.run().status(self.RUN) == "failed"

    def test_an_event_that_comes_too_late_changes_nothing(self, waiting):
        waiting.clock.advance(timedelta(hours=1))
        assert waiting.run(("item.changed", {"id": "1", "amount": 1})).status(self.RUN) == "failed"

    def test_one_that_comes_in_time(self, waiting):
        assert waiting.run(("item.changed", {"id": "1", "amount": 1})).status(self.RUN) == "completed"
        waiting.clock.advance(timedelta(hours=5))
        assert waiting.run().status(self.RUN) == "completed"

    def test_in_the_process_in_which_it_began(self, small):
        process = small(self.STEPS)

        async def work(runner):
            runner.recover()
            runner.offer(process.offers(("item.made", {"id": "1"})))
            await runner.until_rest()
            process.clock.advance(timedelta(hours=3))
            await runner.until_rest()

        with process.process() as (runner, ledger):
            asyncio.run(work(runner))
            assert ledger.reader().run(self.RUN).status == "failed"


class TestTheSameAgain:
    """A run decided again from the ledger is the run that was."""

    def states(self, process, monkeypatch, *events):
        """The states in which runs came to rest, as they were in memory."""
        live = {}
        record = Rests.record

        def seen(rests, commit, run_id, state, *more):
            live[run_id] = state
            record(rests, commit, run_id, state, *more)

        with monkeypatch.context() as patch:
            patch.setattr(Rests, "record", seen)
            process.run(*events)
        return live

    def recovered(self, process, run_id):
        with process.process() as (runner, ledger):
            reader = ledger.reader()
            recovery = Recovery(reader, lambda _: process.plan, runner._connections)
            return recovery.run(reader.run(run_id)).state

    def same(self, process, live):
        for run_id, state in live.items():
            again = self.recovered(process, run_id)
            assert (again.status, again.steps, again.scope, again.trace, again.open_holds) == (
                state.status,
                state.steps,
                state.scope,
                state.trace,
                state.open_holds,
            )
            assert again.event == state.event

    def test_completed(self, flow, monkeypatch):
        self.same(flow, self.states(flow, monkeypatch, ONE))

    def test_held_and_then_checked_again(self, flow, monkeypatch):
        flow.system.reads["project"] += [{"id": "G", "status": "shut", "rate": 1}]
        self.same(flow, self.states(flow, monkeypatch, ONE))
        self.same(flow, self.states(flow, monkeypatch, CHANGED))

    def test_held_and_checked_again_in_one_process(self, flow, monkeypatch):
        flow.system.reads["project"] += [{"id": "G", "status": "shut", "rate": 1}]
        live = self.states(flow, monkeypatch, ONE, CHANGED)
        self.same(flow, live)

    @pytest.mark.parametrize("fault", ["permanent", "unknown"])
    def test_refused_or_in_doubt(self, small, monkeypatch, fault):
        process = small(
            "put: {write: erp.blind, with: {key: item.id}, faults: {unknown: person}}\nb: {write: erp.line, with: {key: put.id}}"
        )
        process.system.writes["blind"].append(failure(fault, "no luck"))
        self.same(process, self.states(process, monkeypatch, ("item.made", {"id": "1"})))

    def test_a_receipt_is_told_as_it_is_recorded(self, small, monkeypatch):
        process = small("put: {write: erp.line, with: {key: item.id}}")
        process.system.writes["line"].append(Receipt("x", {"on": date(2026, 3, 1), "sum": Decimal("1.50")}))
        live = self.states(process, monkeypatch, ("item.made", {"id": "1"}))
        assert live["f/item.made:1"].scope["put"]["on"] == "2026-03-01"
        self.same(process, live)

    def test_what_was_read_keeps_its_dates(self, small, monkeypatch):
        process = small("all: {read: erp.projects, with: {customer: item.id}}")
        process.system.reads["projects"].append(
            [{"id": "P", "status": "s", "rate": 1, "amended_on": date(2026, 3, 1)}]
        )
        self.same(process, self.states(process, monkeypatch, ("item.made", {"id": "1"})))

    def test_what_was_waited_for_keeps_its_dates(self, small, monkeypatch):
        process = small(
            "w: {wait: {event: item.said, where: event.data.id == item.id}}\n"
            "put: {write: erp.line, with: {key: item.id, day: w.day}}"
        )
        live = self.states(process, monkeypatch, ("item.made", {"id": "1"}))
        live |= self.states(process, monkeypatch, ("item.said", {"id": "1", "day": "2026-03-01"}))
        assert live["f/item.made:1"].status == "completed"
        self.same(process, live)


class TestTheDiskIsFull:
    @pytest.mark.requirement("REL-04")
    @pytest.mark.parametrize("number", range(1, 7))
    def test_the_process_ends_and_nothing_is_lost(self, flow, monkeypatch, number):
        left = [number]
        commit = Ledger.commit

        def full(ledger, what, *more):
            left[0] -= 1
            if left[0] <= 0:
                raise LedgerFull("there is no room for the commit")
            return commit(ledger, what, *more)

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "commit", full)
            with pytest.raises(LedgerError):
                flow.run(ONE)
        flow.run(ONE)
        whole(flow)

    def test_a_sender_is_not_told_that_it_was_taken(self, flow, monkeypatch):
        def full(*_):
            raise LedgerFull("there is no room for the commit")

        async def work(runner):
            runner.recover()
            with monkeypatch.context() as patch:
                patch.setattr(Ledger, "commit", full)
                taken = begun(runner.accept(flow.offers(ONE)))
                await asyncio.sleep(0)
                with pytest.raises(LedgerFull):
                    await runner.turn()
            with pytest.raises(LedgerError, match="no room"):
                await taken
            with pytest.raises(LedgerError, match="failed before"):
                await runner.accept(flow.offers(ONE))

        with flow.process() as (runner, _):
            asyncio.run(work(runner))
        flow.run(ONE)
        whole(flow)

    def test_the_daemon_refuses_the_delivery_and_ends(self, flow, monkeypatch):
        async def work(runner):
            daemon = Daemon(runner, flow.plan, {}, flow.clock)
            await daemon.start("127.0.0.1", 0)
            with monkeypatch.context() as patch:
                patch.setattr(Ledger, "commit", full)
                with pytest.raises(LedgerError, match="no room"):
                    await asyncio.wait_for(runner.accept(flow.offers(ONE)), 5)
                await asyncio.wait_for(daemon.until_stopped(), 5)
                with pytest.raises(LedgerFull):
                    await asyncio.wait_for(daemon.stop(), 5)

        def full(*_):
            raise LedgerFull("there is no room for the commit")

        with flow.process() as (runner, _):
            asyncio.run(work(runner))
        flow.run(ONE)
        whole(flow)


def test_an_event_of_the_ledger_is_the_event_that_came(flow):
    flow.run(ONE)
    reader = open_reader(flow.url)
    row = reader.event("item.ordered:1")
    reader.close()
    kept = Event(
        id=row.id,
        type=row.type,
        data={},
        text=row.body,
        order_key=row.order_key,
        at=read_instant(row.at),
        accepted_at=read_instant(row.accepted_at),
    )
    state, _ = begin(flow.plan.flows["f"], restore(flow.plan, kept, 1))
    assert state.run_id == RUN
