"""Versions of an event side by side: what comes as the earlier is made the newer, and the other way round.

What lives here: the ways between two versions, compiled, and which version a flow works. What does not: the
day on which a version ends (:mod:`engine.compile.check_versions`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from engine.compile import version_problems as problems
from engine.compile.collect_models import resolve_type
from engine.compile.compilation import Compilation, EarlierModel, EntityModel
from engine.language.compiled import EvaluationError
from engine.plan.plan import EarlierPlan, MappingPlan
from engine.source import Text
from engine.values.json_text import read_json, write_json
from engine.values.type import ANY, DecodeError, Type, decoder
from engine.values.value import Value
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.model import EarlierDocument, EventDocument


def name_of_event(text: str) -> str:
    """The event that a trigger names, without the version."""
    return str(text).partition("@")[0]


def build_versions(compilation: Compilation) -> None:
    """The earlier version of every event that has one."""
    for document in compilation.documents(EventDocument).values():
        if document.deprecates is not None:
            _build(compilation, document, document.deprecates)


def _build(compilation: Compilation, document: EventDocument, ends: EarlierDocument) -> None:
    name = str(document.name)
    earlier = f"{name}@{ends.version}"
    if ends.version >= document.version:
        compilation.report(problems.no_version_to_replace(document, ends.version, range(1, document.version)))
        return
    kind = resolve_type(compilation, ends.data)
    up = way(compilation, ends.up, ends.data, document.data)
    down = None if ends.down is None else way(compilation, ends.down, document.data, ends.data)
    if up is None or (down is None and ends.down is not None):
        return
    reads = _reads(compilation, earlier, ends.data, kind)
    plan = EarlierPlan(
        name=earlier,
        version=ends.version,
        raised=_raised(reads, up),
        lowered=None if down is None else _lowered(reads, down),
        up=up.name,
        down=None if down is None else down.name,
    )
    compilation.earlier[earlier] = EarlierModel(document=ends, type=kind, plan=plan)
    compilation.events[name] = replace(compilation.events[name], earlier=plan)


def way(compilation: Compilation, text: Text, taken: str, made: str) -> MappingPlan | None:
    """The mapping that leads from one version to another by itself; None, and a problem, when it is none."""
    document = compilation.documents(MappingDocument).get(str(text))
    if document is None:
        compilation.unknown("mapping", text, compilation.documents(MappingDocument))
    elif [*map(str, document.inputs.values())] != [str(taken)] or str(document.output) != str(made):
        compilation.report(problems.no_way(text, taken, made))
    elif any(_looks_up(entry) for entry in (*document.let.values(), *document.fields.values())):
        compilation.report(problems.way_that_asks(text))
    else:
        return compilation.mappings.get(str(text))
    return None


def _looks_up(entry: EntryDocument) -> bool:
    """Whether anything in an entry needs the id that a record has in another system."""
    keys = [] if entry.key is None else [*entry.key.columns.values()]
    return entry.xref is not None or any(_looks_up(one) for one in (*keys, *(entry.fields or {}).values()))


def _reads(compilation: Compilation, name: str, data: str, kind: Type) -> Callable[[Value], Value]:
    """Data of the earlier version as its type says, from JSON."""
    entity: EntityModel | None = compilation.entities.get(str(data))
    decode = decoder(kind)

    def reads(value: Value) -> Value:
        wrong = [] if entity is None else entity.schema.complaints(value)
        if wrong:
            raise EvaluationError(f"this is no {name}: {'; '.join(wrong)}")
        try:
            return value if decode is None else decode(value)
        except DecodeError as error:
            raise EvaluationError(f"this is no {name}: {error}") from error

    return reads


def _raised(reads: Callable[[Value], Value], up: MappingPlan) -> Callable[[Value], Value]:
    make, (taken,) = up.make, up.inputs

    def raised(value: Value) -> Value:
        return make({taken: reads(value)})

    return raised


def _lowered(reads: Callable[[Value], Value], down: MappingPlan) -> Callable[[Value], Value]:
    """What a flow is given is what came in as JSON would be, so that both are worked alike."""
    make, (taken,) = down.make, down.inputs

    def lowered(value: Value) -> Value:
        return reads(_as_json(make({taken: value})))

    return lowered


def _as_json(value: Value) -> Value:
    assert isinstance(value, Mapping)
    return read_json(write_json(value))


def triggered_by(compilation: Compilation, text: Text) -> tuple[Type, EarlierPlan | None]:
    """The type of what a trigger brings, and the version of the event where that is the earlier one."""
    name, _, version = str(text).partition("@")
    kind = compilation.event_types.get(name)
    if kind is None:
        compilation.unknown("event", text, compilation.event_types, name=name)
        return ANY, None
    current = compilation.events[name].version
    if version in ("", str(current)):
        return kind, None
    earlier = compilation.earlier.get(str(text))
    if earlier is not None and earlier.plan.lowered is not None:
        return earlier.type, earlier.plan
    ends = compilation.documents(EventDocument)[name].deprecates
    if ends is None or str(ends.version) != version:
        compilation.report(problems.no_such_version(text, name, current))
    elif ends.down is None:
        compilation.report(problems.no_way_down(text, f"{name}@{current}"))
    return ANY, None  # of a way that is wrong, its own document was told
