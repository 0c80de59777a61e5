"""How long `tidegate run` takes until it is ready after a SIGKILL, with many open runs in its ledger.

Run it: ``python -m tests.crash.ready [--runs 100000] [--rounds 5]``. The ledger is filled with copies of what the
engine itself left behind when its target went away: runs that wait for the target, in line behind their order
key, for an event, and for a person. Then the daemon is started and killed, again and again, while the target
is still away; the time from the start of the process to the first answer of /readyz that says ready is taken,
and that to the first event that is acknowledged with 202, or is told to come again since the backlog is full.
Exit code 1 when the median is above 2 seconds.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from engine import session as sessions
from engine.clock import SystemClock
from engine.connect import Connector, Effect, Outcome, Receipt
from engine.connect.catalog import Catalog
from engine.connect.connector_plan import ConnectorPlan
from engine.connect.settings import Settings
from engine.effect import Failure, FaultClass
from engine.ledger import open_ledger, tables
from engine.runtime.accept import read_line
from engine.runtime.runner import Runner
from engine.values.value import Value
from tests.bench.copies import copy
from tests.crash.belt import TOKEN
from tests.crash.compiled import ROOT, environment

HERE = Path(__file__).parent
LONGEST_SECONDS = 2.0
KEYS = 500  # of a thousand things of the template: two of a key
TEMPLATE = 1_000
NOBODY = "http://127.0.0.1:9"
GIVEN = {"BELT_URL": NOBODY, "BELT_TOKEN": TOKEN}
COPIED = (
    tables.events,
    tables.runs,
    tables.effects,
    tables.holds,
    tables.parkings,
    tables.waits,
    tables.alerts,
    tables.transitions,
    tables.audit,
)
DOCUMENTS = """
policy: heavy
owner: engineering
inputs: {thing: canonical/thing@1}
when: thing.number % 10 == 7
then: {hold: {release: {role: boss}}, alert: {to: boss}}
reason: "The thing {{ thing.id }} is heavy."
---
flow: carry
owner: engineering
trigger: {event: thing.taken, as: thing}
steps:
  light: {check: heavy}
  put:
    needs: light
    write: belt.put_down
    with: {id: thing.id, key: thing.key, number: thing.number}
  answered:
    needs: put
    wait: {event: thing.put, where: event.data.id == thing.id}
"""


class Away:
    """A target that takes some things and then goes away."""

    batch_size = 50

    def __init__(self, takes: int) -> None:
        self.takes = takes

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """A receipt as long as it is there."""
        found: list[Outcome] = []
        for effect in effects:
            self.takes -= 1
            away = Failure(fault=FaultClass.TRANSIENT, reason="nobody answers")
            found.append(Receipt(f"P-{effect.payload['id']}") if self.takes >= 0 else away)
        return found

    async def read(self, operation: str, parameters: Mapping[str, Value]) -> Value:
        """Nothing is read."""
        raise NotImplementedError

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Nothing is looked up."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayCatalog(Catalog):
    """A catalog of that target."""

    away: Away

    def open(self, plan: ConnectorPlan, settings: Settings, *, now: object) -> Connector:
        """The target."""
        return self.away


def workspace(folder: Path) -> Path:
    """The belt's workspace, with a flow that holds and waits."""
    shutil.copytree(HERE / "belt", folder)
    (folder / "flows" / "carry.yaml").write_text(DOCUMENTS)
    return folder


def things(numbers: range) -> list[bytes]:
    """Events, a few of each key."""
    made = ({"id": f"t-{number:06}", "key": f"k-{number % KEYS:04}", "number": number} for number in numbers)
    return [json.dumps({"type": "thing.taken", "data": thing}).encode() for thing in made]


async def leave_open(folder: Path, ledger_file: Path, number: int) -> None:
    """Have the engine take so many things, with a target that goes away, and end."""
    clock, away = SystemClock(), Away(number // 4)
    session = sessions.load(folder, AwayCatalog(installed={}, away=away))
    with open_ledger(str(ledger_file), clock=clock, create=True) as ledger:
        sessions.store_release(session, ledger, clock)
        plan = session.ready.plan
        runner = Runner(
            ledger=ledger,
            plan=plan,
            plans=sessions.plans(session, ledger),
            connections=sessions.open_connections(session, "crash", clock, environ=GIVEN),
            clock=clock,
        )
        lines = things(range(number))
        for start in range(0, number, 500):
            offers = [read_line(plan, line, None, clock.now()) for line in lines[start : start + 500]]
            runner.offer(offers)
            await runner.turn()
        for _ in range(20):
            await runner.turn(wait_seconds=0.05)


def fill(template: Path, target: Path, runs: int) -> dict[str, int]:
    """Make a ledger with so many open runs; how many of which status."""
    shutil.copy(template, target)
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        opened = "SELECT count(*) FROM runs WHERE finish_commit IS NULL"
        copy(connection, COPIED, -(-runs // connection.execute(opened).fetchone()[0]) - 1, ("t-", "k-"))
        found = connection.execute(
            "SELECT status, count(*) FROM runs WHERE finish_commit IS NULL GROUP BY status"
        )
        return dict(found.fetchall())


class Started:
    """`tidegate run`, and when it was ready."""

    def __init__(self, folder: Path, ledger: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "engine", "run", "--workspace", str(folder), "--env", "crash"]
        command += ["--ledger", str(ledger), "--port", str(self.port)]
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command, env=environment(**GIVEN), stdout=subprocess.DEVNULL, cwd=ROOT
        )

    def until(self, asks: Callable[[], bool], seconds: float = 120) -> float:
        """Seconds since the start of the process when something is so."""
        while not asks():
            taken = time.perf_counter() - self.began
            if self.process.poll() is not None or taken > seconds:
                raise RuntimeError(f"it ended with {self.process.poll()} after {taken:.1f} s")
            time.sleep(0.005)
        return time.perf_counter() - self.began

    def is_ready(self) -> bool:
        """Whether it says that it is ready."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=60) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    @property
    def processor(self) -> float:
        """Seconds of the processor that it has taken."""
        told = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def hand_in(self, name: str) -> int:
        """Hand a thing in; the status of the answer."""
        thing = json.dumps({"id": name, "key": name, "number": 1}).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.port}/hooks/belt/taken_up"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, thing, headers), timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was seen."""

    open_runs: dict[str, int]
    ready: list[float]
    processor: list[float]  # seconds of the processor until then
    empty: list[float]  # the same, on a ledger with nothing in it
    answered: list[float]  # seconds until an event was acknowledged, or told to come again
    answers: list[int]


def measure(runs: int, rounds: int, say: Callable[[str], object] = lambda _: None) -> Found:
    """Start and kill it so often."""
    with tempfile.TemporaryDirectory(prefix="tidegate-ready-") as name:
        folder = workspace(Path(name) / "workspace")
        template, ledger = Path(name) / "template.sqlite", Path(name) / "ledger.sqlite"
        asyncio.run(leave_open(folder, template, min(TEMPLATE, runs)))
        found = Found(
            open_runs=fill(template, ledger, runs), ready=[], processor=[], empty=[], answered=[], answers=[]
        )
        say(f"open: {found.open_runs}")
        for number in range(rounds + 1):
            empty = _empty(folder, Path(name) / f"empty-{number}.sqlite")
            one = Started(folder, ledger)
            try:
                ready = one.until(one.is_ready)
                processor = one.processor
                answer = one.hand_in(f"new-{number}")
                answered = time.perf_counter() - one.began
                time.sleep(1)
            finally:
                one.kill()
            if number:  # the first came after no kill
                found.ready.append(ready)
                found.processor.append(processor)
                found.empty.append(empty)
                found.answered.append(answered)
                found.answers.append(answer)
            say(
                f"  ready after {ready:.2f} s ({processor:.2f} s of the processor; {empty:.2f} s with nothing open), "
                f"an event answered with {answer} after {answered:.2f} s"
            )
    return found


def _empty(folder: Path, ledger: Path) -> float:
    """Seconds of the processor until it is ready on a new ledger."""
    one = Started(folder, ledger)
    try:
        one.until(one.is_ready)
        return one.processor
    finally:
        one.kill()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    found = measure(given.runs, given.rounds, print)
    taken = median(found.ready)
    sys.stdout.write(
        f"ready after {taken:.2f} s (median), {max(found.ready):.2f} s (slowest); of the processor "
        f"{median(found.processor):.2f} s, and {median(found.empty):.2f} s with nothing open\n"
    )
    return 0 if taken <= LONGEST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
