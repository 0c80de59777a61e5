"""`tidegate schema`."""

from pathlib import Path

import click

from engine.cli import options, output


@click.group("schema")
def command() -> None:
    """JSON Schemas: of the documents, for editors; of the firm's own entities, for other systems."""


@command.command("list")
def list_kinds() -> None:
    """List the kinds of documents."""
    from engine.session import ALL_KINDS
    from engine.spec.field import Document

    described: tuple[type[Document], ...] = ALL_KINDS
    for kind in described:
        output.line(f"{kind.kind:12} {(kind.__doc__ or '').splitlines()[0]}")


@command.command("connections")
@click.argument("connection", required=False)
@options.workspace
def list_offers(connection: str | None, folder: Path | None) -> None:
    """List what connections can read, write and receive, with the types of the records."""
    from engine.errors import InputError
    from engine.problems.suggest import did_you_mean
    from engine.session import load, offers

    found = offers(load(folder))
    names = sorted({offer.name.partition(".")[0] for offer in found})
    if connection is not None and connection not in names:
        raise InputError(
            " ".join([f"there is no connection {connection!r}.", *did_you_mean(connection, names)])
        )
    shown = [one for one in found if connection in (None, one.name.partition(".")[0])]
    width = max((len(one.name) for one in shown), default=0)
    for one in shown:
        output.line(f"{one.verb:6}  {one.name:{width}}  {one.record}".rstrip())


@command.command("show")
@click.argument("name")
@options.workspace
def show(name: str, folder: Path | None) -> None:
    """Print the schema of a kind of document, an entity (`deal`), or a record (`netsuite/job@2025.1`)."""
    from engine.errors import InputError
    from engine.problems.suggest import did_you_mean
    from engine.session import editor_schemas, entity_schemas, load, record_schemas

    schemas = {file.removesuffix(".schema.json"): text for file, text in editor_schemas().items()}
    if name not in schemas and ("/" in name or not did_you_mean(name, schemas)):
        session = load(folder)
        schemas = {**schemas, **entity_schemas(session), **record_schemas(session)}
    if name not in schemas:
        versions = [known for known in schemas if known.startswith(f"canonical/{name}@")]
        name = versions[-1] if versions else name
    if name not in schemas:
        raise InputError(
            " ".join([f"there is no kind of document or entity {name!r}.", *did_you_mean(name, schemas)])
        )
    output.raw(schemas[name].decode().rstrip("\n"))


@command.command("export")
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@click.option("--entities", is_flag=True, help="Write the schemas of the workspace's entities instead.")
@options.workspace
def export(target: Path, folder: Path | None, *, entities: bool) -> None:
    """Write the schemas into the folder TARGET: those of all kinds of documents, for editors.

    `tidegate.schema.json` fits files that hold documents of several kinds; the others lie beside it.
    """
    from engine.session import editor_schemas, entity_schemas, load

    if entities:
        files = {f"{_file(name)}.schema.json": text for name, text in entity_schemas(load(folder)).items()}
    else:
        files = editor_schemas()
    target.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (target / name).write_bytes(text)
    output.line(f"{len(files)} {'schema is' if len(files) == 1 else 'schemas are'} in {target}.")


def _file(entity: str) -> str:
    """`canonical/time_entry@2` as the name of a file: `time_entry.v2`."""
    return entity.removeprefix("canonical/").replace("@", ".v")
