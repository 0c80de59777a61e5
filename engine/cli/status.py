"""`tidegate status`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import click

from engine.cli import options, output
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.ledger import LedgerReader

_LIVE = (
    ("live", "on their way"),
    ("in_line", "in line behind their order key"),
    ("to_take_up", "left by a process before this one, to be taken up"),
    ("to_send", "waiting to be sent"),
    ("due_again", "to be sent again"),
)
STATES = {
    "running": "runs release {release}",
    "beginning": "begins with release {release}",
    "changing over": "changes over to release {release}",
    "stopping": "is stopping",
}


@click.command("status")
@options.ledger
@options.output_format()
def command(ledger_url: str, form: str) -> None:
    """Tell whether a daemon runs on the ledger, what it is doing, and what is open.

    Of a ledger on PostgreSQL it tells which machines work on it. With `--format json`, `daemon` is null when
    none runs, and `machines` for a ledger in a file. The `state` of a daemon is `running`, `beginning`,
    `changing over` or `stopping`; what is in its memory is told while it is running.
    """
    from engine.cli.control import ask_daemon
    from engine.insight.status import standing
    from engine.ledger import is_shared, open_reader

    shared = is_shared(ledger_url)
    daemon = None if shared else ask_daemon(ledger_url, "status", {})
    reader = open_reader(ledger_url)
    try:
        found = standing(reader)
        machines = _machines(reader) if shared else None
    finally:
        reader.close()
    if form == "json":
        output.json({"daemon": daemon, "machines": machines, "ledger": found})
        return
    if machines is None:
        _show_daemon(daemon)
    else:
        _show_machines(machines)
    _show_ledger(found)


def _machines(reader: "LedgerReader") -> dict[str, Value]:
    from engine.ledger.at_work import at_work

    found = at_work(reader)
    shares = {name: count for name, count in found.partitions.items() if name is not None}
    return {
        "working": found.machines,
        "alone": found.alone,
        "partitions": dict(shares),
        "free": found.partitions.get(None, 0),
    }


def _show_machines(found: Mapping[str, Value]) -> None:
    working = int(str(found["working"]))
    if found["alone"]:
        output.line("A process works alone on this ledger.")
        return
    if working:
        output.line(f"{working} {'machine works' if working == 1 else 'machines work'} on this ledger.")
    else:
        output.line("No machine works on this ledger.")
    for name, count in cast("Mapping[str, int]", found["partitions"]).items():
        output.line(f"  {name} has {_partitions(count)}")
    if found["free"]:
        free = int(str(found["free"]))
        output.line(f"  {_partitions(free)} {'waits' if free == 1 else 'wait'} for a machine")


def _partitions(count: int) -> str:
    return f"{count} {'partition' if count == 1 else 'partitions'}"


def _show_daemon(daemon: Mapping[str, Value] | None) -> None:
    if daemon is None:
        output.line("No daemon runs on this ledger.")
        return
    does = STATES[str(daemon["state"])].format(release=str(daemon["release"])[:12])
    output.line(
        f"A daemon (process {daemon['process']}) {does} in {daemon['environment']!r} "
        f"since {daemon['started_at']}."
    )
    if daemon["state"] != "running":
        if number := daemon["on_their_way"]:
            noun = "write or read" if number == 1 else "writes and reads"
            output.line(f"  what is on its way comes back first: {number} {noun}")
        return
    for name, words in _LIVE:
        if daemon[name]:
            output.line(f"  {daemon[name]} {words}")
    for name, words in (
        ("next_due", "next attempt"),
        ("next_deadline", "next look at what waits"),
    ):
        if daemon[name]:
            output.line(f"  {words}: {daemon[name]}")


def _show_ledger(found: Mapping[str, Value]) -> None:
    for table in ("events", "runs", "effects", "holds", "waits", "alerts"):
        counts = cast("Mapping[str, int]", found[table])
        told = ", ".join(f"{number:,} {status}" for status, number in counts.items())
        output.line(f"{table}: {told or 'none'}")
    if found["oldest_open_run"]:
        output.line(f"the oldest run that is not over began {found['oldest_open_run']}")
