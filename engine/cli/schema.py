"""`tidegate schema`."""

from pathlib import Path

import click

from engine.cli import output


@click.command("schema")
@click.argument("kind", required=False)
@click.option(
    "--export", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write all of them here."
)
def command(kind: str | None, folder: Path | None) -> None:
    """Print the JSON Schema of a kind of document, for editors; without a kind, list the kinds."""
    from engine.errors import InputError
    from engine.problems.suggest import did_you_mean
    from engine.session import ALL_KINDS
    from engine.spec.field import Document
    from engine.spec.json_schema import schema_of
    from engine.values.json_text import write_json

    described: tuple[type[Document], ...] = ALL_KINDS
    kinds = {found.kind: found for found in described}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, found in kinds.items():
            (folder / f"{name}.schema.json").write_bytes(write_json(schema_of(found), indent=True) + b"\n")
        output.line(f"{len(kinds)} schemas are in {folder}.")
    elif kind is None:
        for name, found in kinds.items():
            output.line(f"{name:12} {(found.__doc__ or '').splitlines()[0]}")
    elif kind in kinds:
        output.json(schema_of(kinds[kind]))
    else:
        raise InputError(" ".join([f"there is no kind of document {kind!r}.", *did_you_mean(kind, kinds)]))
