"""Quick fixes: the changes that the help of a problem speaks of."""

import re
from collections.abc import Iterator

from engine.editor.item import Action, Edit
from engine.editor.names import missing_targets
from engine.editor.occurrence import target_base
from engine.editor.outline import Outline, Site, child, pairs
from engine.editor.view import View
from engine.problems.problem import Problem
from engine.source import Source, Span
from engine.values.type import Record
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.node import MapNode

_MEANT = re.compile(r"did you mean (.+)\?")
_NAME = re.compile(r"`([^`]+)`")
_INSTEAD = re.compile(r"(?:quote this expression(?: or text| as a whole)?: |write )`?(.+?)`?(?:, or .*)?$")


def fixes(view: View, source: Source, problems: list[Problem]) -> Iterator[Action]:
    """The changes that mend problems of a file."""
    for problem in problems:
        if problem.span.source.name == source.name and problem.span.source.text == source.text:
            yield from _meant(problem)
            yield from _quoted(problem)
            if problem.code == "TG408":
                yield from _missing_fields(view, source, problem)


def _meant(problem: Problem) -> Iterator[Action]:
    """One of the names that the author may have meant."""
    for line in problem.help:
        found = _MEANT.search(line)
        names = _NAME.findall(found[1]) if found else []
        for name in names:
            yield Action(
                title=f"Change to `{name}`",
                edits=(Edit(span=_bare(problem.span), text=name),),
                preferred=len(names) == 1,
                code=problem.code,
            )


def _bare(span: Span) -> Span:
    """A span without the quotes that it begins and ends with."""
    text = span.source.text[span.start : span.end]
    quoted = len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]
    return Span(span.source, span.start + 1, span.end - 1) if quoted else span


def _quoted(problem: Problem) -> Iterator[Action]:
    """The same text in quotes, where that is what is asked for."""
    written = problem.span.source.text[problem.span.start : problem.span.end]
    for line in problem.help:
        found = _INSTEAD.match(line)
        if found is None:
            continue
        wanted = found[1]
        if wanted[:1] in {'"', "'"} and wanted[1:-1].replace("''", "'") == written:
            yield Action(
                title=f"Write {wanted}",
                edits=(Edit(span=problem.span, text=wanted),),
                preferred=True,
                code=problem.code,
            )


def _missing_fields(view: View, source: Source, problem: Problem) -> Iterator[Action]:
    """Entries for the required fields that nothing makes."""
    outline = view.outline_at(source, problem.span.start)
    if outline is None or outline.cls is not MappingDocument:
        return
    node = child(outline.root.node, "fields")
    site = next((one for one in outline.sites if one.node is node and one.role == "key"), None)
    if not isinstance(node, MapNode) or not node.pairs or site is None:
        return
    inner = next((one for one in outline.sites if one.above is site and one.role == "name"), None)
    if inner is None:
        return
    missing = missing_targets(target_base(outline, inner, view.facts), {key.text for key, _ in pairs(node)})
    lines = [f"{name}: {_guess(view, outline, inner, name)}".rstrip() for name, _ in missing]
    if lines:
        first, last = node.pairs[0][0], node.pairs[-1]
        end = max(last[0].end, last[1].end)
        between = ", " if node.flow else "\n" + " " * (first.span.column - 1)
        names = ", ".join(f"`{name}`" for name, _ in missing)
        yield Action(
            title=f"Add {names}",
            edits=(Edit(span=Span(source, end, end), text="".join(between + line for line in lines)),),
            preferred=True,
            code=problem.code,
        )


def _guess(view: View, outline: Outline, site: Site, name: str) -> str:
    """Where a value of this name is, if an input has one; nothing otherwise."""
    scope = view.facts.scope_at(outline, site)
    if scope.type_of(name) is not None:
        return name
    for local, kind in scope.names.items():
        if isinstance(kind, Record) and name in kind.fields:
            return f"{local}.{name}"
    return ""
