"""What the YAML parser could not read, said to the person who wrote it.

The parser says what it expected; an author wants to know which mark to write. What lives here is the way
from the one to the other; the wording itself is in :mod:`engine.workspace.problems`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.problems import Problem
from engine.source import Source, Span
from engine.workspace import problems
from engine.workspace.node import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    """Where the parser stopped, and what it was reading."""

    source: Source
    at: int
    since: int  # where that which it was reading began
    said: str
    opened: Span | None  # the bracket that is open, when one is

    @property
    def span(self) -> Span:
        """The character at which it stopped; the last one, at the end."""
        end = len(self.source.text.rstrip())
        at = min(self.at, max(end - 1, 0))
        return Span(self.source, at, at + 1)

    @property
    def line_start(self) -> int:
        return self.source.text.rfind("\n", 0, self.at) + 1

    @property
    def line_end(self) -> int:
        end = self.source.text.find("\n", self.at)
        return len(self.source.text) if end < 0 else end

    @property
    def before(self) -> str:
        """The text of the line before the place."""
        return self.source.text[self.line_start : self.at]

    @property
    def after(self) -> str:
        """The text of the line from the place on."""
        return self.source.text[self.at : self.line_end]


def explain_syntax(source: Source, begin: int, error: Exception, open_nodes: Sequence[Container]) -> Problem:
    """The problem that stands for an error of the YAML library, which was given the text from `begin`."""
    problem_mark, context_mark = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    at = begin + (problem_mark.index if problem_mark else 0)
    inner = open_nodes[-1] if open_nodes else None
    stop = _Stop(
        source=source,
        at=at,
        since=begin + context_mark.index if context_mark else at,
        said=str(getattr(error, "problem", None) or "it ends too early"),
        opened=Span(source, inner.start, inner.start + 1) if inner is not None and inner.flow else None,
    )
    return _tab(stop) or _by_words(stop) or problems.unreadable(stop.span, stop.said)


def _tab(stop: _Stop) -> Problem | None:
    line = stop.source.text[stop.line_start : stop.line_end]
    indentation = line[: _indentation(line)]
    if "\t" not in indentation or stop.line_start + len(indentation) < stop.at:
        return None
    start = stop.line_start + indentation.index("\t")
    return problems.tab(Span(stop.source, start, start + 1))


def _by_words(stop: _Stop) -> Problem | None:
    for words, explain in _EXPLAINED:
        if words in stop.said:
            return explain(stop)
    return None


def _colon(stop: _Stop) -> Problem:
    """A second `: ` in one line is part of a text; a first one is the key of a line set in too far."""
    start = _value_start(stop)
    if start > stop.line_start:
        return problems.text_with_colon(stop.span, Span(stop.source, start, stop.line_end))
    begin = stop.line_start + _indentation(stop.before)
    return problems.bad_indentation(Span(stop.source, begin, stop.at), None)


def _value_start(stop: _Stop) -> int:
    """Where the value begins that stands before the place, on the same line; else the line's own start."""
    found = _VALUE_START.search(stop.before)
    return stop.line_start + (found.end() if found else 0)


_VALUE_START = re.compile(r":\s+(?=\S)")
_INNER_START = re.compile(r"(?::\s+|[,{\[]\s*)(?=\S)")


def _in_brackets(stop: _Stop) -> Problem:
    opened = stop.opened or Span(stop.source, stop.since, stop.since + 1)
    character = stop.source.text[opened.start : opened.end]
    if stop.after[:1] in {"]", "}"}:
        return problems.unclosed_bracket(opened, character, stop.span)
    if not re.search(r"[\]}]", stop.after) or _left_the_brackets(stop, opened):
        return problems.unclosed_bracket(opened, character)
    inner = [found.end() for found in _INNER_START.finditer(stop.before)]
    start = stop.line_start + inner[-1] if inner else stop.at
    value = Span(stop.source, start, _expression_end(stop, start))
    if stop.after[:1] == ":":
        return problems.colon_in_brackets(stop.span, value)
    if stop.before.rstrip().endswith(("'", '"')):
        return problems.text_after_quote(stop.span, value)
    return problems.cut_by_bracket(value)


def _left_the_brackets(stop: _Stop, opened: Span) -> bool:
    """Whether a later line stands no further in than the one that opened the bracket: a new key."""
    if opened.source.position(stop.at)[0] == opened.line:
        return False
    return _indentation(stop.before + stop.after) <= _indentation(opened.source.line(opened.line))


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _expression_end(stop: _Stop, start: int) -> int:
    """Where an expression ends that begins at `start`: at a comma or a bracket that is not its own."""
    text, depth, quote = stop.source.text, 0, ""
    for index in range(start, stop.line_end):
        char = text[index]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char in "([{":
            depth += 1
        elif depth and char in ")]}":
            depth -= 1
        elif char in ",]}":
            return start + len(text[start:index].rstrip())
    return stop.line_end


def _expected_key(stop: _Stop) -> Problem:
    """Text behind a value that had ended, or a line that is set in unlike its neighbours."""
    before = stop.before.rstrip()
    start = _value_start(stop)
    value = Span(stop.source, start, stop.line_end)
    if before.endswith(("'", '"')) and start > stop.line_start:
        return problems.text_after_quote(stop.span, value)
    if before.endswith(("]", "}")) and start > stop.line_start:
        return problems.cut_by_bracket(value)
    return _odd_line(stop)


def _odd_line(stop: _Stop) -> Problem:
    """A line that does not fit to those above it, by its column or by its beginning."""
    first, line = Span(stop.source, stop.since, stop.since + 1), stop.after.rstrip()
    span = Span(stop.source, stop.at, stop.at + max(len(line), 1))
    if line.startswith(":"):
        return problems.empty_key(stop.span)
    if line.startswith(("]", "}", ",")):
        return problems.unreadable(stop.span, "nothing is open that this could close or part")
    if first.column == span.column:
        return problems.mixed(span, first)
    return problems.bad_indentation(span, first)


def _expected_colon(stop: _Stop) -> Problem:
    end = stop.source.text.find("\n", stop.since)
    return problems.missing_colon(Span(stop.source, stop.since, len(stop.source.text) if end < 0 else end))


def _unclosed_quote(stop: _Stop) -> Problem:
    return problems.unclosed_quote(Span(stop.source, stop.since, stop.since + 1))


def _escape(stop: _Stop) -> Problem:
    start = max(stop.source.text.rfind("\\", 0, stop.at + 1), 0)
    return problems.bad_escape(Span(stop.source, start, start + 2), stop.source.text[start : start + 2])


def _since(stop: _Stop) -> Problem:
    character = stop.source.text[stop.since : stop.since + 1]
    return problems.reserved_start(Span(stop.source, stop.since, stop.since + 1), character)


def _list_item(stop: _Stop) -> Problem:
    return problems.misplaced_item(stop.span)


def _nothing_there(stop: _Stop) -> Problem:
    if stop.opened is not None and (stop.after.startswith("---") or not stop.source.text[stop.at :].strip()):
        return problems.unclosed_bracket(stop.opened, stop.source.text[stop.opened.start : stop.opened.end])
    if stop.after.startswith(":"):
        return problems.empty_key(stop.span)
    return problems.nothing_there(stop.span)


def _reserved(stop: _Stop) -> Problem:
    return problems.reserved_start(stop.span, stop.source.text[stop.at : stop.at + 1])


def _directive(stop: _Stop) -> Problem:
    return problems.directive(Span(stop.source, stop.line_start, stop.line_end))


def _ended(stop: _Stop) -> Problem:
    return problems.unreadable(stop.span, "the document ends before this; a line `---` begins another")


_Explain: TypeAlias = Callable[[_Stop], Problem]

# The first whose words the library said; the longer ones of a pair stand first.
_EXPLAINED: tuple[tuple[str, _Explain], ...] = (
    ("cannot start any token", _reserved),
    ("mapping keys are not allowed", _reserved),
    ("directive", _directive),
    ("<document start>", _ended),
    ("mapping values are not allowed", _colon),
    ("expected ',' or", _in_brackets),
    ("expected key", _expected_key),
    ("expected '-' indicator", _expected_key),
    ("could not find expected ':'", _expected_colon),
    ("unexpected end of stream", _unclosed_quote),
    ("unexpected document indicator", _unclosed_quote),
    ("escape", _escape),
    ("hexdecimal", _escape),
    ("alphabetic or numeric", _since),
    ("expected comment or line break", _since),
    ("indentation indicator", _since),
    ("block sequence entries are not allowed", _list_item),
    ("expected node content", _nothing_there),
)
