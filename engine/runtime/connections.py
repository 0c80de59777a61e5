"""The connections of one environment, as opened: who is written to and read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.connect import Connector, ConnectorPlan
from engine.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection: its connector, and what its manifest says."""

    name: str
    connector: Connector
    plan: ConnectorPlan

    @property
    def batch_size(self) -> int:
        """How many effects are handed over in one call; many where the connector says that it likes that."""
        size = getattr(self.connector, "batch_size", None)
        return size if isinstance(size, int) else max(1, self.plan.concurrency)

    def once(self, operation: str) -> str:
        """Why doing a write again does not do it twice: header, natural_key, lookup or none."""
        return self.plan.operation(operation).once.how


@dataclass(frozen=True, slots=True)
class Connections:
    """Connections by name."""

    by_name: Mapping[str, Connection] = field(default_factory=dict)

    def get(self, name: str) -> Connection:
        """One connection.

        Raises:
            ConfigurationError: when it is not open in this environment.

        """
        found = self.by_name.get(name)
        if found is None:
            raise ConfigurationError(f"connection {name!r} is not set up in this environment")
        return found

    async def aclose(self) -> None:
        """Close every connector."""
        for connection in self.by_name.values():
            await connection.connector.aclose()
