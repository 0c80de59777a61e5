"""Entities, and the records of connectors, to types and schemas."""

import re
import warnings
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import PurePosixPath
from typing import cast

from engine.compile import problems
from engine.compile.body import Body
from engine.compile.check_files import check_files
from engine.compile.compilation import Compilation, EntityModel
from engine.compile.expressions import Expressions
from engine.connect.connector_plan import ConnectorPlan, build_connector
from engine.connect.connector_spec import ConnectorSpec
from engine.connect.template import TemplateError
from engine.errors import InputError
from engine.language.compiled import Compiled
from engine.source import Text
from engine.values import schema as schemas
from engine.values import type as types
from engine.values.json_text import JsonError, read_json
from engine.values.type import ANY, Field, Record, Type
from engine.values.value import Value
from engine.workspace.files import FileUnreadable
from engine.workspace.kinds.model import EntityDocument, FieldDocument
from engine.workspace.kinds.reference import ConnectionDocument

CHECK_FIELDS: Mapping[str, Field] = {
    **{
        name: Field(type=types.Listing(item=types.STRING), required=True)
        for name in ("fired", "held", "rolled", "rejected", "released", "notes")
    },
    "route": Field(type=types.STRING, required=True, nullable=True),
    "cycle": Field(
        type=Record(
            name="cycle",
            fields={
                "name": Field(type=types.STRING, required=True),
                "start": Field(type=types.DATE, required=True),
                "end": Field(type=types.DATE, required=True),
                "cutoff": Field(type=types.DATETIME, required=True),
            },
        ),
        required=True,
        nullable=True,
    ),
    "reasons": Field(type=Record(name="reasons", open=True), required=True),
}
CHECK = Record(name="check", fields=CHECK_FIELDS, open=True)
RECEIPT = Record(
    name="receipt", fields={"id": Field(type=types.STRING, required=True, nullable=True)}, open=True
)
# What steps give that no schema describes, by the names under which mappings and policies take it.
TICK = Record(
    name="schedule",
    fields={
        "name": Field(type=types.STRING, required=True),
        "scheduled_at": Field(type=types.DATETIME, required=True),
        "previous_at": Field(type=types.DATETIME, required=True, nullable=True),
        "on": Field(type=types.DATE, required=True),
    },
)
"""What a schedule brings: when it is due, when it was due before, and the day in its zone."""
STEP_RESULTS: Mapping[str, Record] = {"check": CHECK, "receipt": RECEIPT, "schedule": TICK}


def collect_entities(compilation: Compilation) -> None:
    """Every entity, as type and as JSON Schema."""
    for document in compilation.versions(EntityDocument):
        name = f"canonical/{document.name}@{document.version}"
        fields = {str(key): _field(compilation, field) for key, field in document.fields.items()}
        if str(document.key) not in fields:
            _report_key(compilation, document, fields, name)
        kind = Record(name=name, fields=fields, open=document.open)
        compilation.types[name] = kind
        compilation.entities[name] = EntityModel(
            name=str(document.name),
            version=document.version,
            type=kind,
            schema=_checked(compilation, document, kind),
            key=str(document.key),
            keep=str(document.keep),
        )


def _report_key(
    compilation: Compilation, document: EntityDocument, fields: Mapping[str, Field], name: str
) -> None:
    """A key that is no field; one that is left out was written by nobody."""
    key: str = document.key
    if isinstance(key, Text):
        compilation.unknown("field", key, fields, of=name)
    else:
        compilation.report(problems.no_key_field(document.name, fields))


def _checked(compilation: Compilation, document: EntityDocument, kind: Record) -> schemas.CheckedSchema:
    try:
        return schemas.checked_schema(record_schema(document.fields, is_open=document.open), kind.name, kind)
    except schemas.SchemaUnusable as error:
        place, why = next(_guilty(document), (document.name, str(error)))
        compilation.report(problems.unusable_entity(place, document.name, why))
        return schemas.checked_schema({}, kind.name)


def _guilty(document: EntityDocument) -> Iterator[tuple[Text, str]]:
    """The fields that alone make a schema unusable, each with the reason."""
    for name, field in document.fields.items():
        try:
            schemas.checked_schema(_schema(field), str(name))
        except schemas.SchemaUnusable as error:
            if field.pattern is not None:
                yield field.pattern, f"`{field.pattern}` {_unfit(field.pattern)}"
            else:
                yield name, str(error)


_LOOKS = re.compile(r"\(\?<?[=!]|\\[1-9]|\(\?P=")


def _unfit(pattern: str) -> str:
    if _LOOKS.search(pattern):
        return "looks ahead, behind or back at a group, which could take without end"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of sets that Python may read otherwise one day
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return "is no regular expression"
    return "is too large a regular expression"


def _field(compilation: Compilation, document: FieldDocument) -> Field:
    return Field(
        type=_type(compilation, document),
        required=document.required,
        nullable=document.nullable,
        about=str(document.about or ""),
    )


def _type(compilation: Compilation, document: FieldDocument) -> Type:
    texts = [raw.value for raw in document.enum if isinstance(raw.value, str)]
    if texts and len(texts) == len(document.enum):
        return types.Enum(values=tuple(texts))
    if document.const is not None and isinstance(document.const.value, str):
        return types.Enum(values=(document.const.value,))
    if document.ref is not None:
        known = compilation.documents(EntityDocument)
        if str(document.ref) not in known:
            compilation.unknown("entity", document.ref, known)
        return types.STRING
    name = str(document.type or "any")
    if name == "list":
        items = document.items
        if items is None:
            return types.Listing(item=ANY)
        return types.Listing(item=_type(compilation, items), nullable=items.nullable)
    if name == "record":
        fields = {str(key): _field(compilation, field) for key, field in document.fields.items()}
        return Record(name="", fields=fields, open=not fields)
    return _plain_type(document, name)


def _plain_type(document: FieldDocument, name: str) -> Type:
    """The type of a name, with what the field says beside it."""
    match name:
        case "string" if document.max_length is not None:
            return types.Scalar(name="string", longest=document.max_length)
        case "decimal" if document.decimals is not None:
            return types.Scalar(name="decimal", decimals=document.decimals)
        case "money" if document.currency is not None:
            return types.money_in(str(document.currency))
        case _:
            return types.SCALARS[name]


def record_schema(fields: Mapping[Text, FieldDocument], *, is_open: bool) -> dict[str, Value]:
    """The JSON Schema of a record with these fields, with what is checked and nothing else."""
    found: dict[str, Value] = {
        "type": "object",
        "properties": {str(name): _schema(field) for name, field in fields.items()},
        "required": [str(name) for name, field in fields.items() if field.required],
    }
    return found if is_open else {**found, "additionalProperties": False}


_JSON_TYPES: Mapping[str, str] = {
    "string": "string",
    "integer": "integer",
    "decimal": "number",
    "boolean": "boolean",
    "date": "string",
    "datetime": "string",
    "money": "object",
    "record": "object",
    "list": "array",
}
_MONEY: Mapping[str, Value] = {
    "properties": {"amount": {"type": "number"}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}},
    "required": ["amount", "currency"],
    "additionalProperties": False,
}


def _money_in(currency: str) -> Mapping[str, Value]:
    parts = cast("Mapping[str, Value]", _MONEY["properties"])
    return {**_MONEY, "properties": {**parts, "currency": {"const": currency}}}


def _schema(document: FieldDocument) -> dict[str, Value]:
    name = "string" if document.ref is not None else str(document.type or "any")
    found: dict[str, Value] = {"type": _JSON_TYPES[name]} if name in _JSON_TYPES else {}
    bounds = {
        "minimum": document.min,
        "maximum": document.max,
        "minLength": document.min_length,
        "maxLength": document.max_length,
        "pattern": None if document.pattern is None else str(document.pattern),
        "const": None if document.const is None else document.const.value,
        "enum": [raw.value for raw in document.enum] or None,
    }
    found.update({key: value for key, value in bounds.items() if value is not None})
    if name == "money":
        found.update(_MONEY if document.currency is None else _money_in(str(document.currency)))
    if document.decimals is not None:
        found["multipleOf"] = Decimal(1).scaleb(-document.decimals)
    if name == "record" and document.fields:
        # Nested records are open: a field more inside one is news, not an error.
        found.update(record_schema(document.fields, is_open=True))
    if document.items is not None:
        found["items"] = _schema(document.items)
    return _or_null(found) if document.nullable else found


def _or_null(schema: dict[str, Value]) -> dict[str, Value]:
    """The same schema, with null allowed."""
    found = dict(schema)
    if "type" in found:
        found["type"] = [found["type"], "null"]
    if isinstance(found.get("enum"), list):
        found["enum"] = [*cast("list[Value]", found["enum"]), None]
    if "const" in found:
        found["enum"] = [found.pop("const"), None]
    return found


def collect_connectors(compilation: Compilation) -> None:
    """Every connector made ready, its records as types, and the operations of every connection."""
    for spec in compilation.documents(ConnectorSpec).values():
        plan = _connector(compilation, spec)
        _check_webhooks(compilation, spec)
        check_files(compilation, spec)
        if plan is not None:
            compilation.connectors[plan.name] = plan
            _take_types(compilation, plan)
    for connection in compilation.documents(ConnectionDocument).values():
        found = compilation.connectors.get(str(connection.connector))
        if found is None:
            compilation.unknown("connector", connection.connector, _connectors_known(compilation))
            compilation.spoiled.add(("connection", str(connection.name)))
            continue
        for name, operation in found.operations.items():
            compilation.operations[f"{connection.name}.{name}"] = operation


def _check_webhooks(compilation: Compilation, spec: ConnectorSpec) -> None:
    """A delivery that nobody signed is believed only at an address that nobody can guess."""
    for name, source in spec.sources.items():
        webhook = source.webhook
        if webhook is not None and webhook.signature == "none" and webhook.url_key is None:
            compilation.report(problems.open_webhook(webhook.signature, str(name)))


def _connectors_known(compilation: Compilation) -> list[str]:
    """Those that the workspace has, and those that are installed."""
    installed = (PurePosixPath(mount).name for mount in compilation.workspace.files.mounts)
    return sorted({*compilation.connectors, *installed})


class _SchemaFiles:
    """Reads the schema files of a manifest, and knows which it read last: an error is about that one."""

    def __init__(self, compilation: Compilation, spec: ConnectorSpec) -> None:
        self._compilation = compilation
        self._spec = spec
        self.place: Text = spec.connector

    def __call__(self, file: str) -> schemas.Schema:
        self.place = _said(self._spec, file)
        found = read_json(self._compilation.read(self._spec.connector, file))
        if not isinstance(found, Mapping):
            raise InputError(f"`{file}` is no JSON Schema")
        return found


def _connector(compilation: Compilation, spec: ConnectorSpec) -> ConnectorPlan | None:
    def compiled(text: Text, names: Mapping[str, Type]) -> Compiled:
        return Body(compilation, Expressions(compilation), names).compiled(
            f"connector {spec.connector}", text
        )

    files = _SchemaFiles(compilation, spec)
    try:
        return build_connector(spec, files, compile_path=compiled, compile_formula=compiled)
    except (schemas.SchemaUnusable, InputError, JsonError, FileUnreadable) as error:
        place, why = files.place, str(error)
    except (TemplateError, re.error) as error:
        place, why = spec.connector, str(error)
    compilation.report(problems.unusable_connector(place, str(spec.connector), why))
    compilation.spoiled.add(("connector", str(spec.connector)))
    return None


def _said(spec: ConnectorSpec, file: str) -> Text:
    """Where a manifest names a schema file."""
    named = [text for item in spec.operations.values() for text in (item.input, item.output)]
    texts = [*named, *(item.output for item in spec.sources.values())]
    return next((text for text in texts if text is not None and str(text) == file), spec.connector)


def _take_types(compilation: Compilation, plan: ConnectorPlan) -> None:
    """The records of a connector by the names of their types."""
    found = [
        schema for operation in plan.operations.values() for schema in (operation.input, operation.output)
    ]
    for schema in (*found, *(source.output for source in plan.sources.values())):
        if schema is not None:
            compilation.types[schema.name] = schema.type


def resolve_type(compilation: Compilation, text: Text) -> Type:
    """The type that a name means: `canonical/time_entry@2`, `netsuite/job@2025.1`, `check`, `string`, ..."""
    name = str(text)
    if name in STEP_RESULTS:
        return STEP_RESULTS[name]
    if name in types.SCALARS:
        return types.SCALARS[name]
    if name == "record":
        return Record(name="", open=True)
    found = compilation.types.get(name)
    if found is None:
        compilation.unknown("type", text, [*compilation.types, *types.SCALARS, *STEP_RESULTS, "record"])
        return ANY
    return found
