"""`make workload SEED=... N=...`: both digests, that of `tidegate process` and that of the reference.

Run it: ``python -m tests.bench.workload [--seed 20260601] [--n 20000]``. Exit code 1 when they differ.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from engine import session as sessions
from engine.clock import SystemClock
from engine.ledger import open_ledger
from engine.runtime.process import Processed, process
from engine.runtime.runner import Runner
from tests.bench.workload import reference, sink
from tests.bench.workload.make import make
from tests.bench.workload.outcomes import outcomes


async def processed(workspace: Path, events: Path, ledger_file: Path) -> tuple[Processed, str]:
    """Process the events; what became of them, and the digest of their outcomes as the ledger tells them."""
    clock = SystemClock()
    session = sessions.load(workspace, sink.catalog(sink.Sink()))
    plan = session.ready.plan
    with open_ledger(str(ledger_file), clock=clock, create=True) as ledger:
        sessions.store_release(session, ledger, clock)
        connections = sessions.open_connections(session, "bench", clock)
        runner = Runner(
            ledger=ledger,
            plan=plan,
            plans=sessions.plans(session, ledger),
            connections=connections,
            clock=clock,
        )
        found = await process(runner, plan, events, "time_entry.approved", clock, lambda _: None)
        return found, reference.digest(outcomes(ledger.reader(), plan, connections))


def expected(events: Path, data: dict[str, object]) -> str:
    """The digest of the hand-written reference."""
    with events.open() as file:
        return reference.digest(reference.process(json.loads(line), data) for line in file)


def main() -> int:
    """Print both digests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20260601)
    parser.add_argument("--n", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-workload-") as name:
        folder = Path(name)
        events, data = make(folder / "workspace", given.seed, given.n)
        found, ours = asyncio.run(processed(folder / "workspace", events, folder / "ledger.sqlite"))
        theirs = expected(events, data)
    sys.stdout.write(f"events     {found.events:,}\nreference  {theirs}\ntidegate   {ours}\n")
    sys.stdout.write("equal\n" if ours == theirs else "DIFFERENT\n")
    return 0 if ours == theirs else 1


if __name__ == "__main__":
    sys.exit(main())
