"""`tidegate keys`."""

import getpass

import click

from engine.cli import control, options, output


@click.group("keys", cls=options.Listing)
def command() -> None:
    """List the order keys that stand, and let others pass.

    Without a subcommand it lists, with the options of `list`.
    """


@command.command("list")
@options.ledger
@options.output_format()
def list_(ledger_url: str, form: str) -> None:
    """List what stops order keys: since when, which run and step, and how many wait behind it."""
    from engine.clock import SystemClock
    from engine.insight.keys import described_keys
    from engine.ledger import open_reader

    reader = open_reader(ledger_url)
    try:
        found = described_keys(reader, SystemClock().now())
    finally:
        reader.close()
    if form == "json":
        output.json(found)
        return
    for key in found:
        output.raw(output.styled(output.clean(str(key["key"]) or output.NO_TEXT), bold=True))
        step = f", step {key['step']}" if key["step"] else ""
        output.line(f"  {key['run']}{step} is {key['why']} since {key['since']} ({key['age']})")
        if key["reason"]:
            output.line(f"  {key['reason']}")
        output.line(f"  {key['waiting']} waiting behind it")
    output.line(f"{len(found)} order key{' stands' if len(found) == 1 else 's stand'}.")


@command.command("free")
@click.argument("key")
@click.option("--reason", required=True, help="Why; it is kept in the audit.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who lets them pass.")
@control.acting
def free(key: str, reason: str, by: str, opening: control.Opening) -> None:
    """Let pass what waits under the order key KEY, and carry it out.

    What stopped it stays as it is: a failed run stays failed, a held one held. If that run goes on later, it
    comes after those that passed it.
    """
    did = control.act("free_key", {"key": key, "by": by, "reason": reason}, opening)
    passed = did["passed"]
    assert isinstance(passed, list)
    output.line(f"{key or output.NO_TEXT} is free; {', '.join(map(str, passed))} stays as it is.")
