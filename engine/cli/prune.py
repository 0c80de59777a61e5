"""`tidegate ledger prune`."""

import getpass
import os
import socket
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from engine.cli import options, output
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.ledger import Ledger
    from engine.ledger.prune import Share

_UNITS = {"d": 1, "w": 7, "y": 366}


class Keep(click.ParamType):  # type: ignore[type-arg]
    """A class of what a ledger holds, and how long it is kept: `events=400d`, `writes=10y`."""

    name = "class=age"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, timedelta]:
        """The class and its age."""
        from engine.ledger.prune import CLASSES

        if isinstance(value, tuple):
            return value
        name, _, age = str(value).partition("=")
        if name not in CLASSES:
            self.fail(f"names one of {', '.join(CLASSES)}, as in events=400d, not {name!r}", param, ctx)
        number, unit = age[:-1], _UNITS.get(age[-1:])
        if unit is None or not number.isascii() or not number.isdigit() or not 0 < int(number) <= 100_000:
            self.fail(f"is written {name}=400d, {name}=8w or {name}=10y, not {value!r}", param, ctx)
        return name, timedelta(days=int(number) * unit)


@click.command("prune")
@options.ledger
@click.option(
    "--keep",
    type=Keep(),
    multiple=True,
    required=True,
    help="How long a class is kept, as events=400d; may be repeated. The classes are events, answers, "
    "writes, decisions, holds, alerts and snapshots.",
)
@click.option("--go", is_flag=True, help="Do it. Without this, only what it would do is told.")
@click.option("--reason", help="Why; it is kept in the audit.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who has it done.")
@options.output_format()
def command(
    ledger_url: str,
    keep: tuple[tuple[str, timedelta], ...],
    reason: str | None,
    by: str,
    form: str,
    *,
    go: bool,
) -> None:
    """Blank what old, finished work was about. That it was, its ids, and the proof of the chain stay.

    Nothing is touched of what is open, held, in doubt, failed or rejected, nor of what ended since then.
    What comes again is still known. It cannot be undone, and what was blanked cannot be worked again.
    """
    from engine.clock import SystemClock
    from engine.ledger import instant, open_reader, prunable

    if go and not (reason or "").strip():
        raise click.UsageError("Say why it is done, with --reason.")
    now = SystemClock().now()
    before = {name: instant(_ago(now, age)) for name, age in keep}
    reader = open_reader(ledger_url)
    try:
        shares = prunable(reader, before)
    finally:
        reader.close()
    done = _prune(ledger_url, before, by, reason or "") if go else 0
    if form == "json":
        output.json(
            {"before": before, "found": {name: _said(one) for name, one in shares.items()}, "pruned": done}
        )
    else:
        _show(shares, before, done, go=go)


def _ago(now: datetime, age: timedelta) -> datetime:
    try:
        return now - age
    except OverflowError as error:
        raise click.UsageError("So long ago there was no ledger; say a shorter time.") from error


def _said(share: "Share") -> dict[str, Value]:
    return {"values": share.values, "size": share.size}


def _show(shares: Mapping[str, "Share"], before: Mapping[str, str], done: int, *, go: bool) -> None:
    from engine.ledger.prune import CLASSES

    for name, share in shares.items():
        what = f"{CLASSES[name]}, before {before[name][:10]}"
        output.line(f"{name}: {what}: {share.values:,} values, {share.size:,} bytes")
    if go:
        output.line(f"{done:,} values are blanked; `tidegate ledger verify` proves the rest.")
    elif any(share.values for share in shares.values()):
        output.line("Nothing is blanked yet; with --go and --reason it is.")


def _prune(ledger_url: str, before: Mapping[str, str], by: str, reason: str) -> int:
    """Prune commit by commit until nothing is left, by the daemon where one runs; the values blanked."""
    from engine.cli.control import ask_daemon
    from engine.ledger import is_shared

    request: dict[str, Value] = {
        "before": [f"{name}={at}" for name, at in before.items()],
        "by": by,
        "reason": reason,
    }
    did = None if is_shared(ledger_url) else ask_daemon(ledger_url, "prune", request)
    if did is None:
        with _opened(ledger_url) as ledger:
            done = _until_nothing_is_left(_pruning(ledger, before, by, reason))
            _give_back(ledger.shrink)
            return done
    first = int(str(did["values"]))
    done = first and first + _until_nothing_is_left(_asking(ledger_url, "prune", "values", request))
    _give_back(_asking(ledger_url, "give_back", "bytes", {}))
    return done


def _give_back(once: Callable[[], int]) -> None:
    """Give back to the disk what has come free, in parts, as long as that makes it less."""
    left = once()
    while 0 < (now := once() if left else 0) < left:
        left = now


def _until_nothing_is_left(once: Callable[[], int]) -> int:
    done = 0
    while values := once():
        done += values
    return done


def _asking(ledger_url: str, act: str, counted: str, request: Mapping[str, Value]) -> Callable[[], int]:
    from engine.cli.control import ask_daemon
    from engine.errors import LedgerError

    def once() -> int:
        did = ask_daemon(ledger_url, act, request)
        if did is None:
            raise LedgerError("the daemon has ended meanwhile; give the command again, and it goes on")
        return int(str(did[counted]))

    return once


def _pruning(ledger: "Ledger", before: Mapping[str, str], by: str, reason: str) -> Callable[[], int]:
    from engine.clock import SystemClock
    from engine.ledger import instant
    from engine.runtime.pruning import pruning
    from engine.runtime.resolve import Person

    person = Person(by=by, reason=reason)

    def once() -> int:
        commit = pruning(ledger.reader(), before, person, instant(SystemClock().now()))
        ledger.commit(commit)
        return len(commit.blanks)

    return once


def _opened(ledger_url: str) -> "Ledger":
    """The ledger, to be written; one on a server beside the machines that work it."""
    from engine.clock import SystemClock
    from engine.ledger import is_shared, open_ledger

    if not is_shared(ledger_url):
        return open_ledger(ledger_url, clock=SystemClock())
    from engine.ledger.postgres_ledger import open_shared

    name = f"prune/{socket.gethostname()}/{os.getpid()}/{time.time_ns()}"
    return open_shared(ledger_url, clock=SystemClock(), name=name)
