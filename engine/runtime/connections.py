"""The connections of one environment, as opened: who is written to and read from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.connect import BreakerPlan, ConnectionPlan, Connector, ConnectorPlan, OperationPlan, Pace
from engine.connect.connector import Outcome
from engine.effect import Effect, Receipt
from engine.errors import ConfigurationError
from engine.runtime.gate.gate import Gate
from engine.runtime.retry import Once
from engine.values.value import Value


def _open_gate() -> Gate:
    """One that lets everything pass until its system is away."""
    return Gate("", ConnectionPlan(), BreakerPlan(), Pace())


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection: its connector, and what its manifest says."""

    name: str
    connector: Connector
    plan: ConnectorPlan
    gate: Gate = field(default_factory=_open_gate)

    @property
    def batch_size(self) -> int:
        """How many effects are handed over in one call; many where the connector says that it likes that."""
        size = getattr(self.connector, "batch_size", None)
        return size if isinstance(size, int) else max(1, self.plan.concurrency)

    def together(self, operation: str) -> int:
        """How many writes of an operation go in one call; 1 when each has its own."""
        plan = self.plan.operations.get(operation)
        return 1 if plan is None or plan.batch is None else plan.batch.most

    def once(self, operation: str) -> Once:
        """Why doing a write again does not do it twice."""
        plan = self.plan.operation(operation).once
        return Once(
            how=plan.how,
            key_seconds=None if plan.life is None else self._usable(plan.life.total_seconds()),
            settles_seconds=0.0 if plan.settles is None else plan.settles.total_seconds(),
            looks=plan.look_up is not None,
        )

    def _usable(self, life: float) -> float:
        """How long a key is used again: a tenth less than its life, and less what a request takes."""
        return max(0.0, life * 0.9 - self.plan.answer.total_seconds())


def connect(
    name: str,
    use: ConnectionPlan,
    plan: ConnectorPlan,
    open_connector: Callable[[ConnectorPlan], Connector],
) -> Connection:
    """A connection, opened, and worked no harder than its document says."""
    if use.concurrency is not None and use.concurrency < plan.concurrency:
        plan = replace(plan, concurrency=use.concurrency)
    plan = replace(plan, operations={name: _lowered(one, use) for name, one in plan.operations.items()})
    connector = open_connector(plan)
    pace = getattr(connector, "pace", None)
    if not isinstance(pace, Pace):
        pace = Pace(plan.rates)
    pace.limit(use.rates)
    return Connection(name, connector, plan, Gate(name, use, plan.breaker, pace))


def _lowered(plan: OperationPlan, use: ConnectionPlan) -> OperationPlan:
    """An operation whose calls for many are no larger than the connection says."""
    if plan.batch is None:
        return plan
    most = plan.batch.most if use.batch_most is None else min(plan.batch.most, use.batch_most)
    seconds = plan.batch.seconds if use.batch_seconds is None else use.batch_seconds
    return replace(plan, batch=None if most == 1 else replace(plan.batch, most=most, seconds=seconds))


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


class Unopened:
    """Stands for a connection of which only the manifest is wanted: whoever uses it is refused."""

    def __init__(self, name: str) -> None:
        """The connection of this name."""
        self._name = name

    def _refuse(self, asked: object) -> ConfigurationError:
        return ConfigurationError(f"connection {self._name!r} is not open here, and cannot take {asked}")

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """Refuse."""
        raise self._refuse(effects)

    async def read(self, operation: str, parameters: Mapping[str, Value]) -> Value:
        """Refuse."""
        raise self._refuse((operation, parameters))

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Refuse."""
        raise self._refuse(effect)

    async def aclose(self) -> None:
        """There is nothing to close."""
