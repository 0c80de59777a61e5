"""`make bench`: how fast, in ratios of medians within one run; written to build/bench.json.

Ratios above 1 mean that ours is faster. `core_vs_handwritten` compares the pure core (schema check, mapping,
six policies, route) with the hand-written reference; `durable_vs_raw_sqlite` compares `process` with an
in-process sink on SQLite with the driver alone, given the very same rows in the same transactions;
`durable_vs_dbos_sqlite` compares it with a workflow
of DBOS on SQLite, which is fetched for it, with the same durability, and is left out where it cannot be fetched;
`durable_vs_raw_postgres` is the first of these on PostgreSQL, and `postgres_two_machines_vs_one` how much more two do.
`validate_vs_pyyaml` is the other way round: how many times as long checking 1,000 documents takes as parsing them.
So is `diff_vs_core`: how many times as long as the pure core over events once two releases take, compared.
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from engine import session as sessions
from engine.clock import SystemClock
from engine.core import begin
from engine.ledger import open_ledger
from engine.runtime.accept import read_line
from engine.runtime.process import Processed, process
from engine.runtime.runner import Runner
from tests.bench import dbos, diff, postgres, validate
from tests.bench.ledger_commit import Connection, seconds_of_driver
from tests.bench.workload import reference, sink
from tests.bench.workload.make import make

SEED = 20260601
EVENT = "time_entry.approved"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def timed(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def core(folder: Path, number: int, rounds: int) -> dict[str, Any]:
    """The pure core against the hand-written reference, on the same parsed events."""
    events, data = make(folder / "core", SEED, number)
    session = sessions.load(folder / "core", sink.catalog(sink.Sink()))
    plan = session.ready.plan
    flow, check = plan.flows["approved-time-to-billing"], plan.events[EVENT].complaints
    lines = events.read_bytes().splitlines()
    parsed = [json.loads(line) for line in lines]
    accepted = [read_line(plan, line, EVENT, NOW).event for line in lines]

    def ours(piece: slice) -> None:
        for event in accepted[piece]:
            if not check(event.data):
                begin(flow, event)

    def theirs(piece: slice) -> None:
        for event in parsed[piece]:
            reference.process(event, data)

    gc.freeze()
    hand, engine = in_turns(theirs, ours, number, rounds)
    gc.unfreeze()
    return {
        "core_vs_handwritten": round(hand / engine, 3),
        "core_us_per_event": round(engine / number * 1e6, 2),
        "handwritten_us_per_event": round(hand / number * 1e6, 2),
    }


PIECE = 500


def in_turns(
    one: Callable[[slice], None], other: Callable[[slice], None], number: int, rounds: int
) -> tuple[float, float]:
    """Seconds that each takes for all pieces, of each piece the median of some rounds.

    The two take turns piece by piece, so that what else the machine does meets both alike.
    """
    seconds = 0.0, 0.0
    for start in range(0, number, PIECE):
        piece = slice(start, min(start + PIECE, number))
        pairs = [(timed(partial(one, piece)), timed(partial(other, piece))) for _ in range(rounds)]
        seconds = tuple(
            so_far + median(pair[which] for pair in pairs) for which, so_far in enumerate(seconds)
        )  # type: ignore[assignment]
    return seconds


async def run_durably(workspace: Path, ledger_file: Path, events: Path, kept: list[Any] | None) -> Processed:
    """`process` with an in-process sink; with `kept`, every statement and its rows are kept in it."""
    clock = SystemClock()
    session = sessions.load(workspace, sink.catalog(sink.Sink(keep=False)))
    with open_ledger(str(ledger_file), clock=clock, create=True) as ledger:
        sessions.store_release(session, ledger, clock)
        if kept is not None:
            ledger._connection = Connection(ledger._connection, kept)  # type: ignore[assignment]
        runner = Runner(
            ledger=ledger,
            plan=session.ready.plan,
            plans=sessions.plans(session, ledger),
            connections=sessions.open_connections(session, "bench", clock),
            clock=clock,
        )
        return await process(runner, session.ready.plan, events, EVENT, clock, lambda _: None)


def durable(folder: Path, number: int, rounds: int) -> dict[str, Any]:
    """The durable run against the driver alone."""
    events, _ = make(folder / "durable", SEED, number)
    kept: list[Any] = []
    asyncio.run(run_durably(folder / "durable", folder / "recorded.sqlite", events, kept))
    ours, raw, cpu = [], [], []
    for turn in range(rounds):
        place = folder / f"round-{turn}"
        place.mkdir()
        before = time.process_time()
        found = asyncio.run(run_durably(folder / "durable", place / "ledger.sqlite", events, None))
        cpu.append(time.process_time() - before)
        ours.append(found.seconds)
        raw.append(seconds_of_driver(place, kept))
    return {
        "durable_vs_raw_sqlite": round(median(raw) / median(ours), 3),
        "durable_events_per_second": round(number / median(ours)),
        "raw_events_per_second": round(number / median(raw)),
        "durable_cpu_seconds_per_1000": round(median(cpu) / number * 1000, 4),
    }


def memory(folder: Path, number: int) -> float:
    """Peak resident memory, in MB, of a fresh process that processes so many events."""
    events, _ = make(folder / f"rss-{number}", SEED, number)
    program = [sys.executable, "-m", "tests.bench", "--rss", str(events.parent), str(events)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    return round(float(done.stdout), 1)


def resident(workspace: Path, events: Path) -> float:
    """Process, and give the peak of this process in MB."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(run_durably(workspace, Path(name) / "ledger.sqlite", events, None))
    # Not `ru_maxrss`: a process is born with that of its parent.
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def start_up(rounds: int) -> float:
    """Seconds until `tidegate --help` has answered; the median of some."""
    program = [sys.executable, "-m", "engine", "--help"]
    return round(
        median(
            timed(lambda: subprocess.run(program, capture_output=True, check=True)) for _ in range(rounds)
        ),
        3,
    )


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small numbers, no memory at 200,000 events")
    parser.add_argument("--rss", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rss:
        sys.stdout.write(f"{resident(*given.rss)}\n")
        return 0
    number, rounds = (2_000, 3) if given.quick else (given.n, given.rounds)
    found: dict[str, Any] = {"events": number, "rounds": rounds}
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        folder = Path(name)
        for part in (
            lambda: core(folder, number, rounds),
            lambda: durable(folder, number, rounds),
            lambda: postgres.measure(folder / "many", number // 2, min(rounds, 3)),
            lambda: dbos.measure(folder / "dbos", number, min(rounds, 3), print),
            lambda: validate.in_a_process_of_its_own(rounds),
            lambda: diff.measured(folder / "diff", number, min(rounds, 3)),
            lambda: {"help_seconds": start_up(rounds)},
            lambda: {"rss_mb_20k": memory(folder, 20_000)},
            lambda: {} if given.quick else {"rss_mb_200k": memory(folder, 200_000)},
        ):
            measured = part()
            found.update(measured)
            for key, value in measured.items():
                sys.stdout.write(f"{key:32} {value}\n")
                sys.stdout.flush()
    build = Path("build")
    build.mkdir(exist_ok=True)
    (build / "bench.json").write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
