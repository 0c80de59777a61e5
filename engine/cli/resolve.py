"""`tidegate resolve`."""

import getpass

import click

from engine.cli import control, output
from engine.values.value import Value


@click.command("resolve")
@click.argument("effect")
@click.option("--applied/--not-applied", default=None, help="What you found out.")
@click.option("--id", "external_id", metavar="ID", help="The id that the system gave the record.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    help="What else the receipt says, as NAME=TEXT or NAME:=JSON; may be given several times.",
)
@click.option("--again", is_flag=True, help="It was not applied: send it again.")
@click.option("--give-up", is_flag=True, help="It was not applied, and is not to be.")
@click.option("--reason", required=True, help="How you found out; it is kept in the audit.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who found out.")
@control.acting
def command(
    *,
    effect: str,
    applied: bool | None,
    external_id: str | None,
    fields: tuple[str, ...],
    again: bool,
    give_up: bool,
    reason: str,
    by: str,
    opening: control.Opening,
) -> None:
    """Say what became of EFFECT, of which nobody knew whether it was applied. Its run goes on accordingly.

    `--applied --id ID`: the system has it. `--not-applied --again`: it has not, and is sent once more.
    `--not-applied --give-up`: it has not, and the effect is a dead letter from now on.
    """
    if applied is None:
        raise click.UsageError("Say what you found out: --applied, or --not-applied.")
    if not applied and again is give_up:
        raise click.UsageError("Say what is to be done about it: --again, or --give-up.")
    if applied and give_up:
        raise click.UsageError("What was applied cannot be given up; leave out --give-up.")
    request: dict[str, Value] = {
        "effect": effect,
        "by": by,
        "reason": reason,
        "applied": applied,
        "id": external_id,
        "fields": list(fields),
        "again": again,
    }
    control.act("resolve", request, opening)
    ends = "applied" if applied else "sent again" if again else "given up"
    output.line(f"{effect} is {ends}.")
