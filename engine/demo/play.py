"""Opens the firm and the stage, and plays the story; on a ledger that has it, all of it once more."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC
from pathlib import Path

from engine.clock import FixedClock
from engine.connect.catalog import Catalog
from engine.demo.again import again
from engine.demo.books import Books, NetSuiteBooks
from engine.demo.firm import Firm
from engine.demo.real_erp import RealErp, overlay
from engine.demo.scenes import Heard, Play
from engine.demo.stage import Stage, stage
from engine.demo.story import Story
from engine.demo.world import NETSUITE, TRYTON


async def play(pack: Path, ledger_url: str, heard: Heard, real: RealErp | None = None) -> Story:
    """Play the whole story on a ledger; `heard` is given each scene when it is over.

    A ledger that has the story already is told everything again, and nothing may come of it.

    Raises:
        DemoStuckError: when something does not come to rest.
        TidegateError: when the pack or the ledger cannot be used.

    """
    async with opened(pack, ledger_url, heard, real) as played:
        if next(played.stage.reader.events(), None) is not None:
            return await again(played)
        return await played.all()


@asynccontextmanager
async def opened(
    pack: Path, ledger_url: str, heard: Heard, real: RealErp | None = None
) -> AsyncIterator[Play]:
    """The firm, furnished, and a daemon that it calls; for whole stories, and for single scenes."""
    world = NETSUITE if real is None else TRYTON
    clock = FixedClock(world.start.astimezone(UTC))
    firm = Firm(Catalog.found(), clock, world)
    with ExitStack() as kept:
        addresses = firm.start()
        kept.callback(firm.stop)
        firm.furnish()
        folder, environ = pack, None
        if real is not None:
            made = kept.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-demo-pack-"))
            folder, environ = overlay(pack, Path(made)), real.environ
        books: Books = NetSuiteBooks(firm.erp) if real is None else real.books()
        async with stage(folder, ledger_url, addresses, clock, environ) as on:
            register(firm, on)
            yield Play(firm, books, on, heard)


def register(firm: Firm, on: Stage) -> None:
    """Tell the systems that call where to call."""
    for name in on.hooks:
        connection, _, source = name.partition("/")
        firm.systems[connection].notifier.register(source, f"{on.address}/hooks/{name}")
