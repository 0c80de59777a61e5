"""Quick fixes: the changes that the help of a problem speaks of."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from engine.editor.item import Action, Edit
from engine.editor.names import missing_targets
from engine.editor.occurrence import is_target, target_base
from engine.editor.outline import Outline, Site, child, pairs
from engine.editor.view import View
from engine.problems.problem import Problem
from engine.source import Source, Span
from engine.values.type import Record
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.flow import StepDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.node import MapNode, Node

_MEANT = re.compile(r"did you mean (.+)\?")
_NAME = re.compile(r"`([^`]+)`")


def fixes(view: View, source: Source, problems: list[Problem]) -> Iterator[Action]:
    """The changes that mend problems of a file."""
    for problem in problems:
        if problem.span.source.name == source.name and problem.span.source.text == source.text:
            yield from _meant(problem)
            yield from _quoted(problem)
            place = _place_of(view, source, problem)
            mend = _BY_CODE.get(problem.code)
            if place is not None and mend is not None:
                yield from mend(view, *place, problem)


def _place_of(view: View, source: Source, problem: Problem) -> tuple[Outline, Site] | None:
    """The value that a problem is about: the one of its key, or the one that stands at its place."""
    outline = view.outline_at(source, problem.span.start)
    if outline is None:
        return None
    start, found = problem.span.start, outline.root
    for site in outline.sites:
        if (site.key is not None and site.key.start == start) or site.node.start == start:
            found = site
    return outline, found


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


_QUOTED = re.compile(r"""(?:: |write )("[^"]*"|'(?:[^']|'')*')""")


def _quoted(problem: Problem) -> Iterator[Action]:
    """The same text in quotes, where that is what is asked for."""
    source = problem.span.source
    begin, line = source.offset(problem.span.line), source.line(problem.span.line)
    for help_ in problem.help:
        found = _QUOTED.search(help_)
        inner = found[1][1:-1].replace("''", "'") if found is not None else ""
        if found is not None and inner and line.count(inner) == 1:
            start = begin + line.index(inner)
            yield Action(
                title=f"Write {found[1]}",
                edits=(Edit(span=Span(source, start, start + len(inner)), text=found[1]),),
                preferred=True,
                code=problem.code,
            )


def _insertion(node: MapNode, lines: Sequence[str]) -> Edit:
    """New keys behind those that a record has, in its own style."""
    if not node.pairs:
        return Edit(span=Span(node.source, node.start + 1, node.start + 1), text=", ".join(lines))
    key, value = node.pairs[-1]
    end = max(key.end, value.end)
    between = ", " if node.flow else "\n" + " " * (node.pairs[0][0].span.column - 1)
    return Edit(span=Span(node.source, end, end), text="".join(between + line.rstrip() for line in lines))


def _added(node: Node | None, lines: Sequence[str], problem: Problem) -> Iterator[Action]:
    """The offer to add keys to a record."""
    if isinstance(node, MapNode) and lines:
        names = ", ".join(f"`{line.partition(':')[0]}`" for line in lines)
        yield Action(
            title=f"Add {names}", edits=(_insertion(node, lines),), preferred=True, code=problem.code
        )


def _missing_key(view: View, outline: Outline, site: Site, problem: Problem) -> Iterator[Action]:
    """A key that a record needs; with its first choice, where it has choices."""
    found = re.search(r"needs the key `([^`]+)`", problem.message)
    record = (
        outline.root if site.key is not None and site.above is outline.root and site.record is None else site
    )
    if found is None or record.record is None:
        return
    field = view.kinds.fields(record.record).get(found[1])
    choice = field.note.choices[0] if field is not None and field.note.choices else ""
    yield from _added(record.node, [f"{found[1]}: {choice}"], problem)


def _missing_parameters(view: View, outline: Outline, site: Site, problem: Problem) -> Iterator[Action]:
    """The parameters that a read needs, in its `with:`."""
    step = next((one for one in site.upward() if one.record is StepDocument), None)
    names = _NAME.findall(problem.message)[1:]
    if step is None or not names:
        return
    given = child(step.node, "with")
    lines = [f"{name}: {_guess(view, outline, site, name)}".rstrip() for name in names]
    if isinstance(given, MapNode):
        yield from _added(given, lines, problem)
    else:
        yield from _added(step.node, [f"with: {{{', '.join(lines)}}}"], problem)


def _unmapped(view: View, outline: Outline, site: Site, problem: Problem) -> Iterator[Action]:
    """The values that a value map leaves out, refused for the time being."""
    del view, outline
    names = [name for name in _NAME.findall(problem.message) if name != "values"]
    yield from _added(site.node, [f"{name}: unmapped" for name in names], problem)


def _conversion(view: View, outline: Outline, site: Site, problem: Problem) -> Iterator[Action]:
    """`as:`, where a value can become what is wanted."""
    del view, outline
    found = next((one for line in problem.help if (one := re.search(r"add `(as: \w+)`", line))), None)
    if found is None:
        return
    if site.role == "short":
        text = problem.span.source.text[site.node.start : site.node.end]
        edit = Edit(span=site.node.span, text=f"{{path: {text}, {found[1]}}}")
    elif site.above is not None and isinstance(site.above.node, MapNode):
        edit = _insertion(site.above.node, [found[1]])
    else:
        return
    yield Action(title=f"Add `{found[1]}`", edits=(edit,), preferred=True, code=problem.code)


def _missing_fields(view: View, outline: Outline, site: Site, problem: Problem) -> Iterator[Action]:
    """Entries for the required fields that nothing makes."""
    node = child(outline.root.node, "fields")
    inner = next((one for one in outline.sites if is_target(one)), None)
    if outline.cls is not MappingDocument or site.is_of(EntryDocument, "fields") or inner is None:
        return
    missing = missing_targets(target_base(outline, inner, view.facts), {key.text for key, _ in pairs(node)})
    lines = [f"{name}: {_guess(view, outline, inner, name)}".rstrip() for name, _ in missing]
    yield from _added(node, lines, problem)


def _guess(view: View, outline: Outline, site: Site, name: str) -> str:
    """Where a value of this name is, if an input has one; nothing otherwise."""
    scope = view.facts.scope_at(outline, site)
    if scope.type_of(name) is not None:
        return name
    for local, kind in scope.names.items():
        if isinstance(kind, Record) and name in kind.fields:
            return f"{local}.{name}"
    return ""


_BY_CODE: Mapping[str, Callable[[View, Outline, Site, Problem], Iterator[Action]]] = MappingProxyType(
    {
        "TG205": _missing_key,
        "TG404": _unmapped,
        "TG408": _missing_fields,
        "TG409": _conversion,
        "TG411": _missing_parameters,
    }
)
