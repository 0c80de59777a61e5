"""Problems for a person at a terminal: the line, a caret under what is wrong, and what to write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap

from engine.problems.collector import Report
from engine.problems.problem import Label, Problem, Severity
from engine.problems.render.columns import safe, shown, width
from engine.source import Span

LONGEST_LINE = 160
"""Longer lines are cut around the caret."""

_STYLES: Mapping[str, str] = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "frame": "\x1b[34m",
    "bold": "\x1b[1m",
    "context": "\x1b[1;34m",
}
_RESET = "\x1b[0m"


NARROWEST = 40
"""A terminal with fewer columns is written to as if it had so many."""


def render_text(report: Report, *, color: bool = False, columns: int | None = None) -> str:
    """All problems, one below the other, and how many there are; nothing when there are none.

    With ``columns``, no sentence is longer than that, and lines of documents are cut around the caret.
    """
    paint = _Paint(color=color, columns=None if columns is None else max(columns, NARROWEST))
    parts = ["\n".join(_problem(problem, paint)) for problem in report.problems]
    if parts:
        parts.append(_summary(report))
    return "".join(f"{part}\n\n" for part in parts[:-1]) + "".join(f"{part}\n" for part in parts[-1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paint:
    color: bool
    columns: int | None

    def wrapped(self, head: str, text: str, behind: int) -> Iterator[str]:
        """A sentence behind its head, which takes so many columns, on as many lines as it needs."""
        if self.columns is None:
            yield f"{head}{text}"
            return
        room = max(self.columns - behind, NARROWEST // 2)
        first, *more = wrap(text, room, break_on_hyphens=False) or [""]
        yield f"{head}{first}"
        yield from (f"{' ' * behind}{line}" for line in more)

    def longest(self, margin: int) -> int:
        """How much of a line is shown."""
        return LONGEST_LINE if self.columns is None else min(LONGEST_LINE, self.columns - margin - 5)

    def __call__(self, style: str, text: str) -> str:
        return f"{_STYLES[style]}{text}{_RESET}" if self.color and text else text


def _problem(problem: Problem, paint: _Paint) -> Iterator[str]:
    severity = str(problem.severity)
    title = f"{problem.code} {severity}: "
    for number, line in enumerate(paint.wrapped("", f"{title}{shown(problem.message)}", 0)):
        head, text = (paint(severity, title[:-2]) + ": ", line[len(title) :]) if number == 0 else ("", line)
        yield head + paint("bold", text)
    primary = Label(span=problem.span, text=problem.label)
    margin = len(str(max(label.span.line for label in (primary, *problem.context))))
    yield from _snippets(primary, problem.context, severity, paint, margin)
    bar = f"{' ' * margin} {paint('frame', '=')}"
    for line in problem.help:
        yield from paint.wrapped(f"{bar} {paint('bold', 'help')}: ", shown(line), margin + 9)
    yield f"{bar} tidegate explain {problem.code}"


def _snippets(
    primary: Label, context: tuple[Label, ...], severity: str, paint: _Paint, margin: int
) -> Iterator[str]:
    """The places, each with its line and a mark under it; those on the line of the first share it."""
    yield f"{' ' * margin} {paint('frame', '-->')} {_place(primary.span)}"
    if not primary.span.source.text:
        return
    longest = paint.longest(margin)
    shared = [label for label in context if _same_line(label.span, primary.span, longest)]
    bar = f"{' ' * margin} {paint('frame', '|')}"
    yield bar
    yield _line(primary.span, margin, paint)
    yield from _mark(bar, primary, ("^", severity), margin, paint)
    for label in shared:
        yield from _mark(bar, label, ("-", "context"), margin, paint)
    for label in context:
        if label not in shared:
            elsewhere = label.span.source is not primary.span.source
            yield f"{' ' * margin} {paint('frame', ':::')} {_place(label.span)}" if elsewhere else bar
            yield _line(label.span, margin, paint)
            yield from _mark(bar, label, ("-", "context"), margin, paint)
    if primary.text or context:
        yield bar


def _same_line(one: Span, other: Span, longest: int) -> bool:
    return one.source is other.source and one.line == other.line and len(one.source.line(one.line)) <= longest


def _place(span: Span) -> str:
    """The file with line and column; a file of which no text was read has only a name."""
    name = safe(span.source.name)
    return f"{name}:{span.line}:{span.column}" if span.source.text else name


def _line(span: Span, margin: int, paint: _Paint) -> str:
    line = _window(span, paint.longest(margin))[0]
    return f"{paint('frame', f'{span.line:>{margin}} |')} {shown(line)}".rstrip()


def _mark(bar: str, label: Label, style: tuple[str, str], margin: int, paint: _Paint) -> Iterator[str]:
    """The caret with what is said beside it, or below it where the terminal is too narrow."""
    line, start, end = _window(label.span, paint.longest(margin))
    behind = width(line[:start])
    caret = style[0] * max(width(line[start:end]), 1)
    said = shown(label.text)
    room = None if paint.columns is None else paint.columns - margin - 4 - behind - len(caret)
    if not said or room is None or width(said) <= room:
        yield f"{bar} {' ' * behind}{paint(style[1], f'{caret} {said}'.rstrip())}"
        return
    yield f"{bar} {' ' * behind}{paint(style[1], caret)}"
    for text in paint.wrapped("", said, margin + 4):
        yield f"{bar}  {paint(style[1], text.strip())}"


def _window(span: Span, longest: int) -> tuple[str, int, int]:
    """The line, cut around the span when it is long, and the span's first and last column in it."""
    line = span.source.line(span.line)
    start = min(span.column - 1, len(line))
    end = min(start + max(span.end - span.start, 1), max(len(line), start + 1))
    if len(line) <= longest:
        return line, start, end
    first = max(0, min(start - longest // 3, len(line) - longest))
    last = min(len(line), first + longest)
    before, after = "…" if first else "", "…" if last < len(line) else ""
    moved = len(before) - first
    return f"{before}{line[first:last]}{after}", start + moved, min(end, last) + moved


def _summary(report: Report) -> str:
    counts = [_counted(report.errors, Severity.ERROR), _counted(report.warnings, Severity.WARNING)]
    found = " and ".join(count for count in counts if count)
    more = f"; {report.more:,} of them are not shown" if report.more else ""
    return f"Found {found}{more}."


def _counted(number: int, severity: Severity) -> str:
    return f"{number:,} {severity}{'' if number == 1 else 's'}" if number else ""
