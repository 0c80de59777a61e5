"""`tidegate ledger`."""

import getpass
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import export, options, output, prune

if TYPE_CHECKING:
    from engine.ledger import LedgerReader


@click.group("ledger")
def command() -> None:
    """Create, upgrade, back up, export, prune, check and verify a ledger."""


command.add_command(prune.command)
command.add_command(export.command)


@command.command("upgrade")
@options.ledger
def upgrade(ledger_url: str) -> None:
    """Create the ledger where there is none, or bring its schema to this release. What is in it stays."""
    from engine.errors import LedgerMissing, LedgerOutdated
    from engine.ledger import open_reader, shown_address, upgrade_ledger

    shown = shown_address(ledger_url)
    try:
        open_reader(ledger_url).close()
    except LedgerMissing:
        output.line(f"{shown} is made{_made(ledger_url)}.")
    except LedgerOutdated:
        upgrade_ledger(ledger_url)
        output.line(f"{shown} is brought to the schema of this release.")
    else:
        output.line(f"{shown} is up to date.")


def _made(ledger_url: str) -> str:
    """Make a ledger; what else there is to say of it."""
    from engine.clock import SystemClock
    from engine.ledger import is_shared, open_ledger

    with open_ledger(ledger_url, clock=SystemClock(), create=True) as ledger:
        if not is_shared(ledger_url):
            return ""
        from engine.ledger.at_work import at_work

        return f", with {sum(at_work(ledger.reader()).partitions.values())} partitions"


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.ledger
@click.option("--quiet", is_flag=True, help="Show no progress.")
def backup(file: Path, ledger_url: str, *, quiet: bool) -> None:
    """Copy the ledger to FILE while it is in use, and verify the copy."""
    from engine.ledger import back_up, open_reader, verify_chain

    with output.progress("pages", quiet=quiet) as shown:
        back_up(ledger_url, file, lambda done, _: shown.show(done))
    reader = open_reader(str(file))
    try:
        breaks = verify_chain(reader)
        head = reader.head()
    finally:
        reader.close()
    for found in breaks:
        output.line(str(found))
    told = "its chain is broken" if breaks else f"its chain is whole, and its head is {head.hash}"
    output.line(f"{file} has {file.stat().st_size:,} bytes; {told}.")
    sys.exit(1 if breaks else 0)


@command.command("restored")
@options.ledger
@click.option("--by", default=getpass.getuser, show_default="you", help="Who restored it.")
@click.option("--reason", required=True, help="Why, and what was seen to.")
def restored(ledger_url: str, by: str, reason: str) -> None:
    """Go on with an older copy of the ledger, which is refused until a person says so.

    What was done since the copy was made is not in it, and is done again as soon as its events come again:
    see first to what was sent since. The chain keeps who said so, and why.
    """
    from engine.clock import SystemClock
    from engine.ledger import accept_restored, shown_address

    lost = accept_restored(ledger_url, SystemClock(), by, reason)
    output.line(f"{shown_address(ledger_url)} is gone on with; {lost:,} rows of its chain are lost.")


@command.command("check")
@click.option(
    "--decisions", is_flag=True, help="Decide every run that is over again too, and compare it to the byte."
)
@options.workspace
@options.ledger
@options.output_format()
def check(folder: Path | None, ledger_url: str, form: str, *, decisions: bool) -> None:
    """Tell whether the ledger is sound: its file, its chain, and all of its open work, decided again.

    Run it before an upgrade, and on a copy that was restored. With --decisions every run that is over has to
    come to the same records, events, holds, alerts and reasons as then. Nothing is sent, and nothing written.
    """
    from engine.ledger import file_breaks, open_reader, verify_chain

    reader = open_reader(ledger_url)
    try:
        found = {
            "file": file_breaks(ledger_url),
            "chain": [str(one) for one in verify_chain(reader)],
            "open_work": _open_work(reader, folder),
            **({"decisions": _decisions(reader, folder)} if decisions else {}),
        }
    finally:
        reader.close()
    if form == "json":
        output.json({"ok": not any(found.values()), **found})
    else:
        _show(found)
    sys.exit(1 if any(found.values()) else 0)


def _show(found: Mapping[str, Sequence[str]]) -> None:
    for part, wrong in found.items():
        output.line(f"{part.replace('_', ' ')}: {f'{len(wrong)} wrong' if wrong else 'sound'}")
        for one in wrong:
            output.line(f"  {one}")


def _open_work(reader: "LedgerReader", folder: Path | None) -> list[str]:
    from engine import session as sessions
    from engine.runtime.check import open_work

    session = sessions.at_work(folder, reader)
    found = open_work(reader, sessions.plans_in(session, reader), sessions.manifests(session))
    return [f"{row.id}: {why}" for row, why in found if why is not None]


def _decisions(reader: "LedgerReader", folder: Path | None) -> list[str]:
    from engine import session as sessions
    from engine.runtime.again import finished_work
    from engine.runtime.check import recovery_of

    session = sessions.at_work(folder, reader)
    recovery = recovery_of(reader, sessions.plans_in(session, reader), sessions.manifests(session))
    return [f"{row.id}: {why}" for row, why in finished_work(reader, recovery) if why is not None]


@command.command("verify")
@options.ledger
@options.output_format()
def verify(ledger_url: str, form: str) -> None:
    """Recompute the hash chain: tells of every fact that was changed, added or taken away."""
    from engine.ledger import open_reader, verify_chain

    reader = open_reader(ledger_url)
    try:
        breaks = verify_chain(reader)
        head = reader.head()
    finally:
        reader.close()
    if form == "json":
        output.json(
            {"ok": not breaks, "breaks": [found._asdict() for found in breaks], "head": head._asdict()}
        )
    else:
        for found in breaks:
            output.line(str(found))
        output.line("The chain is broken." if breaks else f"The chain is whole; its head is {head.hash}.")
    sys.exit(1 if breaks else 0)
