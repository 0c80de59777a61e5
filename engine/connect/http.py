"""HTTP towards one system: one origin, a bounded number of requests at a time, bounded answers.

The only user of httpx towards systems. Its exceptions become faults here: before the first byte was sent
nothing happened (`Transient`); after that a write may have happened (`Unknown`), while a read is asked again
(`Transient`).
Redirects are not followed, and a URL of another origin is refused. What an answer means is not known here.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx

from engine.connect.faults import Fault, fault_of, permanent
from engine.effect import Failure, FaultClass
from engine.errors import ConfigurationError
from engine.values.json_text import read_json
from engine.values.value import Value

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
KEPT_ALIVE = timedelta(seconds=20)
LONGEST_WAIT = timedelta(days=1)  # of a Retry-After that we believe

# What httpx may raise: whether it happened before anything was sent. A test holds this against httpx.
UNSENT: Mapping[type[Exception], bool] = {
    httpx.ConnectTimeout: True,
    httpx.PoolTimeout: True,
    httpx.ConnectError: True,
    httpx.ProxyError: True,
    httpx.UnsupportedProtocol: True,
    httpx.InvalidURL: True,
    httpx.ReadTimeout: False,
    httpx.WriteTimeout: False,
    httpx.TimeoutException: False,
    httpx.ReadError: False,
    httpx.WriteError: False,
    httpx.CloseError: False,
    httpx.NetworkError: False,
    httpx.LocalProtocolError: False,
    httpx.RemoteProtocolError: False,
    httpx.ProtocolError: False,
    httpx.DecodingError: False,
    httpx.TooManyRedirects: False,
    httpx.TransportError: False,
    httpx.RequestError: False,
    httpx.HTTPStatusError: False,
    httpx.HTTPError: False,
    httpx.CookieConflict: False,
    httpx.StreamConsumed: False,
    httpx.StreamClosed: False,
    httpx.ResponseNotRead: False,
    httpx.RequestNotRead: False,
    httpx.StreamError: False,
}

_TROUBLE: tuple[type[Exception], ...] = (*UNSENT, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request below the base URL; everything in it is encoded already."""

    method: str
    target: str  # path and query, beginning with a slash; or a whole URL of the same origin
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def at(self) -> datetime | None:
        """When the system sent it, by its own clock, if it says so."""
        try:
            found = parsedate_to_datetime(self.headers.get("date", ""))
        except ValueError:
            return None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found

    def json(self) -> Value:
        """The body as JSON; None when it is empty.

        Raises:
            JsonError: when it is something else.

        """
        return read_json(self.body) if self.body.strip() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What the system bears, and what we bear of it."""

    concurrency: int = 4
    connect: timedelta = timedelta(seconds=5)
    answer: timedelta = timedelta(seconds=30)
    reply_bytes: int = 8 * 1024 * 1024


class Http:
    """A client of one origin."""

    def __init__(self, base_url: str, limits: HttpLimits, *, name: str) -> None:
        """Bind to an origin; `name` is how the system is called in reasons.

        Raises:
            ConfigurationError: for a URL that is none, or not protected on its way.

        """
        self.base = _checked_base(base_url)
        self.name = name
        self._limits = limits
        self._answer_seconds = limits.answer.total_seconds()
        # Of four or more places one is kept for the other kind: slow writes do not keep reads from going.
        apart = limits.concurrency - (limits.concurrency >= 4)
        self._kinds = {True: asyncio.Semaphore(apart), False: asyncio.Semaphore(apart)}
        self._places = asyncio.Semaphore(limits.concurrency)
        # Reading all authorities of the machine takes a while, and loopback has no use for them.
        self._trust = httpx.create_ssl_context() if self.base.scheme == "https" else False
        # A transport for each place, so that no request looks through the connections of the others: that
        # is what a pool does on every request, several times.
        self._transports: list[httpx.AsyncHTTPTransport] = []
        self._free: list[httpx.AsyncHTTPTransport] = []
        self._timeouts = httpx.Timeout(self._answer_seconds, connect=limits.connect.total_seconds()).as_dict()
        self._host = self.base.netloc.decode("ascii")
        self._base_path = self.base.raw_path.decode("ascii").rstrip("/")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports:
            await transport.aclose()

    async def send(self, request: Request, *, writes: bool) -> Reply:
        """One attempt at a request.

        Raises:
            Fault: when there is no whole answer: `Transient`, or `Unknown` for a write that may have
                happened; `Permanent` for a target of another origin and for an answer that is too long.

        """
        prepared = self._prepare(request)
        async with self._kinds[writes], self._places:
            # The one used last is the one whose connection is most likely still open.
            transport = self._free.pop() if self._free else self._another_transport()
            try:
                async with asyncio.timeout(self._answer_seconds):
                    return await self._exchange(transport, prepared)
            except _TooLong as error:
                raise self._too_long(request, writes=writes) from error
            except _TROUBLE as error:
                raise self._fault(error, request, writes=writes) from error
            finally:
                self._free.append(transport)

    def _another_transport(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEPT_ALIVE.total_seconds()
        )
        transport = httpx.AsyncHTTPTransport(trust_env=False, verify=self._trust, limits=limits)
        self._transports.append(transport)
        return transport

    def target(self, link: str) -> str:
        """The target of a link that the system gave: a path from its root, or a URL of the same origin.

        Raises:
            Permanent: for a link that leads to another origin.

        """
        try:
            url = httpx.URL(link)
        except httpx.InvalidURL:
            url = httpx.URL("invalid:")
        if url.is_relative_url and link.startswith("/") and not link.startswith("//"):
            url = self.base.join(url)
        if _origin(url) != _origin(self.base) or url.userinfo:
            raise permanent(
                f"{self.name} gave a link to another host, which is not followed", {"link": link[:200]}
            )
        return str(url)

    def _prepare(self, request: Request) -> httpx.Request:
        if request.target.startswith("/"):
            target = f"{self.base.scheme}://{self._host}{self._base_path}{request.target}"
        else:
            target = self.target(request.target)
        headers = {
            "host": self._host,
            "accept": "application/json",
            "accept-encoding": "gzip",
            **request.headers,
        }
        prepared = httpx.Request(request.method, target, headers=headers, content=request.body)
        prepared.extensions = {"timeout": self._timeouts}
        return prepared

    async def _exchange(self, transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> Reply:
        response = await transport.handle_async_request(request)
        response.request = request
        try:
            chunks, size = [], 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > self._limits.reply_bytes:
                    raise _TooLong
                chunks.append(chunk)
        finally:
            await response.aclose()
        return Reply(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=b"".join(chunks),
        )

    def _fault(self, error: Exception, request: Request, *, writes: bool) -> Fault:
        unsent = next((UNSENT[kind] for kind in type(error).__mro__ if kind in UNSENT), False)
        doubt = writes and not unsent
        return fault_of(
            Failure(
                fault=FaultClass.UNKNOWN if doubt else FaultClass.TRANSIENT,
                reason=f"{self.name} {_what_happened(error, unsent=unsent)}"
                + (", so it may have been done" if doubt else ""),
                evidence=self._evidence(request, error=type(error).__name__),
            )
        )

    def _too_long(self, request: Request, *, writes: bool) -> Fault:
        return fault_of(
            Failure(
                fault=FaultClass.UNKNOWN if writes else FaultClass.PERMANENT,
                reason=f"{self.name} gave an answer of more than {self._limits.reply_bytes:,} bytes",
                evidence=self._evidence(request, error="TooLong"),
            )
        )

    @staticmethod
    def _evidence(request: Request, *, error: str) -> dict[str, Value]:
        return {"method": request.method, "path": request.target.partition("?")[0][:200], "error": error}


class _TooLong(Exception):
    """The answer is longer than we bear."""


def _what_happened(error: Exception, *, unsent: bool) -> str:
    if unsent:
        return "cannot be reached"
    timed_out = isinstance(error, httpx.TimeoutException | TimeoutError)
    return "did not answer in time" if timed_out else "broke off before its answer was complete"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _checked_base(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"the base URL {text!r} is none: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment or url.userinfo:
        raise ConfigurationError(f"the base URL {text!r} must be https://HOST/PATH and nothing more")
    if url.scheme == "http" and url.host not in LOOPBACK:
        raise ConfigurationError(f"the base URL {text!r} must begin with https://")
    return url


def retry_after(reply: Reply, now: datetime) -> int | None:
    """How many seconds the system asks us to wait: `Retry-After` as seconds or as a date (RFC 9110).

    Systems without it that send `RateLimit-Reset` mean the seconds until we may come again.
    """
    text = (reply.headers.get("retry-after") or reply.headers.get("ratelimit-reset", "")).strip()
    if not text:
        return None
    limit = int(LONGEST_WAIT.total_seconds())
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), limit)
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return max(0, min(int(wait.total_seconds()), limit))
