"""Durable executions a second against DBOS on SQLite; both of the fixed workload, and as durable.

Run it alone: ``python -m tests.bench.dbos [--n 5000] [--rounds 3]``. DBOS is no dependency of anything here: it is
installed into an environment of its own, build/dbos, with pip, when this is run for the first time. Where that
cannot be, nothing is measured. The peer's program is `dbos_workflow.py`: a write-ahead log and synchronous=FULL in
both, no HTTP in either, and the post is a call in the same process in both.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.workload.make import make

VERSION = "3.4.0"
ROOT = Path(__file__).parent.parent.parent
SEED = 20260601
PEER_EVENTS = 900  # three ways, of so many events together; more take long


def python() -> Path | None:
    """A Python that has DBOS; None when there is none to be had."""
    place = ROOT / "build" / "dbos"
    found = place / "bin" / "python"
    if _version(found) == VERSION:
        return found
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(place)],
        [str(found), "-m", "pip", "install", "--quiet", f"dbos=={VERSION}"],
    ):
        if subprocess.run(command, check=False, capture_output=True).returncode:
            return None
    return found if _version(found) == VERSION else None


def _version(python: Path) -> str:
    """Which DBOS a Python has."""
    asked = "from importlib.metadata import version; print(version('dbos'))"
    if not python.exists():
        return ""
    done = subprocess.run([python, "-c", asked], check=False, capture_output=True, text=True)
    return done.stdout.strip()


def peer(python: Path, events: Path, data: Path, folder: Path) -> float:
    """Events a second of DBOS, in the best of its ways."""
    command = [str(python), "-m", "tests.bench.dbos_workflow", str(events), str(data), str(folder)]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    return max(json.loads(done.stdout.splitlines()[-1]).values())


def measure(
    folder: Path, number: int, rounds: int, say: Callable[[str], object] = lambda _: None
) -> dict[str, Any]:
    """Both, in turns; nothing when DBOS is not to be had."""
    from tests.bench.__main__ import run_durably

    found = python()
    if found is None:
        say("dbos cannot be installed here, so it is not measured")
        return {}
    events, _ = make(folder / "workspace", SEED, number)
    peer_events, data = make(folder / "peer", SEED, PEER_EVENTS)
    (folder / "data.json").write_text(json.dumps(data))
    ours, theirs = [], []
    for turn in range(rounds):
        ledger = folder / f"ledger-{turn}.sqlite"
        ours.append(number / asyncio.run(run_durably(folder / "workspace", ledger, events, None)).seconds)
        theirs.append(peer(found, peer_events, folder / "data.json", folder))
        say(f"  ours {ours[-1]:,.0f} a second, dbos {theirs[-1]:,.0f} a second")
    return {
        "durable_vs_dbos_sqlite": round(median(ours) / median(theirs), 1),
        "dbos_events_per_second": round(median(theirs)),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-dbos-") as name:
        found = measure(Path(name), given.n, given.rounds, print)
    for key, value in found.items():
        sys.stdout.write(f"{key:32} {value}\n")
    return 0 if found.get("durable_vs_dbos_sqlite", 0) >= 25 else 1


if __name__ == "__main__":
    sys.exit(main())
