"""The names that an expression may use at its place in a document, by what the document says there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.editor.outline import Outline, Site, child, pairs, text_of
from engine.editor.symbol import Symbol
from engine.source import Span
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.flow import ForEachDocument, StepDocument, UndoDocument, WaitDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.model import EventDocument, SourceDocument
from engine.workspace.kinds.policy import PolicyDocument, UntilDocument
from engine.workspace.node import MapNode, Node, ScalarNode

NOW = "now"
DEFAULT_ITEM = "item"
DEFAULT_EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A name that an expression may use.

    ``what`` is one of input, let, step, event, awaited, item, data, time, answer; ``node`` is what says
    its value: the type of an input, the entry of a `let`, the step, the list of an item.
    """

    name: str
    what: str
    symbol: Symbol | None = None  # None for a name that the language itself gives
    span: Span | None = None  # where it is defined
    node: Node | None = None
    site: Site | None = None  # of an item: the entry or step that goes through the list


def locals_at(outline: Outline, site: Site) -> Mapping[str, Local]:
    """The names that are known at a place, the inner ones hiding the outer."""
    found = {one.name: one for one in _of_document(outline)}
    for around in reversed(list(site.upward())):
        found.update({one.name: one for one in _of_place(outline, around)})
    return found


def document_key(outline: Outline) -> str:
    """What the names of a document lie within: `mapping time-entry-to-time-bill`."""
    return f"{outline.kind} {outline.title}"


def _of_document(outline: Outline) -> Iterator[Local]:
    root = outline.root.node
    if outline.cls in (MappingDocument, PolicyDocument):
        yield from _named(outline, child(root, "inputs"), "input")
        yield from _named(outline, child(root, "let"), "let")
    elif outline.kind == "flow":
        yield from _of_flow(outline, root)
    elif outline.cls is EventDocument:
        yield Local(name="data", what="data", node=child(root, "data"))
    elif outline.kind == "rule":
        subject = child(root, "applies_to")
        yield Local(name=text_of(subject), what="subject", node=subject)
    elif outline.kind == "connector":
        yield from (
            Local(name=name, what="answer") for name in ("status", "header", "body", "payload", "item")
        )


def _named(outline: Outline, node: Node | None, what: str) -> Iterator[Local]:
    for key, value in pairs(node):
        yield Local(
            name=key.text, what=what, symbol=local_symbol(outline, key.text), span=key.span, node=value
        )


def local_symbol(outline: Outline, name: str) -> Symbol:
    """An input or a `let` of a mapping or policy, or the data of the event of a flow."""
    return Symbol("local", document_key(outline), name)


def _of_flow(outline: Outline, root: Node) -> Iterator[Local]:
    yield Local(name=NOW, what="time")
    name = child(root, "trigger", "as")
    called = text_of(name) or DEFAULT_EVENT
    written = isinstance(name, ScalarNode)
    yield Local(
        name=called,
        what="event",
        symbol=local_symbol(outline, called) if written else None,
        span=name.span if name is not None and written else None,
        node=child(root, "trigger", "event"),
    )
    for key, value in pairs(child(root, "steps")):
        yield Local(
            name=key.text,
            what="step",
            symbol=Symbol("step", outline.title, key.text),
            span=key.span,
            node=value,
        )


def _of_place(outline: Outline, site: Site) -> Iterator[Local]:
    """The names that a place adds to those around it."""
    above = site.above
    if site.is_of(EntryDocument, "fields") and site.role == "key" and above is not None:
        if child(above.node, "each") is not None:
            yield _item(outline, above, child(above.node, "as"), child(above.node, "each"))
    elif site.owner is StepDocument and site.role == "key" and above is not None:
        each = child(above.node, "for_each")
        if each is not None and not site.is_of(StepDocument, "for_each"):
            yield _item(outline, above, child(each, "as"), child(each, "in") or each)
    elif site.is_of(ForEachDocument, "key") and above is not None:
        yield _item(outline, above, child(above.node, "as"), child(above.node, "in"))
    elif site.is_of(WaitDocument, "where") or site.is_of(UntilDocument, "where"):
        yield Local(
            name=DEFAULT_EVENT, what="awaited", node=child(above.node, "event") if above is not None else None
        )
    elif site.is_of(UndoDocument, "given"):
        yield from (Local(name=name, what="answer") for name in ("payload", "receipt"))
    elif site.is_of(SourceDocument, "when") and above is not None:
        yield Local(name="data", what="native", node=child(above.node, "from"))


def item_symbol(outline: Outline, site: Site, name: str) -> Symbol:
    """The name of the items that an entry or a step goes through."""
    return Symbol("item", f"{document_key(outline)} {_number(outline, site)}", name)


def _item(outline: Outline, site: Site, name: Node | None, items: Node | None) -> Local:
    called = text_of(name) or DEFAULT_ITEM
    written = isinstance(name, ScalarNode)
    return Local(
        name=called,
        what="item",
        symbol=item_symbol(outline, site, called) if written else None,
        span=name.span if name is not None and written else None,
        node=items if not isinstance(items, MapNode) else None,
        site=site,
    )


def _number(outline: Outline, site: Site) -> int:
    """Which of the values of a document it is: the same as long as the text is."""
    return site.node.start - outline.root.node.start
