"""`tidegate explain`."""

import click

from engine.cli import output


@click.command("explain")
@click.argument("code")
def command(code: str) -> None:
    """Explain the code of a problem: what it means, why, and what to write instead."""
    from engine.errors import InputError
    from engine.problems.codes import CODES, page
    from engine.problems.suggest import did_you_mean

    wanted = code.upper()
    text = page(wanted)
    if text is None:
        raise InputError(" ".join([f"there is no code {code!r}.", *did_you_mean(wanted, CODES)]))
    output.line(text)
