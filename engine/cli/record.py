"""`tidegate record`."""

import time
from contextlib import ExitStack
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options, output, recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.clock import Clock
    from engine.ledger.rows import EventRow
    from engine.preview.recorded import RecordedEvent

PAUSE = 1.0  # seconds between two looks for news
SETTLED = timedelta(seconds=60)  # what is still on its way then is taken as it is


@click.command("record")
@recording.OUTPUT
@options.gathered("taken", recording.TAKEN)
@click.option("--follow", is_flag=True, help="Go on with what comes in, until stopped or --count is reached.")
@options.gathered("redacting", recording.REDACTING)
@options.workspace
@options.ledger
@options.environment
@click.option("--quiet", is_flag=True, help="Show no progress.")
def command(
    out: Path,
    taken: dict[str, Any],
    redacting: dict[str, Any],
    folder: Path | None,
    ledger_url: str,
    environment: str,
    *,
    follow: bool,
    quiet: bool,
) -> None:
    """Make a corpus of what comes in: events with what systems and people answered, for `tidegate diff`.

    Personal data is replaced by pseudonyms that a key makes: the same person has the same one everywhere, and
    nobody finds out by trying who it is. Amounts, days and ids stay. With --follow a running daemon is
    listened to; an event is written down when its runs have come to rest, or a minute later. Nothing is asked
    of any system and the ledger is only read.
    """
    from engine.clock import SystemClock
    from engine.session import load

    session = load(folder)
    redaction = recording.redaction(session, redacting)
    with ExitStack() as stack:
        source = recording.source(stack, session, ledger_url, environment)
        corpus = recording.Corpus(stack.enter_context(recording.corpus_file(out)), redaction)
        events = _events(source, taken, SystemClock(), follow=follow)
        shown = stack.enter_context(output.progress("events", taken["count"], quiet=quiet))
        try:
            for event in islice(events, taken["count"]):
                corpus.add(event)
                shown.show(corpus.events)
        except KeyboardInterrupt:
            if not follow:
                raise
    recording.show(corpus, out)


def _events(
    source: recording.Source, taken: dict[str, Any], clock: "Clock", *, follow: bool
) -> "Iterator[RecordedEvent]":
    from engine.ledger.instants import read_instant
    from engine.preview.recorded import is_settled, recorded_events

    def is_ready(row: "EventRow") -> bool:
        is_old = clock.now() - read_instant(row.accepted_at) >= SETTLED
        return is_old or is_settled(source.reader, row)

    after = 0
    while True:
        for event in recorded_events(
            source.reader,
            source.recovery,
            after=after,
            since=taken["since"],
            until=taken["until"],
            is_ready=is_ready if follow else None,
            left_out=source.left_out,
        ):
            after = event.seq
            yield event
        if not follow or (taken["until"] is not None and clock.now() >= taken["until"] + SETTLED):
            return
        time.sleep(PAUSE)
