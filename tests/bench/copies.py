"""A ledger filled with copies of what the engine itself wrote: every row under another id, with every index.

Only the audit chain of the copies is not true. Indexes are dropped before and made again behind, which takes a
fraction of the time; `synchronous` is off meanwhile.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

COMMITS = {"commit", "finish_commit", "settle_commit", "release_commit", "end_commit", "free_commit"}
REFERENCES = {"event_seq": "events", "run_seq": "runs"}
NAMES = {"id", "run_id", "key", "order_key", "external_id", "subject", "match"}  # columns with an id in them
PRAGMAS = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "temp_store=FILE")


def copy(connection: sqlite3.Connection, tables: Sequence[Any], copies: int, marks: Iterable[str]) -> None:
    """Copy all rows of some tables so many times; ids begin with a mark, which is followed by a prefix."""
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type='index' AND sql NOT NULL")
    indexes = indexes.fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    strides = {table.name: _last(connection, table.name, "seq") for table in tables}
    strides["commit"] = _last(connection, "audit", "commit")
    for table in tables:
        connection.execute(_copying(table, strides, copies, tuple(marks)))
    connection.execute(f"UPDATE counters SET value = value * {copies + 1}")  # noqa: S608
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("PRAGMA journal_mode=WAL")


def _last(connection: sqlite3.Connection, table: str, column: str) -> int:
    return int(connection.execute(f'SELECT max("{column}") FROM {table}').fetchone()[0] or 0)  # noqa: S608


def _copying(table: Any, strides: dict[str, int], copies: int, marks: tuple[str, ...]) -> str:
    """The statement that copies the rows of a table, under ids at other places of its indexes."""
    columns = [column.name for column in table.columns]
    made = ", ".join(_made(table.name, name, strides, marks) for name in columns)
    listed = ", ".join(f'"{name}"' for name in columns)
    own = " AND t.run_id IS NOT NULL" if table.name == "alerts" else ""  # one of a connection is there once
    return (
        f"WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < {copies}) "  # noqa: S608
        f'INSERT INTO "{table.name}" ({listed}) SELECT {made} FROM k CROSS JOIN "{table.name}" AS t '
        f"WHERE t.seq <= {strides[table.name]} AND {copies} > 0{own} ORDER BY n, t.seq"
    )


def _made(table: str, column: str, strides: dict[str, int], marks: tuple[str, ...]) -> str:
    """What stands in a column of a copy."""
    own = f't."{column}"'
    if column == "seq":
        return f"{own} + n * {strides[table]}"
    if column in REFERENCES:
        return f"{own} + n * {strides[REFERENCES[column]]}"
    if column in COMMITS:
        return f"{own} + n * {strides['commit']}"
    if column in NAMES:
        for mark in marks:
            own = f"replace({own}, '{mark}', '{mark}' || printf('%08x', (n * 2654435761) % 4294967296))"
    return own
