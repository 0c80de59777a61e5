"""Acts on a ledger: by the daemon or the machines that work on it, or on the ledger opened here.

Whether a daemon runs shows at its socket, and which machines do is known to the server of their ledger.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, cast

from engine.cli import options
from engine.errors import InputError, LedgerError
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.control import Desk, Did

ANSWER_SECONDS = 60.0  # how long a daemon may take for one act; it waits for a commit at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What has to be opened where no daemon runs."""

    ledger_url: str
    folder: Path | None
    environment: str
    simulators: Mapping[str, str]


def acting(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that acts on a ledger, handed to it as one `opening`."""

    @options.workspace
    @options.environment
    @options.ledger
    @options.simulators
    @wraps(command)
    def acted(
        *,
        ledger_url: str,
        folder: Path | None,
        environment: str,
        simulators: dict[str, str],
        **others: object,
    ) -> None:
        opening = Opening(
            ledger_url=ledger_url, folder=folder, environment=environment, simulators=simulators
        )
        command(opening=opening, **others)

    return acted


def act(name: str, request: Mapping[str, Value], opening: Opening) -> "Did":
    """Have the daemon of a ledger do an act; or do it here, with all that follows from it, where none runs.

    Raises:
        InputError: when it cannot be done; the sentence says why.
        LedgerError: when the ledger cannot be opened or written.

    """
    answered = ask_daemon(opening.ledger_url, name, request)
    return asyncio.run(_act_here(name, request, opening)) if answered is None else answered


def ask_daemon(ledger_url: str, name: str, request: Mapping[str, Value]) -> "Did | None":
    """Have the daemon of a ledger do an act, or one of the machines; None when none runs on it.

    Raises:
        InputError: when it cannot be done; the sentence says why.
        LedgerError: when the daemon cannot write the ledger, or broke off.

    """
    from engine.ledger import control_path, is_shared

    body = _written(request)
    if is_shared(ledger_url):
        from engine.cli.machines import ask_machines

        answer = ask_machines(ledger_url, name, request, ANSWER_SECONDS)
        return None if answer is None else _understood(*answer)

    from engine.runtime.control_socket import answers

    path = control_path(ledger_url)
    # Asked before the library is imported, which takes longer than most commands.
    if path is None or not path.is_socket() or not answers(path):
        return None
    return _ask(path, name, body)


def _written(request: Mapping[str, Value]) -> bytes:
    try:
        return write_json(request)
    except TypeError as error:  # the shell hands over any bytes
        odd = next(name for name, value in request.items() if _is_odd(value))
        raise InputError(f"what was given as {odd!r} is no text in UTF-8, and nothing was done") from error


def _is_odd(value: Value) -> bool:
    try:
        write_json(value)
    except TypeError:
        return True
    return False


def _ask(path: Path, name: str, body: bytes) -> "Did":
    import httpx

    from engine.runtime.control_socket import address

    try:
        with (
            address(path) as short,
            httpx.Client(transport=httpx.HTTPTransport(uds=short), timeout=ANSWER_SECONDS) as client,
        ):
            answer = client.post(f"http://tidegate/acts/{name}", content=body)
    except httpx.HTTPError as error:
        raise LedgerError(f"the daemon at {path} did not answer: {error}") from error
    return _understood(answer.status_code, answer.content)


def _understood(status: int, content: bytes) -> "Did":
    try:
        said = cast("dict[str, Value]", read_json(content))
    except JsonError as error:
        raise LedgerError(f"the daemon answered with {status} and no JSON") from error
    if status == 200:
        return said
    why = str(said.get("error"))
    raise LedgerError(why) if status >= 500 else InputError(why)


async def _act_here(name: str, request: Mapping[str, Value], opening: Opening) -> "Did":
    from engine.runtime.acts import ACTS
    from engine.runtime.control import perform

    async with desk_here(opening) as desk:
        doing = asyncio.ensure_future(perform(ACTS, desk, name, request))
        await asyncio.sleep(0)
        while not doing.done():
            await desk.runner.until_rest()
            await asyncio.sleep(0)
        did = await doing
        await desk.runner.until_rest()
        return did


@asynccontextmanager
async def desk_here(opening: Opening) -> "AsyncIterator[Desk]":
    """A desk on the ledger that is opened here; what a process before this one left open is taken up."""
    from engine import session as sessions
    from engine.clock import SystemClock
    from engine.ledger import open_ledger
    from engine.runtime.control import Desk
    from engine.runtime.runner import Runner

    clock = SystemClock()
    with open_ledger(opening.ledger_url, clock=clock) as ledger:
        session = sessions.at_work(opening.folder, ledger.reader())
        sessions.store_release(session, ledger, clock)
        connections = sessions.open_connections(session, opening.environment, clock, opening.simulators)
        try:
            runner = Runner(
                ledger=ledger,
                plan=session.ready.plan,
                plans=sessions.plans(session, ledger),
                connections=connections,
                clock=clock,
            )
            runner.recover()
            yield Desk(runner=runner, reader=ledger.reader(), clock=clock)
        finally:
            await connections.aclose()
