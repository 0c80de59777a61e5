"""A process on a small workspace whose systems do as a test says: what each call brings, in order."""

import asyncio
import json
from collections import defaultdict, deque
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine import session as sessions
from engine.clock import FixedClock
from engine.connect import BreakerPlan, Failure, Fault, FaultClass, Receipt
from engine.connect.catalog import Catalog
from engine.ledger import open_ledger
from engine.problems.render.text import render_text
from engine.runtime.accept import read_line
from engine.runtime.retry import RetryPolicy
from engine.runtime.runner import Runner
from tests.workspaces import tiny

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
PATIENCE = RetryPolicy(attempts=3, first_seconds=0.0, longest_seconds=0.0)


def failure(fault, reason="it failed", **more):
    return Failure(fault=FaultClass(fault), reason=reason, **more)


def begun(work):
    """A task of what somebody waits for; nobody asks what became of it when the process is stopped first."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return task


class Stopped(BaseException):
    """The process ends here, as at a power cut."""


class System:
    """Every connection of the workspace. What is scripted comes first, and then all goes well."""

    def __init__(self):
        self.writes = defaultdict(deque)  # outcomes to come, by operation
        self.reads = defaultdict(deque)
        self.looks = deque()
        self.applied = {}  # payload by effect key: what the system really has
        self.calls = []  # (kind, operation, key or parameters)

    async def write(self, effects):
        return [self._write(effect) for effect in effects]

    def _write(self, effect):
        self.calls.append(("write", effect.operation, effect.key))
        script = self.writes[effect.operation]
        outcome = script.popleft() if script else "done"
        if outcome == "stop":
            raise Stopped
        if outcome in ("done", "lost", "done and stop"):
            self.applied.setdefault(effect.key, []).append(effect.payload)
        if outcome == "done and stop":
            raise Stopped
        if outcome == "lost":  # it was done, and no answer came
            return failure("unknown", "no answer came")
        return Receipt(f"id-{effect.key}") if outcome == "done" else outcome

    async def read(self, operation, parameters):
        self.calls.append(("read", operation, dict(parameters)))
        script = self.reads[operation]
        found = script.popleft() if script else {"id": parameters.get("id"), "status": "open", "rate": 10}
        if isinstance(found, Failure):
            raise Fault(found)
        return found

    async def look_up(self, effect):
        self.calls.append(("look_up", effect.operation, effect.key))
        if self.looks:
            found = self.looks.popleft()
            if isinstance(found, Failure):
                raise Fault(found)
            return found
        return Receipt(f"id-{effect.key}", found=True) if effect.key in self.applied else None

    async def aclose(self):
        pass

    def count(self, kind, operation=None):
        return sum(call[0] == kind and operation in (None, call[1]) for call in self.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Systems(Catalog):
    """A catalog whose every connector is one system."""

    system: System

    def restricted(self, names):
        return self if list(names) else Systems(installed={}, system=self.system)

    def open(self, plan, settings, *, now):
        del plan, settings, now
        return self.system


class Small:
    """A workspace, a ledger file, the systems, and processes one after the other."""

    def __init__(self, folder, *documents, url=None):
        self.system = System()
        self.clock = FixedClock(NOW)
        self.url = url or str(folder / "ledger.sqlite")
        self._folder = folder
        self.change("workspace", *documents)

    def change(self, name, *documents):
        """Another release of the workspace, in a folder of this name; the processes after this one work it."""
        tiny.workspace(self._folder / name, *documents)
        self.load(name)

    def load(self, name):
        """The workspace in the folder of this name, as it is written."""
        self.session = sessions.load(self._folder / name, Systems(system=self.system))
        assert self.session.report().ok, render_text(self.session.report())
        self.plan = self.session.ready.plan

    @contextmanager
    def process(self, **options):
        """A runner, and the ledger that it writes."""
        with open_ledger(self.url, clock=self.clock, create=True) as ledger:
            sessions.store_release(self.session, ledger, self.clock)
            simulated = dict.fromkeys(("erp", "rev", "desk"), "http://127.0.0.1:1")
            connections = sessions.open_connections(self.session, "demo", self.clock, simulated)
            for connection in connections.by_name.values():  # the clock stands still: no pause would end
                connection.gate.breaker.plan = BreakerPlan(after=1_000_000)
            yield (
                Runner(
                    ledger=ledger,
                    plan=self.plan,
                    plans=sessions.plans(self.session, ledger),
                    connections=connections,
                    clock=self.clock,
                    **{"policy": PATIENCE, **options},
                ),
                ledger,
            )

    def offers(self, *events):
        """Offers of (event, data) each; what an item always has and the test does not say is put in."""
        lines = [json.dumps({"type": name, "data": {**tiny.GIVEN, **data}}).encode() for name, data in events]
        return [read_line(self.plan, line, None, self.clock.now()) for line in lines]

    def run(self, *events, **options):
        """One process: takes up what was left, takes these events, works to rest; what it left behind."""

        async def work(runner):
            if events:
                runner.offer(self.offers(*events))
            await runner.until_rest()

        return self._process(work, **options)

    def order(self, *orders, **options):
        """One process in which a person orders these things, one after the other, each worked to rest."""

        async def work(runner):
            await runner.until_rest()
            for order in orders:
                done = begun(runner.act(order))
                await asyncio.sleep(0)
                await runner.until_rest()
                await done

        return self._process(work, **options)

    def _process(self, work, **options):
        self.clock.advance(timedelta(seconds=1))

        async def recovered(runner):
            runner.recover()
            await work(runner)

        with self.process(**options) as (runner, ledger):
            try:
                asyncio.run(recovered(runner))
            except Stopped:
                return None
            return Seen(runner, ledger.reader())

    def act(self, do):
        """A process that takes up what was left, in which a person does something, and that works to rest."""

        async def work(runner):
            runner.recover()
            done = begun(runner.act(do))
            await asyncio.sleep(0)
            await runner.until_rest()
            await done

        with self.process() as (runner, ledger):
            asyncio.run(work(runner))
            return Seen(runner, ledger.reader())

    def release(self, hold_id, release):
        """A process in which a person releases a hold."""

        async def work(runner):
            runner.recover()
            released = begun(runner.release(hold_id, release))
            await asyncio.sleep(0)
            await runner.until_rest()
            await released

        with self.process() as (runner, ledger):
            asyncio.run(work(runner))
            return Seen(runner, ledger.reader())


class Seen:
    """What a process left behind; read before the ledger is closed."""

    def __init__(self, runner, reader):
        self.tally = runner.executor.tally
        self.left = list(runner.executor.live)  # runs in memory though all is at rest
        rows = list(reader.runs(limit=1000))
        self.runs = {row.id: row for row in rows}
        self.effects = {one.key: one for row in rows for one in reader.effects(row.id)}
        self.holds = {hold.id: hold for hold in reader.holds(limit=1000)}
        self.alerts = list(reader.alerts(limit=1000))
        self.audit = list(reader.audit())
        self.transitions = {key: reader.transitions(key) for key in self.effects}

    def status(self, run_id):
        return self.runs[run_id].status
