"""Workspaces that are too large, or too odd, to be kept as files: made for one test, then gone."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from engine.problems import Collector, own_bug
from engine.source import Source, Span
from engine.workspace import files, yaml_tree
from tests.problems.harness import read, validate


def _written(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def a_pipe(root: Path) -> Collector:
    (root / "flows").mkdir()
    os.mkfifo(root / "flows" / "queue.yaml")
    return read(root)


def a_large_file(root: Path) -> Collector:
    _written(root, "schemas/rates.yaml", "table: rates\nrows:\n" + "# filler\n" * (yaml_tree.MAX_BYTES // 9))
    return read(root)


def a_link_that_leads_out(root: Path) -> Collector:
    outside = _written(root, "elsewhere/secret.yaml", "flow: secret\n")
    inside = root / "workspace"
    (inside / "flows").mkdir(parents=True)
    (inside / "flows" / "borrowed.yaml").symlink_to(outside)
    return read(inside)


def many_files(root: Path) -> Collector:
    folder = root / "schemas"
    folder.mkdir()
    for number in range(files.MAX_FILES + 2):
        (folder / f"{number:05}.yaml").touch()
    return read(root)


def a_long_text(root: Path) -> Collector:
    _written(
        root,
        "schemas/long.yaml",
        f"entity: long\nabout: |\n  {'x' * (yaml_tree.MAX_SCALAR + 1)}\nfields: {{}}\n",
    )
    return read(root)


def many_values(root: Path) -> Collector:
    rows = "  - [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" * (yaml_tree.MAX_NODES // 10 + 1)
    _written(root, "schemas/rates.yaml", f"table: rates\nkey: {{card: string}}\ncolumns: {{}}\nrows:\n{rows}")
    return read(root)


def a_wide_table(root: Path) -> Collector:
    """Rows about three of forty columns each: nobody knows whether they cover everything."""
    columns, random = range(40), Random(7)
    made = [random.sample(columns, 3) for _ in range(170)]
    fields = "".join(f"  c{number}: {{type: boolean, required: true}}\n" for number in columns)
    by = ", ".join(f"c{number}: thing.c{number}" for number in columns)
    cells = "".join(
        "    - {" + ", ".join(f"c{asked}: {random.choice(['true', 'false'])}" for asked in row) + "}\n"
        for row in made
    )
    _written(
        root,
        "flows/wide.yaml",
        f"entity: thing\nowner: t\nfields:\n  id: {{type: string, required: true}}\n{fields}---\n"
        f"policy: wide\nowner: t\ninputs: {{thing: canonical/thing@1}}\ndecide:\n  by: {{{by}}}\n"
        f'  hit: first\n  rows:\n{cells}    - {{c0: "-"}}\n',
    )
    return validate(root)


def our_own_bug(_root: Path) -> Collector:
    source = Source("flows/bill.yaml", "flow: bill\n")
    collector = Collector()
    collector.add(own_bug(Span(source, 0, 4), KeyError("bill")))
    return collector


MADE: dict[str, Callable[[Path], Collector]] = {
    "TG101": a_pipe,
    "TG102": a_large_file,
    "TG105": a_link_that_leads_out,
    "TG106": many_files,
    "TG136": a_long_text,
    "TG137": many_values,
    "TG446": a_wide_table,
    "TG901": our_own_bug,
}
