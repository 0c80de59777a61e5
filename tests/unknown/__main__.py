"""All 480 cells, and the table of them: ``python -m tests.unknown [--way TEXT]``."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.connect.certificate import self_signed
from tests.disk import in_memory
from tests.unknown.cells import KINDS, Bench, Cell, Fate, Found, cells, play

TOGETHER = 24  # cells at the same time: most of them wait


async def table(wanted: list[Cell], folder: Path) -> dict[Cell, Found]:
    """What became of each cell."""
    bench = Bench.build(folder, self_signed(folder))
    places = asyncio.Semaphore(TOGETHER)

    async def together(number: int, cell: Cell) -> tuple[Cell, Found]:
        async with places:
            return cell, await play(bench, cell, number)

    found = dict(await asyncio.gather(*[together(number, cell) for number, cell in enumerate(wanted)]))
    # A machine that is busy makes time-outs of its own: what went wrong in company is judged alone.
    for cell in [cell for cell, one in found.items() if one.wrong]:
        found[cell] = await play(bench, cell, len(found))
    return found


def rows(found: dict[Cell, Found]) -> list[str]:
    """The table as text: a line for each way and fate, a column for each kind."""
    lines = [f"{'way':38} {'worker':24} " + " ".join(f"{kind:22}" for kind in KINDS)]
    for way in dict.fromkeys(cell.way for cell in found):
        for fate in Fate:
            said = [_said(found[Cell(way=way, kind=kind, fate=fate)]) for kind in KINDS]
            lines.append(f"{way:38} {fate:24} " + " ".join(f"{text:22}" for text in said))
    return lines


def _said(one: Found) -> str:
    mark = "WRONG " if one.wrong else ""
    return f"{mark}{one.status} {one.applied} ({one.posts} sent, {one.looks} looks)".replace(", 0 looks", "")


def main() -> int:
    """Play and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.unknown", description=__doc__)
    parser.add_argument("--way", default="", help="only ways with this in their name")
    given = parser.parse_args()
    began = time.monotonic()
    wanted = [cell for cell in cells() if given.way in cell.way]
    with tempfile.TemporaryDirectory(prefix="tidegate-unknown-", dir=in_memory.folder()) as name:
        found = asyncio.run(table(wanted, Path(name)))
    sys.stdout.write("\n".join(rows(found)) + "\n")
    wrong = {cell: one.wrong for cell, one in found.items() if one.wrong}
    for cell, why in wrong.items():
        sys.stdout.write(f"WRONG {cell}: {'; '.join(why)} ({found[cell].reason})\n")
    sys.stdout.write(f"{len(found)} cells, {len(wrong)} wrong, {time.monotonic() - began:.0f} s\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
