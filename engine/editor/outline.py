"""A file as an editor sees it: its documents, and what each value in them is by the description of its kind.

It is made of the YAML tree and not of decoded documents, so that it is there while a document is broken.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.problems import Collector
from engine.source import Source, Span, Text
from engine.spec.field import Described, Document, Raw, TemplateText
from engine.spec.shape import (
    FieldShape,
    ListShape,
    NamedShape,
    PlainShape,
    RecordShape,
    Shape,
    TextShape,
    fields_of,
)
from engine.workspace.kinds.policy import DecideDocument, RowDocument
from engine.workspace.node import ListNode, MapNode, Node, ScalarNode
from engine.workspace.yaml_tree import Tree, read_yaml


class Kinds:
    """The kinds of documents and their keys, each read from its description once."""

    def __init__(self, kinds: Sequence[type[Document]]) -> None:
        """Take the kinds that there are."""
        self.by_name: Mapping[str, type[Document]] = {kind.kind: kind for kind in kinds}
        self._fields: dict[type[Described], Mapping[str, FieldShape]] = {}

    def fields(self, cls: type[Described]) -> Mapping[str, FieldShape]:
        """The keys of a record that are described, by key; not the one that takes all others."""
        found = self._fields.get(cls)
        if found is None:
            found = {one.key: one for one in fields_of(cls) if one.name != cls.extra}
            self._fields[cls] = found
        return found

    def others(self, cls: type[Described]) -> FieldShape | None:
        """The key that takes those that are not described."""
        return next((one for one in fields_of(cls) if one.name == cls.extra), None) if cls.extra else None

    def shorthand(self, cls: type[Described]) -> FieldShape | None:
        """The key that a value which is no record stands for."""
        return next((one for one in self.fields(cls).values() if one.name == cls.shorthand), None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """A value in a document, and what its description says of it.

    ``role`` says what led here: `root`, a described `key`, a `name` that the author chose, an `item` of a
    list, a `short` form of a record, or a `raw` part of a value of which nothing is described.
    """

    node: Node
    role: str
    shape: Shape | None = None
    field: FieldShape | None = None  # the described key that it stands under, at whatever depth
    owner: type[Described] | None = None  # the record that has that key
    key: ScalarNode | None = None
    above: "Site | None" = None

    @property
    def record(self) -> type[Described] | None:
        """The record that is expected here."""
        return self.shape.cls if isinstance(self.shape, RecordShape) else None

    @property
    def text_class(self) -> type[Text] | None:
        """The class of the text that is expected here: a path, a formula, a template, or any text."""
        return self.shape.cls if isinstance(self.shape, TextShape) else None

    def is_of(self, owner: type[Described], *names: str) -> bool:
        """Whether it stands under one of these fields of a record."""
        return self.owner is owner and self.field is not None and self.field.name in names

    def upward(self) -> Iterator["Site"]:
        """This site, and those around it from the inside out."""
        site: Site | None = self
        while site is not None:
            yield site
            site = site.above


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """One document: its kind, its name, and every value in it."""

    kind: str
    name: ScalarNode | None
    cls: type[Document]
    root: Site
    sites: tuple[Site, ...] = field(repr=False)

    @property
    def title(self) -> str:
        """Its name as text; empty when it has none."""
        return self.name.text if self.name is not None else ""

    @property
    def version(self) -> int:
        """Its version; 1 when none can be read."""
        written = child(self.root.node, "version")
        return int(written.text) if isinstance(written, ScalarNode) and written.text.isdecimal() else 1

    @property
    def span(self) -> Span:
        """Its place."""
        return self.root.node.span


def outlines(source: Source, kinds: Kinds) -> tuple[Outline, ...]:
    """The documents of a file that are of a known kind, as far as they can be read."""
    trees = read_yaml(source, Collector())
    return tuple(found for tree in trees if (found := outline(tree, kinds)) is not None)


def outline(tree: Tree, kinds: Kinds) -> Outline | None:
    """One document; None when its kind is unknown."""
    node = tree.root
    if not isinstance(node, MapNode):
        return None
    found = next(((key, value) for key, value in node.pairs if key.text in kinds.by_name), None)
    if found is None:
        return None
    cls = kinds.by_name[found[0].text]
    root = Site(node=node, role="root", shape=RecordShape(cls=cls))
    name = found[1] if isinstance(found[1], ScalarNode) else None
    return Outline(kind=cls.kind, name=name, cls=cls, root=root, sites=tuple(sites_below(root, kinds)))


SENTENCES = ("reason", "note")  # what the columns of a decision table give as templates
MAX_SITES = 200_000


def sites_below(root: Site, kinds: Kinds) -> Iterator[Site]:
    """A site and all inside it, each before its parts."""
    waiting = [root]
    for _ in range(MAX_SITES):
        if not waiting:
            return
        site = waiting.pop()
        yield site
        waiting.extend(reversed(_parts(site, kinds)))


def _parts(site: Site, kinds: Kinds) -> list[Site]:
    shape, node = site.shape, site.node
    if isinstance(shape, RecordShape):
        return _of_record(site, shape.cls, kinds)
    if isinstance(shape, ListShape):
        items = node.items if isinstance(node, ListNode) else [node]
        shapes = _cells(site, len(items)) if site.is_of(RowDocument, "when") else [shape.item] * len(items)
        return [_inner(site, item, "item", one) for item, one in zip(items, shapes, strict=True)]
    if isinstance(shape, NamedShape) and isinstance(node, MapNode):
        return [_inner(site, value, "name", shape.item, key) for key, value in node.pairs]
    if shape is None or isinstance(shape, PlainShape):
        return _raw(site)
    return []


def _cells(site: Site, number: int) -> list[Shape]:
    """What stands in the cells of a row of a decision table: tests, and then what its columns give."""
    table = next((one.node for one in site.upward() if one.record is DecideDocument), None)
    tests = len(pairs(child(table, "by")))
    given = child(table, "gives")
    names = [text_of(item) for item in given.items] if isinstance(given, ListNode) else [text_of(given)]
    sentences = {tests + index for index, name in enumerate(names) if name in SENTENCES}
    return [TextShape(cls=TemplateText) if one in sentences else PlainShape(cls=Raw) for one in range(number)]


def _inner(above: Site, node: Node, role: str, shape: Shape | None, key: ScalarNode | None = None) -> Site:
    """A part that stands under the same described key."""
    return Site(node=node, role=role, shape=shape, field=above.field, owner=above.owner, key=key, above=above)


def _of_record(site: Site, cls: type[Described], kinds: Kinds) -> list[Site]:
    node = site.node
    if not isinstance(node, MapNode):
        short = kinds.shorthand(cls)
        if short is None:
            return []
        return [Site(node=node, role="short", shape=short.shape, field=short, owner=cls, above=site)]
    fields, extra = kinds.fields(cls), kinds.others(cls)
    return [_pair(site, cls, key, value, fields.get(key.text), extra) for key, value in node.pairs]


def _pair(
    site: Site,
    cls: type[Described],
    key: ScalarNode,
    value: Node,
    described: FieldShape | None,
    extra: FieldShape | None,
) -> Site:
    if described is not None:
        return Site(
            node=value, role="key", shape=described.shape, field=described, owner=cls, key=key, above=site
        )
    if extra is not None and isinstance(extra.shape, NamedShape):
        item = extra.shape.item
        return Site(node=value, role="name", shape=item, field=extra, owner=cls, key=key, above=site)
    return Site(node=value, role="raw", key=key, above=site)


def _raw(site: Site) -> list[Site]:
    node = site.node
    if isinstance(node, MapNode):
        return [_inner(site, value, "raw", None, key) for key, value in node.pairs]
    if isinstance(node, ListNode):
        return [_inner(site, item, "raw", None) for item in node.items]
    return []


def child(node: Node | None, *keys: str) -> Node | None:
    """The value that keys lead to, one inside the other; None when there is none."""
    for key in keys:
        if not isinstance(node, MapNode):
            return None
        node = next((value for found, value in node.pairs if found.text == key), None)
    return node


def text_of(node: Node | None) -> str:
    """The text of a scalar; empty for anything else."""
    return node.text if isinstance(node, ScalarNode) else ""


def test_subject(outline: Outline) -> tuple[str, str]:
    """Kind and name of what a test is of; of several flows, the first."""
    for kind in ("flow", "mapping", "policy"):
        found = child(outline.root.node, kind)
        first = found.items[0] if isinstance(found, ListNode) and found.items else found
        if text_of(first):
            return kind, text_of(first)
    return "", ""


def pairs(node: Node | None) -> Sequence[tuple[ScalarNode, Node]]:
    """The keys and values of a record; none of anything else."""
    return node.pairs if isinstance(node, MapNode) else ()
