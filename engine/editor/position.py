"""Places as an editor counts them: lines and columns from 0, columns in the units that were agreed upon.

Most editors count UTF-16 units: a character beyond the basic plane, such as an emoji, is two of them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from engine.source import Source, Span

Width: TypeAlias = Callable[[str], int]
"""How many units a character is."""


def utf16(character: str) -> int:
    """In UTF-16, which is what holds when nothing was agreed upon."""
    return 2 if ord(character) > 0xFFFF else 1


def utf8(character: str) -> int:
    """In UTF-8."""
    return len(character.encode("utf-8", "surrogatepass"))


def utf32(character: str) -> int:
    """In characters."""
    del character
    return 1


WIDTHS: Mapping[str, Width] = MappingProxyType({"utf-8": utf8, "utf-16": utf16, "utf-32": utf32})


class Position(NamedTuple):
    """A place between two characters."""

    line: int
    character: int


def position_of(source: Source, offset: int, width: Width = utf16) -> Position:
    """The place of a character offset."""
    line, column = source.position(offset)
    before = source.line(line)[: column - 1]
    return Position(line - 1, len(before) if before.isascii() else sum(map(width, before)))


def offset_of(source: Source, line: int, character: int, width: Width = utf16) -> int:
    """The character offset of a place; the nearest one for a place that there is not."""
    if line < 0:
        return 0
    start, text = source.offset(line + 1), source.line(line + 1)
    if text.isascii():
        return start + max(0, min(character, len(text)))
    left = character
    for index, one in enumerate(text):
        if left <= 0:
            return start + index
        left -= width(one)
    return start + len(text)


def range_of(span: Span, width: Width = utf16) -> tuple[Position, Position]:
    """Where a span begins and ends."""
    return position_of(span.source, span.start, width), position_of(span.source, span.end, width)
