"""A real Tryton on loopback, for tests and for the demo: installed once, seeded once, fresh at each start.

    with TrytonServer() as facts:
        ...                                 # facts.base_url, facts.database, facts.passwords

`python -m connectors.tryton.server` starts one and keeps it until it is interrupted.
"""

import argparse
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from connectors.tryton.installation import (
    DATABASE,
    Installation,
    InstallationError,
    Say,
    installed,
    write_settings,
)

START_SECONDS = 60
STOP_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a client must know to talk to the server."""

    base_url: str
    database: str
    company: str  # the code of the party that is the company
    passwords: Mapping[str, str]  # by login: integration has the rights, clerk has none


class TrytonServer:
    """A server that lives as long as its `with` block, on a database of its own."""

    def __init__(self, *, cache: Path | None = None, year: int | None = None, say: Say | None = None) -> None:
        self._wishes = (cache, year)
        self._say = say or _silence
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Facts:
        """Install what is missing, start, and wait until a login succeeds."""
        cache, year = self._wishes
        home = installed(cache=cache, year=year, say=self._say)
        try:
            return self._start(home)
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server and remove its database."""
        self.stop()

    def stop(self) -> None:
        """Stop the server, if it runs, and remove its database; harmless when repeated."""
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _start(self, home: Installation) -> Facts:
        self._folder = folder = Path(tempfile.mkdtemp(prefix="tidegate-tryton-"))
        home.copy_database(folder / f"{DATABASE}.sqlite")
        port = _free_port()
        settings = folder / "trytond.conf"
        write_settings(settings, databases=folder, port=port)
        self._say("starting the server")
        with (folder / "trytond.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours, and no shell reads it
                (home.program("trytond"), "-c", settings, "-d", DATABASE),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        facts = Facts(
            base_url=f"http://127.0.0.1:{port}",
            database=DATABASE,
            company="COMPANY",
            passwords=home.passwords,
        )
        self._wait(facts, self._process, folder / "trytond.log")
        self._say(f"Tryton answers on {facts.base_url}")
        return facts

    def _wait(self, facts: Facts, process: "subprocess.Popen[bytes]", log: Path) -> None:
        end = time.monotonic() + START_SECONDS
        while not _answers(facts):
            if process.poll() is not None or time.monotonic() > end:
                said = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
                raise InstallationError(f"Tryton did not start: {said}")
            time.sleep(0.1)


def _answers(facts: Facts) -> bool:
    """Whether a login succeeds; the first makes the server load its modules, which takes a second or two."""
    login = {"id": 0, "method": "common.db.login"}
    login["params"] = ["integration", {"password": facts.passwords["integration"]}]
    request = urllib.request.Request(  # noqa: S310 - the address is our own, on loopback
        f"{facts.base_url}/{facts.database}/rpc/",
        data=json.dumps(login).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:  # noqa: S310 - as above
            return "result" in json.load(answer)
    except urllib.error.HTTPError as error:
        raise InstallationError(f"Tryton refused the first login with HTTP {error.code}") from error
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _silence(_line: str) -> None:
    """Say nothing."""


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"tryton: {line}\n")


def main() -> int:
    """Start a server, print its facts as one line of JSON, and keep it until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m connectors.tryton.server", description=main.__doc__)
    parser.add_argument("--year", type=int, help="the middle of three fiscal years (default: this year)")
    chosen = parser.parse_args()
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    try:
        with TrytonServer(year=chosen.year, say=_to_stderr) as facts:
            sys.stdout.write(json.dumps(asdict(facts)) + "\n")
            sys.stdout.flush()
            interrupted.wait()
    except InstallationError as error:
        _to_stderr(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
