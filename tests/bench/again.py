"""Runs that were decided live, decided again from the ledger: every decision has to come to the same bytes.

Run it: ``python -m tests.bench.again [--n 20000] [--seed 20260601]``. The fixed workload is processed as `tidegate
process` does it; then each run is decided again from its event, its release and its answers, and its decisions,
records, events, holds, alerts and reasons are compared with what the ledger has. Exit code 1 when one differs.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from engine import session as sessions
from engine.ledger import open_reader
from engine.runtime.again import finished_work
from engine.runtime.check import open_work, recovery_of
from tests.bench.workload import sink
from tests.bench.workload.__main__ import processed
from tests.bench.workload.make import make


def main() -> int:
    """Process, decide again, and say how many came to the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20260601)
    parser.add_argument("--n", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-again-") as name:
        folder = Path(name)
        events, _ = make(folder / "workspace", given.seed, given.n)
        asyncio.run(processed(folder / "workspace", events, folder / "ledger.sqlite"))
        runs, differing, seconds = again(folder)
    for one in differing[:10]:
        sys.stdout.write(f"{one}\n")
    sys.stdout.write(f"runs       {runs:,}\ndiffering  {len(differing):,}\nseconds    {seconds:.1f}\n")
    return 1 if differing else 0


def again(folder: Path) -> tuple[int, list[str], float]:
    """How many runs there were, which of them are decided otherwise, and how long it took."""
    session = sessions.load(folder / "workspace", sink.catalog(sink.Sink()))
    reader = open_reader(str(folder / "ledger.sqlite"))
    began = time.perf_counter()
    try:
        plans, manifests = sessions.plans_in(session, reader), sessions.manifests(session)
        found = [*finished_work(reader, recovery_of(reader, plans, manifests))]
        found += open_work(reader, plans, manifests)
    finally:
        reader.close()
    differing = [f"{row.id}: {why}" for row, why in found if why is not None]
    return len(found), differing, time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
