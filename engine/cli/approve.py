"""`tidegate approve`."""

import getpass
from pathlib import Path

import click

from engine.cli import options, output
from engine.values.value import Value


@click.command("approve")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.ledger
@click.option("--as", "by", default=getpass.getuser, show_default="you", help="Who approves.")
@click.option("--role", required=True, help="The role in which the person approves.")
@click.option("--reason", help="Why; it is kept in the audit.")
def command(file: Path, ledger_url: str, by: str, role: str, reason: str | None) -> None:
    """Approve the plan FILE, so that it may be deployed to this ledger.

    What is approved is the hash of the plan: the whole release, what it takes over from, and what becomes of
    work under way. The roles that have to approve are those of the environment in the release that is active;
    whoever made the plan cannot.
    """
    from engine.cli.releasing import approve, reader_of, require_true
    from engine.errors import InputError
    from engine.releases import approval_refusal, read_plan, wanted_of

    plan = read_plan(file.read_bytes())
    require_true(plan, ledger_url)
    reader = reader_of(ledger_url)
    if reader is None:
        raise InputError("there is no ledger yet; `tidegate ledger upgrade` makes one")
    try:
        why = approval_refusal(plan, wanted_of(plan, reader), by, role)
    finally:
        reader.close()
    if why is not None:
        raise InputError(f"the plan is not approved: {why}")
    request: dict[str, Value] = {
        "plan": plan.hash,
        "release": plan.release,
        "by": by,
        "role": role,
        "reason": reason,
    }
    approve(request, ledger_url)
    output.line(f"{by} approves plan {plan.hash[:12]} as {role}.")
