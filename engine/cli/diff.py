"""`tidegate diff`."""

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from engine.cli import options, output


@click.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@click.option(
    "--fail-on",
    "fail_on",
    multiple=True,
    type=click.Choice(["breaking", "behaviour"]),
    help="End with exit code 1 when a change is breaking, or touches behaviour. May be given several times.",
)
@options.workspace
@options.ledger
@options.output_format()
def command(
    old: str, new: str | None, fail_on: tuple[str, ...], folder: Path | None, ledger_url: str, form: str
) -> None:
    """Say what the workspace NEW says otherwise than OLD.

    Each is a folder, git:REVISION for this workspace as it is in git, or release:FINGERPRINT for one that
    the ledger keeps. NEW is this workspace when it is left out. The exit code is 0 however much has changed,
    unless --fail-on says otherwise.
    """
    from engine.preview.meaning import compare
    from engine.preview.report import Report, Side, as_json, text
    from engine.revisions import opened
    from engine.session import load

    with ExitStack() as stack:
        before = stack.enter_context(opened(old, folder, ledger_url))
        after = load(folder) if new is None else stack.enter_context(opened(new, folder, ledger_url))
        meanings = before.ready.meaning(), after.ready.meaning()
        report = Report(
            old=Side(name=old, release=meanings[0].release),
            new=Side(name=new or "this workspace", release=meanings[1].release),
            changes=compare(*meanings),
        )
    if form == "json":
        output.json(as_json(report))
    else:
        output.line(text(report))
    failing = {"breaking": report.breaks, "behaviour": report.changes_behaviour}
    sys.exit(1 if any(failing[word] for word in fail_on) else 0)
