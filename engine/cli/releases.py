"""`tidegate releases`."""

import click

from engine.cli import options, output
from engine.values.value import Value


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
    from engine.releases.proof import proved_in
    from engine.runtime.deployed import deployed_in

    reader = open_reader(ledger_url)
    try:
        deployed, active = deployed_in(reader), reader.active_release()
        if proof is not None:
            output.json(proved_in(reader, named(deployed, proof)).said())
            return
    finally:
        reader.close()
    said: dict[str, Value] = {
        "active": None if active is None else active.fingerprint,
        "environment": deployed.environment,
        "deployments": [
            {"what": one.kind.partition(".")[2], "at": one.at, "by": one.by, **one.detail}
            for one in reversed(deployed.deployments)
        ],
        "shadows": [dict(one) for one in deployed.shadows],
    }
    if form == "json":
        output.json(said)
        return
    for one in reversed(deployed.deployments):
        back = "back to" if one.kind.endswith("rollback") else "release"
        base = "" if one.base is None else f" from {one.base[:12]}"
        output.line(f"{one.at}  {back} {one.release[:12]}{base}, by {one.by}, plan {one.plan[:12]}")
        output.line(f"  {one.detail['reason']}")
        for approval in deployed.approvals:
            if approval.plan == one.plan:
                output.line(f"  approved by {approval.by} as {approval.role}, {approval.at}")
    for shadow in deployed.shadows:
        output.line(f"{shadow['ended']}  shadow of {str(shadow['release'])[:12]}: {shadow['summary']}")
        output.line(f"  {shadow['played']}")
    if not deployed.deployments:
        output.line("nothing was deployed to this ledger; `tidegate run` works by a folder.")
    elif active is not None:
        output.line(f"active in {deployed.environment!r}: {active.fingerprint}")
