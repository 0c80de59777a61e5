"""The playground of `tidegate map --watch`: what a mapping makes of a record, again at each save.

What lives here: one look at the workspace, and how it is shown. What does not: where the record comes from
(:mod:`engine.cli.map`).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from engine.cli import output
from engine.errors import TidegateError
from engine.values.canonical import canonical_bytes
from engine.values.json_text import write_json
from engine.values.value import Value

PAUSE = 0.25  # seconds between two looks at the files
LOOKED_AT = frozenset({".yaml", ".yml", ".csv", ".json"})
_NONE = object()


class Row(NamedTuple):
    """One field of what is made, and what it was."""

    mark: str  # "~" changed, "+" added, "-" removed, " " as it was
    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is shown after a save."""

    rows: tuple[Row, ...] = ()
    problem: str = ""  # why nothing could be made; the rows are then the last that could be
    notes: tuple[str, ...] = ()
    since_save: int = 0  # fields that this save changed

    @property
    def changed(self) -> int:
        """How many fields are otherwise than at the start."""
        return sum(row.mark != " " for row in self.rows)


class Made(NamedTuple):
    """What a mapping makes, and in what the input does not fit."""

    value: Value
    notes: tuple[str, ...]


@dataclass(slots=True)
class Playground:
    """Looks whether files have changed, and makes the record anew when they have."""

    root: Path
    make: Callable[[], Made]  # raises TidegateError
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    _start: Mapping[str, Value] | None = None
    _last: Mapping[str, Value] = field(default_factory=dict)

    def look(self) -> Frame | None:
        """The next frame; None when no file has changed."""
        seen = dict(_files(self.root))
        if seen == self._seen:
            return None
        self._seen = seen
        try:
            made = self.make()
        except TidegateError as error:
            return Frame(rows=tuple(compared(self._start or {}, self._last)), problem=str(error).strip())
        fields = dict(flat(made.value))
        before = fields if self._start is None else self._last
        self._start = fields if self._start is None else self._start
        self._last = fields
        changed = sum(row.mark != " " for row in compared(before, fields))
        return Frame(rows=tuple(compared(self._start, fields)), notes=made.notes, since_save=changed)


def _files(root: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for path in root.rglob("*"):
        if path.suffix not in LOOKED_AT or any(one.startswith(".") for one in path.relative_to(root).parts):
            continue
        try:
            found = path.stat()
        except FileNotFoundError:  # an editor writes a file anew by putting another in its place
            continue
        yield str(path), (found.st_mtime_ns, found.st_size)


def flat(value: Value, place: str = "") -> Iterator[tuple[str, Value]]:
    """Every plain value of a record by its place: `lines[0].amount`."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from flat(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from flat(inner, f"{place}[{number}]")
    else:
        yield place, value


def compared(old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[Row]:
    """Each field, with what it was; what is gone stands where it stood."""
    order = [*new]
    for number, name in enumerate(old):
        if name not in new:
            order.insert(min(number, len(order)), name)
    for name in order:
        before, after = old.get(name, _NONE), new.get(name, _NONE)
        if before is _NONE:
            yield Row("+", name, "", _text(after))
        elif after is _NONE:
            yield Row("-", name, _text(before), "")
        else:
            is_same = canonical_bytes(before) == canonical_bytes(after)  # type: ignore[arg-type]
            texts = _text(before), _text(after)
            if not is_same and texts[0] == texts[1]:  # a text became the number that it looks like
                texts = write_json(before).decode(), write_json(after).decode()
            yield Row(" " if is_same else "~", name, *texts)


def _text(value: object) -> str:
    """A value as it is read best: a text and a day without quotes."""
    text = write_json(value).decode()
    return value if isinstance(value, str) else text.strip('"')


def watch(playground: Playground, title: str, *, is_terminal: bool) -> None:
    """Show frame after frame until stopped."""
    show = _show_on_terminal if is_terminal else _show_lines
    while True:
        frame = playground.look()
        if frame is not None:
            show(title, frame)
        time.sleep(PAUSE)


def _show_lines(title: str, frame: Frame) -> None:
    for line in lines(title, frame):
        output.line(line)
    output.line("")


def lines(title: str, frame: Frame) -> Iterator[str]:
    """A frame as plain text."""
    yield title
    if frame.problem:
        yield from (f"! {line}" for line in frame.problem.splitlines())
    yield from (f"note: {note}" for note in frame.notes)
    width = max((len(row.field) for row in frame.rows), default=0)
    for row in frame.rows:
        said = f"{row.old} → {row.new}" if row.mark == "~" else row.new or row.old
        yield f"{row.mark} {row.field:{width}}  {said}"
    yield _foot(frame)


def _foot(frame: Frame) -> str:
    if frame.problem:
        return "Nothing is made until that is mended; above is what was made last."
    if not frame.changed:
        return "As it was at the start. Ctrl-C ends."
    fields = f"{frame.changed} of {len(frame.rows)} fields are otherwise than at the start"
    return f"{fields}, {frame.since_save} by this save. Ctrl-C ends."


_STYLES = {"~": "yellow", "+": "green", "-": "red", " ": ""}


def _show_on_terminal(title: str, frame: Frame) -> None:
    from rich.console import Console, Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column(width=1)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in frame.rows:
        said = Text(output.clean(row.new), style=_STYLES[row.mark])
        if row.mark in "~-":
            said = Text().append(output.clean(row.old), style="dim strike")
            if row.mark == "~":
                said.append(" → ", style="dim").append(output.clean(row.new), style="yellow")
        table.add_row(Text(row.mark, style=_STYLES[row.mark]), output.clean(row.field), said)
    problem = Text(output.clean(frame.problem))
    parts = [Panel(problem, title="problem", border_style="red")] if frame.problem else []
    notes = [Text(f"note: {output.clean(note)}", style="magenta") for note in frame.notes]
    console.clear()
    console.print(
        Panel(
            Group(*parts, *notes, table),
            title=Text(output.clean(title), style="bold"),
            subtitle=Text(_foot(frame), style="dim"),
            title_align="left",
            subtitle_align="left",
            border_style="red" if frame.problem else "yellow" if frame.changed else "blue",
        )
    )
