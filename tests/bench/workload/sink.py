"""The in-process sink of the benchmark: a dict by external id."""

from collections.abc import Mapping, Sequence

from engine.connect import Connector, Effect, Outcome, Receipt
from engine.connect.catalog import Catalog, Installed
from engine.connect.connector_plan import ConnectorPlan
from engine.connect.settings import Settings
from engine.values.value import Value


class Sink:
    """Keeps what it is given; the same id again is the same record."""

    batch_size = 10_000

    def __init__(self) -> None:
        """Begin empty."""
        self.records: dict[str, Mapping[str, Value]] = {}

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """Keep every record."""
        records = self.records
        for effect in effects:
            records[str(effect.payload["externalId"])] = effect.payload
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


class SinkCatalog(Catalog):
    """A catalog whose every connector is one sink."""

    def open(self, plan: ConnectorPlan, settings: Settings, *, now: object) -> Connector:
        """The sink."""
        del plan, settings, now
        return SINK


SINK = Sink()


def catalog() -> Catalog:
    """The catalog of the benchmark."""
    return SinkCatalog(installed={})


__all__ = ["SINK", "Installed", "Sink", "catalog"]
