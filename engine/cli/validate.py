"""`tidegate validate`."""

import sys
from pathlib import Path

import click

from engine.cli import options, output


@click.command("validate")
@click.argument("where", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@options.workspace
@options.output_format("github", "sarif")
@click.option("--strict", is_flag=True, help="Warnings count as problems.")
def command(where: Path | None, folder: Path | None, form: str, *, strict: bool) -> None:
    """Check every document of a workspace: all problems at once, each with its place and a way out."""
    from engine.problems.render import render
    from engine.session import load

    session = load(where or folder)
    report = session.report()
    output.raw(render(report, form, colour=sys.stdout.isatty()))
    ok = report.ok and not (strict and report.warnings)
    if form == "text" and ok:
        count = len(session.workspace.documents)
        output.line(f"{count} documents, no problems." if not report.problems else f"{count} documents.")
    sys.exit(0 if ok else 1)
