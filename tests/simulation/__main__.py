"""Play many seeds, or one with its log.

``python -m tests.simulation --seeds 20000 --from 1 --jobs 2``; ``python -m tests.simulation --replay 17``.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from tests.disk import faulty
from tests.simulation.cases import CASES
from tests.simulation.faults import KINDS, counted

CHUNK = 25
SHOWN = 20


@dataclass(slots=True)
class Sum:
    """What many seeds came to."""

    seeds: int = 0
    wrong: dict[int, list[str]] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    traces: dict[int, str] = field(default_factory=dict)
    cpu: float = 0.0

    def add(self, other: "Sum") -> None:
        """Take in what another part came to."""
        self.seeds += other.seeds
        self.wrong.update(other.wrong)
        self.seen.update(other.seen)
        self.traces.update(other.traces)
        self.cpu += other.cpu


def part(seeds: list[int]) -> Sum:
    """Some seeds, in this process."""
    from tests.simulation.history import history

    found, began = Sum(), time.process_time()
    for seed in seeds:
        outcome = history(seed)
        found.seeds += 1
        found.seen.update(outcome.seen)
        found.traces[seed] = outcome.trace
        if outcome.wrong:
            found.wrong[seed] = outcome.wrong
    found.cpu = time.process_time() - began
    return found


def play(seeds: list[int], jobs: int) -> Iterator[Sum]:
    """All of them, in parts as they are done."""
    rest = iter(seeds)
    parts = list(iter(lambda: list(islice(rest, CHUNK)), []))
    if jobs == 1:
        yield from map(part, parts)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(part, parts)


def under_the_disk() -> None:
    """Start again with the faulty disk below, unless it is there."""
    why = faulty.available()
    if why is not None:
        sys.exit(f"cannot simulate: {why}")
    if not faulty.loaded():
        command = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, faulty.environment())  # noqa: S606  this program, once more


def replay(seed: int) -> int:
    """One seed, with its log."""
    from tests.simulation.history import history

    outcome = history(seed, keep_log=True)
    for line in outcome.log:
        _say(line)
    for wrong in outcome.wrong:
        _say(f"WRONG: {wrong}")
    _say(f"trace {outcome.trace}; {outcome.steps} steps; {len(outcome.wrong)} wrong")
    return 1 if outcome.wrong else 0


def planted(within: int) -> int:
    """Whether every planted bug is found within so many seeds."""
    from tests.simulation.planted import BUGS, found_at

    missed = 0
    for name in BUGS:
        found = found_at(name, within)
        missed += found is None
        _say(
            f"{name}: "
            + (f"not found in {within} seeds" if found is None else f"found at seed {found[0]}: {found[1]}")
        )
    return 1 if missed else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _report(found: Sum, elapsed: float) -> None:
    table = counted(found.seen)
    for kind in KINDS:
        where = str(table[kind.name]) if kind.ways else f"played by {', '.join(kind.elsewhere)}"
        _say(f"{kind.name:45} {where}")
    events, lives = found.seen["events"], found.seen["lives"]
    _say(f"{found.seeds} histories, {events} acknowledged messages, {lives} lives of the daemon")
    _say(
        f"{found.cpu:.1f} s of CPU, {found.seeds / max(found.cpu, 0.001):.1f} histories a second of CPU, {elapsed:.1f} s"
    )
    _say(f"{len(found.wrong)} seeds went wrong: {sorted(found.wrong)[:SHOWN]}")


def main() -> int:
    """Play, and say what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000, help="how many")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first of them")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--replay", type=int, default=None, help="one seed, with its log")
    parser.add_argument("--traces", action="store_true", help="print the trace of each seed")
    parser.add_argument("--cases", action="store_true", help="the seeds that once went wrong as well")
    parser.add_argument("--planted", action="store_true", help="try whether every planted bug is found")
    given = parser.parse_args()
    under_the_disk()
    if given.planted:
        return planted(given.seeds)
    if given.replay is not None:
        return replay(given.replay)
    found, began = Sum(), time.monotonic()
    seeds = [*range(given.first, given.first + given.seeds), *(CASES if given.cases else ())]
    for done in play(seeds, given.jobs):
        found.add(done)
        for seed, wrong in done.wrong.items():
            _say(f"seed {seed}: {wrong[0]}" + (f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""))
        if found.seeds % 500 == 0:
            _say(f"{found.seeds} histories, {len(found.wrong)} wrong, {time.monotonic() - began:.0f} s")
    if given.traces:
        for seed, trace in sorted(found.traces.items()):
            _say(f"{seed} {trace}")
    _report(found, time.monotonic() - began)
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
