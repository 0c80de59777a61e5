"""Outages, pauses, windows, priorities and reads that are shared, in small processes with scripted systems."""

import asyncio
import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from engine import session as sessions
from engine.connect import BreakerPlan, RetryShare
from engine.ledger import open_ledger, open_reader
from engine.runtime.gate.budget import RetryBudget
from engine.runtime.process import process
from engine.runtime.retry import RetryPolicy
from engine.runtime.runner import Limits, Runner
from tests.runtime.scripted import NOW, Small, failure
from tests.workspaces import tiny

FLOW = (
    "flow: f\ntrigger: {event: item.made, as: item}\nsteps:\n  put: {write: erp.line, with: {key: item.id}}\n"
)
READING = """
flow: f
trigger: {event: item.made, as: item}
steps:
  project: {read: erp.project, with: {id: item.group}%s}
  put: {write: rev.performance, with: {key: project.id, day: item.day}}
"""
PATIENT = RetryPolicy(attempts=2, first_seconds=0.001, longest_seconds=0.01, outage_seconds=None)


class Ticking:
    """A clock that goes as fast as it is told."""

    def __init__(self, times=1.0):
        self.times = times
        self.began = time.monotonic()

    def now(self):
        return NOW + timedelta(seconds=self.elapsed_seconds())

    def elapsed_seconds(self):
        return (time.monotonic() - self.began) * self.times


class Lively(Small):
    """A process whose clock goes, with breakers that do not pause for long."""

    @contextmanager
    def lively(self, policy=PATIENT, **breaker):
        clock = Ticking()
        with open_ledger(self.url, clock=clock, create=True) as ledger:
            sessions.store_release(self.session, ledger, clock)
            simulated = dict.fromkeys(("erp", "rev", "desk"), "http://127.0.0.1:1")
            connections = sessions.open_connections(self.session, "demo", clock, simulated)
            plan = BreakerPlan(**{"after": 3, "pause_seconds": 0.02, "longest_seconds": 0.05, **breaker})
            for connection in connections.by_name.values():
                connection.gate.breaker.plan = plan
            plans = sessions.plans(self.session, ledger)
            yield Runner(
                ledger=ledger,
                plan=self.plan,
                plans=plans,
                connections=connections,
                clock=clock,
                policy=policy,
            )


def made(*names, group="g"):
    return [("item.made", {"id": name, "group": group, "day": "2026-03-01"}) for name in names]


def run(process, runner, events):
    async def work():
        runner.recover()
        runner.offer(process.offers(*events))
        await runner.until_rest()

    asyncio.run(work())


def statuses(process):
    reader = open_reader(process.url)
    try:
        return {row.status for row in reader.runs(limit=1000)}
    finally:
        reader.close()


def test_retries_take_no_more_than_their_share_and_all_is_done_in_the_end(tmp_path):
    """Every first attempt of twenty fails: without a bound, twenty retries would follow at once."""
    went = []

    class Noting(RetryBudget):
        def take(self, at):
            found = super().take(at)
            if found:
                went.append(at)
            return found

    process = Lively(tmp_path, FLOW)
    process.system.writes["line"] += [failure("transient", "busy", evidence={"status": 423})] * 20
    with process.lively() as runner:
        budget = Noting(RetryShare(share=20, seconds=0.1, least=4))
        runner._connections.get("erp").gate.budget = budget
        run(process, runner, made(*map(str, range(20))))
        assert runner.backlog()["due_again"] == 0
    assert statuses(process) == {"completed"}
    assert process.system.count("write") == 40
    assert len(went) == 20
    assert sum(at < went[0] + 0.08 for at in went) <= 5  # of 25 calls
    assert went[-1] - went[0] > 0.3


class TestAnOutage:
    pytestmark = pytest.mark.requirement("REL-05", "REL-22", "REL-31")

    @pytest.mark.slow
    def test_it_costs_nobody_a_try_and_drains_by_itself(self, tmp_path):
        """Two attempts are all that anybody has, and the system fails fifty times."""
        process = Lively(tmp_path, FLOW)
        process.system.writes["line"] += [failure("transient", "the ERP is gone")] * 50
        names = [f"{number:03}" for number in range(30)]
        with process.lively() as runner:
            run(process, runner, made(*names))
            assert runner.backlog()["connections"] == {}
        assert statuses(process) == {"completed"}
        assert len(process.system.applied) == 30

    def test_somebody_is_told_when_it_begins_and_when_it_is_over(self, tmp_path):
        process = Lively(tmp_path, FLOW)
        process.system.writes["line"] += [failure("transient", "the ERP is gone")] * 10
        with process.lively() as runner:
            run(process, runner, made("1", "2", "3", "4"))
        reader = open_reader(process.url)
        (alert,) = reader.alerts()
        told = [(row.action, row.detail) for row in reader.audit_of("erp")]
        reader.close()
        assert (alert.status, alert.severity) == ("closed", "error")
        assert "the ERP is gone" in alert.message
        assert told == [("connection away", '{"why":"the ERP is gone"}'), ("connection back", None)]

    def test_while_it_lasts_little_is_tried(self, tmp_path):
        process = Lively(tmp_path, FLOW)
        process.system.writes["line"] += [failure("transient", "the ERP is gone")] * 10_000
        with process.lively(RetryPolicy(first_seconds=0.001, outage_seconds=0.5)) as runner:
            run(process, runner, made(*map(str, range(40))))
            said = runner.backlog()["connections"]["erp"]
        assert said["waiting"] == 40
        assert said["why"] == "the ERP is gone"
        assert process.system.count("write") < 40 + 40  # all that had a place once, and then one at a time
        assert statuses(process) == {"running"}

    def test_what_is_left_is_taken_up_by_the_next_process(self, tmp_path):
        process = Lively(tmp_path, FLOW)
        process.system.writes["line"] += [failure("transient", "the ERP is gone")] * 10_000
        with process.lively(RetryPolicy(first_seconds=0.001, outage_seconds=0.2)) as runner:
            run(process, runner, made(*map(str, range(10))))
        process.system.writes["line"].clear()
        with process.lively() as runner:
            run(process, runner, ())
        assert statuses(process) == {"completed"}
        assert {len(payloads) for payloads in process.system.applied.values()} == {1}

    def test_a_file_of_events_is_not_done_while_a_system_is_away(self, tmp_path):
        """Its exit code has to say so, since nobody else takes up what waits."""
        lived = Lively(tmp_path, FLOW)
        lived.system.writes["line"] += [failure("transient", "the ERP is gone")] * 10_000
        events = tmp_path / "events.jsonl"
        events.write_text(
            "".join(
                json.dumps({"type": name, "data": tiny.GIVEN | data}) + "\n" for name, data in made("1", "2")
            )
        )
        ended = []
        for seconds in (0.2, None):
            with lived.lively(RetryPolicy(first_seconds=0.001, outage_seconds=seconds)) as runner:
                ended.append(
                    asyncio.run(process(runner, runner.plan, events, None, Ticking(), lambda _: None))
                )
            lived.system.writes["line"].clear()
        assert [(one.unsent, one.ok) for one in ended] == [(2, False), (0, True)]
        assert statuses(lived) == {"completed"}

    def test_one_that_always_fails_does_not_keep_the_others_from_trying(self, tmp_path):
        process = Lively(tmp_path, FLOW)
        write = process.system._write

        def poisoned(effect):
            return failure("transient", "error 500") if "bad" in effect.key else write(effect)

        process.system._write = poisoned
        policy = RetryPolicy(attempts=4, first_seconds=0.001, longest_seconds=0.01, outage_seconds=5)
        with process.lively(policy, after=2) as runner:

            async def work():
                runner.recover()
                runner.offer(process.offers(*made("bad1", "bad2")))
                for number in range(300):
                    if runner.executor.tally.ended.get("failed") == 2:
                        break
                    runner.offer(process.offers(*made(str(number))))
                    await runner.turn(wait_seconds=0.02)
                    await asyncio.sleep(0.005)
                await runner.until_rest()

            asyncio.run(work())
        assert process.system.applied
        assert statuses(process) == {"completed", "failed"}


class TestPauses:
    pytestmark = pytest.mark.requirement("REL-20")

    @pytest.mark.slow
    def test_a_system_that_asks_for_time_gets_it_from_all(self, tmp_path):
        process = Lively(tmp_path, FLOW)
        busy = failure("transient", "busy", evidence={"throttled": True}, retry_after_seconds=1)
        process.system.writes["line"] += [busy]
        began = time.monotonic()
        with process.lively() as runner:

            async def work():
                runner.recover()
                runner.offer(process.offers(*made("1")))
                await runner.turn()
                await runner.turn(wait_seconds=0.2)
                runner.offer(process.offers(*made("2", "3")))
                await runner.until_rest()

            asyncio.run(work())
        assert time.monotonic() - began > 0.9
        assert process.system.count("write") == 4
        assert statuses(process) == {"completed"}

    @pytest.mark.requirement("REL-21")
    @pytest.mark.slow
    def test_nothing_is_sent_or_read_in_a_window(self, tmp_path):
        process = Lively(tmp_path, FLOW)
        now = NOW.astimezone(UTC)
        opens = now + timedelta(seconds=1)
        with process.lively() as runner:
            gate = runner._connections.get("erp").gate
            object.__setattr__(gate.use, "closed_until", lambda at: opens if at < opens else None)
            began = runner._clock.now()
            assert began < opens
            run(process, runner, made("1", "2"))
            assert runner._clock.now() >= opens
        assert statuses(process) == {"completed"}


class TestPriority:
    pytestmark = pytest.mark.requirement("REL-15", "REL-19")

    def order(self, tmp_path, *documents):
        """Who is delivered in which order when there is one place."""
        process = Small(tmp_path, *documents)
        with process.process() as (runner, _):
            gate = runner._connections.get("erp").gate
            gate.pace.throttled(NOW.timestamp(), 1)

            async def work():
                runner.recover()
                runner.offer(process.offers(*made("1", "2")))
                await runner.turn()
                process.clock.advance(timedelta(seconds=2))
                await runner.until_rest()

            asyncio.run(work())
        return [call[2].split("/")[0] for call in process.system.calls if call[0] == "write"]

    def flow(self, name, *more):
        return FLOW.replace("flow: f", "\n".join([f"flow: {name}", *more]))

    def test_what_matters_more_goes_first(self, tmp_path):
        found = self.order(
            tmp_path, self.flow("a", "priority: low"), self.flow("b"), self.flow("c", "priority: high")
        )
        assert found == ["c", "c", "b", "b", "a", "a"]

    def test_a_calendar_lets_a_label_go_first(self, tmp_path):
        close = """
calendar: books
time_zone: Europe/Berlin
cycles: {every: month, name: "%Y-%m", cutoff: day 2 18:00}
priorities: {labels: close, more: 20, before_cutoff: 3d}
"""
        assert datetime(2026, 3, 31, 12, tzinfo=UTC) == NOW
        found = self.order(tmp_path, self.flow("a", "priority: high"), self.flow("b", "labels: close"), close)
        assert found == ["b", "b", "a", "a"]

    def test_and_not_at_another_time(self, tmp_path):
        close = """
calendar: books
time_zone: Europe/Berlin
priorities: {labels: close, more: 20, when: "friday 12:00-24:00"}
"""
        found = self.order(tmp_path, self.flow("a", "priority: high"), self.flow("b", "labels: close"), close)
        assert found == ["a", "a", "b", "b"]


class TestReads:
    pytestmark = pytest.mark.requirement("REL-20")

    def reads(self, process):
        return process.system.count("read", "project")

    def test_the_same_question_at_one_time_is_asked_once(self, tmp_path):
        process = Small(tmp_path, READING % "")
        process.run(*made(*map(str, range(20))))
        assert self.reads(process) == 1
        assert statuses(process) == {"completed"}

    def test_other_questions_are_asked_apart(self, tmp_path):
        process = Small(tmp_path, READING % "")
        process.run(*made("1", "2"), *made("3", group="h"))
        assert self.reads(process) == 2

    def test_without_a_cache_it_is_asked_again_later(self, tmp_path):
        process = Small(tmp_path, READING % "")
        process.run(*made("1"))
        process.run(*made("2"))
        assert self.reads(process) == 2

    def rounds(self, process, *, write=False):
        async def work(runner):
            runner.recover()
            for name in ("1", "2"):
                runner.offer(process.offers(*made(name)))
                await runner.until_rest()
                if write:
                    runner.offer(process.offers(("item.said", {"id": f"w{name}"})))
                    await runner.until_rest()

        with process.process() as (runner, _):
            asyncio.run(work(runner))

    def test_what_is_remembered_serves_other_runs(self, tmp_path):
        process = Small(tmp_path, READING % ", cache: 10m")
        self.rounds(process)
        assert self.reads(process) == 1

    def test_a_write_to_the_same_connection_makes_it_forget(self, tmp_path):
        writing = FLOW.replace("flow: f", "flow: w").replace("item.made", "item.said")
        process = Small(tmp_path, READING % ", cache: 10m", writing)
        self.rounds(process, write=True)
        assert self.reads(process) == 2

    def test_a_read_that_fails_for_a_while_is_asked_again_for_all(self, tmp_path):
        process = Small(tmp_path, READING % "")
        process.system.reads["project"] += [failure("transient", "gone")] * 2
        process.run(*made("1", "2", "3"))
        assert self.reads(process) == 3
        assert statuses(process) == {"completed"}


class TestBulkheads:
    pytestmark = pytest.mark.requirement("REL-19", "REL-31", "REL-04")

    OTHER = (
        FLOW.replace("flow: f", "flow: other")
        .replace("item.made", "item.said")
        .replace("write: erp.line, with: {key: item.id}", "write: rev.performance, with: {key: item.id}")
    )
    FEW = Limits(turn=20, live=40)

    def stuck(self, runner, process, events, *, then_rest=False):
        """Events for a system that takes nothing, and then some of another flow."""

        async def work():
            runner.recover()
            for number in range(events):
                while runner.room <= 0:
                    await runner.turn(wait_seconds=0.01)
                runner.offer(process.offers(*made(f"{number:04}")))
                await runner.turn()
                await asyncio.sleep(0)
            held = len(runner.executor.live)
            runner.offer(process.offers(*[("item.said", {"id": f"o{number}"}) for number in range(10)]))
            for _ in range(10):
                await runner.turn(wait_seconds=0.01)
            aside = len(runner.executor.aside)
            if then_rest:
                process.clock.advance(timedelta(hours=2))
                await runner.until_rest()
            return held, aside

        return asyncio.run(work())

    def test_what_waits_for_one_system_is_not_in_the_way_of_others(self, tmp_path):
        process = Small(tmp_path, FLOW, self.OTHER)
        with process.process(limits=self.FEW) as (runner, ledger):
            gate = runner._connections.get("erp").gate
            gate.pace.throttled(NOW.timestamp(), 3600)
            held, _ = self.stuck(runner, process, 300)
            assert held <= self.FEW.live
            assert len(runner.executor.aside) >= 260
            done = {row.id for row in ledger.reader().runs(status="completed", limit=500)}
            assert len([name for name in done if name.startswith("other/")]) == 10
        process.clock.advance(timedelta(hours=2))
        seen = process.run()
        assert {row.status for row in seen.runs.values()} == {"completed"}
        assert {len(payloads) for payloads in process.system.applied.values()} == {1}

    def test_what_was_set_aside_is_brought_back_in_its_order(self, tmp_path):
        process = Small(tmp_path, FLOW)
        with process.process(limits=self.FEW) as (runner, _):
            gate = runner._connections.get("erp").gate
            gate.pace.throttled(NOW.timestamp(), 3600)
            _, aside = self.stuck(runner, process, 200, then_rest=True)
            assert aside
            assert not runner.executor.aside
        keys = [call[2].split(":")[1].split("/")[0] for call in process.system.calls if call[0] == "write"]
        assert keys == sorted(keys)
        assert len(set(keys)) == 200

    def test_reads_that_cannot_be_asked_are_set_aside_as_well(self, tmp_path):
        process = Small(tmp_path, READING % "", self.OTHER)
        with process.process(limits=self.FEW) as (runner, _):
            runner._connections.get("erp").gate.pace.throttled(NOW.timestamp(), 3600)
            _, aside = self.stuck(runner, process, 100, then_rest=True)
            assert aside >= 60
        assert statuses(process) == {"completed"}

    @pytest.mark.requirement("REL-20")
    def test_above_the_backlog_nothing_more_is_taken_and_a_sender_is_told_when_to_come(self, tmp_path):
        process = Small(tmp_path, FLOW)
        with process.process(limits=Limits(turn=20, live=40, backlog=50)) as (runner, _):
            runner._connections.get("erp").gate.pace.throttled(NOW.timestamp(), 3600)
            self.stuck(runner, process, 50)
            assert runner.room <= 0
            assert 1 <= runner.come_again_seconds <= 300
