"""The month-end drill: ``python -m tests.peak [--rate 4] [--seconds 300]``. Exit code 1 when anything is wrong."""

import argparse
import sys
import time

from tests.peak.drill import drill


def main() -> int:
    """Play it and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=300)
    given = parser.parse_args()
    began = time.monotonic()
    found = drill(given.rate, given.seconds, lambda text: sys.stdout.write(text + "\n"))
    for name, value in found.figures.items():
        sys.stdout.write(f"{name:32} {value:.3f}\n")
    for wrong in found.wrong[:20]:
        sys.stdout.write(f"WRONG: {wrong}\n")
    sys.stdout.write(f"{len(found.wrong)} wrong, in {time.monotonic() - began:.0f} s\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
