"""Rows of files that cannot be used: as the ledger keeps them, and as a report for those who mend them."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.ledger import LedgerReader
from engine.values.json_text import read_json
from engine.values.value import Value

# A spreadsheet takes a cell that begins so for a formula, and works it out.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A row that cannot be used."""

    line: int
    why: str
    text: str

    def mark(self, content: str) -> tuple[str, Value]:
        """The row as the ledger keeps it, under the hash of its file."""
        return f"bad {content} {self.line:012d}", {"line": self.line, "why": self.why, "row": self.text}


def read_bad(reader: LedgerReader, source: str, content: str) -> Iterator[Bad]:
    """The bad rows of a file, in their order."""
    for mark in reader.marks(source, f"bad {content} "):
        said = read_json(mark.value)
        assert isinstance(said, Mapping)
        yield Bad(line=int(str(said["line"])), why=str(said["why"]), text=str(said["row"]))


def report(why: str | None, bad: Iterable[Bad]) -> bytes:
    """A CSV file of lines and reasons, safe to be opened in a spreadsheet."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["line", "reason", "row"])
    if why is not None:
        writer.writerow(["", _harmless(why), ""])
    writer.writerows([one.line, _harmless(one.why), _harmless(one.text)] for one in bad)
    return written.getvalue().encode()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text
