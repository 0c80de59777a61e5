"""What may be written at the cursor: keys, names, choices, expressions, wherever they are expected."""

import re
from collections.abc import Iterable, Iterator, Mapping

from engine.editor.cursor import Cursor, cursor_at
from engine.editor.expression import Writing, expression_items
from engine.editor.item import Item
from engine.editor.locals import Local, locals_at
from engine.editor.names import names_for
from engine.editor.outline import Outline, Site, child, pairs, text_of
from engine.editor.reading import LANGUAGES
from engine.editor.saying import key_text, record_text
from engine.editor.symbol import NAMED_BY_KEY, NAMED_BY_VALUE
from engine.editor.view import View
from engine.source import Source, Span
from engine.spec.field import Described, Document, Duration
from engine.spec.shape import FieldShape, ListShape, NamedShape, PlainShape, RecordShape, Shape, TextShape
from engine.workspace.kinds.entry import EntryDocument

MOST = 500

CONVERSIONS = ("string", "integer", "decimal", "decimal(2)", "boolean", "date", "datetime")
DURATIONS = ("15m", "2h", "1d", "2 business days")
PEOPLE = frozenset({"owner", "role", "to"})  # keys whose values name people, which no document lists


def complete(view: View, source: Source, offset: int) -> tuple[Item, ...]:
    """What may be written at a place, the likeliest first; nothing where nothing is expected."""
    cursor = cursor_at(source, offset, view.kinds)
    if cursor is None:
        return ()
    found = {item.label: item for item in reversed(list(_items(view, cursor)))}
    return tuple(reversed(found.values()))[:MOST]


def _items(view: View, cursor: Cursor) -> Iterator[Item]:
    if cursor.outline is None or cursor.site is None:
        yield from _kinds(view, cursor)
    elif cursor.in_key:
        yield from _keys_at(view, cursor, cursor.outline, cursor.site)
    else:
        yield from _values_at(view, cursor, cursor.outline, cursor.site)


def _kinds(view: View, cursor: Cursor) -> Iterator[Item]:
    if cursor.before.rpartition("\n")[2].strip().startswith("#"):
        return
    for name, kind in view.kinds.by_name.items():
        yield Item(
            label=name,
            what="document",
            detail=record_text(kind),
            insert=_document_snippet(view, kind),
            snippet=True,
            span=cursor.word(),
        )


def _document_snippet(view: View, kind: type[Document]) -> str:
    """The keys that a document must have, with places for their values."""
    fields = view.kinds.fields(kind)
    lines = [f"{kind.kind}: ${{1:name}}"]
    needed = [one for one in fields.values() if one.required and one.key != kind.kind]
    for number, one in enumerate(needed, 2):
        lines.append(_pair(one.key, one.shape, f"${number}", flow=False))
    return "\n".join(lines)


def _keys_at(view: View, cursor: Cursor, outline: Outline, site: Site) -> Iterator[Item]:
    above = site.above
    if above is None:
        return
    if above.record is not None:
        yield from keys_of(view, cursor, above.record, above)
    if site.owner is not None and site.field is not None and site.role == "name":
        kind = NAMED_BY_KEY.get((site.owner, site.field.name))
        if kind is not None:
            yield from _unwritten(view, cursor, names_for(view, outline, site, kind, cursor), above)


def _unwritten(view: View, cursor: Cursor, items: Iterable[Item], above: Site) -> Iterator[Item]:
    """Names as keys, without those that are there already."""
    del view
    written = {key.text for key, _ in pairs(above.node)}
    for item in items:
        if item.label not in written:
            text = item.label if _has_colon(cursor) else f"{item.label}: $0"
            yield Item(
                label=item.label,
                what=item.what,
                detail=item.detail,
                about=item.about,
                insert=text,
                snippet=text != item.label,
                first=item.first,
                span=item.span,
            )


def keys_of(view: View, cursor: Cursor, cls: type[Described], site: Site) -> Iterator[Item]:
    """The keys of a record that are not written yet and that do not contradict those that are."""
    written = {key.text for key, _ in pairs(site.node)}
    excluded = _excluded(cls, written)
    for key, field in view.kinds.fields(cls).items():
        if key in written or key in excluded:
            continue
        text = key if _has_colon(cursor) else _pair(key, field.shape, "$0", flow=cursor.flow)
        yield Item(
            label=key,
            what="key",
            detail="required" if field.required else "",
            about=key_text(field),
            insert=text,
            snippet=text != key,
            first=field.required,
            span=cursor.word(),
        )


def _excluded(cls: type[Described], written: set[str]) -> set[str]:
    """The keys that exclude one that is written."""
    alternatives = [set(one.split()) for group in cls.one_of for one in group]
    chosen = written & set().union(*alternatives) if alternatives else set()
    if not chosen:
        return set()
    allowed = set().union(*(one for one in alternatives if chosen <= one))
    return set().union(*alternatives) - allowed


def _has_colon(cursor: Cursor) -> bool:
    """Whether a colon follows the word at the cursor."""
    return re.match(r"\s*:", cursor.source.text[cursor.word().end :]) is not None


def _pair(key: str, shape: Shape, place: str, *, flow: bool) -> str:
    """A key with room for its value."""
    match shape:
        case RecordShape(cls=cls) if cls.shorthand is None:
            return f"{key}: {{{place}}}" if flow else f"{key}:\n  {place}"
        case NamedShape():
            return f"{key}: {{{place}}}" if flow else f"{key}:\n  {place}"
        case ListShape():
            return f"{key}: [{place}]"
        case _:
            return f"{key}: {place}"


def _values_at(view: View, cursor: Cursor, outline: Outline, site: Site) -> Iterator[Item]:
    shape = site.shape
    if site.text_class in LANGUAGES:
        yield from _written_in_expression(view, cursor, outline, site)
    if site.role == "short" and site.above is not None and _on_own_line(cursor):
        record = site.above.record
        if record is not None:
            yield from keys_of(view, cursor, record, site.above)
    if isinstance(shape, RecordShape):
        yield from keys_of(view, cursor, shape.cls, site)
        extra = view.kinds.others(shape.cls)
        if extra is not None and isinstance(extra.shape, NamedShape):
            yield from _names_inside(view, cursor, outline, site, (shape.cls, extra))
    elif isinstance(shape, NamedShape) and site.field is not None and site.owner is not None:
        yield from _names_inside(view, cursor, outline, site, (site.owner, site.field))
    elif site.field is not None and site.owner is not None:
        yield from _plain_values(view, cursor, outline, site, site.field)


def _names_inside(
    view: View, cursor: Cursor, outline: Outline, site: Site, place: tuple[type[Described], FieldShape]
) -> Iterator[Item]:
    """The names that may be keys of a record that is still empty."""
    owner, field = place
    kind = NAMED_BY_KEY.get((owner, field.name))
    if kind is not None:
        inner = Site(node=site.node, role="name", field=field, owner=owner, above=site)
        yield from _unwritten(view, cursor, names_for(view, outline, inner, kind, cursor), site)


def _on_own_line(cursor: Cursor) -> bool:
    """Whether nothing stands before the word on its line, so that it may become a key."""
    start = cursor.word().start
    line = cursor.source.text.rfind("\n", 0, start) + 1
    return not cursor.source.text[line:start].strip(" -")


def _plain_values(
    view: View, cursor: Cursor, outline: Outline, site: Site, field: FieldShape
) -> Iterator[Item]:
    assert site.owner is not None
    kind = NAMED_BY_VALUE.get((site.owner, field.name))
    if kind is not None and isinstance(site.shape, TextShape):
        yield from names_for(view, outline, site, kind, cursor)
    values = _choices(view, site, field)
    for value in dict.fromkeys(values):
        yield Item(label=value, what="choice", insert=value, span=_token(cursor, value))


def _token(cursor: Cursor, value: str) -> Span:
    """The characters that a value stands for: as many kinds of them as it has."""
    return cursor.word("".join({one for one in value if not one.isalnum() and one != " "}) + "-")


def _choices(view: View, site: Site, field: FieldShape) -> Iterator[str]:
    if isinstance(site.shape, TextShape):
        yield from field.note.choices
    if isinstance(site.shape, PlainShape):
        yield from {bool: ("true", "false"), Duration: DURATIONS}.get(site.shape.cls, ())
    if site.is_of(EntryDocument, "convert"):
        yield from CONVERSIONS
    else:
        yield from field.note.examples
    if field.name in PEOPLE:
        for outline in view.index.outlines():
            for other in outline.sites:
                if other.field is not None and other.field.name in PEOPLE and (text := text_of(other.node)):
                    yield text


def _written_in_expression(view: View, cursor: Cursor, outline: Outline, site: Site) -> Iterator[Item]:
    assert site.text_class is not None
    known = _whole(view, cursor, outline)
    locals_here: Mapping[str, Local] = {**locals_at(known, known.root), **locals_at(outline, site)}
    scope = view.facts.scope_at(known, known.root).including(
        view.facts.scope_at(outline, site).names, view.facts.scope_at(outline, site).nullable
    )
    yield from expression_items(
        Writing(
            language=site.text_class,
            before=cursor.before,
            after=cursor.after,
            scope=scope,
            functions=view.facts.functions,
            about={name: _said_of(one) for name, one in locals_here.items()},
            span=cursor.word(""),
        )
    )


def _whole(view: View, cursor: Cursor, outline: Outline) -> Outline:
    """The document as it was when it could last be read, if it cannot be now."""
    if not cursor.partial:
        return outline
    known = [one for one in view.index.outlines() if (one.kind, one.title) == (outline.kind, outline.title)]
    return known[0] if known else outline


_SAID = {
    "input": "an input",
    "let": "a value of `let`",
    "step": "the result of a step",
    "event": "the data of the event that started the run",
    "awaited": "the event that is waited for",
    "item": "the item that is worked on",
    "data": "the data of the event",
    "native": "the record of the source",
    "subject": "what the rule is about",
    "time": "the instant at which the event was accepted",
    "answer": "a part of the answer",
}


def _said_of(local: Local) -> str:
    about = text_of(child(local.node, "about"))
    return ": ".join(part for part in (_SAID.get(local.what, ""), about) if part)
