"""What a manifest says of files that bring records: their form, their columns, and when one is complete."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.source import Text
from engine.spec.field import Described, Duration, PathText, note

ENCODINGS = ("utf-8", "ascii", "latin-1", "iso-8859-15", "windows-1252")
CELL_TYPES = ("string", "integer", "decimal", "boolean", "date", "datetime")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec(Described):
    """A field of a record, and where and how the file writes it. An empty cell leaves the field out."""

    shorthand: ClassVar[str | None] = "type"

    type: Text = note("What it is.", default="string", choices=CELL_TYPES)
    column: Text | None = note(
        "The heading of its column, or the element of XML; the name of the field when left out.", default=None
    )
    start: int | None = note("In files of fixed width, its first character, from 1.", default=None, minimum=1)
    width: int | None = note("In files of fixed width, how many characters.", default=None, minimum=1)
    format: Text | None = note(
        "How a date or an instant is written, as %d.%m.%Y; ISO 8601 when left out.",
        default=None,
        examples=("%d.%m.%Y", "%d/%m/%Y %H:%M"),
    )
    time_zone: Text | None = note(
        "The zone of an instant that names none.", default=None, examples=("Europe/Berlin",)
    )
    true: tuple[Text, ...] = note(
        "The words for true.", default=("true", "yes", "y", "1"), examples=("X",), many=True
    )
    false: tuple[Text, ...] = note("The words for false.", default=("false", "no", "n", "0"), many=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSpec(Described):
    """Rows of cells with something between them."""

    delimiter: Text = note("What stands between cells.", default=",", pattern=".|\t", examples=(";",))
    quote: Text = note("What stands round a cell.", default='"', pattern=".")
    header: bool = note("Whether the first row has the headings; else they are 1, 2, ...", default=True)
    skip_lines: int = note("So many lines before it are passed over.", default=0, minimum=0, maximum=1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSpec(Described):
    """One JSON document, of 16 MB at most."""

    items: PathText | None = note(
        "Where the records are in it (it is `body`); the document itself when left out.", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlSpec(Described):
    """An XML document, read element by element, without entities and without a document type."""

    item: Text = note("The element that is a record, by its name without a prefix.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedWidthSpec(Described):
    """Lines in which every column has its place."""

    skip_lines: int = note("So many lines before them are passed over.", default=0, minimum=0, maximum=1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteSpec(Described):
    """How one knows that a file is complete, and not still being written."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("stable", "marker", "renamed"),)

    stable: Duration | None = note("It has not changed for so long.", default=None)
    marker: Text | None = note(
        "A file of this name stands beside it.", default=None, examples=("{name}.ready",)
    )
    renamed: bool | None = note("Its writer gives it its name when it is complete.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSpec(Described):
    """Files that somebody puts into a folder: which, of what form, and where they go when they were read."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("csv", "json", "json_lines", "xml", "fixed_width"),)

    folder: Text = note(
        "The folder, below that of the connection.", default=".", pattern=r"(?!/)(?!.*\.\.)[^\\]+"
    )
    names: Text = note("Which files: `hours-*.csv`.", default="*", pattern="[^/]+")
    csv: CsvSpec | None = note("Rows of cells.", default=None)
    json: JsonSpec | None = note("One JSON document.", default=None)
    json_lines: bool | None = note("A JSON document a line.", default=None)
    xml: XmlSpec | None = note("An XML document.", default=None)
    fixed_width: FixedWidthSpec | None = note("Lines in which every column has its place.", default=None)
    columns: Mapping[Text, ColumnSpec] = note(
        "The fields of a record; when left out, one of text for each heading.", default={}
    )
    encoding: Text = note("How characters are written.", default="utf-8", choices=ENCODINGS)
    decimal: Text = note("What stands before the fraction of a number.", default=".", choices=(".", ","))
    thousands: Text | None = note(
        "What stands between thousands.", default=None, choices=(".", ",", "'", " ", "\u00a0", "\u202f")
    )
    file_name: Text | None = note("The field that takes the name of the file.", default=None)
    line: Text | None = note("The field that takes the number of the line.", default=None)
    complete: CompleteSpec | None = note(
        "How one knows that a file is complete; unchanged for 5 seconds when left out.", default=None
    )
    every: Duration | None = note("How often the folder is looked into; 1m when left out.", default=None)
    patience: Duration | None = note(
        "How long the folder may be out of reach before somebody is told; 15m when left out.", default=None
    )
    done: Text = note("The folder for files that were read.", default="done", pattern="[^/.][^/]*")
    bad: Text = note(
        "The folder for files with rows that cannot be used, each with a report.",
        default="bad",
        pattern="[^/.][^/]*",
    )
    most_bad: int = note(
        "A file with more bad rows than this is not read further.", default=100, minimum=0, maximum=10_000
    )
