"""Webhooks: a delivery is believed, understood, committed, and only then acknowledged."""

import asyncio
import hmac
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.connect import Delivery, DeliveryRefused, Secret, Sent, receive
from engine.connect.connector_plan import SourcePlan as NativeSource
from engine.errors import InputError, LedgerError
from engine.plan.plan import Plan, SourcePlan
from engine.runtime.intake import Beside, Message
from engine.runtime.triggers.impatient import ImpatientProtocol
from engine.runtime.triggers.native import Accept, usable
from engine.runtime.triggers.trigger import TriggerState
from engine.values.canonical import text_hash
from engine.values.json_text import read_json

MAX_BODY = 4 * 1024 * 1024
MAX_ITEMS = 1_000
ACCEPTED = 202
BODY_SECONDS = 30.0  # how long a body may take to come
READ_SECONDS = 0.2  # after the last call was taken, until those that say nothing are cut off
ANSWER_SECONDS = 20  # how long what was taken may be answered when the server stops


class Heard:
    """What was heard of one hook since the process began: for people, and nothing that decides."""

    def __init__(self, name: str) -> None:
        """Nothing was heard yet."""
        self.name = name
        self.at: datetime | None = None
        self.error: str | None = None

    def state(self) -> TriggerState:
        """When it was called last, and why the last delivery was not taken, if it was not."""
        return TriggerState(name=self.name, kind="webhook", asked_at=self.at, error=self.error)

    async def run(self, stopping: asyncio.Event) -> None:
        """Wait for the end: the deliveries are taken by the server."""
        await stopping.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A source that calls us, and the events that its records become."""

    name: str  # "psa.time_entry_approved"
    native: NativeSource
    events: tuple[SourcePlan, ...]
    secrets: tuple[Secret, ...]  # all that hold at present, so that one can be replaced
    keys: tuple[Secret, ...] = ()  # of which one has to end the address; none where the address is no secret
    url: str = ""  # the address as the sender knows it, where it is signed
    heard: Heard = field(default_factory=lambda: Heard(""), compare=False)


class Inlet:
    """Takes deliveries for one plan. `accept` commits offers and says what became of each."""

    def __init__(
        self,
        plan: Plan,
        hooks: Mapping[str, Hook],
        accept: Accept,
        room: Callable[[], int],
        now: Callable[[], datetime],
        come_again: Callable[[], int] = lambda: 2,
    ) -> None:
        """Serve these hooks, by "connection/source". `accept` commits, and says what became of each offer."""
        self._plan = plan
        self._hooks = hooks
        self._accept = accept
        self._room = room
        self._come_again = come_again
        self._now = now

    def application(self, ready: Callable[[], bool]) -> Starlette:
        """The ASGI application: `POST /hooks/CONNECTION/SOURCE[/KEY]`, `GET /healthz`, `GET /readyz`."""

        async def health(request: Request) -> Response:
            del request
            return JSONResponse({"status": "alive"})

        async def readiness(request: Request) -> Response:
            del request
            return JSONResponse({"status": "ready" if ready() else "stopping"}, 200 if ready() else 503)

        made = Starlette(
            routes=[
                Route("/hooks/{connection}/{source}", self._deliver, methods=["POST"]),
                Route("/hooks/{connection}/{source}/{key}", self._deliver, methods=["POST"]),
                Route("/healthz", health),
                Route("/readyz", readiness),
            ]
        )
        made.router.redirect_slashes = False  # an address is one, to the character
        return made

    async def _deliver(self, request: Request) -> Response:
        hook = self._hook(request)
        if hook is None:
            return _answer(404, "there is no such hook")
        answer = await self._answer(hook, request)
        hook.heard.at = self._now()
        hook.heard.error = None if answer.status_code == ACCEPTED else _why_not_taken(answer)
        return answer

    async def _answer(self, hook: Hook, request: Request) -> Response:
        if not _is_json(request):
            return _answer(415, "a delivery is JSON, neither compressed nor of another kind")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except ClientDisconnect:
            return _answer(400, "the delivery broke off")
        except TimeoutError:
            return _answer(408, "the delivery took too long to come", {"Connection": "close"})
        if body is None:
            return _answer(413, f"a delivery has at most {MAX_BODY} bytes")
        if self._room() <= 0:
            return _answer(
                429, "too much is on its way; come again", {"Retry-After": str(self._come_again())}
            )
        try:
            delivery = receive(hook.native, hook.secrets, _sent(hook, request, body), self._now())
        except DeliveryRefused as refused:
            return _answer(refused.status, str(refused), _CHALLENGES.get(refused.status))
        return await self._take(hook, delivery, text_hash(body))

    def _hook(self, request: Request) -> Hook | None:
        """The hook of an address; one with a key is there only for those who know it."""
        names = request.path_params
        hook = self._hooks.get(f"{names['connection']}/{names['source']}")
        given = names.get("key")
        if hook is None or (given is None) is not (not hook.keys):
            return None
        known = [hmac.compare_digest(key.reveal().encode(), str(given).encode()) for key in hook.keys]
        return hook if any(known) or not hook.keys else None

    async def _take(self, hook: Hook, delivery: Delivery, body_hash: str) -> Response:
        """Make events of a delivery that is believed, and acknowledge it when all of it is committed."""
        if len(delivery.items) > MAX_ITEMS:
            return _answer(413, f"a delivery has at most {MAX_ITEMS} records")
        offers, unfit = usable(self._plan, hook.events, delivery.items, self._now())
        unfit = [*delivery.unfit, *unfit]
        name = delivery.id
        beside = Beside(message=None if name is None else Message(id=name, body_hash=body_hash))
        try:
            found = await self._accept(offers, hook.name, unfit, beside)
        except LedgerError:
            return _answer(503, "nothing can be accepted now", {"Retry-After": "5"})
        said = {"accepted": found.count("accepted"), "known": found.count("duplicate"), "unfit": len(unfit)}
        if "conflict" in found:
            return _answer(409, "this message, or an event of it, is known with another content")
        return JSONResponse(said, ACCEPTED)


def _is_json(request: Request) -> bool:
    """Whether a body is JSON as far as its headers tell; one that says nothing is tried."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    return (kind == "application/json" or kind.endswith("+json")) and coding == "identity"


def _sent(hook: Hook, request: Request, body: bytes) -> Sent:
    query = request.url.query
    return Sent(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        method=request.method,
        url=f"{hook.url}?{query}" if query else hook.url,
    )


_CHALLENGES: Mapping[int, Mapping[str, str]] = MappingProxyType({401: {"WWW-Authenticate": "Bearer, Basic"}})


async def _body(request: Request) -> bytes | None:
    """The body; None when it is too long, of which no more is read than that."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY:
        return None
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MAX_BODY:
            return None
    return bytes(found)


def _answer(status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": why}, status, headers=headers)


def _why_not_taken(answer: Response) -> str:
    """What the last caller was told, for whoever looks at the sources."""
    said = read_json(bytes(answer.body))
    assert isinstance(said, Mapping)
    return f"the last call was answered by {answer.status_code}: {said['error']}"


def listen(host: str, port: int) -> socket.socket:
    """Listen at an address, for one server after the other: who calls meanwhile waits in line.

    Raises:
        InputError: when the address cannot be had.

    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        return socket.create_server(address[:2], family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise InputError(f"{host}:{port} cannot be listened on: {error}") from error


class Server:
    """Serves an application inside a running event loop, without taking the process's signals."""

    def __init__(
        self, application: Starlette, host: str, port: int, listening: socket.socket | None = None
    ) -> None:
        """Serve on this address, where port 0 takes a free one; or at a socket that listens already."""
        self._listening = listening
        config = uvicorn.Config(
            application,
            http=ImpatientProtocol,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=15,
            timeout_graceful_shutdown=ANSWER_SECONDS,
            limit_concurrency=512,
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Begin to listen; the address.

        Raises:
            InputError: when the address cannot be had.

        """
        self._task = asyncio.ensure_future(self._serve())
        while not self._server.started:
            if self._task.done():
                raise InputError(
                    f"{self._server.config.host}:{self._server.config.port} cannot be listened on"
                )
            await asyncio.sleep(0.01)
        if self._listening is not None and self._listening.family == socket.AF_UNIX:
            return self._server.config.host
        host, port = self._server.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def _serve(self) -> None:
        try:
            # `_serve` is `serve` without the handlers of signals, which are the daemon's.
            await self._server._serve([self._listening] if self._listening else None)  # noqa: SLF001
        except SystemExit:
            return  # uvicorn leaves like that when it cannot listen

    async def stop(self) -> None:
        """Take no more deliveries, and let those that came be answered."""
        if self._server.started:
            # The library cuts off a call that it has taken and not read yet; so no more are taken, and those
            # that were get the time to be read. Who calls now waits at the socket.
            loop = asyncio.get_running_loop()
            for one in self._server.servers:
                for listening in one.sockets:
                    loop.remove_reader(listening.fileno())
            await asyncio.sleep(READ_SECONDS)
        self._server.should_exit = True
        if self._task is not None:
            await self._task
