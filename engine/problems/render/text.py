"""Problems for a person at a terminal: the line, a caret under what is wrong, and what to write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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


def render_text(report: Report, *, color: bool = False) -> str:
    """All problems, one below the other, and how many there are; nothing when there are none."""
    paint = _Paint(color=color)
    parts = ["\n".join(_problem(problem, paint)) for problem in report.problems]
    if parts:
        parts.append(_summary(report))
    return "".join(f"{part}\n\n" for part in parts[:-1]) + "".join(f"{part}\n" for part in parts[-1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paint:
    color: bool

    def __call__(self, style: str, text: str) -> str:
        return f"{_STYLES[style]}{text}{_RESET}" if self.color and text else text


def _problem(problem: Problem, paint: _Paint) -> Iterator[str]:
    severity = str(problem.severity)
    yield f"{paint(severity, f'{problem.code} {severity}')}: {paint('bold', shown(problem.message))}"
    primary = Label(span=problem.span, text=problem.label)
    margin = len(str(max(label.span.line for label in (primary, *problem.context))))
    yield from _snippets(primary, problem.context, severity, paint, margin)
    bar = f"{' ' * margin} {paint('frame', '=')}"
    for line in problem.help:
        yield f"{bar} {paint('bold', 'help')}: {shown(line)}"
    yield f"{bar} tidegate explain {problem.code}"


def _snippets(
    primary: Label, context: tuple[Label, ...], severity: str, paint: _Paint, margin: int
) -> Iterator[str]:
    """The places, each with its line and a mark under it; those on the line of the first share it."""
    yield f"{' ' * margin} {paint('frame', '-->')} {_place(primary.span)}"
    if not primary.span.source.text:
        return
    shared = [label for label in context if _same_line(label.span, primary.span)]
    bar = f"{' ' * margin} {paint('frame', '|')}"
    yield bar
    yield _line(primary.span, margin, paint)
    yield f"{bar} {_mark(primary, '^', severity, paint)}"
    for label in shared:
        yield f"{bar} {_mark(label, '-', 'context', paint)}"
    for label in context:
        if label not in shared:
            elsewhere = label.span.source is not primary.span.source
            yield f"{' ' * margin} {paint('frame', ':::')} {_place(label.span)}" if elsewhere else bar
            yield _line(label.span, margin, paint)
            yield f"{bar} {_mark(label, '-', 'context', paint)}"
    if primary.text or context:
        yield bar


def _same_line(one: Span, other: Span) -> bool:
    return (
        one.source is other.source
        and one.line == other.line
        and len(one.source.line(one.line)) <= LONGEST_LINE
    )


def _place(span: Span) -> str:
    """The file with line and column; a file of which no text was read has only a name."""
    name = safe(span.source.name)
    return f"{name}:{span.line}:{span.column}" if span.source.text else name


def _line(span: Span, margin: int, paint: _Paint) -> str:
    return f"{paint('frame', f'{span.line:>{margin}} |')} {shown(_window(span)[0])}".rstrip()


def _mark(label: Label, mark: str, style: str, paint: _Paint) -> str:
    line, start, end = _window(label.span)
    caret = mark * max(width(line[start:end]), 1)
    said = f" {shown(label.text)}" if label.text else ""
    return f"{' ' * width(line[:start])}{paint(style, caret + said)}"


def _window(span: Span) -> tuple[str, int, int]:
    """The line, cut around the span when it is long, and the span's first and last column in it."""
    line = span.source.line(span.line)
    start = min(span.column - 1, len(line))
    end = min(start + max(span.end - span.start, 1), max(len(line), start + 1))
    if len(line) <= LONGEST_LINE:
        return line, start, end
    first = max(0, min(start - LONGEST_LINE // 3, len(line) - LONGEST_LINE))
    last = min(len(line), first + LONGEST_LINE)
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
