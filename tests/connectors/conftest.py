"""Vendors' systems with their connectors open: one call a line."""

import asyncio
from collections.abc import Callable

import pytest

from engine.effect import Effect
from tests.connect import opening


class Opened:
    """A connector and its system; every call opens and closes the connector."""

    def __init__(self, name: str, simulator) -> None:
        self.plan = opening.plan_of(name)
        self.simulator = simulator

    def _do(self, call: Callable):
        async def one():
            connector = opening.connect(self.plan, self.simulator, self.plan.name)
            try:
                return await call(connector)
            finally:
                await connector.aclose()

        return asyncio.run(one())

    def write(self, operation: str, /, effect_key: str = "flow/event/step", **payload):
        effect = Effect(key=effect_key, connection=self.plan.name, operation=operation, payload=payload)
        return self._do(lambda connector: connector.write([effect]))[0]

    def write_all(self, effects):
        return self._do(lambda connector: connector.write(effects))

    def read(self, operation: str, /, **parameters):
        return self._do(lambda connector: connector.read(operation, parameters))

    def poll(self, source: str, since):
        return self._do(lambda connector: opening.every_page(connector, source, since))


@pytest.fixture
def opened():
    """A function of a connector's name and its simulator."""
    running = []

    def start(name: str, simulator):
        running.append(simulator.start())
        return Opened(name, simulator)

    yield start
    for simulator in running:
        simulator.stop()
