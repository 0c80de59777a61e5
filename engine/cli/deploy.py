"""`tidegate deploy`."""

import getpass
from pathlib import Path

import click

from engine.cli import options


@click.command("deploy")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.ledger
@click.option("--by", default=getpass.getuser, show_default="you", help="Who has it done.")
@click.option("--reason", required=True, help="Why it is done; it is kept in the audit.")
def command(file: Path, ledger_url: str, by: str, reason: str) -> None:
    """Carry out the plan FILE of `tidegate plan`, as it stands or not at all.

    It is refused when another release has become active since the plan was made, or when there is work under
    way of which the plan does not say what becomes. The release, the pointer to it and the fact are written
    in one commit; a daemon that runs on the ledger goes on with it at once.
    """
    from engine.cli.releasing import carry_out, require_true
    from engine.releases import read_plan

    plan = read_plan(file.read_bytes())
    require_true(plan, ledger_url)
    carry_out(plan, ledger_url, by, reason)
