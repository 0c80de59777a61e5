"""Runs a command under limits, and says what it took."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
CPU_SECONDS = 2.0  # on a machine that takes YARDSTICK for the yardstick
PEAK_MB = 300
KILLED_AFTER = 6  # seconds of CPU; what takes so long is a failure anyway
ADDRESS_SPACE = 2 * 1024**3
YARDSTICK = 0.14  # seconds of CPU, on the machine on which the limits were set


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and what it took."""

    code: int
    out: str
    err: str
    cpu: float  # seconds, without those of starting Python
    peak: float  # MB

    def assert_clean(self) -> None:
        """It ended by itself, within the bounds, and said nothing but sentences."""
        said = f"{self.code} {self.cpu:.2f} s {self.peak:.0f} MB\n{self.out[-2000:]}\n{self.err[-2000:]}"
        assert self.code in (0, 1, 2), said
        assert "Traceback" not in self.out + self.err, said
        assert "fault of Tidegate" not in self.err, said
        assert "TG901" not in self.out, said
        assert self.cpu <= CPU_SECONDS or self.cpu <= CPU_SECONDS * slowness(), said
        assert self.peak <= PEAK_MB, said


def slowness() -> float:
    """How many times as long as where the limits were set this machine takes just now; never below 1."""
    taken = []
    for _ in range(5):
        began = time.process_time()
        assert sum(len(str(number)) for number in range(1_000_000)) == 5_888_890
        taken.append(time.process_time() - began)
    return max(1.0, median(taken) / YARDSTICK)


@cache
def _fork_server() -> "subprocess.Popen[str]":
    """The process whose children run the commands: one for all tests of this process; it ends with it."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.fork_server"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def tidegate(*arguments: str | Path) -> Ended:
    """`tidegate ARGUMENTS` in a process of its own, in a folder that is no workspace."""
    server = _fork_server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        out, err = (Path(folder) / name for name in ("out", "err"))
        out.touch()
        err.touch()
        asked = {
            "arguments": [*map(str, arguments)],
            "folder": folder,
            "stdin": os.devnull,
            "stdout": str(out),
            "stderr": str(err),
            "cpu": KILLED_AFTER,
            "bytes": ADDRESS_SPACE,
        }
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        ended = json.loads(server.stdout.readline())
        texts = [file.read_text(errors="replace") for file in (out, err)]
    return Ended(
        code=os.waitstatus_to_exitcode(ended["status"]),
        out=texts[0],
        err=texts[1],
        cpu=ended["cpu"],
        peak=ended["peak"] / 1024,
    )
