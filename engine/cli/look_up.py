"""`tidegate look-up`."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import closing

import click

from engine.cli import control, options, output
from engine.values.value import Value


@click.command("look-up")
@click.argument("effect")
@options.output_format()
@control.acting
def command(effect: str, form: str, opening: control.Opening) -> None:
    """Ask the system whether it has EFFECT. Nothing is written, there or here.

    The exit code is 0 when it has it, and 1 when it has not, or cannot tell.
    """
    found = asyncio.run(_look_up(effect, opening))
    if form == "json":
        output.json(found)
    elif found["found"]:
        output.line(f"{found['connection']} has it: {found['receipt']}")
        output.line(f"  tidegate resolve {effect} --applied --id {found['id']} --reason WHY")
    elif found["why"]:
        output.line(f"{found['connection']} cannot tell: {found['why']}")
    else:
        output.line(f"{found['connection']} has no trace of it.")
        output.line(f"  tidegate resolve {effect} --not-applied --again --reason WHY")
    sys.exit(0 if found["found"] else 1)


async def _look_up(effect: str, opening: control.Opening) -> Mapping[str, Value]:
    from engine import session as sessions
    from engine.clock import SystemClock
    from engine.ledger import open_reader
    from engine.runtime.inquiry import inquire
    from engine.runtime.recover import Recovery

    with closing(open_reader(opening.ledger_url)) as reader:
        session = sessions.at_work(opening.folder, reader)
        clock = SystemClock()
        row = reader.effect(effect)
        connections = sessions.open_connections(
            session,
            opening.environment,
            clock,
            opening.simulators,
            only="" if row is None else row.connection,
        )
        try:
            recovery = Recovery(reader, sessions.plans_in(session, reader), connections)
            return await inquire(effect, reader, recovery, connections)
        finally:
            await connections.aclose()
