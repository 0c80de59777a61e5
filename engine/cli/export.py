"""`tidegate ledger export`."""

from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import click

from engine.cli import options, output, recording


@click.command("export")
@recording.OUTPUT
@click.option("--redact", is_flag=True, help="Put pseudonyms in place of personal data.")
@options.gathered("taken", recording.TAKEN)
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
    redact: bool,
    quiet: bool,
) -> None:
    """Write the events of the ledger, with what systems and people answered, as `tidegate diff` plays them.

    Each line has an event and all that its runs were told, so that it can be decided again far from the
    ledger. With --redact personal data becomes pseudonyms, as `tidegate record` does it.
    """
    from engine.preview.recorded import recorded_events
    from engine.session import load

    session = load(folder)
    redaction = recording.redaction(session, redacting) if redact else None
    with ExitStack() as stack:
        source = recording.source(stack, session, ledger_url, environment)
        corpus = recording.Corpus(stack.enter_context(recording.corpus_file(out)), redaction)
        shown = stack.enter_context(output.progress("events", taken["count"], quiet=quiet))
        events = recorded_events(
            source.reader,
            source.recovery,
            since=taken["since"],
            until=taken["until"],
            left_out=source.left_out,
        )
        for event in islice(events, taken["count"]):
            corpus.add(event)
            shown.show(corpus.events)
    recording.show(corpus, out)
