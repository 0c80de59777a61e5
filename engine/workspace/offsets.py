"""Which character of a file each character of a scalar came from.

It is computed when somebody first asks, which is when there is a problem inside of the scalar.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias, overload

from engine.workspace.node import ScalarNode

# A line of a scalar: what each character became, and from where. An escape is one character.
_Line: TypeAlias = list[tuple[str, int]]


def offsets_of(node: ScalarNode) -> Sequence[int] | None:
    """The offsets of a scalar's characters; None when text and file agree from the scalar's start on."""
    width, length = node.end - node.start, len(node.text)
    if not node.style:
        return None if width == length else ScalarOffsets(node)
    # Neither an escape nor a fold ever makes a text longer: the same length is the same text.
    if node.style in {"'", '"'} and width == length + 2:
        return range(node.start + 1, node.end - 1)
    return ScalarOffsets(node)


class ScalarOffsets(Sequence[int]):
    """The offsets of a scalar that was escaped, folded or indented."""

    __slots__ = ("_found", "_node")

    def __init__(self, node: ScalarNode) -> None:
        """Remember the scalar; nothing is computed yet."""
        self._node = node
        self._found: tuple[int, ...] | None = None

    def _all(self) -> tuple[int, ...]:
        if self._found is None:
            self._found = _compute(self._node)
        return self._found

    def __len__(self) -> int:
        return len(self._node.text)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        return self._all()[index]


def _compute(node: ScalarNode) -> tuple[int, ...]:
    found = list(_block(node) if node.style in {"|", ">"} else _flow(node))
    length, end = len(node.text), max(node.end - 1, node.start)
    # What chomping keeps at the end of a block are the line ends that follow it.
    found.extend(min(node.end + extra, len(node.source.text)) for extra in range(length - len(found)))
    return tuple(found[:length]) or (end,)


def _flow(node: ScalarNode) -> Iterator[int]:
    """Plain and quoted: spaces around a line end go, one line end is a space, more are one less."""
    quoted = 1 if node.style else 0
    lines, continued, ends = _flow_lines(node, node.start + quoted, node.end - quoted)
    previous: int | None = None
    for number, line in enumerate(lines):
        if not line and number not in {0, len(lines) - 1}:
            continue
        if previous is not None:
            breaks = ends[previous:number]
            folded = breaks[1:] if len(breaks) > 1 or continued[previous] else breaks
            yield from folded
        yield from (offset for _, offset in line)
        previous = number


def _flow_lines(node: ScalarNode, start: int, end: int) -> tuple[list[_Line], list[bool], list[int]]:
    """The trimmed lines, which of them end in a backslash, and where each ends."""
    text = node.source.text
    lines: list[_Line] = []
    continued: list[bool] = []
    ends: list[int] = []
    while start <= end:
        line, stop, escaped_end = _units(text, start, end, node.style)
        last = stop >= end
        lines.append(_trim(line, first=not lines, last=last or escaped_end))
        continued.append(escaped_end)
        ends.append(stop)
        start = stop + 1
    return lines, continued, ends


def _units(text: str, start: int, end: int, style: str) -> tuple[_Line, int, bool]:
    """The characters of one line, where it ends, and whether a backslash joins it to the next."""
    line: _Line = []
    while start < end and text[start] != "\n":
        width = 1
        if style == '"' and text[start] == "\\":
            if text[start + 1 : start + 2] == "\n":
                return line, start + 1, True
            width = 2 + _ESCAPE_DIGITS.get(text[start + 1 : start + 2], 0)
        elif style == "'" and text[start : start + 2] == "''":
            width = 2
        line.append((text[start : start + width], start))
        start += width
    return line, start, False


_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}


def _trim(line: _Line, *, first: bool, last: bool) -> _Line:
    start, end = 0, len(line)
    while not first and start < end and line[start][0] in {" ", "\t"}:
        start += 1
    while not last and end > start and line[end - 1][0] in {" ", "\t"}:
        end -= 1
    return line[start:end]


_HEADER = re.compile(r"[|>]([-+]?)([1-9]?)[-+]?[^\n]*\n?")


def _block(node: ScalarNode) -> Iterator[int]:
    """Literal and folded: the indentation goes; a fold is a space between two lines that begin a word."""
    lines = _block_lines(node)
    text = node.source.text
    previous: tuple[int, int] | None = None
    breaks: list[int] = []
    for start, end in lines:
        if start == end:
            breaks.append(end)
            continue
        if previous is None:
            yield from breaks
        else:
            spaced = text[start] in " \t" or text[previous[0]] in " \t"
            all_breaks = [previous[1], *breaks]
            folds = node.style == ">" and not spaced and len(all_breaks) > 1
            yield from all_breaks[1:] if folds else all_breaks
        yield from range(start, end)
        previous, breaks = (start, end), []


def _block_lines(node: ScalarNode) -> list[tuple[int, int]]:
    """The content of each line behind its indentation."""
    text = node.source.text
    header = _HEADER.match(text, node.start)
    begin = header.end() if header else node.start
    raw: list[tuple[int, int]] = []
    while begin < node.end:
        stop = text.find("\n", begin)
        stop = len(text) if stop < 0 else stop
        raw.append((begin, stop))
        begin = stop + 1
    indent = _indentation(text, raw, node)
    return [(min(start + indent, end), end) for start, end in raw]


def _indentation(text: str, lines: Sequence[tuple[int, int]], node: ScalarNode) -> int:
    """That of the first line with a word; with an indicator, what the value itself tells."""
    for start, end in lines:
        line = text[start:end]
        if line.strip(" "):
            content = next((part for part in node.text.split("\n") if part.strip(" ")), "")
            ahead = len(content) - len(content.lstrip(" "))
            return len(line) - len(line.lstrip(" ")) - ahead
    return 0
