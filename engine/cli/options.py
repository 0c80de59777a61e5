"""Options that several commands have."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

F = TypeVar("F", bound=Callable[..., Any])


class Listing(click.Group):
    """Commands of which `list` is meant when none is named, also with options: `dead --flow billing`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` where no command stands."""
        if not args or (args[0].startswith("-") and args[0] not in self.get_help_option_names(ctx)):
            args = ["list", *args]
        return super().parse_args(ctx, args)


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
        help="Where the ledger is: a file, sqlite:///FILE, or postgresql://USER@HOST/DATABASE.",
    )(command)


def fates(command: F) -> F:
    """`--fate CLASS=FATE`, any number of times: what becomes of work under way, by class."""
    return click.option(
        "--fate",
        "fates",
        multiple=True,
        metavar="CLASS[:FLOW]=FATE",
        callback=_fates,
        help="What becomes of work under way that the change touches, such as held=finish; may be given "
        "several times.",
    )(command)


def _fates(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    del context, option
    found: dict[str, str] = {}
    for text in given:
        name, separator, fate = text.partition("=")
        if not separator or not name or not fate:
            raise click.BadParameter(f"is written CLASS=FATE or CLASS:FLOW=FATE, not {text!r}")
        found[name] = fate
    return found


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


def dead_letters(command: F) -> F:
    """The options that narrow down what needs work, handed to a command as one mapping `narrowed`."""
    return gathered("narrowed", NARROWING)(command)


def gathered(name: str, chosen: Sequence[Callable[[F], F]]) -> Callable[[F], F]:
    """Options whose values a command is handed as one mapping."""

    def decorate(command: F) -> F:
        @wraps(command)
        def given(**values: object) -> object:
            mine = {key: values.pop(key) for key in keys}
            return command(**{name: mine}, **values)

        keys: list[str] = []
        decorated = cast("F", given)
        for option in reversed(chosen):
            before = len(_parameters(decorated))
            decorated = option(decorated)
            keys.extend(str(found.name) for found in _parameters(decorated)[before:])
        return decorated

    return decorate


def _parameters(command: object) -> list[click.Parameter]:
    return cast("list[click.Parameter]", getattr(command, "__click_params__", []))


class Instant(click.ParamType):  # type: ignore[type-arg]
    """A day or an instant, as written in ISO 8601; a day begins at midnight of UTC."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant that a text means."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"is written 2026-03-31 or 2026-03-31T12:00:00Z, not {value!r}", param, ctx)
        return found if found.tzinfo else found.replace(tzinfo=UTC)


class Rate(click.ParamType):  # type: ignore[type-arg]
    """So many a second, as `10/s`, `30/m` or `500/h`."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """How many a second."""
        number, _, unit = str(value).partition("/")
        seconds = {"s": 1, "m": 60, "h": 3_600}.get(unit)
        if seconds is None or not number.isdecimal() or not int(number):
            self.fail(f"is written 10/s, 30/m or 500/h, not {value!r}", param, ctx)
        return int(number) / seconds


class Percent(click.ParamType):  # type: ignore[type-arg]
    """So many of a hundred, as `5%`."""

    name = "percent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number before the sign."""
        number = str(value).removesuffix("%")
        if not number.isdecimal() or len(number) > 3 or not 0 <= int(number) <= 100:
            self.fail(f"is written 5%, not {value!r}", param, ctx)
        return float(number)


NARROWING = (
    click.option("--flow", help="Only of this flow."),
    click.option("--connection", help="Only of this connection."),
    click.option(
        "--fault",
        type=click.Choice(["transient", "permanent", "closed_period", "unknown", "rule", "data", "conflict"]),
        help="Only of this class of fault; `rule` is a step that could not be done.",
    ),
    click.option(
        "--kind",
        type=click.Choice(["doubt", "effect", "run", "event", "record", "conflict"]),
        help="Only of this kind.",
    ),
    click.option("--owner", help="Only of this owner."),
    click.option("--key", "order_key", help="Only under this order key."),
    click.option("--since", type=Instant(), help="Only what ended at this instant or later."),
    click.option("--until", type=Instant(), help="Only what ended before this instant."),
)
