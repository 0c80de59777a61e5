"""`tidegate releases`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from engine.cli import options, output
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.deployed import Deployed


@click.command("releases")
@options.ledger
@click.option(
    "--proof",
    metavar="RELEASE",
    help="Print the proof that this release was deployed here, for `tidegate plan --proof` elsewhere.",
)
@options.output_format()
def command(ledger_url: str, proof: str | None, form: str) -> None:
    """List what was deployed to a ledger: when, by whom, by which plan and why, the newest first."""
    from engine.ledger import open_reader
    from engine.releases.back import named
    from engine.releases.canary import rested_on
    from engine.releases.proof import proved_in
    from engine.runtime.deployed import deployed_in

    reader = open_reader(ledger_url)
    try:
        deployed, active = deployed_in(reader), reader.active_release()
        if proof is not None:
            output.json(proved_in(reader, named(deployed, proof)).said())
            return
        rested: Value = {} if deployed.canary is None else rested_on(reader, deployed.canary)
    finally:
        reader.close()
    said: dict[str, Value] = {
        "active": None if active is None else active.fingerprint,
        "environment": deployed.environment,
        "deployments": [
            {"what": one.kind.partition(".")[2], "at": one.at, "by": one.by, **one.detail}
            for one in reversed(deployed.deployments)
        ],
        "canary": None if deployed.canary is None else {**deployed.canary, "rested": rested},
        "canaries_stopped": [dict(one) for one in deployed.ended],
        "shadows": [dict(one) for one in deployed.shadows],
    }
    if form == "json":
        output.json(said)
        return
    _show_deployments(deployed)
    _show_trials(deployed, rested)
    if not deployed.deployments:
        output.line("nothing was deployed to this ledger; `tidegate run` works by a folder.")
    elif active is not None:
        output.line(f"active in {deployed.environment!r}: {active.fingerprint}")


def _show_deployments(deployed: "Deployed") -> None:
    for one in reversed(deployed.deployments):
        back = "back to" if one.kind.endswith("rollback") else "release"
        base = "" if one.base is None else f" from {one.base[:12]}"
        output.line(f"{one.at}  {back} {one.release[:12]}{base}, by {one.by}, plan {one.plan[:12]}")
        output.line(f"  {one.detail['reason']}")
        for approval in deployed.approvals:
            if approval.plan == one.plan:
                output.line(f"  approved by {approval.by} as {approval.role}, {approval.at}")


def _counts(rested: Value) -> str:
    """`3 completed, 1 held`."""
    found = rested if isinstance(rested, Mapping) else {}
    return ", ".join(f"{number} {status}" for status, number in found.items()) or "no runs"


def _show_trials(deployed: "Deployed", rested: Value) -> None:
    on = deployed.canary
    if on is not None:
        output.line(
            f"{on['at']}  on trial: {str(on['release'])[:12]}, by {on['by']}, so far {_counts(rested)}"
        )
    for one in deployed.ended:
        output.line(
            f"{one['at']}  trial of {str(one['release'])[:12]} stopped by {one['by']}: {one['reason']}"
        )
    for one in deployed.shadows:
        output.line(f"{one['ended']}  shadow of {str(one['release'])[:12]}: {one['summary']}")
        output.line(f"  {one['played']}")
