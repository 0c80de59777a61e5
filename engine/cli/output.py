"""What is printed; the only writer to the terminal.

Text from outside (names, reasons, records) is printed without control characters, so that a record
cannot move the cursor or colour the screen.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from engine.values.json_text import write_json

NO_TEXT = "''"  # how a text that is empty is shown, and given to a command


def line(text: str = "", *, error: bool = False) -> None:
    """Print one line."""
    click.echo(clean(text), err=error)


def styled(text: str, **style: bool | str) -> str:
    """Text with colour, which a pipe does not get."""
    return click.style(text, **style)  # type: ignore[arg-type]


def raw(text: str) -> None:
    """Print text that is known to be clean, colours included."""
    click.echo(text)


def json(value: object, *, indent: bool = True) -> None:
    """Print a value as JSON."""
    click.echo(write_json(value, indent=indent).decode())


def fail(text: str, code: int = 1) -> NoReturn:
    """Print why the command failed, and end with this exit code."""
    line(f"tidegate: {text}", error=True)
    sys.exit(code)


def clean(text: str) -> str:
    """Text without control characters other than line ends and tabs."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


class Progress:
    """How far a long piece of work has come: one line on a terminal, plain lines in a pipe."""

    def __init__(self, title: str, total: int | None = None, *, quiet: bool = False) -> None:
        """Show nothing when `quiet`."""
        self._title = title
        self._total = total
        self._terminal = sys.stderr.isatty()
        self._quiet = quiet
        self._shown = 0
        self._step = 1_000 if self._terminal else 20_000

    def show(self, done: int) -> None:
        """Say how much is done, now and then."""
        if self._quiet or done < self._shown + self._step:
            return
        self._shown = done
        text = f"{self._title}: {done:,}" + (f" of {self._total:,}" if self._total else "")
        sys.stderr.write(f"\r{text}" if self._terminal else f"{text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._terminal and self._shown:
            sys.stderr.write("\n")


@contextmanager
def progress(title: str, total: int | None = None, *, quiet: bool = False) -> Iterator[Progress]:
    """A progress line that is left when the work ends."""
    shown = Progress(title, total, quiet=quiet)
    try:
        yield shown
    finally:
        shown.end()
