"""The control door: what a person may do while a daemon runs. JSON in and out, over a Unix socket.

`GET /acts` tells which acts there are, and `POST /acts/NAME` does one. The acts are functions of a desk and a
request, so that a command does the same with a ledger that it opened itself, where no daemon runs.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, get_type_hints

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from engine.clock import Clock
from engine.errors import InputError, LedgerError
from engine.ledger import LedgerReader
from engine.runtime import control_socket
from engine.runtime.runner import Runner
from engine.runtime.triggers.trigger import Trigger
from engine.runtime.triggers.webhook import Server
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value, kind_of

MAX_BODY = 64 * 1024 * 1024  # a plan has a whole release in it
WAIT_SECONDS = 40.0  # for a desk; the rest of what a command waits for an answer is left for the act
END_SECONDS = 20.0  # how long acts that were begun are waited for when their desk is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What acts work with. `about` is what is said of the process that does them."""

    runner: Runner
    reader: LedgerReader
    clock: Clock
    triggers: Sequence[Trigger] = ()
    about: Mapping[str, Value] = field(default_factory=dict)
    reload: Callable[[], Mapping[str, Value]] | None = None  # None where no daemon runs
    deploy: Callable[[str, str, str], Awaitable[Mapping[str, Value]]] | None = None  # as above
    canary: Callable[[str, Mapping[str, Value], str, str], Awaitable[Mapping[str, Value]]] | None = None


Did: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that a person may do: in words, what it asks for, and the function that does it.

    `asks` is a frozen dataclass whose fields are texts, numbers, flags or tuples of texts; a field with a
    default may be left out of a request. What the person did wrong is raised as `InputError`.
    """

    about: str
    asks: type
    do: Callable[[Desk, Any], Awaitable[Did]]
    waits: bool = True  # for a desk; else what is said of the process is answered while there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """What is true while there is no desk: of the process, and what happens and what to do, as a sentence."""

    about: Mapping[str, Value]
    why: str


class UnknownActError(InputError):
    """There is no act of this name."""


async def perform(acts: Mapping[str, Act], desk: Desk, name: str, request: Mapping[str, Value]) -> Did:
    """Do one act.

    Raises:
        InputError: when there is no such act, the request is not what it asks for, or it cannot be done.
        LedgerError: when the ledger failed.

    """
    act = _act(acts, name)
    return await act.do(desk, shaped(act.asks, request))


def _act(acts: Mapping[str, Act], name: str) -> Act:
    act = acts.get(name)
    if act is None:
        raise UnknownActError(f"there is no act {name!r}; there are: {', '.join(acts)}")
    return act


async def answered(acts: Mapping[str, Act], desk: Desk, name: str, body: bytes) -> tuple[int, bytes]:
    """Do one act; what is said of it: a status as of HTTP, and JSON. Never raises for what went wrong."""
    return await _said(_performed(acts, desk, name, body))


async def _performed(acts: Mapping[str, Act], desk: Desk, name: str, body: bytes) -> Did:
    return await perform(acts, desk, name, _request(body))


async def _said(doing: Awaitable[Did]) -> tuple[int, bytes]:
    try:
        status, said = 200, await doing
    except InputError as error:
        status, said = (404 if isinstance(error, UnknownActError) else 422), {"error": str(error)}
    except LedgerError as error:
        status, said = 503, {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - an act that fails must not end the daemon
        fault = f"this is a fault of Tidegate itself ({type(error).__name__}: {error})"
        status, said = 500, {"error": fault}
    # Not starlette's own: amounts are exact here, also on the way to a person.
    return status, write_json(said)


def shaped(asks: type, request: Mapping[str, Value]) -> object:
    """A request as the dataclass that an act asks for.

    Raises:
        InputError: when a field is missing, of another kind, or not known.

    """
    hints = get_type_hints(asks)
    if strange := [name for name in request if name not in hints]:
        raise InputError(
            f"{strange[0]!r} is not asked for here; there are: {', '.join(hints) or 'no fields'}"
        )
    given: dict[str, object] = {}
    for one in dataclasses.fields(asks):
        required = one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
        if one.name in request:
            given[one.name] = _fitting(one.name, hints[one.name], request[one.name])
        elif required:
            raise InputError(f"{one.name!r} is missing")
    return asks(**given)


_KINDS: Mapping[object, tuple[tuple[type, ...], str]] = MappingProxyType(
    {
        str: ((str,), "a text"),
        str | None: ((str, type(None)), "a text or null"),
        int: ((int,), "a whole number"),
        int | None: ((int, type(None)), "a whole number or null"),
        bool: ((bool,), "true or false"),
        tuple[str, ...]: ((list, tuple), "a list of texts"),
    }
)


def _fitting(name: str, hint: object, value: Value) -> object:
    kinds, words = _KINDS[hint]
    fits = isinstance(value, kinds) and (isinstance(value, bool) is (hint is bool))
    if not fits or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
        raise InputError(f"{name!r} must be {words} (this is: {kind_of(value)})")
    return tuple(value) if isinstance(value, list) else value


class Door:
    """Serves the acts at a socket for as long as a process has the ledger: for one desk after the other.

    While there is none, whoever asks waits for the next one.
    """

    def __init__(self, acts: Mapping[str, Act], path: Path, absent: Callable[[], Absent]) -> None:
        """Serve at this path, for the owner of the ledger beside it; `absent` tells why there is no desk."""
        self._acts = acts
        self._path = path
        self._absent = absent
        self._desk: Desk | None = None
        self._ended = False  # no desk comes any more
        self._changed = asyncio.Event()  # there is a desk, or none comes any more
        self._doing: set[asyncio.Task[Did]] = set()
        self._server: Server | None = None

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/acts", self._list),
                Route("/acts/{name}", self._perform, methods=["POST"]),
            ]
        )

    async def open(self) -> None:
        """Begin to listen; there is no desk yet.

        Raises:
            InputError: when the socket cannot be made.

        """
        listening = control_socket.listen(self._path)
        self._server = Server(self.application(), str(self._path), 0, listening)
        await self._server.start()

    def serve(self, desk: Desk) -> None:
        """Have acts done at this desk from now on, beginning with those that wait."""
        if not self._ended:
            self._desk = desk
            self._changed.set()

    def leave(self) -> None:
        """Begin no act at the desk any more; those that were begun go on."""
        self._desk = None
        if not self._ended:
            self._changed.clear()

    async def until_answered(self) -> None:
        """Wait until the acts that were begun are over, while who works the ledger still takes turns.

        One that takes too long is given up, and whoever asked is told that it may have been done.
        """
        if self._doing:
            _, late = await asyncio.wait(self._doing, timeout=END_SECONDS)
            for doing in late:
                doing.cancel()

    def end(self) -> None:
        """Tell those who wait, and those who still come, that there is no desk any more."""
        self._ended = True
        self._desk = None
        self._changed.set()

    async def close(self) -> None:
        """Take no more requests, let those that came be answered, and take the socket away."""
        self.end()
        if self._server is not None:
            await self._server.stop()
            control_socket.remove(self._path)

    async def _list(self, request: Request) -> Response:
        del request
        return _json(200, write_json({name: act.about for name, act in self._acts.items()}))

    async def _perform(self, request: Request) -> Response:
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    return _json(422, write_json({"error": f"a request has at most {MAX_BODY} bytes"}))
        except ClientDisconnect:  # nobody hears this
            return _json(422, write_json({"error": "whoever asked has gone; nothing was done"}))
        return _json(*await _said(self._answer(request, bytes(body))))

    async def _answer(self, request: Request, body: bytes) -> Did:
        name = request.path_params["name"]
        act = _act(self._acts, name)
        if self._desk is None and not act.waits:
            return self._absent().about
        # Nothing may be awaited in between: an act that begins is one that is waited for.
        desk = await self._next_desk(request)
        doing = asyncio.ensure_future(_performed(self._acts, desk, name, body))
        self._doing.add(doing)
        doing.add_done_callback(self._doing.discard)
        await asyncio.wait({doing})
        if doing.cancelled():
            raise LedgerError(
                "the daemon makes way and could not wait for this any longer; look whether it was done "
                "before you ask again"
            )
        return doing.result()

    async def _next_desk(self, request: Request) -> Desk:
        """The desk, as soon as there is one.

        Raises:
            LedgerError: when none comes, or not in time, or nobody waits for the answer any more.

        """
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while self._desk is None and not self._ended:
                    await self._changed.wait()
                    if await request.is_disconnected():
                        raise LedgerError("whoever asked has gone; nothing was done")
        except TimeoutError:
            raise LedgerError(self._absent().why) from None
        if self._desk is None:
            raise LedgerError(self._absent().why)
        return self._desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Where persons act on a daemon: the door at which they come in, and the desk at which it is done."""

    door: Door
    desk: Desk


def _request(text: bytes) -> Mapping[str, Value]:
    try:
        body = read_json(text or b"{}", most=MAX_BODY)
    except JsonError as error:
        raise InputError(f"the request is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise InputError(f"a request must be a record (this is: {kind_of(body)})")
    return body


def _json(status: int, said: bytes) -> Response:
    return Response(said, status, media_type="application/json")
