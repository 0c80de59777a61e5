"""The firm of the demo and a daemon, for tests that play scenes of its story or their own."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC

import pytest

from engine.clock import FixedClock
from engine.connect.catalog import Catalog
from engine.demo.firm import Firm
from engine.demo.play import START, Play, register
from engine.demo.stage import stage
from engine.session import pack_folder


class Playing:
    """Starts the firm and the daemon, and plays."""

    def __init__(self, folder):
        self.clock = FixedClock(START.astimezone(UTC))
        self.firm = Firm(Catalog.found(), self.clock)
        self.heard = []
        self.ledger = str(folder / "ledger.sqlite")

    @asynccontextmanager
    async def on_stage(self):
        addresses = self.firm.start()
        try:
            self.firm.furnish()
            async with stage(pack_folder(), self.ledger, addresses, self.clock) as opened:
                register(self.firm, opened)
                yield Play(self.firm, opened, self.heard.append)
        finally:
            self.firm.stop()

    def play(self, scenes):
        """Run an asynchronous function of a play; what it gives."""

        async def on_stage():
            async with self.on_stage() as play:
                return await scenes(play)

        return asyncio.run(on_stage())


@pytest.fixture
def playing(tmp_path):
    return Playing(tmp_path)
