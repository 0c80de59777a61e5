"""HTTP that does not wait for ever: a client has so long to send the head of a request, or is cut off."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, with a time for the head of each request."""

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of the head; it may come byte by byte."""
        if self._head is None:
            self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._wait_no_more()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._head = self.loop.call_later(HEAD_SECONDS, self._cut_off)

    def _wait_no_more(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _cut_off(self) -> None:
        self._head = None
        transport: Any = self.transport
        if transport is not None and not transport.is_closing():
            transport.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            transport.close()
