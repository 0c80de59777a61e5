"""`validate` against PyYAML: 1,000 documents in at most 4 times the time that its C loader needs to parse them.

Both read the same files from the disk in one process that has imported what it needs; the ratios are of
medians of CPU time within one run. `validate_vs_pyyaml` reads, decodes and checks every document anew;
`validate_again_vs_pyyaml` looks again after one document changed, as an editor does. While it compiles,
`validate` puts the garbage collector off, and PyYAML does not: `validate_vs_pyyaml_uncollected` compares with a
loader that is spared the collector as well.
"""

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from engine import session
from tests.bench import documents

NUMBER = 1_000


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of a piece of work, with what lies about put aside first."""
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def parse(folder: Path) -> int:
    """Parse every document with PyYAML's loader in C; how many there are."""
    found = 0
    for path in sorted(folder.rglob("*.yaml")):
        with path.open(encoding="utf-8") as file:
            found += sum(1 for one in yaml.load_all(file, Loader=yaml.CSafeLoader) if one is not None)
    return found


def uncollected(work: Callable[[], object]) -> float:
    """CPU seconds of a piece of work in which no garbage is looked for."""
    gc.disable()
    try:
        return seconds(work)
    finally:
        gc.enable()


def check(folder: Path) -> None:
    """Validate the folder; it has no problems."""
    report = session.check([folder]).report
    assert report.ok, report.problems[0]


def validate_vs_pyyaml(folder: Path, rounds: int, number: int = NUMBER) -> dict[str, Any]:
    """The ratios, and the seconds that they are of."""
    count = documents.write(folder, number)
    assert parse(folder) == count
    check(folder)
    pairs = [(seconds(lambda: parse(folder)), seconds(lambda: check(folder))) for _ in range(rounds)]
    spared = median(uncollected(lambda: parse(folder)) for _ in range(rounds))
    looks, again = session.incremental(folder), []
    looks.update()
    name = min(path.relative_to(folder).as_posix() for path in (folder / "mappings").glob("*.yaml"))
    text = (folder / name).read_text(encoding="utf-8")
    for turn in range(rounds):
        changed = {name: f"{text}# {turn}\n"}
        again.append(seconds(lambda changed=changed: looks.update(changed)))  # type: ignore[misc]
    theirs, ours = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    return {
        "validate_documents": count,
        "validate_vs_pyyaml": round(ours / theirs, 2),
        "validate_vs_pyyaml_uncollected": round(ours / spared, 2),
        "validate_again_vs_pyyaml": round(median(again) / theirs, 2),
        "validate_seconds": round(ours, 3),
        "validate_again_seconds": round(median(again), 3),
        "pyyaml_seconds": round(theirs, 3),
    }


def in_a_process_of_its_own(rounds: int) -> dict[str, Any]:
    """The same, with nothing in memory that others left: it would be looked through as well, again and again."""
    command = [sys.executable, "-m", "tests.bench.validate", "--rounds", str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        sys.stdout.write(json.dumps(validate_vs_pyyaml(Path(name) / "large", rounds), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
