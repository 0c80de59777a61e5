"""Described dataclasses to reference pages, one a kind, in Markdown."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from engine.source import Text
from engine.spec.field import (
    FORMS,
    Described,
    Document,
    Duration,
    FormulaText,
    Note,
    PathText,
    Raw,
    TemplateText,
)
from engine.spec.json_schema import record_name
from engine.spec.shape import FieldShape, ListShape, NamedShape, RecordShape, Shape, TextShape, fields_of


def reference_page(kind: type[Document]) -> str:
    """All keys of the documents of one kind, and of the records in them."""
    head = (
        f"<!-- Made from the description of the kind; tests/workspace rewrites it. -->\n\n# `{kind.kind}`\n"
    )
    return "\n".join([head, *(_section(cls, first=cls is kind) for cls in _records(kind))])


def _records(kind: type[Described]) -> Iterator[type[Described]]:
    """The kind and every record in it, each once, in the order of reading."""
    seen: list[type[Described]] = [kind]
    for cls in seen:
        yield cls
        inner = [found for field in fields_of(cls) for found in _records_in(field.shape)]
        seen.extend(found for found in dict.fromkeys(inner) if found not in seen)


def _records_in(shape: Shape) -> Iterator[type[Described]]:
    if isinstance(shape, RecordShape):
        yield shape.cls
    elif isinstance(shape, ListShape | NamedShape):
        yield from _records_in(shape.item)


def _section(cls: type[Described], *, first: bool) -> str:
    heading = "" if first else f"## {record_name(cls)}\n\n"
    about = "\n\n".join(_paragraph(part) for part in (cls.__doc__ or "").split("\n\n"))
    rows = "".join(_row(field, cls) for field in fields_of(cls) if field.name != cls.extra)
    table = f"| key | value | if left out | meaning |\n| --- | --- | --- | --- |\n{rows}" if rows else ""
    notes = "".join(f"\n{line}\n" for line in _remarks(cls))
    return f"{heading}{about}\n\n{table}{notes}"


def _paragraph(text: str) -> str:
    """Running text on one line; a table of two columns between lines of `=` as a table of Markdown."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if not lines or not lines[0].startswith("===="):
        return " ".join(text.split())
    rows = (re.split(r"\s{2,}", line, maxsplit=1) for line in lines if not line.startswith("===="))
    return "\n".join(["| value | meaning |", "| --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)])


def _row(field: FieldShape, cls: type[Described]) -> str:
    value = _value(field.shape, field.note).replace("|", "\\|")
    missing = "**required**" if field.required else _default(field)
    if field.required and any(field.key in group for group in cls.one_of):
        missing = "see below"
    about = field.note.about.replace("|", "\\|")
    if field.note.examples:
        about += f" For example {', '.join(f'`{example}`' for example in field.note.examples)}."
    return f"| `{field.key}` | {value} | {missing} | {about} |\n"


def _default(field: FieldShape) -> str:
    default = field.default
    if isinstance(default, bool):
        return "`true`" if default else "`false`"
    if isinstance(default, tuple):
        return ", ".join(f"`{item}`" for item in default)
    return f"`{default}`" if isinstance(default, str | int) else ""


def _value(shape: Shape, note: Note) -> str:
    if isinstance(shape, ListShape):
        item = _value(shape.item, note)
        return f"{item}, or a list of them" if note.many else f"list: {item}"
    if isinstance(shape, NamedShape):
        return f"by name: {_value(shape.item, note)}"
    if isinstance(shape, RecordShape):
        name = record_name(shape.cls)
        return f"[{name}](#{name})"
    if isinstance(shape, TextShape):
        return _text(shape.cls, note)
    return _NAMES[shape.cls] + _bounds(note)


def _text(cls: type[Text], note: Note) -> str:
    if note.choices:
        return " or ".join(f"`{choice}`" for choice in note.choices)
    if note.pattern is not None:
        return FORMS.get(note.pattern, f"text that matches `{note.pattern}`")
    return _NAMES[cls]


def _bounds(note: Note) -> str:
    least = f", at least {note.minimum:,}" if note.minimum is not None else ""
    return least + (f", at most {note.maximum:,}" if note.maximum is not None else "")


_NAMES: dict[type, str] = {
    Text: "text",
    PathText: "path (JMESPath)",
    FormulaText: "formula",
    TemplateText: "template",
    int: "whole number",
    Decimal: "number",
    bool: "`true` or `false`",
    date: "day, such as `2026-06-30`",
    datetime: "instant, such as `2026-05-29T23:10:00Z`",
    Duration: "length of time, such as `15m` or `2 business days`",
    Raw: "any value",
}


def _remarks(cls: type[Described]) -> Iterator[str]:
    for group in cls.one_of:
        keys = ", ".join(" with ".join(f"`{name}`" for name in one.split()) for one in group)
        yield f"Exactly one of these is there: {keys}."
    by_name = {field.name: field for field in fields_of(cls)}
    if cls.shorthand is not None:
        yield f"A value that is no record stands for its `{by_name[cls.shorthand].key}`."
    if cls.extra is not None:
        field = by_name[cls.extra]
        assert isinstance(field.shape, NamedShape)
        value = _value(field.shape.item, field.note)
        yield f"Any other key is a name: {value}. {field.note.about}"
