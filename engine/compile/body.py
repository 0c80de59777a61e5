"""One generated function in the making: inputs, `let` values, entries.

A mapping, the parameters of a read and each expression of a policy are such functions. A `let` is
computed where it is first used, at the top level of the function, and never when it is not used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from engine.compile import problems
from engine.compile.compilation import Compilation
from engine.compile.convert import conversion, cut, value_map
from engine.compile.expressions import Emitted, Expressions, Parsed
from engine.language.compiled import ASK, Compiled, EvaluationError
from engine.language.generate import Emitter
from engine.language.scope import TypeScope
from engine.plan.table import Table
from engine.source import Text
from engine.spec.field import PathText, Raw
from engine.values import type as types
from engine.values.type import ANY, Field, Type, member
from engine.values.value import Value
from engine.workspace.kinds.entry import EntryDocument, KeyDocument
from engine.workspace.kinds.reference import ConnectionDocument

NOTHING = Emitted("None", ANY, True)


@dataclass(frozen=True, slots=True)
class Target:
    """A field that an entry fills: how it is called, and what is known of it."""

    name: Text
    path: str  # with the names of the records around it
    field: Field | None


class Body:
    """Emits entries and expressions into one function."""

    def __init__(
        self,
        compilation: Compilation,
        expressions: Expressions,
        inputs: Mapping[str, Type],
        lets: Mapping[Text, EntryDocument] | None = None,
        *,
        emitter: Emitter | None = None,
    ) -> None:
        """Start a function of a scope with these inputs, or go on with one that others began."""
        self.compilation = compilation
        self.expressions = expressions
        self.emitter = emitter or Emitter(tuple(inputs))
        self.emitter.scope = {name: f"n_{name}" for name in inputs}
        self.types = TypeScope(names=dict(inputs))
        self._lets = dict(lets or {})
        self._busy: list[str] = []

    def compiled(self, title: str, text: Text) -> Compiled:
        """A function that is nothing but one expression."""
        emitted = self.expression(text)
        return self.build(title, str(text), emitted.atom)

    def build(self, title: str, text: str, atom: str) -> Compiled:
        """The finished function, with `atom` as its result."""
        call, source = self.emitter.build(title, atom)
        return Compiled(call=call, text=text, names=frozenset(self.emitter.used), source=source)

    def expression(self, text: Text) -> Emitted:
        """Emit an expression, and before it every `let` that it names."""
        parsed = self.expressions.parse(text)
        if parsed is None:
            return NOTHING
        self._need(parsed)
        return self.expressions.emit(self.emitter, parsed, self.types)

    def need(self, entry: EntryDocument) -> None:
        """Emit every `let` that an entry names anywhere: inside a loop it would not stay."""
        for text in texts_of(entry):
            parsed = self.expressions.parse(text)
            if parsed is not None:
                self._need(parsed)

    def _need(self, parsed: Parsed) -> None:
        for name in sorted(parsed.names & self._lets.keys()):
            if name in self._busy:
                self.compilation.report(problems.let_cycle(parsed.text, [*self._busy, name]))
                self._bind(name, NOTHING)
            elif self.emitter.scope.get(name) is None:
                self._busy.append(name)
                key = next(key for key in self._lets if key == name)
                self._bind(name, self.entry(self._lets[key], Target(key, str(key), None)))
                self._busy.pop()

    def _bind(self, name: str, emitted: Emitted) -> None:
        """Make a value known under a name."""
        self.emitter.scope[name] = emitted.atom
        nullable = frozenset([name]) if emitted.nullable else frozenset[str]()
        self.types = self.types.including({name: emitted.type}, nullable)

    def entry(self, entry: EntryDocument, target: Target) -> Emitted:
        """Emit the value of an entry, converted and defaulted as it says."""
        found = self._found(entry, target)
        if entry.values is not None:
            found = self._mapped(entry, found)
        if entry.convert is not None and entry.each is None:
            found = self._converted(entry, entry.convert, found)
        if entry.max_length is not None:
            found = self._guarded(found, cut(entry.max_length), found.type, target)
        if entry.default is not None:
            default = self._constant(entry.default.value)
            atom = self.emitter.assign(f"{default} if {found.atom} is None else {found.atom}")
            return Emitted(atom, found.type, entry.default.value is None)
        return found

    def _found(self, entry: EntryDocument, target: Target) -> Emitted:
        match entry:
            case EntryDocument(each=PathText() as each):
                return self._each(entry, each, target)
            case EntryDocument(path=Text() as text) | EntryDocument(expr=Text() as text):
                return self.expression(text)
            case EntryDocument(template=Text() as text):
                return self.expression(text)
            case EntryDocument(value=Raw(value=value)):
                return Emitted(self._constant(value), ANY, value is None)
            case EntryDocument(table=Text() as table):
                return self._table(entry, table)
            case EntryDocument(xref=Text() as entity):
                return self._xref(entry, entity)
            case _:
                return self.record(entry.fields or {}, _inner(target), target)

    def _constant(self, value: Value) -> str:
        return repr(value) if isinstance(value, bool | int | str | None) else self.emitter.constant(value)

    def _guarded(self, found: Emitted, call: object, kind: Type, target: Target | Text) -> Emitted:
        """Apply a function unless there is nothing; its error tells of the place."""
        name = self.emitter.constant(call)
        atom = self.emitter.temp()
        if found.nullable:
            self.emitter.line(f"{atom} = None if {found.atom} is None else {name}({found.atom})")
        else:
            self.emitter.line(f"{atom} = {name}({found.atom})")
        del target
        return Emitted(atom, kind, found.nullable)

    def _mapped(self, entry: EntryDocument, found: Emitted) -> Emitted:
        assert entry.values is not None
        written = {str(key): raw.value for key, raw in entry.values.items()}
        unmapped = frozenset(key for key, value in written.items() if value == "unmapped")
        values = {key: value for key, value in written.items() if key not in unmapped}
        if isinstance(found.type, types.Enum):
            for key in entry.values:
                if key not in found.type.values:
                    self.compilation.report(problems.value_never_matches(key, found.type.values))
            missing = [value for value in found.type.values if value not in written]
            if missing:
                self.compilation.report(problems.value_map_not_total(next(iter(entry.values)), missing))
        return self._guarded(found, value_map(values, unmapped), ANY, next(iter(entry.values)))

    def _converted(self, entry: EntryDocument, name: Text, found: Emitted) -> Emitted:
        made = conversion(str(name), str(entry.rounding or "half_even"))
        if made is None:
            self.compilation.report(problems.unknown_conversion(name))
            return found
        return self._guarded(found, made.call, made.type, name)

    def _table(self, entry: EntryDocument, name: Text) -> Emitted:
        table = self.compilation.tables.get(str(name))
        if table is None:
            self.compilation.unknown("table", name, self.compilation.tables)
            return NOTHING
        key = self._key(entry, name, table.key)
        day = None if entry.on is None else self.expression(entry.on)
        if (day is None) != (table.start is None):
            self.compilation.report(problems.table_day(name, needed=table.start is not None))
            return NOTHING
        if day is None:
            row = self._row(table, key)
        else:
            row, find = self.emitter.temp(), self.emitter.constant(table.find_on, "find")
            self.emitter.line(f"{row} = None if {day.atom} is None else {find}({key}, {day.atom})")
        return self._taken(entry, row, str(name))

    def _row(self, table: Table, key: str) -> str:
        """The row with a key; looked up once, however many entries want it."""
        known = self.emitter.recall(key, f"table {table.name}")
        if known is not None:
            return known
        rows = self.emitter.constant(table.first_rows, "rows")
        row = self.emitter.assign(f"{rows}.get({key})")
        self.emitter.remember(key, f"table {table.name}", row)
        return row

    def _taken(self, entry: EntryDocument, row: str, table: str) -> Emitted:
        """The column that is taken of a row, or the whole of it."""
        columns = self.compilation.table_types[table]
        if entry.take is None:
            fields = {name: Field(type=kind, required=True, nullable=True) for name, kind in columns.items()}
            return Emitted(row, types.Record(name=f"a row of {table}", fields=fields), True)
        first, *rest = str(entry.take).split(".")
        kind: Type | None = columns.get(first)
        if kind is None:
            self.compilation.unknown("column", entry.take, columns, of=f"table {table}")
            return NOTHING
        atom = self.emitter.assign(f"None if {row} is None else {row}[{first!r}]")
        for name in rest:
            found = member(kind, name)
            if found is None:
                self.compilation.unknown("field", entry.take, (), of=types.describe(kind))
                return NOTHING
            atom, kind = self.emitter.assign(f"None if {atom} is None else {atom}.get({name!r})"), found.type
        return Emitted(atom, kind, True)

    def _key(self, entry: EntryDocument, table: Text, columns: tuple[str, ...]) -> str:
        key = entry.key
        if key is None or (key.only is not None and len(columns) != 1):
            self.compilation.report(problems.table_key(table, columns))
            return "None"
        if key.only is not None:
            return self.expression(key.only).atom
        return self._columns(key, table, columns)

    def _columns(self, key: KeyDocument, table: Text, columns: tuple[str, ...]) -> str:
        atoms = {
            str(name): self.entry(entry, Target(name, str(name), None)).atom
            for name, entry in key.columns.items()
        }
        for name in key.columns:
            if name not in columns:
                self.compilation.unknown("key column", name, columns, of=f"table {table}")
        if atoms.keys() != set(columns):
            self.compilation.report(problems.table_key(table, columns))
            return "None"
        return atoms[columns[0]] if len(columns) == 1 else f"({', '.join(atoms[name] for name in columns)})"

    def _xref(self, entry: EntryDocument, entity: Text) -> Emitted:
        if entry.id is None or entry.system is None:
            self.compilation.report(problems.incomplete_xref(entity))
            return NOTHING
        known = self.compilation.documents(ConnectionDocument)
        if str(entry.system) not in known:
            self.compilation.unknown("connection", entry.system, known)
        found = self.expression(entry.id)
        self.emitter.used.add(ASK)
        ask = self.emitter.temp("ask")
        self.emitter.line(f"{ask} = scope[{ASK!r}]")
        atom = self.emitter.assign(
            f"None if {found.atom} is None else {ask}({str(entity)!r}, {found.atom}, {str(entry.system)!r})"
        )
        return Emitted(atom, types.STRING, True)

    def _each(self, entry: EntryDocument, each: PathText, target: Target) -> Emitted:
        """A record for each item of a list."""
        found = self.expression(each)
        name = entry.convert or Text("item", each.span)
        item_type = found.type.item if isinstance(found.type, types.Listing) else ANY
        emitter, outer, hidden = self.emitter, self.types, self.emitter.scope.get(str(name))
        result, local = emitter.temp(), emitter.temp()
        emitter.line(f"{result} = None if {found.atom} is None else []")
        check = emitter.constant(_list_or_error(str(each), _place(each)))
        with emitter.block(f"for {local} in {check}({found.atom}):"):
            emitter.scope[str(name)] = local
            self.types = outer.including({str(name): item_type})
            row = self.record(entry.fields or {}, _item(target), target)
            emitter.line(f"{result}.append({row.atom})")
        self.types = outer
        if hidden is None:
            del emitter.scope[str(name)]
        else:
            emitter.scope[str(name)] = hidden
        return Emitted(result, types.Listing(item=row.type), found.nullable)

    def record(self, fields: Mapping[Text, EntryDocument], kind: Type, target: Target | None) -> Emitted:
        """A record of entries, in the order in which they are written; a dotted name nests."""
        atoms: dict[str, object] = {}
        omitted: list[tuple[list[str], str, str]] = []
        prefix = f"{target.path}." if target else ""
        for name, entry in fields.items():
            parts = str(name).split(".")
            place = self._target(name, parts, kind, prefix)
            self.need(entry)
            made = self.entry(entry, place)
            if entry.omit is not None:
                test = "is not None" if entry.omit == "null" else "is not empty"
                omitted.append((parts, made.atom, test))
            else:
                _put(atoms, parts, self._kept(entry, made, place))
        result = self.emitter.assign(_literal(atoms))
        for parts, atom, test in omitted:
            self._put_later(result, parts, atom, test)
        return Emitted(result, kind, False)

    def _put_later(self, result: str, parts: list[str], atom: str, test: str) -> None:
        """A field that is left out when there is nothing to say."""
        condition = (
            f"{atom} is not None"
            if test == "is not None"
            else f"{atom} is not None and {atom} != '' and {atom} != []"
        )
        with self.emitter.block(f"if {condition}:"):
            holder = result
            for part in parts[:-1]:
                holder = self.emitter.assign(f"{holder}.setdefault({part!r}, {{}})")
            self.emitter.line(f"{holder}[{parts[-1]!r}] = {atom}")

    def _target(self, name: Text, parts: list[str], kind: Type, prefix: str) -> Target:
        """The field of the output that a name means; a problem when there is none."""
        found: Field | None = None
        for part in parts:
            found = member(kind, part)
            if found is None:
                known = kind.fields if isinstance(kind, types.Record) else {}
                self.compilation.report(
                    problems.unknown_output_field(name, part, types.describe(kind), known)
                )
                break
            kind = found.type
        return Target(name, prefix + str(name), found)

    def _kept(self, entry: EntryDocument, made: Emitted, target: Target) -> str:
        """The value of a field that is not left out: finding nothing is an error unless null is fine."""
        nullable = target.field is not None and target.field.nullable and entry.required is not True
        explicit = entry.default is not None or entry.value is not None
        if not made.nullable or nullable or explicit or entry.required is False:
            return made.atom
        complain = self.emitter.constant(_nothing(target.path, _says(entry), _place(target.name)))
        with self.emitter.block(f"if {made.atom} is None:"):
            self.emitter.line(f"{complain}()")
        return made.atom


def texts_of(entry: EntryDocument) -> Iterator[Text]:
    """Every expression in an entry, at any depth."""
    for text in (entry.path, entry.expr, entry.template, entry.each, entry.id, entry.on):
        if text is not None:
            yield text
    if entry.key is not None:
        if entry.key.only is not None:
            yield entry.key.only
        for inner in entry.key.columns.values():
            yield from texts_of(inner)
    for inner in (entry.fields or {}).values():
        yield from texts_of(inner)


def _inner(target: Target) -> Type:
    return target.field.type if target.field is not None else ANY


def _item(target: Target) -> Type:
    kind = _inner(target)
    return kind.item if isinstance(kind, types.Listing) else ANY


def _put(atoms: dict[str, object], parts: list[str], atom: str) -> None:
    for part in parts[:-1]:
        atoms = cast("dict[str, object]", atoms.setdefault(part, {}))
    atoms[parts[-1]] = atom


def _literal(atoms: object) -> str:
    if isinstance(atoms, str):
        return atoms
    inner = ", ".join(
        f"{key!r}: {_literal(value)}" for key, value in cast("dict[str, object]", atoms).items()
    )
    return f"{{{inner}}}"


def _place(text: Text) -> str:
    span = text.at(0)
    return f"{span.source.name}:{span.line}:{span.column}"


def _says(entry: EntryDocument) -> str:
    """What an entry says, for a message."""
    said = entry.path or entry.expr or entry.template or entry.xref or entry.table or entry.each
    return "" if said is None else str(said)


def _nothing(name: str, text: str, place: str) -> object:
    def complain() -> None:
        raise EvaluationError(f"{name} is required, and nothing was found for it", text=text, place=place)

    return complain


def _list_or_error(text: str, place: str) -> object:
    def check(value: Value) -> Value:
        if value is None:
            return []
        if not isinstance(value, list):
            raise EvaluationError("is not a list", text=text, place=place)
        return value

    return check
