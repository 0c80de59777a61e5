"""Several machines on one ledger, that are killed, paused and cut off, and a database that is killed as well.

Run it: ``python -m tests.crash.many [--kills 200] [--workers 3] [--seed 1] [--apart 0] [--pace 0.1]``.
Senders hand things in at any machine, one after the other for each key, and come again until they are told that
a thing is safe; one of them is a person, whose commands ask whichever machine does such things. At the end each thing that was acknowledged lies at the other end of the belt exactly once, in
the order of its key; every run is at its end, which a wait for an event of another partition stands before; and
the chain is whole.

Faults that follow each other at once hit those who are just taking over, and what they left piles up: how soon
others take over is measured with faults that are some seconds apart, by who has which partition, and at a pace
that leaves the processors some time: at the usual one, they are all at work on two cores, the senders too.
"""

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import psycopg

from engine.cli.machines import ask_machines
from engine.clock import SystemClock
from engine.errors import LedgerError
from engine.ledger import LedgerReader, open_ledger, open_reader, verify_chain
from engine.ledger.rows import FINISHED_RUNS
from tests.crash.belt import TOKEN, Belt
from tests.crash.compiled import environment
from tests.crash.line import Line
from tests.postgres import FAST, Server, running

HERE = Path(__file__).parent
SENDERS = 6
PERSON = 0  # the sender that is one
ASK_SECONDS = 8.0
PACE = 0.1
KEYS = 4  # of each sender
TAKE_OVER_SECONDS = 15.0
CLOCKS = (0, 3_600, -3_600)  # by how many seconds the clocks of machines are wrong
QUIET_SECONDS = 90.0  # in which all has to come to rest at the end
PAUSES = (7.5, 10.0)  # past the heartbeat
HANDED_OUT = (
    "SELECT * FROM partitions ORDER BY 1",
    "SELECT id, queueing_lock, status, worker_id FROM tidegate_work.procrastinate_jobs ORDER BY 1",
    "SELECT id, now() - last_heartbeat FROM tidegate_work.procrastinate_workers",
)


@dataclass(slots=True)
class Found:
    """What was seen."""

    kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    by_request: int = 0  # of these, by what a person asked for
    repeats: int = 0
    slowest: float = 0.0  # seconds from the acknowledgement of a thing to where it was put
    history: list[str] = field(default_factory=list)  # of that thing
    faulty: list[tuple[float, str, int]] = field(default_factory=list)  # when, what, of which process
    # After each fault of a machine, the seconds until all its partitions were in other hands.
    taken_over: list[tuple[float, str]] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)  # whose partitions were, after the fault that took longest
    wrong: list[str] = field(default_factory=list)


class Worker:
    """One machine, as a person starts it."""

    def __init__(self, number: int, server: Server, database: str, belt: str) -> None:
        self.number = number
        self.line = Line(server.port)
        self._url = server.url(database, self.line.port)
        self._belt = belt
        self._process: subprocess.Popen[str] | None = None
        self.address = ""
        self.said: list[str] = []
        self.paused = False

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [sys.executable, "-m", "tests.crash.shifted", str(CLOCKS[self.number % len(CLOCKS)]), "run"]
        command += ["--workspace", str(HERE / "belt"), "--env", "crash", "--ledger", self._url, "--port", "0"]
        given = environment(BELT_URL=self._belt, BELT_TOKEN=TOKEN)
        self._process = subprocess.Popen(
            command, env=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._hearing = threading.Thread(target=self._hear, args=(self._process,), daemon=True)
        self._hearing.start()
        deadline = time.monotonic() + 60
        while not self.address:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"a worker did not start: {''.join(self.said[-20:])}")
            time.sleep(0.02)

    def _hear(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.said.append(line)
                if found := re.search(r"(http://\S+)/hooks/belt/taken_up", line):
                    self.address = found[0]

    @property
    def process_id(self) -> int:
        """The number of its process, which is in the name under which it works."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self.address = ""
        self._process.kill()
        self._process.wait()
        self._hearing.join(5)

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, seconds: float = 40.0) -> int:
        """SIGTERM; its exit code."""
        self.send(signal.SIGTERM)
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return -1


class Owners:
    """Who has which partition, as a look twice a second shows it: when each came into other hands."""

    def __init__(self, url: str) -> None:
        self.changes: list[tuple[float, int, str | None]] = []  # when, which partition, whose it is then
        self._url = url
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        last: dict[int, tuple[int, str | None]] = {}
        while not self._ending.wait(0.5):
            with suppress(psycopg.Error), psycopg.connect(self._url, connect_timeout=2) as asking:
                found = asking.execute("SELECT id, epoch, worker FROM partitions ORDER BY id").fetchall()
                for partition, epoch, worker in found:
                    if last.get(partition) != (epoch, worker):
                        last[partition] = (epoch, worker)
                        self.changes.append((time.monotonic(), partition, worker))

    def end(self) -> None:
        """Look no more."""
        self._ending.set()
        self._thread.join(10)

    def take_over(self, at: float, process: int) -> float:
        """After how many seconds the last partition that a process had at an instant came into other hands."""
        lost = self._had(at, process)
        after = [(when, partition) for when, partition, _ in self.changes if when > at]
        first = [min((when for when, found in after if found == one), default=inf) for one in lost]
        return max(first, default=at) - at

    def _had(self, at: float, process: int) -> set[int]:
        owner = {partition: worker for when, partition, worker in self.changes if when <= at}
        return {partition for partition, worker in owner.items() if f"/{process}/" in (worker or "")}

    def history(self, at: float, process: int, seconds: float) -> list[str]:
        """Whose partitions were from then on, as long as asked, with those that a process had just then."""
        said = [f"it had {sorted(self._had(at, process))}"]
        for when, partition, worker in self.changes:
            if at < when <= at + seconds:
                said.append(f"{when - at:+.1f} s {partition} is {worker}'s")
        return said


class Senders:
    """Who hand things in, each key by one of them, and come again until a thing is safe."""

    def __init__(self, workers: list[Worker], url: str, seed: int, pace: float) -> None:
        self.accepted: dict[str, float] = {}  # when each thing was acknowledged
        self.by_request = 0  # of these
        self.wrong: list[str] = []
        self._workers = workers
        self._url = url
        self._pace = pace
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(number, random.Random(seed + number)), daemon=True)
            for number in range(SENDERS)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Hand in what was begun, and no more."""
        self._ending.set()
        for thread in self._threads:
            thread.join(60)

    def _send(self, sender: int, dice: random.Random) -> None:
        numbers = Counter[str]()
        while not self._ending.is_set():
            key = f"k{sender}-{dice.randrange(KEYS)}"
            numbers[key] += 1
            thing = {"id": f"{key}-{numbers[key]:05}", "key": key, "number": numbers[key]}
            while not (self._asked_for(thing) if sender == PERSON else self._handed_in(thing, dice)):
                time.sleep(0.05)
            self.by_request += sender == PERSON
            self.accepted[thing["id"]] = time.monotonic()
            time.sleep(dice.random() * self._pace)

    def _asked_for(self, thing: dict[str, object]) -> bool:
        """What a command does for a person, who gives it again until it says that it was done."""
        event = json.dumps({"type": "thing.taken", "data": thing})
        try:
            answer = ask_machines(self._url, "accept", {"source": "person", "events": [event]}, ASK_SECONDS)
        except LedgerError:
            return False
        if answer is None or answer[0] == 503:
            return False
        became = json.loads(answer[1]).get("became")
        if became not in (["accepted"], ["duplicate"]):
            self.wrong.append(f"a person who handed in {thing} was answered {answer}")
        return True

    def _handed_in(self, thing: dict[str, object], dice: random.Random) -> bool:
        address = dice.choice(self._workers).address
        if not address:
            return False
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(address, json.dumps(thing).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=4) as answer:
                return bool(answer.status == 202)
        except (OSError, urllib.error.URLError, ValueError):
            return False


def many(
    kills: int,
    workers: int,
    seed: int,
    say: Callable[[str], object] = lambda _: None,
    pace: float = PACE,
    apart: float = 0.0,
) -> Found:
    """So many faults, one after the other; then what was seen."""
    found, dice = Found(), random.Random(seed)
    with running(*FAST) as server, Belt(seed) as belt:
        database = server.database()
        open_ledger(server.url(database), clock=SystemClock(), create=True).close()
        machines = [Worker(number, server, database, belt.url) for number in range(workers)]
        for machine in machines:
            machine.start()
        senders, owners = Senders(machines, server.url(database), seed, pace), Owners(server.url(database))
        senders.start()
        time.sleep(2)
        try:
            for _ in range(kills):
                _a_fault(found, dice, server, machines, say)
                time.sleep(apart + dice.random() * 2)
            senders.end()
            if not _came_to_rest(senders, belt, server.url(database)):
                found.wrong += _stuck(server.url(database), machines)
            for machine in machines:
                if (code := machine.stop()) != 0:
                    found.wrong.append(f"a machine ended with {code}: {''.join(machine.said[-8:])}")
            time.sleep(max(0.0, found.faulty[-1][0] + TAKE_OVER_SECONDS - time.monotonic()))
        finally:
            owners.end()
            for machine in machines:
                with suppress(Exception):
                    machine.kill()
                machine.line.close()
        _look(found, senders, belt, server.url(database))
        found.taken_over = [(owners.take_over(at, process), what) for at, what, process in found.faulty]
        found.slow = _around_the_slowest(found, owners)
    return found


KINDS = ("kill", "kill", "pause", "database", "cut")


def _a_fault(
    found: Found,
    dice: random.Random,
    server: Server,
    machines: list[Worker],
    say: Callable[[str], object],
) -> None:
    kind = KINDS[found.kills] if found.kills < len(KINDS) else dice.choice(KINDS)
    machine = dice.choice(machines)
    if kind != "database":
        found.faulty.append((time.monotonic(), f"{kind} {machine.number}", machine.process_id))
    _fault(kind, machine, server, dice)
    found.kills += 1
    found.faults[kind] += 1
    say(f"{found.kills} {kind} {machine.number}")


def _fault(kind: str, machine: Worker, server: Server, dice: random.Random) -> None:
    match kind:
        case "kill":
            machine.kill()
            time.sleep(dice.choice((0.0, 8.0)))  # others take over, or it is back before they do
            machine.start()
        case "pause":
            machine.send(signal.SIGSTOP)
            time.sleep(dice.choice(PAUSES))
            machine.send(signal.SIGCONT)
        case "database":
            server.kill()
            server.start()
        case _:
            machine.line.cut()
            time.sleep(dice.choice(PAUSES))
            machine.line.mend()


def _came_to_rest(senders: Senders, belt: Belt, url: str) -> bool:
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline:
        if len(belt.put) >= len(senders.accepted) and _open_runs(url) == 0:
            return True
        time.sleep(0.2)
    return False


def _stuck(url: str, machines: list[Worker]) -> list[str]:
    """Where the first runs stand that are open, who has which partition, and what the machines said."""
    said = [f"after {QUIET_SECONDS:g} seconds of quiet {_open_runs(url)} runs are open"]
    reader = open_reader(url)
    try:
        for run in reader.open_runs(limit=4):
            waits = [(row.event, row.status) for row in reader.waits_of_run(run.id)]
            steps = {
                row.key: (
                    row.status,
                    row.due_at,
                    [tuple(one)[1:] for one in reader.transitions(row.key)[-3:]],
                )
                for row in reader.effects(run.id)
            }
            said.append(f"{run.id} is {run.status}, waits {waits}, wrote {steps}")
    finally:
        reader.close()
    with psycopg.connect(url) as asking:
        said += [f"{question}: {asking.execute(question).fetchall()}" for question in HANDED_OUT]
    return said + [f"machine {one.number} said {one.said[-12:]}" for one in machines]


def _around_the_slowest(found: Found, owners: Owners) -> list[str]:
    """What happened after the fault after which taking over took longest."""
    (seconds, _), (begin, _, process) = max(
        zip(found.taken_over, found.faulty, strict=True), default=((0.0, ""), (0.0, "", 0))
    )
    span = min(seconds, 60.0) + 1
    return [*_faults_around(found, begin, begin + span), *owners.history(begin, process, span)]


def _open_runs(url: str) -> int:
    try:
        reader = open_reader(url)
    except LedgerError:
        return -1
    try:
        runs = reader.counts()["runs"]
        done = sum(runs.get(status, 0) for status in FINISHED_RUNS)
        return sum(runs.values()) - done
    finally:
        reader.close()


def _look(found: Found, senders: Senders, belt: Belt, url: str) -> None:
    """Compare what was put down with what was acknowledged, and with its order."""
    found.accepted, found.repeats = len(senders.accepted), belt.repeats
    found.by_request = senders.by_request
    found.wrong += senders.wrong
    if not found.by_request:
        found.wrong.append("no request of a person was done")
    times = Counter(name for _, name, _ in belt.put)
    found.wrong += [f"{name} was acknowledged and is lost" for name in senders.accepted.keys() - times.keys()]
    found.wrong += [f"{name} was put down {count} times" for name, count in times.items() if count > 1]
    last: dict[str, int] = {}
    for key, name, number in belt.put:
        if number < last.get(key, 0):
            found.wrong.append(f"{name} was put down after {last[key]}")
        last[key] = max(number, last.get(key, 0))
    waits = [(belt.at[name] - at, name) for name, at in senders.accepted.items() if name in belt.at]
    found.slowest, slowest = max(waits, default=(0.0, ""))
    reader = open_reader(url)
    try:
        found.wrong += [f"the chain: {broken}" for broken in verify_chain(reader)]
        if slowest:
            span = (senders.accepted[slowest], belt.at[slowest])
            found.history = [*_what_became_of(reader, slowest), *_faults_around(found, *span)]
            found.history.append(f"{span[1] - span[0]:+.1f} s it was put down")
        counts = reader.counts()
        if strange := {name for name, count in counts["runs"].items() if count} - {"completed"}:
            found.wrong.append(f"runs are {', '.join(sorted(strange))}: {counts['runs']}")
        if counts["events"]["accepted"] != 2 * counts["runs"]["completed"]:
            found.wrong.append(f"{counts['events']} events and {counts['runs']} runs")
    finally:
        reader.close()


def _what_became_of(reader: LedgerReader, name: str) -> list[str]:
    """What the ledger has of a thing; instants are by the clocks of the machines, which are wrong."""
    said: list[str] = []
    for run in reader.runs_of_event(f"thing.taken:{name}"):
        said += [str(tuple(run)), *(f"  {tuple(one)}" for one in reader.transitions(run.id))]
        for effect in reader.effects(run.id):
            said += [f"  {tuple(effect)}", *(f"    {tuple(one)}" for one in reader.transitions(effect.key))]
    return said


def _faults_around(found: Found, since: float, until: float) -> list[str]:
    """What happened then, and shortly before: it may be the reason."""
    return [f"{at - since:+.1f} s {what}" for at, what, _ in found.faulty if since - 15 < at < until]


def main() -> int:
    """Do it and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--take-over",
        type=float,
        default=TAKE_OVER_SECONDS,
        help="seconds within which others have what a machine had",
    )
    parser.add_argument("--apart", type=float, default=0.0, help="seconds between two faults")
    parser.add_argument("--pace", type=float, default=PACE, help="seconds that a sender rests at most")
    given = parser.parse_args()
    found = many(
        given.kills,
        given.workers,
        given.seed,
        lambda text: sys.stdout.write(text + "\n"),
        pace=given.pace,
        apart=given.apart,
    )
    seconds, _ = max(found.taken_over, default=(0.0, ""))
    sys.stdout.write(
        f"{dict(found.faults)}; {found.accepted} things, {found.by_request} of them by requests of a person, {found.repeats} sent again under the same key, "
        f"the slowest after {found.slowest:.1f} s; taken over within {seconds:.1f} s\n"
    )
    if seconds > given.take_over:
        slow = ", ".join(f"{after:.1f} s after {what}" for after, what in found.taken_over)
        found.wrong.append(f"partitions were not taken over in time: {slow}")
        sys.stdout.write("".join(f"  {line}\n" for line in found.slow))
    if found.slowest > 2 * given.take_over:
        sys.stdout.write("".join(f"  {line}\n" for line in found.history))
    for wrong in found.wrong[:20]:
        sys.stdout.write(f"WRONG: {wrong}\n")
    sys.stdout.write(f"{len(found.wrong)} wrong\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
