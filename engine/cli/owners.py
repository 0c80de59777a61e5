"""`tidegate owners`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import click

from engine.cli import options, output

COLUMNS = ("entity", "field", "owner", "copy_of", "updated_by", "written_to", "checks")

Row: TypeAlias = Mapping[str, Any]  # of the matrix, by the names of its columns


@click.command("owners")
@click.argument("entity", required=False)
@options.workspace
@options.output_format("markdown", "csv")
def command(entity: str | None, folder: Path | None, form: str) -> None:
    """Print who owns what: each field of each entity, who fills it, where it goes, which policies read it."""
    from engine.errors import InputError
    from engine.problems.suggest import did_you_mean
    from engine.session import load

    rows = [row.record() for row in load(folder).ready.plan.owners]
    if entity is not None:
        known = list(dict.fromkeys(str(row["entity"]) for row in rows))
        if entity not in known:
            raise InputError(" ".join([f"there is no entity {entity!r}.", *did_you_mean(entity, known)]))
        rows = [row for row in rows if row["entity"] == entity]
    match form:
        case "json":
            output.json(rows)
        case "csv":
            output.raw(_csv(rows))
        case "markdown":
            output.raw(_markdown(rows))
        case _:
            _text(rows)


def _cells(row: Row) -> list[str]:
    found = (row[column] for column in COLUMNS)
    return [", ".join(one) if isinstance(one, list) else str(one or "") for one in found]


def _csv(rows: Sequence[Row]) -> str:
    import csv
    import io

    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([COLUMNS, *map(_cells, rows)])
    return written.getvalue()


def _markdown(rows: Sequence[Row]) -> str:
    heads = [column.replace("_", " ") for column in COLUMNS]
    lines = [heads, ["---"] * len(COLUMNS), *map(_cells, rows)]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def _text(rows: Sequence[Row]) -> None:
    """An entity with its fields below it; what fills and reads a field only where something does."""
    shown = ""
    width = max((len(row["field"]) for row in rows), default=0)
    for row in rows:
        if row["entity"] != shown:
            shown = row["entity"]
            output.line(f"{shown} (version {row['version']})")
        said = (
            ("copy of", [row["copy_of"]] if row["copy_of"] else []),
            ("from", row["updated_by"]),
            ("to", row["written_to"]),
            ("read by", row["checks"]),
        )
        parts = "; ".join(f"{word} {', '.join(names)}" for word, names in said if names)
        output.line(f"  {row['field']:{width}}  {row['owner'] or '-':8}  {parts}".rstrip())
