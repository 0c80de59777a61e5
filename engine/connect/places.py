"""Folders in which files are put: on this machine, or behind SFTP. What is in the files is not known here."""

import os
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from engine.connect.connector_plan import ConnectorPlan
from engine.connect.faults import Fault
from engine.connect.settings import Settings
from engine.connect.source_only import SourceOnly
from engine.effect import Failure, FaultClass
from engine.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file as a folder lists it. When size or time change, somebody is still writing it."""

    name: str
    size: int
    changed: float


class Place(Protocol):
    """A folder with folders in it. Every method raises `Fault` when it is out of reach."""

    async def files(self, folder: str) -> Sequence[Entry]:
        """The plain files in a folder, by name; no links, no hidden files, no folders."""
        ...

    def opened(self, folder: str, name: str) -> AbstractAsyncContextManager[BinaryIO]:
        """A file to be read from anywhere in it."""
        ...

    async def move(self, folder: str, name: str, into: str, new_name: str) -> None:
        """Give a file another folder, which is made if need be; one that is there is replaced."""
        ...

    async def write(self, folder: str, name: str, data: bytes) -> None:
        """Write a small file so that nobody sees half of it."""
        ...

    async def remove(self, folder: str, name: str) -> None:
        """Remove a file; one that is gone is as well."""
        ...

    async def aclose(self) -> None:
        """Give back what it holds."""
        ...


def place_of(plan: ConnectorPlan, settings: Settings) -> Place:
    """The place of a connection whose base URL is `file:` or `sftp:`.

    Raises:
        ConfigurationError: when a setting is missing, or is not what it should be.

    """
    if plan.base_url.startswith("sftp:"):
        from engine.connect.sftp import SftpPlace

        return SftpPlace(settings)
    root = Path(settings.text("folder"))
    if not root.is_absolute():
        raise ConfigurationError(
            f"connection {settings.connection!r}: the folder {str(root)!r} is not absolute"
        )
    return LocalPlace(root)


class FolderConnector(SourceOnly):
    """A connection to a place with files: files are taken from it, and no records written or read."""

    def __init__(self, plan: ConnectorPlan, settings: Settings) -> None:
        """Nothing is opened until the first call."""
        super().__init__(settings.connection, "a folder")
        self.place = place_of(plan, settings)

    async def aclose(self) -> None:
        """Give back what it holds."""
        await self.place.aclose()


class LocalPlace:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        """Everything lies below this folder."""
        self._root = root

    async def files(self, folder: str) -> Sequence[Entry]:
        """The plain files in a folder, by name."""
        found = []
        with _reached(folder), os.scandir(self._root / folder) as entries:
            for entry in entries:
                told = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(told.st_mode) and not entry.name.startswith("."):
                    found.append(Entry(name=entry.name, size=told.st_size, changed=told.st_mtime))
        return sorted(found, key=lambda one: one.name)

    @asynccontextmanager
    async def opened(self, folder: str, name: str) -> AsyncIterator[BinaryIO]:
        """A file to be read; a link that has taken its place is refused."""
        with _reached(name):
            number = os.open(self._root / folder / name, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(number, "rb") as stream:
            yield stream

    async def move(self, folder: str, name: str, into: str, new_name: str) -> None:
        """Rename a file, durably."""
        with _reached(name):
            target = self._root / folder / into
            target.mkdir(exist_ok=True)
            (self._root / folder / name).replace(target / new_name)
            _sync(target)

    async def write(self, folder: str, name: str, data: bytes) -> None:
        """Write a small file under another name, then rename it."""
        with _reached(name):
            target = self._root / folder
            target.mkdir(exist_ok=True)
            half = target / f".{name}.part"
            half.write_bytes(data)
            half.replace(target / name)
            _sync(target)

    async def remove(self, folder: str, name: str) -> None:
        """Remove a file."""
        with _reached(name):
            (self._root / folder / name).unlink(missing_ok=True)

    async def aclose(self) -> None:
        """Nothing is held."""


def _sync(folder: Path) -> None:
    """Have a rename survive a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _reached(what: str) -> Iterator[None]:
    """An error of the machine as a fault: it may be gone at the next look."""
    try:
        yield
    except OSError as error:
        reason = f"{what} cannot be reached: {error.strerror or error}"
        raise Fault(Failure(fault=FaultClass.TRANSIENT, reason=reason)) from error
