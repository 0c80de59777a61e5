"""The in-process sink of the benchmark: a dict by external id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.connect import Connector, Effect, Outcome, Receipt
from engine.connect.catalog import Catalog
from engine.connect.connector_plan import ConnectorPlan
from engine.connect.settings import Settings
from engine.values.value import Value


class Sink:
    """Keeps what it is given; the same id again is the same record."""

    batch_size = 10_000

    def __init__(self, *, keep: bool = True) -> None:
        """Begin empty; without `keep`, records are counted and not kept, so that our own memory shows."""
        self.records: dict[str, Mapping[str, Value]] = {}
        self.count = 0
        self._keep = keep

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """Keep every record."""
        self.count += len(effects)
        if self._keep:
            self.records.update((str(effect.payload["externalId"]), effect.payload) for effect in effects)
        return [Receipt(str(effect.payload["externalId"])) for effect in effects]

    async def read(self, operation: str, parameters: Mapping[str, Value]) -> Value:
        """There is nothing to read."""
        raise NotImplementedError(operation, parameters)

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Whether it is here."""
        found = str(effect.payload["externalId"])
        return Receipt(found, found=True) if found in self.records else None

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkCatalog(Catalog):
    """A catalog whose every connector is one sink."""

    sink: Sink

    def open(self, plan: ConnectorPlan, settings: Settings, *, now: object) -> Connector:
        """The sink."""
        del plan, settings, now
        return self.sink


def catalog(sink: Sink) -> Catalog:
    """A catalog for this sink."""
    return SinkCatalog(installed={}, sink=sink)
