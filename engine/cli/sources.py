"""`tidegate sources`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import click

from engine.cli import options, output
from engine.values.value import Value


@click.command("sources")
@options.workspace
@options.ledger
@options.output_format()
def command(folder: Path | None, ledger_url: str, form: str) -> None:
    """List what brings events in: how far each has come, what is wrong with it, and when it is due.

    Where a daemon runs, it says so itself; else it is told from the ledger.
    """
    found = _of_daemon(ledger_url)
    if found is None:
        found = _of_ledger(folder, ledger_url)
    if form == "json":
        output.json({"sources": found})
        return
    for one in found:
        output.line(str(one["name"]))
        for key, words in _WORDS.items():
            if one.get(key) is not None:
                output.line(f"  {words} {one[key]}")
    if not found:
        output.line("no source brings events here")


_WORDS = {
    "position": "has come to",
    "moved_at": "moved at",
    "asked_at": "asked at",
    "due_at": "due at",
    "behind": "messages that wait:",
    "error": "fails:",
}


def _of_daemon(ledger_url: str) -> Sequence[Mapping[str, Value]] | None:
    from engine.cli.control import ask_daemon

    did = ask_daemon(ledger_url, "sources", {})
    return None if did is None else cast("Sequence[Mapping[str, Value]]", did["sources"])


def _of_ledger(folder: Path | None, ledger_url: str) -> Sequence[Mapping[str, Value]]:
    from engine import session as sessions
    from engine.clock import SystemClock
    from engine.insight.sources import standing
    from engine.ledger import open_reader

    reader = open_reader(ledger_url)
    try:
        plan = sessions.at_work(folder, reader).ready.plan
        return standing(plan, reader, SystemClock().now())
    finally:
        reader.close()
