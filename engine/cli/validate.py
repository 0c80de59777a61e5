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
    from engine.problems import render
    from engine.session import load

    session = load(where or folder)
    report = session.report()
    ok = report.ok and not (strict and report.warnings)
    documents = len(session.workspace.documents)
    match form:
        case "json":
            output.raw(render.render_json(report))
        case "github":
            output.raw(render.render_github(report))
        case "sarif":
            output.raw(render.render_sarif(report))
        case _ if report.problems:
            output.raw(render.render_text(report, color=sys.stdout.isatty()))
        case _:
            output.line(f"{documents} documents, no problems.")
    sys.exit(0 if ok else 1)
