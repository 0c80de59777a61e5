"""One history: a world made from one seed, what happens in it, and what is judged at its end."""

import asyncio
import gc
import shutil
import sqlite3
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import TypeAlias

from engine import session as sessions
from engine.clock import FixedClock
from engine.errors import InputError, LedgerError
from engine.ledger import open_ledger
from engine.runtime import daemon, memory
from engine.runtime.accept import read_line
from engine.session import releases
from engine.values.json_text import write_json
from tests.disk import in_memory
from tests.disk.faulty import Disk
from tests.ledger.sharing import share_sql
from tests.simulation import people
from tests.simulation.clock import SimClock
from tests.simulation.judge import Told, judge
from tests.simulation.loop import SimLoop, StuckError
from tests.simulation.machine import Machine, NoServer, Process
from tests.simulation.network import Lines, Network
from tests.simulation.script import Script, Sent, script
from tests.simulation.targets import Approvals, Bank, Erp, Fax, Projects, Rev
from tests.simulation.troubles import play

WORKSPACE = Path(__file__).parent / "workspace"
ACTIVE = 300.0  # seconds in which things happen, and go wrong
LONGEST = 6 * 3600.0  # seconds after which what has not come to rest never does


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of one history."""

    seed: int
    wrong: list[str]
    trace: str
    seen: Counter[str]
    steps: int
    log: list[str]


Reply: TypeAlias = "asyncio.Future[list[str] | None]"


@dataclass(slots=True)
class World:
    """Everything of one history."""

    seed: int
    loop: SimLoop
    clock: SimClock
    machine: Machine
    network: Network
    script: Script
    dice: Random
    seen: Counter[str]
    log: Callable[[str], None]
    acknowledged: dict[str, str] = field(default_factory=dict)
    released: dict[str, str] = field(default_factory=dict)
    pushing: int = 0
    over: bool = False
    wrong: list[str] = field(default_factory=list)

    # --- those who send ---------------------------------------------------------------------------------

    async def push(self, sent: Sent) -> None:
        """A source hands in a message until it is told what became of it, and perhaps once more."""
        await asyncio.sleep(sent.at)
        self.pushing += 1
        for _ in range(1 + sent.repeats):
            await self._until_told(sent)
        self.pushing -= 1

    async def _until_told(self, sent: Sent) -> None:
        wait = 1.0
        while not self.over:
            answer = await self._deliver(sent.lines)
            if answer is not None:
                self.seen.update(f"answer {one}" for one in answer)
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, 60.0)

    async def _deliver(self, lines: list[bytes]) -> list[str] | None:
        """One request to the daemon; None when the sender hears nothing."""
        process = self.machine.alive
        if process is None or self.dice.random() < self.network.share / 2:
            return await asyncio.sleep(0.2)
        reply: Reply = self.loop.create_future()
        mute = self.dice.random() < self.network.share  # the answer is lost on its way
        self.loop.outside(self.network.latency(), self._take, process, lines, reply, mute)
        try:
            return await asyncio.wait_for(reply, 30)
        except TimeoutError:
            return None

    def _take(self, process: Process, lines: list[bytes], reply: Reply, mute: bool) -> None:
        if not process.member.dead and process is self.machine.process:
            self.machine.run(self._handle(process, lines, reply, mute=mute))

    async def _handle(self, process: Process, lines: list[bytes], reply: Reply, *, mute: bool) -> None:
        """What a trigger does inside the daemon."""
        now = self.clock.now()
        try:
            offers = [read_line(process.plan, line, None, now) for line in lines]
        except InputError:
            self._reply(process, reply, ["refused"])
            return
        if process.runner.room <= 0:
            return
        found = await process.runner.accept(offers)
        if mute:
            self.seen["answer lost"] += 1
        elif self._reply(process, reply, found):
            taken = [offer for offer, became in zip(offers, found, strict=True) if became != "conflict"]
            self.acknowledged.update((offer.event.id, offer.body_hash) for offer in taken)

    def _reply(self, process: Process, reply: Reply, answer: list[str]) -> bool:
        """Whether the answer goes out: the dead say nothing."""
        if process.member.dead or self.machine.disk.dead:
            return False
        self.loop.outside(self.network.latency(), lambda: None if reply.done() else reply.set_result(answer))
        return True

    # --- the course of things -------------------------------------------------------------------------------

    async def live(self) -> None:
        """Things happen and go wrong; then all is well, and what can go on does."""
        tasks: list[Coroutine[object, object, None]] = [self.push(one) for one in self.script.sent]
        tasks += [self._keep_running(), self._edit_projects()]
        tasks += [play(self, trouble) for trouble in self.script.troubles]
        pending = [self.loop.create_task(task) for task in tasks]
        await asyncio.sleep(ACTIVE)
        self.heal()
        for number, name in enumerate(sorted(self.network.projects.status)):
            self.network.projects.status[name] = "open"
            line = write_json({"type": "project.changed", "data": {"id": name, "version": 1000 + number}})
            pending.append(self.loop.create_task(self.push(Sent(0.0, [line]))))
        await self._until_rest()
        self.over = True
        await self._stop()
        for task in pending:
            if task.done() and not task.cancelled() and task.exception() is not None:
                raise task.exception()

    def heal(self) -> None:
        """The end of all trouble."""
        self.log("all is well from here on")
        self.network.share = 0.0
        self.network.apart.clear()
        self.machine.disk.heal()
        self.machine.power_seed = None
        self.clock.strobe(None)
        self.clock.slew(1.0)
        for target in self.network.targets.values():
            target.closed = target.away = False
        if self.machine.process is not None:
            self.machine.process.member.dies_at = None
            if self.machine.process.member.paused:
                self.loop.wake(self.machine.process.member)

    async def _keep_running(self) -> None:
        """Start the daemon again whenever it has ended."""
        while not self.over:
            process = self.machine.start()
            if process is not None:
                await process.ended
            await asyncio.sleep(0.5 + self.dice.random() * 10)

    async def _edit_projects(self) -> None:
        for at, name, status in self.script.edits:
            await asyncio.sleep(max(0.0, at - self.loop.time()))
            self.network.projects.status[name] = status

    async def _until_rest(self) -> None:
        end = self.loop.time() + LONGEST
        while self.loop.time() < end:
            await asyncio.sleep(120)
            if self._rests():
                return
            people.see_to_what_is_left(self)
        self.wrong.append(f"rest: after {LONGEST / 3600:.0f} hours not all has come to rest")

    def _rests(self) -> bool:
        process = self.machine.alive
        if process is None or self.pushing or not process.runner.at_rest:
            return False
        with process.ledger._database.reading() as connection:
            found = connection.execute(
                "SELECT count(*) FROM runs WHERE status IN ('running', 'waiting', 'held', 'unknown')"
            )
            return bool(found.fetchone() == (0,))

    async def _stop(self) -> None:
        process = self.machine.alive
        if process is None:
            self.wrong.append("rest: no process is alive at the end")
            return
        process.daemon.tell_to_stop()
        try:
            await asyncio.wait_for(asyncio.shield(process.ended), 120)
        except TimeoutError:
            self.wrong.append("rest: the daemon was told to stop, and did not")
            self.machine.kill()


@dataclass(frozen=True, slots=True)
class Deployed:
    """The workspace in two releases, and a ledger in which the first is active."""

    sessions: list[sessions.Session]
    lines: Lines
    ledger: bytes


@cache
def deployed() -> Deployed:
    """Compiled once for all histories of a process."""
    lines = Lines()
    with tempfile.TemporaryDirectory(prefix="tidegate-sim-") as name:
        found = []
        for number in range(2):
            folder = Path(shutil.copytree(WORKSPACE, Path(name) / str(number)))
            flows = folder / "flows" / "flows.yaml"
            text = flows.read_text()
            if number:  # the later release does the same, but for the words in it
                text = text.replace("Approved time is billed", "Time that was approved is billed")
                text = text.replace("flow: bill-time\n", "flow: bill-time\nversion: 2\n")
            flows.write_text(text)
            found.append(sessions.load(folder, lines))
            assert found[-1].report().ok
        _remember(found)
        clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
        ledger = Path(name) / "ledger.sqlite"
        with open_ledger(str(ledger), clock=clock, create=True) as opened:
            sessions.store_release(found[0], opened, clock)
        return Deployed(found, lines, ledger.read_bytes())


def _remember(found: list[sessions.Session]) -> None:
    """What costs time and is alike in all histories is worked out once: texts of SQL, contents of releases."""
    contents = {id(session): releases._snapshot(session) for session in found}
    releases._snapshot = lambda session: contents[id(session)]
    daemon.Server = NoServer
    memory.settle = lambda: None
    share_sql()
    gc.collect()
    gc.freeze()
    gc.disable()  # what a history leaves behind is collected after it, a few at a time


def _world(seed: int, folder: Path, log: Callable[[str], None]) -> World:
    dice = Random(seed)
    ready = deployed()
    loop = SimLoop()
    written = script(dice)
    clock = SimClock(loop, written.began)
    seen: Counter[str] = Counter()
    projects, approvals = Projects(dict(written.projects)), Approvals(list(written.approvals))
    targets = {"erp": Erp("erp"), "rev": Rev("rev"), "bank": Bank("bank"), "fax": Fax("fax")}

    def say(text: str) -> None:
        log(f"{loop.time():9.3f} {clock.now():%m-%d %H:%M:%S} {text}")

    network = Network(
        loop, Random(dice.randrange(2**63)), targets, projects, approvals, seen, share=written.share, log=say
    )
    ready.lines.networks[:] = [network]
    path = folder / "ledger.sqlite"
    path.write_bytes(ready.ledger)
    plans = {one.ready.plan.release: one.ready.plan for one in ready.sessions}
    machine = Machine(loop, clock, path, Disk(folder), list(ready.sessions), plans, seen, say)
    loop.watch = machine.watch
    seen.update(written.kinds)
    return World(seed, loop, clock, machine, network, written, Random(dice.randrange(2**63)), seen, say)


def history(seed: int, *, keep_log: bool = False) -> Outcome:
    """Play one seed to its end."""
    lines: list[str] = []
    log = lines.append if keep_log else _nothing
    with (
        tempfile.TemporaryDirectory(prefix="tidegate-sim-", dir=in_memory.folder()) as name,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", RuntimeWarning)  # coroutines of the dead are never awaited
        world = _world(seed, Path(name), log)
        try:
            world.loop.run_until_complete(world.live())
        except StuckError:
            world.wrong.append("rest: nothing is left that could happen")
        except LedgerError as error:
            world.wrong.append(f"people: the ledger did not answer one of them: {error}")
        finally:
            if world.machine.process is not None:
                world.machine.kill("as the history is over")
        told = Told(acknowledged=world.acknowledged, released=world.released, approved={})
        try:
            wrong, trace = judge(world.machine.path, world.network.targets, told)
        except (sqlite3.Error, LedgerError) as error:
            wrong, trace = [f"lost: the ledger cannot be read: {error}"], ""
        world.wrong += world.machine.wrong
        world.wrong += [f"nobody caught: {text}" for text in world.loop.strange]
        world.seen["events"] = len(world.acknowledged)
        world.seen["lives"] = world.machine.lives
        steps = world.loop.total
        _close(world)
    return Outcome(seed=seed, wrong=world.wrong + wrong, trace=trace, seen=world.seen, steps=steps, log=lines)


def _nothing(text: str) -> None:
    del text


def _close(world: World) -> None:
    world.machine.left.clear()
    world.loop.close()
    if world.seed % 20 == 0:
        gc.collect()
