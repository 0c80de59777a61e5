"""`tidegate dead`."""

import getpass
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import click

from engine.cli import control, options, output
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.insight.dead import DeadLetter


@click.group("dead", cls=options.Listing)
def command() -> None:
    """List what ended badly and needs work, show one of it, or take it off the list.

    Without a subcommand it lists, with the options of `list`.
    """


@command.command("list")
@options.ledger
@options.output_format()
@options.dead_letters
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Print so many.")
def list_(ledger_url: str, form: str, narrowed: Mapping[str, Any], limit: int) -> None:
    """List what needs work: why, since when, whose it is, and its place under its order key.

    Effects that may have been applied, effects that were refused, runs that could not go on, events and
    native records whose data does not fit, and deliveries that contradict an accepted event.
    """
    from engine.clock import SystemClock
    from engine.insight.dead import Wanted, dead_letters, summed
    from engine.ledger import open_reader

    wanted = Wanted(**narrowed)
    reader = open_reader(ledger_url)
    try:
        found = dead_letters(reader, wanted, limit)
    finally:
        reader.close()
    if form == "json":
        output.json([_as_json(one) for one in found])
        return
    now = SystemClock().now()
    for one in found:
        _show(one, now)
    counted = ", ".join(f"{count} {PLURALS[kind][count != 1]}" for kind, count in summed(found).items())
    output.line(f"{counted}." if found else "Nothing needs work.")
    if len(found) == limit:
        output.line("There may be more; narrow it down, or give a higher --limit.", error=True)


PLURALS: Mapping[str, tuple[str, str]] = {
    "doubt": ("effect in doubt", "effects in doubt"),
    "effect": ("dead letter", "dead letters"),
    "run": ("failed run", "failed runs"),
    "event": ("event that does not fit", "events that do not fit"),
    "record": ("record that cannot be used", "records that cannot be used"),
    "conflict": ("contradiction", "contradictions"),
}


def _as_json(one: "DeadLetter") -> dict[str, Value]:
    return {name: value for name, value in asdict(one).items() if name != "run_seq"}


def _show(one: "DeadLetter", now: datetime) -> None:
    from engine.insight.dead import has_place

    output.raw(output.styled(output.clean(one.id), bold=True))
    output.line(f"  {one.reason}")
    where = f"{one.connection}.{one.operation}" if one.connection and one.operation else one.connection
    parts = [
        PLURALS[one.kind][0],
        one.fault,
        f"step {one.step}" if one.step else None,
        where,
        f"owner {one.owner or 'nobody'}",
        f"for {age(now - datetime.fromisoformat(one.at))}",
    ]
    output.line("  " + ", ".join(part for part in parts if part))
    if one.money is not None:
        output.line(f"  at stake: {one.money['amount']} {one.money['currency']} ({one.money['field']})")
    if has_place(one):
        behind = f"{one.waiting_behind} waiting behind it, {one.worked_behind} worked since"
        output.line(f"  under the order key {one.order_key or output.NO_TEXT}: {behind}")


def age(lasted: timedelta) -> str:
    """How long something has lasted, for a person."""
    seconds = max(0, int(lasted.total_seconds()))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} s"


@command.command("show")
@click.argument("name", metavar="ID")
@options.ledger
@options.output_format()
def show(name: str, ledger_url: str, form: str) -> None:
    """Show everything that is known of ID: what was tried and with what evidence, what was sent, what waits.

    The last lines are the commands by which it can be dealt with.
    """
    from engine.clock import SystemClock
    from engine.errors import InputError
    from engine.insight.dead import placed
    from engine.insight.dead_detail import dead_letter, detail
    from engine.ledger import open_reader

    reader = open_reader(ledger_url)
    try:
        one = dead_letter(reader, name)
        if one is None:
            raise InputError(f"nothing that could need work bears the id {name!r}; `tidegate dead` lists it")
        one = placed(reader, [one])[0]
        told = detail(reader, one)
    finally:
        reader.close()
    if form == "json":
        output.json({key: value for key, value in told.items() if key != "run_seq"})
        return
    _show(one, SystemClock().now())
    _show_detail(told)


def _show_detail(told: Mapping[str, Value]) -> None:
    from engine.insight.dead_detail import sentences

    if history := cast("list[Value]", told["history"]):
        output.line("history:")
        _indented(sentences(history))
    for title, key in (("evidence", "evidence"), ("sent", "sent"), ("event", "data"), ("came", "came")):
        if told[key]:
            output.line(f"{title}:")
            _indented(_json(told[key]).splitlines())
    if told["waits"]:
        output.line(f"not done because of it: {', '.join(cast('list[str]', told['waits']))}")
    if ways := cast("list[str]", told["ways"]):
        output.line("what can be done:")
        _indented(ways)


def _indented(lines: Iterable[str]) -> None:
    for line in lines:
        output.line(f"  {line}")


def _json(value: Value) -> str:
    from engine.values.json_text import write_json

    return write_json(value, indent=True).decode()


@command.command("dismiss")
@click.argument("name", metavar="ID")
@click.option("--reason", required=True, help="Why nothing is to be done; it is kept in the audit.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who says so.")
@control.acting
def dismiss(name: str, reason: str, by: str, opening: control.Opening) -> None:
    """Take ID off the list, since nothing is to be done about it. What waits behind it may go on.

    What is in doubt cannot be taken off: find out what became of it.
    """
    control.act("dismiss", {"id": name, "by": by, "reason": reason}, opening)
    output.line(f"{name} is off the list.")
