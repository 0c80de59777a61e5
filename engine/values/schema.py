"""JSON Schema files: the type that one describes, and whether a value fulfils it.

Whether a file is a schema at all, whether a value fulfils it, and why not, comes from jsonschema-rs, which
is exact for Decimals and quick enough for a flood of bad records and of schemas. What it says of a value
holds no values, since those may be personal. References lead to places in the same file and nowhere else.
`format` is not asserted by either: dates and instants are checked by the decoder of the type, which accepts
what vendors really send.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias, cast

import jsonschema_rs

from engine.values.json_text import instant_text
from engine.values.type import (
    ANY,
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    STRING,
    DecodeError,
    Decoder,
    Enum,
    Field,
    Listing,
    Record,
    Scalar,
    Type,
    decoder,
    path_text,
)
from engine.values.value import Value, kind_of

Schema: TypeAlias = Mapping[str, Value]

MAX_COMPLAINTS = 5
MAX_SAID = 400  # characters of what is wrong with a schema


class SchemaUnusable(ValueError):
    """The text is no JSON Schema that Tidegate accepts; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSchema:
    """A schema made ready: its type, and what it says of a value."""

    name: str  # "netsuite/time_bill@2025.1"
    type: Type
    complaints: Callable[
        [Value], list[str]
    ]  # what is wrong with a value, in sentences; empty when nothing is
    decode: Decoder | None  # dates and instants from their text; None when the type has none


def checked_schema(schema: Schema, name: str, known: "Type | None" = None) -> CheckedSchema:
    """A schema made ready for use; its type is read from it, unless it is known.

    Raises:
        SchemaUnusable: when it is no schema, or refers to another file.

    """
    kind = type_from_schema(schema, name) if known is None else known
    decode = decoder(kind)
    return CheckedSchema(name=name, type=kind, complaints=_complaints(schema, decode), decode=decode)


def type_from_schema(schema: Schema, name: str) -> Type:
    """The type that a schema describes; ANY for what types cannot say.

    Raises:
        SchemaUnusable: when it refers to another file, or to itself without end.

    """
    return _Reader(schema).type_of(schema, name, 0)


def record_type(schema: Schema, name: str) -> Record:
    """The record that a schema describes.

    Raises:
        SchemaUnusable: when it describes something else.

    """
    kind = type_from_schema(schema, name)
    if not isinstance(kind, Record):
        raise SchemaUnusable(f"{name}: the schema describes no record (`type: object`)")
    return kind


MAX_NESTING = 32


@dataclass(frozen=True, slots=True)
class _Reader:
    root: Schema

    def type_of(self, schema: Value, name: str, depth: int) -> Type:
        schema = self.resolved(schema, depth)
        if isinstance(schema.get("const"), str):
            return Enum(values=(str(schema["const"]),))
        if "enum" in schema and all(isinstance(item, str | None) for item in _list(schema["enum"])):
            return Enum(values=tuple(item for item in _list(schema["enum"]) if isinstance(item, str)))
        match self.kinds(schema):
            case ("object",):
                return self.record(schema, name, depth)
            case ("array",):
                items = schema.get("items", {})
                return Listing(item=self.type_of(items, "", depth + 1), nullable=self.nullable(items))
            case ("string",):
                return _STRINGS.get(str(schema.get("format"))) or _text(schema.get("maxLength"))
            case ("number",):
                return _decimal(schema.get("multipleOf"))
            case (one,) if one in _PLAIN:
                return _PLAIN[one]
            case _:
                return ANY

    def resolved(self, schema: Value, depth: int) -> Schema:
        if depth > MAX_NESTING:
            raise SchemaUnusable(f"a schema is nested deeper than {MAX_NESTING} levels, or refers to itself")
        if not isinstance(schema, Mapping):
            return {}
        if "$ref" in schema:
            return self.resolved(self.target(str(schema["$ref"])), depth + 1)
        branches = [item for item in _list(schema.get("anyOf")) if item != {"type": "null"}]
        return self.resolved(branches[0], depth + 1) if len(branches) == 1 else schema

    def target(self, reference: str) -> Value:
        if not reference.startswith("#"):
            raise SchemaUnusable(
                f"{reference!r} is in another file; only references within one (#/...) are followed"
            )
        found: Value = self.root
        for part in reference.removeprefix("#").strip("/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or key not in found:
                raise SchemaUnusable(f"{reference!r} leads nowhere")
            found = found[key]
        return found

    @staticmethod
    def kinds(schema: Schema) -> tuple[str, ...]:
        written = schema.get("type", "object" if "properties" in schema else None)
        return tuple(str(kind) for kind in _list(written) if kind != "null")

    def record(self, schema: Schema, name: str, depth: int) -> Record:
        properties = schema.get("properties")
        required = _list(schema.get("required"))
        fields = {
            key: Field(
                type=self.type_of(inner, "", depth + 1),
                required=key in required,
                nullable=self.nullable(inner),
                about=str(inner.get("description", "")) if isinstance(inner, Mapping) else "",
            )
            for key, inner in (properties.items() if isinstance(properties, Mapping) else ())
        }
        return Record(name=name, fields=fields, open=schema.get("additionalProperties") is not False)

    def nullable(self, schema: Value) -> bool:
        if not isinstance(schema, Mapping):
            return True
        if "$ref" in schema:
            return self.nullable(self.target(str(schema["$ref"])))
        if {"type": "null"} in _list(schema.get("anyOf")) or None in _list(schema.get("enum") or []):
            return True
        return "null" in _list(schema.get("type")) or schema.keys().isdisjoint(
            {"type", "enum", "const", "properties"}
        )


def _list(value: Value) -> Sequence[Value]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _text(longest: Value) -> Type:
    return Scalar(name="string", longest=longest) if type(longest) is int else STRING


def _decimal(step: Value) -> Type:
    if isinstance(step, Decimal) and step.normalize().as_tuple().digits == (1,):
        return Scalar(name="decimal", decimals=max(0, -int(step.normalize().as_tuple().exponent)))
    return DECIMAL


_STRINGS: Mapping[str, Type] = {"date": DATE, "date-time": DATETIME}
_PLAIN: Mapping[str, Type] = {"integer": INTEGER, "boolean": BOOLEAN}


def references(schema: Value) -> Iterable[str]:
    """Every `$ref` in a schema, wherever it stands."""
    stack = [schema]
    while stack:
        item = stack.pop()
        if type(item) is str or type(item) is bool:  # as most are: to ask for what is abstract takes long
            continue
        if isinstance(item, Mapping):
            stack.extend(item.values())
            if isinstance(reference := item.get("$ref"), str):
                yield reference
        elif isinstance(item, list | tuple):
            stack.extend(item)


def _complaints(schema: Schema, decode: Decoder | None) -> Callable[[Value], list[str]]:
    referring = list(references(schema))
    for reference in referring:
        if not reference.startswith("#"):
            raise SchemaUnusable(
                f"{reference!r} is in another file; only references within one (#/...) are followed"
            )
    whole = _validator(schema)
    quick: Callable[[Value], bool] | None = None
    bounds: tuple[_Bound, ...] = ()

    def complaints(value: Value) -> list[str]:
        nonlocal quick, bounds
        if quick is None:  # a workspace that is only checked never needs it
            bounds = () if referring else tuple(_bounds(schema))
            quick = _validator(_unbounded(schema)).is_valid if bounds else whole.is_valid
        plain = value if decode is None else _plain(value)
        if quick(plain) and (not bounds or _within(bounds, plain)):
            return [] if decode is None else _undecodable(decode, value)
        return _explain(whole, plain)

    return complaints


_Bound: TypeAlias = tuple[tuple[str, ...], Decimal | int, Decimal | int]
_BOUNDS = ("minimum", "maximum")


def _bounds(schema: Value, path: tuple[str, ...] = ()) -> Iterator[_Bound]:
    """The bounds of numbers with a fraction: where, least, greatest.

    The library writes out a Decimal and reads it again for each of its bounds; Python only compares it.
    """
    if not isinstance(schema, Mapping):
        return
    if _has_bounds(schema):
        least, greatest = schema.get("minimum", -_ENDLESS), schema.get("maximum", _ENDLESS)
        yield path, cast("Decimal | int", least), cast("Decimal | int", greatest)
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, Mapping) else ():
        yield from _bounds(inner, (*path, name))


_ENDLESS = Decimal("Infinity")


def _has_bounds(schema: Mapping[str, Value]) -> bool:
    return "number" in _list(schema.get("type")) and any(key in schema for key in _BOUNDS)


def _unbounded(schema: Schema) -> dict[str, Value]:
    """The schema without what `_bounds` found in it."""
    made = {key: value for key, value in schema.items() if key not in _BOUNDS or not _has_bounds(schema)}
    if isinstance(properties := schema.get("properties"), Mapping):
        made["properties"] = {
            name: _unbounded(inner) if isinstance(inner, Mapping) else inner
            for name, inner in properties.items()
        }
    return made


def _within(bounds: Sequence[_Bound], value: Value) -> bool:
    for path, least, greatest in bounds:
        found = value
        for name in path:
            found = found.get(name) if type(found) is dict else None
        kind = type(found)
        if (kind is Decimal or kind is int) and not least <= found <= greatest:  # type: ignore[operator]
            return False
    return True


# An engine whose time grows with the text and no faster; it looks neither ahead nor behind, nor at groups.
_PATTERNS = jsonschema_rs.RegexOptions()


def _validator(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    """What judges values; what it says of them does not quote them."""
    try:
        return jsonschema_rs.Draft202012Validator(
            dict(schema), validate_formats=False, pattern_options=_PATTERNS, mask="the value"
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise SchemaUnusable(f"this is no JSON Schema: {_unusable(schema)}"[:MAX_SAID]) from error


def _unusable(schema: Schema) -> str:
    """Why it is none, with what stands there: a schema is no secret."""
    try:
        jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=False, pattern_options=_PATTERNS)
    except jsonschema_rs.ValidationError as error:
        place = path_text(list(error.instance_path))
        return f"{place}: {error.message}" if place else error.message
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        return str(error)
    return "it cannot be read"


def _plain(value: Value) -> Value:
    """The value as JSON has it: dates and instants as text."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _undecodable(decode: Decoder, value: Value) -> list[str]:
    try:
        decode(value)
    except DecodeError as error:
        return [str(error)]
    return []


def _explain(fast: jsonschema_rs.Draft202012Validator, value: Value) -> list[str]:
    found = sorted(fast.iter_errors(value), key=lambda error: [str(part) for part in error.instance_path])
    return [_sentence(error) for error in found[:MAX_COMPLAINTS]] or ["does not fulfil its schema"]


def _sentence(error: jsonschema_rs.ValidationError) -> str:
    path = list(error.instance_path)
    match error.kind:
        case jsonschema_rs.ValidationErrorKind.Required(property=missing):
            return f"{path_text([*path, missing])}: is required and missing"
        case jsonschema_rs.ValidationErrorKind.Type(types=types):
            wanted = " or ".join(_KINDS.get(str(kind), str(kind)) for kind in types)
            found = kind_of(error.instance)
            return f"{path_text(path) or 'the record'}: expected {wanted}, found {found}"
        case jsonschema_rs.ValidationErrorKind.AdditionalProperties(unexpected=names):
            place = f"{path_text(path)}: " if path else ""
            several = len(names) > 1
            told = ", ".join(f"`{name}`"[:60] for name in names[:8])
            return f"{place}there {'are no fields' if several else 'is no field'} {told}"
        case _:
            return f"{path_text(path) or 'the record'}: {error.message[:300]}"


_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "string": "text",
        "integer": "whole number",
        "boolean": "true/false",
        "object": "record",
        "array": "list",
    }
)
"""The types of JSON Schema in the words of :func:`kind_of`."""
