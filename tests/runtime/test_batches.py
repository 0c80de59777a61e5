"""Writes that go in one call, from event to ledger, over real HTTP: each is settled by its own result."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from engine import session as sessions
from engine.clock import SystemClock
from engine.connect import ConnectionPlan
from engine.connect.records import Table
from engine.connect.simulator import Response, Simulator, Trouble
from engine.ledger import open_ledger
from engine.runtime.accept import read_line
from engine.runtime.connections import connect
from engine.runtime.retry import RetryPolicy
from engine.runtime.runner import Runner
from tests.ledger.sharing import share_sql

WORKSPACE = Path(__file__).parents[1] / "workspaces" / "batches"
POLICY = RetryPolicy(attempts=6, patience_seconds=8, first_seconds=0.02, longest_seconds=0.1)


class System(Simulator):
    """Records by key. What it does with one depends on its name."""

    NAME = "sys"

    def __init__(self):
        super().__init__()
        self.records = Table("record", self.journal, unique=("key",))
        self.added = Table("added", self.journal)
        self.looked = []
        self.calls = []  # the keys of each call
        self.seen = Counter()
        self.accept_token("simulated")

    def routes(self):
        return (
            ("POST", "/records/batch", self._many),
            ("POST", "/records/added", self._add),
            ("POST", "/records", lambda call: Response(body=self.added.create(call.record()))),
            ("GET", "/records/{key}", self._find),
            ("PUT", "/records/{key}", self._one),
        )

    def _add(self, call):
        items = json.loads(call.body)
        self.calls.append([item["key"] for item in items])
        return Response(body=[self.added.create(item) for item in items])

    def _find(self, call):
        self.looked.append(call.arguments["key"])
        found = self.added.find("key", call.arguments["key"])
        return Response(body=found) if found else Response(status=404)

    def _one(self, call):
        self.calls.append([call.arguments["key"]])
        return self._told(self._saved(call.record()))

    @staticmethod
    def _told(result):
        return Response(status=200 if result["ok"] else 422, body=result)

    def _many(self, call):
        items = call.record()["records"]
        self.calls.append([item["key"] for item in items])
        if any(item["key"].startswith("poison") for item in items):
            return Response(status=422, body={"error": "the list cannot be read"})
        results = [self._saved(item) for item in items]
        told = [one for one in results if not (one["key"].startswith("lost") and self.seen[one["key"]] == 1)]
        return Response(body={"results": told[::-1]})

    def _saved(self, item):
        key = item["key"]
        self.seen[key] += 1
        if key.startswith(("refused", "poison")):
            return {"key": key, "ok": False, "code": "BAD", "error": f"{key} is not taken"}
        if key.startswith("busy") and self.seen[key] == 1:
            return {"key": key, "ok": False, "code": "BUSY"}
        known = self.records.find("key", key)
        record = self.records.update(str(known["id"]), item) if known else self.records.create(item)
        return {"key": key, "ok": True, "id": record["id"]}


@pytest.fixture
def system():
    with System() as running:
        yield running


@pytest.fixture(scope="module")
def session():
    share_sql()
    return sessions.load(WORKSPACE)


@pytest.fixture
def work(session, system, tmp_path):
    """Work events for these keys to rest; the status of each effect by key, and what is said of it."""

    def worked(*keys, kill=False):
        return asyncio.run(_work(session, system, tmp_path / "ledger.sqlite", keys, kill=kill))

    return worked


async def _work(session, system, path, keys, *, kill):
    clock = SystemClock()
    plan = session.ready.plan
    with open_ledger(str(path), clock=clock, create=True) as ledger:
        sessions.store_release(session, ledger, clock)
        connections = sessions.open_connections(session, "test", clock, {"sys": system.base_url})
        plans = {plan.release: plan}
        runner = Runner(
            ledger=ledger,
            plan=plan,
            plans=plans.__getitem__,
            connections=connections,
            clock=clock,
            policy=POLICY,
        )
        runner.recover()
        runner.offer([read_line(plan, _line(key), None, clock.now()) for key in keys])
        if kill:
            await runner.turn()
            for task in list(runner._sending.tasks):
                task.cancel()
            await asyncio.gather(*runner._sending.tasks, return_exceptions=True)
        else:
            await asyncio.wait_for(runner.until_rest(), 30)
        await connections.aclose()
        reader = ledger.reader()
        effects = [row for run in reader.runs() for row in reader.effects(run.id)]
        return {json.loads(row.payload)["key"]: row.status for row in effects}


def _line(key):
    return json.dumps({"type": "record.made", "data": {"id": key, "amount": 12.5}}).encode()


def names(kind, count):
    return [f"{kind}{number}" for number in range(count)]


@pytest.mark.requirement("REL-02")
def test_many_writes_go_in_few_calls_and_each_once(work, system):
    found = work(*names("k", 25))
    assert set(found.values()) == {"done"}
    assert len(system.calls) <= 4
    assert max(len(keys) for keys in system.calls) == 10
    assert Counter(key for keys in system.calls for key in keys) == Counter(names("k", 25))


def test_each_write_is_settled_by_its_own_result(work, system):
    found = work("k1", "refused1", "k2", "busy1", "lost1", "k3")
    assert found == {
        "k1": "done",
        "refused1": "dead",
        "k2": "done",
        "busy1": "done",
        "lost1": "done",  # its result was missing: in doubt, and sent again under its key
        "k3": "done",
    }
    assert Counter(row["key"] for row in system.records) == Counter(["k1", "k2", "k3", "busy1", "lost1"])
    sent = Counter(key for keys in system.calls for key in keys)
    assert (sent["k1"], sent["refused1"], sent["busy1"], sent["lost1"]) == (1, 1, 2, 2)


def test_one_that_spoils_a_call_does_not_keep_the_others_from_being_done(work, system):
    found = work("k1", "poison1", "k2")
    assert found == {"k1": "done", "poison1": "dead", "k2": "done"}
    assert sorted(system.calls, key=len)[:3] == [["k1"], ["poison1"], ["k2"]]


@pytest.mark.parametrize("trouble", [Trouble.RESET_AFTER, Trouble.GATEWAY_AFTER, Trouble.GARBAGE])
def test_a_call_of_which_nothing_is_known_is_done_again_by_each_key(work, system, trouble):
    system.fail_next(trouble, path="/records/batch")
    found = work(*names("k", 5))
    assert set(found.values()) == {"done"}
    assert len(system.records) == 5
    assert len(system.journal.applied("record", "created")) == 5


@pytest.mark.parametrize("trouble", [Trouble.RESET_AFTER, Trouble.RESET_BEFORE])
def test_each_of_a_call_that_broke_off_is_looked_for_where_repeating_it_makes_another(work, system, trouble):
    system.fail_next(trouble, path="/records/added")
    found = work(*names("add", 5))
    assert found == dict.fromkeys(names("add", 5), "done")
    assert sorted(system.looked) == names("add", 5)
    assert Counter(row["key"] for row in system.added) == Counter(names("add", 5))


def test_a_connection_may_have_fewer_go_together(session):
    opened = []
    plan = session.ready.connectors["sys"]

    def limited(**limits):
        return connect("sys", ConnectionPlan(**limits), plan, opened.append)

    assert limited().together("save") == 10
    assert limited(batch_most=4).together("save") == 4
    assert limited(batch_most=400).together("save") == 10
    assert limited(batch_most=1).together("save") == 1
    assert limited().together("find") == 1
    limited(batch_seconds=2.0)
    assert opened[-1].operations["save"].batch.seconds == 2.0


def test_what_was_gathered_when_the_process_was_killed_is_taken_up(work, system):
    work(*names("k", 4), kill=True)
    assert system.calls == []
    found = work()
    assert found == dict.fromkeys(names("k", 4), "done")
    assert len(system.records) == 4


@pytest.mark.slow
def test_a_rate_counts_calls_and_not_what_is_in_them(work, system):
    began = asyncio.run(_seconds())
    found = work(*names("k", 300))
    assert set(found.values()) == {"done"}
    assert len(system.calls) <= 60
    assert asyncio.run(_seconds()) - began < 20  # at 30 requests a second, 300 calls and more would take 10


async def _seconds():
    return asyncio.get_running_loop().time()
