"""The engine killed at every point: at each line of Python that it runs, and at each call to the disk.

Run it: ``python -m tests.crash.points [--points 10000] [--states 0]``. While the engine takes events and works,
every line of it that begins is looked at: what the disk has then is what a SIGKILL there would leave, since what
was written survives a process that ends. A point is a line with what the disk has; a state is what the disk has,
with what the senders were told and what the systems were sent. Every state is copied once, and a second
process takes it up: the senders who were not told send again, all is worked to rest on a virtual clock, and
then nothing is lost, nothing is there twice, what was acknowledged is there, and the chain is whole. That second
process is looked at in the same way, so that a kill follows a kill, until there are as many points as wanted.
Calls within one line are reached by real ends of real processes, one for each call to the disk.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import engine
from engine import session as sessions
from engine.clock import FixedClock
from engine.connect import Receipt
from engine.connect.catalog import Catalog
from engine.connect.connector import Outcome, Poll
from engine.effect import Effect
from engine.ledger import open_ledger, verify_chain
from engine.runtime.accept import read_line
from engine.runtime.retry import RetryPolicy
from engine.runtime.runner import Runner
from engine.values.json_text import write_json
from engine.values.value import Value
from tests.disk import faulty, in_memory
from tests.disk.faulty import CHANGES, Does
from tests.ledger.sharing import share_sql
from tests.simulation.clock import SimClock
from tests.simulation.loop import SimLoop
from tests.simulation.machine import SIMULATED

WORKSPACE = Path(__file__).parent.parent / "simulation" / "workspace"
ENGINE = str(Path(engine.__file__).parent)
BEGAN = datetime(2026, 6, 10, 9, tzinfo=UTC)
KILLED = 137
FILES = ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-journal", "told", "posts")
LATER = 600.0  # virtual seconds after which the next process starts: what was broken off has arrived

_AMOUNT = {"key": "a", "amount": 12}
EVENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "invoice.issued",
        {"id": "i", "customer": "C", "kind": "letter", "lines": [_AMOUNT, {**_AMOUNT, "key": "b"}]},
    ),
    (
        "time.approved",
        {
            "id": "t",
            "project": "P",
            "hours": 2,
            "worked_on": "2026-06-09",
            "approved_at": "2026-06-10T08:00:00Z",
        },
    ),
    ("order.placed", {"id": "o", "amount": 5}),
    ("payment.received", {"id": "p", "order": "o", "amount": 5}),
    ("invoice.issued", {"id": "j", "customer": "C", "kind": "mail", "lines": [_AMOUNT]}),
)
LINES = [write_json({"type": name, "data": data}) for name, data in EVENTS]


def sent(history: int) -> list[list[bytes]]:
    """The lines of events in the order of a history, one or several at a time."""
    if not history:
        return [[text] for text in LINES]
    dice = random.Random(history)
    lines, size = dice.sample(LINES, len(LINES)), dice.randint(1, 3)
    return [lines[at : at + size] for at in range(0, len(lines), size)]


@dataclass(slots=True)
class Journal:
    """What a system was sent, in a file, so that it outlives the process: one line for each post."""

    path: Path

    def add(self, *said: str) -> None:
        """One line, in one call."""
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(file, (json.dumps(said) + "\n").encode())
        os.close(file)

    def add_all(self, said: Iterable[str]) -> None:
        """A line for each."""
        for one in said:
            self.add(one)

    def read(self) -> list[list[str]]:
        """All lines."""
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []


@dataclass(slots=True)
class Line:
    """The connector of one connection."""

    name: str
    journal: Journal

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """Each is taken."""
        for effect in effects:
            self.journal.add(self.name, effect.key, write_json(effect.payload).decode())
        return [Receipt(f"id-{effect.key}", {"id": f"id-{effect.key}"}) for effect in effects]

    async def read(self, operation: str, parameters: Mapping[str, Value]) -> Value:
        """A project."""
        del operation
        return {"id": parameters["id"], "status": "open", "rate": 10}

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Whether it was posted."""
        known = any(key == effect.key for _, key, _ in self.journal.read())
        return Receipt(f"id-{effect.key}", {"id": f"id-{effect.key}"}, found=True) if known else None

    async def poll(self, source: str, since: datetime, after: Value = None) -> Poll:
        """No news."""
        del source, after
        return Poll(items=(), upto=since)

    async def aclose(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Catalog):
    """A catalog whose connectors write to one journal."""

    journals: list[Journal] = field(default_factory=list)

    def open(self, plan: Any, settings: Any, *, now: Any) -> Any:
        """The line to one system."""
        del settings, now
        return Line(plan.name, self.journals[-1])


@dataclass(slots=True)
class Stage:
    """What the parent has loaded."""

    session: sessions.Session
    lines: Lines
    empty: bytes
    history: int = 0  # which order the senders send in, and how many events at a time

    @classmethod
    def build(cls) -> "Stage":
        """Compile, and make an empty ledger."""
        share_sql()
        lines = Lines()
        session = sessions.load(WORKSPACE, lines)
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "ledger.sqlite"
            clock = FixedClock(BEGAN)
            with open_ledger(str(path), clock=clock, create=True) as ledger:
                sessions.store_release(session, ledger, clock)
            return cls(session, lines, path.read_bytes())

    def work(self, folder: Path, *, later: float = 0.0) -> list[str]:
        """One process: takes what was not acknowledged, works to rest; what is wrong then."""
        loop = SimLoop()
        clock = SimClock(loop, BEGAN)
        loop._now = later
        self.lines.journals[:] = [Journal(folder / "posts")]
        told = Journal(folder / "told")
        with open_ledger(str(folder / "ledger.sqlite"), clock=clock) as ledger:
            connections = sessions.open_connections(self.session, "sim", clock, SIMULATED)
            plan = self.session.ready.plan
            runner = Runner(
                ledger=ledger,
                plan=plan,
                plans={plan.release: plan}.__getitem__,
                connections=connections,
                clock=clock,
                policy=RetryPolicy(attempts=5, patience_seconds=600),
            )
            try:
                loop.run_until_complete(self._live(runner, told, clock, self.history))
            finally:
                loop.close()
            return [*self._wrong(ledger.reader(), self.lines.journals[-1], told)]

    @staticmethod
    async def _live(runner: Runner, told: Journal, clock: SimClock, history: int) -> None:
        runner.recover()
        known = {line for (line,) in told.read()}
        for texts in sent(history):
            left = [text for text in texts if text.decode() not in known]
            if left:
                events = [read_line(runner.plan, text, None, clock.now()) for text in left]
                handed = asyncio.ensure_future(runner.accept(events))
                while not handed.done():
                    await runner.turn(wait_seconds=1)
                assert handed.result()
                told.add_all(text.decode() for text in left)
        await runner.until_rest()

    def _wrong(self, reader: Any, journal: Journal, told: Journal) -> Iterator[str]:
        """What is not as it must be at the end."""
        if len(told.read()) != len(LINES):
            yield "a sender was never told"
        runs = list(reader.runs(limit=100))
        effects = {one.key: one for run in runs for one in reader.effects(run.id)}
        if Counter(run.flow for run in runs) != FLOWS:
            yield f"the runs are {Counter(run.flow for run in runs)}"
        posts = Counter((name, key) for name, key, _ in journal.read())
        bodies = {(key, body) for _, key, body in journal.read()}
        for key, effect in effects.items():
            count = posts.pop((effect.connection, key), 0)
            if effect.status == "unknown" and effect.connection == "fax" and count <= 1:
                continue
            if effect.status != "done" or not count:
                yield f"{key} is {effect.status} and was posted {count} times"
            if count > 1 and effect.connection in {"bank", "fax"}:
                yield f"{key} was posted {count} times to {effect.connection}, which folds nothing"
            if any(other != effect.payload for name, other in bodies if name == key):
                yield f"{key} was posted with another body"
        yield from (f"{key} was posted and is not known" for _, key in posts)
        yield from (f"the chain: {broken}" for broken in verify_chain(reader))


FLOWS = Counter({"post-invoice": 2, "bill-time": 1, "recognise": 1, "take-order": 1})


class Watch:
    """Looks at the disk whenever a line of the engine begins, and keeps each state that it had not seen."""

    def __init__(self, folder: Path, found: "Swept") -> None:
        """Watch what is in this folder."""
        self._found = found
        self._paths = [folder / name for name in FILES]
        self._files: dict[int, int] = {}  # open for good: closing one would drop the locks that SQLite has
        self._stamp: tuple[tuple[int, int, int], ...] = ()
        self._state = ""

    def enter(self, frame: FrameType, event: str, given: object) -> Any:
        """A function begins: only those of the engine are followed."""
        del event, given
        return self.line if frame.f_code.co_filename.startswith(ENGINE) else None

    def line(self, frame: FrameType, event: str, given: object) -> Any:
        """A line begins."""
        del given
        if event == "line":
            stamp = tuple(map(_stamp, self._paths))
            if stamp != self._stamp:
                self._stamp = stamp
                self._look(stamp)
            place = (frame.f_code.co_filename, frame.f_lineno)
            self._found.lines += 1
            self._found.places.add(place)
            self._found.points.add((*place, self._state))
        return self.line

    def close(self) -> None:
        """Look no more."""
        for file in self._files.values():
            os.close(file)

    def _look(self, stamp: tuple[tuple[int, int, int], ...]) -> None:
        copies = {
            name: self._read(path, number, size)
            for name, path, (number, size, _) in zip(FILES, self._paths, stamp, strict=True)
            if number
        }
        self._state = sha256(
            b"".join(b"%b %d " % (one.encode(), len(copies[one])) + copies[one] for one in copies)
        )
        self._state = self._state.hexdigest()
        if self._state not in self._found.states:
            self._found.states.add(self._state)
            self._found.left.append(copies)

    def _read(self, path: Path, number: int, size: int) -> bytes:
        if number not in self._files:
            self._files[number] = os.open(path, os.O_RDONLY)
        return os.pread(self._files[number], size, 0)


def _stamp(path: Path) -> tuple[int, int, int]:
    """What tells that a file was changed: which it is, its length and the instant of its last change."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return about.st_ino, about.st_size, about.st_mtime_ns


def _forked(what: Any) -> int:
    """What a child of this process ends with."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = what()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@dataclass(slots=True)
class Swept:
    """What came of many points."""

    lines: int = 0
    places: set[tuple[str, int]] = field(default_factory=set)
    points: set[tuple[str, int, str]] = field(default_factory=set)
    states: set[str] = field(default_factory=set)
    left: deque[dict[str, bytes]] = field(default_factory=deque)
    recovered: int = 0
    calls: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All counts in one line."""
        return (
            f"{self.lines} lines, {len(self.places)} places, {len(self.points)} points, {len(self.states)} states, "
            f"{self.recovered} of them taken up, {self.calls} calls killed, {len(self.wrong)} wrong"
        )


def _laid(folder: Path, files: Mapping[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)


class Works(Protocol):
    """What can be killed."""

    def work(self, folder: Path, *, later: float = 0.0) -> list[str]:
        """One process in a folder; what is wrong at its end."""
        ...


def watched(
    stage: Works, folder: Path, files: Mapping[str, bytes], found: Swept, *, later: float
) -> list[str]:
    """One process that begins with these files, every line of it looked at; what is wrong at its end."""
    _laid(folder, files)
    watch = Watch(folder, found)
    before = sys.gettrace()
    sys.settrace(watch.enter)
    try:
        return stage.work(folder, later=later)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what the sweep looks for
        return [f"it could not be taken up: {error!r}"]
    finally:
        sys.settrace(before)
        watch.close()


def taken_up(stage: Works, folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """What is wrong at the end of a process that begins with these files."""
    _laid(folder, files)
    try:
        return stage.work(folder, later=LATER)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what the sweep looks for
        return [f"it could not be taken up: {error!r}"]


def taken_up_all(stage: Works, folder: Path, found: Swept, points: int, states: int = 0) -> list[str]:
    """Each state that is left is taken up, and killed as well while more is wanted; what is wrong then."""
    wrong: list[str] = []
    while found.left:
        files = found.left.popleft()
        if len(found.points) < points or len(found.states) < states:
            seen = watched(stage, folder, files, found, later=LATER)
        else:
            seen = taken_up(stage, folder, files)
        found.recovered += 1
        wrong += [f"state {found.recovered}: {one}" for one in seen]
    return wrong


def kill_calls(stage: Stage, folder: Path, found: Swept, every: int) -> None:
    """A process that really ends at a call to the disk, for each of them or every so many; each is taken up."""
    number, code = 1, KILLED
    while code == KILLED:
        _laid(folder, {"ledger.sqlite": stage.empty})
        code = _forked(partial(_ended, stage, folder, number))
        if code not in {0, KILLED}:
            found.wrong.append(f"call {number}: the process ended with {code}")
        files = {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}
        found.wrong += [f"call {number}: {one}" for one in taken_up(stage, folder, files)]
        found.calls += 1
        number += every


def _ended(stage: Stage, folder: Path, number: int) -> int:
    faulty.Disk(folder).arm(CHANGES, number, Does.EXIT)
    stage.work(folder)
    return 0


def _history(stage: Stage, folder: Path, found: Swept, points: int, states: int) -> None:
    """One order of events, killed everywhere; what took up a state is killed as well while more is wanted."""
    empty = {"ledger.sqlite": stage.empty}
    found.wrong += [
        f"history {stage.history}: {one}" for one in watched(stage, folder, empty, found, later=0.0)
    ]
    wrong = taken_up_all(stage, folder, found, points, states)
    found.wrong += [f"history {stage.history}, {one}" for one in wrong]


def sweep(
    points: int, states: int = 0, every: int = 0, say: Callable[[str], object] = lambda _: None
) -> Swept:
    """Kill until there are so many points and so many states, and at every so many calls to the disk."""
    stage, found = Stage.build(), Swept()
    with tempfile.TemporaryDirectory(prefix="tidegate-points-", dir=in_memory.folder()) as name:
        folder = Path(name) / "run"
        while len(found.points) < points or len(found.states) < states:
            _history(stage, folder, found, points, states)
            stage.history += 1
            say(found.text)
        stage.history = 0
        if every:
            kill_calls(stage, folder, found, every)
    return found


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> int:
    """Sweep and say what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.points", description=__doc__)
    parser.add_argument("--points", type=int, default=10_000, help="lines with what the disk had there")
    parser.add_argument("--states", type=int, default=0, help="different contents of the disk")
    parser.add_argument(
        "--every", type=int, default=1, help="kill at each so many calls to the disk; 0 for none"
    )
    given = parser.parse_args()
    if not faulty.loaded() and faulty.available() is None:
        command = [sys.executable, "-m", "tests.crash.points", *sys.argv[1:]]
        os.execve(sys.executable, command, faulty.environment())  # noqa: S606  this program, once more
    began = time.monotonic()
    found = sweep(given.points, given.states, given.every if faulty.loaded() else 0, _say)
    sys.stdout.write(f"{found.text}, {time.monotonic() - began:.0f} s\n")
    sys.stdout.write("".join(f"WRONG {one}\n" for one in found.wrong[:20]))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
