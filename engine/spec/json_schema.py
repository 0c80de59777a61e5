"""Described dataclasses to JSON Schemas, with which an editor completes and checks while somebody types.

They say what the decoder accepts, as far as JSON Schema can: that the first key names the kind is beyond it.
Draft 7, because that is what editors of YAML know best.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from engine.spec.field import Described, Document, Duration, FormulaText, Note, PathText, Raw
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

_Schema: TypeAlias = dict[str, Any]

DURATION = r"^([0-9]{1,9} ?[smhdw]|[0-9]{1,9} ((second|minute|hour|day|week)s?|business (hour|day)s?))$"


def schema_of(kind: type[Document]) -> _Schema:
    """The JSON Schema of the documents of one kind."""
    definitions: dict[str, _Schema] = {}
    record = _record(kind, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"Tidegate {kind.kind}",
        **record,
        "definitions": dict(sorted(definitions.items())),
    }


ANY_KIND = "tidegate.schema.json"
"""The file of the schema for documents of any kind; it refers to the others, which lie beside it."""


def schemas_of(kinds: Sequence[type[Document]]) -> dict[str, _Schema]:
    """The schemas of some kinds by the name of their file, and one for files that hold several kinds."""
    return {**{_file(kind): schema_of(kind) for kind in kinds}, ANY_KIND: _any_of(kinds)}


def _file(kind: type[Document]) -> str:
    return f"{kind.kind}.schema.json"


def _any_of(kinds: Sequence[type[Document]]) -> _Schema:
    """The schema of a document whose kind is told by its key; a test names a flow, so that comes later."""
    names = {kind.kind for kind in kinds}
    keys = {kind: {field.key for field in fields_of(kind)} & names for kind in kinds}
    chain: _Schema = {"required": ["flow"], "description": "The first key says what a document is."}
    for kind in sorted(kinds, key=lambda one: (len(keys[one]), one.kind)):
        chain = {"if": {"required": [kind.kind]}, "then": {"$ref": _file(kind)}, "else": chain}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A document of Tidegate",
        "type": "object",
        "properties": {kind.kind: {"description": _about(kind)} for kind in kinds},
        **chain,
    }


def _record(cls: type[Described], definitions: dict[str, _Schema]) -> _Schema:
    fields = [field for field in fields_of(cls) if field.name != cls.extra]
    others = [field for field in fields_of(cls) if field.name == cls.extra]
    schema: _Schema = {
        "description": _about(cls),
        "type": "object",
        "properties": {field.key: _field(field, definitions) for field in fields},
        "additionalProperties": _items(others[0], definitions) if others else False,
    }
    if required := [field.key for field in fields if field.required]:
        schema["required"] = required
    if cls.one_of:
        schema["allOf"] = [_group(group) for group in cls.one_of]
    return schema


def _about(cls: type) -> str:
    return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


def _items(field: FieldShape, definitions: dict[str, _Schema]) -> _Schema:
    assert isinstance(field.shape, NamedShape)
    return _shape(field.shape.item, field.note, definitions)


def _group(group: tuple[str, ...]) -> _Schema:
    """Exactly one of the alternatives, each of which is one key or several together."""
    names = list(dict.fromkeys(name for one in group for name in one.split()))
    return {"oneOf": [_alternative(one.split(), names) for one in group]}


def _alternative(wanted: list[str], names: list[str]) -> _Schema:
    others = [{"required": [name]} for name in names if name not in wanted]
    return {"required": wanted, **({"not": {"anyOf": others}} if others else {})}


def _field(field: FieldShape, definitions: dict[str, _Schema]) -> _Schema:
    schema = _shape(field.shape, field.note, definitions)
    # Draft 7 ignores what stands beside a reference.
    schema = {"allOf": [schema]} if "$ref" in schema else schema
    schema = {"description": field.note.about, **schema}
    if isinstance(field.default, str | int | bool) and not field.required:
        schema["default"] = field.default
    if field.note.examples:
        schema["examples"] = list(field.note.examples)
    return schema


def _shape(shape: Shape, note: Note, definitions: dict[str, _Schema]) -> _Schema:
    if isinstance(shape, TextShape):
        return _text(shape, note)
    if isinstance(shape, ListShape):
        item = _shape(shape.item, note, definitions)
        items = {"type": "array", "items": item}
        return {"anyOf": [item, items]} if note.many else items
    if isinstance(shape, NamedShape):
        return {"type": "object", "additionalProperties": _shape(shape.item, note, definitions)}
    if isinstance(shape, RecordShape):
        return _reference(shape.cls, definitions)
    return _plain(shape, note)


def _text(shape: TextShape, note: Note) -> _Schema:
    """A number is taken as it is written where a text is expected, a word where a formula is."""
    if note.choices:
        # A plain `null` is the word where the word is one of the choices.
        return {"enum": [*note.choices, *([None] if "null" in note.choices else [])]}
    if note.pattern is not None:
        return {"type": "string", "pattern": f"^(?:{note.pattern})$"}
    if shape.cls is PathText:
        return {"type": "string"}
    return {"type": ["string", "number", *(["boolean"] if shape.cls is FormulaText else [])]}


_PLAIN: Mapping[type, _Schema] = {
    int: {"type": "integer"},
    Decimal: {"type": "number"},
    bool: {"type": "boolean"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    Duration: {"type": "string", "pattern": DURATION},
    Raw: {},
}


def _plain(shape: PlainShape, note: Note) -> _Schema:
    schema = dict(_PLAIN[shape.cls])
    if note.minimum is not None:
        schema["minimum"] = note.minimum
    if note.maximum is not None:
        schema["maximum"] = note.maximum
    return schema


def _reference(cls: type[Described], definitions: dict[str, _Schema]) -> _Schema:
    name = record_name(cls)
    if name not in definitions:
        definitions[name] = {}  # known before its fields are, for a record may hold its like
        record = _record(cls, definitions)
        definitions[name] = _with_shorthand(cls, record, definitions)
    return {"$ref": f"#/definitions/{name}"}


def _with_shorthand(cls: type[Described], record: _Schema, definitions: dict[str, _Schema]) -> _Schema:
    field = next((field for field in fields_of(cls) if field.name == cls.shorthand), None)
    if field is None:
        return record
    short = _shape(field.shape, field.note, definitions)
    return {"description": record["description"], "anyOf": [short, record]}


def record_name(cls: type[Described]) -> str:
    """How a record is called in schemas and pages: `StepDocument` is `step`."""
    words = re.findall(r"[A-Z][a-z0-9]*", cls.__name__.removesuffix("Document").removesuffix("Spec"))
    return "_".join(word.lower() for word in words)
