"""`tidegate alerts`."""

import getpass

import click

from engine.cli import control, options, output


@click.group("alerts", cls=options.Listing)
def command() -> None:
    """List who is told what, and say that somebody takes care of it.

    Without a subcommand it lists, with the options of `list`.
    """


@command.command("list")
@options.ledger
@options.output_format()
@click.option("--to", metavar="NAME", help="Only what this role or team is told.")
@click.option("--severity", type=click.Choice(["info", "warning", "error", "critical"]), help="Only these.")
@click.option(
    "--all", "all_", is_flag=True, help="Those that somebody takes care of, and those that are over, as well."
)
def list_(ledger_url: str, form: str, to: str | None, severity: str | None, *, all_: bool) -> None:
    """List the alerts of which nobody has taken care yet, the oldest first."""
    from engine.clock import SystemClock
    from engine.insight.alerts import described_alerts
    from engine.ledger import open_reader

    reader = open_reader(ledger_url)
    try:
        found = described_alerts(reader, SystemClock().now(), to=to, severity=severity, all_=all_)
    finally:
        reader.close()
    if form == "json":
        output.json(found)
        return
    for alert in found:
        output.raw(output.styled(output.clean(str(alert["id"])), bold=True))
        output.line(f"  {alert['severity']} to {alert['to']}, {alert['age']} ago")
        output.line(f"  {alert['message']}")
        if alert["acknowledged_by"]:
            output.line(f"  {alert['acknowledged_by']} takes care of it")
        elif alert["status"] != "open":
            output.line("  it is over")
    output.line(f"{len(found)} {'' if all_ else 'open '}alert{'' if len(found) == 1 else 's'}.")


@command.command("acknowledge")
@click.argument("alert_id")
@click.option("--reason", help="What is done about it; it is kept in the audit.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who takes care of it.")
@control.acting
def acknowledge(alert_id: str, reason: str | None, by: str, opening: control.Opening) -> None:
    """Say that somebody takes care of the alert ALERT_ID."""
    control.act("acknowledge", {"alert": alert_id, "by": by, "reason": reason}, opening)
    output.line(f"{alert_id} is acknowledged.")
