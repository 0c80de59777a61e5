"""All documents of a workspace with what they name, made anew only for files that changed."""

from collections.abc import Iterable, Iterator, Mapping

from engine.editor.facts import Facts
from engine.editor.occurrence import Occurrence, expression_occurrences, written_occurrences
from engine.editor.outline import Kinds, Outline, child, outlines, text_of
from engine.editor.symbol import Symbol
from engine.source import Source


class FileIndex:
    """What one file holds."""

    def __init__(self, source: Source, kinds: Kinds) -> None:
        """Read a file."""
        self.source = source
        self.outlines = outlines(source, kinds)
        self.written = tuple(one for outline in self.outlines for one in written_occurrences(outline))


class Index:
    """The files of a workspace."""

    def __init__(self, kinds: Kinds) -> None:
        """Begin with none."""
        self.kinds = kinds
        self.files: dict[str, FileIndex] = {}
        self._connectors: Mapping[str, str] | None = None  # found when first asked for
        self._systems: Mapping[str, Outline] | None = None

    def following(self, sources: Iterable[Source]) -> "Index":
        """The index of the files as they are now; this one stays as it is."""
        found = Index(self.kinds)
        found.files = {source.name: self.file(source) for source in sources}
        return found

    def file(self, source: Source) -> FileIndex:
        """One file; as it was read before, when its text is the same."""
        known = self.files.get(source.name)
        return (
            known if known is not None and known.source.text == source.text else FileIndex(source, self.kinds)
        )

    def outlines(self) -> Iterator[Outline]:
        """All documents."""
        return (outline for file in self.files.values() for outline in file.outlines)

    def of_kind(self, kind: str) -> dict[str, Outline]:
        """The documents of a kind by name; of several versions, the newest."""
        found: dict[str, Outline] = {}
        for outline in self.outlines():
            known = found.get(outline.title)
            if outline.kind == kind and (known is None or known.version < outline.version):
                found[outline.title] = outline
        return found

    def connectors(self) -> Mapping[str, str]:
        """The connector of each connection."""
        if self._connectors is None:
            connections = self.of_kind("connection").items()
            self._connectors = {name: text_of(child(one.root.node, "connector")) for name, one in connections}
        return self._connectors

    def canonical(self, symbol: Symbol) -> Symbol:
        """The same symbol by the name that its definition has.

        What belongs to a connection is its connector's; a system without a document is the connection of
        its name; a field of an entity is one of its newest version.
        """
        kind, within = symbol.kind, symbol.within
        if kind in {"operation", "source", "parameter"} and not within.startswith("connector "):
            connection, dot, operation = within.partition(".")
            connector = self.connectors().get(connection, connection)
            return symbol._replace(within=f"connector {connector}{dot}{operation}")
        if kind == "system" and symbol.name not in self.systems() and symbol.name in self.connectors():
            return symbol._replace(kind="connection")
        if kind == "field" and within.startswith("entity "):
            found = self.of_kind("entity").get(within.removeprefix("entity "))
            return symbol._replace(within=f"canonical/{found.title}@{found.version}") if found else symbol
        return symbol

    def systems(self) -> Mapping[str, Outline]:
        """The systems that have a document of their own."""
        if self._systems is None:
            self._systems = self.of_kind("system")
        return self._systems

    def definitions(self, symbol: Symbol, version: int | None = None) -> list[Occurrence]:
        """Where something gets its name; of an entity, in the version that is meant if it is there."""
        wanted = self.canonical(symbol)
        found = [
            one
            for file in self.files.values()
            for one in file.written
            if one.defines and one.symbol == wanted
        ]
        exact = [one for one in found if version is not None and one.version == version]
        return exact or found

    def occurrences(self, symbol: Symbol, facts: Facts) -> list[Occurrence]:
        """Everywhere that something is named, its definitions included."""
        wanted, seen = self.canonical(symbol), set()
        found: list[Occurrence] = []
        for one in self._all(wanted, facts):
            place = (one.span.source.name, one.span.start, one.span.end)
            if place not in seen:
                seen.add(place)
                found.append(one)
        return sorted(found, key=lambda one: (one.span.source.name, one.span.start))

    def _all(self, wanted: Symbol, facts: Facts) -> Iterator[Occurrence]:
        for file in self.files.values():
            yield from (one for one in file.written if self.canonical(one.symbol) == wanted)
            if wanted.kind in _IN_EXPRESSIONS:
                for outline in file.outlines:
                    found = expression_occurrences(outline, facts)
                    yield from (one for one in found if one.symbol == wanted)


_IN_EXPRESSIONS = frozenset({"step", "local", "item", "field", "calendar"})
