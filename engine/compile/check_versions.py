"""Versions of entities and events that end: until its day a warning for who still uses one, then an error."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from engine.compile import version_problems as problems
from engine.compile.build_mappings import lineage_of
from engine.compile.build_versions import name_of_event, way
from engine.compile.compilation import Compilation, EarlierModel
from engine.compile.expressions import Expressions
from engine.source import Text
from engine.values.type import Enum, Record
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.model import DeprecatesDocument, EarlierDocument, EntityDocument, EventDocument
from engine.workspace.kinds.policy import PolicyDocument

_Path: TypeAlias = tuple[str, ...]
_Made: TypeAlias = Mapping[_Path, Sequence[_Path]]
"""The fields that a mapping makes, each with the fields of its input that it reads for it."""


def check_versions(compilation: Compilation) -> None:
    """What a version replaces is there, the mapping between the two fits, and nobody uses what has ended."""
    for document in compilation.versions(EntityDocument):
        if document.deprecates is not None:
            _check(compilation, document, document.deprecates)
    for name, earlier in compilation.earlier.items():
        _check_event(compilation, name, earlier)


def _check_event(compilation: Compilation, name: str, earlier: EarlierModel) -> None:
    """Which flows still want the earlier version of an event, and which of its sources still make it."""
    called = name_of_event(name)
    event = compilation.documents(EventDocument)[called]
    newer, ends = f"{called}@{event.version}", earlier.document
    _check_lost(compilation, earlier)
    has_ended = compilation.today is not None and compilation.today > ends.until
    for flow in compilation.documents(FlowDocument).values():
        if flow.trigger.event == name:
            compilation.report(problems.version_ends(flow.trigger.event, newer, ends, has_ended=has_ended))
    for source in event.sources:
        made = compilation.mapping_types.get(str(source.map))
        if made is not None and made.output == earlier.type != compilation.event_types[called]:
            compilation.report(
                problems.version_ends(source.map, newer, ends, has_ended=has_ended, named=name)
            )


def _check_lost(compilation: Compilation, earlier: EarlierModel) -> None:
    """Which fields of the earlier version do not come back by `up` and `down`."""
    fields = earlier.type.fields if isinstance(earlier.type, Record) else {}
    ends = earlier.document
    for other in (text for text in ends.loses if str(text) not in fields):
        compilation.unknown("field", other, fields, of=str(ends.data))
    up = _made(compilation, ends.up)
    down = None if ends.down is None else _made(compilation, ends.down)
    lost = {
        name: why
        for name, field in fields.items()
        if name not in ends.loses
        and not (isinstance(field.type, Enum) and len(field.type.values) == 1)
        and (why := _why_lost((name,), ends, up, down))
    }
    if lost:
        compilation.report(problems.fields_lost(ends.data, lost))


def _made(compilation: Compilation, text: Text) -> _Made:
    document = compilation.documents(MappingDocument)[str(text)]
    found = lineage_of(Expressions(compilation), document).flat()
    return {tuple(name.split(".")): [one.path for one in origins] for name, origins in found.items()}


def _why_lost(field: _Path, ends: EarlierDocument, up: _Made, down: _Made | None) -> str:
    """Why a field does not come back; nothing when it does, as far as what is read and made can tell."""
    becomes = [made for made, read in up.items() if any(_meet(field, one) for one in read)]
    if not becomes:
        return f"of which `{ends.up}` makes nothing"
    if down is None:
        return ""
    sources = [one for made, read in down.items() if _meet(field, made) for one in read]
    if any(_meet(one, made) for one in sources for made in becomes):
        return ""
    said = "of something else" if any(_meet(field, made) for made in down) else "not at all"
    return f"which `{ends.down}` makes {said}"


def _meet(one: _Path, other: _Path) -> bool:
    """Whether one is the other, or a part of it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _check(compilation: Compilation, document: EntityDocument, ends: DeprecatesDocument) -> None:
    older, newer = (f"canonical/{document.name}@{version}" for version in (ends.version, document.version))
    known = [one for one in compilation.versions(EntityDocument) if one.name == document.name]
    if ends.version >= document.version or ends.version not in {one.version for one in known}:
        earlier = [one.version for one in known if one.version < document.version]
        compilation.report(problems.no_version_to_replace(document, ends.version, earlier))
        return
    if ends.up is not None:
        way(compilation, ends.up, older, newer)
    has_ended = compilation.today is not None and compilation.today > ends.until
    for text in _users(compilation, older, newer):
        compilation.report(problems.version_ends(text, newer, ends, has_ended=has_ended))


def _users(compilation: Compilation, older: str, newer: str) -> Iterator[Text]:
    """Where the older version is named, but for the mappings between the two."""
    for event in compilation.documents(EventDocument).values():
        yield from _named([event.data], older)
    for mapping in compilation.documents(MappingDocument).values():
        texts = [*mapping.inputs.values(), mapping.output]
        if newer not in texts:
            yield from _named(texts, older)
    for policy in compilation.documents(PolicyDocument).values():
        yield from _named([*policy.inputs.values()], older)


def _named(texts: list[Text], older: str) -> Iterator[Text]:
    return (text for text in texts if text == older)
