"""`tidegate holds`."""

import asyncio
import getpass
from pathlib import Path

import click

from engine.cli import options, output
from engine.cli.simulators import simulator_addresses


@click.group("holds")
def command() -> None:
    """List the holds of policies, and release them."""


@command.command("list")
@options.ledger
@options.output_format()
@click.option("--all", "all_", is_flag=True, help="Those that were released as well.")
def list_(ledger_url: str, form: str, *, all_: bool) -> None:
    """List what is held: since when, by which policy, why, and who may release it."""
    from engine.insight.holds import described_holds
    from engine.ledger import open_reader

    reader = open_reader(ledger_url)
    try:
        found = described_holds(reader, all_=all_)
    finally:
        reader.close()
    if form == "json":
        output.json(found)
        return
    for hold in found:
        released = f"  released by {hold['released_by']}: {hold['release_reason']}" if hold["released_by"] else ""
        output.raw(output.styled(output.clean(str(hold["id"])), bold=True))
        output.line(f"  {hold['policy']} (owner {hold['owner'] or 'nobody'}), since {hold['opened_at']}")
        output.line(f"  {hold['reason']}")
        output.line(f"  released by {hold['release']}" if not released else released)
    output.line(f"{len(found)} {'' if all_ else 'open '}hold{'' if len(found) == 1 else 's'}.")


@command.command("release")
@click.argument("hold_id")
@click.option("--reason", help="Why; it is kept in the audit.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who releases it.")
@options.workspace
@options.environment
@options.ledger
@click.option("--simulator", "simulators", multiple=True, metavar="CONNECTION=URL", help="Where a simulator listens.")
def release(
    hold_id: str,
    reason: str | None,
    by: str,
    folder: Path | None,
    environment: str,
    ledger_url: str,
    simulators: tuple[str, ...],
) -> None:
    """Release a hold, and carry out what waited for it."""
    asyncio.run(_release(hold_id, reason, by, folder, environment, ledger_url, simulator_addresses(simulators)))
    output.line(f"{hold_id} is released.")


async def _release(
    hold_id: str,
    reason: str | None,
    by: str,
    folder: Path | None,
    environment: str,
    ledger_url: str,
    simulated: dict[str, str],
) -> None:
    from engine import session as sessions
    from engine.clock import SystemClock
    from engine.ledger import open_ledger
    from engine.runtime.runner import Runner

    clock = SystemClock()
    session = sessions.load(folder)
    with open_ledger(ledger_url, clock=clock) as ledger:
        connections = sessions.open_connections(session, environment, clock, simulated)
        try:
            runner = Runner(
                ledger=ledger,
                plan=session.ready.plan,
                plans=sessions.plans(session, ledger),
                connections=connections,
                clock=clock,
            )
            runner.recover()
            released = asyncio.ensure_future(runner.release(hold_id, by, reason))
            await asyncio.sleep(0)
            await runner.until_rest()
            await released
        finally:
            await connections.aclose()
