"""The daemon: starts what listens and what works, and stops them in the right order."""

import asyncio
import socket
from collections.abc import Mapping, Sequence

from engine.clock import Clock
from engine.plan.plan import Plan
from engine.runtime import memory
from engine.runtime.control import Reception
from engine.runtime.runner import Runner
from engine.runtime.triggers.trigger import Trigger
from engine.runtime.triggers.webhook import Hook, Inlet, Server

PATIENCE_SECONDS = 20.0  # how long deliveries on their way are waited for when stopping


class Daemon:
    """Runs flows until it is told to stop."""

    def __init__(
        self,
        runner: Runner,
        plan: Plan,
        hooks: Mapping[str, Hook],
        clock: Clock,
        triggers: Sequence[Trigger] = (),
        reception: Reception | None = None,
    ) -> None:
        """Work with what was opened elsewhere; persons act on it at `reception`, whose door stays open."""
        self.runner = runner
        self._reception = reception
        self._triggers = triggers
        self._asking: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._done = False  # nobody is left who waits for a turn
        self._inlet = Inlet(
            plan, hooks, runner.accept, lambda: runner.room, clock.now, lambda: runner.come_again_seconds
        )
        self._server: Server | None = None
        self._worker: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, listening: socket.socket | None = None) -> str:
        """Take up what was left open, begin to work and to listen; the address.

        With `listening` at that socket, which is left open when the daemon stops.
        """
        memory.settle()
        self.runner.recover()
        # A copy: a server closes what it served at, and callers go on to wait at the socket itself.
        own = None if listening is None else listening.dup()
        self._server = Server(self._inlet.application(lambda: not self._stopping.is_set()), host, port, own)
        address = await self._server.start()  # before the first turn: it may have much to take up
        self._worker = asyncio.ensure_future(self._work())
        self._asking = [asyncio.ensure_future(one.run(self._stopping)) for one in self._triggers]
        if self._reception is not None:
            self._reception.door.serve(self._reception.desk)
        return address

    async def _work(self) -> None:
        while not self._done:
            await self.runner.turn(wait_seconds=0.5)
            self.runner.raise_failure()

    def end(self) -> None:
        """Have it stop: what is on its way comes back first."""
        self._stopping.set()
        if self._reception is not None:
            self._reception.door.leave()

    async def until_stopped(self) -> None:
        """Wait to be stopped.

        Raises:
            LedgerError: when the ledger failed; what was accepted is safe, and nothing more is.

        """
        assert self._worker is not None
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({stopping, self._worker, *self._asking}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

    async def stop(self) -> None:
        """Take no more, wait a while for what is on its way, and leave the rest to the next process."""
        self.end()
        if self._server is not None:
            await self._server.stop()
        # Those who ask may be waiting for a turn of the worker, so they come before it.
        if self._reception is not None:
            await self._reception.door.until_answered()
        await asyncio.gather(*self._asking)
        self._done = True
        if self._worker is not None:
            await self._worker
        await self.runner.stop(PATIENCE_SECONDS)
