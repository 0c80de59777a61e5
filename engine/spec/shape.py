"""The shapes that type hints stand for: what decoder, JSON Schema and reference page have in common.

What lives here: reading the hints and notes of a described dataclass. What does not: decoding.
"""

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

from engine.source import Text
from engine.spec.field import Described, Duration, Note, Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShape:
    """A text, of this class."""

    cls: type[Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainShape:
    """One of int, Decimal, bool, date, datetime, Duration and Raw."""

    cls: type


@dataclass(frozen=True, slots=True, kw_only=True)
class ListShape:
    """A list of items of one shape."""

    item: "Shape"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedShape:
    """Named items of one shape, in the order of writing."""

    item: "Shape"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordShape:
    """A described dataclass; its fields are those of :func:`fields_of`."""

    cls: type[Described]


Shape: TypeAlias = TextShape | PlainShape | ListShape | NamedShape | RecordShape

PLAIN: tuple[type, ...] = (int, Decimal, bool, date, datetime, Duration, Raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldShape:
    """One key of a record."""

    name: str  # the attribute
    key: str  # the key in YAML
    note: Note
    shape: Shape
    required: bool
    default: Any  # None where it is required, or where leaving it out means nothing


def fields_of(cls: type[Described]) -> tuple[FieldShape, ...]:
    """The keys of a record, in the order in which they are described, its own before those of all documents.

    Raises:
        TypeError: for a field that has no note, or a hint that stands for no shape.

    """
    return _fields_of(cast("type", cls))


@cache
def _fields_of(cls: type) -> tuple[FieldShape, ...]:
    hints = get_type_hints(cls)
    inherited = {field.name for base in cls.__mro__[1:] for field in _own_fields(base)}
    described = [field for field in dataclasses.fields(cls) if field.name not in {"span", "keys"}]
    described.sort(key=lambda field: field.name in inherited)
    return tuple(_field_shape(cls, field, hints[field.name]) for field in described)


def _own_fields(base: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(base) if dataclasses.is_dataclass(base) else ()


def _field_shape(cls: type, field: "dataclasses.Field[Any]", hint: object) -> FieldShape:
    note = field.metadata.get("note")
    if not isinstance(note, Note):
        raise TypeError(f"{cls.__name__}.{field.name} has no note")
    factory = field.default_factory
    default = factory() if factory is not dataclasses.MISSING else field.default
    required = default is dataclasses.MISSING
    return FieldShape(
        name=field.name,
        key=note.key or field.name,
        note=note,
        shape=shape_of(hint),
        required=required,
        default=None if required else default,
    )


def shape_of(hint: object) -> Shape:
    """The shape that a type hint stands for.

    Raises:
        TypeError: when it stands for none.

    """
    origin, args = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return shape_of(*(arg for arg in args if arg is not type(None)))
    if origin is tuple:
        return ListShape(item=shape_of(args[0]))
    if origin is Mapping:
        return NamedShape(item=shape_of(args[1]))
    if isinstance(hint, type) and issubclass(hint, Described):
        return RecordShape(cls=hint)
    if isinstance(hint, type) and issubclass(hint, Text):
        return TextShape(cls=hint)
    if hint in PLAIN:
        return PlainShape(cls=hint)
    raise TypeError(f"{hint!r} stands for no shape of a field")
