"""What is SQLite's own: where the file is, how it is opened and locked, and what its errors mean.

One process at a time writes a ledger. It holds an advisory lock on a file beside the database for as long as
it lives, so that the operating system gives it back after any end of the process. Readers need no lock.
"""

import errno
import fcntl
import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.engine.default import DefaultDialect

from engine.errors import (
    ConfigurationError,
    LedgerBusy,
    LedgerConflict,
    LedgerDamaged,
    LedgerError,
    LedgerFull,
    LedgerMissing,
    LedgerOutdated,
    LedgerReadOnly,
    LedgerUnreadable,
)
from engine.ledger import note

BUSY_SECONDS = 5.0
CACHE_KIB = 64 * 1024
CHECKPOINT_PAGES = 8_000  # 32 MiB: the log beside the file grows to about this before it is folded into it
HOLDER_BYTES = 32  # of the file of the lock, for the number of the process that holds it
LOG_BYTES = 64 * 1024 * 1024  # a log that grew under a long reader is cut to this

# FULL and not NORMAL: what is acknowledged survives a power cut, not only the death of the process.
# What is blanked can be given back to the disk in parts; that has to be said before the first table is made.
WRITER_PRAGMAS = (
    "auto_vacuum=INCREMENTAL",
    "journal_mode=WAL",
    "synchronous=FULL",
    f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    f"journal_size_limit={LOG_BYTES}",
    f"cache_size=-{CACHE_KIB}",
    "temp_store=MEMORY",
)
READER_PRAGMAS = ("query_only=ON",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a ledger is: a file, or memory when there is none."""

    path: Path | None

    def __str__(self) -> str:
        return str(self.path) if self.path else "memory"


def read_url(url: str) -> Place:
    """The place that `sqlite:///path`, a bare path, or `sqlite://` (memory, for tests) names.

    Raises:
        ConfigurationError: for another kind of address.

    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        rest = "/" + url
    elif scheme != "sqlite":
        raise ConfigurationError(
            f"a ledger cannot be kept in {scheme or repr(url)}; name a file, as in sqlite:///ledger.sqlite"
        )
    elif rest in {"", "/:memory:"}:
        return Place(path=None)
    elif not rest.startswith("/"):
        raise ConfigurationError(
            f"the ledger address {url!r} names a host; a file has three slashes: sqlite:///path"
        )
    name = (unquote(rest) if mark else rest)[1:]
    if not name or "\0" in name:
        raise ConfigurationError("the ledger address names no file; write one, as in sqlite:///ledger.sqlite")
    # The same file under two names is one ledger and has one lock.
    return Place(path=Path(os.path.realpath(Path(name).expanduser())))


def control_path(url: str) -> Path | None:
    """Where the daemon that writes a ledger has its control door: beside its file; None without one.

    Raises:
        ConfigurationError: the address is none of a ledger.

    """
    if url.startswith(("postgresql:", "postgres:")):
        return None
    path = read_url(url).path
    return None if path is None else path.with_name(path.name + ".control")


class WriterLock:
    """The right to write one ledger, until it is closed or the process ends.

    Its file also says where the chain ended when it was last written: a ledger that does not reach there is
    an older copy. That is not waited for until it is on the disk, where it may be behind, and never ahead.
    """

    def __init__(self, place: Place) -> None:
        self._file: int | None = None
        if place.path is not None:
            self._file = _locked(place.path)

    def note_end(self, seq: int, link: str) -> None:
        """Say where the chain ends; a disk that does not take it leaves what was said before."""
        if self._file is not None:
            with suppress(OSError):
                os.pwrite(self._file, note.written(seq, link), HOLDER_BYTES)

    def noted_end(self) -> tuple[int, str] | None:
        """The number and the hash of the last row of the chain that was noted; None where none was."""
        return None if self._file is None else _end_in(self._file)

    def forget_end(self) -> None:
        """The ledger is a new one."""
        if self._file is not None:
            with suppress(OSError):
                os.ftruncate(self._file, HOLDER_BYTES)

    def release(self) -> None:
        """Let another process write."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _end_in(file: int) -> tuple[int, str] | None:
    try:
        return note.read(os.pread(file, note.NOTE_BYTES, HOLDER_BYTES))
    except OSError:
        return None


def _locked(path: Path) -> int:
    name = path.with_name(path.name + ".lock")
    try:
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unopenable(path, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(file, f"{os.getpid()}\n".ljust(HOLDER_BYTES).encode(), 0)
    except BlockingIOError as error:
        holder = os.pread(file, HOLDER_BYTES, 0).decode(errors="replace").strip()
        os.close(file)
        raise LedgerBusy(
            f"another process{f' (number {holder})' if holder.isdigit() else ''} writes the ledger {path}; "
            "stop it, or let it do the work"
        ) from error
    except OSError as error:
        os.close(file)
        raise _unopenable(path, error) from error
    return file


def make_file(place: Place) -> bool:
    """Create the file, readable by its owner alone, where there is none; whether it was.

    Raises:
        LedgerError: when it cannot be made; the sentence says why.

    """
    if place.path is None:
        return False
    try:
        os.close(os.open(place.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    except OSError as error:
        raise _unopenable(place.path, error) from error
    return True


def require_file(place: Place) -> None:
    """Refuse a place at which there is no file.

    Raises:
        LedgerMissing: when there is none.

    """
    if place.path is not None and not place.path.is_file():
        raise LedgerMissing(
            f"there is no ledger at {place.path}: `tidegate process` and `tidegate run` make one, "
            "and --ledger names another"
        )


def connect(place: Place, *, write: bool) -> sqlite3.Connection:
    """A connection that begins no transaction of its own.

    Raises:
        sqlite3.Error: as the driver does; `explain` turns it into one of ours.

    """
    target = ":memory:" if place.path is None else f"{place.path.as_uri()}?mode=rw"
    connection = sqlite3.connect(
        target, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    for pragma in WRITER_PRAGMAS if write else READER_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"


def driver_dialect() -> DefaultDialect:
    """What compiles Core expressions to the driver's SQL."""
    return sqlite_dialect(paramstyle="qmark")


def explain(error: sqlite3.Error, place: object) -> LedgerError:
    """What an error of the driver means, in a sentence."""
    name = getattr(error, "sqlite_errorname", "")
    if "no such table" in str(error) or "no such column" in str(error):
        return LedgerOutdated(f"the ledger {place} is not of this release; run `tidegate ledger upgrade`")
    for start, (cls, sentence) in _MEANINGS.items():
        if name.startswith(start):
            return cls(sentence.format(place=place, error=error))
    return LedgerError(f"the ledger {place} cannot be used: {error}")


_MEANINGS: dict[str, tuple[type[LedgerError], str]] = {
    "SQLITE_FULL": (LedgerFull, "the disk has no room for the ledger {place}; the commit was not written"),
    "SQLITE_READONLY": (
        LedgerReadOnly,
        "the ledger {place} may not be written; see to the rights of the file",
    ),
    "SQLITE_PERM": (LedgerReadOnly, "the ledger {place} may not be written; see to the rights of the file"),
    "SQLITE_AUTH": (LedgerReadOnly, "the ledger {place} may not be written; see to the rights of the file"),
    "SQLITE_NOTADB": (LedgerDamaged, "the file {place} is not a ledger, nor any SQLite database"),
    "SQLITE_CORRUPT": (LedgerDamaged, "the ledger {place} is damaged ({error}); restore it from a backup"),
    "SQLITE_FORMAT": (LedgerDamaged, "the ledger {place} is damaged ({error}); restore it from a backup"),
    "SQLITE_BUSY": (
        LedgerBusy,
        "another process keeps the ledger {place} locked; try again when it has ended",
    ),
    "SQLITE_LOCKED": (
        LedgerBusy,
        "another process keeps the ledger {place} locked; try again when it has ended",
    ),
    "SQLITE_PROTOCOL": (
        LedgerBusy,
        "another process keeps the ledger {place} locked; try again when it has ended",
    ),
    "SQLITE_IOERR": (LedgerUnreadable, "the disk failed under the ledger {place} ({error})"),
    "SQLITE_NOLFS": (LedgerUnreadable, "the file system of the ledger {place} cannot hold files this large"),
    "SQLITE_CANTOPEN": (
        LedgerMissing,
        "the ledger {place} cannot be opened; see to its folder and its rights",
    ),
    "SQLITE_CONSTRAINT": (
        LedgerConflict,
        "the commit contradicts the ledger ({error}); nothing of it was written",
    ),
    "SQLITE_TOOBIG": (
        LedgerConflict,
        "a row is larger than the ledger can hold; nothing of the commit was written",
    ),
    "SQLITE_NOMEM": (LedgerUnreadable, "the memory did not suffice to use the ledger {place}"),
}


def _unopenable(path: Path, error: OSError) -> LedgerError:
    if not path.parent.is_dir():
        return LedgerMissing(f"the folder of the ledger, {path.parent}, does not exist; make it first")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return LedgerReadOnly(f"the folder {path.parent} may not be written, so no ledger can be kept in it")
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return LedgerFull(f"the disk has no room for the ledger {path}")
    return LedgerError(f"the ledger {path} cannot be opened: {error.strerror}")
