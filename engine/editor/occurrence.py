"""Where a document names something, and where something gets its name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.connect.connector_spec import ConnectorSpec
from engine.editor.facts import Facts
from engine.editor.locals import Local, item_symbol, local_symbol, locals_at
from engine.editor.outline import Outline, Site, child, test_subject, text_of
from engine.editor.reading import LANGUAGES, Reading, readings
from engine.editor.symbol import DEFINED_BY_KEY, NAMED_BY_KEY, NAMED_BY_VALUE, Symbol
from engine.source import Span, Text
from engine.spec.field import Described
from engine.spec.shape import TextShape
from engine.values.type import ANY, Listing, Type, member
from engine.workspace.decode import make_text
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.flow import FlowDocument, ForEachDocument, StepDocument, TriggerDocument
from engine.workspace.kinds.flow_test import ExpectDocument, GivenDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.model import EntityDocument, FieldDocument
from engine.workspace.node import ScalarNode

CANONICAL = "canonical/"
ENTITY = "entity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A place where something is named; ``defines`` where it gets its name."""

    symbol: Symbol
    span: Span
    defines: bool = False
    version: int | None = None  # of an entity: the one that is meant


def written_occurrences(outline: Outline) -> Iterator[Occurrence]:
    """Those that the keys and plain values of a document are, without its expressions."""
    if outline.name is not None:
        within = test_subject(outline)[1] if outline.kind == "test" else ""
        symbol = Symbol(outline.kind, within, outline.title)
        version = outline.version if outline.kind == ENTITY else None
        yield Occurrence(symbol=symbol, span=inside(outline.name), defines=True, version=version)
    for site in outline.sites:
        if site.owner is not None and site.field is not None:
            yield from _of_site(outline, site, (site.owner, site.field.name))
            if outline.kind == "test" and site.role == "raw":
                yield from _in_test(site)


def _of_site(outline: Outline, site: Site, place: tuple[type[Described], str]) -> Iterator[Occurrence]:
    if site.role == "name" and site.key is not None:
        if (kind := DEFINED_BY_KEY.get(place)) is not None:
            symbol = _defined(outline, site, kind, site.key.text)
            yield Occurrence(symbol=symbol, span=inside(site.key), defines=True)
        if (kind := NAMED_BY_KEY.get(place)) is not None:
            yield from named(outline, site, kind, site.key)
    if not isinstance(site.node, ScalarNode):
        return
    if site.is_of(ExpectDocument, "holds"):
        yield Occurrence(symbol=Symbol("policy", "", site.node.text), span=inside(site.node))
    if not isinstance(site.shape, TextShape):
        return
    if (kind := NAMED_BY_VALUE.get(place)) is not None:
        yield from named(outline, site, kind, site.node)
    elif (named_here := _defined_by_value(outline, site, site.node.text)) is not None:
        yield Occurrence(symbol=named_here, span=inside(site.node), defines=True)


def _defined_by_value(outline: Outline, site: Site, name: str) -> Symbol | None:
    """What an `as:` gives a name to: the data of the event, or the items of a list."""
    if site.is_of(TriggerDocument, "name"):
        return local_symbol(outline, name)
    above = site.above
    if site.is_of(EntryDocument, "convert") and above is not None and child(above.node, "each") is not None:
        return item_symbol(outline, above, name)
    if site.is_of(ForEachDocument, "name") and above is not None and above.above is not None:
        return item_symbol(outline, above.above, name)
    return None


_POLICIES = frozenset({"fired", "held", "rolled", "rejected", "released"})  # of the result of a check


def _in_test(site: Site) -> Iterator[Occurrence]:
    """What the free values of a test name: events that follow, entities of cross references, policies."""
    above = site.above
    if site.key is not None and site.key.text == "event" and site.is_of(GivenDocument, "then"):
        if isinstance(site.node, ScalarNode) and above is not None and above.role == "item":
            yield Occurrence(symbol=Symbol("event", "", site.node.text), span=inside(site.node))
    elif above is not None and above.key is not None and above.role == "name" and above.key.text == "xref":
        if site.is_of(GivenDocument, "stubs") and site.key is not None:
            yield Occurrence(symbol=Symbol(ENTITY, "", site.key.text), span=inside(site.key))
    elif site.is_of(ExpectDocument, "steps") and above is not None and above.key is not None:
        if above.key.text in _POLICIES and isinstance(site.node, ScalarNode) and site.key is None:
            yield Occurrence(symbol=Symbol("policy", "", site.node.text), span=inside(site.node))
        elif above.key.text == "reasons" and site.key is not None:
            yield Occurrence(symbol=Symbol("policy", "", site.key.text), span=inside(site.key))


def inside(node: ScalarNode) -> Span:
    """The characters of a scalar, without its quotes."""
    return make_text(node).at(0, len(node.text)) if node.text else node.span


def named_around(site: Site, owner: type[Described], field: str) -> str:
    """The name under which something around a place stands: of the step, of the operation."""
    for around in site.upward():
        if around.role == "name" and around.is_of(owner, field) and around.key is not None:
            return around.key.text
    return ""


def _defined(outline: Outline, site: Site, kind: str, name: str) -> Symbol:
    match kind:
        case "branch":
            return Symbol(kind, f"{outline.title}/{named_around(site, FlowDocument, 'steps')}", name)
        case "local":
            return local_symbol(outline, name)
        case "field":
            return Symbol(kind, entity_type(outline), ".".join(field_path(site)))
        case "parameter":
            operation = named_around(site, ConnectorSpec, "operations")
            return Symbol(kind, f"connector {outline.title}.{operation}", name)
        case "operation" | "source":
            return Symbol(kind, f"connector {outline.title}", name)
        case _:
            return Symbol(kind, outline.title, name)


def entity_type(outline: Outline) -> str:
    """The name of the type that an entity describes."""
    return f"{CANONICAL}{outline.title}@{outline.version}"


def field_path(site: Site) -> tuple[str, ...]:
    """The names that lead to a field of an entity."""
    names = [
        around.key.text
        for around in site.upward()
        if around.role == "name"
        and around.key
        and (around.is_of(EntityDocument, "fields") or around.is_of(FieldDocument, "fields"))
    ]
    return tuple(reversed(names))


def named(outline: Outline, site: Site, kind: str, node: ScalarNode) -> Iterator[Occurrence]:
    """What a key or a value names."""
    text = make_text(node)
    special = _NAMED.get(kind)
    if special is not None:
        yield from special(outline, site, text)
    elif kind != "target":
        yield _part(Symbol(kind, "", str(text)), text)


def _of_event(outline: Outline, site: Site, text: Text) -> Iterator[Occurrence]:
    """`deal.won`, or `deal.won@1`."""
    del outline, site
    name = text.partition("@")[0]
    yield _part(Symbol("event", "", name), text, 0, len(name))


def _of_stub(outline: Outline, site: Site, text: Text) -> Iterator[Occurrence]:
    """What a test answers for: an operation, an entity, or an input of the mapping under test."""
    kind, subject = test_subject(outline)
    if kind == "flow":
        if "." in text:
            yield from _connected(outline, site, text)
    else:
        yield _part(Symbol("local", f"{kind} {subject}", str(text)), text)


def _of_step(outline: Outline, site: Site, text: Text) -> Iterator[Occurrence]:
    """`step`, or `step.branch`."""
    del site
    kind, flow = ("flow", outline.title) if outline.kind == "flow" else test_subject(outline)
    if kind != "flow":
        return
    step, _, branch = text.partition(".")
    yield _part(Symbol("step", flow, step), text, 0, len(step))
    if branch:
        yield _part(Symbol("branch", f"{flow}/{step}", branch), text, len(step) + 1, len(text))


def _of_own_operation(outline: Outline, site: Site, text: Text) -> Iterator[Occurrence]:
    del site
    yield _part(Symbol("operation", f"connector {outline.title}", str(text)), text)


def _of_field(outline: Outline, site: Site, text: Text) -> Iterator[Occurrence]:
    del site
    yield _part(Symbol("field", entity_type(outline), str(text)), text)


def _of_entity_field(outline: Outline, site: Site, text: Text) -> Iterator[Occurrence]:
    """`client.name`: an entity, and a field of it."""
    del outline, site
    first, _, path = text.partition(".")
    yield _part(Symbol(ENTITY, "", first), text, 0, len(first))
    if path:
        yield _part(Symbol("field", f"entity {first}", path), text, len(first) + 1, len(text))


def _of_column(outline: Outline, site: Site, text: Text) -> Iterator[Occurrence]:
    first = text.partition(".")[0]
    yield _part(Symbol("column", _table_of(outline, site), first), text, 0, len(first))


def _part(symbol: Symbol, text: Text, start: int = 0, end: int | None = None) -> Occurrence:
    stop = len(text) if end is None else end
    return Occurrence(symbol=symbol, span=text.at(start, stop) if stop > start else text.span)


def _of_source(outline: Outline, site: Site, text: Text) -> Iterator[Occurrence]:
    yield from _connected(outline, site, text, "source")


def _connected(outline: Outline, site: Site, text: Text, kind: str = "operation") -> Iterator[Occurrence]:
    """`erp.time_bill`: a connection, and an operation or a source of its connector."""
    del outline, site
    connection, _, name = text.partition(".")
    place = len(connection) + 1
    if connection == ENTITY:
        yield _part(Symbol(ENTITY, "", name), text, place, len(text))
        return
    yield _part(Symbol("connection", "", connection), text, 0, len(connection))
    if name:
        yield _part(Symbol(kind, connection, name), text, place)


def _of_type(outline: Outline, site: Site, text: Text) -> Iterator[Occurrence]:
    """`canonical/time_entry@1`, or a record of a connector."""
    del outline, site
    system, slash, rest = text.partition("/")
    if not slash:
        return
    name, _, version = rest.partition("@")
    start = len(system) + 1
    if f"{system}/" == CANONICAL:
        number = int(version) if version.isdecimal() else None
        span = text.at(start, start + len(name)) if name else text.span
        yield Occurrence(symbol=Symbol(ENTITY, "", name), span=span, version=number)
    else:
        yield _part(Symbol("connector", "", system), text, 0, len(system))
        yield _part(Symbol("record", system, name), text, start, start + len(name))


def _table_of(outline: Outline, site: Site) -> str:
    """The table whose column is named: of the nearest entry or record around that names one."""
    for around in site.upward():
        found = text_of(child(around.node, "table"))
        if found:
            return found
    return outline.title


def _parameter(outline: Outline, site: Site, text: Text) -> Iterator[Occurrence]:
    """A key of `with:`: a parameter of a read, or an input of the mapping of the step."""
    del outline
    step = site.above.above if site.above is not None else None
    if step is None:
        return
    mapping, read = text_of(child(step.node, "map")), text_of(child(step.node, "read"))
    if mapping:
        yield _part(Symbol("local", f"mapping {mapping}", str(text)), text)
    elif read and not read.startswith(f"{ENTITY}."):
        yield _part(Symbol("parameter", read, str(text)), text)


_NAMED: Mapping[str, Callable[[Outline, Site, Text], Iterator[Occurrence]]] = MappingProxyType(
    {
        "operation": _connected,
        "source": _of_source,
        "event": _of_event,
        "stub": _of_stub,
        "own operation": _of_own_operation,
        "type": _of_type,
        "step": _of_step,
        "field": _of_field,
        "entity field": _of_entity_field,
        "column": _of_column,
        "parameter": _parameter,
    }
)


def expression_occurrences(outline: Outline, facts: Facts) -> Iterator[Occurrence]:
    """Those inside the expressions of a document, and the fields of its outputs."""
    for site in outline.sites:
        if isinstance(site.node, ScalarNode) and site.text_class in LANGUAGES:
            yield from of_expression(outline, site, facts)
        elif site.role == "name" and site.key is not None and is_target(site):
            yield from targets(outline, site, facts)


def of_expression(outline: Outline, site: Site, facts: Facts) -> Iterator[Occurrence]:
    """Those of one expression."""
    assert isinstance(site.node, ScalarNode)
    assert site.text_class is not None
    text = make_text(site.node, site.text_class)
    known = locals_at(outline, site)
    for one in readings(text, facts.scope_at(outline, site), facts.functions):
        symbol = _symbol_of(one, known, facts)
        if symbol is not None:
            yield Occurrence(symbol=symbol, span=text.at(one.start, one.end))


def _symbol_of(one: Reading, known: Mapping[str, Local], facts: Facts) -> Symbol | None:
    if one.kind == "name" and not one.bound:
        found = known.get(one.name)
        return found.symbol if found is not None else None
    if one.kind == "field":
        return field_symbol(one.base, one.name, facts)
    if one.kind == "text" and one.parameter == "calendar":
        return Symbol("calendar", "", one.name)
    return None


def field_symbol(base: "Type | None", name: str, facts: Facts) -> Symbol | None:
    """The field of a named type; None where nobody knows whose field it is."""
    place = facts.place_of(base)
    return None if place is None else Symbol("field", place[0], ".".join((*place[1], name)))


def is_target(site: Site) -> bool:
    """Whether the key of a place is a field of what is made there."""
    return site.role == "name" and (
        site.is_of(MappingDocument, "fields") or site.is_of(EntryDocument, "fields")
    )


def target_base(outline: Outline, site: Site, facts: Facts) -> Type:
    """The type of the record that an entry under `fields:` is a field of."""
    path: list[str] = []
    top: Site | None = None
    for around in site.upward():
        if around is not site and around.role == "name" and is_target(around) and around.key is not None:
            path.insert(0, around.key.text)
        if around.is_of(MappingDocument, "fields"):
            top = around
    if top is None:
        return ANY
    kind = facts.type_named(text_of(child(outline.root.node, "output")))
    for name in ".".join(path).split(".") if path else ():
        kind = _field_type(kind, name)
    return _record_of(kind)


def _field_type(kind: Type, name: str) -> Type:
    found = member(_record_of(kind), name)
    return found.type if found is not None else ANY


def _record_of(kind: Type) -> Type:
    return kind.item if isinstance(kind, Listing) else kind


def targets(outline: Outline, site: Site, facts: Facts) -> Iterator[Occurrence]:
    """The fields that the dotted key of an entry names."""
    assert site.key is not None
    text, kind, start = make_text(site.key), target_base(outline, site, facts), 0
    for part in text.split("."):
        symbol = field_symbol(kind, part, facts)
        if symbol is not None:
            yield _part(symbol, text, start, start + len(part))
        kind = _record_of(_field_type(kind, part))
        start += len(part) + 1


def step_of(site: Site) -> Site | None:
    """The step that a place lies in."""
    return next((one for one in site.upward() if one.record is StepDocument), None)
