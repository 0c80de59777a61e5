"""Versions of entities and events that end: until its day a warning for who still uses one, then an error."""

from collections.abc import Iterator

from engine.compile import version_problems as problems
from engine.compile.build_versions import name_of_event, way
from engine.compile.compilation import Compilation, EarlierModel
from engine.source import Text
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.model import DeprecatesDocument, EntityDocument, EventDocument
from engine.workspace.kinds.policy import PolicyDocument


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
