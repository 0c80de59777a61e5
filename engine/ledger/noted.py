"""Where the chain of a ledger on a server ended when this machine last wrote it, noted outside of the server.

A server that was set back to an older copy knows nothing of what was done since. So each machine keeps, in
a folder of its own, the last row that it wrote, and refuses a ledger whose chain does not go through it. The
note is not waited for until it is on the disk: it may be behind, and never ahead.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from engine.ledger import note


def folder_of(environ: Mapping[str, str]) -> Path:
    """Where a machine keeps what is its own: as the service manager says, or in the home of its user."""
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    home = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME") or "/") / ".local" / "state")
    return Path(home) / "tidegate"


class NotedEnd:
    """The note of one ledger; where it cannot be kept, nothing is known of its end."""

    def __init__(self, folder: Path, ledger: str) -> None:
        """Keep the note of a ledger of this name."""
        self._path = folder / f"end-{sha256(ledger.encode()).hexdigest()[:24]}"
        self._file: int | None = None

    def note(self, seq: int, link: str) -> None:
        """Say where the chain ends; a disk that does not take it leaves what was said before."""
        with suppress(OSError):
            if self._file is None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.pwrite(self._file, note.written(seq, link), 0)

    def noted(self) -> tuple[int, str] | None:
        """The number and the hash of the last row that was noted; None where none was."""
        try:
            return note.read(self._path.read_bytes()[: note.NOTE_BYTES])
        except OSError:
            return None

    def forget(self) -> None:
        """The ledger is a new one."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Write no more notes."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
