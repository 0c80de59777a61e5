"""Who brings events beside those that are sent to us, for every source and declaration of a plan."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from engine.connect.connector_plan import SourcePlan as NativeSource
from engine.errors import ConfigurationError, InputError
from engine.ledger import LedgerReader
from engine.plan.plan import Plan, SourcePlan
from engine.runtime.connections import Connection, Connections
from engine.runtime.triggers.expectations import Watch
from engine.runtime.triggers.files import Dropped, FileWatcher
from engine.runtime.triggers.native import fed_by
from engine.runtime.triggers.poll import Asked, Poller
from engine.runtime.triggers.schedule import Scheduler
from engine.runtime.triggers.stream import Listened, Listener
from engine.runtime.triggers.trigger import Gate, Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """Makes them, each for the same plan and the same door into the ledger."""

    plan: Plan
    connections: Connections
    gate: Gate
    reader: LedgerReader
    now: Callable[[], datetime]
    told: Callable[[str], None]  # hears of what cannot be used, and of systems that are away

    def all(self) -> list[Trigger]:
        """All that goes on beside events that are sent: what is asked, what is due, and what is expected.

        Raises:
            ConfigurationError: when there is a source of messages, and the extra for brokers is missing.

        """
        return [*self.pollers(), *self.watchers(), *self.listeners(), *self.schedulers(), *self.watches()]

    @property
    def _what_each_needs(
        self,
    ) -> tuple[Plan, Gate, LedgerReader, Callable[[], datetime], Callable[[str], None]]:
        return self.plan, self.gate, self.reader, self.now, self.told

    def pollers(self) -> list[Poller]:
        """Who asks every source of the open connections that is asked for news and feeds an event."""
        return [
            Poller(Asked(connection=connection, native=native, events=events), *self._what_each_needs)
            for connection, native, events in _feeds(self.plan, self.connections)
            if native.poll is not None
        ]

    def watchers(self) -> list[FileWatcher]:
        """Who looks for the files of every source that has files and feeds an event."""
        return [
            FileWatcher(Dropped(connection=connection, native=native, events=events), *self._what_each_needs)
            for connection, native, events in _feeds(self.plan, self.connections)
            if native.file is not None
        ]

    def listeners(self) -> list[Listener]:
        """Who listens to every source of messages that feeds an event.

        Raises:
            ConfigurationError: when there is one, and the extra for brokers is not installed.

        """
        return [
            self._listener(Listened(connection=connection, native=native, events=events))
            for connection, native, events in _feeds(self.plan, self.connections)
            if native.stream is not None
        ]

    def _listener(self, listened: Listened) -> Listener:
        try:
            return Listener(listened, self.plan, self.gate, self.reader, self.now, self.told)
        except ModuleNotFoundError as missing:
            said = (
                f"{listened.name} listens to a broker, which needs the extra `streams`: "
                "install tidegate[streams]"
            )
            raise ConfigurationError(said) from missing

    def schedulers(self) -> list[Scheduler]:
        """Who brings the events that are due by a clock or a calendar."""
        return [Scheduler(one, *self._what_each_needs) for one in self.plan.schedules]

    def watches(self) -> list[Watch]:
        """Who tells of what did not happen in time."""
        return [
            Watch(expectation=one, plan=self.plan, reader=self.reader, door=self.gate, now=self.now)
            for one in self.plan.expectations
        ]


def asked_source(plan: Plan, connections: Connections, name: str) -> Asked:
    """A source that is asked for news, by the name under which documents know it: "psa.time_entry".

    Raises:
        InputError: when there is none of this name that feeds an event.

    """
    for connection, native, events in _feeds(plan, connections):
        asked = Asked(connection=connection, native=native, events=events)
        if asked.name == name and native.poll is not None:
            return asked
    known = sorted({f"{one.connection}.{one.source}" for one in plan.sources})
    if name in known:
        raise InputError(f"{name!r} is no source that is asked for news; have its system send it again")
    raise InputError(f"{name!r} is no source; sources that feed events: {', '.join(known)}")


def _feeds(
    plan: Plan, connections: Connections
) -> Iterator[tuple[Connection, NativeSource, tuple[SourcePlan, ...]]]:
    """Every source of the open connections that feeds an event, with the events."""
    for name, connection in connections.by_name.items():
        for native in connection.plan.sources.values():
            events = fed_by(plan, name, native.name)
            if events:
                yield connection, native, events
