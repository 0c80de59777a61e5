"""One generated function in the making: inputs, `let` values, entries.

A mapping, the parameters of a read and each expression of a policy are such functions. A `let` is
computed where it is first used, at the top level of the function, and never when it is not used.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import product
from math import prod
from types import MappingProxyType
from typing import cast

from engine.compile import problems
from engine.compile.check_fit import Place, misfits, type_of_constant
from engine.compile.compilation import Compilation
from engine.compile.convert import can_become, conversion, cut, cut_type, value_map
from engine.compile.expressions import Emitted, Expressions, Parsed
from engine.compile.fit import refuses
from engine.language.compiled import ASK, Compiled, EvaluationError
from engine.language.generate import Emitter
from engine.language.known import Facts, Known, family, join
from engine.language.scope import TypeScope
from engine.plan.table import Table
from engine.source import Span, Text
from engine.spec.field import IDENTIFIER, PathText, Raw
from engine.values import type as types
from engine.values.type import ANY, Field, Type, member
from engine.values.value import Value
from engine.workspace.kinds.entry import EntryDocument, KeyDocument
from engine.workspace.kinds.model import EntityDocument
from engine.workspace.kinds.reference import ConnectionDocument

NOTHING = Emitted("None", ANY, nullable=True, unsure=True)

MAX_KEYS = 1_000  # of a look-up that is checked for being complete

MAX_LOOPS = 5  # lists within lists; Python nests twenty blocks
MAX_PARTS = 12  # of a dotted name

_GOES_WITH = MappingProxyType(
    {
        **dict.fromkeys(("key", "on", "take"), ("table",)),
        **dict.fromkeys(("id", "in"), ("xref",)),
        "rounding": ("as",),
    }
)
_NOT_OF_LISTS = ("rounding", "values", "max_length")


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
        nullable: frozenset[str] = frozenset(),
        emitter: Emitter | None = None,
    ) -> None:
        """Start a function of a scope with these inputs, or go on with one that others began."""
        self.compilation = compilation
        self.expressions = expressions
        self.emitter = emitter or compilation.emitter(tuple(inputs))
        self.emitter.scope = {name: f"n_{name}" for name in inputs}
        self.types = TypeScope(names=dict(inputs), nullable=nullable)
        self._lets = dict(lets or {})
        self._lacking: dict[Span, list[str]] = {}  # keys that have no row, by the place of the look-up
        self._keys = {str(key): key for key in self._lets}
        self._busy: list[Text] = []
        self._loops = 0  # how many lists are being gone through here

    def compiled(self, title: str, text: Text) -> Compiled:
        """A function that is nothing but one expression."""
        emitted = self.expression(text)
        return self.build(title, str(text), emitted.atom)

    def condition(self, text: Text) -> Emitted:
        """Emit an expression that is true or false."""
        found = self.expression(text)
        if refuses(types.BOOLEAN, found.type):
            self.compilation.report(problems.no_condition(text, types.describe(found.type)))
        elif found.nullable and not found.unsure:
            self.compilation.report(problems.condition_may_be_null(text))
        return found

    def shown(self, text: Text) -> tuple[Facts, Facts]:
        """What a condition shows about the names in scope: where it is true, and where it is not."""
        parsed = self.expressions.parse(text)
        if parsed is not None:
            self._need(parsed)
        return self.expressions.shown(text, self.types)

    def assume(self, facts: Facts) -> None:
        """Take as shown what a condition has shown before what follows is reached."""
        self.types = self.types.after(facts)

    def compiled_condition(self, title: str, text: Text) -> Compiled:
        """A function that is nothing but one expression that is true or false."""
        emitted = self.condition(text)
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
        if not self._lets:
            return
        for text in texts_of(entry):
            parsed = self.expressions.parse(text)
            if parsed is not None:
                self._need(parsed)

    def need_all(self) -> None:
        """Emit every `let`, to find out what is wrong with those that nothing uses as well."""
        for name in self._lets:
            self._let(str(name))

    def _need(self, parsed: Parsed) -> None:
        if self._lets:
            for name in sorted(parsed.names & self._lets.keys()):
                self._let(name)

    def _let(self, name: str) -> None:
        """Emit a `let`, unless that was done, and before it those that it names."""
        if name in self._busy:
            self._report_cycle(name)
            self._bind(name, NOTHING)
        elif self.emitter.scope.get(name) is None:
            key = self._keys[name]
            self._busy.append(key)
            self.need(self._lets[key])
            found = self.entry(self._lets[key], Target(key, name, None))
            self._bind(name, self._demanded(self._lets[key], found, key))
            self._busy.pop()

    def _demanded(self, entry: EntryDocument, found: Emitted, name: Text) -> Emitted:
        """A value of `let` of which it is said that finding nothing is an error."""
        if entry.required is not True or not found.nullable:
            return found
        complain = self.emitter.constant(_nothing(str(name), _says(entry), _place(name)))
        with self.emitter.block(f"if {found.atom} is None:"):
            self.emitter.line(f"{complain}()")
        return Emitted(found.atom, found.type, False)

    def _report_cycle(self, name: str) -> None:
        """Report a cycle from its first value on, wherever it was entered."""
        around = self._busy[self._busy.index(self._keys[name]) :]
        first = around.index(min(around, key=lambda key: key.span.start))
        self.compilation.report(problems.let_cycle([*around[first:], *around[:first]]))

    def _bind(self, name: str, emitted: Emitted) -> None:
        """Make a value known under a name: that of a local, for Python warns of what is done to literals."""
        atom = emitted.atom
        self.emitter.scope[name] = (
            atom if atom.isidentifier() and atom != "None" else self.emitter.assign(atom)
        )
        one, none = frozenset([name]), frozenset[str]()
        nullable = one if emitted.nullable and not emitted.unsure else none
        self.types = self.types.including({name: emitted.type}, nullable, one if emitted.unsure else none)

    def entry(self, entry: EntryDocument, target: Target) -> Emitted:
        """Emit the value of an entry, converted and defaulted as it says."""
        self._check_keys(entry)
        found = self._found(entry, target)
        if self.compilation.probe is not None:
            told = self.emitter.constant(self.compilation.probe.entry(entry), "probe")
            self.emitter.line(f"{told}({found.atom})")
        if entry.values is not None:
            found = self._mapped(entry, found)
        if entry.convert is not None and entry.each is None:
            found = self._converted(entry, entry.convert, found)
        if entry.max_length is not None:
            found = self._guarded(found, cut(entry.max_length), cut_type(found.type, entry.max_length))
        return found if entry.default is None else self._defaulted(found, entry.default.value)

    def _defaulted(self, found: Emitted, value: Value) -> Emitted:
        """The value, or the default where there is none."""
        default = self._constant(value)
        atom = self.emitter.assign(f"{default} if {found.atom} is None else {found.atom}")
        either = join((Known(type=found.type), Known(type=type_of_constant(value))))
        return Emitted(atom, found.type if value is None else either.type, value is None)

    def _check_keys(self, entry: EntryDocument) -> None:
        """Report keys that say nothing here."""
        keys = entry.keys
        for key in keys:
            for wanted in _GOES_WITH.get(key, ()):
                if wanted not in keys:
                    self.compilation.report(problems.key_without(keys[key], key, wanted))
            if entry.each is not None and key in _NOT_OF_LISTS:
                self.compilation.report(problems.key_of_a_list(keys[key], key))

    def _found(self, entry: EntryDocument, target: Target) -> Emitted:
        match entry:
            case EntryDocument(each=PathText() as each):
                return self._each(entry, each, target)
            case EntryDocument(path=Text() as text) | EntryDocument(expr=Text() as text):
                return self.expression(text)
            case EntryDocument(template=Text() as text):
                return self.expression(text)
            case EntryDocument(value=Raw(value=value)):
                kind = ANY if value is None else type_of_constant(value)
                return Emitted(self.emitter.assign(self._constant(value)), kind, value is None)
            case EntryDocument(table=Text() as table):
                return self._table(entry, table)
            case EntryDocument(xref=Text() as entity):
                return self._xref(entry, entity)
            case _:
                return self.record(entry.fields or {}, _inner(target), target, target.name)

    def _constant(self, value: Value) -> str:
        return repr(value) if isinstance(value, bool | int | str | None) else self.emitter.constant(value)

    def _guarded(self, found: Emitted, call: object, kind: Type, quick: str | None = None) -> Emitted:
        """Apply a function unless there is nothing; `quick` as what stands for a line in the first form."""
        unless = f"None if {found.atom} is None else " if found.nullable else ""
        name = self.emitter.constant(call)
        atom = self.emitter.assign(
            f"{unless}{name}({found.atom})", None if quick is None else f"{unless}{quick}"
        )
        return Emitted(atom, kind, found.nullable, found.unsure)

    def _mapped(self, entry: EntryDocument, found: Emitted) -> Emitted:
        assert entry.values is not None
        written = {str(key): raw.value for key, raw in entry.values.items()}
        unmapped = frozenset(key for key, value in written.items() if value == "unmapped")
        values = {key: value for key, value in written.items() if key not in unmapped}
        possible = _possible(found.type)
        if possible is not None:
            for key in entry.values:
                if key not in possible:
                    self.compilation.report(problems.value_never_matches(key, possible))
            missing = [value for value in possible if value not in written]
            if missing:
                self.compilation.report(problems.value_map_not_total(entry.keys["values"], missing))
        texts = [value for value in values.values() if isinstance(value, str)]
        kind: Type = types.Enum(values=tuple(dict.fromkeys(texts))) if len(texts) == len(values) else ANY
        made = self._guarded(found, value_map(values, unmapped), kind)
        maybe = None in values.values()
        return Emitted(made.atom, kind, made.nullable or maybe, made.unsure and not maybe)

    def _converted(self, entry: EntryDocument, name: Text, found: Emitted) -> Emitted:
        made = conversion(str(name), str(entry.rounding or "half_even"))
        if made is None:
            self.compilation.report(problems.unknown_conversion(name))
            return Emitted(found.atom, ANY, nullable=True, unsure=True)
        if not can_become(found.type, str(name).partition("(")[0]):
            what = types.describe(found.type), types.describe(made.type)
            self.compilation.report(problems.impossible_conversion(name, *what))
        elif entry.rounding is not None and "(" not in name:
            self.compilation.report(
                problems.key_without(entry.keys["rounding"], "rounding", "as: decimal(2)")
            )
        quick = None
        if made.quick is not None and family(found.type) == "number":
            call, step = map(self.emitter.constant, made.quick)
            is_decimal = f"type({found.atom}) is {self.emitter.constant(Decimal)}"
            careful = f"{self.emitter.constant(made.call)}({found.atom})"
            quick = f"{call}({found.atom}, {step}) if {is_decimal} else {careful}"
        return self._guarded(found, made.call, made.type, quick)

    def _table(self, entry: EntryDocument, name: Text) -> Emitted:
        table = self.compilation.tables.get(str(name))
        if table is None:
            self.compilation.unknown("table", name, self.compilation.tables)
            return NOTHING
        key = self._key(entry, name, table.key)
        day = None if entry.on is None else self.expression(entry.on)
        if entry.on is not None and table.start is None:
            self.compilation.report(problems.table_day_needless(entry.on, str(name)))
            return self._taken(entry, _Found(self.emitter.assign("None"), unsure=True), str(name))
        if day is None and table.start is not None:
            self.compilation.report(problems.table_day_missing(name))
            return self._taken(entry, _Found(self.emitter.assign("None"), unsure=True), str(name))
        if entry.on is not None and day is not None:
            self._check_type(entry.on.span, "on", types.DATE, day.type, "")
        if day is None:
            row = self._row(table, key.atom, sure=key.plain)
        else:
            row, find = self.emitter.temp(), self._finder(table.find_on, table, sure=key.plain)
            self.emitter.line(f"{row} = None if {day.atom} is None else {find}({key.atom}, {day.atom})")
        lacking = key.not_in(table) if day is None else None
        there = lacking == [] or str(name) in self.compilation.partial_tables
        if lacking:
            self._lacking[name.span] = lacking
        return self._taken(entry, _Found(row, there=there, unsure=key.unsure), str(name))

    def _finder(self, find: Callable[..., object], table: Table, *, sure: bool) -> str:
        """The name of a function that finds a row; a key that may be a list is told of by its error."""
        return self.emitter.constant(find if sure else _of_any_key(find, table.name), "find")

    def _row(self, table: Table, key: str, *, sure: bool) -> str:
        """The row with a key; looked up once, however many entries want it."""
        known = self.emitter.recall(key, f"table {table.name}")
        if known is not None:
            return known
        row = self.emitter.assign(f"{self._finder(table.first_rows.get, table, sure=sure)}({key})")
        self.emitter.remember(key, f"table {table.name}", row)
        return row

    def _taken(self, entry: EntryDocument, found_row: "_Found", table: str) -> Emitted:
        """The column that is taken of a row, or the whole of it."""
        columns, row = self.compilation.table_types[table], found_row.atom
        full = self.compilation.full_columns.get(table, frozenset())
        maybe = not found_row.there
        if entry.take is None:
            fields = {
                name: Field(type=kind, required=True, nullable=name not in full)
                for name, kind in columns.items()
            }
            whole = types.Record(name=f"a row of {table}", fields=fields)
            return Emitted(row, whole, maybe, maybe and found_row.unsure)
        first, *rest = str(entry.take).split(".")
        maybe = maybe or first not in full
        kind: Type | None = columns.get(first)
        if kind is None:
            self.compilation.unknown("column", entry.take, columns, of=f"table `{table}`", name=first)
            return NOTHING
        atom = self.emitter.assign(f"None if {row} is None else {row}[{first!r}]")
        place = len(first) + 1
        for name in rest:
            found = member(kind, name)
            if found is None:
                known = kind.fields if isinstance(kind, types.Record) else ()
                of = types.describe(kind)
                self.compilation.unknown("field", entry.take, known, of=of, name=name, offset=place)
                return NOTHING
            place += len(name) + 1
            maybe = maybe or found.may_be_absent
            atom = self.emitter.assign(f"{atom}.get({name!r}) if type({atom}) is dict else None")
            kind = found.type
        return Emitted(atom, kind, maybe or kind == ANY, maybe and found_row.unsure)

    def _key(self, entry: EntryDocument, table: Text, columns: tuple[str, ...]) -> "_Key":
        """The key of a row."""
        key = entry.key
        if key is None or (key.only is not None and len(columns) != 1):
            span = table.span if key is None else key.span
            self.compilation.report(problems.table_key(span, str(table), columns))
            return _Key("None")
        if key.only is not None:
            found = self.expression(key.only)
            self._check_key(key.only.span, str(table), columns[0], found.type)
            return _Key(found.atom, (found,))
        return self._columns(key, table, columns)

    def _columns(self, key: KeyDocument, table: Text, columns: tuple[str, ...]) -> "_Key":
        made = {
            str(name): self.entry(entry, Target(name, str(name), None)) for name, entry in key.columns.items()
        }
        for name in key.columns:
            if name not in columns:
                self.compilation.unknown("key column", name, columns, of=f"table `{table}`")
            else:
                self._check_key(_place_of(key.columns[name]), str(table), str(name), made[str(name)].type)
        if not all(column in made for column in columns):
            if all(name in columns for name in key.columns):  # else the wrong name was reported
                self.compilation.report(problems.table_key(key.span, str(table), columns))
            return _Key("None")
        parts = [made[name] for name in columns]
        atom = parts[0].atom if len(parts) == 1 else f"({', '.join(part.atom for part in parts)})"
        return _Key(atom, tuple(parts))

    def _xref(self, entry: EntryDocument, entity: Text) -> Emitted:
        entities = self.compilation.documents(EntityDocument)
        if str(entity) not in entities:
            self.compilation.unknown("entity", entity, entities)
        if entry.id is None or entry.system is None:
            missing = [key for key, said in (("id", entry.id), ("in", entry.system)) if said is None]
            self.compilation.report(problems.incomplete_xref(entity, missing))
            return NOTHING
        known = self.compilation.documents(ConnectionDocument)
        if str(entry.system) not in known:
            self.compilation.unknown("connection", entry.system, known)
        found = self.expression(entry.id)
        self._check_type(entry.id.span, "id", types.STRING, found.type, "")
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
        if not re.fullmatch(IDENTIFIER, name):
            self.compilation.report(problems.no_name(name))
        elif str(name) in self.emitter.scope or str(name) in self._lets:
            self.compilation.report(problems.hides(name.span, name, "a name that is in use"))
        if self._loops >= MAX_LOOPS:
            self.compilation.report(
                problems.too_deep(
                    each.span, f"lists are gone through within lists, more than {MAX_LOOPS} deep"
                )
            )
            return NOTHING
        if refuses(types.Listing(item=ANY), found.type):
            self.compilation.report(problems.not_a_list(each, types.describe(found.type)))
            return NOTHING
        self._loops += 1
        item_type = found.type.item if isinstance(found.type, types.Listing) else ANY
        emitter, outer, hidden = self.emitter, self.types, self.emitter.scope.get(str(name))
        result, local = emitter.temp(), emitter.temp()
        emitter.line(f"{result} = None if {found.atom} is None else []")
        check = emitter.constant(_list_or_error(str(each), _place(each)))
        with emitter.block(f"for {local} in {check}({found.atom}):"):
            emitter.scope[str(name)] = local
            maybe = (
                frozenset([str(name)])
                if isinstance(found.type, types.Listing) and found.type.nullable
                else frozenset[str]()
            )
            self.types = outer.including({str(name): item_type}, maybe)
            row = self.record(entry.fields or {}, _item(target), target, target.name)
            emitter.line(f"{result}.append({row.atom})")
        self._loops -= 1
        self.types = outer
        if hidden is None:
            del emitter.scope[str(name)]
        else:
            emitter.scope[str(name)] = hidden
        return Emitted(result, types.Listing(item=row.type), found.nullable, found.unsure)

    def record(
        self, fields: Mapping[Text, EntryDocument], kind: Type, target: Target | None, place: Text
    ) -> Emitted:
        """A record of entries, in the order in which they are written; a dotted name nests.

        `place` is where a field that is missing is told of.
        """
        made = _Made()
        prefix = f"{target.path}." if target else ""
        for name, entry in fields.items():
            parts = str(name).split(".")
            field = self._target(name, parts, kind, prefix)
            if len(parts) > MAX_PARTS:
                self.compilation.report(problems.too_deep(name.span, f"a name has at most {MAX_PARTS} parts"))
            elif (other := made.taken(parts)) is not None:
                self.compilation.report(problems.hides(name.span, other, "made here"))
            else:
                self._put(made, entry, field, parts)
        self._check_demanded(made, kind, place)
        result = self.emitter.assign(_literal(made.atoms))
        for parts, atom, test in made.omitted:
            self._put_later(result, parts, atom, test)
        return Emitted(result, kind if kind is not ANY else made.type(), False)

    def _put(self, made: "_Made", entry: EntryDocument, target: Target, parts: list[str]) -> None:
        """Emit an entry and note what it makes."""
        self.need(entry)
        found = self.entry(entry, target)
        if target.field is not None:
            lacking = () if entry.table is None else self._lacking.get(entry.table.span, ())
            place, nullable = (
                Place(_place_of(entry), target.path, lacking),
                found.nullable and not found.unsure,
            )
            for problem in misfits(entry, place, target.field, found.type, nullable=nullable):
                self.compilation.report(problem)
        if entry.omit is not None:
            test = "is not None" if entry.omit == "null" else "is not empty"
            made.omitted.append((parts, found.atom, test))
            made.note(parts, found, omitted=True)
        else:
            _put(made.atoms, parts, self._kept(entry, found, target))
            made.note(parts, replace(found, nullable=False) if entry.required else found, omitted=False)

    def _check_type(self, span: Span, name: str, wanted: Type, found: Type, helps: str) -> None:
        if refuses(wanted, found):
            told = types.describe(wanted), types.describe(found)
            self.compilation.report(problems.other_value_wanted(span, name, *told, helps))

    def _check_key(self, span: Span, table: str, column: str, found: Type) -> None:
        self._check_type(span, column, self.compilation.table_types[table][column], found, "")

    def _check_demanded(self, made: "_Made", kind: Type, place: Text) -> None:
        """Report fields that the type of a record demands and nobody makes, of dotted names as well."""
        if not isinstance(kind, types.Record):
            return
        missing = [name for name, field in kind.fields.items() if field.required and name not in made.names]
        if missing:
            called = types.describe(kind) if kind.name else f"`{place}`"
            self.compilation.report(problems.missing_fields(place, called, missing))

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
        offset = 0
        for part in parts:
            found = member(kind, part)
            if found is None:
                known = kind.fields if isinstance(kind, types.Record) else {}
                self.compilation.report(
                    problems.unknown_output_field(name, offset, part, types.describe(kind), known)
                )
                break
            kind = found.type
            offset += len(part) + 1
        return Target(name, prefix + str(name), found)

    def _kept(self, entry: EntryDocument, made: Emitted, target: Target) -> str:
        """The value of a field that is not left out: finding nothing is an error unless null is fine."""
        nullable = target.field is not None and target.field.nullable and entry.required is not True
        explicit = entry.default is not None or entry.value is not None
        if self._busy and entry.required is not True:
            return made.atom  # inside of a `let`, whose type says that it may be null: who uses it is asked
        if not made.nullable or nullable or explicit or entry.required is False:
            return made.atom
        complain = self.emitter.constant(_nothing(target.path, _says(entry), _place(target.name)))
        with self.emitter.block(f"if {made.atom} is None:"):
            self.emitter.line(f"{complain}()")
        return made.atom


@dataclass(frozen=True, slots=True)
class _Key:
    """The key of a row: its atom, and the parts that it is made of; none of one that was refused."""

    atom: str
    parts: tuple[Emitted, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether its parts are surely plain values."""
        return all(_is_plain(part.type) for part in self.parts)

    @property
    def unsure(self) -> bool:
        """Whether so little is known of it that nobody can say whether there is a row."""
        return not self.parts or any(part.type == ANY for part in self.parts)

    def not_in(self, table: Table) -> list[str] | None:
        """The keys that there can be and that have no row; None when nobody knows which there can be."""
        if any(part.nullable or not isinstance(part.type, types.Enum) for part in self.parts):
            return None
        values = [part.type.values for part in self.parts if isinstance(part.type, types.Enum)]
        if not values or prod(map(len, values)) > MAX_KEYS:
            return None
        found = product(*values)
        return [", ".join(keys) for keys in found if (keys[0] if len(keys) == 1 else keys) not in table.rows]


@dataclass(frozen=True, slots=True)
class _Found:
    """A row of a table, or null; whether it is surely there, or nobody knows."""

    atom: str
    there: bool = False
    unsure: bool = False


@dataclass(slots=True)
class _Made:
    """What the entries of a record have made so far."""

    atoms: dict[str, object] = field(default_factory=dict)  # by name; of dotted names a table each
    omitted: list[tuple[list[str], str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)  # the first parts
    fields: dict[tuple[str, ...], Field] = field(default_factory=dict)  # what is known of each entry
    paths: dict[tuple[str, ...], bool] = field(default_factory=dict)  # whether something is made of it whole

    def taken(self, parts: list[str]) -> str | None:
        """The name of what was made already, as a whole or in parts, and would be made again."""
        path = tuple(parts)
        above = next((path[:end] for end in range(1, len(path) + 1) if self.paths.get(path[:end])), None)
        found = above or (path if path in self.paths else None)
        return None if found is None else ".".join(found)

    def note(self, parts: list[str], found: Emitted, *, omitted: bool) -> None:
        """Take down that an entry makes this."""
        for end in range(1, len(parts)):
            self.paths.setdefault(tuple(parts[:end]), False)
        self.paths[tuple(parts)] = True
        self.names.add(parts[0])
        self.fields[tuple(parts)] = Field(type=found.type, required=not omitted, nullable=found.nullable)

    def type(self) -> Type:
        """What is known of the record where nothing is said about it."""
        return _nested(self.fields)


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


def _place_of(entry: EntryDocument) -> Span:
    """Where an entry says what its value is."""
    said = (entry.path, entry.expr, entry.template, entry.table, entry.xref, entry.each, entry.value)
    return next((one.span for one in said if one is not None), entry.span)


def _possible(kind: Type) -> tuple[str, ...] | None:
    """The texts that the keys of a value map may be, where they are known."""
    if isinstance(kind, types.Enum):
        return kind.values
    return ("true", "false") if kind == types.BOOLEAN else None


def _inner(target: Target) -> Type:
    return target.field.type if target.field is not None else ANY


def _item(target: Target) -> Type:
    kind = _inner(target)
    return kind.item if isinstance(kind, types.Listing) else ANY


def _put(atoms: dict[str, object], parts: list[str], atom: str) -> None:
    for part in parts[:-1]:
        atoms = cast("dict[str, object]", atoms.setdefault(part, {}))
    atoms[parts[-1]] = atom


def _nested(fields: Mapping[tuple[str, ...], Field]) -> types.Record:
    """The type of a record with these fields, of which those with several parts lie in records inside."""
    found = {path[0]: known for path, known in fields.items() if len(path) == 1}
    for name in dict.fromkeys(path[0] for path in fields if len(path) > 1):
        inner = {path[1:]: known for path, known in fields.items() if path[0] == name and len(path) > 1}
        # A record that only holds what may be left out is not made when all of it is.
        there = any(known.required for known in inner.values())
        found[name] = Field(type=_nested(inner), required=there)
    return types.Record(name="", fields=found)


def _literal(atoms: object) -> str:
    if isinstance(atoms, str):
        return atoms
    inner = ", ".join(
        f"{key!r}: {_literal(value)}" for key, value in cast("dict[str, object]", atoms).items()
    )
    return f"{{{inner}}}"


def _is_plain(kind: Type) -> bool:
    return isinstance(kind, types.Scalar | types.Enum)


def _of_any_key(find: Callable[..., object], table: str) -> Callable[..., object]:
    """A function that finds rows, for keys of which nothing is known."""

    def found(*asked: object) -> object:
        try:
            return find(*asked)
        except TypeError:
            raise EvaluationError(f"a list or a record is no key of table {table}") from None

    return found


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
