"""The rows of a table as they are written, inline or in a file, each with the place of its parts.

What lives here: CSV, JSON and JSON lines, and where in them a row and a cell stand. What does not: what
the columns of a table demand (:mod:`engine.compile.collect_tables`).
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.source import Source, Span, Text
from engine.spec.field import Raw
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value, kind_of

Complain: TypeAlias = Callable[[Span, str], None]

LINE_FEED = "\n"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Written:
    """A row, and where it stands: `place` is given a column, or None for the whole of the row."""

    values: Mapping[str, Value]
    place: Callable[[str | None], Span]
    called: str = ""  # what messages begin with, where the place alone does not tell the row
    heading: Callable[[str | None], Span] | None = None  # the same for the header, where there is one


def rows_of_value(raw: Raw, complain: Complain) -> Iterator[Written]:
    """The rows of a list in YAML."""

    def place(number: int, column: str | None) -> Span:
        path = (number,) if column is None else (number, column)
        return raw.places.get(path) or raw.places.get((number,)) or raw.span

    yield from _records(raw.value, place, complain)


def rows_of_file(name: Text, source: Source, complain: Complain) -> Iterator[Written] | None:
    """The rows of a data file, whose ending says what it is; None when it says nothing known."""
    ending = str(name).rpartition(".")[2]
    readers = {"csv": _csv, "json": _json, "jsonl": _json_lines}
    reader = readers.get(ending)
    return None if reader is None else reader(name, source, complain)


def _records(
    value: Value, place: Callable[[int, str | None], Span], complain: Complain, *, numbered: bool = False
) -> Iterator[Written]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        complain(place(0, None), f"a table is a list of rows, and this is a {kind_of(value)}")
        return
    for number, row in enumerate(value):
        called = f"row {number + 1}: " if numbered else ""
        if isinstance(row, Mapping):
            yield Written(row, _of_row(place, number), called)
        else:
            complain(place(number, None), f"{called}a row is a record, and this is a {kind_of(row)}")


def _of_row(place: Callable[[int, str | None], Span], number: int) -> Callable[[str | None], Span]:
    return lambda column: place(number, column)


def _json(name: Text, source: Source, complain: Complain) -> Iterator[Written]:
    """A list of records. Where its parts stand is not known: the reader of JSON is quick and does not say."""
    try:
        value = read_json(source.text)
    except JsonError as error:
        complain(name.span, f"`{name}` is not JSON: {error}")
        return
    yield from _records(value, lambda _number, _column: name.span, complain, numbered=True)


def _json_lines(name: Text, source: Source, complain: Complain) -> Iterator[Written]:
    """A record a line."""
    del name
    for number, line in enumerate(source.text.split(LINE_FEED), start=1):
        if not line.strip():
            continue
        place = _Line(source, number, number)
        try:
            value = read_json(line)
        except JsonError as error:
            complain(place(None), f"this line is not JSON: {error}")
            continue
        if isinstance(value, Mapping):
            yield Written(value, place)
        else:
            complain(place(None), f"a row is a record, and this is a {kind_of(value)}")


def _csv(name: Text, source: Source, complain: Complain) -> Iterator[Written]:
    """Rows of RFC 4180 text; an empty cell is null."""
    # Not a StringIO, which takes four bytes for every character.
    lines = (line.group() for line in _LINE.finditer(source.text))
    reader = csv.reader(lines, strict=True)
    before = 0
    header: list[str] | None = None
    heading: _Cells | None = None
    try:
        for cells in reader:
            place, before = _Line(source, before + 1, reader.line_num), reader.line_num
            if not cells:
                continue
            if header is None:
                header, heading = cells, _Cells(place, {cell: cell for cell in cells})
                if len(set(header)) < len(header):
                    twice = next(cell for cell in header if header.count(cell) > 1)
                    complain(place(None), f"there are two columns `{twice}`")
                    return
            elif len(cells) != len(header):
                complain(place(None), f"the row has {len(cells)} cells, and the header has {len(header)}")
            else:
                values = {key: cell or None for key, cell in zip(header, cells, strict=True)}
                yield Written(values, _Cells(place, values), heading=heading)
    except csv.Error as error:
        complain(_Line(source, reader.line_num, reader.line_num)(None), f"this is not CSV: {error}")
    if header is None:
        complain(name.span, f"`{name}` has no header with the names of the columns")


@dataclass(frozen=True, slots=True)
class _Line:
    """Lines of a file, from the first to the last."""

    source: Source
    first: int
    last: int

    def __call__(self, _column: str | None) -> Span:
        start = self.source.offset(self.first)
        return Span(self.source, start, self.source.offset(self.last) + len(self.source.line(self.last)))


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of a row of CSV: a cell is where its text is, if that is in the row once."""

    line: _Line
    values: Mapping[str, Value]

    def __call__(self, column: str | None) -> Span:
        span, cell = self.line(None), self.values.get(column or "")
        row = span.source.text[span.start : span.end]
        if not isinstance(cell, str) or row.count(cell) != 1:
            return span
        start = row.index(cell)
        return span.within(start, start + len(cell))
