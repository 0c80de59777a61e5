"""The keys of the values in tests, and in the fixtures that they name, that are fields of an entity."""

import posixpath
from collections.abc import Iterator

from engine.editor.occurrence import ENTITY, inside
from engine.editor.outline import Outline, Site, child, pairs, test_subject, text_of
from engine.editor.samples import FILE
from engine.editor.symbol import Symbol
from engine.editor.view import View
from engine.problems import Collector
from engine.source import Source, Span
from engine.workspace.files import FileUnreadable
from engine.workspace.kinds.flow_test import ActDocument, ExpectDocument, GivenDocument
from engine.workspace.node import ListNode, MapNode, Node
from engine.workspace.yaml_tree import read_yaml


def sample_keys(view: View, symbol: Symbol) -> Iterator[Span]:
    """The places in tests and fixtures where a value has this field."""
    if symbol.kind != "field":
        return
    path = tuple(symbol.name.split("."))
    for outline in view.index.outlines():
        if outline.kind == "test":
            for node, type_name in _values(view, outline):
                if type_name == symbol.within:
                    yield from _keys(view, node, path)


def _values(view: View, outline: Outline) -> Iterator[tuple[Node | None, str]]:
    """The values of a test, each with the name of its type."""
    flow = view.index.of_kind("flow").get(test_subject(outline)[1])
    event = text_of(child(flow.root.node, "trigger", "event")) if flow else ""
    yield child(outline.root.node, "given", "event", "data"), _event_type(view, event)
    for site in outline.sites:
        stubs = site.is_of(GivenDocument, "stubs") or site.is_of(ActDocument, "given")
        if site.role == "name" and site.key is not None and stubs:
            yield site.node, _stub_type(view, outline, site.key.text)
        elif site.is_of(ActDocument, "data") and site.role == "key" and site.above is not None:
            yield site.node, _event_type(view, text_of(child(site.above.node, "event")))
        elif site.role == "name" and site.key is not None and site.is_of(ExpectDocument, "emits"):
            yield site.node, _event_type(view, site.key.text)
        elif site.role == "item" and site.is_of(GivenDocument, "then"):
            yield _data(site), _event_type(view, text_of(child(site.node, "event")))
        elif site.role == "name" and site.key is not None and site.is_of(ExpectDocument, "steps") and flow:
            kind = view.facts.scope_at(flow, flow.root).type_of(site.key.text)
            yield site.node, getattr(kind, "name", "")


def _data(site: Site) -> Node | None:
    return child(site.node, "data")


def _event_type(view: View, event: str) -> str:
    return str(getattr(view.facts.compilation.event_types.get(event), "name", ""))


def _stub_type(view: View, outline: Outline, stub: str) -> str:
    kind, subject = test_subject(outline)
    if kind != "flow":
        tested = view.index.of_kind(kind).get(subject)
        return text_of(child(tested.root.node, "inputs", stub)) if tested else ""
    connection, _, name = stub.partition(".")
    if connection != ENTITY:
        return ""
    found = view.index.of_kind(ENTITY).get(name)
    return f"canonical/{name}@{found.version}" if found else ""


def _keys(view: View, node: Node | None, path: tuple[str, ...]) -> Iterator[Span]:
    """The keys at the end of a path, in a value and in the fixture that it is made of."""
    if isinstance(node, ListNode):
        for item in node.items:
            yield from _keys(view, item, path)
    if not isinstance(node, MapNode):
        return
    for key, value in pairs(node):
        if key.text == FILE:
            yield from _keys(view, _fixture(view, value), path)
        elif key.text == path[0]:
            if len(path) == 1:
                yield inside(key)
            else:
                yield from _keys(view, value, path[1:])


def _fixture(view: View, node: Node) -> Node | None:
    """The value in a fixture, as a tree."""
    file = text_of(node)
    try:
        text = view.facts.look.workspace.files.read_text(file, beside=node.source)
    except FileUnreadable:
        return None
    name = posixpath.normpath(posixpath.join(posixpath.dirname(node.source.name), file))
    trees = read_yaml(Source(name, text), Collector())
    return trees[0].root if trees else None
