"""What every vendor simulator is built from: a real HTTP server in a thread, on loopback.

A simulator keeps its records in memory and lives in the process of the test, so that they survive whatever
happens to the process under test. It can be told to fail in every way that a network and a server know, and
its journal says what really happened, which is how "posted twice" is counted.
"""

import argparse
import asyncio
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, ClassVar, Self, TypeAlias
from urllib.parse import parse_qsl, unquote

from starlette.routing import compile_path
from uvicorn import Config
from uvicorn.server import ServerState

from engine.connect.notifier import Notifier, Signer
from engine.connect.records import Journal
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

START_SECONDS = 10
HANG_SECONDS = 600
ABORT_MILLISECONDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, as a simulator's handlers see it."""

    method: str
    path: str
    arguments: Mapping[str, str]  # the parts of the path that its route names
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def json(self) -> Value:
        """The body as JSON.

        Raises:
            JsonError: when it is none.

        """
        return read_json(self.body)

    def record(self) -> dict[str, Value]:
        """The body as a JSON object; raises JsonError for anything else."""
        found = self.json()
        if not isinstance(found, dict):
            raise JsonError("the body is no object")
        return found

    def form(self) -> Mapping[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode()))

    @property
    def bearer(self) -> str:
        """The token of the request; empty when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer of a simulator."""

    status: int = 200
    body: object = None  # what is written as JSON; bytes go as they are; None for no body
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Raised by a handler to answer with an error."""

    def __init__(self, response: Response) -> None:
        """Carry the answer."""
        super().__init__(response.status)
        self.response = response


class Trouble(StrEnum):
    """What may go wrong with one request."""

    RESET_BEFORE = "reset_before"  # the connection is reset, nothing was done
    RESET_AFTER = "reset_after"  # it was done, then the connection was reset
    HANG_BEFORE = "hang_before"  # no answer comes, nothing was done
    HANG_AFTER = "hang_after"  # it was done, and no answer comes
    ERROR_BEFORE = "error_before"  # status 500, nothing was done
    ERROR_AFTER = "error_after"  # it was done, then status 500
    GATEWAY_AFTER = "gateway_after"  # it was done, and a gateway answers 504
    TRUNCATE = "truncate"  # it was done, and half of the answer arrives
    GARBAGE = "garbage"  # it was done, and the answer is a page of HTML
    UNAVAILABLE = "unavailable"  # status 503 with Retry-After, nothing was done
    THROTTLE = "throttle"  # the vendor's own "too many requests", nothing was done


_BEFORE = frozenset(
    {Trouble.RESET_BEFORE, Trouble.HANG_BEFORE, Trouble.ERROR_BEFORE, Trouble.UNAVAILABLE, Trouble.THROTTLE}
)


@dataclass(slots=True, kw_only=True)
class _Planned:
    trouble: Trouble
    times: int
    path: str


Handler: TypeAlias = Callable[[Call], Response]
Route: TypeAlias = tuple[str, str, Handler]  # method, path with {names}, handler


class Simulator:
    """A vendor's system. A subclass gives routes, and says how it refuses callers that it does not know."""

    NAME: ClassVar[str] = "simulator"
    ROOT: ClassVar[str] = ""  # the path of the base URL, which its routes begin with
    TOKEN_SECONDS: ClassVar[int] = 3600

    def __init__(self, *, now: Callable[[], datetime] | None = None, signer: Signer | None = None) -> None:
        """Prepare an empty system; `now` is its clock."""
        self.now = now or _utc_now
        self.journal = Journal()
        self.notifier = Notifier(signer or _unsigned)
        self.concurrency: int | None = None  # requests at a time, before the vendor refuses more
        self.latency_seconds = 0.0
        self._tokens: dict[str, datetime] = {}
        self._issued = 0
        self._planned: list[_Planned] = []
        self._running = 0
        self._routes = [
            (method, *compile_path(self.ROOT + path)[::2], handler) for method, path, handler in self.routes()
        ]
        self._server = _Server(self._serve)

    # What a subclass says

    def routes(self) -> Sequence[Route]:
        """Its operations. Handlers are plain functions, done one after the other: each is atomic."""
        return ()

    def is_public(self, call: Call) -> bool:
        """Whether a request needs no token: the token endpoint, as a rule."""
        return call.path.endswith("/token")

    def refuse_caller(self) -> Response:
        """The answer to a caller without a valid token."""
        return Response(status=401, body={"error": "invalid_token"})

    def refuse_load(self) -> Response:
        """The answer to one request too many."""
        return Response(status=429, body={"error": "too many requests"}, headers={"retry-after": "1"})

    def not_found(self, call: Call) -> Response:
        """The answer to a path that is none."""
        return Response(status=404, body={"error": f"no {call.method} {call.path}"})

    def bad_request(self, error: JsonError) -> Response:
        """The answer to a body that is no JSON."""
        return Response(status=400, body={"error": str(error)})

    # Life

    def start(self, port: int = 0) -> Self:
        """Listen on 127.0.0.1, unless it does; a port of 0 takes a free one."""
        self._server.start(port)
        return self

    def stop(self) -> None:
        """Stop listening, and stop telling."""
        self.notifier.stop()
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """What a simulated connection takes for the manifest's base URL."""
        return f"http://127.0.0.1:{self._server.port}{self.ROOT}"

    # Switches

    def outage(self) -> None:
        """Go away: connections break off, new ones are refused. Records stay."""
        self._server.close()

    def recover(self) -> None:
        """Come back on the same port."""
        self._server.listen()

    def fail_next(self, trouble: Trouble | str, times: int = 1, path: str = "") -> None:
        """Let the next requests whose path contains `path` fail in this way; token requests are spared."""
        self._planned.append(_Planned(trouble=Trouble(trouble), times=times, path=path))

    def throttle(self, times: int) -> None:
        """Refuse the next requests as too many."""
        self.fail_next(Trouble.THROTTLE, times)

    # Tokens

    def issue_token(self, life_seconds: int | None = None) -> str:
        """A new token."""
        self._issued += 1
        token = f"{self.NAME}-token-{self._issued}"
        life = self.TOKEN_SECONDS if life_seconds is None else life_seconds
        self._tokens[token] = datetime.fromtimestamp(self.now().timestamp() + life, UTC)
        return token

    def accept_token(self, token: str) -> None:
        """Let a token hold that was issued once and for all."""
        self._tokens[token] = _FOREVER

    def expire_tokens(self) -> None:
        """No token that was issued so far holds any more."""
        self._tokens.clear()

    # One request

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await _call(scope, receive)
        self._running += 1
        try:
            if self.latency_seconds:
                await asyncio.sleep(self.latency_seconds)
            trouble = self._trouble(call)
            response = self._before(trouble) if trouble in _BEFORE else self._handle(call)
            self.journal.note(self.now(), call.method, call.path, response.status, trouble)
            await self._answer(trouble, response, scope, send)
        finally:
            self._running -= 1

    def _trouble(self, call: Call) -> Trouble | None:
        if not self._planned or self.is_public(call):
            return None
        for planned in self._planned:
            if planned.path in call.path:
                planned.times -= 1
                if planned.times <= 0:
                    self._planned.remove(planned)
                return planned.trouble
        return None

    def _handle(self, call: Call) -> Response:
        if self.concurrency is not None and self._running > self.concurrency:
            return self.refuse_load()
        if not self.is_public(call) and self._tokens.get(call.bearer, _NEVER) <= self.now():
            return self.refuse_caller()
        try:
            return self._dispatch(call)
        except Refused as refused:
            return refused.response
        except JsonError as error:
            return self.bad_request(error)

    def _dispatch(self, call: Call) -> Response:
        for method, pattern, _, handler in self._routes:
            if method == call.method and (match := pattern.match(call.path)):
                arguments = {name: unquote(text) for name, text in match.groupdict().items()}
                return handler(_with_arguments(call, arguments))
        return self.not_found(call)

    def _before(self, trouble: Trouble | None) -> Response:
        if trouble is Trouble.THROTTLE:
            return self.refuse_load()
        if trouble is Trouble.UNAVAILABLE:
            return Response(status=503, body={"error": "unavailable"}, headers={"retry-after": "1"})
        return Response(status=500, body={"error": "unexpected"})

    async def _answer(self, trouble: Trouble | None, response: Response, scope: Scope, send: Send) -> None:
        match trouble:
            case Trouble.RESET_BEFORE | Trouble.RESET_AFTER:
                await self._server.abort(scope["client"])
            case Trouble.HANG_BEFORE | Trouble.HANG_AFTER:
                await asyncio.sleep(HANG_SECONDS)
            case Trouble.TRUNCATE:
                await _send(send, response, self.now(), cut=True)
                await self._server.abort(scope["client"], politely=True)
            case Trouble.ERROR_AFTER:
                await _send(send, Response(status=500, body={"error": "unexpected"}), self.now())
            case Trouble.GATEWAY_AFTER:
                await _send(send, Response(status=504, body=b"<html>Gateway Time-out</html>"), self.now())
            case Trouble.GARBAGE:
                await _send(send, Response(status=200, body=b"<html>Have a nice day</html>"), self.now())
            case _:
                await _send(send, response, self.now())


def _unsigned(_body: bytes, _number: int) -> Mapping[str, str]:
    return {}


_NEVER = datetime.min.replace(tzinfo=UTC)
_FOREVER = datetime.max.replace(tzinfo=UTC)


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _call(scope: Scope, receive: Receive) -> Call:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    # The raw path keeps %2F apart from a slash.
    path = scope["raw_path"].partition(b"?")[0].decode("ascii")
    return Call(
        method=scope["method"],
        path=path,
        arguments={},
        query=dict(parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True)),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


def _with_arguments(call: Call, arguments: Mapping[str, str]) -> Call:
    if not arguments:
        return call
    return Call(
        method=call.method,
        path=call.path,
        arguments=arguments,
        query=call.query,
        headers=call.headers,
        body=call.body,
    )


async def _send(send: Send, response: Response, at: datetime, *, cut: bool = False) -> None:
    if response.body is None:
        body = b""
    else:
        body = response.body if isinstance(response.body, bytes) else write_json(response.body)
    # A short answer that is cut still has to promise more than it brings.
    length = max(len(body), 64) if cut else len(body)
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    headers.append((b"date", format_datetime(at.astimezone(UTC), usegmt=True).encode()))
    if body or cut:
        headers.append((b"content-type", b"application/json"))
    if response.status != 204:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body[: length // 2] if cut else body, "more_body": cut})


class _Server:
    """uvicorn in a thread, with a listener that can be closed and opened again."""

    def __init__(self, serve: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.port = 0
        self._config = Config(
            serve,
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=60,
        )
        self._state = ServerState()
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread | None = None
        self._listener: asyncio.Server | None = None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def start(self, port: int) -> None:
        if self._thread is not None:
            return
        if not self._config.loaded:
            self._config.load()
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        try:
            self.listen()
        except OSError:
            self.stop()
            raise

    def listen(self) -> None:
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(START_SECONDS)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(START_SECONDS)

    def stop(self) -> None:
        if self._thread is None:
            return
        self.close()
        asyncio.run_coroutine_threadsafe(self._drain(), self._loop).result(START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._thread = None

    async def _open(self) -> None:
        if self._listener is not None:
            return
        # asyncio switches Nagle's waiting off only where the socket says that it is TCP.
        place = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind(("127.0.0.1", self.port))
        except OSError:
            place.close()
            raise
        self._listener = await self._loop.create_server(self._protocol, sock=place, backlog=1024)
        self.port = place.getsockname()[1]

    def _protocol(self) -> asyncio.Protocol:
        # uvicorn types this class as a plain protocol; what it takes is what its own server gives it.
        make: Any = self._config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self._config, server_state=self._state, app_state={}, _loop=self._loop
        )
        return made

    async def _shut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in list(self._state.connections):
            _transport(connection).abort()

    async def _drain(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def abort(self, client: tuple[str, int], *, politely: bool = False) -> None:
        """Break off the connection of a client; politely, after what was sent so far."""
        for connection in list(self._state.connections):
            transport = _transport(connection)
            if transport.get_extra_info("peername") == tuple(client):
                (transport.close if politely else transport.abort)()
                # uvicorn complains about a missing answer unless it has seen the connection go.
                for _ in range(ABORT_MILLISECONDS):
                    if connection not in self._state.connections:
                        break
                    await asyncio.sleep(0.001)


def _transport(connection: object) -> asyncio.Transport:
    transport: object = vars(connection).get("transport", None)
    assert isinstance(transport, asyncio.Transport)
    return transport


def run(kind: type[Simulator], arguments: Iterable[str] | None = None) -> int:
    """Run a simulator until it is interrupted: the `python -m` of every one."""
    parser = argparse.ArgumentParser(description=f"A simulated {kind.NAME} on loopback.")
    parser.add_argument("--port", type=int, default=0, help="a free one when left out")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    with kind().start(asked.port) as simulator:
        sys.stdout.write(f"{simulator.base_url}\n")
        sys.stdout.flush()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0
