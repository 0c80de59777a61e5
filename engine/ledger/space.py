"""Room in the file of a ledger on SQLite: what pruning leaves empty goes back to the disk, bit by bit.

A row that became small stays in a page that is otherwise empty, and SQLite joins such pages only when rows
are taken out. So rows that were blanked are taken out and put in again as they are. The pages that come free
are moved to the end of the file and cut off, so many at a time that work goes on in between. PostgreSQL sees
to its room itself.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Table, bindparam, delete, select

from engine.ledger.batch import Batch
from engine.ledger.facts import FACTS
from engine.ledger.rows import Blank
from engine.ledger.statements import Statement, adding, asking, key_list, listed_numbers

PAGES = 2_000  # at a time: 8 MB, some hundredths of a second
_TABLES = {fact.name: fact.table for fact in FACTS}


def lay_close(batch: Batch, blanks: Iterable[Blank]) -> None:
    """Take out the rows of which something was blanked, and put them in again as they are."""
    by_table: dict[Table, set[int]] = defaultdict(set)
    for blank in blanks:
        by_table[_TABLES[blank.fact]].add(blank.seq)
    for table, numbers in by_table.items():
        reading, taking, putting = _statements(table)
        rows = batch.ask(reading, (key_list(str(number) for number in sorted(numbers)),))
        batch.run(taking, [(row[-1],) for row in rows])
        batch.run(putting, rows)


def _statements(table: Table) -> tuple[Statement, Statement, Statement]:
    names = tuple(str(column.name) for column in table.columns)
    assert names[-1] == "seq"
    chosen = (
        select(table).where(table.c.seq.in_(listed_numbers(bindparam("p_numbers")))).order_by(table.c.seq)
    )
    taken = delete(table).where(table.c.seq == bindparam("p_seq"))
    return asking(table, chosen, "numbers"), asking(table, taken, "seq"), adding(table, names)


def give_back(connection: sqlite3.Connection, pages: int = PAGES) -> int:
    """Give so many empty pages back to the disk; how many bytes are left to be given."""
    # Each page is a step of this statement, so it is read to its end.
    connection.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
    (left,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    if not left:
        # The file itself becomes shorter when the log beside it is folded in; readers are not waited for.
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return int(left) * int(size)
