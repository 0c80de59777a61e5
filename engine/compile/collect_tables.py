"""Tables to rows by key."""

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from io import StringIO

from engine.compile import problems
from engine.compile.compilation import Compilation
from engine.compile.convert import conversion, number
from engine.language.compiled import EvaluationError
from engine.plan.table import Table
from engine.source import Text
from engine.values import type as types
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value, kind_of
from engine.workspace.kinds.reference import COLUMN_TYPES, TableDocument

MAX_ROWS = 1_000_000


def collect_tables(compilation: Compilation) -> None:
    """Every table; of one that has mistakes, the rows that are right."""
    for document in compilation.documents(TableDocument).values():
        name = str(document.name)
        columns = {**document.key, **document.columns}
        _check_types(compilation, columns)
        compilation.table_types[name] = {
            str(column): types.SCALARS.get(str(kind), types.ANY) for column, kind in columns.items()
        }
        compilation.tables[name] = _Reader(compilation, document).table()


def _check_types(compilation: Compilation, columns: Mapping[Text, Text]) -> None:
    for kind in columns.values():
        if kind not in COLUMN_TYPES:
            compilation.unknown("type", kind, COLUMN_TYPES, of="a column")


class _Reader:
    """Reads the rows of one table."""

    def __init__(self, compilation: Compilation, document: TableDocument) -> None:
        self._compilation = compilation
        self._document = document
        self._columns = {str(name): str(kind) for name, kind in {**document.key, **document.columns}.items()}
        self._key = tuple(str(name) for name in document.key)
        self._place: Text = document.file or document.name

    def table(self) -> Table:
        rows: dict[object, list[Mapping[str, Value]]] = {}
        effective = self._document.effective
        start = None if effective is None else str(effective.start)
        for number_, written in enumerate(self._written(), start=1):
            row = self._row(number_, written)
            if row is None:
                continue
            parts = tuple(row[name] for name in self._key)
            same = rows.setdefault(parts[0] if len(parts) == 1 else parts, [])
            if any(start is None or other[start] == row[start] for other in same):
                self._complain(number_, f"there is another row with the key {', '.join(map(str, parts))}")
                continue
            same.append(row)
        if start is not None:
            for same in rows.values():
                same.sort(key=lambda row: row[start])  # type: ignore[arg-type,return-value]
        end = None if effective is None or effective.end is None else str(effective.end)
        return Table(name=str(self._document.name), key=self._key, rows=rows, start=start, end=end)

    def _complain(self, row: int, why: str) -> None:
        self._compilation.report(problems.bad_row(self._place, row, why))

    def _written(self) -> Iterator[Mapping[str, Value]]:
        """The rows as records, whatever they are written in."""
        if self._document.rows is not None:
            yield from self._records(self._document.rows.value)
            return
        file = self._document.file
        if file is None:
            return
        text = self._compilation.read_or_report(file)
        if text is None:
            return
        if str(file).endswith(".csv"):
            yield from self._csv(text)
        elif str(file).endswith((".json", ".jsonl")):
            yield from self._json(text, lines=str(file).endswith(".jsonl"))
        else:
            self._compilation.report(
                problems.unreadable(file, "a table is kept in a .csv, .json or .jsonl file")
            )

    def _records(self, value: Value) -> Iterator[Mapping[str, Value]]:
        if not isinstance(value, list):
            self._complain(0, f"a table is a list of rows, not {kind_of(value)}")
            return
        for number_, row in enumerate(value, start=1):
            if isinstance(row, Mapping):
                yield row
            else:
                self._complain(number_, f"a row is a record, not {kind_of(row)}")

    def _json(self, text: str, *, lines: bool) -> Iterator[Mapping[str, Value]]:
        try:
            value = (
                [read_json(line) for line in text.splitlines() if line.strip()] if lines else read_json(text)
            )
        except JsonError as error:
            self._complain(0, str(error))
            return
        yield from self._records(value)

    def _csv(self, text: str) -> Iterator[Mapping[str, Value]]:
        """Rows of RFC 4180 text; an empty cell is null."""
        reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")), strict=True)
        try:
            for row in reader:
                if None in row or None in row.values():
                    self._complain(reader.line_num, "the row has more or fewer cells than the header")
                else:
                    yield {key: value or None for key, value in row.items()}
        except csv.Error as error:
            self._complain(reader.line_num, str(error))

    def _row(self, number_: int, written: Mapping[str, Value]) -> Mapping[str, Value] | None:
        """A row with its values as their types say; None, and a problem, when it is not one."""
        extra = [name for name in written if name not in self._columns]
        if extra:
            self._complain(number_, f"there is no column {extra[0]!r}")
            return None
        row: dict[str, Value] = {}
        for name, kind in self._columns.items():
            value = written.get(name)
            try:
                row[name] = None if value is None else _value(kind, value)
            except EvaluationError as error:
                self._complain(number_, f"{name}: {error.message}")
                return None
            if row[name] is None and (name in self._key or self._starts(name)):
                self._complain(number_, f"{name} may not be empty")
                return None
        return row

    def _starts(self, name: str) -> bool:
        effective = self._document.effective
        return effective is not None and str(effective.start) == name


def _value(kind: str, value: Value) -> Value:
    """A cell as its column's type says."""
    if kind == "money":
        return _money(value)
    if kind in ("any", "record", "list"):
        return value
    if kind == "date" and isinstance(value, date):
        return value
    made = conversion(kind, "half_even")
    return value if made is None else made.call(value)


def _money(value: Value) -> Value:
    """`150.00 EUR`, or a record of amount and currency."""
    if isinstance(value, str) and len(parts := value.split()) == 2:
        return {"amount": number(parts[0]), "currency": parts[1]}
    if isinstance(value, Mapping) and value.keys() == {"amount", "currency"}:
        return value
    raise EvaluationError(f"{str(value)[:40]!r} is not an amount of money (write 150.00 EUR)")
