"""The lines of a file: where each begins, decoded one by one, never more than a bounded part in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

LONGEST_ROW = 1024 * 1024  # bytes of one row, with all of its lines
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class FileUnusable(Exception):
    """A file of which no row can be read; the message is a sentence."""


class RowError(ValueError):
    """A row that cannot be read; the next may well be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place between two rows, from which one can go on."""

    offset: int = 0  # in bytes
    line: int = 0  # how many lines lie before it
    rows: int = 0  # how many rows


class Lines:
    """The lines of a file from a place on; knows where it is, and can go back."""

    def __init__(self, stream: BinaryIO, encoding: str, spot: Spot) -> None:
        """Begin at a place; at the beginning of a file a mark of its encoding is passed over.

        Raises:
            FileUnusable: for a file of two bytes a character.

        """
        self._stream = stream
        self._encoding = encoding
        self.offset, self.line = spot.offset, spot.line
        self.taken: list[str] = []  # the lines of the row that is being read
        self._size = 0
        stream.seek(0)
        start = stream.read(3)
        if start.startswith(_WIDE):
            raise FileUnusable("the file is written in UTF-16; save it as UTF-8")
        if not spot.offset and start == _BOM and encoding == "utf-8":
            self.offset = len(_BOM)
        stream.seek(self.offset)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line, with its end.

        Raises:
            RowError: when it is too long, or not written as the file says.

        """
        data = self._stream.readline(LONGEST_ROW + 1)
        if not data:
            raise StopIteration
        self.offset += len(data)
        self.line += 1
        self._size += len(data)
        if self._size > LONGEST_ROW:
            self._pass_over(data)
            raise RowError(f"the row has more than {LONGEST_ROW:,} bytes")
        try:
            text = data.decode(self._encoding)
        except UnicodeDecodeError as error:
            self.taken.append(data.decode(self._encoding, "replace"))
            raise RowError(f"byte {error.start + 1} of the line is no {self._encoding}") from error
        self.taken.append(text)
        return text

    def _pass_over(self, data: bytes) -> None:
        """Go to the end of a line that is longer than a row may be."""
        self.taken.append(data[:200].decode(self._encoding, "replace"))
        while data and not data.endswith(b"\n"):
            data = self._stream.readline(LONGEST_ROW)
            self.offset += len(data)

    def begin_row(self) -> None:
        """The next line begins a row."""
        self.taken.clear()
        self._size = 0

    def go_back(self, offset: int, line: int) -> None:
        """Read on from a place before."""
        self.offset, self.line = offset, line
        self._stream.seek(offset)
        self.begin_row()
