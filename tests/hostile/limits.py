"""Runs a command under limits, and says what it took."""

import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CPU_SECONDS = 2.0
PEAK_MB = 300
KILLED_AFTER = 6  # seconds of CPU; what takes so long is a failure anyway
ADDRESS_SPACE = 2 * 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and what it took."""

    code: int
    out: str
    err: str
    cpu: float  # seconds, those of starting Python among them
    peak: float  # MB

    def assert_clean(self) -> None:
        """It ended by itself, within the bounds, and said nothing but sentences."""
        said = f"{self.code} {self.cpu:.2f} s {self.peak:.0f} MB\n{self.out[-2000:]}\n{self.err[-2000:]}"
        assert self.code in (0, 1, 2), said
        assert "Traceback" not in self.out + self.err, said
        assert "fault of Tidegate" not in self.err, said
        assert "TG901" not in self.out, said
        assert self.cpu <= CPU_SECONDS, said
        assert self.peak <= PEAK_MB, said


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (KILLED_AFTER, KILLED_AFTER))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def tidegate(*arguments: str | Path, stdin: bytes = b"") -> Ended:
    """`tidegate ARGUMENTS` in a process of its own."""
    command = [sys.executable, "-m", "tests.hostile.measured", *map(str, arguments)]
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.NamedTemporaryFile() as measured,
        tempfile.TemporaryDirectory() as elsewhere,  # in no workspace, which each start would compile
    ):
        given.write(stdin)
        given.seek(0)
        process = subprocess.Popen(
            command,
            cwd=elsewhere,
            env={**os.environ, "MEASURED": measured.name, "PYTHONPATH": str(ROOT)},
            stdin=given,
            stdout=out,
            stderr=err,
            preexec_fn=_limit,  # noqa: PLW1509 - limits are set where nothing else runs
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = Path(measured.name).read_text()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Ended(
        code=process.returncode,
        out=texts[0],
        err=texts[1],
        cpu=used.ru_utime + used.ru_stime,
        peak=int(peak or 0) / 1024,
    )
