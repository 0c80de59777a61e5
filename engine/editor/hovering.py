"""What is said of the word at a place: its type, a sample, what it means."""

from collections.abc import Iterator

from engine.connect.connector_plan import OperationPlan
from engine.editor.item import Said
from engine.editor.locals import locals_at
from engine.editor.navigation import occurrences_at
from engine.editor.occurrence import Occurrence, entity_type, is_target, target_base
from engine.editor.outline import Outline, Site, child, text_of
from engine.editor.reading import LANGUAGES, Reading, readings
from engine.editor.saying import field_detail, function_text, key_text, type_line, type_lines
from engine.editor.symbol import Symbol
from engine.editor.view import View
from engine.language.functions.path_functions import PATH_FUNCTIONS
from engine.problems.codes import CODES, page
from engine.problems.problem import Problem
from engine.source import Source
from engine.spec.field import PathText
from engine.values.type import ANY, Listing, Type, member
from engine.workspace.decode import make_text
from engine.workspace.node import ScalarNode


def hover(view: View, source: Source, offset: int) -> Said | None:
    """What is said of a place; None where there is nothing to say."""
    place = view.site_at(source, offset)
    said = None if place is None else _at(view, *place, offset)
    problem = _problem_at(view, source, offset)
    if problem is None:
        return said
    text = _of_code(problem.code)
    return Said(
        text=f"{said.text}\n\n---\n\n{text}" if said else text, span=said.span if said else problem.span
    )


def _problem_at(view: View, source: Source, offset: int) -> Problem | None:
    for problem in view.facts.look.collector.problems:
        span = problem.span
        same = span.source.name == source.name and span.source.text == source.text
        if same and span.start <= offset <= span.end:
            return problem
    return None


def _of_code(code: str) -> str:
    """The title of a code, and the first paragraph of its page."""
    text = page(code) or ""
    paragraphs = [part for part in text.split("\n\n") if part.strip() and not part.startswith("#")]
    first = " ".join(paragraphs[0].split()) if paragraphs else ""
    return f"**{code}** {CODES.get(code, '')}\n\n{first}"


def _at(view: View, outline: Outline, site: Site, in_key: bool, offset: int) -> Said | None:  # noqa: FBT001 - as it was found
    if in_key:
        return _of_key(view, outline, site, offset)
    if site.text_class in LANGUAGES and isinstance(site.node, ScalarNode):
        return _in_expression(view, outline, site, offset)
    source = site.node.source
    for one in occurrences_at(view, source, offset):
        text = of_symbol(view, one)
        if text:
            return Said(text=text, span=one.span)
    if site.field is not None and site.role in ("key", "item"):
        return Said(text=key_text(site.field), span=site.node.span)
    return None


def _of_key(view: View, outline: Outline, site: Site, offset: int) -> Said | None:
    assert site.key is not None
    if site.role == "key" and site.field is not None:
        return Said(text=key_text(site.field), span=site.key.span)
    if is_target(site):
        return _of_target(view, outline, site, offset)
    for one in occurrences_at(view, site.node.source, offset):
        text = of_symbol(view, one)
        if text:
            return Said(text=text, span=one.span)
    return None


def _of_target(view: View, outline: Outline, site: Site, offset: int) -> Said | None:
    """The field of the output that the part of a dotted name at a place means."""
    assert site.key is not None
    text, base, start = make_text(site.key), target_base(outline, site, view.facts), 0
    for part in text.split("."):
        span = text.at(start, start + len(part))
        if span.start <= offset <= span.end:
            return Said(text="\n\n".join(_of_field(view, base, part)), span=span)
        found = member(base, part)
        base = found.type if found else ANY
        base = base.item if isinstance(base, Listing) else base
        start += len(part) + 1
    return None


def _of_field(view: View, base: Type, name: str) -> Iterator[str]:
    """A field of a record: its type, what it means, who owns it, and a sample."""
    found = member(base, name)
    place = view.facts.place_of(base)
    nullable = found is not None and found.may_be_absent
    yield f"**{name}**: {type_line(found.type if found else ANY, nullable=nullable)}"
    if found is not None:
        if found.about:
            yield found.about
        yield from type_lines(found.type)
    if place is not None:
        yield from of_place(view, place[0], (*place[1], name))


def of_place(view: View, type_name: str, path: tuple[str, ...]) -> Iterator[str]:
    """Where a field belongs, who owns it, whether it is personal, and a sample."""
    entity, field = view.samples.entity(type_name), view.samples.field(type_name, path)
    said = [f"`{'.'.join(path)}` of {type_name}" if path else type_name]
    owner = (field.system_of_record if field else None) or (entity.system_of_record if entity else None)
    if owner is not None:
        said.append(f"owned by `{owner}`")
    if field is not None and field.personal:
        said.append("personal")
    yield ", ".join(said)
    sample = view.samples.of(type_name, path)
    if sample:
        yield f"for example `{sample}`"


def _in_expression(view: View, outline: Outline, site: Site, offset: int) -> Said | None:
    assert isinstance(site.node, ScalarNode)
    assert site.text_class is not None
    text = make_text(site.node, site.text_class)
    found = readings(text, view.facts.scope_at(outline, site), view.facts.functions)
    for one in found:
        span = text.at(one.start, one.end)
        if span.start <= offset < span.end:
            said = "\n\n".join(_of_reading(view, outline, site, one))
            return Said(text=said, span=span) if said else None
    return None


def _of_reading(view: View, outline: Outline, site: Site, one: Reading) -> Iterator[str]:
    if one.kind == "function":
        spec = view.facts.functions.get(one.name)
        path_function = PATH_FUNCTIONS.get(one.name) if site.text_class is PathText else None
        if path_function is not None:
            yield f"**{one.name}**({', '.join(path_function.parameters)})\n\n{path_function.summary}"
        elif spec is not None:
            yield function_text(spec)
    elif one.kind == "text" and one.parameter == "calendar":
        yield of_symbol(view, Occurrence(symbol=Symbol("calendar", "", one.name), span=site.node.span))
    elif one.kind == "field" and one.base is not None:
        yield from _of_field(view, one.base, one.name)
    elif one.kind == "name":
        yield f"**{one.name}**: {type_line(one.type, nullable=one.nullable)}"
        local = locals_at(outline, site).get(one.name)
        about = text_of(child(local.node, "about")) if local is not None else ""
        yield from (part for part in (about, *type_lines(one.type)) if part)
        place = view.facts.place_of(one.type)
        if place is not None:
            yield from of_place(view, *place)


def of_symbol(view: View, one: Occurrence) -> str:
    """What something with a name is."""
    symbol = one.symbol
    match symbol.kind:
        case "operation":
            return _of_operation(view, symbol)
        case "step" | "local":
            return _of_result(view, symbol)
        case "field":
            base_path = tuple(symbol.name.split("."))
            return "\n\n".join(of_place(view, symbol.within, base_path))
        case "column":
            kind = view.facts.compilation.table_types.get(symbol.within, {}).get(symbol.name, ANY)
            return f"**{symbol.name}**: {type_line(kind, nullable=False)}, a column of `{symbol.within}`"
        case "record":
            return _of_record(view, symbol)
        case "parameter":
            operation = view.facts.compilation.operations.get(symbol.within)
            field = operation.parameters.fields.get(symbol.name) if operation else None
            return (
                "" if field is None else f"**{symbol.name}**: {field_detail(field)}\n\n{field.about}".strip()
            )
        case _:
            return _of_document(view, one)


def _of_document(view: View, one: Occurrence) -> str:
    symbol = one.symbol
    found = [
        outline
        for outline in view.index.outlines()
        if (outline.kind, outline.title) == (symbol.kind, symbol.name)
    ]
    exact = [outline for outline in found if outline.version == one.version]
    if not found:
        return ""
    outline = (exact or found)[0]
    root = outline.root.node
    lines = [f"**{outline.kind} {outline.title}**, version {outline.version}", text_of(child(root, "about"))]
    owner = text_of(child(root, "owner"))
    lines.append(f"owner: {owner}" if owner else "")
    if outline.kind == "entity":
        lines += type_lines(view.facts.type_named(entity_type(outline)))
    elif outline.kind == "event":
        lines.append(f"data: {text_of(child(root, 'data'))}")
    elif outline.kind == "mapping":
        lines.append(f"makes {text_of(child(root, 'output'))}")
    elif outline.kind == "policy":
        lines.append(f"when: `{text_of(child(root, 'when'))}`")
    return "\n\n".join(line for line in lines if line)


def _of_operation(view: View, symbol: Symbol) -> str:
    connection = symbol.within.removeprefix("connector ")
    plan = view.facts.compilation.connectors.get(view.facts.connector_of(connection))
    operation: OperationPlan | None = plan.operations.get(symbol.name) if plan else None
    if plan is None or operation is None:
        return ""
    about = next(
        (str(one.about or "") for key, one in plan.spec.operations.items() if key == symbol.name), ""
    )
    verb = "writes" if operation.writes else "reads"
    kind = operation.takes if operation.writes else operation.gives
    lines = [
        f"**{connection}.{symbol.name}** {verb} {type_line(kind, nullable=False)}",
        about,
        *type_lines(kind),
    ]
    if operation.writes:
        lines.append(f"made once by `{operation.once.how}`")
        lines.append(f"taken back by `{operation.undo}`" if operation.undo else "")
    return "\n\n".join(line for line in lines if line)


def _of_record(view: View, symbol: Symbol) -> str:
    wanted = f"{symbol.within}/{symbol.name}"
    name = next((one for one in view.facts.compilation.types if one.partition("@")[0] == wanted), "")
    return "\n\n".join([f"**{name}**", *type_lines(view.facts.type_named(name))]) if name else ""


def _of_result(view: View, symbol: Symbol) -> str:
    """The type of the result of a step, or of an input or `let`."""
    key = ("flow", symbol.within) if symbol.kind == "step" else tuple(symbol.within.split(" ", 1))
    outline = next((one for one in view.index.outlines() if (one.kind, one.title) == key), None)
    if outline is None:
        return ""
    scope = view.facts.scope_at(outline, outline.root)
    kind = scope.type_of(symbol.name) or ANY
    lines = [
        f"**{symbol.name}**: {type_line(kind, nullable=symbol.name in scope.nullable)}",
        *type_lines(kind),
    ]
    place = view.facts.place_of(kind)
    if place is not None:
        lines += of_place(view, *place)
    return "\n\n".join(lines)
