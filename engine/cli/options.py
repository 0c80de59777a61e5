"""Options that several commands have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def workspace(command: F) -> F:
    """`--workspace DIR`."""
    return click.option(
        "--workspace",
        "-w",
        "folder",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="The workspace; the nearest folder upward that is one when left out.",
    )(command)


def output_format(*others: str) -> Callable[[F], F]:
    """`--format text|json|...`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json", *others]),
        default="text",
        show_default=True,
        help="How to print the result.",
    )


def environment(command: F) -> F:
    """`--env NAME`."""
    return click.option(
        "--env",
        "environment",
        default="demo",
        show_default=True,
        envvar="TIDEGATE_ENV",
        help="Which settings of the connections to use.",
    )(command)


def ledger(command: F) -> F:
    """`--ledger URL`."""
    return click.option(
        "--ledger",
        "ledger_url",
        default="tidegate.sqlite",
        show_default=True,
        envvar="TIDEGATE_LEDGER",
        help="Where the ledger is: a file, or sqlite:///FILE.",
    )(command)


def simulators(command: F) -> F:
    """`--simulator CONNECTION=URL`, any number of times: the addresses by connection."""
    return click.option(
        "--simulator",
        "simulators",
        multiple=True,
        metavar="CONNECTION=URL",
        callback=_addresses,
        help="Where the simulator of a connection listens; may be given several times.",
    )(command)


def _addresses(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    del context, option
    found: dict[str, str] = {}
    for text in given:
        name, separator, url = text.partition("=")
        if not separator or not url.startswith(("http://", "https://")):
            raise click.BadParameter(f"is written CONNECTION=http://host:port, not {text!r}")
        found[name] = url
    return found
