"""`tidegate canary`."""

import getpass
import re
from decimal import Decimal
from pathlib import Path

import click

from engine.cli import options, output
from engine.values.value import Value


@click.group("canary")
def command() -> None:
    """Try a planned release on a part of what comes in, for real; and end that."""


class Share(click.ParamType):  # type: ignore[type-arg]
    """A part of a hundred, as `10%` or `0.5%`, in hundredths of a percent."""

    name = "percent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number before the sign, times a hundred."""
        if isinstance(value, int):
            return value
        try:
            number = Decimal(str(value).removesuffix("%")) * 100
        except ArithmeticError:
            number = Decimal("NaN")
        if not number.is_finite() or number != int(number) or not 0 < number <= 10_000:
            self.fail(f"is written 10% or 0.5%, not {value!r}", param, ctx)
        return int(number)


_PERCENT = re.compile("[0-9]{1,3}")
_STATUSES = ("failed", "held", "rejected", "unknown")


def _pairs(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    del context, option
    found: dict[str, str] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.BadParameter(f"is written NAME=VALUE, not {text!r}")
        if name in found:
            raise click.BadParameter(f"says {name} twice")
        found[name] = value
    return found


def _limits(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, value in _pairs(context, option, given).items():
        number = value.removesuffix("%")
        if name not in _STATUSES or _PERCENT.fullmatch(number) is None or int(number) > 100:
            raise click.BadParameter(f"is written STATUS=5%, with one of {', '.join(_STATUSES)}")
        found[name] = int(number)
    return found


@command.command("start")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.ledger
@click.option("--share", type=Share(), default="100%", show_default=True, help="So many of the order keys.")
@click.option(
    "--where",
    "fields",
    multiple=True,
    metavar="FIELD=VALUE",
    callback=_pairs,
    help="Only events whose data says so: legal_entity=DE01. May be given several times.",
)
@click.option("--flow", "flows", multiple=True, help="Only this flow. May be given several times.")
@click.option(
    "--stop",
    "limits",
    multiple=True,
    metavar="STATUS=P%",
    callback=_limits,
    help="End it when more than so many of a hundred of its runs are failed, held, rejected or unknown.",
)
@click.option(
    "--after", type=click.IntRange(1), default=10, show_default=True, help="... but not before so many runs."
)
@click.option("--by", default=getpass.getuser, show_default="you", help="Who has it done.")
@click.option("--reason", required=True, help="Why it is done; it is kept in the audit.")
def start(
    file: Path,
    ledger_url: str,
    share: int,
    fields: dict[str, str],
    flows: tuple[str, ...],
    limits: dict[str, int],
    after: int,
    by: str,
    reason: str,
) -> None:
    """Have the release of the plan FILE work a part of what comes in, beside the active one.

    Which part is decided when a run begins, by what does not change: a share of the order keys, fields of the
    event, the flow; all that is said has to be so. The run keeps to its release, whatever comes of the trial.
    Approvals are asked for as for a deployment. The same plan is deployed afterwards, or the trial stopped.
    """
    from engine.cli.releasing import try_release
    from engine.releases import read_plan

    said: dict[str, Value] = {
        "share": share,
        "fields": dict(fields),
        "flows": sorted(flows),
        "stop": dict(limits),
        "stop_after": after,
    }
    plan = read_plan(file.read_bytes())
    try_release(plan, said, ledger_url, by, reason)
    output.line(f"release {plan.release[:12]} is on trial; `tidegate releases` tells how it does.")


@command.command("stop")
@options.ledger
@click.option("--by", default=getpass.getuser, show_default="you", help="Who has it done.")
@click.option("--reason", required=True, help="Why it is done; it is kept in the audit.")
def stop(ledger_url: str, by: str, reason: str) -> None:
    """End the trial; what it began ends by the release that it began with."""
    from engine.cli.control import ask_daemon
    from engine.clock import SystemClock
    from engine.releases.canary import stop_here
    from engine.runtime.resolve import Person

    if ask_daemon(ledger_url, "canary_stop", {"by": by, "reason": reason}) is None:
        stop_here(Person(by=by, reason=reason), ledger_url, SystemClock())
    output.line("the trial is over.")
