"""Doing what persons ask of this machine: requests that lie in the ledger, done as at a control door.

A request is taken only for a partition that is ours, and begun at most once. Whatever happens, it is
answered, unless this process dies; then whoever asked is told that nobody knows whether it was done.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.errors import LedgerError
from engine.runtime.control import Act, Desk, answered

if TYPE_CHECKING:  # its driver is only there where it is wanted
    from engine.ledger.requests import Request, Requests


class Attendant:
    """Takes requests whenever it hears of some, and does them beside the turns of a machine."""

    def __init__(
        self,
        *,
        requests: "Requests",
        worker: str,
        acts: Mapping[str, Act],
        desk: Callable[[], Desk | None],
        owned: Callable[[], Collection[int]],
    ) -> None:
        """`desk` gives None while there is nobody to do anything, `owned` the partitions that are ours."""
        self._requests = requests
        self._worker = worker
        self._acts = acts
        self._desk = desk
        self._owned = owned
        self._heard = asyncio.Event()
        self._asking = asyncio.Lock()  # one thread at a time speaks with the server
        self._doing: set[asyncio.Task[None]] = set()
        self._ending = False
        self._is_away = False  # whether the server gave no answer when it was told something last
        self._taking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Take requests from now on, until :meth:`close`."""
        self._taking = asyncio.create_task(self._take())

    def look(self) -> None:
        """There may be a request."""
        self._heard.set()

    async def _take(self) -> None:
        while not self._ending:
            await self._heard.wait()
            self._heard.clear()
            with suppress(LedgerError):  # the next beat of the machine looks again
                while await self._take_one():
                    pass

    async def _take_one(self) -> bool:
        owned = {*self._owned()}
        if self._ending or self._desk() is None or not owned:
            return False
        async with self._asking:
            found = await asyncio.to_thread(self._requests.take, self._worker, owned)
        if found is None:
            return False
        desk = self._desk()
        # The work is being shared out anew, or has been meanwhile: it may be another's, and nothing was done.
        if desk is None or not owned <= {*self._owned()} or self._ending:
            await self._tell(self._requests.put_back, found.id, self._worker)
            return True
        doing = asyncio.create_task(self._do(desk, found))
        self._doing.add(doing)
        doing.add_done_callback(self._doing.discard)
        return True

    async def _do(self, desk: Desk, request: "Request") -> None:
        status, said = await answered(self._acts, desk, request.act, request.body.encode())
        await self._tell(self._requests.answer, request.id, self._worker, status, said.decode())

    async def _tell(self, tell: Callable[..., None], *said: object) -> None:
        """Tell the server something, if it can be told: whoever waits for it gives up after a while."""
        async with self._asking:
            if self._ending and self._is_away:
                return  # each would wait as long for nothing, and this machine with it
            try:
                await asyncio.to_thread(tell, *said)
                self._is_away = False
            except LedgerError:
                self._is_away = True

    async def close(self) -> None:
        """Take no more, and answer what was begun. The runner that does it has ended, or been abandoned."""
        self._ending = True
        self._heard.set()
        if self._taking is not None:
            await self._taking  # not cancelled: what it has just begun must not be left without an answer
        while self._doing:
            await asyncio.wait(self._doing)
        self._requests.close()
