"""Processes that start at once: forked from one that has loaded the code, each a whole process that can be killed.

Loading code is most of a start, and the same each time. What it leaves out is what a kill while code is loaded would
show: nothing, as no ledger is open then. `python -m tests.crash.warm` is the one that is forked from; it has no threads.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Self

from tests.crash.compiled import ROOT, environment

MODULES = (
    "engine.cli.process",
    "engine.connect.http_connector",
    "engine.ledger",
    "engine.runtime.process",
    "engine.runtime.runner",
    "engine.session",
)


class Child:
    """One process, with as much of `subprocess.Popen` as is wanted."""

    def __init__(self, warm: "Warm", pid: int, said: str) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._warm = warm
        self._said = said

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        return self._ended(0)

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """What it said, when it has ended."""
        if self._ended(timeout) is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0)
        with open(self._said, "rb") as file:  # noqa: PTH123 - a name that was handed in
            return b"", file.read()

    def _ended(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._warm.told], [], [], seconds)[0]:
            self.returncode = json.loads(self._warm.told.readline())["code"]
        return self.returncode


class Warm:
    """The process that others are forked from; one of them at a time."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.warm"],
            env=environment(),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        assert self._process.stdout is not None
        self.told: Any = self._process.stdout
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        self.told.close()

    def start(self, command: Sequence[str], said: str) -> Child:
        """`tidegate` with these arguments; its words go to a file."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": [*command], "said": said}).encode() + b"\n")
        return Child(self, json.loads(self.told.readline())["pid"], said)


def main() -> None:
    """Fork what is asked for; say its number, and how it ended."""
    from importlib import import_module

    for name in MODULES:
        import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(asked["command"], asked["said"])
        _say(pid=child)
        _say(code=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _say(**told: int) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _run(command: list[str], said: str) -> None:
    from engine.cli import main as cli

    file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.argv[1:] = command
    code = 99
    try:
        cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
