"""`tidegate holds`."""

import getpass
from collections.abc import Mapping

import click

from engine.cli import control, options, output


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
@control.acting
def release(
    hold_id: str, reason: str | None, by: str, role: str | None, second: str | None, opening: control.Opening
) -> None:
    """Release the hold HOLD_ID, and carry out what waited for it.

    The role, the reason and the second person that its policy asks for have to be given; who they were and
    why they did it is kept in the audit. On one machine people are taken at their word. Where a daemon runs
    on the ledger, it is told, and carries out what waited.
    """
    request = {"hold": hold_id, "by": by, "reason": reason, "role": role, "second": second}
    control.act("release", request, opening)
    output.line(f"{hold_id} is released.")
