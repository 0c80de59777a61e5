"""`tidegate holds`."""

import asyncio
import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options, output

if TYPE_CHECKING:
    from engine.runtime.permission import Release


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
        released = (
            f"  released by {hold['released_by']}: {hold['release_reason']}" if hold["released_by"] else ""
        )
        output.raw(output.styled(output.clean(str(hold["id"])), bold=True))
        output.line(f"  {hold['policy']} (owner {hold['owner'] or 'nobody'}), since {hold['opened_at']}")
        output.line(f"  {hold['reason']}")
        if isinstance(hold["amount"], Mapping):
            over = f"; above {hold['four_eyes_over']} two people agree" if hold["four_eyes_over"] else ""
            output.line(f"  at stake: {hold['amount']['amount']} {hold['amount']['currency']}{over}")
        output.line(released or f"  released by {hold['release']}")
    output.line(f"{len(found)} {'' if all_ else 'open '}hold{'' if len(found) == 1 else 's'}.")


@command.command("release")
@click.argument("hold_id")
@click.option("--reason", help="Why; it is kept in the audit.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who releases it.")
@click.option("--role", help="The role in which you act; that of the policy, where it names one.")
@click.option("--second", metavar="PERSON", help="Who else agrees, where the policy asks for two people.")
@options.workspace
@options.environment
@options.ledger
@options.simulators
def release(
    hold_id: str,
    reason: str | None,
    by: str,
    role: str | None,
    second: str | None,
    folder: Path | None,
    environment: str,
    ledger_url: str,
    simulators: dict[str, str],
) -> None:
    """Release the hold HOLD_ID, and carry out what waited for it.

    The role, the reason and the second person that its policy asks for have to be given; who they were and
    why they did it is kept in the audit. On one machine people are taken at their word.
    """
    from engine.runtime.permission import Release

    decision = Release(by=by, reason=reason, role=role, second=second)
    asyncio.run(_release(hold_id, decision, folder, environment, ledger_url, simulators))
    output.line(f"{hold_id} is released.")


async def _release(
    hold_id: str,
    decision: "Release",
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
            released = asyncio.ensure_future(runner.release(hold_id, decision))
            await asyncio.sleep(0)
            if not released.done():
                await runner.until_rest()
            await released
        finally:
            await connections.aclose()
