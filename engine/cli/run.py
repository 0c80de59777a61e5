"""`tidegate run`."""

import asyncio
from pathlib import Path

import click

from engine.cli import options


@click.command("run")
@options.workspace
@click.option(
    "--released", is_flag=True, help="Work by the release that the ledger points at, and by no folder."
)
@options.environment
@options.ledger
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address on which webhooks are taken."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8700,
    show_default=True,
    help="The port; 0 takes a free one.",
)
@click.option(
    "--patience",
    type=click.FloatRange(0),
    default=24.0,
    show_default=True,
    metavar="HOURS",
    help="How long what a system could not take is tried again.",
)
@click.option(
    "--still-after",
    "still_days",
    type=click.IntRange(0, 1_000),
    default=5,
    show_default=True,
    metavar="DAYS",
    help="Weekdays after which somebody is told of what stands still with nobody told; 0 for never.",
)
@click.option(
    "--metrics",
    "metrics",
    metavar="HOST:PORT",
    callback=lambda _context, _option, given: _address(given),
    help="Where a monitoring system finds /metrics; nowhere when left out.",
)
@options.simulators
def command(
    folder: Path | None,
    environment: str,
    ledger_url: str,
    host: str,
    port: int,
    patience: float,
    still_days: int,
    metrics: tuple[str, int] | None,
    simulators: dict[str, str],
    *,
    released: bool,
) -> None:
    """Run flows until stopped: webhooks in, deliveries out.

    Webhooks are taken at /hooks/CONNECTION/SOURCE. SIGTERM and Ctrl-C stop gracefully: no more deliveries
    are taken, what is on its way comes back, and the rest is taken up by the next start. SIGHUP, or
    `tidegate reload`, has it go on with the workspace as it is then. With --released it works by what
    `tidegate deploy` and `tidegate rollback` point at, and goes on with that at once.
    """
    from engine.cli.service import Wish, serve
    from engine.ledger import is_shared

    if released and folder is not None:
        raise click.UsageError("--released works by no folder; leave out --workspace")
    wish = Wish(
        folder=folder,
        released=released,
        environment=environment,
        ledger_url=ledger_url,
        host=host,
        port=port,
        patience_hours=patience,
        still_days=still_days,
        metrics=metrics,
        simulated=simulators,
    )
    if not is_shared(ledger_url):
        asyncio.run(serve(wish))
        return
    from engine.cli.run_shared import run_shared

    asyncio.run(run_shared(wish))


def _address(given: str | None) -> tuple[str, int] | None:
    """A host and a port.

    Raises:
        click.BadParameter: when it is none.

    """
    if given is None:
        return None
    host, mark, port = given.rpartition(":")
    if not mark or not host or not port.isdecimal() or int(port) > 65_535:
        raise click.BadParameter(f"{given!r} is no address; write one as 127.0.0.1:9464")
    return host.removeprefix("[").removesuffix("]"), int(port)
