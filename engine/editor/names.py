"""The names that may stand at a place that names something: documents, operations, steps, types, columns."""

from collections.abc import Callable, Iterator, Mapping

from engine.editor.cursor import Cursor
from engine.editor.item import Item
from engine.editor.occurrence import ENTITY, target_base
from engine.editor.outline import Outline, Site, child, pairs, test_subject, text_of
from engine.editor.saying import field_detail, type_line, type_lines
from engine.editor.view import View
from engine.values.type import Field, Listing, Record, Type
from engine.workspace.kinds.flow import StepDocument

_Names = Callable[[View, Outline, Site, Cursor], Iterator[Item]]


def names_for(view: View, outline: Outline, site: Site, kind: str, cursor: Cursor) -> Iterator[Item]:
    """The names of a kind, as they are written at a place."""
    found = _SPECIAL.get(kind)
    yield from found(view, outline, site, cursor) if found else documents(view, kind, cursor)


def documents(view: View, kind: str, cursor: Cursor) -> Iterator[Item]:
    """The documents of a kind."""
    for name, outline in view.index.of_kind(kind).items():
        about = text_of(child(outline.root.node, "about"))
        yield Item(label=name, what=kind, detail=kind, about=about, insert=name, span=cursor.word("-."))


def _operations(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    reads = site.is_of(StepDocument, "read")
    only = None if outline.kind == "test" else not reads
    yield from _connected(view, cursor, writes=only)
    if reads:
        yield from _entities(view, cursor)


def _connected(view: View, cursor: Cursor, *, writes: bool | None) -> Iterator[Item]:
    """The operations of all connections: those that write, those that read, or both."""
    for name, plan in view.facts.compilation.operations.items():
        if writes is not None and plan.writes != writes:
            continue
        connection, _, operation = name.partition(".")
        spec = view.facts.compilation.connectors.get(view.facts.connector_of(connection))
        written = spec.spec.operations if spec else {}
        about = next((str(one.about or "") for key, one in written.items() if key == operation), "")
        detail = "writes" if plan.writes else "reads"
        yield Item(
            label=name, what="operation", detail=detail, about=about, insert=name, span=cursor.word("-.")
        )


def _entities(view: View, cursor: Cursor) -> Iterator[Item]:
    for name, outline in view.index.of_kind(ENTITY).items():
        label, about = f"{ENTITY}.{name}", text_of(child(outline.root.node, "about"))
        yield Item(
            label=label,
            what=ENTITY,
            detail="what the ledger keeps",
            about=about,
            insert=label,
            span=cursor.word("-."),
        )


def _stubs(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    """The operations that the flow under test uses, and then all others."""
    del site
    kind, subject = test_subject(outline)
    if kind != "flow":
        tested = view.index.of_kind(kind).get(subject)
        for key, value in pairs(child(tested.root.node, "inputs")) if tested else ():
            yield Item(
                label=key.text,
                what="local",
                detail=text_of(value),
                insert=key.text,
                first=True,
                span=cursor.word("-"),
            )
        return
    flow = view.index.of_kind("flow").get(subject)
    steps = [step for _, step in pairs(child(flow.root.node, "steps"))] if flow else []
    used = [text_of(child(step, verb)) for step in steps for verb in ("read", "write")]
    for name in dict.fromkeys(one for one in used if one):
        yield Item(
            label=name,
            what="operation",
            detail="used by the flow",
            insert=name,
            first=True,
            span=cursor.word("-."),
        )
    yield from _connected(view, cursor, writes=None)
    yield from _entities(view, cursor)


def _sources(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    del outline, site
    for connection, connector in view.index.connectors().items():
        plan = view.facts.compilation.connectors.get(connector)
        for name in plan.sources if plan else ():
            about = (
                next((str(one.about or "") for key, one in plan.spec.sources.items() if key == name), "")
                if plan
                else ""
            )
            label = f"{connection}.{name}"
            yield Item(label=label, what="source", about=about, insert=label, span=cursor.word("-."))


def _systems(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    """Those that have a document, and those that are connections."""
    del outline, site
    yield from documents(view, "system", cursor)
    yield from documents(view, "connection", cursor)


def _types(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    del outline, site
    for name in view.facts.type_names():
        kind = view.facts.type_named(name)
        lines = "\n\n".join(type_lines(kind))
        entity = view.samples.entity(name)
        about = str(entity.about or "") if entity is not None else ""
        yield Item(
            label=name,
            what="type",
            detail=type_line(kind, nullable=False) if "/" not in name else "",
            about=f"{about}\n\n{lines}".strip(),
            insert=name,
            span=cursor.word("-./@"),
        )


def _steps(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    flows = view.index.of_kind("flow")
    flow = outline if outline.kind == "flow" else flows.get(test_subject(outline)[1])
    own = next((one.key for one in site.upward() if one.role == "name" and one.record is StepDocument), None)
    for key, step in pairs(child(flow.root.node, "steps")) if flow else ():
        if own is not None and key.text == own.text:
            continue
        verb = next((f"{name.text} {text_of(value)}".strip() for name, value in pairs(step)), "")
        yield Item(label=key.text, what="step", detail=verb, insert=key.text, span=cursor.word("-."))
        for branch, _ in pairs(child(step, "choose")):
            label = f"{key.text}.{branch.text}"
            yield Item(label=label, what="step", detail="a branch", insert=label, span=cursor.word("-."))


def _columns(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    table = next(
        (name for one in site.upward() if (name := text_of(child(one.node, "table")))), outline.title
    )
    known: Mapping[str, Type] = view.facts.compilation.table_types.get(table, {})
    found = view.facts.compilation.tables.get(table)
    keys = found.key if found is not None else ()
    for name, kind in known.items():
        detail = type_line(kind, nullable=False) + (", a key" if name in keys else "")
        wanted_key = site.role == "name"
        yield Item(
            label=name,
            what="field",
            detail=detail,
            insert=name,
            first=(name in keys) == wanted_key,
            span=cursor.word("-"),
        )


def _connectors(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    del outline, site
    mounts = view.facts.look.workspace.files.mounts
    names = {*view.index.of_kind("connector"), *(mount.rpartition("/")[2] for mount in mounts)}
    for name in sorted(names):
        yield Item(label=name, what="connector", insert=name, span=cursor.word("-"))


def _entity_fields(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    del view, site
    for key, _ in pairs(child(outline.root.node, "fields")):
        yield Item(label=key.text, what="field", insert=key.text, span=cursor.word("-"))


def _entity_paths(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    """`client.name`: the fields of all entities."""
    del outline, site
    for name, entity in view.index.of_kind(ENTITY).items():
        for key, _ in pairs(child(entity.root.node, "fields")):
            label = f"{name}.{key.text}"
            yield Item(label=label, what="field", insert=label, span=cursor.word("-."))


def _own_operations(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    del view, site
    for key, _ in pairs(child(outline.root.node, "operations")):
        yield Item(label=key.text, what="operation", insert=key.text, span=cursor.word("-"))


def _parameters(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    """What `with:` may give: parameters of a read, inputs of a mapping, fields of what is written."""
    del outline
    step = next((one for one in site.upward() if one.record is StepDocument), None)
    if step is None:
        return
    yield from _fields(_given(view, step), cursor)


def _given(view: View, step: Site) -> Type:
    compilation = view.facts.compilation
    said = {key.text: text_of(value) for key, value in pairs(step.node)}
    signature = compilation.mapping_types.get(said.get("map", ""))
    if signature is not None:
        return Record(name="", fields={name: Field(type=kind) for name, kind in signature.inputs.items()})
    if said.get("read", "").startswith(f"{ENTITY}."):
        return Record(name="", fields={"id": Field(type=view.facts.type_named("string"), required=True)})
    operation = compilation.operations.get(said.get("read") or said.get("write") or "")
    if operation is not None:
        return operation.takes
    return compilation.event_types.get(said.get("emit", ""), view.facts.type_named("any"))


def _targets(view: View, outline: Outline, site: Site, cursor: Cursor) -> Iterator[Item]:
    """The fields of what is made that no entry makes yet, those that are required first."""
    yield from _fields(target_base(outline, site, view.facts), cursor, nested=True)


def _fields(kind: Type, cursor: Cursor, *, nested: bool = False) -> Iterator[Item]:
    if not isinstance(kind, Record):
        return
    for name, field in kind.fields.items():
        yield _field(name, field, cursor)
        inner = field.type
        if nested and isinstance(inner, Record):
            for part, more in inner.fields.items():
                yield _field(f"{name}.{part}", more, cursor, first=field.required and more.required)


def _field(name: str, field: Field, cursor: Cursor, *, first: bool | None = None) -> Item:
    needed = field.required if first is None else first
    detail = field_detail(field) + (", required" if needed else "")
    about = "\n\n".join(part for part in (field.about, *type_lines(field.type)) if part)
    return Item(
        label=name,
        what="field",
        detail=detail,
        about=about,
        insert=name,
        first=needed,
        span=cursor.word("-."),
    )


def missing_targets(kind: Type, written: set[str]) -> list[tuple[str, Field]]:
    """The required fields of a record that no key makes, of dotted names as well."""
    inner = kind.item if isinstance(kind, Listing) else kind
    if not isinstance(inner, Record):
        return []
    made = {name.partition(".")[0] for name in written}
    return [(name, field) for name, field in inner.fields.items() if field.required and name not in made]


_SPECIAL: Mapping[str, _Names] = {
    "operation": _operations,
    "own operation": _own_operations,
    "stub": _stubs,
    "source": _sources,
    "type": _types,
    "system": _systems,
    "entity field": _entity_paths,
    "step": _steps,
    "column": _columns,
    "connector": _connectors,
    "field": _entity_fields,
    "parameter": _parameters,
    "target": _targets,
}
