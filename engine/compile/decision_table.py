"""Decision tables: rows as they are written, in YAML or in a file, to rows that can be put to values.

What lives here: reading. What does not: whether the rows are complete (:mod:`engine.compile.check_table`),
and the code that decides (:mod:`engine.compile.emit_table`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.compile import policy_problems as problems
from engine.compile.body import NOTHING, Body, Target
from engine.compile.collect_models import CHECK_FIELDS
from engine.compile.compilation import Compilation
from engine.compile.domain import Domain, Mask, domain_of
from engine.compile.problems import hides, no_name
from engine.compile.read_rows import Written, rows_of_file
from engine.compile.unary_tests import ANYTHING, CellError, Test, family_of, read_cell
from engine.language.formula_types import infer
from engine.source import Source, Span, Text
from engine.spec.field import IDENTIFIER, FormulaText, Raw, TemplateText
from engine.values.type import Type
from engine.values.value import Value
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.policy import (
    AlertDocument,
    DecideDocument,
    OutcomeDocument,
    PolicyDocument,
    RejectDocument,
    RouteDocument,
    RowDocument,
)

MOST_ROWS = 2_000
WORDS = ("reason", "note", "about")
OUTCOMES = ("reject", "route", "alert")
ROW_KEYS = ("when", "then", *WORDS)


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table."""

    value: Value
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row: its tests by column, and what follows from it; None where nothing does."""

    number: int  # from 1
    span: Span
    cells: Mapping[str, Cell]
    then: OutcomeDocument | None
    reason: TemplateText | None
    note: TemplateText | None
    about: Text | None

    @property
    def says(self) -> bool:
        """Whether anything follows from it."""
        return self.then is not None or self.reason is not None or self.note is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: what it looks at, the values that this has, and the tests of each row."""

    name: Text
    entry: EntryDocument
    type: Type
    domain: Domain
    tests: tuple[tuple[Test, ...], ...]  # of each row
    masks: tuple[Mask, ...]  # the parts of the domain for which each row is true

    def rows_of(self, part: int) -> Mask:
        """The rows that are true for a part."""
        return sum(1 << row for row, mask in enumerate(self.masks) if mask >> part & 1)

    def rows_of_anything(self) -> Mask:
        """The rows that do not look at this column."""
        return sum(1 << row for row, tests in enumerate(self.tests) if ANYTHING in tests)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTable:
    """A table whose every cell was understood."""

    hit: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def words(self, row: int) -> Iterator[tuple[int, str]]:
        """The tests of a row as they are written, each with the index of its column."""
        for index, column in enumerate(self.columns):
            cell = self.rows[row].cells.get(str(column.name))
            if cell is not None and ANYTHING not in column.tests[row]:
                yield index, written(cell.value)


def written(value: Value) -> str:
    """A cell on one line, as it was written."""
    if isinstance(value, list):
        return ", ".join(written(item) for item in value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return " ".join(str(value).split())


def rows_of(
    compilation: Compilation, document: PolicyDocument, decide: DecideDocument
) -> tuple[list[Row], bool]:
    """The rows of a table, and whether they are right; what is wrong with them is reported."""
    reader = _Reader(compilation, document, decide)
    if not reader.check_columns():
        return [], False
    rows = list(reader.rows())
    if not rows and not reader.failed:
        compilation.report(problems.table_without_rows(document.name, decide.span))
    return rows, bool(rows) and not reader.failed


class _Reader:
    """Reads the rows of one table."""

    def __init__(self, compilation: Compilation, document: PolicyDocument, decide: DecideDocument) -> None:
        self._compilation = compilation
        self._document = document
        self._decide = decide
        self._by = [str(name) for name in decide.by]
        self._gives = [str(name) for name in decide.gives]
        self.failed = False

    def check_columns(self) -> bool:
        """Whether the columns have names of their own."""
        names = [*self._decide.by, *self._decide.gives]
        for place, name in enumerate(names):
            sets = place >= len(self._by) and name not in (*WORDS, *OUTCOMES)
            if name in names[:place] or (name in ROW_KEYS and (place < len(self._by) or name not in WORDS)):
                self._fail(hides(name.span, name, "a column or a key of a row"))
            elif sets and name in CHECK_FIELDS:
                self._fail(hides(name.span, name, "a part of what every check gives"))
            elif sets and not re.fullmatch(IDENTIFIER, name):
                self._fail(no_name(name))
        return not self.failed

    def _fail(self, problem: problems.Problem) -> None:
        self.failed = True
        self._compilation.report(problem)

    def rows(self) -> Iterator[Row]:
        """Each row; what is wrong with one is reported."""
        written_ = self._decide.rows
        found = self._of_file() if written_ is None else self._of_documents(written_)
        for number, row in enumerate(found, start=1):
            if number > MOST_ROWS:
                self._fail(problems.too_many_rows(row.span, MOST_ROWS))
                return
            yield row

    def _of_documents(self, rows: Sequence[RowDocument]) -> Iterator[Row]:
        for number, row in enumerate(rows, start=1):
            cells = {**self._in_order(row), **{str(key): _cell(raw) for key, raw in row.cells.items()}}
            for key, span in [(key, key.span) for key in row.cells]:
                if str(key) not in (*self._by, *self._gives):
                    self._fail(problems.unknown_column(span, key, [*self._by, *self._gives]))
            yield self._row(number, row, cells)

    def _in_order(self, row: RowDocument) -> dict[str, Cell]:
        """The cells that are written as a list."""
        names = [*self._by, *self._gives]
        if row.when and not len(self._by) <= len(row.when) <= len(names):
            self._fail(problems.cells_of_a_row(_line(row.span), len(row.when), self._by, self._gives))
        return {name: _cell(raw) for name, raw in zip(names, row.when, strict=False)}

    def _of_file(self) -> Iterator[Row]:
        file = self._decide.file
        assert file is not None
        text = self._compilation.read_or_report(file)
        if text is None:
            self.failed = True
            return
        folder = file.span.source.name.rpartition("/")[0]
        source = Source(f"{folder}/{file}" if folder else str(file), text)

        def complain(span: Span, why: str) -> None:
            self._fail(problems.bad_line(span, why))

        found = rows_of_file(file, source, complain)
        if found is None:
            self._fail(problems.bad_line(file.span, f"`{file}` does not end in .csv or .jsonl"))
            return
        is_csv = str(file).endswith(".csv")
        for number, line in enumerate(found, start=1):
            yield self._of_line(number, line, is_csv=is_csv)

    def _of_line(self, number: int, line: Written, *, is_csv: bool) -> Row:
        cells = {
            key: Cell("-" if is_csv and value is None else value, line.place(key))
            for key, value in line.values.items()
        }
        for key in cells:
            if key not in (*self._by, *self._gives, *WORDS):
                place = (line.heading or line.place)(key)
                self._fail(problems.unknown_column(place, key, [*self._by, *self._gives]))
        return self._row(number, RowDocument(span=line.place(None)), cells)

    def _row(self, number: int, row: RowDocument, cells: Mapping[str, Cell]) -> Row:
        """A row with what its columns give put to what it says itself."""
        given = {key: cell for key, cell in cells.items() if key not in self._by and not _is_nothing(cell)}
        words = {key: self._words(key, given.pop(key)) for key in WORDS if key in given}
        return Row(
            number=number,
            span=_line(row.span),
            cells={key: cell for key, cell in cells.items() if key in self._by},
            then=self._then(row.then, given, row.span),
            reason=row.reason or _template(words.get("reason")),
            note=row.note or _template(words.get("note")),
            about=row.about or words.get("about"),
        )

    def _words(self, key: str, cell: Cell) -> Text | None:
        if isinstance(cell.value, str):
            return Text(cell.value, cell.span)
        self._fail(problems.no_text(cell.span, key, written(cell.value)))
        return None

    def _then(
        self, then: OutcomeDocument | None, given: Mapping[str, Cell], span: Span
    ) -> OutcomeDocument | None:
        """What follows: what the row says, and what its columns give."""
        if not given:
            return then
        found = then or OutcomeDocument(span=span)
        sets = {Text(key, cell.span): _constant(cell) for key, cell in given.items() if key not in OUTCOMES}
        for key in given:
            if key in found.keys or key in found.set:
                self._fail(problems.said_twice(given[key].span, key))
        outcomes = {key: self._words(key, given[key]) for key in OUTCOMES if key in given}
        reject, route, alert = (outcomes.get(key) for key in OUTCOMES)
        return replace(
            found,
            set={**found.set, **sets},
            reject=found.reject if reject is None else RejectDocument(span=reject.span, code=reject),
            route=found.route
            if route is None
            else RouteDocument(span=route.span, to=_constant(given["route"])),
            alert=found.alert if alert is None else AlertDocument(span=alert.span, to=alert),
            keys={**found.keys, **{key: given[key].span for key in outcomes}},
        )


def _line(span: Span) -> Span:
    """The first line of a place."""
    end = span.source.text.find("\n", span.start, span.end)
    return span if end < 0 else Span(span.source, span.start, end)


def _cell(raw: Raw) -> Cell:
    return Cell(raw.value, raw.span)


def _is_nothing(cell: Cell) -> bool:
    return cell.value is None or cell.value in ("", "-")


def _constant(cell: Cell) -> EntryDocument:
    return EntryDocument(span=cell.span, value=Raw(cell.value, cell.span))


def _template(text: Text | None) -> TemplateText | None:
    return None if text is None else TemplateText(str(text), text.span)


def table_of(
    compilation: Compilation, document: PolicyDocument, decide: DecideDocument, body: Body
) -> DecisionTable | None:
    """The table of a policy; None when it has mistakes, which were reported."""
    rows, sound = rows_of(compilation, document, decide)
    columns = [_column(compilation, name, entry, body, rows) for name, entry in decide.by.items()]
    if not sound or None in columns:
        return None
    usable = tuple(column for column in columns if column is not None)
    return DecisionTable(hit=str(decide.hit), columns=usable, rows=tuple(rows))


def _column(
    compilation: Compilation, name: Text, entry: EntryDocument, body: Body, rows: Sequence[Row]
) -> Column | None:
    body.need(entry)
    emitted = body.entry(entry, Target(name, str(name), None))
    if emitted == NOTHING:  # what is wrong with it was reported, and the rest follows from that
        return None
    kind, nullable = emitted.type, emitted.nullable and may_be_null(compilation, entry, body)
    family, tests, sound = family_of(kind), [], True
    for row in rows:
        cell = row.cells.get(str(name))
        try:
            tests.append((ANYTHING,) if cell is None else read_cell(cell.value, family))
        except CellError as error:
            assert cell is not None
            compilation.report(problems.bad_cell(cell.span, str(name), error.message, error.help))
            sound = False
    if not sound:
        return None
    domain = domain_of(kind, nullable=nullable, tests=[test for each in tests for test in each])
    masks = tuple(domain.mask(each) for each in tests)
    column = Column(name=name, entry=entry, type=kind, domain=domain, tests=tuple(tests), masks=masks)
    return column if _all_can_match(compilation, column, rows) else None


def _all_can_match(compilation: Compilation, column: Column, rows: Sequence[Row]) -> bool:
    """Whether every alternative of every cell is true for something; those that are not are reported."""
    sound = True
    for row, tests in zip(rows, column.tests, strict=True):
        for test in tests:
            if not column.domain.mask((test,)):
                cell = row.cells[str(column.name)]
                known = [part.example for part in column.domain.parts]
                compilation.report(problems.never_true(cell.span, str(column.name), test, known, column.type))
                sound = False
    return sound


def may_be_null(compilation: Compilation, entry: EntryDocument, body: Body) -> bool:
    """Whether the value of a column may be null: of a formula more is known than its code says."""
    if entry.expr is None or not isinstance(entry.expr, FormulaText):
        return True
    if entry.default is not None:
        return entry.default.value is None
    parsed = body.expressions.parse(entry.expr)
    return parsed is None or infer(parsed.tree, body.types, compilation.functions).result.nullable
