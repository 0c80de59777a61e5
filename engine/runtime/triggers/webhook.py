"""Webhooks: a delivery is believed, understood, committed, and only then acknowledged."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.connect import JsonError, Settings, read_json
from engine.connect.connector_plan import SourcePlan as NativeSource
from engine.core.accept import Offer
from engine.core.turn import truth
from engine.errors import InputError, LedgerError
from engine.language.compiled import EvaluationError
from engine.plan.plan import Plan, SourcePlan
from engine.runtime.triggers.native import events_of
from engine.runtime.triggers.signature import refusal
from engine.values.value import Value

MAX_BODY = 4 * 1024 * 1024
MAX_ITEMS = 1_000


@dataclass(frozen=True, slots=True)
class Hook:
    """A source that calls us, and the events that its records become."""

    native: NativeSource
    events: tuple[SourcePlan, ...]
    settings: Settings


class Inlet:
    """Takes deliveries for one plan. `accept` commits offers and says what became of each."""

    def __init__(
        self,
        plan: Plan,
        hooks: Mapping[str, Hook],
        accept: Callable[[Sequence[Offer]], "asyncio.Future[list[str]] | object"],
        room: Callable[[], int],
        now: Callable[[], datetime],
    ) -> None:
        """Serve these hooks, by "connection/source"."""
        self._plan = plan
        self._hooks = hooks
        self._accept = accept
        self._room = room
        self._now = now

    def application(self, ready: Callable[[], bool]) -> Starlette:
        """The ASGI application: `POST /hooks/{connection}/{source}`, `GET /healthz`, `GET /readyz`."""

        async def health(request: Request) -> Response:
            del request
            return JSONResponse({"status": "alive"})

        async def readiness(request: Request) -> Response:
            del request
            return JSONResponse({"status": "ready" if ready() else "stopping"}, 200 if ready() else 503)

        return Starlette(
            routes=[
                Route("/hooks/{connection}/{source}", self._deliver, methods=["POST"]),
                Route("/healthz", health),
                Route("/readyz", readiness),
            ]
        )

    async def _deliver(self, request: Request) -> Response:
        hook = self._hooks.get(f"{request.path_params['connection']}/{request.path_params['source']}")
        if hook is None:
            return _answer(404, "there is no such hook")
        try:
            body = await _body(request)
        except ClientDisconnect:
            return _answer(400, "the delivery broke off")
        if body is None:
            return _answer(413, f"a delivery has at most {MAX_BODY} bytes")
        headers = {name.lower(): value for name, value in request.headers.items()}
        webhook = hook.native.webhook
        assert webhook is not None
        why = refusal(webhook, hook.settings.secrets(webhook.secret) if webhook.signature != "none" else (), headers, body, self._now())
        if why is not None:
            return _answer(401, why)
        if self._room() <= 0:
            return _answer(429, "too much is on its way; come again", {"Retry-After": "2"})
        return await self._take(hook, body, headers)

    async def _take(self, hook: Hook, body: bytes, headers: Mapping[str, str]) -> Response:
        """Make events of a delivery that is believed, and acknowledge it when they are committed."""
        try:
            offers = self._offers(hook, body, headers)
        except (JsonError, InputError, EvaluationError) as error:
            return _answer(422, str(error))
        if not offers:
            return JSONResponse({"accepted": 0}, 202)
        try:
            found = await cast("asyncio.Future[list[str]]", self._accept(offers))
        except LedgerError:
            return _answer(503, "nothing can be accepted now", {"Retry-After": "5"})
        if "conflict" in found:
            return _answer(409, "an event with this identity and another content is known")
        return JSONResponse({"accepted": found.count("accepted"), "known": found.count("duplicate")}, 202)

    def _offers(self, hook: Hook, body: bytes, headers: Mapping[str, str]) -> list[Offer]:
        """The canonical events of a delivery.

        Raises:
            InputError, EvaluationError, JsonError: when it is not what the source's schema says.

        """
        content = read_json(body)
        items = content if hook.native.items is None else hook.native.items.call(_scope(content, headers))
        records = items if isinstance(items, list) else [items]
        if len(records) > MAX_ITEMS:
            raise InputError(f"a delivery has at most {MAX_ITEMS} records")
        return [made for record in records for made in self._events(hook, record)]

    def _events(self, hook: Hook, record: Value) -> list[Offer]:
        native = hook.native
        if native.when is not None and not truth(native.when.call({"item": record})):
            return []
        complaints = native.output.complaints(record)
        if complaints:
            raise InputError("; ".join(complaints))
        if native.output.decode is not None:
            record = native.output.decode(record)
        return events_of(self._plan, hook.events, record, self._now())


def _scope(content: Value, headers: Mapping[str, str]) -> dict[str, Value]:
    named: dict[str, Value] = {name.replace("-", "_"): value for name, value in headers.items()}
    return {"body": content, "header": named, "status": 200}


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


class Server:
    """Serves an application inside a running event loop, without taking the process's signals."""

    def __init__(self, application: Starlette, host: str, port: int) -> None:
        """Serve on this address; port 0 takes a free one."""
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=15,
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
                raise InputError(f"{self._server.config.host}:{self._server.config.port} cannot be listened on")
            await asyncio.sleep(0.01)
        host, port = self._server.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def _serve(self) -> None:
        try:
            # `_serve` is `serve` without the handlers of signals, which are the daemon's.
            await self._server._serve()  # noqa: SLF001
        except SystemExit:
            return  # uvicorn leaves like that when it cannot listen

    async def stop(self) -> None:
        """Take no more deliveries, and let those that came be answered."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
