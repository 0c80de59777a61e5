"""One system on a real socket, whose first answer to a write breaks in one way. Plain bytes, so that all may break."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

SILENCE = 60.0  # longer than anybody waits
LATE = 2.2  # after our time-out, and before the system has settled


class Post(NamedTuple):
    """A write that was read to its end."""

    key: str  # the idempotency key, where there is one
    body: bytes


@dataclass(slots=True)
class Exchange:
    """One request and the way back."""

    system: "System"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    method: str = ""
    target: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def apply(self) -> None:
        """Do what was asked for; what is folded by key or name is there once."""
        key = self.headers.get("idempotency-key", "")
        name = json.loads(self.body)["key"]
        folded = (bool(key) and key in self.system.keys) or (
            self.method == "PUT" and name in self.system.records
        )
        self.system.keys.add(key)
        if not folded:
            self.system.records.append(name)

    def proof(self) -> bytes:
        """The answer that proves the write."""
        return json.dumps({"id": "R-1", "key": json.loads(self.body)["key"]}).encode()

    def answer(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json",
        *,
        length: int | None = None,
        more: str = "",
    ) -> None:
        """A whole answer, as far as the caller gives one."""
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n{more}\r\n"
        self.writer.write(head.encode() + body)

    def reset(self) -> None:
        """RST in the place of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Break = Callable[[Exchange], Awaitable[None]]


@dataclass(slots=True)
class System:
    """What it has, and what it was sent."""

    breaks: Break
    early: bool = False  # it breaks before a request is read
    always: bool = False  # and not only the first time
    records: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    posts: list[Post] = field(default_factory=list)
    looks: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def listen(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_server(self._serve, sock=sock, ssl=tls)

    async def close(self) -> None:
        """Give back the port."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._exchanges(Exchange(self, reader, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchanges(self, one: Exchange) -> None:
        if self.early and self._breaks_now():
            await self.breaks(one)
            return
        while await _read_head(one):
            writes = one.method != "GET"
            if writes and self.early is None and self._breaks_now():
                await self.breaks(one)
                return
            one.body = await one.reader.readexactly(int(one.headers.get("content-length", 0)))
            if not writes:
                self._look(one)
                continue
            self.posts.append(Post(one.headers.get("idempotency-key", ""), one.body))
            if self._breaks_now():
                await self.breaks(one)
                await one.writer.drain()
                return
            one.apply()
            one.answer(200, one.proof())

    def _breaks_now(self) -> bool:
        self.reached.set()
        now = self.always or not self.broken
        self.broken = True
        return now

    def _look(self, one: Exchange) -> None:
        self.looks += 1
        name = one.target.rpartition("/")[2]
        if name in self.records:
            one.answer(200, b'{"id": "R-1"}')
        else:
            one.answer(404, b'{"error": "there is none"}')


async def _read_head(one: Exchange) -> bool:
    """Whether there is a further request on this connection."""
    try:
        text = (await one.reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return False
    first, *lines = text.split("\r\n")
    one.method, one.target, _ = first.split(" ", 2)
    one.headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    return True
