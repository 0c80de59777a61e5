"""Events as the runtime needs them: identity, order, time."""

from collections.abc import Callable, Mapping
from datetime import date, datetime

from engine.compile import problems
from engine.compile.body import Body
from engine.compile.collect_models import resolve_type
from engine.compile.compilation import Compilation
from engine.compile.convert import conversion
from engine.compile.expressions import Expressions
from engine.compile.fit import refuses
from engine.language.compiled import Compiled, EvaluationError
from engine.plan.plan import EventPlan
from engine.spec.field import PathText
from engine.values.json_text import instant_text
from engine.values.keys import as_key
from engine.values.type import DATETIME, Listing, Record, Type, decoder, describe
from engine.values.value import Value
from engine.workspace.kinds.model import EventDocument


def build_events(compilation: Compilation) -> None:
    """Every event as the runtime needs it."""
    for document in compilation.documents(EventDocument).values():
        name = str(document.name)
        kind = resolve_type(compilation, document.data)
        compilation.event_types[name] = kind
        compilation.events[name] = _event(compilation, document, kind)


def _event(compilation: Compilation, document: EventDocument, kind: Type) -> EventPlan:
    expressions = Expressions(compilation)
    name = str(document.name)

    def path(text: PathText, title: str) -> Compiled:
        body = Body(compilation, expressions, {"data": kind})
        found = body.expression(text)
        if title == "at" and refuses(DATETIME, found.type):
            compilation.report(problems.no_instant(text, describe(found.type)))
        elif isinstance(found.type, Record | Listing):
            compilation.report(problems.other_type_found(text, "a plain value", describe(found.type)))
        if title.startswith("identity") and found.nullable and not found.unsure:
            compilation.report(problems.identity_may_be_null(text))
        return body.build(f"{name} {title}", str(text), found.atom)

    identity = [path(text, f"identity {number}") for number, text in enumerate(document.identity)]
    entity = compilation.entities.get(str(document.data))
    return EventPlan(
        name=name,
        version=document.version,
        identity=_identity(name, identity),
        order_key=_order_key(None if document.order_by is None else path(document.order_by, "order")),
        at=_at(None if document.at is None else path(document.at, "at")),
        complaints=entity.schema.complaints if entity else _no_complaints,
        decode=decoder(kind),
        entity=entity.name if entity else None,
        entity_key=entity.key if entity else "id",
        keep=entity.keep if entity else "none",
    )


def _no_complaints(value: Value) -> list[str]:
    del value
    return []


def _part(value: Value, text: str) -> str:
    """One part of an identity, with the separator escaped: no two identities read the same."""
    if type(value) is str and ":" not in value and "%" not in value:
        return value
    if value is None:
        raise EvaluationError("a part of the identity is missing", text=text)
    if isinstance(value, datetime):
        value = instant_text(value)
    elif isinstance(value, date):
        value = value.isoformat()
    elif isinstance(value, list | Mapping):
        raise EvaluationError("a part of the identity is not a plain value", text=text)
    return str(value).replace("%", "%25").replace(":", "%3A")


def _identity(name: str, parts: list[Compiled]) -> Callable[[Value], str]:
    def identity(data: Value) -> str:
        scope = {"data": data}
        found = ":".join([name, *[_part(part.call(scope), part.text) for part in parts]])
        key = as_key(found)
        return found if key is found else f"{name}:{key.removeprefix('sha256:')}"

    return identity


def _order_key(path: Compiled | None) -> Callable[[Value], str | None]:
    if path is None:
        return _no_key

    def order_key(data: Value) -> str | None:
        value = path.call({"data": data})
        return None if value is None else as_key(_part(value, path.text))

    return order_key


def _no_key(data: Value) -> None:
    del data


def _at(path: Compiled | None) -> Callable[[Value], datetime | None]:
    if path is None:
        return _no_key
    made = conversion("datetime", "half_even")
    assert made is not None

    def at(data: Value) -> datetime | None:
        value = path.call({"data": data})
        found = None if value is None else made.call(value)
        assert found is None or isinstance(found, datetime)
        return found

    return at
