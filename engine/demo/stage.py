"""What the story is played on: the daemon with its webhook inlet and pollers, a ledger, and a clock."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine import session as sessions
from engine.clock import FixedClock
from engine.errors import TidegateError
from engine.ledger import Ledger, open_ledger
from engine.ledger.reader import LedgerReader
from engine.plan.plan import Plan
from engine.runtime.accept import offer
from engine.runtime.daemon import Daemon
from engine.runtime.runner import Runner
from engine.runtime.triggers.poll import Poller
from engine.runtime.triggers.triggers import Triggers
from engine.values.json_text import write_json
from engine.values.value import Value

ENVIRONMENT = "demo"
PATIENCE_SECONDS = 30.0
TICK_SECONDS = 0.01


class DemoStuckError(TidegateError):
    """Something on the stage did not come to rest; the sentence says what."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """What was opened for the story."""

    clock: FixedClock
    plan: Plan
    ledger: Ledger
    reader: LedgerReader
    runner: Runner
    pollers: list[Poller]
    address: str  # where webhooks are taken
    hooks: tuple[str, ...]  # "connection/source" of each
    complaints: list[str]  # records that could not be used

    def at(self, instant: datetime) -> None:
        """It is this instant now, on every clock of the firm."""
        assert instant >= self.clock.now(), "the story goes forward"
        self.clock.advance(instant - self.clock.now())

    async def hand_in(self, event: str, data: dict[str, Value], source: str) -> list[str]:
        """An event that comes from a system without a connector, as a file would bring it."""
        made = offer(self.plan, event, data, write_json(data), self.clock.now(), source)
        return await self.runner.accept([made])

    async def ask(self, connection: str) -> list[str]:
        """Ask the sources of a connection for news now; what became of each event."""
        found: list[str] = []
        for poller in self.pollers:
            if poller.asked.connection.name == connection:
                found.extend(await poller.ask())
        return found

    async def rest(self) -> None:
        """Wait until nothing is left to do.

        Raises:
            DemoStuckError: when it takes too long.

        """
        await self._until(lambda: self.runner.at_rest, "the flows did not come to rest")

    async def tried(self, retries: int) -> None:
        """Wait until deliveries were tried in vain so often."""
        await self._until(
            lambda: self.runner.executor.tally.retries >= retries, "nothing was tried against the outage"
        )

    async def _until(self, fits: Callable[[], bool], otherwise: str) -> None:
        ends = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not fits():
            self.runner.raise_failure()
            if asyncio.get_running_loop().time() > ends:
                raise DemoStuckError(f"{otherwise} within {PATIENCE_SECONDS:.0f} seconds")
            await asyncio.sleep(TICK_SECONDS)


@asynccontextmanager
async def stage(
    folder: Path,
    ledger_url: str,
    simulated: Mapping[str, str],
    clock: FixedClock,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Stage]:
    """Open the workspace and the ledger, and run the daemon on them until the block ends."""
    session = sessions.load(folder)
    plan = session.ready.plan
    async with AsyncExitStack() as opened:
        ledger = opened.enter_context(open_ledger(ledger_url, clock=clock, create=True))
        sessions.store_release(session, ledger, clock)
        connections = sessions.open_connections(session, ENVIRONMENT, clock, simulated, environ)
        opened.push_async_callback(connections.aclose)
        runner = Runner(
            ledger=ledger,
            plan=plan,
            plans=sessions.plans(session, ledger),
            connections=connections,
            clock=clock,
        )
        hooks = sessions.hooks(session, ENVIRONMENT, simulated, environ)
        complaints: list[str] = []
        pollers = Triggers(
            plan=plan,
            connections=connections,
            gate=runner,
            reader=ledger.reader(),
            now=clock.now,
            told=complaints.append,
        ).pollers()
        daemon = Daemon(runner, plan, hooks, clock)  # the story says when to ask, since its days take no time
        address = await daemon.start("127.0.0.1", 0)
        opened.push_async_callback(daemon.stop)
        yield Stage(
            clock=clock,
            plan=plan,
            ledger=ledger,
            reader=ledger.reader(),
            runner=runner,
            pollers=pollers,
            address=address,
            hooks=tuple(hooks),
            complaints=complaints,
        )
