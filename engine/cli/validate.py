"""`tidegate validate`."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options, output

if TYPE_CHECKING:
    from engine.compile.incremental import Look
    from engine.problems import Report


@click.command("validate")
@click.argument("where", nargs=-1, type=click.Path(path_type=Path, exists=True))
@options.workspace
@options.output_format("github", "sarif", "junit")
@click.option("--strict", is_flag=True, help="Warnings count as problems.")
def command(where: tuple[Path, ...], folder: Path | None, form: str, *, strict: bool) -> None:
    """Check every document of a workspace: all problems at once, each with its place and a way out.

    With files or folders, the whole workspace is checked, and only their problems are shown.
    """
    from engine import session

    root, chosen = _chosen(where, folder)
    look = session.check(root)
    report = look.collector.report(within=chosen)
    _show(form, report, look, chosen, strict=strict)
    sys.exit(0 if report.ok and not (strict and report.warnings) else 1)


def _chosen(where: Sequence[Path], folder: Path | None) -> tuple[Path | None, Callable[[str], bool] | None]:
    """The workspace, and which of its files are meant; None for all."""
    from engine.errors import InputError
    from engine.workspace import WorkspaceError, find_root

    try:
        if not where:
            return find_root(folder or Path.cwd(), exactly=folder is not None), None
        if folder is None and len(where) == 1 and where[0].is_dir():
            try:
                return find_root(where[0], exactly=True), None
            except WorkspaceError:
                pass  # a folder inside of one
        first = where[0] if where[0].is_dir() else where[0].absolute().parent
        root = find_root(folder or first, exactly=folder is not None)
    except WorkspaceError as error:
        raise InputError(str(error)) from error
    return root, _within(root, where)


def _within(root: Path, where: Sequence[Path]) -> Callable[[str], bool]:
    """Whether a file, by its path from the root, is one of these or lies in one of these."""
    names: list[str] = []
    for path in where:
        # Not to follow a link of that name: a problem has the name under which the file was found.
        place = path.parent.resolve() / path.name if path.name not in ("", "..") else path.resolve()
        if not place.is_relative_to(root):
            raise click.UsageError(f"{path} does not lie in the workspace {root}")
        names.append(place.relative_to(root).as_posix())
    folders = tuple(f"{name}/" for name in names)
    wanted = frozenset(names)
    return lambda name: "." in wanted or name in wanted or name.startswith(folders)


def _show(
    form: str, report: "Report", look: "Look", chosen: Callable[[str], bool] | None, *, strict: bool
) -> None:
    from engine import __version__
    from engine.problems import render

    files = [source.name for source in look.workspace.sources]
    match form:
        case "json":
            output.raw(render.render_json(report))
        case "github":
            output.raw(render.render_github(report))
        case "sarif":
            output.raw(render.render_sarif(report, version=__version__))
        case "junit":
            output.raw(
                render.render_junit(report, (name for name in files if chosen is None or chosen(name)))
            )
        case _:
            _show_text(report, look, chosen, strict=strict)


def _show_text(report: "Report", look: "Look", chosen: Callable[[str], bool] | None, *, strict: bool) -> None:
    from engine.problems import render

    if report.problems:
        terminal = sys.stdout.isatty()
        columns = shutil.get_terminal_size().columns if terminal else None
        colored = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        output.raw(render.render_text(report, color=colored, columns=columns).rstrip("\n"))
        if strict and report.ok:
            output.line("With --strict, a warning is a problem.")
    elif chosen is None:
        output.line(f"{len(look.workspace.documents)} documents, no problems.")
    else:
        documents = [one for one in look.workspace.documents if chosen(one.name.span.source.name)]
        output.line(f"{len(documents)} of {len(look.workspace.documents)} documents, no problems.")
    elsewhere = look.collector.report(shown=0)
    others = elsewhere.errors + elsewhere.warnings - report.errors - report.warnings
    if others:
        output.line(f"{others:,} more in other files of the workspace.")
