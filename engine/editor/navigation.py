"""From a name to where it is defined and to everywhere that it is used; what a file or workspace holds."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from engine.connect.connector_plan import type_name
from engine.connect.connector_spec import ConnectorSpec
from engine.editor.occurrence import Occurrence, inside, is_target, of_expression, targets
from engine.editor.outline import Outline, child, pairs, text_of
from engine.editor.reading import LANGUAGES
from engine.editor.symbol import Symbol
from engine.editor.view import View
from engine.problems import Collector
from engine.source import Source, Span
from engine.workspace.files import FileUnreadable
from engine.workspace.node import MapNode, Node, ScalarNode
from engine.workspace.yaml_tree import read_yaml


def occurrences_at(view: View, source: Source, offset: int) -> list[Occurrence]:
    """What is named at a place, the smallest first."""
    found = [one for one in view.file(source).written if _holds(one.span, offset)]
    place = view.site_at(source, offset)
    if place is not None:
        outline, site, in_key = place
        if not in_key and site.text_class in LANGUAGES and isinstance(site.node, ScalarNode):
            found += [one for one in of_expression(outline, site, view.facts) if _holds(one.span, offset)]
        elif in_key and is_target(site):
            found += [one for one in targets(outline, site, view.facts) if _holds(one.span, offset)]
    return sorted(found, key=lambda one: one.span.end - one.span.start)


def _holds(span: Span, offset: int) -> bool:
    return span.start <= offset <= span.end


def definitions(view: View, source: Source, offset: int) -> list[Span]:
    """Where what is named at a place is defined."""
    for one in occurrences_at(view, source, offset):
        found = [other.span for other in view.index.definitions(one.symbol, one.version)]
        found = found or list(_in_schema(view, one.symbol))
        if found:
            return found
    return []


def references(view: View, source: Source, offset: int, *, declaration: bool) -> list[Span]:
    """Everywhere that what is named at a place is named."""
    found = occurrences_at(view, source, offset)
    if not found:
        return []
    everywhere = view.index.occurrences(found[0].symbol, view.facts)
    return [one.span for one in everywhere if declaration or not one.defines]


def _in_schema(view: View, symbol: Symbol) -> Iterator[Span]:
    """The place of a record of a connector, or of a field of one, in its JSON Schema."""
    if symbol.kind == "record":
        wanted, path = f"{symbol.within}/{symbol.name}", ""
    elif symbol.kind == "field":
        wanted, path = symbol.within, symbol.name
    else:
        return
    spec = view.facts.look.workspace.of(ConnectorSpec).get(wanted.partition("/")[0])
    if spec is None:
        return
    for file in _schema_files(spec):
        name = type_name(spec, file)
        if name == wanted or (not path and name.partition("@")[0] == wanted):
            yield from _field_in_schema(view, spec, file, path)
            return


def _schema_files(spec: ConnectorSpec) -> Iterator[str]:
    for operation in spec.operations.values():
        yield from (str(file) for file in (operation.input, operation.output) if file is not None)
    yield from (str(source.output) for source in spec.sources.values())


def _field_in_schema(view: View, spec: ConnectorSpec, file: str, path: str) -> Iterator[Span]:
    beside = spec.connector.span.source
    try:
        text = view.facts.look.workspace.files.read_text(file, beside=beside)
    except FileUnreadable:
        return
    name = posixpath.normpath(posixpath.join(posixpath.dirname(beside.name), file))
    trees = read_yaml(Source(name, text), Collector())
    root = trees[0].root if trees else None
    node, key = root, None
    for part in path.split(".") if path else ():
        key, node = _property(root, node, part)
    if key is not None:
        yield inside(key)
    elif root is not None:
        yield Span(root.source, root.start, root.start + 1)


def _property(root: Node | None, node: Node | None, name: str) -> tuple[ScalarNode | None, Node | None]:
    """A property of an object that a schema describes, through lists, references and alternatives."""
    for candidate in _described(root, node, 0):
        for key, value in pairs(child(candidate, "properties")):
            if key.text == name:
                return key, value
    return None, None


def _described(root: Node | None, node: Node | None, depth: int) -> Iterator[Node]:
    if node is None or depth > 8:
        return
    yield node
    reference = text_of(child(node, "$ref"))
    if reference.startswith("#/"):
        yield from _described(root, child(root, *reference[2:].split("/")), depth + 1)
    yield from _described(root, child(node, "items"), depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        for item in getattr(child(node, key), "items", ()):
            yield from _described(root, item, depth + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something in the outline of a file."""

    name: str
    what: str
    detail: str
    span: Span  # of the whole
    name_span: Span
    parts: "tuple[Entry, ...]" = ()
    within: str = ""


_PARTS = ("inputs", "let", "steps", "fields", "operations", "sources", "key", "columns")
_CALLED = {"steps": "step", "operations": "operation", "sources": "source", "inputs": "input", "let": "let"}


def document_entries(view: View, source: Source) -> tuple[Entry, ...]:
    """The documents of a file with their parts."""
    return tuple(_entry(outline) for outline in view.file(source).outlines if outline.name is not None)


def _entry(outline: Outline) -> Entry:
    assert outline.name is not None
    parts = [
        Entry(
            name=key.text,
            what=_CALLED.get(section, "field"),
            detail=_detail(value),
            span=Span(key.source, key.start, max(key.end, value.end)),
            name_span=key.span,
            within=outline.title,
        )
        for section in _PARTS
        for key, value in pairs(child(outline.root.node, section))
    ]
    about = text_of(child(outline.root.node, "about"))
    return Entry(
        name=outline.title,
        what=outline.kind,
        detail=about,
        span=outline.span,
        name_span=outline.name.span,
        parts=tuple(parts),
    )


def _detail(node: Node) -> str:
    if isinstance(node, MapNode) and node.pairs:
        key, value = node.pairs[0]
        return f"{key.text} {text_of(value)}".strip()
    return text_of(node)


def workspace_entries(view: View, query: str) -> Iterator[Entry]:
    """The documents, steps and operations whose name holds the letters of a query."""
    wanted = query.casefold()
    for outline in view.index.outlines():
        if outline.name is None:
            continue
        entry = _entry(outline)
        shown = (entry, *(part for part in entry.parts if part.what in ("step", "operation", "source")))
        yield from (one for one in shown if wanted in one.name.casefold())
