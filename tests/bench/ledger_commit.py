"""Rows a second of `Ledger.commit`, against the driver alone with the same statements, rows and sizes.

Run it: ``python -m tests.bench.ledger_commit [EVENTS] [BATCH]``. Each event is
accepted, starts a run with one answer and one effect; a second commit settles the effect, records an id and
finishes the run.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from engine.clock import FixedClock
from engine.ledger import Commit, instant, open_ledger, rows, schema, sqlite
from engine.values.canonical import text_hash

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
AT = instant(NOW)
RELEASE = "f" * 64
BODY = (
    b'{"id":"te-000001","project":{"id":"P-1001","name":"Harbour"},"person":"w-77","hours":7.5,'
    b'"date":"2026-03-30","approved_at":"2026-03-31T09:12:44Z","rate":{"amount":185.00,"currency":"EUR"}}'
)
PAYLOAD = '{"customer":"C-17","project":"P-1001","amount":1387.50,"currency":"EUR","date":"2026-03-31"}'
DECISIONS = '[{"step":"rate","policy":"rate_card","because":"senior, valid from 2026-01-01","value":185.00}]'


def pairs(events: int, size: int) -> Iterator[tuple[Commit, Commit]]:
    """The two commits of each batch."""
    for start in range(0, events, size):
        yield one_pair(range(start, min(start + size, events)))


def one_pair(numbers: range) -> tuple[Commit, Commit]:
    """Accepting and settling of one batch."""
    first, second = Commit(), Commit(action="settle")
    for number in numbers:
        event = f"time_entry.approved:te-{number * 7919 % 1_000_003:06}"
        run, key = f"bill_time/{event}", f"bill_time/{event}/post"
        first.events.append(
            rows.NewEvent(
                event, "time_entry.approved", "P-1001", AT, AT, "psa", None, 0, 1, text_hash(BODY), BODY
            )
        )
        first.runs.append(rows.NewRun(run, event, "bill_time", RELEASE, "P-1001", AT))
        first.answers.append(rows.NewAnswer(run, "rate", "read", AT, PAYLOAD))
        first.sends.append(rows.NewEffect(key, run, "post", None, "erp", "create_invoice", PAYLOAD, AT))
        second.effects_done.append(rows.EffectDone('{"id":"INV"}', f"INV-{number}", AT, key))
        second.xrefs.append(rows.NewXref("invoice", event, "erp", f"INV-{number}", key, AT))
        second.runs_finished.append(rows.RunFinished("completed", AT, DECISIONS, None, run))
    return first, second


class Recorder:
    """A cursor that also keeps what it was given, for the driver to do again."""

    def __init__(self, cursor: sqlite3.Cursor, kept: list[tuple[str, object]]) -> None:
        self._cursor = cursor
        self._kept = kept

    def __getattr__(self, name: str) -> object:
        return getattr(self._cursor, name)

    def execute(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Keep what begins and ends a transaction, and run it."""
        if sql.startswith(("BEGIN", "COMMIT")):
            self._kept.append((sql, None))
        return self._cursor.execute(sql, values)

    def executemany(self, sql: str, rows: list[tuple[object, ...]]) -> sqlite3.Cursor:
        """Keep the statement and its rows, and run it."""
        self._kept.append((sql, rows))
        return self._cursor.executemany(sql, rows)


class Connection:
    """A connection whose cursors record."""

    def __init__(self, connection: sqlite3.Connection, kept: list[tuple[str, object]]) -> None:
        self._connection = connection
        self._kept = kept

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def cursor(self) -> Recorder:
        """A recording cursor."""
        return Recorder(self._connection.cursor(), self._kept)


def recorded(folder: Path, events: int, size: int) -> list[tuple[str, object]]:
    """Every statement with its rows, as the ledger gives them to the driver."""
    kept: list[tuple[str, object]] = []
    with open_ledger(str(folder / "recorded.sqlite"), clock=FixedClock(NOW), create=True) as ledger:
        ledger._connection = Connection(ledger._connection, kept)
        for first, second in pairs(events, size):
            ledger.commit(first)
            ledger.commit(second)
    return kept


def seconds_of_ledger(folder: Path, events: int, size: int) -> float:
    """How long the ledger takes; making the rows does not count."""
    commits = list(pairs(events, size))
    with open_ledger(str(folder / "ledger.sqlite"), clock=FixedClock(NOW), create=True) as ledger:
        began = time.perf_counter()
        for first, second in commits:
            ledger.commit(first)
            ledger.commit(second)
        return time.perf_counter() - began


def seconds_of_driver(folder: Path, kept: list[tuple[str, object]]) -> float:
    """How long the driver alone takes for the same."""
    place = sqlite.read_url(str(folder / "driver.sqlite"))
    sqlite.make_file(place)
    connection = sqlite.connect(place, write=True)
    schema.create(connection)
    cursor = connection.cursor()
    began = time.perf_counter()
    for sql, values in kept:
        if values is None:
            cursor.execute(sql)
        else:
            cursor.executemany(sql, values)
    taken = time.perf_counter() - began
    connection.close()
    return taken


def measure(events: int, size: int, rounds: int = 3) -> tuple[int, float, float]:
    """Rows, and the best of some rounds for the ledger and for the driver."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = recorded(folder, events, size)
        ours, theirs = [], []
        for number in range(rounds):
            place = folder / str(number)
            place.mkdir()
            ours.append(seconds_of_ledger(place, events, size))
            theirs.append(seconds_of_driver(place, kept))
    return sum(len(values) for _, values in kept if values), min(ours), min(theirs)


def main() -> None:
    """Print rows a second of both, and their ratio."""
    events, size = (int(value) for value in (*sys.argv[1:], "20000", "500")[:2])
    count, ours, theirs = measure(events, size)
    transactions = 2 * -(-events // size)
    lines = (
        f"{events:,} events in batches of {size}: {count:,} rows in {transactions} transactions",
        f"ledger {count / ours:>10,.0f} rows/s  {events / ours:>8,.0f} events/s",
        f"driver {count / theirs:>10,.0f} rows/s  {events / theirs:>8,.0f} events/s",
        f"ratio  {theirs / ours:.2f}",
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
