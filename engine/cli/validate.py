"""`tidegate validate`."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options, output

if TYPE_CHECKING:
    from engine.session import Checked


@click.command("validate")
@click.argument("where", nargs=-1, type=click.Path(path_type=Path, exists=True))
@options.workspace
@options.output_format("github", "sarif", "junit")
@click.option("--strict", is_flag=True, help="Warnings count as problems.")
def command(where: tuple[Path, ...], folder: Path | None, form: str, *, strict: bool) -> None:
    """Check every document of a workspace: all problems at once, each with its place and a way out.

    With files or folders, the whole workspace is checked, and only their problems are shown.
    """
    from engine.clock import SystemClock
    from engine.session import OutsideError, check

    try:
        checked = check(where, folder, today=SystemClock().now().date())
    except OutsideError as error:
        raise click.UsageError(str(error)) from error
    _show(form, checked, strict=strict)
    report = checked.report
    sys.exit(0 if report.ok and not (strict and report.warnings) else 1)


def _show(form: str, checked: "Checked", *, strict: bool) -> None:
    from engine import __version__
    from engine.problems import render

    report = checked.report
    match form:
        case "json":
            output.raw(render.render_json(report))
        case "github":
            output.raw(render.render_github(report))
        case "sarif":
            output.raw(render.render_sarif(report, version=__version__))
        case "junit":
            output.raw(render.render_junit(report, checked.files))
        case _:
            _show_text(checked, strict=strict)


def _show_text(checked: "Checked", *, strict: bool) -> None:
    from engine.problems import render

    report, all_documents = checked.report, checked.all_documents
    if report.problems:
        terminal = sys.stdout.isatty()
        columns = shutil.get_terminal_size().columns if terminal else None
        colored = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        output.raw(render.render_text(report, color=colored, columns=columns).rstrip("\n"))
        if strict and report.ok:
            output.line("With --strict, a warning is a problem.")
    elif checked.documents == all_documents and not checked.elsewhere:
        output.line(f"{all_documents:,} documents, no problems.")
    else:
        output.line(f"{checked.documents:,} of {all_documents:,} documents, no problems.")
    if checked.elsewhere:
        problems = "problem" if checked.elsewhere == 1 else "problems"
        output.line(f"{checked.elsewhere:,} {problems} in other files of the workspace.")
