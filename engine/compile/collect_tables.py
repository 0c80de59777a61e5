"""Tables to rows by key."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from engine.compile import problems
from engine.compile.compilation import Compilation
from engine.compile.convert import conversion
from engine.compile.read_rows import Written, rows_of_file, rows_of_value
from engine.language.compiled import EvaluationError
from engine.language.known import join
from engine.language.path_types import known_value
from engine.plan.table import Row, Table
from engine.problems import did_you_mean
from engine.problems.problem import Problem
from engine.source import Source, Span, Text
from engine.values import type as types
from engine.values.money import may_mean_thousands, money_of
from engine.values.type import Type
from engine.values.value import Value
from engine.workspace.kinds.reference import COLUMN_TYPES, TableDocument

MAX_ROWS = 50_000
MAX_LINES = 2 * MAX_ROWS  # of a file with a row on a line, which is not even read when it has more
MAX_JSON = 4 * 1024 * 1024  # characters; a list of lists of nothing takes a hundred bytes for each
MAX_BAD_ROWS = 200  # so many mistakes in the rows of a table are reported; then it is put away
KEY_TYPES = ("string", "integer", "decimal", "boolean", "date", "datetime")


def collect_tables(compilation: Compilation) -> None:
    """Every table; of one that has mistakes, the rows that are right."""
    for document in compilation.documents(TableDocument).values():
        name = str(document.name)
        compilation.table_types[name] = {
            str(column): types.SCALARS.get(str(kind), types.ANY)
            for column, kind in {**document.key, **document.columns}.items()
        }
        mistakes = list(_mistakes(document))
        for mistake in mistakes:
            compilation.report(mistake)
        if mistakes:
            compilation.spoiled.add((document.kind, name))
        else:
            reader = _Reader(compilation, document)
            table = compilation.tables[name] = reader.table()
            _learn(compilation, table)
            if reader.has_mistakes:
                compilation.partial_tables.add(name)
                compilation.full_columns[name] = frozenset(compilation.table_types[name])


def _learn(compilation: Compilation, table: Table) -> None:
    """What the rows tell beyond the types of their columns: which are full, and what lists are made of."""
    rows = [row for same in table.rows.values() for row in same]
    kinds = dict(compilation.table_types[table.name])
    for column in (column for column, kind in kinds.items() if kind == types.ANY):
        known = join(known_value(row[column]) for row in rows)
        kinds[column] = widened(known.type)
    compilation.table_types[table.name] = kinds
    empty = {column for row in rows for column, value in row.items() if value is None}
    compilation.full_columns[table.name] = frozenset(kinds) - empty if rows else frozenset()


def widened(kind: Type) -> Type:
    """A type learnt from values that are there, so that it also holds for others like them."""
    match kind:
        case types.Enum() | types.Scalar(name="string"):
            return types.STRING
        case types.Scalar(name="null"):
            return types.ANY
        case types.Scalar(name="integer" | "decimal"):
            return types.DECIMAL
        case types.Listing(item=item):
            return replace(kind, item=widened(item))
        case types.Record(fields=fields):
            inner = {name: replace(field, type=widened(field.type)) for name, field in fields.items()}
            return replace(kind, fields=inner)
        case _:
            return kind


def _mistakes(document: TableDocument) -> Iterator[Problem]:
    """What the columns of a table are and should not be."""
    columns, effective = {**document.key, **document.columns}, document.effective
    if not document.key:
        yield problems.no_key(document.name)
    for name, kind in columns.items():
        allowed = KEY_TYPES if name in document.key else COLUMN_TYPES
        if kind not in allowed:
            yield problems.unknown(
                "type", kind, allowed, of="a key column" if name in document.key else "a column"
            )
    for name in document.columns:
        if name in document.key:
            yield problems.hides(name.span, name, "a key column")
    days = () if effective is None else (effective.start, effective.end)
    for column in (column for column in days if column is not None):
        if column not in columns:
            yield problems.unknown("column", column, columns, of=f"table `{document.name}`")
        elif columns[column] != "date":
            yield problems.not_a_day(column, columns[column])


class _Enough(Exception):
    """So many rows were reported that the rest would tell nothing new."""


class _Reader:
    """Reads the rows of one table."""

    def __init__(self, compilation: Compilation, document: TableDocument) -> None:
        self._compilation = compilation
        self._document = document
        self._columns = {str(name): str(kind) for name, kind in {**document.key, **document.columns}.items()}
        self._key = tuple(str(name) for name in document.key)
        effective = document.effective
        self._start = None if effective is None else str(effective.start)
        self._end = None if effective is None or effective.end is None else str(effective.end)
        self._bad = 0
        self._reported: set[str] = set()  # columns: one mistake in a header is one problem

    def table(self) -> Table:
        """The rows that can be used; each other one is reported."""
        found: dict[object, list[tuple[Row, Written]]] = {}
        rows: dict[object, list[Row]] = {}
        try:
            self._gather(found)
            rows.update((key, self._apart(same)) for key, same in found.items())
        except _Enough:
            rows.update((key, [row for row, _ in same]) for key, same in found.items())
        return Table(
            name=str(self._document.name), key=self._key, rows=rows, start=self._start, end=self._end
        )

    @property
    def has_mistakes(self) -> bool:
        """Whether rows are missing because of what is wrong with them."""
        return self._bad > 0 or bool(self._reported)

    def _gather(self, found: dict[object, list[tuple[Row, Written]]]) -> None:
        """The rows that can be used, by their key."""
        for count, written in enumerate(self._written()):
            if count >= MAX_ROWS:
                self._complain(written, None, f"a table has at most {MAX_ROWS:,} rows")
                break
            row = self._row(written)
            if row is not None:
                parts = tuple(row[name] for name in self._key)
                found.setdefault(parts[0] if len(parts) == 1 else parts, []).append((row, written))

    def _report(self, span: Span, why: str) -> None:
        self._compilation.report(problems.bad_row(span, why))
        self._bad += 1
        if self._bad >= MAX_BAD_ROWS:
            raise _Enough

    def _complain(self, written: Written, column: str | None, why: str) -> None:
        self._report(written.place(column), written.called + why)

    def _written(self) -> Iterator[Written]:
        """The rows as records, whatever they are written in."""
        rows, file = self._document.rows, self._document.file
        if rows is not None:
            yield from rows_of_value(rows, self._report)
        elif file is not None:
            text = self._compilation.read_or_report(file)
            if text is None or self._is_too_large(file, text):
                return
            folder = file.span.source.name.rpartition("/")[0]
            found = rows_of_file(file, Source(posixpath.normpath(f"{folder}/{file}"), text), self._report)
            if found is None:
                why = f"`{file}` is not a .csv, .json or .jsonl file"
                self._compilation.report(problems.unreadable(file, why))
            else:
                yield from found

    def _is_too_large(self, file: Text, text: str) -> bool:
        """Whether there is more than can be a table, which is told before it is read."""
        if str(file).endswith(".json"):
            why = f"is longer than {MAX_JSON:,} characters" if len(text) > MAX_JSON else ""
        else:
            why = f"has more than {MAX_LINES:,} lines" if text.count("\n") > MAX_LINES else ""
        if why:
            self._compilation.report(problems.unreadable(file, f"`{file}` {why}; a table has no more"))
        return bool(why)

    def _apart(self, same: list[tuple[Row, Written]]) -> list[Row]:
        """The rows of one key by their first day; one that says that it holds beside another is reported."""
        start = self._start
        if start is not None:
            same.sort(key=lambda one: one[0][start])  # type: ignore[arg-type,return-value]
        for (row, _), (other, written) in pairwise(same):
            key = f"the key {', '.join(f'{name} {row[name]}' for name in self._key)}"
            if start is None:
                self._complain(written, self._key[0], f"another row has {key}")
            elif self._overlap(row, other):
                self._complain(written, start, f"another row with {key} holds on {other[start]} as well")
        return [row for row, _ in same]

    def _overlap(self, row: Row, later: Row) -> bool:
        """Whether a row holds when a later one begins; one without an end holds until then."""
        assert self._start is not None
        end = None if self._end is None else row[self._end]
        begins = later[self._start]
        return row[self._start] == begins or (end is not None and end >= begins)  # type: ignore[operator]

    def _row(self, written: Written) -> Row | None:
        """A row with its values as their types say; None, and a problem, when it is not one."""
        if self._has_unknown(written):
            return None
        row: dict[str, Value] = {}
        for name, kind in self._columns.items():
            value = written.values.get(name)
            try:
                row[name] = None if value is None else _value(kind, value)
            except EvaluationError as error:
                self._complain(written, name, f"in column `{name}`, {error.message}")
                return None
            if row[name] is None and name in (*self._key, self._start):
                self._complain(written, name, f"column `{name}` may not be empty")
                return None
        return None if self._ends_early(row, written) else row

    def _ends_early(self, row: Row, written: Written) -> bool:
        start, end = self._start, self._end
        if start is None or end is None or row[end] is None or row[end] >= row[start]:  # type: ignore[operator]
            return False
        self._complain(written, end, f"the row ends on {row[end]}, before it begins")
        return True

    def _has_unknown(self, written: Written) -> bool:
        """Whether names of columns are wrong; each is reported once, at the header if there is one."""
        unknown = {str(name) for name in written.values if name not in self._columns}
        # JSON leaves out what is null; a column that a header does not have is misspelt or forgotten.
        absent = set(self._columns) - set(written.values) if written.heading is not None else set()
        place = written.heading or written.place
        for name in sorted(unknown - self._reported):
            near = did_you_mean(name, self._columns)
            why = f"{written.called}table `{self._document.name}` has no column `{name}`"
            self._compilation.report(problems.bad_row(place(name), why, near))
        if not unknown:
            for name in sorted(absent - self._reported):
                self._report(place(None), f"the header has no column `{name}`")
        self._reported |= unknown | absent
        return bool(unknown or absent)


def _value(kind: str, value: Value) -> Value:
    """A cell as its column's type says."""
    if kind == "money":
        return _money(value)
    made = conversion(kind, "half_even")
    if made is not None:
        return made.call(value)
    if kind == "record" and not isinstance(value, Mapping):
        raise EvaluationError(f"{str(value)[:40]!r} is not a record")
    if kind == "list" and not isinstance(value, list):
        raise EvaluationError(f"{str(value)[:40]!r} is not a list")
    return value


def _money(value: Value) -> Value:
    """`150.00 EUR`, or a record of amount and currency."""
    found = money_of(value)
    if found is None:
        raise EvaluationError(f"{str(value)[:40]!r} is not an amount of money (write 150.00 EUR)")
    if isinstance(value, str) and may_mean_thousands(value):
        amount, currency = value.split()
        thousands, few = amount.replace(".", ""), f"{amount}0"
        raise EvaluationError(
            f"'{value}' may be {amount.partition('.')[0]} or {thousands}"
            f" (write {thousands}.00 {currency} or {few} {currency})"
        )
    return found
