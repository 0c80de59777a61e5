"""The one command: format, lint, types, tests, in that order.

``python -m tests.check`` does all; ``python -m tests.check lint types`` only those named. All that are asked
for run, whatever failed before, so that one run shows everything; the exit code is 1 when any failed.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests import depth

ROOT = Path(__file__).parents[1]

# The tests of a file stay in one process, so that a file starts its real server once. Groups by mark would
# be finer, but pytest 9.2 no longer lets xdist 3.8 write them into the names of tests.
PYTEST = ("-m", "pytest", "-n", "2", "--dist", "loadfile")

CHECKS: dict[str, tuple[str, ...]] = {
    "format": ("-m", "ruff", "format", "--check", "--quiet", "--diff", "."),
    "lint": ("-m", "ruff", "check", "--quiet", "."),
    "types": ("-m", "mypy"),
    "fast": (*PYTEST, "-m", "not slow"),
    "tests": (*PYTEST, "--durations=10"),
}

# `fast` is part of `tests`; it is there to be asked for by name.
USUAL = ("format", "lint", "types", "tests")


def run(name: str) -> bool:
    """Run one check with its own output; tell how it ended."""
    began = time.monotonic()
    print(f"== {name}", flush=True)
    # Tests start hundreds of processes, and each would compile the whole engine anew where nothing is kept.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    if name == "tests":
        environment[depth.ALL] = "all"
    code = subprocess.run((sys.executable, *CHECKS[name]), cwd=ROOT, env=environment, check=False).returncode
    print(f"== {name}: {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
    return code == 0


def main(names: Sequence[str]) -> int:
    """Run what is named, or the usual ones."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"no check is called {unknown[0]!r}; there are: {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    passed = [run(name) for name in names or USUAL]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
