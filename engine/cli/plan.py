"""`tidegate plan`."""

import getpass
import sys
from pathlib import Path

import click

from engine.cli import options, output


@click.command("plan")
@options.workspace
@options.environment
@options.ledger
@options.fates
@click.option("--by", default=getpass.getuser, show_default="you", help="Who makes the plan.")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan here, for `tidegate deploy`.",
)
@click.option(
    "--proof",
    metavar="LEDGER|FILE.json",
    help="The ledger of the environment to which this release was deployed before, or a file of "
    "`tidegate releases --proof`.",
)
@options.output_format()
def command(
    folder: Path | None,
    environment: str,
    ledger_url: str,
    fates: dict[str, str],
    by: str,
    out: Path | None,
    proof: str | None,
    form: str,
) -> None:
    """Say what would happen if this workspace took over on a ledger, and save it as a plan.

    The workspace is compared with the release that is active there, and all work under way that the change
    touches is counted: on its way, in line, waiting, held, dead. What becomes of each class has to be said
    with `--fate`. Nothing is changed by this. The exit code is 1 as long as a fate is missing; then no plan
    is saved.
    """
    from engine.cli.releasing import reader_of, show
    from engine.clock import SystemClock
    from engine.ledger import instant
    from engine.releases import Wanted, make, write_plan
    from engine.releases.proof import read_proof
    from engine.runtime.deployed import deployed_in
    from engine.session import load, snapshot

    session = load(folder)
    wanted = Wanted(
        by=by,
        at=instant(SystemClock().now()),
        environment=environment,
        fates=fates,
        proof=None if proof is None else read_proof(proof, session.ready.plan.release),
    )
    reader = reader_of(ledger_url)
    try:
        plan = make(session, snapshot(session), reader, wanted)
        is_that_of = None if reader is None else deployed_in(reader).environment
    finally:
        if reader is not None:
            reader.close()
    show(plan, form)
    if is_that_of not in {None, environment}:
        output.line(
            f"this ledger is that of the environment {is_that_of!r}, so a plan for {environment!r} cannot be "
            "deployed to it: name another --ledger, or another --env",
            error=True,
        )
    if plan.missing:
        sys.exit(1)
    if out is not None:
        out.write_bytes(write_plan(plan))
        if form == "text":
            output.line(f"\nplan {plan.hash[:12]} is saved in {out}")
