"""The file of a ledger: copying it while it is in use, as it was at one moment, and whether it is sound."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from engine.errors import ConfigurationError, LedgerError
from engine.ledger import sqlite

PAGES = 1_000  # copied at one time, between two of which progress is told


def back_up(url: str, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy a ledger to a new file, readable by its owner alone; `progress` hears of pages done and of all.

    The copy is the ledger at the moment at which it began; the writer goes on meanwhile. The file appears
    under its name when all of it is on the disk.

    Raises:
        ConfigurationError: the ledger is no file; its database has ways of its own.
        LedgerError: there is a file of that name, or one of both cannot be used.

    """
    if url.startswith(("postgresql:", "postgres:")):
        raise ConfigurationError("a ledger on PostgreSQL is backed up by pg_basebackup or pg_dump")
    place = sqlite.read_url(url)
    if place.path is None:
        raise ConfigurationError("a ledger in memory cannot be backed up")
    sqlite.require_file(place)
    if target.exists():
        raise LedgerError(f"there is a file {target} already; name another one")
    partial = target.with_name(target.name + ".partial")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        _copy(place, partial, progress)
        partial.replace(target)
        _sync_folder(target.parent)
    except sqlite3.Error as error:
        partial.unlink(missing_ok=True)
        raise sqlite.explain(error, place) from error
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise LedgerError(f"{target} cannot be written: {error.strerror or error}") from error


def _copy(place: sqlite.Place, partial: Path, progress: Callable[[int, int], None]) -> None:
    def told(_status: int, remaining: int, total: int) -> None:
        progress(total - remaining, total)

    with closing(sqlite.connect(place, write=False)) as source:
        # A transaction that is open for reading stays at its moment; without one, each commit of the writer
        # would have the copy begin anew.
        source.execute("BEGIN").close()
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            source.backup(copy, pages=PAGES, progress=told)
            # One file, without a log beside it, until somebody writes it.
            copy.execute("PRAGMA journal_mode=DELETE").close()
    with partial.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Have the name of a new file survive a power cut as well."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_breaks(url: str) -> list[str]:
    """What SQLite finds wrong with the file of a ledger, in its words; nothing of a ledger on a server.

    Raises:
        LedgerError: it cannot be opened.

    """
    if url.startswith(("postgresql:", "postgres:")):
        return []
    place = sqlite.read_url(url)
    sqlite.require_file(place)
    try:
        with closing(sqlite.connect(place, write=False)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    except sqlite3.Error as error:
        return [str(sqlite.explain(error, place))]
    return [] if found == ["ok"] else found
