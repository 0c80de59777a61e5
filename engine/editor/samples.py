"""Sample values: what tests give as events and answers, by the types that these have.

Personal data is masked: a sample shows what form a value has, not whose it is.
"""

from collections.abc import Iterator, Mapping

from engine.compile.build_versions import name_of_event
from engine.editor.facts import Facts
from engine.editor.occurrence import ENTITY
from engine.source import Source
from engine.spec.field import Raw
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value
from engine.workspace.files import FileUnreadable
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.flow_test import FlowTestDocument, GivenDocument
from engine.workspace.kinds.model import EntityDocument, FieldDocument

FILE = "$file"
MASK = "•••"
MAX_SHOWN = 80
MAX_SAMPLES = 20  # of one type: the first that has a value is shown


class Samples:
    """The values that the tests of a workspace hold, read when first asked for."""

    def __init__(self, facts: Facts) -> None:
        """Nothing is read yet."""
        self._facts = facts
        self._by_type: dict[str, list[Value]] | None = None

    def of(self, type_name: str, path: tuple[str, ...]) -> str:
        """A sample of a field of a named type, as text; empty when no test has one."""
        if self._by_type is None:
            self._by_type = self._read()
        found = (_dig(value, path) for value in self._by_type.get(type_name, ()))
        value = next((one for one in found if one is not None), None)
        if value is None:
            return ""
        if self._is_personal(type_name, path):
            return MASK
        text = write_json(value).decode()
        return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"

    def _is_personal(self, type_name: str, path: tuple[str, ...]) -> bool:
        """Whether a field, or one around or inside it, is personal."""
        entity = self.entity(type_name)
        fields: Mapping[str, FieldDocument] = {} if entity is None else _by_name(entity.fields)
        if not path:
            return _any_personal(fields)
        for name in path:
            field = fields.get(name)
            if field is None:
                return False
            if field.personal:
                return True
            inner = field.items if field.items is not None else field
            fields = _by_name(inner.fields)
        return _any_personal(fields)

    def entity(self, type_name: str) -> EntityDocument | None:
        """The entity that a type is made of."""
        system, _, rest = type_name.partition("/")
        name, _, version = rest.partition("@")
        found = self._facts.look.workspace.versions(EntityDocument, name) if system == "canonical" else ()
        return next((one for one in found if str(one.version) == version), None)

    def field(self, type_name: str, path: tuple[str, ...]) -> FieldDocument | None:
        """A field of an entity, as it is described."""
        entity = self.entity(type_name)
        fields: Mapping[str, FieldDocument] = {} if entity is None else _by_name(entity.fields)
        found: FieldDocument | None = None
        for name in path:
            found = fields.get(name)
            if found is None:
                return None
            fields = _by_name((found.items or found).fields)
        return found

    def _read(self) -> dict[str, list[Value]]:
        found: dict[str, list[Value]] = {}
        for test in self._facts.look.workspace.documents:
            if isinstance(test, FlowTestDocument):
                for name, value in self._given(test):
                    known = found.setdefault(name, [])
                    if len(known) < MAX_SAMPLES:
                        known.extend(value if isinstance(value, list) else [value])
        return found

    def _given(self, test: FlowTestDocument) -> Iterator[tuple[str, Value]]:
        """What a test gives, each with the name of its type."""
        workspace, types = self._facts.look.workspace, self._facts.compilation.event_types
        if test.given is None:
            return
        if not test.flow:
            yield from self._inputs(test, test.given)
            return
        flow = workspace.of(FlowDocument).get(str(test.flow[0]))
        event = None if test.given.event is None else self._value(test.given.event)
        if flow is not None and isinstance(event, Mapping):
            yield _name_of(types.get(name_of_event(flow.trigger.event))), event.get("data")
        for stub, raw in test.given.stubs.items():
            connection, _, name = str(stub).partition(".")
            operation = self._facts.compilation.operations.get(str(stub))
            if connection == ENTITY:
                entity = workspace.of(EntityDocument).get(name)
                yield f"canonical/{name}@{entity.version if entity else 1}", self._value(raw)
            elif operation is not None and not operation.writes:
                yield _name_of(operation.gives), self._value(raw)

    def _inputs(self, test: FlowTestDocument, given: GivenDocument) -> Iterator[tuple[str, Value]]:
        """The inputs of a mapping or policy that is tested alone."""
        compilation = self._facts.compilation
        known = compilation.mapping_types if test.mapping is not None else compilation.policy_types
        signature = known.get(str(test.subject))
        for name, raw in given.stubs.items():
            if signature is not None and str(name) in signature.inputs:
                yield _name_of(signature.inputs[str(name)]), self._value(raw)

    def _value(self, raw: Raw) -> Value:
        return self._filled(raw.value, raw.span.source)

    def _filled(self, value: Value, beside: Source) -> Value:
        """A value of a test with its fixtures read; what cannot be read is null."""
        if isinstance(value, list):
            return [self._filled(item, beside) for item in value]
        if not isinstance(value, Mapping):
            return value
        filled = {key: self._filled(item, beside) for key, item in value.items() if key != FILE}
        return filled if FILE not in value else self._over(str(value[FILE]), beside, filled)

    def _over(self, name: str, beside: Source, replaced: Mapping[str, Value]) -> Value:
        try:
            found = read_json(self._facts.look.workspace.files.read_bytes(name, beside=beside))
        except (FileUnreadable, JsonError):
            return None
        return {**found, **replaced} if isinstance(found, Mapping) else found


def _by_name(fields: "Mapping[str, FieldDocument] | Mapping") -> Mapping[str, FieldDocument]:  # type: ignore[type-arg]
    return {str(name): field for name, field in fields.items()}


def _any_personal(fields: Mapping[str, FieldDocument]) -> bool:
    return any(
        field.personal or _any_personal(_by_name((field.items or field).fields)) for field in fields.values()
    )


def _name_of(kind: object) -> str:
    inner = getattr(kind, "item", kind)
    return str(getattr(inner, "name", ""))


def _dig(value: Value, path: tuple[str, ...]) -> Value:
    """The value that names lead to; of a list, in its first element that has one."""
    if isinstance(value, list):
        return next((one for item in value if (one := _dig(item, path)) is not None), None)
    if not path:
        return value
    return _dig(value.get(path[0]), path[1:]) if isinstance(value, Mapping) else None
