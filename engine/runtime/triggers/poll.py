"""Sources that are asked for news: again and again, from a little before where the last answer ended."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.connect import Fault
from engine.connect.connector import Polled
from engine.connect.connector_plan import SourcePlan as NativeSource
from engine.errors import ConfigurationError, LedgerError
from engine.plan.plan import Plan, SourcePlan
from engine.runtime.connections import Connection
from engine.runtime.triggers.native import Accept, usable

REACH = timedelta(days=2)
"""How far back the first question of a process goes. What was accepted before is known by its identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A source that is asked, and the events that its records become."""

    connection: Connection
    native: NativeSource
    events: tuple[SourcePlan, ...]

    @property
    def name(self) -> str:
        """The name by which documents know it: "psa.time_entry_approved"."""
        return f"{self.connection.name}.{self.native.name}"


class Poller:
    """Asks one source. The watermark moves only after what was found is committed."""

    def __init__(
        self,
        asked: Asked,
        plan: Plan,
        accept: Accept,
        now: Callable[[], datetime],
        told: Callable[[str], None],
    ) -> None:
        """`accept` commits offers and says what became of each; `told` hears of what cannot be used."""
        self.asked = asked
        self._plan = plan
        self._accept = accept
        self._now = now
        self._told = told
        self.since = now() - REACH

    async def run(self, stopping: asyncio.Event) -> None:
        """Ask at the interval of the source until it is time to stop; one that is away is asked again."""
        poll = self.asked.native.poll
        assert poll is not None
        while not stopping.is_set():
            try:
                await self.ask()
            except Fault as fault:
                self._told(f"{self.asked.name} gave no answer: {fault.failure.reason}")
            except LedgerError:
                return  # the worker has the failure, and the process ends with it
            try:
                await asyncio.wait_for(stopping.wait(), poll.every.total_seconds())
            except TimeoutError:
                continue

    async def ask(self) -> list[str]:
        """Ask once; what became of each event that was found.

        Raises:
            Fault: when there was no answer.
            ConfigurationError: when the connector cannot be asked.

        """
        connector = self.asked.connection.connector
        if not isinstance(connector, Polled):
            raise ConfigurationError(f"the connector of {self.asked.name} cannot be asked for news")
        found = await connector.poll(self.asked.native.name, self.since)
        offers, unfit = usable(self._plan, self.asked.events, found.items, self._now())
        unfit = [*found.unfit, *unfit]
        for _, why in unfit:
            self._told(f"{self.asked.name} has a record that cannot be used: {why}")
        became = await self._accept(offers, self.asked.name, unfit) if offers or unfit else []
        self.since = max(self.since, found.upto)
        return became
