"""`tidegate init`."""

from pathlib import Path

import click

from engine.cli import output


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--template", default="minimal", show_default=True, help="What to start from.")
@click.option("--list", "listed", is_flag=True, help="List the templates.")
def command(folder: Path, template: str, *, listed: bool) -> None:
    """Make a workspace in FOLDER: documents that validate, tests that pass, settings for editor and CI.

    Nothing that is there already is overwritten.
    """
    from engine.errors import InputError
    from engine.problems.suggest import did_you_mean
    from engine.scaffold import TEMPLATES, create
    from engine.session import editor_schemas, pack_folder

    if listed:
        for one in TEMPLATES.values():
            output.line(f"{one.name:24} {one.about}")
        return
    if template not in TEMPLATES:
        near = did_you_mean(template, TEMPLATES) or (f"there are {', '.join(TEMPLATES)}.",)
        raise InputError(" ".join([f"there is no template {template!r};", *near]))
    schemas = {f"schemas/tidegate/{name}": text for name, text in editor_schemas().items()}
    files = create(folder, TEMPLATES[template], pack_folder(), schemas)
    documents = [name for name in files if name.endswith(".yaml") and not name.startswith(".")]
    output.line(f"{len(files)} files are in {folder.resolve()}, {len(documents)} of them documents.")
    output.line()
    output.line("Next:")
    if folder.resolve() != Path.cwd():
        output.line(f"  cd {folder}")
    output.line("  tidegate validate    # is everything in order?")
    output.line("  tidegate test        # does it do what we say?")
    output.line("  tidegate graph       # how does it hang together?")
