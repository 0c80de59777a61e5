"""A folder behind SFTP. The only user of asyncssh, whose errors become faults here.

The server is known by its host key, which the connection has to name: nobody is trusted at first sight. A
file is fetched to a temporary one before it is read, so that a slow line holds nothing open.

Settings: `server` (host, or host:port), `folder`, `host_key` (as in a known_hosts file: "ssh-ed25519
AAAA..."), `auth.username`, and `auth.password` or `auth.key` (PEM).
"""

import asyncio
import posixpath
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import BinaryIO, cast

import asyncssh

from engine.connect.faults import Fault
from engine.connect.places import Entry
from engine.connect.settings import Settings
from engine.effect import Failure, FaultClass
from engine.errors import ConfigurationError

CONNECT_SECONDS = 15.0
PIECE = 256 * 1024


class SftpPlace:
    """Folders of an SFTP server, over one connection that is made again when it breaks."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is sent until the first call.

        Raises:
            ConfigurationError: when a setting is missing, or is not what it should be.

        """
        self._name = settings.connection
        host, _, port = settings.text("server").partition(":")
        self._host, self._port = host, int(port) if port.isdigit() else 22
        self._root = settings.text("folder")
        self._options = _options(settings, f"[{host}]:{self._port}" if self._port != 22 else host)
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._opening = asyncio.Lock()

    async def files(self, folder: str) -> Sequence[Entry]:
        """The plain files in a folder, by name."""
        with self._reached(folder):
            client = await self._open()
            found = [
                Entry(name=_text(one.filename), size=one.attrs.size or 0, changed=one.attrs.mtime or 0)
                for one in await client.readdir(self._path(folder))
                if _is_plain(one.attrs) and not _text(one.filename).startswith(".")
            ]
        return sorted(found, key=lambda one: one.name)

    @asynccontextmanager
    async def opened(self, folder: str, name: str) -> AsyncIterator[BinaryIO]:
        """A copy of a file on this machine; it is gone afterwards."""
        with tempfile.TemporaryFile(prefix="tidegate-file-") as copy:
            with self._reached(name):
                client = await self._open()
                async with client.open(self._path(folder, name), "rb") as far:
                    while piece := await far.read(PIECE):
                        copy.write(cast("bytes", piece))  # it was opened in binary
            copy.seek(0)
            yield copy

    async def move(self, folder: str, name: str, into: str, new_name: str) -> None:
        """Rename a file; one that is there is replaced."""
        with self._reached(name):
            client = await self._open()
            await self._make(client, folder, into)
            await self._rename(client, self._path(folder, name), self._path(folder, into, new_name))

    async def write(self, folder: str, name: str, data: bytes) -> None:
        """Write a small file under another name, then rename it."""
        with self._reached(name):
            client = await self._open()
            await self._make(client, posixpath.dirname(folder) or ".", posixpath.basename(folder))
            half = self._path(folder, f".{name}.part")
            async with client.open(half, "wb") as far:
                await far.write(data)
            await self._rename(client, half, self._path(folder, name))

    async def remove(self, folder: str, name: str) -> None:
        """Remove a file."""
        with self._reached(name):
            client = await self._open()
            try:
                await client.remove(self._path(folder, name))
            except asyncssh.SFTPNoSuchFile:
                return

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            await self._connection.wait_closed()
        self._forget()

    def _path(self, *parts: str) -> str:
        return posixpath.normpath(posixpath.join(self._root, *parts))

    async def _make(self, client: asyncssh.SFTPClient, folder: str, into: str) -> None:
        await client.makedirs(self._path(folder, into), exist_ok=True)

    async def _rename(self, client: asyncssh.SFTPClient, old: str, new: str) -> None:
        """Rename over what is there, also where the server has no such rename of its own."""
        try:
            await client.posix_rename(old, new)
        except asyncssh.SFTPOpUnsupported:
            if await client.exists(new):
                await client.remove(new)
            await client.rename(old, new)

    async def _open(self) -> asyncssh.SFTPClient:
        async with self._opening:
            if self._client is None:
                self._connection = await asyncio.wait_for(
                    asyncssh.connect(self._host, self._port, options=self._options), CONNECT_SECONDS
                )
                self._client = await self._connection.start_sftp_client()
            return self._client

    def _forget(self) -> None:
        self._client = self._connection = None

    @contextmanager
    def _reached(self, what: str) -> Iterator[None]:
        """Their errors as faults. A connection that broke is made again at the next call."""
        try:
            yield
        except (asyncssh.Error, OSError, TimeoutError) as error:
            if not isinstance(error, asyncssh.SFTPError) or isinstance(error, asyncssh.SFTPConnectionLost):
                self._forget()
            said = str(error) or type(error).__name__
            reason = f"{what} cannot be reached on {self._host}: {said}"
            raise Fault(Failure(fault=FaultClass.TRANSIENT, reason=reason)) from error


def _options(settings: Settings, host: str) -> asyncssh.SSHClientConnectionOptions:
    """How to sign in, and by which key the server is known."""
    known = asyncssh.import_known_hosts(f"{host} {settings.text('host_key')}\n")
    key = settings.values.get("auth.key")
    try:
        return asyncssh.SSHClientConnectionOptions(
            known_hosts=known,
            username=settings.text("auth.username"),
            password=None if key is not None else settings.text("auth.password"),
            client_keys=[] if key is None else [asyncssh.import_private_key(settings.text("auth.key"))],
            agent_path=None,
            config=[],
        )
    except (asyncssh.KeyImportError, ValueError) as error:
        raise ConfigurationError(
            f"connection {settings.connection!r}: its key cannot be read: {error}"
        ) from error


def _is_plain(attributes: asyncssh.SFTPAttrs) -> bool:
    mode = attributes.permissions
    return mode is None or stat.S_ISREG(mode)


def _text(name: bytes | str) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "replace")
