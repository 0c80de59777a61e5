"""`tidegate compensate`."""

import getpass
from collections.abc import Iterable, Mapping
from typing import cast

import click

from engine.cli import control, options, output
from engine.values.value import Value


@click.command("compensate")
@click.argument("run_id", metavar="RUN")
@click.option("--reason", required=True, help="Why; it is kept in the audit.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who has it taken back.")
@click.option(
    "--dry-run", "dry", is_flag=True, help="Only say what would be taken back, and what would stay."
)
@options.output_format()
@control.acting
def command(run_id: str, reason: str, by: str, form: str, opening: control.Opening, *, dry: bool) -> None:
    """Take back what the run RUN wrote, last first, each write by its `undo`.

    The run has to be over. What is irreversible or stands by declaration stays. Where the run stands
    afterwards, and what each target answered, `tidegate trace RUN` tells.
    """
    request: dict[str, Value] = {"run": run_id, "by": by, "reason": reason, "dry": dry}
    did = control.act("compensate", request, opening)
    if form == "json":
        output.json(did)
        return
    _show(did, dry=dry)


def _show(did: Mapping[str, Value], *, dry: bool) -> None:
    output.line(f"{did['run']} {'would be' if dry else 'is being'} taken back:")
    for one in _records(did["takes_back"]):
        output.line(f"  {one['step']}, by {one['by']}")
    for one in _records(did["stays"]):
        output.line(f"  {one['step']} stays: {one['why']}")
    for one in _records(did["caused"]):
        output.line(f"  not with it: {one['run']}, which it caused and which is {one['status']}")


def _records(value: Value) -> Iterable[Mapping[str, Value]]:
    return cast("Iterable[Mapping[str, Value]]", value)
