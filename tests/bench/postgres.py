"""Durable executions on PostgreSQL: against the driver alone, and two machines against one.

The driver alone is given the very same batches in the same transactions. Machines are processes that each
accept their part of the events, whoever's they are, and work the partitions that they were given; they end
when all is done. Run it alone: ``python -m tests.bench.postgres [--n 10000] [--rounds 3]``.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from engine import session as sessions
from engine.clock import SystemClock
from engine.ledger import Ledger, open_ledger, postgres
from engine.ledger.postgres_ledger import open_shared
from engine.runtime.process import process
from engine.runtime.runner import Runner
from tests.bench.workload import sink
from tests.bench.workload.make import make
from tests.postgres import Server, running

SEED = 20260601
EVENT = "time_entry.approved"


class Recorder:
    """A cursor that also keeps what changes something, for the driver to do again."""

    def __init__(self, cursor: Any, kept: list[tuple[str, Any]]) -> None:
        self._cursor = cursor
        self._kept = kept

    def __getattr__(self, name: str) -> object:
        return getattr(self._cursor, name)

    def execute(self, sql: str, values: Any = None) -> Any:
        """Keep what begins and ends a transaction and what is written, and do it."""
        if sql.startswith(("BEGIN", "COMMIT", "INSERT", "UPDATE")):
            self._kept.append((sql, values))
        return self._cursor.execute(sql, values)


class Recorded:
    """A session whose cursors record."""

    def __init__(self, session: Any, kept: list[tuple[str, Any]]) -> None:
        self._session = session
        self._kept = kept

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def cursor(self) -> Recorder:
        """A recording cursor."""
        return Recorder(self._session.cursor(), self._kept)


def runner_of(workspace: Path, ledger: Ledger) -> Runner:
    """What works the fixed workload, with a sink in this process."""
    clock = SystemClock()
    session = sessions.load(workspace, sink.catalog(sink.Sink(keep=False)))
    sessions.store_release(session, ledger, clock)
    return Runner(
        ledger=ledger,
        plan=session.ready.plan,
        plans=sessions.plans(session, ledger),
        connections=sessions.open_connections(session, "bench", clock),
        clock=clock,
    )


def alone(workspace: Path, url: str, events: Path, kept: list[Any] | None) -> float:
    """Seconds that `process` takes."""
    with open_ledger(url, clock=SystemClock(), create=True) as ledger:
        runner = runner_of(workspace, ledger)
        if kept is not None:
            session = ledger._connected()
            kept.clear()
            ledger._connected = lambda: Recorded(session, kept)
        found = asyncio.run(process(runner, runner.plan, events, EVENT, SystemClock(), lambda _: None))
        assert found.ok
        return found.seconds


def of_driver(url: str, kept: list[Any]) -> float:
    """Seconds that the driver alone takes for the same."""
    open_ledger(url, clock=SystemClock(), create=True).close()
    session = postgres.Session.opened(postgres.read_url(url), postgres.WRITER)
    cursor = session.cursor()
    began = time.perf_counter()
    for sql, values in kept:
        cursor.execute(sql, values)
    taken = time.perf_counter() - began
    session.close()
    return taken


async def work(workspace: Path, url: str, events: Path, which: int, among: int) -> None:
    """One machine: begin on a word from outside, and end when everybody's work is done."""
    total = int(sys.stdin.readline())
    with open_shared(url, clock=SystemClock(), name=f"bench/{which}") as ledger:
        runner = runner_of(workspace, ledger)
        runner.take_over(range(which, ledger.partitions, among))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        # It takes no partition from the other: what is left at the end is looked for now and then.
        runner.recover = lambda: None
        await process(runner, runner.plan, events, EVENT, SystemClock(), lambda _: None)
        while _ended(ledger) < total:
            runner.look()
            await runner.until_rest()
            await asyncio.sleep(0.01)


def _ended(ledger: Ledger) -> int:
    runs = ledger.reader().counts()["runs"]
    return sum(count for status, count in runs.items() if status != "running")


def machines(folder: Path, server: Server, workspace: Path, events: Path, among: int) -> float:
    """Seconds that so many machines take for all events."""
    lines = events.read_bytes().splitlines(keepends=True)
    name = server.database()
    with open_ledger(server.url(name), clock=SystemClock(), create=True) as ledger:
        runner_of(workspace, ledger)
    started = []
    for which in range(among):
        part = folder / f"part-{which}-of-{among}.jsonl"
        part.write_bytes(b"".join(lines[which::among]))
        command = [sys.executable, "-m", "tests.bench.postgres", "--work", str(workspace), server.url(name)]
        command += [str(part), str(which), str(among)]
        started.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        )
    for one in started:
        one.stdin.write(f"{len(lines)}\n")
    for one in started:
        assert one.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for one in started:
        one.stdin.write("go\n")
    for one in started:
        assert one.wait() == 0
        one.stdin.close()
        one.stdout.close()
    return time.perf_counter() - began


def size_of(url: str) -> int:
    """Bytes of a database."""
    with psycopg.connect(url) as connection:
        return int(connection.execute("SELECT pg_database_size(current_database())").fetchone()[0])


def measure(folder: Path, number: int, rounds: int) -> dict[str, Any]:
    """All figures, in one run."""
    events, _ = make(folder / "postgres", SEED, number)
    workspace, kept = folder / "postgres", []
    ours, raw, one, two = [], [], [], []
    with running() as server:
        first = server.url(server.database())
        open_ledger(first, clock=SystemClock(), create=True).close()
        before = size_of(first)
        alone(workspace, first, events, kept)
        grown = size_of(first) - before
        for _ in range(rounds):
            ours.append(alone(workspace, server.url(server.database()), events, None))
            raw.append(of_driver(server.url(server.database()), kept))
            one.append(machines(folder, server, workspace, events, 1))
            two.append(machines(folder, server, workspace, events, 2))
    return {
        "durable_vs_raw_postgres": round(median(raw) / median(ours), 3),
        "postgres_two_machines_vs_one": round(median(one) / median(two), 3),
        "postgres_events_per_second": round(number / median(ours)),
        "postgres_raw_events_per_second": round(number / median(raw)),
        "postgres_events_per_second_of_two": round(number / median(two)),
        "postgres_bytes_per_1000_events": round(grown / number * 1000),
    }


def main() -> int:
    """Measure and print, or be one of the machines that are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        workspace, url, events, which, among = given.work
        asyncio.run(work(Path(workspace), url, Path(events), int(which), int(among)))
        return 0
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        sys.stdout.write(json.dumps(measure(Path(name), given.n, given.rounds), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
