"""`tidegate process`."""

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options, output
from engine.runtime.process import Processed

if TYPE_CHECKING:
    from engine.ledger import LedgerReader


@click.command("process")
@click.option(
    "--events",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file with one event a line.",
)
@click.option("--as", "as_event", help="Each line is the data of this event, rather than an envelope.")
@options.workspace
@options.environment
@options.ledger
@options.output_format()
@options.simulators
def command(
    file: Path,
    as_event: str | None,
    folder: Path | None,
    environment: str,
    ledger_url: str,
    form: str,
    simulators: dict[str, str],
) -> None:
    """Run the events of a file to rest, and those that an earlier run left open first.

    Each line is {"type": NAME, "data": {...}}. The same event twice is one event; the same command again
    goes on where a crash left it. The exit code is 0 when every line was an event and no run failed.
    """
    found = asyncio.run(
        _process(file, as_event, folder, environment, ledger_url, simulators, quiet=form == "json")
    )
    _show(found, form)
    sys.exit(0 if found.ok else 1)


async def _process(
    file: Path,
    as_event: str | None,
    folder: Path | None,
    environment: str,
    ledger_url: str,
    simulated: dict[str, str],
    *,
    quiet: bool,
) -> Processed:
    from engine import session as sessions
    from engine.clock import SystemClock
    from engine.ledger import open_ledger
    from engine.runtime.process import process
    from engine.runtime.runner import Runner

    clock = SystemClock()
    session = sessions.load(folder)
    plan = session.ready.plan
    with open_ledger(ledger_url, clock=clock, create=True) as ledger:
        sessions.store_release(session, ledger, clock)
        connections = sessions.open_connections(session, environment, clock, simulated)
        try:
            sessions.require_what_open_runs_need(session, ledger.reader(), connections.by_name)
            runner = Runner(
                ledger=ledger,
                plan=plan,
                plans=sessions.plans(session, ledger),
                connections=connections,
                clock=clock,
            )
            _note_trial(ledger.reader())
            with output.progress("events", quiet=quiet) as shown:
                found = await process(runner, plan, file, as_event, clock, shown.show)
            found.behind = sum(ledger.reader().running_by_order_key().values())
        finally:
            await connections.aclose()
    return found


def _note_trial(reader: "LedgerReader") -> None:
    from engine.runtime.deployed import deployed_in

    canary = deployed_in(reader).canary
    if canary is not None:
        output.line(
            f"release {str(canary['release'])[:12]} is on trial and has no part in this: only "
            "`tidegate run --released` works by it.",
            error=True,
        )


def _show(found: Processed, form: str) -> None:
    if form == "json":
        output.json(asdict(found))
        return
    for refusal in found.refusals:
        output.line(refusal, error=True)
    output.line(
        f"{_counted(found.events, 'event')}: {found.accepted:,} accepted, {found.duplicates:,} known already"
        + (f", {found.conflicts:,} with a known id and another body" if found.conflicts else "")
        + (f", {found.refused:,} lines that are no events" if found.refused else "")
    )
    statuses = ("completed", "held", "waiting", "rejected", "failed", "compensated", "unknown")
    ended = ", ".join(f"{getattr(found, name):,} {name}" for name in statuses if getattr(found, name))
    output.line(f"{_counted(found.runs, 'run')}: {ended or 'none'}")
    said = ", ".join((_counted(found.effects, "effect"), _counted(found.alerts, "alert")))
    output.line(f"{said}, {found.seconds:.1f} s")
    if found.failed or found.unknown or found.conflicts:
        output.line("`tidegate dead` says what failed, why, and what can be done.")
    if found.unsent:
        them = "1 call waits" if found.unsent == 1 else f"{found.unsent:,} calls wait"
        output.line(
            f"{them} for a system that is away (`tidegate status`). Nothing is lost: give the same command "
            "again when it is back, or let `tidegate run` go on."
        )
    if found.behind:
        them = "1 run is" if found.behind == 1 else f"{found.behind:,} runs are"
        output.line(
            f"{them} not over, behind another under the same order key (`tidegate keys list`) "
            "or since a system is away (`tidegate status`)."
        )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
