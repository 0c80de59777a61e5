"""`tidegate ledger`."""

import sys

import click

from engine.cli import options, output


@click.group("ledger")
def command() -> None:
    """Create, upgrade and verify a ledger."""


@command.command("upgrade")
@options.ledger
def upgrade(ledger_url: str) -> None:
    """Create the ledger, or bring its schema to this release. What is in it stays."""
    from engine.clock import SystemClock
    from engine.errors import LedgerMissing
    from engine.ledger import open_ledger, upgrade_ledger

    try:
        upgrade_ledger(ledger_url)
    except LedgerMissing:
        open_ledger(ledger_url, clock=SystemClock(), create=True).close()
    output.line(f"{ledger_url} is up to date.")


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
