"""The JSON Schemas of entities as other systems are given them: with what fields mean and who owns them."""

from collections.abc import Mapping

from engine.compile.collect_models import record_schema
from engine.source import Text
from engine.values.value import Value
from engine.workspace.kinds.model import EntityDocument, FieldDocument

_FORMATS = {"date": "date", "datetime": "date-time"}


def published_schema(document: EntityDocument) -> dict[str, Value]:
    """The schema of an entity in one version, in draft 2020-12.

    What JSON Schema has no word for stands under `x-`: the system of record, and whether it is personal data.
    """
    schema: dict[str, Value] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{document.entity} version {document.version}",
    }
    if document.about is not None:
        schema["description"] = str(document.about)
    if document.system_of_record is not None:
        schema["x-system-of-record"] = str(document.system_of_record)
    schema.update(record_schema(document.fields, is_open=document.open))
    _describe(schema, document.fields)
    return schema


def _describe(schema: dict[str, Value], fields: Mapping[Text, FieldDocument]) -> None:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    for name, field in fields.items():
        found = properties[str(name)]
        assert isinstance(found, dict)
        _say(found, field)


def _say(schema: dict[str, Value], field: FieldDocument) -> None:
    if field.about is not None:
        schema["description"] = str(field.about)
    if str(field.type) in _FORMATS:
        schema["format"] = _FORMATS[str(field.type)]
    if field.system_of_record is not None:
        schema["x-system-of-record"] = str(field.system_of_record)
    if field.personal:
        schema["x-personal"] = True
    if field.fields and isinstance(schema.get("properties"), dict):
        _describe(schema, field.fields)
    items = schema.get("items")
    if field.items is not None and isinstance(items, dict):
        _say(items, field.items)
