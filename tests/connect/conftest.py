"""A running toy system, and one call to its connector."""

import asyncio
from collections.abc import Iterator

import pytest

from engine.connect.http_connector import HttpConnector
from tests.connect.toy import Toy, connector


@pytest.fixture
def toy() -> Iterator[Toy]:
    with Toy() as running:
        yield running


@pytest.fixture
def ask(toy):
    """Run calls of a connector to the toy: a function of the connector to awaitables, done in order."""

    def asked(*calls, manifest=None):
        async def all_of_them():
            opened: HttpConnector = connector(toy) if manifest is None else connector(toy, manifest)
            try:
                return [await call(opened) for call in calls]
            finally:
                await opened.aclose()

        found = asyncio.run(all_of_them())
        return found[0] if len(calls) == 1 else found

    return asked


@pytest.fixture
def write(ask):
    """One write, and what came of it."""
    return lambda effect: ask(lambda connector: connector.write([effect]))[0]
