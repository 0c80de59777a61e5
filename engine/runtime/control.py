"""The control door: what a person may do while a daemon runs. JSON in and out, over a Unix socket.

`GET /acts` tells which acts there are, and `POST /acts/NAME` does one. The acts are functions of a desk and a
request, so that a command does the same with a ledger that it opened itself, where no daemon runs.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, get_type_hints

from starlette.applications import Starlette
from starlette.requests import Request
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


class UnknownActError(InputError):
    """There is no act of this name."""


async def perform(acts: Mapping[str, Act], desk: Desk, name: str, request: Mapping[str, Value]) -> Did:
    """Do one act.

    Raises:
        InputError: when there is no such act, the request is not what it asks for, or it cannot be done.
        LedgerError: when the ledger failed.

    """
    act = acts.get(name)
    if act is None:
        raise UnknownActError(f"there is no act {name!r}; there are: {', '.join(acts)}")
    return await act.do(desk, shaped(act.asks, request))


async def answered(acts: Mapping[str, Act], desk: Desk, name: str, body: bytes) -> tuple[int, bytes]:
    """Do one act; what is said of it: a status as of HTTP, and JSON. Never raises for what went wrong."""
    try:
        status, said = 200, await perform(acts, desk, name, _request(body))
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
    """Serves the acts at a socket for as long as the daemon runs."""

    def __init__(self, acts: Mapping[str, Act], desk: Desk, path: Path) -> None:
        """Serve at this path, for the owner of the ledger beside it."""
        self._acts = acts
        self._desk = desk
        self._path = path
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
        """Begin to listen.

        Raises:
            InputError: when the socket cannot be made.

        """
        listening = control_socket.listen(self._path)
        self._server = Server(self.application(), str(self._path), 0, listening)
        await self._server.start()

    async def close(self) -> None:
        """Take no more requests, let those that came be answered, and take the socket away."""
        if self._server is not None:
            await self._server.stop()
            control_socket.remove(self._path)

    async def _list(self, request: Request) -> Response:
        del request
        return _json(200, write_json({name: act.about for name, act in self._acts.items()}))

    async def _perform(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                return _json(422, write_json({"error": f"a request has at most {MAX_BODY} bytes"}))
        return _json(*await answered(self._acts, self._desk, request.path_params["name"], bytes(body)))


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
