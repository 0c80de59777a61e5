"""The machine on which the daemon runs: its disk, its clock, and one process after the other.

A process here is what `tidegate run` opens, with senders in the place of the web server. It may be killed at
any await point and at any call to the disk; then nothing of it runs any more.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine import session as sessions
from engine.errors import (
    LedgerBusy,
    LedgerDamaged,
    LedgerError,
    LedgerFull,
    LedgerMissing,
    LedgerReadOnly,
    LedgerUnreadable,
)
from engine.ledger import Ledger, open_ledger
from engine.plan.plan import Plan
from engine.runtime.daemon import Daemon
from engine.runtime.retry import RetryPolicy
from engine.runtime.runner import Limits, Runner
from engine.runtime.triggers.triggers import Triggers
from tests.disk.faulty import CHANGES, Calls, Disk, Does
from tests.simulation.clock import SimClock
from tests.simulation.loop import Member, SimLoop

EXCUSED = (
    LedgerDamaged,
    LedgerFull,
    LedgerUnreadable,
    LedgerReadOnly,
    LedgerMissing,
)  # when the disk is to blame
POLICY = RetryPolicy(attempts=5, patience_seconds=600)
SIMULATED = dict.fromkeys(("erp", "rev", "bank", "fax", "desk"), "http://127.0.0.1:1")
IDLE = 20.0  # seconds after which an idle daemon looks up


class NoServer:
    """In the place of the web server: senders hand in by themselves."""

    def __init__(self, *_: object) -> None:
        """Nobody listens."""

    async def start(self) -> str:
        """No address."""
        return ""

    async def stop(self) -> None:
        """Nothing is open."""


class Idle(Daemon):
    """The daemon, but it looks up less often when nothing happens: virtual time is not free."""

    async def _work(self) -> None:
        while not self._done:
            await self.runner.turn(wait_seconds=1.0 if self._stopping.is_set() else IDLE)
            self.runner.raise_failure()

    def tell_to_stop(self) -> None:
        """SIGTERM."""
        self._stopping.set()


@dataclass(slots=True, eq=False)
class Process:
    """One life of the daemon."""

    member: Member
    ledger: Ledger
    runner: Runner
    daemon: Idle
    plan: Plan
    ended: "asyncio.Future[str]"


@dataclass(slots=True, eq=False)
class Machine:
    """One machine, with what was deployed on it."""

    loop: SimLoop
    clock: SimClock
    path: Path
    disk: Disk
    releases: list[sessions.Session]
    plans: Mapping[str, Plan]
    seen: Counter[str]
    log: Callable[[str], None]
    release: int = 0
    process: Process | None = None
    lives: int = 0
    power_seed: int | None = None  # the power goes when the process next dies
    wrong: list[str] = field(default_factory=list)
    left: list[object] = field(
        default_factory=list
    )  # what dead processes had: never run, never freed in between

    def start(self) -> Process | None:
        """Start the daemon; None when it ended at once, with the reason in the log."""
        self.lives += 1
        member = Member(f"process {self.lives}")
        session = self.releases[self.release]
        ledger = None
        try:
            ledger = open_ledger(str(self.path), clock=self.clock, create=True)
            sessions.store_release(session, ledger, self.clock)
            self.process = self._opened(member, session, ledger)
        except LedgerError as error:
            self.log(f"{member.name} cannot start: {error}")
            self.seen[f"told: {type(error).__name__}"] += 1
            if ledger is not None:
                self._close(ledger)
        if self.disk.dead:
            self._bury(member, ledger)
        elif self.process is not None:
            self.log(f"{member.name} starts on release {self.release}")
        return self.process

    def _opened(self, member: Member, session: sessions.Session, ledger: Ledger) -> Process:
        connections = sessions.open_connections(session, "sim", self.clock, SIMULATED)
        plan = session.ready.plan
        runner = Runner(
            ledger=ledger,
            plan=plan,
            plans=self.plans.__getitem__,
            connections=connections,
            clock=self.clock,
            policy=POLICY,
            limits=Limits(turn=50, live=200, reads=8, taken_up=3),
        )
        triggers = Triggers(
            plan=plan,
            connections=connections,
            gate=runner,
            reader=ledger.reader(),
            now=self.clock.now,
            told=lambda _: None,
        ).all()
        daemon = Idle(runner, plan, {}, self.clock, triggers)
        process = Process(member, ledger, runner, daemon, plan, self.loop.create_future())
        task = self.loop.create_task(self._live(process), context=member.context)
        self.left.append(task)
        return process

    async def _live(self, process: Process) -> None:
        """What `tidegate run` does."""
        end = "stopped"  # no `finally` here: those who are killed do not run it
        for part in (self._work, self._stop):
            try:
                await part(process)
            except Exception as error:  # noqa: BLE001  the end of a process, whatever it was
                end = f"failed: {error}"
                if not isinstance(error, EXCUSED) and not self.disk.dead:
                    self.wrong.append(f"failed: a process ended by itself: {error!r}")
        process.ledger.close()
        if not self.disk.dead:
            self._end(process, end)

    @staticmethod
    async def _work(process: Process) -> None:
        await process.daemon.start("", 0)
        await process.daemon.until_stopped()

    @staticmethod
    async def _stop(process: Process) -> None:
        await process.daemon.stop()

    def _end(self, process: Process, how: str) -> None:
        self.log(f"{process.member.name} ended: {how}")
        process.member.dead = True
        self.process = None
        if not process.ended.done():
            process.ended.set_result(how)

    def run(self, work: Awaitable[None]) -> None:
        """Have the process do something; nothing comes of it when it dies before."""
        assert self.process is not None
        self.left.append(self.loop.create_task(_quietly(work), context=self.process.member.context))

    @property
    def alive(self) -> Process | None:
        """The process, when it answers."""
        process = self.process
        return None if process is None or process.member.dead or process.member.paused else process

    # --- its end --------------------------------------------------------------------------------------

    def watch(self, member: Member) -> None:
        """After each step of a process: whether it was the last one."""
        if self.disk.dead or (member.dies_at is not None and member.steps >= member.dies_at):
            self.kill("at a call to the disk" if self.disk.dead else f"at await point {member.steps}")

    def kill(self, where: str = "") -> None:
        """SIGKILL, or worse: the power is cut when that is what was planned."""
        process = self.process
        if process is None or process.member.dead:
            return
        process.member.dead = True
        self.process = None
        self.log(f"{process.member.name} is killed {where}")
        self._bury(process.member, process.ledger)
        if not process.ended.done():
            process.ended.set_result("killed")
        self.left.append(process)

    def _bury(self, member: Member, ledger: Ledger | None) -> None:
        """Give back what the system gives back when a process dies; the disk keeps what it has."""
        member.dead = True
        self.process = None
        self.disk.dead = True
        if ledger is not None:
            self._close(ledger)
        self.disk.dead = False
        self.disk.heal()
        if self.power_seed is not None:
            lost = self.disk.cut_power(self.power_seed)
            self.power_seed = None
            self.seen["power cut"] += 1
            self.seen["power cut: writes at risk"] += lost
            self.log(f"the power is cut; {lost} writes were not synced")

    @staticmethod
    def _close(ledger: Ledger) -> None:
        with suppress(Exception):
            ledger.close()
        ledger._lock.release()
        ledger._connection = None

    # --- what happens to it -----------------------------------------------------------------------------

    def dies_at_step(self, steps: int) -> None:
        """Kill it so many await points from now."""
        if self.process is not None:
            self.process.member.dies_at = self.process.member.steps + steps

    def dies_at_call(self, number: int, *, after: bool, power_seed: int | None) -> None:
        """End it at a call to the disk, counted from now; with the power, if there is a seed for that."""
        if self.process is not None:
            self.power_seed = power_seed
            self.disk.arm(CHANGES, number, Does.DIE_AFTER if after else Does.DIE_BEFORE)

    def disk_fails(self, calls: Calls, number: int, error: int, *, for_good: bool) -> None:
        """Have the disk refuse."""
        self.disk.arm(calls, number, Does.FAIL, error, for_good=for_good)

    def second(self) -> bool | None:
        """Whether a second process is refused the ledger; None when there is no first."""
        if self.alive is None:
            return None
        try:
            open_ledger(str(self.path), clock=self.clock).close()
        except LedgerBusy:
            return True
        except LedgerError:
            return None
        return False


async def _quietly(work: Awaitable[None]) -> None:
    with suppress(LedgerError):
        await work
