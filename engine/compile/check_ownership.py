"""Whether each field is filled by the system that owns it, and no system is overwritten by another.

docs/decisions/ownership.md has the rules and why they are these.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.compile import ownership_problems as problems
from engine.compile.build_versions import name_of_event
from engine.compile.compilation import Compilation
from engine.compile.expressions import Expressions
from engine.compile.lineage import NOTHING, Traced, Tracer
from engine.compile.ownership import (
    ENTITY,
    Owners,
    Path,
    entity_of_type,
    inner,
    root_of_type,
    shown,
    walk,
)
from engine.plan.lineage import Lineage, Origin
from engine.plan.ownership import FieldOwner
from engine.plan.plan import FlowPlan
from engine.source import Span, Text
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.flow import FlowDocument, StepDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.model import EventDocument
from engine.workspace.kinds.policy import PolicyDocument
from engine.workspace.kinds.reference import TableDocument

Written = Mapping[Text, EntryDocument]


def check_ownership(compilation: Compilation) -> None:
    """Check the matrix, then everything that fills a field or writes one; leave the matrix for the plan."""
    check = _Check(compilation, Owners(compilation))
    check.matrix()
    check.sources()
    for document in compilation.documents(FlowDocument).values():
        flow = compilation.flows.get(str(document.name))
        if flow is not None:
            check.flow(document, flow)
    if not compilation.checks_only:
        compilation.owners = tuple(check.rows())


@dataclass(slots=True)
class _Check:
    compilation: Compilation
    owners: Owners
    second_hand: dict[tuple[str, Path], str] = field(default_factory=dict)  # fields, and who tells of them
    # The fields that a system is the record of, by system and entity: the paths there and here.
    holds: dict[tuple[str, str], dict[Path, Path]] = field(default_factory=dict)
    filled: dict[tuple[str, Path], dict[str, None]] = field(default_factory=dict)
    carried: dict[tuple[str, Path], dict[str, None]] = field(default_factory=dict)
    wrote: dict[tuple[str, str], tuple[str, Span]] = field(default_factory=dict)  # owner of what was written

    # The matrix itself.

    def matrix(self) -> None:
        """Every owner is a system, every copy has an original, and no entity has half an answer."""
        for entity in self.owners.entities.values():
            self._known(entity.system_of_record)
            fields = list(self.owners.fields(entity))
            for one in fields:
                self._known(one.document.system_of_record)
                self._original(one.document.copy_of)
            own = [self.owners.of(str(entity.name), one.path) for one in fields]
            for one, owner in zip(fields, own, strict=True):
                if owner is None and any(own) and one.document.copy_of is None and not inner(one.document):
                    self.compilation.report(problems.half_a_matrix(str(entity.name), one.name))
        for table in self.compilation.documents(TableDocument).values():
            self._known(table.system_of_record)

    def _known(self, system: Text | None) -> None:
        if system is not None and str(system) not in self.owners.known:
            self.compilation.report(problems.unknown_system(system, self.owners.known))

    def _original(self, text: Text | None) -> None:
        if text is None:
            return
        entity, *path = str(text).split(".")
        document = self.owners.entities.get(entity)
        if document is None:
            self.compilation.unknown("entity", text, self.owners.entities, name=entity)
        elif len(list(walk(document.fields, tuple(path)))) < len(path):
            known = [".".join(one.path) for one in self.owners.fields(document)]
            self.compilation.report(problems.no_original(text, entity, ".".join(path), known))

    # What systems tell of.

    def sources(self) -> None:
        """A source fills the fields that its system owns, and others only as copies."""
        mappings = self.compilation.documents(MappingDocument)
        for event in self.compilation.documents(EventDocument).values():
            for source in event.sources:
                mapping = mappings.get(str(source.map))
                entity = entity_of_type(str(event.data))
                if mapping is None or entity is None or source.origin is None:
                    continue  # a clock owns nothing
                connection = str(source.origin).partition(".")[0]
                self._source(str(source.origin), self.owners.systems.get(connection), mapping, entity)

    def _source(self, origin: str, system: str | None, mapping: MappingDocument, entity: str) -> None:
        if system is None:
            return
        for name, origins in self._lineage(mapping, self._typed(mapping)).items():
            path = tuple(name.split("."))
            self.filled.setdefault((entity, path), {})[origin] = None
            owner = self.owners.of(entity, path)
            native = [one for one in origins if one.root.startswith("connector:")]
            if any(one.carried and self.owners.of_origin(one) == frozenset([owner]) for one in origins):
                native = [one for one in native if one.carried]  # what else is read only finds it
            if owner == system:
                held = self.holds.setdefault((system, entity), {})
                held.update({one.path: path for one in native if one.carried})
            elif owner is not None and self.owners.is_copy(entity, path) and native:
                self.second_hand[entity, path] = system
            elif owner is not None and native:
                self._not_the_owner(mapping.fields, mapping.output, (entity, path), owner, system, native[0])

    def _not_the_owner(
        self,
        fields: Written,
        place: Text,
        made: tuple[str, Path],
        owner: str,
        found: str,
        origin: Origin,
    ) -> None:
        entity, path = made
        span = place_of(fields, path) or place.span
        told = f"{entity}.{'.'.join(path)}", owner, found, shown(origin)
        self.compilation.report(problems.not_the_owner(span, *told))

    def _typed(self, mapping: MappingDocument) -> dict[str, Traced]:
        """The inputs of a mapping, as far as their types say where they come from."""
        return {str(name): root_of_type(str(kind)) for name, kind in mapping.inputs.items()}

    def _lineage(self, mapping: MappingDocument, names: Mapping[str, Traced]) -> Lineage:
        tracer = Tracer(Expressions(self.compilation), names, mapping.let)
        return tracer.record(mapping.fields).flat()

    # What flows fill and write.

    def flow(self, document: FlowDocument, flow: FlowPlan) -> None:
        """Follow the steps in order, each with what is known of those before it."""
        names = {flow.input_name: self._event(str(document.trigger.event))}
        steps = {str(name): step for name, step in document.steps.items()}
        for planned in flow.steps:
            step = steps[planned.name]
            scope = dict(names)
            if step.for_each is not None:
                items = Tracer(Expressions(self.compilation), names).text(step.for_each.items)
                scope[str(step.for_each.name or "item")] = items
            names[planned.name] = self._step(f"{document.name}.{planned.name}", step, scope)

    def _event(self, name: str) -> Traced:
        called = name_of_event(name)
        document = self.compilation.documents(EventDocument).get(called)
        if document is None:
            return NOTHING
        found, earlier = root_of_type(str(document.data)), self.compilation.earlier.get(name)
        down = None if earlier is None or earlier.plan.down is None else earlier.plan.down
        if down is None:
            return found
        mapping = self.compilation.documents(MappingDocument)[down]
        (taken,) = mapping.inputs
        tracer = Tracer(Expressions(self.compilation), {str(taken): found}, mapping.let)
        return tracer.record(mapping.fields)

    def _step(self, place: str, step: StepDocument, names: Mapping[str, Traced]) -> Traced:
        """Check what a step makes, and say where its result comes from."""
        if step.read is not None:
            connection, _, operation = str(step.read).partition(".")
            if connection == "entity":
                return Traced(frozenset([Origin(f"{ENTITY}{operation}")]))
            return self._of_system(connection)
        if step.wait is not None:
            return self._event(str(step.wait.event))
        made, fields = self._made(step, names)
        if step.write is not None:
            self._write(place, step, made.flat(), fields)
            return self._of_system(str(step.write).partition(".")[0])
        output = self._output(step)
        entity = None if output is None else entity_of_type(output)
        if entity is None or output is None:
            return made
        self._fill(step, place, entity, made.flat(), fields)
        return root_of_type(output)

    def _of_system(self, connection: str) -> Traced:
        return Traced(frozenset([Origin(f"system:{self.owners.systems.get(connection, connection)}")]))

    def _made(self, step: StepDocument, names: Mapping[str, Traced]) -> tuple[Traced, Written]:
        """Where the fields come from of what a step makes, and where they are written down."""
        given = Tracer(Expressions(self.compilation), names).record(step.given)
        mapping = self.compilation.documents(MappingDocument).get(str(step.map))
        if mapping is None:
            return given, step.given
        inputs = {
            name: given.fields.get(name) or names.get(name) or typed
            for name, typed in self._typed(mapping).items()
        }
        tracer = Tracer(Expressions(self.compilation), inputs, mapping.let)
        return tracer.record(mapping.fields), mapping.fields

    def _output(self, step: StepDocument) -> str | None:
        """The type of what a step maps or emits."""
        mapping = self.compilation.documents(MappingDocument).get(str(step.map))
        if mapping is not None:
            return str(mapping.output)
        event = self.compilation.documents(EventDocument).get(str(step.emit))
        return None if event is None else str(event.data)

    def _fill(self, step: StepDocument, place: str, entity: str, lineage: Lineage, fields: Written) -> None:
        """A value that is carried into a field of an entity comes from the system that owns the field."""
        text, emits = step.map or step.emit, step.emit is not None
        for name, origins in lineage.items():
            path = tuple(name.split("."))
            if emits:
                self.filled.setdefault((entity, path), {})[place] = None
            owner = self.owners.of(entity, path)
            for origin in sorted(origins, key=shown):
                systems = self.owners.of_origin(origin) if origin.carried else None
                if self.owners.same_name(entity, path, origin):
                    continue
                if owner is not None and systems is not None and owner not in systems and text is not None:
                    found = problems.either_of(sorted(systems))
                    self._not_the_owner(fields, text, (entity, path), owner, found, origin)
                    break

    def _write(self, place: str, step: StepDocument, lineage: Lineage, fields: Written) -> None:
        """A write carries what it may, and sets nothing that its target owns."""
        assert step.write is not None
        operation = self.compilation.operations.get(str(step.write))
        system = self.owners.systems.get(str(step.write).partition(".")[0])
        if operation is None or system is None:
            return
        key = operation.once.key_field
        about = self._about(step, lineage, key)
        overwrites = operation.once.how == "natural_key"  # the others make a record each time
        owned = []
        for name, origins in lineage.items():
            span = place_of(fields, tuple(name.split("."))) or step.write.span
            self._carry(f"{step.write}", name, origins, span, overwrites=overwrites)
            if name != key and overwrites:
                owned += [(span, name, *found) for found in self._owned(system, about, name, origins)]
        for span, name, of, comes_from in owned if step.proposes is None else ():
            self.compilation.report(problems.sets_what_target_owns(span, of, system, name, comes_from))
        if step.proposes is not None and not owned:
            self.compilation.report(
                problems.proposes_needlessly(step.keys["proposes"], place.rpartition(".")[2])
            )

    def _about(self, step: StepDocument, lineage: Lineage, key: str | None) -> set[str]:
        """The entities whose record a write writes: those that it links, and the one whose key it has."""
        found = {str(name) for name in step.links}
        for origin in lineage.get(key, frozenset()) if key else ():
            kind, _, entity = origin.root.partition(":")
            document = self.owners.entities.get(entity)
            if f"{kind}:" == ENTITY and document is not None and origin.carried:
                fields = list(walk(document.fields, origin.path))
                if origin.path == (str(document.key),):
                    found.add(entity)
                if fields and fields[-1].ref is not None:
                    found.add(str(fields[-1].ref))
        return found

    def _owned(
        self, system: str, about: set[str], name: str, origins: Iterable[Origin]
    ) -> Iterator[tuple[str, str]]:
        """The fields of the record that the target owns and that this sets: which, and from what."""
        path = tuple(name.split("."))
        carried = {shown(one) for one in origins if one.carried}
        for origin in sorted(origins, key=shown):
            entity = origin.root.removeprefix(ENTITY)
            if origin.carried and entity in about and self.owners.of_origin(origin) == frozenset([system]):
                yield shown(origin), shown(origin)
                return
        for entity in sorted(about):
            for native, owned in self.holds.get((system, entity), {}).items():
                if native[-len(path) :] == path:
                    yield f"{entity}.{'.'.join(owned)}", next(iter(sorted(carried)), "")
                    return

    def _carry(
        self, operation: str, name: str, origins: Iterable[Origin], span: Span, *, overwrites: bool
    ) -> None:
        """What a write carries is no copy, and has one owner whichever flow writes it."""
        for origin in sorted(origins, key=shown):
            kind, _, entity = origin.root.partition(":")
            if not origin.carried or f"{kind}:" != ENTITY:
                continue
            self.carried.setdefault((entity, origin.path), {})[operation] = None
            owner = self.owners.of(entity, origin.path)
            teller = self.second_hand.get((entity, origin.path))
            if teller is not None and owner is not None:
                self.compilation.report(problems.second_hand(span, shown(origin), owner, teller))
            if owner is None or not overwrites:
                continue
            before, where = self.wrote.setdefault((operation, name), (owner, span))
            if before != owner and where != span:
                native = f"{operation} {name}"
                self.compilation.report(problems.two_owners(span, native, (before, owner), where))

    # The matrix as the plan has it.

    def rows(self) -> Iterator[FieldOwner]:
        """A row for each field, with who fills it, where it is written to, and which policies read it."""
        told = [_by_entity(found) for found in (self.filled, self.carried, self._read())]
        for name, entity in sorted(self.owners.entities.items()):
            filled, carried, read = (found.get(name, ()) for found in told)
            for one in self.owners.fields(entity):
                copy = next((str(up.copy_of) for up in walk(entity.fields, one.path) if up.copy_of), None)
                yield FieldOwner(
                    entity=name,
                    version=entity.version,
                    field=".".join(one.path),
                    owner=self.owners.of(name, one.path),
                    copy_of=copy,
                    updated_by=tuple(_below(filled, one.path)),
                    written_to=tuple(_below(carried, one.path)),
                    checks=tuple(_below(read, one.path)),
                )

    def _read(self) -> dict[tuple[str, Path], dict[str, None]]:
        """The policies that read each field."""
        found: dict[tuple[str, Path], dict[str, None]] = {}
        for policy in self.compilation.documents(PolicyDocument).values():
            names = {str(name): root_of_type(str(kind)) for name, kind in policy.inputs.items()}
            tracer = Tracer(Expressions(self.compilation), names, policy.let)
            asked = [] if policy.when is None else [tracer.text(policy.when)]
            asked += [] if policy.decide is None else map(tracer.entry, policy.decide.by.values())
            for origin in (origin for one in asked for origin in one.all()):
                if origin.root.startswith(ENTITY):
                    at = (origin.root.removeprefix(ENTITY), origin.path)
                    found.setdefault(at, {})[str(policy.name)] = None
        return found


_Named: TypeAlias = Sequence[tuple[Path, Mapping[str, None]]]


def _by_entity(found: Mapping[tuple[str, Path], Mapping[str, None]]) -> Mapping[str, _Named]:
    """What is known of the fields of each entity."""
    by_entity: dict[str, list[tuple[Path, Mapping[str, None]]]] = {}
    for (entity, path), named in found.items():
        if path:
            by_entity.setdefault(entity, []).append((path, named))
    return by_entity


def _below(found: _Named, path: Path) -> Iterable[str]:
    """What is known of a field, of what it is a part of, and of its parts."""
    names = {name for known, named in found if known[: len(path)] == path[: len(known)] for name in named}
    return sorted(names)


def place_of(fields: Written, path: Path) -> Span | None:
    """Where an entry is written that makes a field, or what it is a part of."""
    for name, entry in fields.items():
        parts = tuple(str(name).split("."))
        if path[: len(parts)] == parts:
            within = place_of(entry.fields or {}, path[len(parts) :])
            return within or name.span
    return None
