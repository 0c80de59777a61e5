"""Text that someone wrote, and places in it.

What lives here: :class:`Source` (a file's text), :class:`Span` (a range of it) and
:class:`Text` (a string that remembers where it was written). What does not: reading files,
parsing, and messages.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Self


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The text of one file, with a name to show a person.

    Lines and columns count from 1, columns in characters.
    """

    name: str
    text: str
    _found: "list[array[int]]" = field(init=False, repr=False, default_factory=list)

    @property
    def _starts(self) -> "array[int]":
        """Where each line begins; found when first asked for, which is when there is a problem."""
        if not self._found:
            lengths = (len(line) + 1 for line in self.text.split("\n")[:-1])
            self._found.append(array("I", accumulate(lengths, initial=0)))
        return self._found[0]

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of a character offset (0 to len(text))."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, number: int) -> int:
        """The character offset at which line `number` begins; that of the end, past the end."""
        return self._starts[number - 1] if number <= len(self._starts) else len(self.text)

    def line(self, number: int) -> str:
        """The text of line `number`, without its line end; empty past the end."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


@dataclass(slots=True, unsafe_hash=True)
class Span:
    """The half-open range [start, end) of a source, in characters.

    Treated as immutable. It is not frozen, since there is one for every word of a workspace, and that would
    treble the time of making it.
    """

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """The line on which the range begins, from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column at which the range begins, from 1."""
        return self.source.position(self.start)[1]

    def within(self, start: int, end: int) -> Self:
        """The part [start, end) of this range, counted from its own beginning and kept inside it."""
        first = min(self.start + start, self.end)
        return type(self)(self.source, first, max(first, min(self.start + end, self.end)))


class Text(str):
    """A string as written in a document: a plain `str` that knows its place.

    ``offsets`` maps a character of the value to a character of the file, so that a mistake inside
    an embedded expression is shown at its true line and column even when the YAML scalar was
    quoted, folded or indented. ``None`` means that value and file agree character by character. Any
    sequence will do: one that computes itself when first asked costs nothing where nothing is wrong.
    """

    __slots__ = ("offsets", "span")

    span: Span
    offsets: Sequence[int] | None

    def __new__(cls, value: str, span: Span, offsets: Sequence[int] | None = None) -> Self:
        """Attach a place to a string."""
        self = str.__new__(cls, value)
        self.span = span
        self.offsets = offsets
        return self

    def at(self, start: int, end: int | None = None) -> Span:
        """The place in the file of the characters [start, end) of this value."""
        end = start + 1 if end is None else end
        if self.offsets is None:
            return self.span.within(start, end)
        if not self.offsets:
            return self.span
        last = len(self.offsets) - 1
        first = self.offsets[min(start, last)]
        stop = self.offsets[min(max(start, end - 1), last)] + 1
        return Span(self.span.source, first, max(first, stop))
