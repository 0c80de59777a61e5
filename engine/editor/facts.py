"""What the compiler knows of the places of documents: types, and the names in scope with theirs.

A document that is broken at the moment is known as it was when it last compiled.
"""

from collections.abc import Mapping
from dataclasses import replace

from engine.compile.body import Body
from engine.compile.build_flows import FlowBuilder
from engine.compile.collect_models import STEP_RESULTS, resolve_type
from engine.compile.compilation import Compilation
from engine.compile.expressions import Expressions
from engine.compile.incremental import Look
from engine.compile.memo import Memo
from engine.compile.rule_facts import TYPES
from engine.connect.connector_plan import ANSWER
from engine.editor.locals import Local, locals_at
from engine.editor.outline import Outline, Site, pairs, text_of
from engine.editor.reading import type_of
from engine.language.functions.spec import FunctionTable
from engine.language.scope import TypeScope
from engine.problems import Collector
from engine.spec.field import Document, PathText
from engine.values.type import ANY, DATETIME, SCALARS, Field, Listing, Record, Type
from engine.workspace.decode import make_text
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.policy import PolicyDocument
from engine.workspace.node import ScalarNode

_EMPTY = TypeScope()


class Memory:
    """The scope of each document as it last compiled, by kind and name."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.scopes: dict[tuple[str, str], TypeScope] = {}


class Facts:
    """What one look at a workspace came to, asked by place."""

    def __init__(self, look: Look, memory: Memory) -> None:
        """Take a look; nothing is computed yet."""
        self.look = look
        self.compilation: Compilation = look.compilation
        self._memory = memory
        self._scopes: dict[tuple[str, str], TypeScope] = {}
        self._records: dict[int, tuple[str, tuple[str, ...]]] | None = None

    @property
    def functions(self) -> FunctionTable:
        """The functions of the language, and those of the calendars."""
        return self.compilation.functions

    def type_named(self, name: str) -> Type:
        """The type that a name means; ANY when it means none."""
        if name in STEP_RESULTS:
            return STEP_RESULTS[name]
        return self.compilation.types.get(name) or SCALARS.get(name) or ANY

    def type_names(self) -> list[str]:
        """The names of all types."""
        return [*self.compilation.types, *SCALARS, *STEP_RESULTS, "record"]

    def event_record(self, event: str) -> Type:
        """What an expression that waits for an event sees of it."""
        data = self.compilation.event_types.get(event, ANY)
        return Record(name=f"event {event}", fields={"data": Field(type=data, required=True)}, open=True)

    def scope_at(self, outline: Outline, site: Site) -> TypeScope:
        """The names in scope at a place, with their types as far as they are known."""
        names: dict[str, Type] = {}
        nullable: set[str] = set()
        known = self.document_scope(outline)
        for local in locals_at(outline, site).values():
            kind, may_be_null = self._type_of(outline, local, known)
            names[local.name] = kind
            if may_be_null:
                nullable.add(local.name)
        return TypeScope(names=names, nullable=frozenset(nullable))

    def _type_of(self, outline: Outline, local: Local, known: TypeScope) -> tuple[Type, bool]:
        match local.what:
            case "input":
                kind = self.type_named(text_of(local.node))
                return kind, local.name in known.nullable
            case "let":
                return known.type_of(local.name) or ANY, local.name in known.nullable
            case "step":
                found = known.type_of(local.name)
                kind = self._step_type(local) if found is None or found is ANY else found
                return kind, local.name in known.nullable
            case "item":
                return self._item_type(outline, local), False
            case _:
                return self._given_type(local), False

    def _given_type(self, local: Local) -> Type:
        """The type of a name that a document need not say anything about but what it is for."""
        match local.what:
            case "event":
                return self.compilation.event_types.get(text_of(local.node), ANY)
            case "awaited":
                return self.event_record(text_of(local.node))
            case "data":
                return self.type_named(text_of(local.node))
            case "subject":
                return TYPES.get(local.name, ANY)
            case "native":
                return self.native_type(text_of(local.node))
            case "time":
                return DATETIME
            case _:
                return ANSWER.get(local.name, ANY)

    def _step_type(self, local: Local) -> Type:
        """The type of the result of a step by its verb, where the flow has not compiled yet."""
        said = {key.text: text_of(value) for key, value in pairs(local.node)}
        kind = self._result_type(said)
        return Listing(item=kind) if "for_each" in said else kind

    def _result_type(self, said: Mapping[str, str]) -> Type:
        compilation = self.compilation
        operation = compilation.operations.get(said.get("read") or said.get("write") or "")
        if operation is not None:
            return operation.gives
        if said.get("read", "").startswith("entity."):
            name = said["read"].removeprefix("entity.")
            versions = [one.version for one in compilation.entities.values() if one.name == name]
            return self.type_named(f"canonical/{name}@{max(versions, default=1)}")
        if "check" in said:
            return STEP_RESULTS["check"]
        if "emit" in said:
            return compilation.event_types.get(said["emit"], ANY)
        signature = compilation.mapping_types.get(said.get("map", ""))
        return signature.output if signature is not None else ANY

    def native_type(self, source: str) -> Type:
        """The type of the records of a source, such as `psa.time_entries`."""
        connection, _, name = source.partition(".")
        connector = self.connector_of(connection)
        plan = self.compilation.connectors.get(connector)
        found = plan.sources.get(name) if plan else None
        return found.output.type if found else ANY

    def connector_of(self, connection: str) -> str:
        """The name of the connector behind a connection; its own name when there is none."""
        documents = self.look.workspace.index.get("connection", {}).get(connection, ())
        return str(getattr(documents[0], "connector", connection)) if documents else connection

    def _item_type(self, outline: Outline, local: Local) -> Type:
        if not isinstance(local.node, ScalarNode) or local.site is None:
            return ANY
        kind, _ = type_of(make_text(local.node, PathText), self.scope_at(outline, local.site), self.functions)
        return kind.item if isinstance(kind, Listing) else ANY

    def document_scope(self, outline: Outline) -> TypeScope:
        """The values of `let`, or the results of steps, with their types."""
        key = (outline.kind, outline.title)
        if key not in self._scopes:
            found = self._compiled_scope(*key)
            if found is not None:
                self._memory.scopes[key] = found
            self._scopes[key] = self._memory.scopes.get(key, _EMPTY)
        return self._scopes[key]

    def _compiled_scope(self, kind: str, name: str) -> TypeScope | None:
        documents = self.look.workspace.index.get(kind, {}).get(name, ())
        document: Document | None = documents[0] if documents else None
        quiet = replace(self.compilation, collector=Collector(), memo=Memo(), seen=None)
        if isinstance(document, FlowDocument):
            builder = FlowBuilder(quiet, document)
            builder.flow()
            names = {**builder.scope, **builder.results}
            return TypeScope(names=names, nullable=frozenset(builder.nullable)) if builder.results else None
        if isinstance(document, MappingDocument | PolicyDocument):
            inputs = {str(key): resolve_type(quiet, value) for key, value in document.inputs.items()}
            body = Body(quiet, Expressions(quiet), inputs, document.let)
            body.need_all()
            return body.types
        return None

    def place_of(self, kind: "Type | None") -> tuple[str, tuple[str, ...]] | None:
        """Which named type a record is, or is a part of, and by which fields."""
        if not isinstance(kind, Record):
            return None
        if kind.name in self.compilation.types:
            return kind.name, ()
        if self._records is None:
            self._records = {}
            for name, found in self.compilation.types.items():
                self._note(found, name, ())
            for operation in self.compilation.operations.values():
                for schema in (operation.input, operation.output):
                    if schema is not None:
                        self._note(schema.type, schema.name, ())
        return self._records.get(id(kind))

    def _note(self, kind: Type, name: str, path: tuple[str, ...]) -> None:
        """Remember where the records inside a type lie; one that many types share lies nowhere."""
        assert self._records is not None
        if isinstance(kind, Listing):
            self._note(kind.item, name, path)
        elif isinstance(kind, Record) and kind.name not in SCALARS:
            known = self._records.setdefault(id(kind), (name, path))
            if known == (name, path):
                for key, field in kind.fields.items():
                    self._note(field.type, name, (*path, key))
