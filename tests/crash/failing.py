"""Every call to the disk and to the network of one run fails in turn, once and for good, with each of its errors.

Run it: ``python -m tests.crash.failing [--every 1] [--only WRITE ...]``. The run is `tidegate process` with a few
events: accepted, posted over HTTP in the order of their keys, emitted and waited for; its workspace and its ledger
lie on a faulty disk, and its socket is faulty as well. The run with the failure ends by itself, with nothing but
sentences; then the same command is given again with nothing in its way, and ends well: each thing lies at the
other end exactly once and in order, every run is complete, and the chain is whole.

Processes are forked from one that has loaded the code. Pauses between attempts are short, and work is left to
the next process after half a second of outage, so that it does not take hours.
"""

import argparse
import errno
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from engine.ledger import open_reader, verify_chain
from tests.crash.belt import TOKEN, Belt
from tests.crash.compiled import ROOT
from tests.disk import faulty
from tests.disk.faulty import Calls, Does

HERE = Path(__file__).parent
SECONDS = 60  # after which a run hangs
NEVER = 1_000_000_000
ERRORS: Mapping[Calls, tuple[int, ...]] = {
    Calls.OPEN: (errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EACCES),
    Calls.WRITE: (errno.ENOSPC, errno.EIO, errno.EDQUOT),
    Calls.SYNC: (errno.EIO, errno.ENOSPC),
    Calls.TRUNCATE: (errno.EIO,),
    Calls.UNLINK: (errno.EIO, errno.EACCES),
    Calls.RENAME: (errno.EIO, errno.ENOSPC),
    Calls.CONNECT: (errno.ECONNREFUSED, errno.ENETUNREACH, errno.ETIMEDOUT),
    Calls.SEND: (errno.ECONNRESET, errno.EPIPE),
    Calls.RECV: (errno.ECONNRESET, errno.ETIMEDOUT),
}
THINGS = [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
OWN_FAULT = ("Traceback", "fault of Tidegate itself", "never retrieved", "Exception ignored")


class Cell(NamedTuple):
    """One failure."""

    kind: Calls
    number: int
    error: int
    does: Does
    for_good: bool

    def __str__(self) -> str:
        how = "for good from" if self.for_good else "at"
        short = ", half written" if self.does is Does.SHORT else ""
        return f"{self.kind.name} {errno.errorcode[self.error]} {how} {self.number}{short}"


NOTHING = Cell(Calls.WRITE, NEVER, 0, Does.NOTHING, for_good=False)


class Ended(NamedTuple):
    """How a run ended."""

    code: int
    said: str
    counted: int


@dataclass(slots=True)
class Found:
    """What was seen."""

    cells: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


# --- the process that runs are forked from -------------------------------------------------------------


def serve() -> None:
    """Run what is asked for, each in a child; one line of JSON each way."""
    sys.stdout.write(json.dumps({"code": _load(json.loads(sys.stdin.readline()))}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        asked = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _child(asked, writing)
        os.close(writing)
        said = _heard(reading)
        if said is None:
            os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(json.dumps({"code": code, "counted": int(said or 0)}) + "\n")
        sys.stdout.flush()


def _load(asked: dict[str, Any]) -> int:
    """Run once with nothing in the way, so that all code is there in the children."""
    _patience()
    return _run(asked)


def _patience() -> None:
    from engine.runtime import runner
    from engine.runtime.retry import RetryPolicy

    short = RetryPolicy(attempts=1_000, first_seconds=0.02, longest_seconds=0.1, outage_seconds=0.5)
    runner.RetryPolicy = lambda: short  # type: ignore[assignment,misc]


def _run(asked: dict[str, Any]) -> int:
    """`tidegate process`, its words in a file; the exit code."""
    from engine.cli import main

    said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    kept = os.dup(1), os.dup(2)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.argv[1:] = asked["command"]
    try:
        main.main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
    return 0


def _child(asked: dict[str, Any], writing: int) -> None:
    disk = faulty.Disk(Path(asked["folder"]))
    disk.arm(
        Calls(asked["kind"]), asked["number"], Does(asked["does"]), asked["error"], for_good=asked["good"]
    )
    code = 99
    try:
        code = _run(asked)
    finally:
        os.write(writing, str(disk.counted).encode())
        os._exit(code)


def _heard(reading: int) -> str | None:
    """What a child said before it ended; None when it says nothing for too long."""
    ready, _, _ = select.select([reading], [], [], SECONDS)
    said = os.read(reading, 64).decode() if ready else None
    os.close(reading)
    return said


# --- who asks ------------------------------------------------------------------------------------------


class Always:
    """Dice that never lose an answer."""

    def random(self) -> float:
        """A number."""
        return 1.0


class Runs:
    """Runs of the one command, each with a failure."""

    def __init__(self, folder: Path, belt: Belt) -> None:
        self.folder, self.belt = folder / "disk", belt
        self._said, self._things = folder / "said", folder / "events.jsonl"
        self.lay()
        given = faulty.environment() | {
            "TIDEGATE_DISK": "/nowhere:0:0:0:0:0",
            "BELT_URL": belt.url,
            "BELT_TOKEN": TOKEN,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(folder),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.failing", "--serve"],
            env=given,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._ask(self._asked(NOTHING)) == {"code": 0}, self._said.read_text()

    def lay(self) -> None:
        """Begin anew: a workspace, no ledger, and nothing at the other end."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(HERE / "belt", self.folder / "workspace")
        lines = [
            json.dumps({"id": f"{key}-{number}", "key": key, "number": number}) for key, number in THINGS
        ]
        self._things.write_text("\n".join(lines) + "\n")
        self.belt.forget()

    def _asked(self, cell: Cell) -> dict[str, Any]:
        command = ["process", "--events", str(self._things), "--as", "thing.taken", "--env", "crash"]
        command += [
            "--workspace",
            str(self.folder / "workspace"),
            "--ledger",
            str(self.folder / "ledger.sqlite"),
        ]
        told = {"folder": str(self.folder), "said": str(self._said), "command": command}
        return told | {
            "kind": int(cell.kind),
            "number": cell.number,
            "error": cell.error,
            "does": int(cell.does),
            "good": cell.for_good,
        }

    def _ask(self, asked: dict[str, Any]) -> dict[str, int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        told: dict[str, int] = json.loads(self._process.stdout.readline())
        return told

    def run(self, cell: Cell = NOTHING) -> Ended:
        """Run with this failure."""
        told = self._ask(self._asked(cell))
        return Ended(told["code"], self._said.read_text(errors="replace"), told["counted"])

    def close(self) -> None:
        """End."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def wrong(self) -> Iterator[str]:
        """What is not as it has to be at the end."""
        put = Counter(name for _, name, _ in self.belt.put)
        yield from (f"{key}-{number} is lost" for key, number in THINGS if f"{key}-{number}" not in put)
        yield from (f"{name} was put down {times} times" for name, times in put.items() if times > 1)
        for key in ("a", "b"):
            numbers = [number for other, _, number in self.belt.put if other == key]
            if numbers != sorted(numbers):
                yield f"{key} came in the order {numbers}"
        reader = open_reader(str(self.folder / "ledger.sqlite"))
        try:
            runs = {name: number for name, number in reader.counts()["runs"].items() if number}
            if runs != {"completed": len(THINGS)}:
                yield f"the runs are {runs}"
            yield from (f"the chain: {broken}" for broken in verify_chain(reader))
        finally:
            reader.close()


def cells(runs: Runs, every: int, only: set[str]) -> Iterator[Cell]:
    """All failures, or each so many-th of a kind."""
    for kind, errors in ERRORS.items():
        if only and kind.name not in only:
            continue
        runs.lay()
        unharmed = runs.run(Cell(kind, NEVER, errno.EIO, Does.FAIL, for_good=False))
        assert unharmed.code == 0, unharmed
        count = unharmed.counted
        for number in range(1, count + 1, every):
            for error in errors:
                for for_good in (False, True):
                    yield Cell(kind, number, error, Does.FAIL, for_good)
            if kind is Calls.WRITE:
                yield Cell(kind, number, errno.ENOSPC, Does.SHORT, for_good=False)


def check(runs: Runs, cell: Cell, found: Found) -> None:
    """One failure: how the run ended, and what the next one made of it."""
    runs.lay()
    first = runs.run(cell)
    found.cells[str(cell.kind.name)] += 1
    wrong = []
    if first.code not in {0, 1} or any(word in first.said for word in OWN_FAULT):
        wrong.append(f"ended with {first.code}: {first.said[-600:]}")
    if first.code == 1 and not first.said.strip():
        wrong.append("ended with 1 and said nothing")
    found.ends[
        "well" if first.code == 0 else first.said.strip().splitlines()[-1][:60] if first.said else ""
    ] += 1
    second = runs.run()
    if second.code != 0:
        wrong.append(f"the next one ended with {second.code}: {second.said[-600:]}")
    with suppress(OSError):
        wrong += runs.wrong()
    found.wrong += [f"{cell}: {one}" for one in wrong]


def sweep(
    every: int = 1, only: set[str] | None = None, say: Callable[[str], object] = lambda _: None
) -> Found:
    """Let all calls fail in turn, or each so many-th of a kind."""
    found = Found()
    with tempfile.TemporaryDirectory(prefix="tidegate-failing-") as name, Belt(1) as belt:
        belt._dice = Always()  # type: ignore[assignment]
        runs = Runs(Path(name), belt)
        try:
            for cell in cells(runs, every, only or set()):
                check(runs, cell, found)
                if found.cells.total() % 50 == 0:
                    say(f"{found.cells.total()} failures, the last {cell}; {len(found.wrong)} wrong")
        finally:
            runs.close()
    return found


def main() -> int:
    """Do it and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], choices=[str(kind.name) for kind in ERRORS])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
        return 0
    began = time.monotonic()
    found = sweep(given.every, {*given.only}, lambda text: print(text, flush=True))  # noqa: T201
    said = [f"{dict(found.cells)}: {found.cells.total()} failures in {time.monotonic() - began:.0f} s"]
    said += [f"{number:5} {end}" for end, number in found.ends.most_common(25)]
    said += [f"WRONG: {wrong}" for wrong in found.wrong[:40]]
    sys.stdout.write("\n".join([*said, f"{len(found.wrong)} wrong"]) + "\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
