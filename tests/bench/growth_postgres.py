"""Throughput with many finished runs in a ledger on PostgreSQL, against that of an empty one.

Run it: ``python -m tests.bench.growth_postgres [--runs 1000000] [--n 10000] [--rounds 3]``. As on SQLite
(`tests.bench.growth`), the ledger is filled with copies of what the engine wrote of the fixed workload, under
other ids and with every index; then the same number of new events is processed on it and on an empty one, in
turns, numbered and scattered. What a round leaves open is taken out before the next. It stands alone because
rows are numbered otherwise there: by their commit.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from engine.ledger.owned import ROWS
from tests.bench.copies import COMMITS, NAMES, REFERENCES
from tests.bench.growth import COPIED, SEED, let_ids_be_longer, new_events
from tests.bench.postgres import alone, size_of
from tests.bench.workload.make import make
from tests.postgres import Server, running

OPEN = "SELECT seq FROM runs WHERE finish_commit IS NULL"
NAMES_OF_OPEN = "SELECT id FROM runs WHERE finish_commit IS NULL"
MARKS = ("EV-", "TE-")
TEMPLATE = 20_000  # runs that the engine itself works


def forget_what_is_open(url: str) -> None:
    """Take out the runs that are still open, with all that hangs on them."""
    with psycopg.connect(url) as connection:
        for table, column, chosen in (
            ("effects", "run_seq", OPEN),
            ("holds", "run_id", NAMES_OF_OPEN),
            ("alerts", "run_id", NAMES_OF_OPEN),
            ("transitions", "subject", NAMES_OF_OPEN),
            ("events", "seq", "SELECT event_seq FROM runs WHERE finish_commit IS NULL"),
            ("runs", "seq", OPEN),
        ):
            connection.execute(f"DELETE FROM {table} WHERE {column} IN ({chosen})")  # noqa: S608
        connection.execute("UPDATE alerts SET status = 'closed'")


def fill(url: str, runs: int) -> int:
    """Copy what is there until there are so many finished runs; how many there are."""
    forget_what_is_open(url)
    with psycopg.connect(url, autocommit=True) as connection:
        finished = _number(connection, "SELECT count(*) FROM runs")
        copies = max(0, -(-runs // finished) - 1)
        commits = _number(connection, "SELECT max(commit) FROM audit")
        chain = _number(connection, "SELECT max(seq) FROM audit")
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() "
            "AND tablename = ANY(%s) AND indexname NOT LIKE '%%_pkey'",
            ([table.name for table in COPIED],),
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        for table in COPIED:
            connection.execute(_copying(table, copies, commits, chain))
        for _, made in indexes:
            connection.execute(made)
        connection.execute("SELECT setval('commits', %s)", (commits * (copies + 1) + 1,))
        connection.execute(f"UPDATE counters SET value = value * {copies + 1}")  # noqa: S608
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        return _number(connection, "SELECT count(*) FROM runs")


def _number(connection: psycopg.Connection[Any], question: str) -> int:
    (found,) = connection.execute(question).fetchone() or (0,)
    return int(found)


def _copying(table: Any, copies: int, commits: int, chain: int) -> Any:
    """The statement that copies the rows of a table, under ids at other places of its indexes."""
    columns = [str(column.name) for column in table.columns]
    made = ", ".join(_made(str(table.name), name, commits, chain) for name in columns)
    listed = ", ".join(f'"{name}"' for name in columns)
    own = "WHERE t.run_id IS NOT NULL" if table.name == "alerts" else ""
    return (
        f'INSERT INTO "{table.name}" ({listed}) SELECT {made} '  # noqa: S608
        f'FROM generate_series(1::bigint, {copies}) AS k(n) CROSS JOIN "{table.name}" AS t {own}'
    )


def _made(table: str, column: str, commits: int, chain: int) -> str:
    own = f't."{column}"'
    if column == "seq":
        return f"{own} + n * {chain if table == 'audit' else commits << ROWS}"
    if column in REFERENCES:
        return f"{own} + n * {commits << ROWS}"
    if column in COMMITS:
        return f"{own} + n * {commits}"
    if column in NAMES:
        for mark in MARKS:
            hexed = "lpad(to_hex((n * 2654435761) % 4294967296), 8, '0')"
            own = f"replace({own}, '{mark}', '{mark}' || {hexed})"
    return own


def measure(
    folder: Path, server: Server, runs: int, number: int, rounds: int, say: Callable[[str], object]
) -> dict[str, Any]:
    """Fill a ledger, and process new events on it and on an empty one, in turns."""
    workspace = folder / "workspace"
    events, _ = make(workspace, SEED, min(TEMPLATE, runs))
    let_ids_be_longer(workspace)
    full = server.url(server.database())
    alone(workspace, full, events, None)
    began = time.perf_counter()
    found: dict[str, Any] = {"postgres_growth_runs": fill(full, runs)}
    found["postgres_growth_megabytes"] = size_of(full) >> 20
    say(f"filled with {found['postgres_growth_runs']:,} finished runs in {time.perf_counter() - began:.0f} s")
    for scattered in (False, True):
        kind = "_scattered" if scattered else ""
        pairs = []
        for turn in range(rounds):
            new = new_events(folder / "new.jsonl", number, 2 * turn + scattered, scattered=scattered)
            forget_what_is_open(full)
            once = alone(workspace, server.url(server.database()), new, None)
            pairs.append((once, alone(workspace, full, new, None)))
            say(
                f"  {kind or 'numbered'}: empty {number / once:,.0f} a second, full {number / pairs[-1][1]:,.0f}"
            )
        found |= _figures(kind, number, pairs)
    return found


def _figures(kind: str, number: int, pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    empty, full = (median(seconds) for seconds in zip(*pairs, strict=True))
    return {
        f"postgres_full_vs_empty{kind}": round(empty / full, 3),
        f"postgres_full_events_per_second{kind}": round(number / full),
        f"postgres_empty_events_per_second{kind}": round(number / empty),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-growth-") as name, running() as server:
        found = measure(Path(name), server, given.runs, given.n, given.rounds, print)
    for key, value in found.items():
        sys.stdout.write(f"{key:44} {value}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
