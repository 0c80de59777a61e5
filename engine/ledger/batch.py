"""One transaction while it is written: rows go to the driver as they are, and into the digests of the chain.

The number of the commit is added to each tuple here: at the end of what is inserted, at the front of what is
changed.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import count
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Table, bindparam, func, literal_column, select

from engine.errors import LedgerConflict
from engine.ledger import tables
from engine.ledger.database import Cursor, Database
from engine.ledger.facts import FACTS, SUPERSEDED, TRANSITIONS, Fact
from engine.ledger.rows import AuditEntry
from engine.ledger.statements import Statement, adding, asking, key_list, listed
from engine.values.canonical import text_hash
from engine.values.json_text import write_json

Tuple: TypeAlias = "tuple[Any, ...]"

ADD_TRANSITION = adding(tables.transitions, TRANSITIONS.columns)
SUPERSEDE = adding(tables.superseded, SUPERSEDED.columns)

_LAST = {
    table: asking(table, select(func.coalesce(func.max(table.c.seq), literal_column("0"))))
    for table in (tables.events, tables.runs)
}
_NUMBERS = {
    table: asking(
        table, select(table.c.id, table.c.seq).where(table.c.id.in_(listed(bindparam("p_ids")))), "ids"
    )
    for table in (tables.events, tables.runs)
}


class Batch:
    """What one commit has written so far."""

    partitions = 1  # among which runs are divided

    def __init__(self, database: Database, cursor: Cursor, number: int) -> None:
        self.number = number
        self.entries: list[AuditEntry] = []
        self.counts: Counter[str] = Counter()
        self._database = database
        self._cursor = cursor
        self._numbers: dict[Table, dict[str, int]] = {table: {} for table in _NUMBERS}
        self._rows: dict[str, list[Tuple]] = {}
        self._transitions: list[Tuple] = []

    def run(self, statement: Statement, rows: Sequence[Tuple]) -> int:
        """Give rows to a statement; the number of rows that it wrote."""
        self._cursor.executemany(self._database.sql(statement), rows)
        return int(self._cursor.rowcount)

    def ask(self, statement: Statement, values: Tuple) -> list[Tuple]:
        """What a statement finds, inside this transaction."""
        return [*self._cursor.execute(self._database.sql(statement), values)]

    def lock_pointer(self) -> None:
        """Let nobody else decide where the ledger points until this commit ends; one who writes alone is."""

    def next_seq(self, table: Table) -> int:
        """The number of the next row of a table."""
        ((last,),) = self.ask(_LAST[table], ())
        return int(last) + 1

    def name(self, table: Table, ids: Iterable[str], first: int) -> None:
        """Let rows that were just written be referred to, numbered from `first` on."""
        self._numbers[table].update(zip(ids, count(first)))

    def numbers(self, table: Table, ids: AbstractSet[str]) -> Mapping[str, int]:
        """The numbers of at least these rows of a table.

        Raises:
            LedgerConflict: one of them is not there.

        """
        known = self._numbers[table]
        if missing := ids - known.keys():
            known.update(self.ask(_NUMBERS[table], (key_list(missing),)))
            if lost := missing - known.keys():
                one = table.name.removesuffix("s")
                raise LedgerConflict(
                    f"the ledger has no {one} {min(lost, key=str)!r}; nothing of the commit was written"
                )
        return known

    def add(self, fact: Fact, statement: Statement, rows: Sequence[Tuple]) -> None:
        """Insert rows, each with the number of the commit behind it."""
        if rows:
            tail = (self.number,)
            self.put(fact, statement, [row + tail for row in rows])

    def put(self, fact: Fact, statement: Statement, rows: list[Tuple]) -> None:
        """Insert rows as they are."""
        if rows:
            self.run(statement, rows)
            self.prove(fact, rows)

    def prove(self, fact: Fact, rows: list[Tuple]) -> None:
        """Put rows that were written among the facts of this commit."""
        before = self._rows.get(fact.name)
        self._rows[fact.name] = rows if before is None else before + rows

    def end(self, fact: Fact, statement: Statement, rows: Sequence[Tuple]) -> None:
        """Settle rows that are open, each with the number of the commit before it."""
        if rows:
            head = (self.number,)
            full = [head + row for row in rows]
            self._require(statement, full, self.run(statement, full))
            self.prove(fact, full)

    def change(self, statement: Statement, rows: Sequence[Tuple]) -> None:
        """Change rows, each of which has to be there as it was read."""
        self._require(statement, rows, self.run(statement, rows))

    def move(self, kind: str, statement: Statement, changes: Sequence[Tuple], steps: Iterable[Tuple]) -> None:
        """Change open rows, and record each step: status, at, due_at, reason, detail."""
        if changes:
            self._require(statement, changes, self.run(statement, changes))
            self._transitions += [
                (kind, change[-1], *step, self.number) for change, step in zip(changes, steps, strict=True)
            ]

    def supersede(self, fact: Fact, key: str, row: Tuple) -> None:
        """Keep a fact, in the columns of its digest, that is about to be overwritten."""
        made = row[fact.columns.index(fact.number)]
        copy = (fact.name, key, write_json(list(row)).decode(), made, self.number)
        self.run(SUPERSEDE, [copy])
        self.prove(SUPERSEDED, [copy])

    def facts(self) -> str:
        """Write the transitions; then rows and digest of each fact, as JSON."""
        if self._transitions:
            self.run(ADD_TRANSITION, self._transitions)
            self.prove(TRANSITIONS, self._transitions)
        found = {fact.name: self._rows[fact.name] for fact in FACTS if fact.name in self._rows}
        ordered = {fact.name: in_order(fact, found[fact.name]) for fact in FACTS if fact.name in found}
        return write_json({name: [len(rows), digest(rows)] for name, rows in ordered.items()}).decode()

    def _require(self, statement: Statement, rows: Sequence[Tuple], written: int) -> None:
        if written != len(rows):
            raise LedgerConflict(self._refusal(statement, rows))

    def _refusal(self, statement: Statement, rows: Sequence[Tuple]) -> str:
        table, key = statement.table, statement.table.c[statement.fields[-1]]
        one = table.name.removesuffix("s")
        for row in rows:
            sql, values = self._database.compiled(select(key).where(key == row[-1]))
            if self._cursor.execute(sql, values).fetchone() is None:
                return f"the ledger has no {one} {row[-1]!r}; nothing of the commit was written"
        which = f"the {one} {rows[0][-1]!r} is" if len(rows) == 1 else f"one of {len(rows)} {table.name} is"
        return f"{which} not in a status that allows this change; nothing of the commit was written"


def in_order(fact: Fact, rows: list[Tuple]) -> list[Tuple]:
    """The rows of a fact in the order of its digest."""
    if not fact.order:
        return rows
    return sorted(rows, key=itemgetter(*(fact.columns.index(name) for name in fact.order)))


def digest(rows: list[Tuple]) -> str:
    """SHA-256 of the rows, in hexadecimal."""
    return text_hash(write_json(rows))


def require_status(given: Collection[str], allowed: Collection[str]) -> None:
    """Refuse a status that the table does not know."""
    if strange := {*given} - {*allowed}:
        raise LedgerConflict(f"there is no status {min(strange)!r} here; there are: {', '.join(allowed)}")


def why(reason: str) -> str:
    """A person's reason, as the detail of an audit entry."""
    return write_json({"reason": reason}).decode()
