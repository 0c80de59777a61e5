"""Files to records, row by row: CSV, JSON, JSON lines, XML and lines of fixed width.

A row that cannot be read is given with the reason, and the next is read. Each row comes with the place behind
it, from which another process can go on. No more than a row is in memory, but for a JSON document.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from engine.connect.connector_plan import FilePlan
from engine.connect.file_cells import CellError, value_of
from engine.connect.file_lines import FileUnusable, Lines, RowError, Spot
from engine.connect.file_spec import ColumnSpec, CsvSpec, FileSpec, FixedWidthSpec, XmlSpec
from engine.language.compiled import EvaluationError
from engine.values.json_text import MAX_BYTES, JsonError, read_json
from engine.values.value import Value

LONGEST_SHOWN = 2_000  # characters of a bad row that are kept for a person
DEEPEST = 64  # elements of XML inside of each other


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its record, or why it has none."""

    line: int  # at which it begins; the number of the record where a file has no lines
    record: Value
    why: str | None
    text: str  # as it stands in the file, cut
    behind: Spot


def rows(plan: FilePlan, stream: BinaryIO, spot: Spot, name: str) -> Iterator[Row]:
    """The rows of a file from a place on.

    Raises:
        FileUnusable: when nothing can be made of the file, or of what is left of it.

    """
    spec = plan.spec
    if spec.csv is not None:
        return _of_csv(spec, spec.csv, Lines(stream, str(spec.encoding), spot), spot, name)
    if spec.fixed_width is not None:
        return _of_lines(spec, spec.fixed_width, Lines(stream, str(spec.encoding), spot), spot, name)
    if spec.json_lines:
        return _of_json_lines(spec, Lines(stream, "utf-8", spot), spot, name)
    if spec.xml is not None:
        return _numbered(spec, _of_xml(spec, spec.xml, stream), spot, name)
    return _numbered(spec, _of_json(plan, stream), spot, name)


def _placed(spec: FileSpec, record: dict[str, Value], name: str, line: int) -> dict[str, Value]:
    """A record with the name of its file and its line, where they are wanted."""
    if spec.file_name is not None:
        record[str(spec.file_name)] = name
    if spec.line is not None:
        record[str(spec.line)] = line
    return record


# CSV


def _of_csv(spec: FileSpec, form: CsvSpec, lines: Lines, spot: Spot, name: str) -> Iterator[Row]:
    heading = _heading(spec, form, lines, spot)
    number = spot.rows
    reader = _reader(form, lines)
    while True:
        lines.begin_row()
        offset, line = lines.offset, lines.line
        try:
            cells = next(reader, None)
            if cells is None:
                return
            if not cells or cells == [""]:
                continue  # a line with nothing in it
            record, why = _record(spec, heading, cells), None
        except (csv.Error, RowError) as error:
            text = "".join(lines.taken)
            if len(lines.taken) > 1:  # a quote that is not closed has taken in lines of other rows
                lines.go_back(offset, line)
                next(lines, None)
                text = "".join(lines.taken)
            record, why, reader = {}, _said(error), _reader(form, lines)
        except CellError as error:
            record, why, text = {}, str(error), "".join(lines.taken)
        else:
            text = "".join(lines.taken)
        number += 1
        yield Row(
            line=line + 1,
            record=_placed(spec, record, name, line + 1),
            why=why,
            text=text[:LONGEST_SHOWN].rstrip("\r\n"),
            behind=Spot(offset=lines.offset, line=lines.line, rows=number),
        )


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, RowError) else f"the row cannot be taken apart: {error}"


def _reader(form: CsvSpec, lines: Lines) -> "Iterator[list[str]]":
    return csv.reader(
        lines, delimiter=str(form.delimiter), quotechar=str(form.quote), strict=True, doublequote=True
    )


def _heading(spec: FileSpec, form: CsvSpec, lines: Lines, spot: Spot) -> Mapping[str, int] | None:
    """Where each column is, if the file has headings; the lines then stand at the first row to read."""
    behind = (lines.offset, lines.line) if spot.offset else None
    if behind is not None:
        lines.go_back(0, 0)
    try:
        _pass_over(lines, form.skip_lines)
        cells = next(_reader(form, lines), None) if form.header else None
    except (csv.Error, RowError) as error:
        raise FileUnusable(f"its headings cannot be read: {error}") from error
    if behind is not None:
        lines.go_back(*behind)
    return _columns(spec, cells or []) if form.header else None


def _pass_over(lines: Lines, count: int) -> None:
    """Leave out the first lines of a file, whatever they are."""
    for _ in range(count):
        lines.begin_row()
        with suppress(RowError):
            next(lines, None)
    lines.begin_row()


def _columns(spec: FileSpec, cells: Sequence[str]) -> Mapping[str, int]:
    names = [cell.removeprefix("\ufeff").strip() for cell in cells]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise FileUnusable(f"two of its columns are called {twice!r}")
    wanted = [str(column.column or field) for field, column in spec.columns.items()]
    if missing := [name for name in wanted if name not in names]:
        raise FileUnusable(f"it has no column {missing[0]!r}; it has: {', '.join(names) or 'none'}")
    return {name: index for index, name in enumerate(names)}


def _record(spec: FileSpec, heading: Mapping[str, int] | None, cells: Sequence[str]) -> dict[str, Value]:
    if heading is not None and len(cells) != len(heading):
        raise CellError(f"the row has {len(cells)} cells, and there are {len(heading)} headings")
    places = heading if heading is not None else {str(index + 1): index for index in range(len(cells))}
    if not spec.columns:
        return {name: cells[index] for name, index in places.items() if cells[index] != ""}
    record: dict[str, Value] = {}
    for field, column in spec.columns.items():
        index = places.get(str(column.column or field))
        if index is None:
            raise CellError(f"the row has {len(cells)} cells, and no column {column.column or field}")
        _put(record, str(field), cells[index], column, spec)
    return record


def _put(record: dict[str, Value], field: str, cell: str, column: ColumnSpec, spec: FileSpec) -> None:
    """A cell in its field; an empty one leaves the field out."""
    if cell.strip() == "":
        return
    try:
        record[field] = value_of(cell, column, spec)
    except CellError as error:
        raise CellError(f"{column.column or field}: {error}") from error


# Lines


def _of_lines(spec: FileSpec, form: FixedWidthSpec, lines: Lines, spot: Spot, name: str) -> Iterator[Row]:
    if not spot.offset:
        _pass_over(lines, form.skip_lines)

    def read(text: str) -> dict[str, Value]:
        record: dict[str, Value] = {}
        for field, column in spec.columns.items():
            start = (column.start or 1) - 1
            cell = text[start : start + (column.width or 1)]
            _put(record, str(field), cell.strip(), column, spec)
        return record

    return _each_line(spec, lines, spot, name, read)


def _of_json_lines(spec: FileSpec, lines: Lines, spot: Spot, name: str) -> Iterator[Row]:
    def read(text: str) -> dict[str, Value]:
        found = read_json(text)
        if not isinstance(found, Mapping):
            raise CellError("the line is no record")
        return dict(found)

    return _each_line(spec, lines, spot, name, read)


def _each_line(
    spec: FileSpec,
    lines: Lines,
    spot: Spot,
    name: str,
    read: Any,  # noqa: ANN401 - a function of a line
) -> Iterator[Row]:
    number = spot.rows
    while True:
        lines.begin_row()
        line, why, record = lines.line + 1, None, {}
        try:
            text = next(lines)
            if not text.strip():
                continue
            record = read(text.rstrip("\r\n"))
        except StopIteration:
            return
        except (RowError, CellError) as error:
            why = str(error)
        except JsonError as error:
            why = f"the line is no JSON: {error}"
        number += 1
        yield Row(
            line=line,
            record=_placed(spec, record, name, line),
            why=why,
            text="".join(lines.taken)[:LONGEST_SHOWN].rstrip("\r\n"),
            behind=Spot(offset=lines.offset, line=lines.line, rows=number),
        )


# Documents


def _numbered(
    spec: FileSpec, found: Iterator[tuple[Value, str | None]], spot: Spot, name: str
) -> Iterator[Row]:
    """Records that have no lines, behind those that were read before."""
    for number, (record, why) in enumerate(found, 1):
        if number <= spot.rows:
            continue
        good = isinstance(record, Mapping)
        placed = _placed(spec, dict(record) if isinstance(record, Mapping) else {}, name, number)
        yield Row(
            line=number,
            record=placed,
            why=why if good else why or "it is no record",
            text="" if why is None else str(record)[:LONGEST_SHOWN],
            behind=Spot(offset=0, line=number, rows=number),
        )


def _of_json(plan: FilePlan, stream: BinaryIO) -> Iterator[tuple[Value, str | None]]:
    stream.seek(0)
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise FileUnusable(
            f"a JSON document has at most {MAX_BYTES:,} bytes; write larger ones as JSON lines"
        )
    try:
        body = read_json(data.removeprefix(b"\xef\xbb\xbf"))
        found = body if plan.items is None else plan.items.call({"body": body})
    except (JsonError, EvaluationError) as error:
        raise FileUnusable(f"it cannot be read: {error}") from error
    for record in found if isinstance(found, list) else [found]:
        yield record, None


def _of_xml(spec: FileSpec, form: XmlSpec, stream: BinaryIO) -> Iterator[tuple[Value, str | None]]:
    stream.seek(0)
    above: list[Element] = []
    try:
        for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
            if event == "start":
                above.append(element)
                _require_shallow(above)
                continue
            above.pop()
            if _local(element.tag) == form.item:
                yield _of_element(spec, element)
                for one in above[-1:]:
                    one.clear()  # what was read is not kept, so that memory does not grow with the file
    except DefusedXmlException as error:
        raise FileUnusable("it has a document type or entities, which are not read") from error
    except (ParseError, ValueError, LookupError) as error:
        raise FileUnusable(f"it is no XML from here on: {error}") from error


def _require_shallow(above: Sequence[Element]) -> None:
    if len(above) > DEEPEST:
        raise FileUnusable(f"its elements are nested deeper than {DEEPEST} levels")


def _of_element(spec: FileSpec, element: Element) -> tuple[Value, str | None]:
    nested = _nested(element)
    record = nested if isinstance(nested, dict) else {"text": nested}
    if not spec.columns:
        return record, None
    made: dict[str, Value] = {}
    try:
        for field, column in spec.columns.items():
            _put(made, str(field), _text(record, str(column.column or field)), column, spec)
    except CellError as error:
        return record, str(error)
    return made, None


def _text(record: Value, path: str) -> str:
    """The text of an inner element; an empty one where there is none."""
    found = record
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if found is not None and not isinstance(found, str):
        raise CellError(f"{path}: there are several, or it has parts")
    return found or ""


def _nested(element: Element) -> Value:
    """An element as a record of its parts and attributes; its text, where it has neither."""
    parts: dict[str, Value] = {_local(name): value for name, value in element.attrib.items()}
    for child in element:
        name, value = _local(child.tag), _nested(child)
        before = parts.get(name)
        if before is None:
            parts[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            parts[name] = [before, value]
    text = (element.text or "").strip()
    return parts or text


def _local(tag: str) -> str:
    """The name of an element or attribute without its namespace."""
    return tag.rpartition("}")[2]
