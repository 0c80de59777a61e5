"""`tidegate lsp`."""

import sys

import click


@click.command("lsp")
@click.option("--stdio", is_flag=True, help="Speak on standard input and output; what is done anyway.")
def command(*, stdio: bool) -> None:
    """Start the language server; an editor does that by itself (docs/editor.md)."""
    del stdio
    from engine.errors import ConfigurationError

    try:
        from engine.editor.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"pygls", "lsprotocol", "cattrs", "attrs"}:
            raise
        raise ConfigurationError(
            "the language server needs a library that is not installed: pip install 'tidegate[lsp]'"
        ) from error
    sys.exit(0 if serve() else 1)
