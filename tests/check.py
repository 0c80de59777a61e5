"""The one command: format, lint, types, tests, in that order.

``python -m tests.check`` does all; ``python -m tests.check lint types`` only those named. All that are asked
for run, whatever failed before, so that one run shows everything; the exit code is 1 when any failed.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Tests that share a real server are one group, and a group stays in one process.
PYTEST = ("-m", "pytest", "-n", "2", "--dist", "loadgroup")

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
    code = subprocess.run((sys.executable, *CHECKS[name]), cwd=ROOT, check=False).returncode
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
