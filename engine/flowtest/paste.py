"""What to paste into a test that does not answer a call: the smallest answer that the schema allows."""

from collections.abc import Mapping

from engine.flowtest.yaml_text import flow
from engine.values.type import Enum, Listing, Record, Scalar, Type
from engine.values.value import Value

MOST = 6  # fields of a record of which none has to be there
DEEPEST = 4

_SAMPLES: Mapping[str, Value] = {
    "string": "...",
    "integer": 1,
    "decimal": 1,
    "boolean": True,
    "date": "2026-01-31",
    "datetime": "2026-01-31T12:00:00Z",
    "null": None,
}


def to_answer(name: str, kind: Type) -> str:
    """`erp.project: {id: "...", status: open}`."""
    return f"{name}: {flow(_sample(kind, 0))}"


def to_expect(name: str, payload: Value) -> str:
    """`erp.time_bill: {hours: 8}`."""
    return f"{name}: {flow(payload)}"


def _sample(kind: Type, depth: int) -> Value:
    match kind:
        case Scalar(name=name):
            return _SAMPLES[name]
        case Enum(values=values):
            return values[0] if values else "..."
        case Listing(item=item):
            return [_sample(item, depth + 1)] if depth < DEEPEST else []
        case Record(fields=fields):
            needed = [name for name, field in fields.items() if field.required] or list(fields)[:MOST]
            return {name: _sample(fields[name].type, depth + 1) for name in needed if depth < DEEPEST}
        case _:
            return {} if depth == 0 else "..."
