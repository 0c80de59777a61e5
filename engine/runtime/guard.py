"""A connector that writes nothing once its machine may have been replaced.

A machine that stood still wakes up in the middle of what it was doing. What it had decided is fenced off by
the ledger; what it was about to send is not, so it asks its own clock first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.connect import Connector, Failure, FaultClass, Receipt
from engine.effect import Effect
from engine.runtime.connections import Connections
from engine.values.value import Value


class Guarded:
    """A connector, and whoever says whether this machine is still the one that may write."""

    def __init__(self, connector: Connector, sure: Callable[[], bool]) -> None:
        """Write only while `sure`."""
        self._connector = connector
        self._sure = sure

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._connector, name)

    async def write(self, effects: Sequence[Effect]) -> Sequence[Receipt | Failure]:
        """Write, or say that nothing was sent."""
        if self._sure():
            return await self._connector.write(effects)
        why = "not sent: another machine may have taken over the work of this one"
        return [Failure(fault=FaultClass.TRANSIENT, reason=why, evidence={"unsent": True}) for _ in effects]

    async def read(self, operation: str, parameters: Mapping[str, Value]) -> Value:
        """Read; that harms nobody."""
        return await self._connector.read(operation, parameters)

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Look; that harms nobody either."""
        return await self._connector.look_up(effect)

    async def aclose(self) -> None:
        """Close the connector."""
        await self._connector.aclose()


def guarded(connections: Connections, sure: Callable[[], bool]) -> Connections:
    """The same connections, which write only while the machine is `sure`."""
    found = {
        name: replace(connection, connector=Guarded(connection.connector, sure))
        for name, connection in connections.by_name.items()
    }
    return replace(connections, by_name=found)
