"""Throughput with millions of finished runs in the ledger, against that of an empty one; on SQLite.

Run it: ``python -m tests.bench.growth [--runs 5000000] [--n 20000] [--rounds 5] [--folder FOLDER]``. The ledger is
filled with copies of what the engine itself wrote of the fixed workload: every row of a finished run, under
another id, with the indexes over all of it. Only the audit chain of the copies is not true, which nothing
reads that is measured here. Then the same number of new events is processed on the full ledger and on an
empty one, in turns. New events are numbered, as most systems number their records; `scattered` is the
same with ids at random places of the index, which is the worst that a system of UUIDs can do. Exit code 1 when
the full ledger gives less than 0.8 of the empty one. `cpu` is the same
ratio of the processor's time, which other work on the machine disturbs less.
"""

import argparse
import asyncio
import hashlib
import json
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from engine.ledger import tables
from tests.bench.copies import copy
from tests.bench.workload import generate
from tests.bench.workload.make import make

SEED = 20260601
LEAST = 0.8  # of the throughput of an empty ledger
COPIED = (tables.events, tables.runs, tables.effects, tables.alerts, tables.audit)
OPEN = "SELECT seq FROM runs WHERE finish_commit IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What a ledger was filled with."""

    runs: int
    megabytes: int
    seconds: float


def fill(template: Path, target: Path, runs: int) -> Fill:
    """Make a ledger with so many finished runs, of copies of those in another one."""
    began = time.perf_counter()
    shutil.copy(template, target)
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        _only_finished(connection)
        finished = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
        copies = max(0, -(-runs // finished) - 1)
        copy(connection, COPIED, copies, ("EV-", "TE-"))
        total = connection.execute("SELECT count(*) FROM runs WHERE finish_commit IS NOT NULL").fetchone()[0]
    return Fill(
        runs=total, megabytes=target.stat().st_size >> 20, seconds=round(time.perf_counter() - began, 1)
    )


def _only_finished(connection: sqlite3.Connection) -> None:
    """Leave out the runs that are still open, with their events and all that hangs on them."""
    names = f"SELECT id FROM runs WHERE seq IN ({OPEN})"  # noqa: S608
    for table, column, chosen in (
        ("effects", "run_seq", OPEN),
        ("holds", "run_id", names),
        ("alerts", "run_id", names),
        ("transitions", "subject", names),
        ("events", "seq", "SELECT event_seq FROM runs WHERE finish_commit IS NULL"),
        ("runs", "seq", OPEN),
    ):
        connection.execute(f"DELETE FROM {table} WHERE {column} IN ({chosen})")  # noqa: S608
    connection.execute("UPDATE alerts SET status = 'closed'")


def _forget_what_is_open(full: Path) -> None:
    """Take out what earlier rounds left open, a quarter of their runs: they would be read at the next start.

    That is another figure, the time to be ready; only the full ledger would pay for it here.
    """
    with closing(sqlite3.connect(full, isolation_level=None)) as connection:
        _only_finished(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def new_events(path: Path, number: int, turn: int, *, scattered: bool, salt: int = 80_000) -> Path:
    """Events that no ledger has seen, numbered or at random places; a kept ledger wants another salt."""
    dice = random.Random(SEED + turn)
    generate.make_reference(dice)
    with path.open("w") as file:
        for index in range(1, number + 1):
            event = generate.make_event(index, dice)
            place = f"{salt:05}{turn:02}{index:05}"
            name = hashlib.sha256(place.encode()).hexdigest()[:12] if scattered else place
            event["id"], event["time_entry"]["id"] = f"EV-{name}", f"TE-{name}"
            file.write(json.dumps(event, separators=(",", ":")) + "\n")
    return path


def let_ids_be_longer(workspace: Path) -> None:
    """Let events have ids of which there are enough; an event that does not fit would be rejected at once."""
    path = workspace / "schemas" / "canonical" / "timesheet_event.yaml"
    text = path.read_text()
    assert "^EV-[0-9]{7}$" in text
    path.write_text(text.replace("^EV-[0-9]{7}$", "^EV-[0-9a-f]{7,12}$"))


def _filled(ledger: Path) -> Fill:
    """What a ledger has that was filled before."""
    with closing(sqlite3.connect(ledger)) as connection:
        finished = connection.execute("SELECT count(*) FROM runs WHERE finish_commit IS NOT NULL").fetchone()
    return Fill(runs=finished[0], megabytes=ledger.stat().st_size >> 20, seconds=0.0)


def measure(
    folder: Path,
    runs: int,
    number: int,
    rounds: int,
    say: Callable[[str], object] = lambda _: None,
    kept: Path | None = None,
) -> dict[str, Any]:
    """Fill a ledger, or take one that is kept, and process new events on it and on an empty one, in turns."""
    from tests.bench.__main__ import run_durably

    workspace, template, full = folder / "workspace", folder / "template.sqlite", folder / "full.sqlite"
    events, _ = make(workspace, SEED, min(20_000, max(1_000, runs)))
    let_ids_be_longer(workspace)
    if kept is None:
        asyncio.run(run_durably(workspace, template, events, None))
        filled = fill(template, full, runs)
    else:
        full, filled = kept, _filled(kept)
    say(f"filled with {filled.runs:,} finished runs, {filled.megabytes:,} MB, in {filled.seconds:g} s")
    salt = 80_000 if kept is None else int(time.time()) % 10_000 + 80_001
    found: dict[str, Any] = {"growth_runs": filled.runs, "growth_megabytes": filled.megabytes}
    turn = 0
    for kind in ("numbered", "scattered"):
        pairs = []
        for _ in range(rounds):
            turn += 1
            scattered = kind == "scattered"
            new = new_events(folder / "new.jsonl", number, turn, scattered=scattered, salt=salt)
            empty = folder / "empty.sqlite"
            once, once_cpu = _seconds(run_durably, workspace, empty, new)
            _forget_what_is_open(full)
            seconds, cpu = _seconds(run_durably, workspace, full, new)
            pairs.append((once, seconds, once_cpu, cpu))
            say(f"  {kind}: empty {number / once:,.0f} a second, full {number / seconds:,.0f} a second")
            for left in folder.glob("empty.sqlite*"):
                left.unlink()
        empty_seconds, full_seconds, empty_cpu, full_cpu = (
            median(found) for found in zip(*pairs, strict=True)
        )
        suffix = "" if kind == "numbered" else "_scattered"
        found[f"full_vs_empty_cpu{suffix}"] = round(empty_cpu / full_cpu, 3)
        found[f"full_vs_empty{suffix}"] = round(empty_seconds / full_seconds, 3)
        found[f"full_events_per_second{suffix}"] = round(number / full_seconds)
        found[f"empty_events_per_second{suffix}"] = round(number / empty_seconds)
    return found


def _seconds(run: Callable[..., Any], *given: Path) -> tuple[float, float]:
    """Seconds that processing takes, on the clock and of the processor."""
    before = time.process_time()
    found = asyncio.run(run(*given, None))
    assert found.completed > found.events // 2, found  # it was work, and not refusals
    return found.seconds, time.process_time() - before


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5_000_000)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the ledgers are made; they are removed at the end")
    parser.add_argument("--kept", type=Path, help="a ledger that was filled before; it is written to")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-growth-", dir=given.folder) as name:
        found = measure(Path(name), given.runs, given.n, given.rounds, print, given.kept)
    for key, value in found.items():
        sys.stdout.write(f"{key:36} {value}\n")
    return 0 if found["full_vs_empty"] >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
