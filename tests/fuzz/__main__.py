"""`python -m tests.fuzz --executions N --seed S`: fuzz every target, its share each, and say how far it is.

What breaks is kept as a file in `cases/TARGET/`, which `test_cases.py` tries from then on. Exit code 1 when
something broke.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.seeds import write, write_words
from tests.fuzz.targets import LARGEST, SHARES, TARGETS

CASES = Path(__file__).parent / "cases"
_DONE = re.compile(r"^#(\d+)\t?")
_TIMEOUT = 10  # seconds of one execution
_MEMORY = 1_500  # MB of the whole process, which grows with what it has found
_PIECE = 100_000  # executions of one process; the next goes on with what it has found


def fuzz(target: str, executions: int, seed: int, folder: Path) -> tuple[int, bool]:
    """Fuzz one target, a process after the other; how many executions were done, and whether nothing broke."""
    (folder / "found").mkdir(parents=True)
    write(folder / "seeds", target)
    write_words(folder / "words")
    (CASES / target).mkdir(parents=True, exist_ok=True)
    total = 0
    for number, begun in enumerate(range(0, executions, _PIECE)):
        done, sound = _piece(target, min(_PIECE, executions - begun), seed + 1_000 * number, folder)
        total += done
        sys.stdout.write(f"  {target}: {total:,} of {executions:,}\n")
        sys.stdout.flush()
        if not sound:
            return total, False
    return total, True


def _piece(target: str, executions: int, seed: int, folder: Path) -> tuple[int, bool]:
    options = [
        f"-runs={executions}",
        f"-seed={seed}",
        f"-max_len={LARGEST}",
        f"-dict={folder / 'words'}",
        f"-artifact_prefix={CASES / target}/",
        f"-timeout={_TIMEOUT}",
        f"-rss_limit_mb={_MEMORY}",
        "-len_control=20",
        str(folder / "found"),
        str(folder / "seeds"),
    ]
    command = [sys.executable, "-m", "tests.fuzz.one", target, *options]
    process = subprocess.Popen(
        command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, errors="replace"
    )
    assert process.stdout is not None
    done, last = 0, ""
    for line in process.stdout:
        found = _DONE.match(line)
        if found:
            done = int(found[1])
        elif not line.startswith("INFO: Instrumenting"):
            last = f"{last}{line}"[-4000:]
    if process.wait() != 0:
        sys.stdout.write(f"{last}  {target} ended with {process.returncode}\n")
    return done, process.returncode == 0


def main() -> int:
    """Fuzz, print and end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=20_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=list(TARGETS), action="append", help="these only")
    given = parser.parse_args()
    chosen = given.target or list(TARGETS)
    shares = sum(SHARES[target] for target in chosen)
    total, sound = 0, True
    with tempfile.TemporaryDirectory(prefix="tidegate-fuzz-") as name:
        for target in chosen:
            executions = -(-given.executions * SHARES[target] // shares)
            done, fine = fuzz(target, executions, given.seed, Path(name) / target)
            sys.stdout.write(f"{target}: {done:,} executions, {'nothing broke' if fine else 'BROKEN'}\n")
            sys.stdout.flush()
            total, sound = total + done, sound and fine
    sys.stdout.write(
        f"{total:,} executions with seed {given.seed}: {'nothing broke' if sound else 'BROKEN'}\n"
    )
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
