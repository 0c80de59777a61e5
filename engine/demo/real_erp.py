"""A real ERP for the story: Tryton in a process of its own, and the pack with its documents laid over it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.demo.books import TrytonBooks
from engine.errors import TidegateError

YEAR = "2026"  # of the story
STOP_SECONDS = 20
_FOLDERS = ("connectors", "flows", "mappings", "policies", "schemas")
_OVERLAY = Path(__file__).parent / "tryton"
_LEFT_OUT = shutil.ignore_patterns("*.test.yaml", "fixtures", "*.py", "*.md", "*.in", "*.lock", "__pycache__")


class RealErpError(TidegateError):
    """The real ERP could not be started; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealErp:
    """Where a Tryton listens, and the password of its user `integration`."""

    server: str
    database: str
    password: str

    @property
    def environ(self) -> Mapping[str, str]:
        """What the connection of the overlay reads."""
        return {
            "TIDEGATE_DEMO_ERP_SERVER": self.server,
            "TIDEGATE_DEMO_ERP_DATABASE": self.database,
            "TIDEGATE_DEMO_ERP_PASSWORD": self.password,
        }

    def books(self) -> TrytonBooks:
        """Its records, read past the connector."""
        return TrytonBooks(self.server, self.database, self.password)


@contextmanager
def tryton() -> Iterator[RealErp]:
    """A Tryton on loopback, fresh, until the block ends. It is installed the first time, in a minute.

    Raises:
        RealErpError: when it does not start.

    """
    command = (sys.executable, "-m", "connectors.tryton.server", "--year", YEAR)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            if not told:
                raise RealErpError("Tryton could not be started; what it said stands above")
            facts = json.loads(told)
            yield RealErp(
                server=facts["base_url"],
                database=facts["database"],
                password=facts["passwords"]["integration"],
            )
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def overlay(pack: Path, into: Path) -> Path:
    """The documents of the pack, with those for Tryton in place of their namesakes, in a folder."""
    for name in _FOLDERS:
        shutil.copytree(pack / name, into / name, ignore=_LEFT_OUT, dirs_exist_ok=True)
    shutil.copytree(_OVERLAY, into, dirs_exist_ok=True)
    return into
