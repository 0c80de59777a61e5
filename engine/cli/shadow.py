"""`tidegate shadow`."""

import getpass
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options, output
from engine.cli.diff import FailOn, fails, told_as
from engine.cli.recording import LeftOut
from engine.errors import InputError
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.preview.report import Report
    from engine.releases import ReleasePlan

PAUSE_SECONDS = 1.0


@click.command("shadow")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.ledger
@click.option("--for", "minutes", type=click.FloatRange(0), help="So many minutes; else until Ctrl-C.")
@click.option("--since", type=options.Instant(), help="Begin with what was accepted then; now when left out.")
@click.option(
    "--patience",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long an event is waited for that has not come to rest.",
)
@click.option(
    "--by-field",
    "fields",
    multiple=True,
    default=("legal_entity", "cycle"),
    show_default=True,
    help="A field by which money is sorted. May be given several times.",
)
@click.option("--examples", default=3, show_default=True, help="So many of each kind are shown.")
@click.option("--fail-on", "fail_on", multiple=True, type=FailOn(), help="As with `tidegate diff`.")
@click.option("--by", default=getpass.getuser, show_default="you", help="Who has it done.")
@options.output_format("markdown", "html")
@click.option(
    "--output", "-o", "out", type=click.Path(path_type=Path, dir_okay=False), help="Write the report here."
)
def command(
    file: Path,
    ledger_url: str,
    minutes: float | None,
    since: datetime | None,
    patience: float,
    fields: tuple[str, ...],
    examples: int,
    fail_on: tuple[tuple[str, Decimal, str], ...],
    by: str,
    form: str,
    out: Path | None,
) -> None:
    """Have the release of the plan FILE decide what comes in, beside the active one and without effects.

    This process only reads the ledger, so nothing that it decides can reach a system or a daemon. Each event
    is decided when its runs have come to rest, in the order of acceptance, with what systems and people
    answered then. At the end it is reported what would have been otherwise, and the numbers are kept in the
    audit of the ledger.
    """
    from engine.releases import read_plan

    plan = read_plan(file.read_bytes())
    waiting = timedelta(seconds=patience)
    report, words = _shadowed(plan, ledger_url, _until(minutes), since, waiting, fields)
    text = told_as(report, form, examples)
    if out is None:
        output.line(text)
    else:
        out.write_text(f"{text}\n", encoding="utf-8")
    from engine.cli.releasing import keep_shadow

    keep_shadow(words, by, ledger_url)
    sys.exit(1 if any(fails(report, *one) for one in fail_on) else 0)


def _until(minutes: float | None) -> Callable[[], bool]:
    """Waits a while, and tells whether to go on: until the time is over, or somebody ends it."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    over = None if minutes is None else time.monotonic() + minutes * 60

    def pause() -> bool:
        left = PAUSE_SECONDS if over is None else min(PAUSE_SECONDS, over - time.monotonic())
        return not ended.wait(max(0.0, left)) and (over is None or time.monotonic() < over)

    return pause


def _shadowed(
    plan: "ReleasePlan",
    ledger_url: str,
    pause: Callable[[], bool],
    since: datetime | None,
    patience: timedelta,
    fields: tuple[str, ...],
) -> "tuple[Report, dict[str, Value]]":
    from engine.clock import SystemClock
    from engine.ledger import instant, open_reader
    from engine.releases.shadow import Following, live_samples, said, shadowed
    from engine.runtime.recover import Recovery
    from engine.session import described_connections, kept, plans_in

    clock = SystemClock()
    with ExitStack() as stack:
        reader = open_reader(ledger_url)
        stack.callback(reader.close)
        active = reader.active_release()
        if active is None or active.fingerprint != plan.base:
            raise InputError("the plan was made when another release was active; make it anew")
        before = kept(active.content, compared=True)
        connections = described_connections(before, plan.environment)
        recovery = Recovery(reader, plans_in(before, reader), connections)
        first = None if since is None else next(reader.events(since=since), None)
        after = reader.last_event() if first is None else first.seq - 1
        left_out = LeftOut()
        stack.callback(left_out.tell)
        with output.progress("decided", quiet=not sys.stderr.isatty()) as progress:
            how = Following(
                after=after,
                now=clock.now,
                pause=pause,
                patience=patience,
                told=progress.show,
                left_out=left_out,
            )
            began = instant(clock.now())
            report = shadowed(plan, before, live_samples(reader, recovery, how), fields)
    return report, said(plan, report, began, instant(clock.now()), left_out.events)
