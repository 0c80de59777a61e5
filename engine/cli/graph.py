"""`tidegate graph`."""

import shutil
from pathlib import Path

import click

from engine.cli import options, output


@click.command("graph")
@click.argument("flow", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "svg", "mermaid", "json"]),
    help="How to draw it.  [default: by the name of the file; text without one]",
)
@click.option(
    "--output", "-o", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write it here."
)
@click.option("--all-edges", is_flag=True, help="Draw also edges that follow from others.")
@options.workspace
def command(
    flow: str | None, form: str | None, file: Path | None, folder: Path | None, *, all_edges: bool
) -> None:
    """Draw the steps of FLOW; without one, how systems, events and flows hang together."""
    from engine import drawing
    from engine.errors import InputError
    from engine.problems.suggest import did_you_mean, there_are
    from engine.session import load

    session = load(folder)
    plan = session.ready.plan
    if flow is None:
        picture = drawing.workspace_picture(plan, session.workspace.files.root.name)
    elif flow in plan.flows:
        picture = drawing.flow_picture(plan.flows[flow], every_edge=all_edges)
    else:
        known = did_you_mean(flow, plan.flows) or (there_are(plan.flows),)
        raise InputError(" ".join([f"there is no flow {flow!r}.", *known]).rstrip())
    match form or _by_name(file):
        case "svg":
            text = drawing.svg(picture)
        case "mermaid":
            text = drawing.mermaid(picture)
        case "json":
            text = drawing.as_json(picture)
        case _:
            width = shutil.get_terminal_size((120, 40)).columns
            text = drawing.terminal(picture, 100_000 if file else width)
    if file is None:
        output.raw(text.rstrip("\n"))
    else:
        _write(file, text)
        output.line(f"{picture.title} is drawn in {file}.")


def _write(file: Path, text: str) -> None:
    """Write a drawing, and never over a document."""
    from engine.errors import InputError

    if file.suffix.lower() in (".yaml", ".yml"):
        raise InputError(f"{file} has the name of a document; write a drawing to a .svg, .mmd, .json or .txt")
    file.write_text(text, encoding="utf-8")


def _by_name(file: Path | None) -> str:
    from engine.errors import InputError

    known = {
        "": "text",
        ".txt": "text",
        ".svg": "svg",
        ".mmd": "mermaid",
        ".mermaid": "mermaid",
        ".json": "json",
    }
    ending = "" if file is None else file.suffix.lower()
    if ending not in known:
        raise InputError(f"nothing is drawn as {ending}: write .svg, .mmd, .json or .txt, or say --format")
    return known[ending]
