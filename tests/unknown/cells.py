"""One cell of the table: a way to break, a kind of target, a fate of our worker; what becomes of it, and what should.

Real runner, ledger and HTTP connector in this process, against a real socket. A worker that is killed takes no
further turn; the next one has its ledger and nothing else.
"""

import asyncio
import json
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine import session as sessions
from engine.clock import SystemClock
from engine.connect.catalog import Catalog
from engine.connect.http_connector import HttpConnector
from engine.ledger import Ledger, open_ledger
from engine.runtime.accept import read_line
from engine.runtime.retry import RetryPolicy
from engine.runtime.runner import Runner
from tests.ledger.sharing import share_sql
from tests.unknown.server import System
from tests.unknown.ways import WAYS, Says, Way

WORKSPACE = Path(__file__).parent / "workspace"
KINDS = ("header", "natural_key", "lookup", "none")
POLICY = RetryPolicy(attempts=6, patience_seconds=8, first_seconds=0.05, longest_seconds=0.5)
ANSWER = timedelta(seconds=1.5)  # how long an answer may take here
CONNECT = timedelta(seconds=0.5)
LISTENS_AFTER = 0.2  # seconds, where nobody listens at first
LONGEST = 120.0  # seconds for a cell, far more than it takes, also on a machine with much else to do


class Fate(StrEnum):
    """What becomes of our worker."""

    LIVES = "lives"
    KILLED_AFTER_SEND = "killed after send"
    KILLED_BEFORE_RECORDING = "killed before recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One of 480."""

    way: str
    kind: str
    fate: Fate

    def __str__(self) -> str:
        return f"{self.way} / {self.kind} / {self.fate}"


@dataclass(slots=True)
class Found:
    """What became of a cell."""

    status: str  # of the effect
    run: str
    reason: str
    applied: int
    posts: int
    looks: int
    wrong: list[str] = field(default_factory=list)


def cells() -> list[Cell]:
    """All of them."""
    return [Cell(way=way, kind=kind, fate=fate) for way in WAYS for kind in KINDS for fate in Fate]


def expected(cell: Cell) -> tuple[str, int]:
    """What the rule says: the status of the effect, and how often it is there.

    A doubt is left by the same key, by a look-up that the target has settled for, or by a person.
    """
    way = WAYS[cell.way]
    there = 1 if way.applied else 0
    if cell.fate is Fate.LIVES:
        if way.says in {Says.UNREACHABLE, Says.REFUSED}:
            return "dead", 0
        return ("unknown", there) if way.says is Says.NOTHING and cell.kind == "none" else ("done", 1)
    # The process ended before it recorded what came of it: it is in doubt, whatever that was.
    if cell.kind == "none":
        return "unknown", there
    if way.says is Says.UNREACHABLE:
        return "unknown", 0
    if way.says is Says.REFUSED:  # it proves nothing of the attempt before, unless a look-up does
        return ("dead", 0) if cell.kind == "lookup" else ("unknown", 0)
    return "done", 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Impatient(Catalog):
    """The connectors as they are, with less patience than a manifest can say."""

    def open(self, plan: Any, settings: Any, *, now: Any) -> Any:
        """The one for HTTP."""
        return HttpConnector(replace(plan, answer=ANSWER, connect=CONNECT), settings, now=now)


@dataclass(slots=True)
class Bench:
    """What all cells share."""

    folder: Path
    session: sessions.Session
    ledger: Path
    certificate: tuple[Path, Path]

    @classmethod
    def build(cls, folder: Path, certificate: tuple[Path, Path]) -> "Bench":
        """Compile the workspace, and make an empty ledger to copy."""
        share_sql()
        session = sessions.load(WORKSPACE, Impatient())
        ledger = folder / "empty.sqlite"
        with open_ledger(str(ledger), clock=SystemClock(), create=True) as opened:
            sessions.store_release(session, opened, SystemClock())
        return cls(folder, session, ledger, certificate)

    @contextmanager
    def worker(self, path: Path, address: str) -> Iterator[tuple[Runner, Ledger, Any]]:
        """A process: a ledger, connections, a runner."""
        clock = SystemClock()
        ledger = open_ledger(str(path), clock=clock)
        connections = sessions.open_connections(self.session, "test", clock, {"sys": address})
        plans = {self.session.ready.plan.release: self.session.ready.plan}
        runner = Runner(
            ledger=ledger,
            plan=self.session.ready.plan,
            plans=plans.__getitem__,
            connections=connections,
            clock=clock,
            policy=POLICY,
        )
        try:
            yield runner, ledger, connections
        finally:
            ledger.close()

    def line(self, cell: Cell) -> bytes:
        """The event of a cell."""
        data = {"id": "K", "how": cell.kind, "amount": 12.5, "on": "2026-03-29T01:30:00Z"}
        return json.dumps({"type": "record.made", "data": data}).encode()


async def play(bench: Bench, cell: Cell, number: int) -> Found:
    """One cell, from the event to its end."""
    way = WAYS[cell.way]
    path = bench.folder / f"{number}.sqlite"
    shutil.copy(bench.ledger, path)
    async with _system(bench, way) as (system, address):
        if cell.fate is not Fate.LIVES:
            await _first_life(bench, cell, path, system, address)
        found = await asyncio.wait_for(_last_life(bench, cell, path, address), LONGEST)
        if way.applied:
            await asyncio.sleep(0 if system.records else 2.5)  # it may still be on its way
    found.applied, found.posts, found.looks = len(system.records), len(system.posts), system.looks
    found.wrong = _wrong(cell, found, system)
    path.unlink()
    return found


@asynccontextmanager
async def _system(bench: Bench, way: Way) -> AsyncIterator[tuple[System, str]]:
    where = way.where
    early: Any = True if where == "connection" else None if where == "head" else False
    system = System(way.breaks, early=early, always=way.says is Says.REFUSED)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    waiting = None
    if where == "before":
        waiting = asyncio.ensure_future(_listen_later(system, sock))
    else:
        await system.listen(sock, _tls(bench) if where == "tls: untrusted" else None)
    address = f"http://127.0.0.1:{port}"
    if where == "name":
        address = "https://no-such-host.invalid"
    elif where.startswith("tls"):
        address = f"https://127.0.0.1:{port}"
    try:
        yield system, address
    finally:
        if waiting is not None:
            await waiting
        await system.close()


async def _listen_later(system: System, sock: socket.socket) -> None:
    await asyncio.sleep(LISTENS_AFTER)
    system.broken = True
    await system.listen(sock)


def _tls(bench: Bench) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*bench.certificate)
    return context


async def _first_life(bench: Bench, cell: Cell, path: Path, system: System, address: str) -> None:
    """A worker that takes the event, sends, and is killed."""
    with bench.worker(path, address) as (runner, _, connections):
        runner.recover()
        runner.offer([read_line(runner.plan, bench.line(cell), None, SystemClock().now())])
        await runner.turn()
        if cell.fate is Fate.KILLED_AFTER_SEND:
            sent = asyncio.ensure_future(system.reached.wait())
            await asyncio.wait([sent], timeout=0.1 if WAYS[cell.way].where in UNHEARD else 5)
            sent.cancel()
        else:
            await asyncio.wait(runner._sending.tasks, timeout=10)
            assert runner._inbox.items, f"{cell}: nothing came back"
        for task in list(runner._sending.tasks):
            task.cancel()
        await asyncio.gather(*runner._sending.tasks, return_exceptions=True)
        await connections.aclose()


UNHEARD = frozenset({"before", "name", "tls: none", "tls: untrusted"})  # the system hears of nothing


async def _last_life(bench: Bench, cell: Cell, path: Path, address: str) -> Found:
    """A worker that works to rest; what its ledger says then."""
    with bench.worker(path, address) as (runner, ledger, connections):
        runner.recover()
        if cell.fate is Fate.LIVES:
            runner.offer([read_line(runner.plan, bench.line(cell), None, SystemClock().now())])
        await runner.until_rest()
        await connections.aclose()
        reader = ledger.reader()
        (run,) = reader.runs()
        (effect,) = reader.effects(run.id)
        return Found(effect.status, run.status, run.reason or "", 0, 0, 0)


def _wrong(cell: Cell, found: Found, system: System) -> list[str]:
    status, applied = expected(cell)
    wrong = []
    if (found.status, found.applied) != (status, applied):
        wrong.append(f"is {found.status} and there {found.applied} times, not {status} and {applied} times")
    runs = {"done": "completed", "dead": "failed", "unknown": "unknown"}
    if found.run != runs.get(found.status):
        wrong.append(f"its effect is {found.status}, and its run {found.run}")
    if found.status != "done" and not found.reason:
        wrong.append("nobody is told why")
    if len(set(system.posts)) > 1:
        wrong.append("it was sent with another body or under another key")
    if cell.kind == "lookup" and found.posts > 1 + (cell.way in {"429", "503"}) and not found.looks:
        wrong.append("it was sent again without a look")
    if cell.kind == "none" and WAYS[cell.way].says is Says.NOTHING and found.posts > 1:
        wrong.append("it was sent again blindly")
    return wrong
