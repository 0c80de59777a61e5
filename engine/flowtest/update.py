"""Expectations written anew from what happened: ranges of text are replaced, and nothing else is touched."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.flowtest.record import key_column
from engine.flowtest.result import Edit, Failure, Result
from engine.flowtest.yaml_text import block, flow
from engine.source import Source, Span
from engine.values.value import Value

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """A file as it would be, and what stays for a person to decide."""

    source: Source
    text: str

    def content(self, before: bytes) -> bytes | None:
        """The file's content, its mark and line ends as they were; None when it was changed meanwhile."""
        mark = _MARK if before.startswith(_MARK) else b""
        plain = before.removeprefix(_MARK).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if plain != self.source.text.encode():
            return None
        found = self.text.encode()
        return mark + (found.replace(b"\n", b"\r\n") if b"\r\n" in before else found)

    def diff(self) -> Iterator[str]:
        """What changes, as a unified diff."""
        before, after = self.source.text.splitlines(), self.text.splitlines()
        name = self.source.name
        yield from difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm="")


def updated(results: Iterable[Result]) -> tuple[list[Updated], list[tuple[Result, Failure]]]:
    """The files with what happened in place of what was expected; and the failures that this does not end."""
    by_source: dict[str, tuple[Source, dict[tuple[int, int], Value]]] = {}
    left: list[tuple[Result, Failure]] = []
    twice: set[tuple[str, int, int]] = set()
    wanted = [(result, failure) for result in results for failure in result.failures]
    for _, failure in wanted:
        for edit in failure.edits:
            _take(edit, by_source, twice)
    for result, failure in wanted:
        if not failure.edits or any(_place(edit) in twice for edit in failure.edits):
            left.append((result, failure))
    files = [
        Updated(source=source, text=_replaced(source, edits, twice)) for source, edits in by_source.values()
    ]
    return [file for file in files if file.text != file.source.text], left


def _place(edit: Edit) -> tuple[str, int, int]:
    return edit.span.source.name, edit.span.start, edit.span.end


def _take(
    edit: Edit,
    by_source: dict[str, tuple[Source, dict[tuple[int, int], Value]]],
    twice: set[tuple[str, int, int]],
) -> None:
    """Note an edit; a place for which examples want different things is left alone."""
    source = edit.span.source
    _, edits = by_source.setdefault(source.name, (source, {}))
    key = (edit.span.start, edit.span.end)
    if key in edits and edits[key] != edit.value:
        twice.add(_place(edit))
    edits[key] = edit.value


def _replaced(
    source: Source, edits: Mapping[tuple[int, int], Value], twice: set[tuple[str, int, int]]
) -> str:
    text, last = source.text, len(source.text) + 1
    # From the end, so that places before stay where they are. The outer of two that overlap wins.
    ordered = sorted(edits, key=lambda key: (-key[1], key[0]))
    for start, end in ordered:
        if end > last or (source.name, start, end) in twice:
            continue
        old = text[start:end]
        kept = _end(old)
        new = _written(source, start, old[:kept], edits[start, end])
        before = text[:start].rstrip(" ") if new.startswith("\n") else text[:start]
        text = before + new + text[start + kept :]
        last = start
    return text


def _end(old: str) -> int:
    """Where a value really ends: a block of lines may be followed by empty lines and comments."""
    lines = old.split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return len("\n".join(lines).rstrip())


def _written(source: Source, start: int, old: str, value: Value) -> str:
    """The value as it is written there: a record of several lines stays one."""
    column = key_column(Span(source, start, start)) if old == "{}" else None
    if column is not None and isinstance(value, Mapping):
        lines = [line for key, item in value.items() for line in block(str(key), item, column + 2)]
        return "\n" + "\n".join(lines)
    if "\n" in old and isinstance(value, Mapping) and value and not old.startswith(("{", "[")):
        column = Span(source, start, start).column - 1
        lines = [line for key, item in value.items() for line in block(str(key), item, column)]
        return "\n".join(lines).lstrip()
    if old.startswith(("'", '"')) and isinstance(value, str):
        return flow(value) if flow(value).startswith('"') else f'"{value}"'
    return flow(value)
