"""What a workspace says: its documents by kind and name, decoded and unresolved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar, cast

from engine.problems import Collector
from engine.source import Source
from engine.spec.field import Document
from engine.workspace import problems
from engine.workspace.files import Files

D = TypeVar("D", bound=Document)

_Index = Mapping[str, Mapping[str, tuple[Document, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The documents of one folder. Nothing in it changes.

    ``broken`` holds kind and name of the documents that are there and could not be used; their mistakes
    are reported, so that nobody need report that the name is missing.
    """

    files: Files
    sources: tuple[Source, ...]
    documents: tuple[Document, ...]
    broken: frozenset[tuple[str, str]] = frozenset()
    index: _Index = field(repr=False)
    newest: Mapping[str, Mapping[str, Document]] = field(repr=False)

    def of(self, kind: type[D]) -> Mapping[str, D]:
        """The documents of a kind by name, in the order of files; of several versions, the newest."""
        return cast("Mapping[str, D]", self.newest.get(kind.kind, {}))

    def versions(self, kind: type[D], name: str) -> tuple[D, ...]:
        """The documents of a kind with one name, the newest version first."""
        return tuple(one for one in self._of(kind).get(name, ()) if isinstance(one, kind))

    def every(self, kind: type[D]) -> list[D]:
        """The documents of a kind, every version of them, in the order of files."""
        return [cast("D", one) for versions in self._of(kind).values() for one in versions]

    def is_broken(self, kind: type[Document], name: str) -> bool:
        """Whether there is such a document, with mistakes that were reported."""
        return (kind.kind, name) in self.broken

    def _of(self, kind: type[Document]) -> Mapping[str, tuple[Document, ...]]:
        return self.index.get(kind.kind, {})


def make_workspace(
    files: Files,
    sources: Iterable[Source],
    documents: Iterable[Document],
    broken: Iterable[tuple[str, str]],
    collector: Collector,
) -> Workspace:
    """A workspace of these documents; of two with one name the first stays and the other is reported."""
    index: dict[str, dict[str, tuple[Document, ...]]] = {}
    for document in documents:
        named = index.setdefault(document.kind, {})
        others = named.get(document.name, ())
        twin = next((other for other in others if _same(document, other)), None)
        if twin is not None:
            span, first = document.name.span, twin.name.span
            collector.add(problems.duplicate_document(span, document.kind, document.name, first))
            continue
        named[document.name] = tuple(sorted((*others, document), key=_newest_first))
    kept = (one for named in index.values() for versions in named.values() for one in versions)
    return Workspace(
        files=files,
        sources=tuple(sources),
        documents=tuple(kept),
        broken=frozenset(broken),
        index=MappingProxyType(index),
        newest=MappingProxyType(
            {
                kind: MappingProxyType({name: versions[0] for name, versions in named.items()})
                for kind, named in index.items()
            }
        ),
    )


def _same(document: Document, other: Document) -> bool:
    return not document.versions_coexist or document.version == other.version


def _newest_first(document: Document) -> int:
    return -document.version
