"""Which fields each field of an output comes from: expressions followed without any data.

What lives here: the rules by which a value is carried on or worked out, language by language. What does
not: what an origin means, and who owns it.
"""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.compile.expressions import Expressions
from engine.language.formula_syntax import FormulaTree
from engine.language.path_reads import ELEMENT, Chain, path_results
from engine.plan.lineage import Lineage, Origin
from engine.source import Text
from engine.spec.field import FormulaText, PathText
from engine.workspace.kinds.entry import EntryDocument

# Functions that give back what they were given, or an element or a part of it.
CARRYING = frozenset(
    {"first", "last", "default", "min", "max", "sorted", "sort", "unique", "reversed", "reverse", "list"}
    | {"set", "flatten", "merge", "pick", "omit"}
)


@dataclass(frozen=True, slots=True)
class Traced:
    """Where a value comes from, and where the fields come from of a record that is made here."""

    origins: frozenset[Origin] = frozenset()
    fields: "Mapping[str, Traced]" = field(default_factory=lambda: MappingProxyType({}))

    def member(self, name: str) -> "Traced":
        """Where a field of the value comes from."""
        known = self.fields.get(name)
        if known is not None:
            return known
        return self._deeper((name,))

    def at(self, names: Sequence[str]) -> "Traced":
        """Where a field inside of the value comes from."""
        found = self
        for depth, name in enumerate(names):
            if name not in found.fields:
                return found._deeper(tuple(names[depth:]))
            found = found.fields[name]
        return found

    def _deeper(self, names: tuple[str, ...]) -> "Traced":
        longer = [Origin(one.root, (*one.path, *names)) if one.carried else one for one in self.origins]
        return Traced(frozenset(longer))

    def worked_out(self) -> "Traced":
        """Where a value comes from that is worked out of this one."""
        origins = self.all()
        if not any(one.carried for one in origins):
            return Traced(origins) if self.fields else self
        return Traced(frozenset([Origin(one.root, one.path, carried=False) for one in origins]))

    def all(self) -> frozenset[Origin]:
        """The origins of the value and of everything in it."""
        if not self.fields:
            return self.origins
        return self.origins.union(*[one.all() for one in self.fields.values()])

    def flat(self) -> Lineage:
        """The origins by dotted name; those of the value itself have the name ``""``."""
        found: dict[str, frozenset[Origin]] = {"": self.origins} if self.origins or not self.fields else {}
        for name, one in self.fields.items():
            found.update(
                {f"{name}.{inner}" if inner else name: origins for inner, origins in one.flat().items()}
            )
        return found


NOTHING = Traced()


def either(several: Iterable[Traced]) -> Traced:
    """Where a value comes from that is one of several."""
    found = [one for one in several if one.origins or one.fields]
    if len(found) < 2:
        return found[0] if found else NOTHING
    names = dict.fromkeys(name for one in found for name in one.fields)
    fields = {name: either(one.member(name) for one in found) for name in names}
    return Traced(frozenset().union(*(one.origins for one in found)), fields)


class Tracer:
    """Follows the entries and expressions of one document."""

    def __init__(
        self,
        expressions: Expressions,
        names: Mapping[str, Traced],
        lets: Mapping[Text, EntryDocument] | None = None,
    ) -> None:
        """Begin with what is known of the names in scope."""
        self._expressions = expressions
        self._names = dict(names)
        self._lets = {str(name): entry for name, entry in (lets or {}).items()}

    def name(self, name: str) -> Traced:
        """Where the value of a name comes from."""
        if name not in self._names and name in self._lets:
            entry = self._lets.pop(name)  # gone while it is followed: one that needs itself ends here
            self._names[name] = self.entry(entry)
        return self._names.get(name, NOTHING)

    def record(self, fields: Mapping[Text, EntryDocument]) -> Traced:
        """Where the fields of a record come from; a dotted name nests."""
        made: dict[str, Traced] = {}
        for name, entry in fields.items():
            _nest(made, str(name).split("."), self.entry(entry))
        return Traced(fields=made)

    def entry(self, entry: EntryDocument) -> Traced:
        """Where the value of an entry comes from."""
        match entry:
            case EntryDocument(each=PathText() as each):
                return self._each(entry, each)
            case EntryDocument(table=Text() as table):
                keys = [] if entry.key is None else [entry.key.only, *entry.key.columns.values()]
                used = [self.text(one) if isinstance(one, Text) else self.entry(one) for one in keys if one]
                row = Traced(frozenset([Origin(f"table:{table}")]))
                row = row if entry.take is None else row.at(str(entry.take).split("."))
                return either([row, *(one.worked_out() for one in used)])
            case EntryDocument(xref=Text() as entity):
                of = Traced(frozenset([Origin(f"xref:{entry.system}", (str(entity),))]))
                return either([of, self.text(entry.id).worked_out()]) if entry.id else of
            case EntryDocument(value=None, fields=None):
                said = entry.path or entry.expr or entry.template
                return NOTHING if said is None else self.text(said)
            case _:
                return self.record(entry.fields or {})

    def _each(self, entry: EntryDocument, each: PathText) -> Traced:
        name = str(entry.convert or "item")
        return self._with({name: self.text(each)}, lambda: self.record(entry.fields or {}))

    def _with(self, names: Mapping[str, Traced], follow: Callable[[], Traced]) -> Traced:
        """What follows while some more names are known."""
        before = dict(self._names)
        self._names.update(names)
        found = follow()
        for name in names:
            self._names.pop(name, None)
        self._names.update({name: before[name] for name in names if name in before})
        return found

    def text(self, text: Text) -> Traced:
        """Where the value of an expression comes from."""
        parsed = self._expressions.parse(text)
        if parsed is None:
            return NOTHING
        if parsed.fields is not None:
            return self.name(parsed.fields[0]).at(parsed.fields[1:])
        if isinstance(text, PathText):
            results = path_results(parsed.tree)
            read = (self._chain(chain).worked_out() for chain in parsed.reads if chain not in results)
            return either([*map(self._chain, results), *read])
        if isinstance(text, FormulaText):
            return _Formula(self, parsed.tree).follow(parsed.tree.root)
        return either(self.name(name).worked_out() for name in sorted(parsed.names))

    def _chain(self, chain: Chain) -> Traced:
        names = [part[0] for part in chain.parts if part[0] != ELEMENT]
        return self.name(names[0]).at(names[1:]) if names else NOTHING


def _nest(made: dict[str, Traced], parts: list[str], found: Traced) -> None:
    """Put a value under a dotted name."""
    first, *rest = parts
    if not rest:
        made[first] = found
        return
    inner = dict(made[first].fields) if first in made else {}
    _nest(inner, rest, found)
    made[first] = Traced(fields=inner)


class _Formula:
    """Follows the parts of one formula."""

    def __init__(self, tracer: Tracer, tree: FormulaTree) -> None:
        self._tracer = tracer
        self._tree = tree
        self._items: dict[str, Traced] = {}

    def follow(self, node: ast.AST) -> Traced:
        """Where the value of a part comes from."""
        match node:
            case ast.Name(id=name):
                return self._items[name] if name in self._items else self._tracer.name(name)
            case ast.Attribute(value=value, attr=name):
                return self.follow(value).member(name)
            case ast.Subscript(value=value, slice=ast.Constant(value=str() as name)):
                return self.follow(value).member(name)
            case ast.Subscript(value=value, slice=place):
                return either([self.follow(value), self.follow(place).worked_out()])
            case ast.IfExp(test=test, body=body, orelse=other):
                return either([self.follow(body), self.follow(other), self.follow(test).worked_out()])
            case ast.BoolOp(values=values) | ast.List(elts=values) | ast.Set(elts=values):
                return either(map(self.follow, values))
            case ast.Dict(keys=keys, values=values):
                return self._record(keys, values)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self._comprehension(node)
            case ast.Call(func=ast.Name(id=name)):
                return self._call(node, name)
            case _:
                return either(map(self.follow, ast.iter_child_nodes(node))).worked_out()

    def _call(self, call: ast.Call, name: str) -> Traced:
        match call.args:
            case [value, ast.Constant(value=str() as field), *others] if name == "get":
                return either([self.follow(value).member(field), *map(self.follow, others)])
        given = either(map(self.follow, [*call.args, *(one.value for one in call.keywords)]))
        return given if name in CARRYING else given.worked_out()

    def _record(self, keys: list[ast.expr | None], values: list[ast.expr]) -> Traced:
        named = zip(keys, values, strict=True)
        return Traced(
            fields={
                str(key.value): self.follow(value) for key, value in named if isinstance(key, ast.Constant)
            }
        )

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Traced:
        before, conditions = dict(self._items), []
        for part in node.generators:
            items = self.follow(part.iter)
            names = [one.id for one in ast.walk(part.target) if isinstance(one, ast.Name)]
            self._items.update(dict.fromkeys(names, items))
            conditions += [self.follow(one).worked_out() for one in part.ifs]
        found = either([self.follow(node.elt), *conditions])
        self._items = before
        return found
