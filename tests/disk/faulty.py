"""The faulty disk: compiled when it is first wanted, preloaded into a process of its own, steered from within it.

What is written below one folder is remembered until it is synced; a power cut takes back what was not. Any call
may be made to fail, or to be the last of its process. See `shim.c`.
"""

import ctypes
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from enum import IntEnum, IntFlag
from hashlib import sha256
from pathlib import Path

SOURCE = Path(__file__).parent / "shim.c"


class Calls(IntFlag):
    """The kinds of calls that are watched."""

    OPEN = 1
    WRITE = 2
    SYNC = 4
    TRUNCATE = 8
    UNLINK = 16
    RENAME = 32
    CONNECT = 64
    SEND = 128
    RECV = 256
    READ = 512


CHANGES = Calls.OPEN | Calls.WRITE | Calls.SYNC | Calls.TRUNCATE | Calls.UNLINK | Calls.RENAME


class Does(IntEnum):
    """What becomes of a call."""

    NOTHING = 0
    FAIL = 1
    DIE_BEFORE = 2  # the process ends, and the call was not made
    DIE_AFTER = 3  # it was made, and nobody heard of it
    SHORT = 4  # half of it
    EXIT = 5  # the process really ends, at once


def available() -> str | None:
    """Why the faulty disk cannot be used on this machine; None when it can be."""
    if not sys.platform.startswith("linux"):
        return "the faulty disk is preloaded, which is done on Linux"
    return None if shutil.which("cc") else "there is no C compiler, and the faulty disk is written in C"


def library() -> Path:
    """The library, compiled once for this text of it."""
    name = f"tidegate-disk-{sha256(SOURCE.read_bytes()).hexdigest()[:16]}-{os.getuid()}"
    folder = Path(tempfile.gettempdir()) / name
    made = folder / "disk.so"
    if not made.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        fresh = folder / f"disk-{os.getpid()}.so"
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(fresh), str(SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True, capture_output=True)
        fresh.replace(made)
    return made


def environment() -> dict[str, str]:
    """The environment of a process under which the faulty disk is loaded."""
    return {**os.environ, "LD_PRELOAD": str(library())}


def loaded() -> bool:
    """Whether this process has the faulty disk under it."""
    return hasattr(ctypes.CDLL(None), "disk_watch")


class Disk:
    """The disk under one folder; one folder at a time in a process."""

    def __init__(self, folder: Path) -> None:
        """Watch this folder."""
        self._library = ctypes.CDLL(None)
        self._library.disk_lose.argtypes = [ctypes.c_uint64]
        for name in ("disk_lose", "disk_counted", "disk_unsynced", "disk_seen"):
            getattr(self._library, name).restype = ctypes.c_long
        self._library.disk_watch(os.fsencode(folder))

    def arm(
        self, kinds: Calls, number: int, does: Does, error: int = errno.EIO, *, for_good: bool = False
    ) -> None:
        """Have the call with this number, counted from now, end in another way; or all from it on."""
        self._library.disk_arm(int(kinds), ctypes.c_long(number), int(does), error, int(for_good))

    def heal(self) -> None:
        """All calls do what they should."""
        self._library.disk_arm(0, ctypes.c_long(0), 0, 0, 0)

    @property
    def counted(self) -> int:
        """How many calls of the armed kinds there have been since."""
        return int(self._library.disk_counted())

    @property
    def dead(self) -> bool:
        """Whether the process that used the disk has ended."""
        return bool(self._library.disk_is_dead())

    @dead.setter
    def dead(self, is_dead: bool) -> None:
        self._library.disk_set_dead(int(is_dead))

    @property
    def unsynced(self) -> int:
        """How many writes would be at risk in a power cut."""
        return int(self._library.disk_unsynced())

    def cut_power(self, seed: int) -> int:
        """Lose what was not synced, or some of it; how many writes were at risk. No file may be open."""
        return int(self._library.disk_lose(ctypes.c_uint64(seed)))
