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
@options.simulators
def command(
    folder: Path | None,
    environment: str,
    ledger_url: str,
    host: str,
    port: int,
    patience: float,
    simulators: dict[str, str],
) -> None:
    """Run flows until stopped: webhooks in, deliveries out.

    Webhooks are taken at /hooks/CONNECTION/SOURCE. SIGTERM and Ctrl-C stop gracefully: no more deliveries
    are taken, what is on its way comes back, and the rest is taken up by the next start.
    """
    asyncio.run(_run(folder, environment, ledger_url, host, port, patience, simulators))


async def _run(
    folder: Path | None,
    environment: str,
    ledger_url: str,
    host: str,
    port: int,
    patience: float,
    simulated: dict[str, str],
) -> None:
    from engine import session as sessions
    from engine.clock import SystemClock
    from engine.ledger import open_ledger
    from engine.runtime.daemon import Daemon
    from engine.runtime.retry import RetryPolicy
    from engine.runtime.runner import Runner

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
            policy=RetryPolicy(patience_seconds=patience * 3600),
        )
        hooks = sessions.hooks(session, environment, simulated)
        triggers = sessions.triggers(session, connections, runner, ledger.reader(), clock, output.line)
        door = _door(ledger_url, environment, runner, ledger, clock, triggers)
        daemon = Daemon(runner, plan, hooks, clock, triggers, door)
        try:
            address = await daemon.start(host, port)
            output.line(
                f"tidegate runs {len(plan.flows)} flows of release {plan.release[:12]} in {environment!r}."
            )
            _say_what_comes_in([f"{address}/hooks/{name}" for name in hooks], triggers)
            await _until_told(daemon)
        finally:
            try:
                await daemon.stop()
            finally:
                await connections.aclose()
    output.line("stopped.")


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


async def _until_told(daemon: "Daemon") -> None:
    daemon.stop_on_signals(lambda: output.line("stopping: what is on its way comes back first"))
    await daemon.until_stopped()


def _say_what_comes_in(addresses: Iterable[str], triggers: Iterable["Trigger"]) -> None:
    for address in addresses:
        output.line(f"  {address}")
    for trigger in triggers:
        output.line(f"  {_WORDS[trigger.state().kind]} {trigger.name}")


_WORDS = {"poll": "asks", "schedule": "keeps", "file": "looks for files of", "expectation": "sees to"}
