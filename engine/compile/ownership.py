"""Who owns what: systems, the owner of each field of each entity, and of what an expression reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.compile.compilation import Compilation
from engine.compile.lineage import Traced
from engine.plan.lineage import Origin
from engine.source import Text
from engine.workspace.kinds.model import EntityDocument, FieldDocument
from engine.workspace.kinds.reference import ConnectionDocument, SystemDocument, TableDocument

Path = tuple[str, ...]

# The roots of origins, beside those that are names of inputs.
ENTITY = "entity:"
SYSTEM = "system:"  # what a system answered or receipted
CONNECTOR = "connector:"  # a record of a connector that stands for one or more systems
TABLE = "table:"
XREF = "xref:"


@dataclass(frozen=True, slots=True)
class OwnedField:
    """A field of an entity, with its document."""

    path: Path
    name: Text
    document: FieldDocument


class Owners:
    """The owners of a workspace."""

    def __init__(self, compilation: Compilation) -> None:
        """Take down which connection stands for which system."""
        self.entities: Mapping[str, EntityDocument] = {
            str(one.name): one for one in compilation.documents(EntityDocument).values()
        }
        self._tables = compilation.documents(TableDocument)
        connections = compilation.documents(ConnectionDocument)
        self.systems = {name: str(one.system or name) for name, one in connections.items()}
        self._of_connector: dict[str, set[str]] = {}
        for name, one in connections.items():
            self._of_connector.setdefault(str(one.connector), set()).add(self.systems[name])
        declared = [str(one.name) for one in compilation.documents(SystemDocument).values()]
        self.known = list(dict.fromkeys([*self.systems.values(), *declared]))
        self._names: dict[tuple[str, Path], frozenset[str]] = {}
        self._found: dict[tuple[str, Path], str | None] = {}

    def fields(self, entity: EntityDocument) -> Iterator[OwnedField]:
        """Every field of an entity, those inside of records and of the items of lists as well."""
        yield from _fields((), entity.fields)

    def of(self, entity: str, path: Path) -> str | None:
        """The system that owns a field; None where nobody is said to."""
        key = (entity, path)
        if key not in self._found:
            self._found[key] = self._owner(entity, path, frozenset())
        return self._found[key]

    def _owner(self, entity: str, path: Path, seen: frozenset[tuple[str, Path]]) -> str | None:
        document = self.entities.get(entity)
        if document is None or (entity, path) in seen:
            return None
        owner = None if document.system_of_record is None else str(document.system_of_record)
        for field in walk(document.fields, path):
            if field.copy_of is not None:
                other, *rest = str(field.copy_of).split(".")
                owner = self._owner(other, tuple(rest), seen | {(entity, path)})
            elif field.system_of_record is not None:
                owner = str(field.system_of_record)
        return owner

    def is_copy(self, entity: str, path: Path) -> bool:
        """Whether a field, or what it is a part of, repeats one of another entity."""
        document = self.entities.get(entity)
        return document is not None and any(one.copy_of for one in walk(document.fields, path))

    def names(self, entity: str, path: Path) -> frozenset[str]:
        """The entities of which a field holds the key: of its own, and of those that it refers to."""
        known = self._names.get((entity, path))
        if known is None:
            known = self._names[entity, path] = self._names_of(entity, path)
        return known

    def _names_of(self, entity: str, path: Path) -> frozenset[str]:
        found: set[str] = set()
        while (document := self.entities.get(entity)) is not None and entity not in found:
            fields = list(walk(document.fields, path))
            if path == (str(document.key),):
                found.add(entity)
            if not fields or len(fields) < len(path) or fields[-1].ref is None:
                break
            entity = str(fields[-1].ref)
            path = (str(self.entities[entity].key),) if entity in self.entities else ()
        return frozenset(found)

    def same_name(self, entity: str, path: Path, origin: Origin) -> bool:
        """Whether a field and what it is filled with are the key of one entity: that names a record."""
        other = origin.root.removeprefix(ENTITY)
        return other != origin.root and bool(self.names(entity, path) & self.names(other, origin.path))

    def of_origin(self, origin: Origin) -> frozenset[str] | None:
        """The systems that may own what was read; None where nothing is said of it."""
        kind, _, name = origin.root.partition(":")
        if f"{kind}:" == ENTITY:
            owner = self.of(name, origin.path)
            return None if owner is None else frozenset([owner])
        if f"{kind}:" == TABLE:
            table = self._tables.get(name)
            owned = None if table is None else table.system_of_record
            return None if owned is None else frozenset([str(owned)])
        if f"{kind}:" == CONNECTOR:
            return frozenset(self._of_connector.get(name, ())) or None
        if f"{kind}:" == XREF:
            return frozenset([self.systems.get(name, name)])
        return frozenset([name]) if f"{kind}:" == SYSTEM else None


def walk(fields: Mapping[Text, FieldDocument], path: Path) -> Iterator[FieldDocument]:
    """The fields on the way along a path, as far as they are described."""
    for part in path:
        found = fields.get(part)  # type: ignore[call-overload]
        if found is None:
            return
        yield found
        fields = inner(found)


def inner(field: FieldDocument) -> Mapping[Text, FieldDocument]:
    """The fields inside of a field."""
    return field.fields or ({} if field.items is None else inner(field.items))


def _fields(before: Path, fields: Mapping[Text, FieldDocument]) -> Iterator[OwnedField]:
    for name, field in fields.items():
        yield OwnedField((*before, str(name)), name, field)
        yield from _fields((*before, str(name)), inner(field))


def root_of_type(name: str) -> Traced:
    """Where a value of a type comes from: `canonical/deal@1`, `netsuite/job@2025.1`; nowhere for others."""
    system, slash, record = name.partition("/")
    if not slash:
        return Traced()
    root = f"{ENTITY}{record.partition('@')[0]}" if system == "canonical" else f"{CONNECTOR}{system}"
    return Traced(frozenset([Origin(root)]))


def entity_of_type(name: str) -> str | None:
    """The entity that a type is of; None for a type of another kind."""
    system, _, record = name.partition("/")
    return record.partition("@")[0] if system == "canonical" and record else None


def shown(origin: Origin) -> str:
    """An origin as a person reads it: `deal.legal_entity`, `table rate_card`."""
    kind, _, name = origin.root.partition(":")
    path = ".".join(origin.path)
    if f"{kind}:" == ENTITY:
        return f"{name}.{path}" if path else name
    if f"{kind}:" == TABLE:
        return f"table {name}"
    return path or name
