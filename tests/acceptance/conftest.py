"""The firm of the demo and a daemon, for tests that play scenes of its story or their own."""

import asyncio

import pytest

from engine.demo.play import opened
from engine.session import pack_folder


class Playing:
    """Starts the firm and the daemon, and plays."""

    def __init__(self, folder):
        self.heard = []
        self.ledger = str(folder / "ledger.sqlite")
        self.firm = None

    def play(self, scenes, real=None):
        """Run an asynchronous function of a play; what it gives."""

        async def on_stage():
            async with opened(pack_folder(), self.ledger, self.heard.append, real) as play:
                self.firm = play.firm
                return await scenes(play)

        return asyncio.run(on_stage())


@pytest.fixture
def playing(tmp_path):
    return Playing(tmp_path)
