"""`tidegate rollback`."""

import getpass

import click

from engine.cli import options


@click.command("rollback")
@options.ledger
@click.option("--to", metavar="RELEASE", help="The release to go back to; the one before when left out.")
@options.fates
@click.option("--dry", is_flag=True, help="Only say what it would touch.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who has it done.")
@click.option("--reason", help="Why it is done; it is kept in the audit.")
@options.output_format()
def command(
    ledger_url: str,
    to: str | None,
    fates: dict[str, str],
    by: str,
    reason: str | None,
    form: str,
    *,
    dry: bool,
) -> None:
    """Go back to a release that was active on this ledger before.

    What it touches is told as `tidegate plan` tells it. What is not said otherwise ends by the release that
    it began with. It is checked and recorded as a deployment is.
    """
    from engine.cli.releasing import carry_out, reader_of, show
    from engine.clock import SystemClock
    from engine.errors import InputError
    from engine.ledger import instant
    from engine.releases.back import plan_back

    if not dry and not (reason or "").strip():
        raise click.UsageError("Say why it is done, with --reason; or --dry.")
    reader = reader_of(ledger_url)
    if reader is None:
        raise InputError("there is no ledger, so there is nothing to go back to")
    try:
        plan = plan_back(reader, to, by, instant(SystemClock().now()), fates)
    finally:
        reader.close()
    show(plan, form)
    if not dry:
        carry_out(plan, ledger_url, by, reason or "")
