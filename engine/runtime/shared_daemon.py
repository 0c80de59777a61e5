"""What one machine of several listens to: webhooks, which any of them may take, and its health."""

import asyncio
import socket
from collections.abc import Mapping

from engine.clock import Clock
from engine.plan.plan import Plan
from engine.runtime import memory
from engine.runtime.machine import Machine
from engine.runtime.triggers.webhook import Hook, Inlet, Server

LOOK_SECONDS = 0.05


class SharedDaemon:
    """A machine, and the address at which it takes events."""

    def __init__(self, machine: Machine, plan: Plan, hooks: Mapping[str, Hook], clock: Clock) -> None:
        """Work with what was opened elsewhere."""
        self._machine = machine
        self._inlet = Inlet(plan, hooks, machine.accept, lambda: machine.room, clock.now)
        self._server: Server | None = None
        self._working: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, listening: socket.socket | None = None) -> str:
        """Begin to work and to listen; the address.

        With `listening` at that socket, which is left open when the daemon stops.
        """
        memory.settle()
        self._working = asyncio.ensure_future(self._machine.run())
        own = None if listening is None else listening.dup()
        self._server = Server(self._inlet.application(lambda: self._machine.ready), host, port, own)
        return await self._server.start()

    async def until_ready(self) -> None:
        """Wait until events can be taken, which needs the server of the ledger."""
        while not self._machine.ready:  # noqa: ASYNC110 - it comes and goes with the server
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def machine(self) -> Machine:
        """The machine at work."""
        return self._machine

    def stop(self) -> None:
        """Take no more, and give back what is ours."""
        self._machine.stopping.set()

    async def until_stopped(self) -> None:
        """Work until stopped; what is on its way comes back first."""
        assert self._working is not None
        assert self._server is not None
        stopping = asyncio.ensure_future(self._machine.stopping.wait())
        await asyncio.wait({stopping, self._working}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await self._server.stop()
        self.stop()
        await self._working
