"""`tidegate demo`."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options, output

if TYPE_CHECKING:
    from engine.demo import Line, Scene, Story
    from engine.demo.real_erp import RealErp

MARKS = {
    "act": "",
    "message": "",
    "write": "->",
    "decision": "=>",
    "hold": "||",
    "release": "|>",
    "alert": "!!",
    "wait": "..",
}
COLORS = {"decision": "cyan", "hold": "yellow", "release": "green", "alert": "magenta", "wait": "yellow"}


@click.command("demo")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the ledger in this folder; without it nothing is kept.",
)
@click.option("--ledger", "ledger_url", help="The ledger to play on: a new file, or sqlite:///FILE.")
@click.option(
    "--erp",
    type=click.Choice(["netsuite", "tryton"]),
    default="netsuite",
    show_default=True,
    help="A simulated NetSuite, or a real Tryton, which is installed the first time.",
)
@options.output_format()
def command(keep: Path | None, ledger_url: str | None, erp: str, form: str) -> None:
    """Play a firm from the won deal to recognised revenue, on loopback.

    Salesforce, Kantata, NetSuite and a revenue engine are simulated, over real HTTP. On the way: an amendment
    that is missing, time after the billing cutoff, an ERP that is away, and a storm of repeated messages.
    At the end, what must hold is compared with the systems and the ledger; the exit code is 0 when all of
    it does.
    """
    from engine.demo import tryton

    with _place(keep, ledger_url) as url, tryton() if erp == "tryton" else nullcontext() as real:
        story = asyncio.run(_play(url, form, real))
        if form == "json":
            _json(story)
        else:
            _ending(story, url if keep or ledger_url else None)
    sys.exit(0 if story.held else 1)


@contextmanager
def _place(keep: Path | None, ledger_url: str | None) -> Iterator[str]:
    """Where the ledger is: where a person said, or in a folder that is gone afterwards."""
    if keep is not None and ledger_url is not None:
        raise click.UsageError("--keep and --ledger both say where the ledger is; give one of them")
    if ledger_url is not None:
        yield ledger_url
    elif keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield str(keep / "demo.sqlite")
    else:
        with tempfile.TemporaryDirectory(prefix="tidegate-demo-") as folder:
            yield str(Path(folder) / "demo.sqlite")


async def _play(ledger_url: str, form: str, real: "RealErp | None") -> "Story":
    from engine.demo import play
    from engine.session import pack_folder

    if form == "json":
        return await play(pack_folder(), ledger_url, _silence, real)
    erp = "Its ERP is a real Tryton; all other systems" if real is not None else "All systems"
    output.line(
        f"A consulting firm from the won deal to recognised revenue. {erp} are simulated, on loopback."
    )
    return await play(pack_folder(), ledger_url, _tell, real)


def _silence(_scene: "Scene") -> None:
    """Say nothing until the end."""


def _tell(scene: "Scene") -> None:
    output.line()
    heading = f"{scene.at:%a} {scene.at.day} {scene.at:%b %Y %H:%M}  {scene.title}"
    output.raw(output.styled(output.clean(heading), bold=True))
    for line in scene.lines:
        output.raw(_shown(line))


def _shown(line: "Line") -> str:
    text = f"{line.system}: {line.text}" if line.system else line.text
    shown = output.clean(f"  {MARKS[line.kind]:2} {text}")
    color = COLORS.get(line.kind)
    return output.styled(shown, fg=color) if color else shown


def _ending(story: "Story", kept: str | None) -> None:
    if story.trace:
        output.line()
        output.raw(output.styled("Where one revenue entry comes from", bold=True))
    for depth, text in enumerate(story.trace):
        output.line(f"  {'<- ' if depth else ''}{text}")
    output.line()
    output.raw(output.styled("What must hold, in the systems and in the ledger", bold=True))
    width = max(len(expectation.text) for expectation in story.expectations)
    for expectation in story.expectations:
        mark = output.styled("✓", fg="green") if expectation.held else output.styled("✗", fg="red", bold=True)
        output.raw(f"  {mark} {output.clean(f'{expectation.text:{width}}  {expectation.found}')}")
    output.line()
    broken = sum(not expectation.held for expectation in story.expectations)
    total = len(story.expectations)
    output.line(
        f"{broken} of {total} expectations did not hold." if broken else f"All {total} expectations hold."
    )
    if kept is not None:
        output.line(f"The ledger is kept: {kept}")


def _json(story: "Story") -> None:
    output.json(
        {
            "ok": story.held,
            "scenes": [
                {
                    "at": scene.at.isoformat(),
                    "title": scene.title,
                    "lines": [
                        {"kind": line.kind, "system": line.system, "text": line.text} for line in scene.lines
                    ],
                }
                for scene in story.scenes
            ],
            "trace": list(story.trace),
            "expectations": [
                {"text": each.text, "held": each.held, "found": each.found} for each in story.expectations
            ],
        }
    )
