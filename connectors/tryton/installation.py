"""Where a Tryton of our own is kept: its Python environment and a database that is seeded once.

Nothing of it goes into Tidegate's own environment. Everything lies in the cache folder (`TIDEGATE_CACHE`,
else `XDG_CACHE_HOME`, else `~/.cache`), under names made from what decides their contents: a new lock is a
new environment, a new seed a new database, and the old ones are simply no longer used.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE / "server.lock"
SEED = HERE / "seed.py"

DATABASE = "tidegate"
MODULES = ("project_invoice", "project_revenue", "timesheet_cost")
LOGINS = ("admin", "integration", "clerk")

INSTALL_SECONDS = 600
SEED_SECONDS = 300

Say = Callable[[str], None]


class InstallationError(RuntimeError):
    """The ERP could not be installed or seeded; the message ends with what its program said."""


def cache_folder() -> Path:
    """Where Tidegate keeps what can be made again."""
    if chosen := os.environ.get("TIDEGATE_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidegate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One installed Tryton and its seeded database, in a folder of the cache."""

    folder: Path
    years: tuple[int, ...]  # fiscal years of twelve open periods each
    say: Say

    @property
    def python(self) -> Path:
        """The interpreter of the environment that Tryton lives in."""
        return self.folder / "environment" / "bin" / "python"

    @property
    def template(self) -> Path:
        """The seeded database, which is copied and never opened by a server."""
        return self.folder / f"{_fingerprint(SEED)}-{self.years[0]}-{self.years[-1]}.sqlite"

    @property
    def passwords(self) -> Mapping[str, str]:
        """The password of each user of the seeded database."""
        found: dict[str, str] = json.loads(self.template.with_suffix(".json").read_text(encoding="utf-8"))
        return found

    def program(self, name: str) -> Path:
        """A command that Tryton's packages brought."""
        return self.python.with_name(name)

    def copy_database(self, target: Path) -> None:
        """Copy the seeded database, with what its write-ahead log still holds."""
        with closing(sqlite3.connect(self.template)) as seeded, closing(sqlite3.connect(target)) as copy:
            seeded.backup(copy)


def installed(*, cache: Path | None = None, year: int | None = None, say: Say) -> Installation:
    """Find the installation, or make it; the year is the middle of three fiscal years.

    Raises:
        InstallationError: when a package does not install or the database is refused.

    """
    middle = year or datetime.now(UTC).year
    found = Installation(
        folder=(cache or cache_folder()) / f"tryton-{_fingerprint(LOCK)}",
        years=(middle - 1, middle, middle + 1),
        say=say,
    )
    found.folder.mkdir(parents=True, exist_ok=True)
    with _alone(found.folder):
        if not (found.folder / "installed").exists():
            _install(found)
        if not found.template.with_suffix(".json").exists():
            _make_template(found)
    return found


def write_settings(path: Path, *, databases: Path, port: int) -> None:
    """Write the configuration of a server that listens on loopback and mails nobody."""
    path.write_text(
        f"[database]\nuri = sqlite:///\npath = {databases}\n"
        f"[web]\nlisten = 127.0.0.1:{port}\n"
        "[email]\nuri = smtp://127.0.0.1:9\n",
        encoding="utf-8",
    )


def _fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes() + sys.version.encode()).hexdigest()[:12]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let only one process install at a time; the others wait and then find it done."""
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _install(target: Installation) -> None:
    target.say("installing Tryton 8.2 into an environment of its own (once, about 20 seconds)")
    environment = target.folder / "environment"
    shutil.rmtree(environment, ignore_errors=True)
    _run((sys.executable, "-m", "venv", "--without-pip", str(environment)), seconds=60)
    pip = (sys.executable, "-m", "pip", "--python", str(target.python))
    # pip of the outer environment does the work, because Debian's venv may bring none.
    _run(
        (*pip, "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(LOCK)),
        seconds=INSTALL_SECONDS,
    )
    (target.folder / "installed").touch()


def _make_template(target: Installation) -> None:
    target.say(f"setting up a company with fiscal years {target.years[0]} to {target.years[-1]} (once)")
    workshop = target.folder / "workshop"
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir()
    settings, database = workshop / "trytond.conf", workshop / f"{DATABASE}.sqlite"
    write_settings(settings, databases=workshop, port=0)
    database.touch()  # Tryton fills an empty database, but does not make one
    passwords = {login: secrets.token_urlsafe(18) for login in LOGINS}
    _initialise(target, settings, passwords["admin"])
    _seed(target, settings, passwords)
    with closing(sqlite3.connect(database)) as made, closing(sqlite3.connect(target.template)) as kept:
        made.backup(kept)
    shutil.rmtree(workshop)
    # Written last: that this file is there means that the database is whole.
    _write_private(target.template.with_suffix(".json"), json.dumps(passwords))


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _initialise(target: Installation, settings: Path, password: str) -> None:
    secret = settings.with_name("admin.password")
    _write_private(secret, password)
    admin = (str(target.program("trytond-admin")), "-c", str(settings), "-d", DATABASE)
    _run(
        (*admin, "--email", "admin@company.example", "--activate-dependencies", "-u", *MODULES),
        environment={"TRYTONPASSFILE": str(secret)},
        seconds=SEED_SECONDS,
    )


def _seed(target: Installation, settings: Path, passwords: Mapping[str, str]) -> None:
    wishes = {"database": DATABASE, "settings": str(settings), "years": target.years, "passwords": passwords}
    _run((str(target.python), str(SEED)), text=json.dumps(wishes), seconds=SEED_SECONDS)


def _run(
    command: tuple[str, ...],
    *,
    seconds: int,
    text: str = "",
    environment: Mapping[str, str] | None = None,
) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - the command is ours, and no shell reads it
            command,
            input=text,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallationError(f"{Path(command[0]).name} was not done after {seconds} seconds") from error
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).splitlines()[-5:])
        raise InstallationError(f"{Path(command[0]).name} ended with {done.returncode}: {said}")
