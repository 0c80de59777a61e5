"""`tidegate run`."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options, output
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.clock import Clock
    from engine.ledger import Ledger
    from engine.runtime.control import Door
    from engine.runtime.daemon import Daemon
    from engine.runtime.runner import Runner
    from engine.runtime.triggers.trigger import Trigger
    from engine.runtime.triggers.webhook import Server


@click.command("run")
@options.workspace
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
) -> None:
    """Run flows until stopped: webhooks in, deliveries out.

    Webhooks are taken at /hooks/CONNECTION/SOURCE. SIGTERM and Ctrl-C stop gracefully: no more deliveries
    are taken, what is on its way comes back, and the rest is taken up by the next start.
    """
    from engine.cli.run_shared import run_shared
    from engine.ledger import is_shared

    if is_shared(ledger_url):
        if metrics is not None:
            raise click.UsageError("--metrics serves a ledger in a file; on PostgreSQL ask the database")
        asyncio.run(run_shared(folder, environment, ledger_url, host, port, patience, still_days, simulators))
    else:
        asyncio.run(
            _run(folder, environment, ledger_url, host, port, patience, still_days, metrics, simulators)
        )


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


async def _run(
    folder: Path | None,
    environment: str,
    ledger_url: str,
    host: str,
    port: int,
    patience: float,
    still_days: int,
    metrics: tuple[str, int] | None,
    simulated: dict[str, str],
) -> None:
    from engine import session as sessions
    from engine.clock import SystemClock
    from engine.ledger import open_ledger
    from engine.runtime.daemon import Daemon
    from engine.runtime.retry import RetryPolicy
    from engine.runtime.runner import Limits, Runner

    clock = SystemClock()
    session = sessions.load(folder)
    plan = session.ready.plan
    with open_ledger(ledger_url, clock=clock, create=True) as ledger:
        sessions.store_release(session, ledger, clock)
        connections = sessions.open_connections(session, environment, clock, simulated)
        runner = Runner(
            ledger=ledger,
            plan=plan,
            plans=sessions.plans(session, ledger),
            connections=connections,
            clock=clock,
            policy=RetryPolicy(patience_seconds=patience * 3600, outage_seconds=None),
            limits=Limits(still_days=still_days),
        )
        hooks = sessions.hooks(session, environment, simulated)
        triggers = sessions.triggers(session, connections, runner, ledger.reader(), clock, output.line)
        stating = [*(hook.heard for hook in hooks.values()), *triggers]
        daemon = Daemon(
            runner,
            plan,
            hooks,
            clock,
            triggers,
            _door(ledger_url, environment, runner, ledger, clock, stating),
        )
        try:
            address = await daemon.start(host, port)
            _say_what_runs(len(plan.flows), plan.release, environment)
            _say_what_comes_in([f"{address}/hooks/{name}" for name in hooks], triggers)
            await _until_told(daemon, _metrics(metrics, runner, ledger, clock))
        finally:
            try:
                await daemon.stop()
            finally:
                await connections.aclose()
    output.line("stopped.")


def _metrics(
    at: tuple[str, int] | None, runner: "Runner", ledger: "Ledger", clock: "Clock"
) -> "Server | None":
    """What serves the numbers, where anybody wants them."""
    if at is None:
        return None
    from engine.runtime.metrics import application
    from engine.runtime.triggers.webhook import Server

    return Server(application(runner, ledger.reader(), clock.now), *at)


def _door(
    ledger_url: str,
    environment: str,
    runner: "Runner",
    ledger: "Ledger",
    clock: "Clock",
    triggers: Sequence["Trigger"],
) -> "Door | None":
    """The control door beside the ledger; none where the ledger is no file."""
    from engine.ledger import control_path
    from engine.runtime.acts import ACTS
    from engine.runtime.control import Desk, Door

    path = control_path(ledger_url)
    if path is None:
        return None
    about: dict[str, Value] = {
        "process": os.getpid(),
        "started_at": clock.now(),
        "release": runner.plan.release,
        "environment": environment,
    }
    desk = Desk(runner=runner, reader=ledger.reader(), clock=clock, triggers=triggers, about=about)
    return Door(ACTS, desk, path)


async def _until_told(daemon: "Daemon", watched: "Server | None") -> None:
    if watched is not None:
        output.line(f"  {await watched.start()}/metrics")
    daemon.stop_on_signals(lambda: output.line("stopping: what is on its way comes back first"))
    try:
        await daemon.until_stopped()
    finally:
        if watched is not None:
            await watched.stop()


def _say_what_runs(flows: int, release: str, environment: str) -> None:
    output.line(f"tidegate runs {flows} flows of release {release[:12]} in {environment!r}.")


def _say_what_comes_in(addresses: Iterable[str], triggers: Iterable["Trigger"]) -> None:
    for address in addresses:
        output.line(f"  {address}")
    for trigger in triggers:
        output.line(f"  {_WORDS[trigger.state().kind]} {trigger.name}")


_WORDS = {"poll": "asks", "schedule": "keeps", "file": "looks for files of", "expectation": "sees to"}
