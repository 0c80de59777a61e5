"""What is known about each part of a path, and what cannot be right in it.

Paths follow JMESPath: what is not there is null, and what is read from null is null. So most mistakes
here are of parts that find nothing whatever the data is; functions alone refuse null.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import cast

from engine.language.functions.path_functions import PATH_FUNCTIONS
from engine.language.known import UNKNOWN, Known, Reference, family, join
from engine.language.narrowing import narrowed
from engine.language.path_tree import Node, PathTree
from engine.language.scope import Mistake, TypeScope
from engine.problems.suggest import misspelt, near_names, there_are
from engine.values.type import (
    ANY,
    BOOLEAN,
    DECIMAL,
    INTEGER,
    NULL,
    STRING,
    Any,
    Enum,
    Field,
    Listing,
    Record,
    Scalar,
    Type,
    describe,
)
from engine.values.value import Value

ORDERED = ("number", "text", "date", "datetime")


@dataclass(frozen=True, slots=True)
class _Base:
    """A value that a part is applied to: what is known of it, and how it is written."""

    known: Known
    written: str = ""
    place: Reference | None = None  # the fields that lead to it, where it is nothing but fields
    root: bool = False  # the names in scope

    def named(self, name: str) -> str:
        """How a field of it is written."""
        return f"{self.written}.{name}" if self.written else name


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTyping:
    """What is known about a path and its parts."""

    result: Known
    mistakes: tuple[Mistake, ...]
    parts: tuple[tuple[Node, Known, str], ...]  # with what the schema says of a field


def infer_path(tree: PathTree, scope: TypeScope) -> PathTyping:
    """Find out what can be known about every part of a path; mistakes are reported, never raised."""
    walk = _Inference(tree, scope)
    root = _Base(Known(type=Record(name="scope")), place=(), root=True)
    result = walk.of(tree.tree, root).known
    unique = {(found.start, found.end): found for found in reversed(walk.mistakes)}
    mistakes = tuple(sorted(unique.values(), key=lambda found: found.start))
    return PathTyping(result=result, mistakes=mistakes, parts=tuple(walk.parts))


class _Inference:
    """One walk over one path."""

    def __init__(self, tree: PathTree, scope: TypeScope) -> None:
        self.text = tree.text
        self.scope = scope
        self.mistakes: list[Mistake] = []
        self.parts: list[tuple[Node, Known, str]] = []
        self.about = ""

    def of(self, node: Node, base: _Base) -> _Base:
        """What is known about a node that is applied to a value."""
        self.about = ""
        found = _RULES[node.kind](self, node, base)
        self.parts.append((node, found.known, self.about))
        self.about = ""
        return found

    def mistake(
        self,
        kind: str,
        node: Node,
        message: str,
        *,
        name: str = "",
        near: tuple[str, ...] = (),
        help_: str = "",
    ) -> _Base:
        """Report; nothing is known of what follows, so it is not reported as well."""
        self.mistakes.append(
            Mistake(
                kind=kind, message=message, start=node.start, end=node.end, name=name, near=near, help=help_
            )
        )
        return _Base(UNKNOWN)

    def written(self, node: Node) -> str:
        """The text of a node, on one line."""
        return " ".join(self.text[node.start : node.end].split())

    # -- reaching into data

    def identity(self, node: Node, base: _Base) -> _Base:
        """The value itself."""
        del node
        return base

    def field(self, node: Node, base: _Base) -> _Base:
        """A field of a record; of anything else there is none."""
        name, kind = cast("str", node.value), base.known.type
        if base.root:
            return self._name(node, name)
        match kind:
            case Record(fields=fields, open=is_open):
                found = fields.get(name)
                if found is not None:
                    return self._found(name, found, base)
                return (
                    self._other(node, name, kind, base) if is_open else self._unknown(node, name, kind, base)
                )
            case Any():
                return _Base(UNKNOWN, base.named(name))
            case Scalar(name="null"):
                return _Base(base.known, base.named(name))
            case Listing():
                one, each = f"{base.written}[0].{name}", f"{base.written}[].{name}"
                helps = f"write {each} for every item, or {one} for one" if base.written else ""
                return self._no_fields(node, name, kind, base, helps)
            case _:
                return self._no_fields(node, name, kind, base, "")

    def _found(self, name: str, found: Field, base: _Base) -> _Base:
        self.about = found.about
        place = None if base.place is None else (*base.place, name)
        nullable = base.known.nullable or found.may_be_absent
        known = Known(type=found.type, nullable=nullable, unsure=base.known.unsure)
        shown = None if place is None else self.scope.facts.get(place)
        return _Base(narrowed(known, shown), base.named(name), place)

    def _name(self, node: Node, name: str) -> _Base:
        known = self.scope.known(name)
        if known is not None:
            return _Base(narrowed(known, self.scope.facts.get((name,))), name, (name,))
        near = near_names(name, self.scope.names)
        helps = "" if near else there_are(self.scope.names)
        message = f"there is no `{name}` here"
        return self.mistake("unknown_name", node, message, name=name, near=near, help_=helps)

    def _unknown(self, node: Node, name: str, kind: Record, base: _Base) -> _Base:
        message = f"`{base.written}` ({describe(kind)}) has no field `{name}`"
        near = near_names(name, kind.fields)
        helps = "" if near else there_are(kind.fields)
        return self.mistake("unknown_field", node, message, name=name, near=near, help_=helps)

    def _other(self, node: Node, name: str, kind: Record, base: _Base) -> _Base:
        """A field of a record that may have others than those it names; quotes say that it is meant."""
        near = () if self.text[node.start] == '"' else misspelt(name, kind.fields)
        if near:
            message = f"`{base.written}` ({describe(kind)}) says nothing of a field `{name}`"
            helps = f'one that is there all the same stands in quotes: {base.written}."{name}"'
            self.mistake("misspelt", node, message, name=name, near=near, help_=helps)
        return _Base(UNKNOWN, base.named(name))

    def _no_fields(self, node: Node, name: str, kind: Type, base: _Base, helps: str) -> _Base:
        message = f"`{base.written}` is {describe(kind)} and has no fields"
        return self.mistake("no_fields", node, message, name=name, help_=helps)

    def chain(self, node: Node, base: _Base) -> _Base:
        """Each part applied to what the one before gave."""
        for part in node.parts:
            base = self.of(part, base)
        return base

    def index(self, node: Node, base: _Base) -> _Base:
        """An item of a list; null behind its end."""
        items = self._items(node, base)
        return _Base(replace(items, nullable=True), f"{base.written}[{node.value}]")

    def slice(self, node: Node, base: _Base) -> _Base:
        """Some items of a list."""
        self._items(node, base)
        return _Base(base.known, base.written)

    def _items(self, node: Node, base: _Base) -> Known:
        """What is known of the items of a list; a problem where there are none."""
        match base.known.type:
            case Listing(item=item, nullable=nullable):
                return Known(type=item, nullable=nullable)
            case Any() | Scalar(name="null"):
                return UNKNOWN
            case _ if base.root:
                self.mistake("not_a_list", node, "this is applied to all names at once, and they are no list")
                return UNKNOWN
            case kind:
                self.mistake("not_a_list", node, f"`{base.written}` is {describe(kind)}, not a list")
                return UNKNOWN

    # -- going through lists

    def projection(self, node: Node, base: _Base) -> _Base:
        """What is read of each item; null is left out."""
        before = self.of(node.parts[0], base)
        element = self._items(node, before) if node.parts[0].kind != "slice" else _item(before.known.type)
        made = self.of(node.parts[1], _Base(element, f"{before.written}[]"))
        return _Base(_list_of(made.known, before.known), made.written)

    def filter(self, node: Node, base: _Base) -> _Base:
        """What is read of each item that a condition is true of."""
        before = self.of(node.parts[0], base)
        element = _Base(self._items(node, before), f"{before.written}[]")
        self.of(node.parts[2], element)
        made = self.of(node.parts[1], element)
        return _Base(_list_of(made.known, before.known), made.written)

    def flatten(self, node: Node, base: _Base) -> _Base:
        """The items of a list, and of the lists in it."""
        before = self.of(node.parts[0], base)
        element = self._items(node, before)
        inner = element.type
        if isinstance(inner, Listing):
            element = Known(type=inner.item, nullable=inner.nullable or element.nullable)
        found = Known(
            type=Listing(item=element.type, nullable=element.nullable), nullable=before.known.nullable
        )
        return _Base(found, before.written)

    def values(self, node: Node, base: _Base) -> _Base:
        """What is read of each value of a record."""
        before = self.of(node.parts[0], base)
        element = UNKNOWN
        if isinstance(before.known.type, Record) and not before.known.type.open:
            fields = before.known.type.fields.values()
            element = join(Known(type=field.type, nullable=field.may_be_absent) for field in fields)
        elif isinstance(before.known.type, Scalar | Enum | Listing):
            self._no_fields(node, "*", before.known.type, before, "")
        made = self.of(node.parts[1], _Base(element, f"{before.written}.*"))
        return _Base(_list_of(made.known, before.known), made.written)

    # -- what is true

    def either(self, node: Node, base: _Base) -> _Base:
        """`a || b` is the last where those before it are null, false or empty."""
        parts = [self.of(part, base).known for part in node.parts]
        found = Known(type=join(parts).type, nullable=parts[-1].nullable, unsure=parts[-1].unsure)
        return _Base(found, self.written(node))

    def all(self, node: Node, base: _Base) -> _Base:
        """`a && b` is the first where that is null, false or empty."""
        return _Base(join(self.of(part, base).known for part in node.parts), self.written(node))

    def negated(self, node: Node, base: _Base) -> _Base:
        """True or false, whatever it is applied to."""
        self.of(node.parts[0], base)
        return _Base(Known(type=BOOLEAN))

    def compare(self, node: Node, base: _Base) -> _Base:
        """True or false; null where an order is asked of what has none."""
        left, right = (self.of(part, base).known for part in node.parts)
        is_equality = node.value in ("==", "!=")
        self._check_values(node, left.type, right.type)
        kinds = family(left.type), family(right.type)
        if "any" in kinds or "null" in kinds:
            pass
        elif kinds[0] != kinds[1] or not (is_equality or kinds[0] in ORDERED):
            told = f"{describe(left.type)} is never compared with {describe(right.type)} by `{node.value}`"
            dates = {"date", "datetime"} & set(kinds)
            self.mistake("dates" if dates and kinds[0] != kinds[1] else "operands", node, told)
        nullable = not is_equality and (left.nullable or right.nullable)
        unsure = not is_equality and (left.may_be_null or right.may_be_null)
        return _Base(Known(type=BOOLEAN, nullable=nullable, unsure=unsure))

    def _check_values(self, node: Node, left: Type, right: Type) -> None:
        """A text that a field can never hold is a misspelling."""
        for kind, other, part in ((left, right, node.parts[1]), (right, left, node.parts[0])):
            if not (isinstance(kind, Enum) and isinstance(other, Enum) and part.kind == "literal"):
                continue
            if other.values[0] not in kind.values:
                name = other.values[0]
                message = f"'{name}' is never a value here; it is {describe(kind)}"
                self.mistake("unknown_value", part, message, name=name, near=near_names(name, kind.values))

    # -- what is made

    def literal(self, node: Node, base: _Base) -> _Base:
        """A value that is written out."""
        del base
        return _Base(known_value(node.value), self.written(node))

    def list(self, node: Node, base: _Base) -> _Base:
        """A list of values; null where it is applied to null."""
        item = join(self.of(part, base).known for part in node.parts)
        made = Listing(item=item.type, nullable=item.nullable)
        return _Base(Known(type=made, nullable=base.known.nullable), self.written(node))

    def record(self, node: Node, base: _Base) -> _Base:
        """A record of values; null where it is applied to null."""
        made = [self.of(part, base).known for part in node.parts]
        fields = {
            name: Field(type=known.type, required=True, nullable=known.nullable)
            for name, known in zip(node.names, made, strict=True)
        }
        kind = Record(name="", fields=fields)
        return _Base(Known(type=kind, nullable=base.known.nullable), self.written(node))

    # -- functions

    def call(self, node: Node, base: _Base) -> _Base:
        """What a function gives; it refuses null, and values of other kinds."""
        function = PATH_FUNCTIONS[cast("str", node.value)]
        plain = [self.of(part, base) for part in node.parts if part.kind != "expression"]
        items = _item(plain[0].known.type) if plain else UNKNOWN
        element = _Base(items, f"{plain[0].written}[]" if plain else "")
        applied = [self.of(part.parts[0], element).known for part in node.parts if part.kind == "expression"]
        values = iter(plain)
        for number, part in enumerate(node.parts):
            if part.kind != "expression":
                wanted = function.parameters[min(number, len(function.parameters) - 1)]
                self._check_argument(function.name, wanted, part, next(values))
        for part, known in zip((one for one in node.parts if one.kind == "expression"), applied, strict=True):
            self._check_key(function.name, part, known)
        given = [one.known for one in plain]
        result = _RESULTS.get(function.name)
        return _Base(UNKNOWN if result is None else result(given, applied), self.written(node))

    def _check_key(self, name: str, node: Node, known: Known) -> None:
        """What an expression gives for each item must have an order where items are ordered by it."""
        if name not in _ORDERING or isinstance(known.type, Any):
            return
        written = self.written(node.parts[0])
        if family(known.type) not in (*ORDERED, "null"):
            message = f"{name}() orders numbers, texts or dates, and `{written}` is {describe(known.type)}"
            self.mistake("arguments", node.parts[0], message, name=name)
        elif known.nullable:
            message = f"{name}() orders what is there, and `{written}` may be null"
            self.mistake("nullable", node.parts[0], message, help_="leave out the items without it: [?field]")

    def _check_argument(self, name: str, wanted: str, node: Node, value: _Base) -> None:
        accepted, known = _ACCEPTED[wanted], value.known
        if not accepted or isinstance(known.type, Any):
            return
        found, item = family(known.type), family(_item(known.type).type)
        if found not in accepted or (found == "list" and item not in accepted["list"]):
            message = f"{name}() takes {wanted}, not {describe(known.type)}"
            self.mistake("arguments", node, message, name=name)
        elif known.nullable:
            message = f"{name}() takes {wanted}, and `{value.written}` may be null"
            self.mistake("nullable", node, message, help_=f"write {name}(not_null({value.written}, ...))")
        elif _item(known.type).nullable and item in accepted["list"] != _SCALARS:
            message = f"{name}() takes {wanted}, and an item of `{value.written}` may be null"
            self.mistake("nullable", node, message, help_=f"write {name}({value.written}[?@ != `null`])")


_ORDERING = ("sort_by", "max_by", "min_by")
_SCALARS = ("any", "number", "text", "boolean", "date", "datetime", "list", "record", "null")
_ACCEPTED: Mapping[str, Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "anything": {},
        "a number": {"number": ()},
        "text": {"text": ()},
        "a record": {"record": ()},
        "a list": {"list": _SCALARS},
        "a list of numbers": {"list": ("any", "number")},
        "a list of texts": {"list": ("any", "text")},
        "a list of numbers or texts": {"list": ("any", *ORDERED)},
        "a list or text": {"list": _SCALARS, "text": ()},
        "text, a list or a record": {"list": _SCALARS, "text": (), "record": ()},
    }
)
"""The families that a parameter takes, and for lists those of their items; all where nothing is said."""


def known_value(value: Value) -> Known:
    """What is known about a value that is written out."""
    match value:
        case None:
            return Known(type=NULL, nullable=True)
        case bool():
            return Known(type=BOOLEAN)
        case int():
            return Known(type=INTEGER)
        case str():
            return Known(type=Enum(values=(value,)))
        case list():
            item = join(map(known_value, value)) if value else Known(type=NULL)
            return Known(type=Listing(item=item.type, nullable=item.nullable))
        case dict():
            made = {name: known_value(inner) for name, inner in value.items()}
            fields = {
                name: Field(type=known.type, required=True, nullable=known.nullable)
                for name, known in made.items()
            }
            return Known(type=Record(name="", fields=fields))
        case _:
            return Known(type=DECIMAL)


def _item(kind: Type) -> Known:
    return Known(type=kind.item, nullable=kind.nullable) if isinstance(kind, Listing) else UNKNOWN


def _list_of(made: Known, base: Known) -> Known:
    """What a projection gives: null is left out of it, and null has none."""
    unsure = base.unsure or base.type == ANY
    return Known(type=Listing(item=made.type), nullable=base.nullable, unsure=unsure)


_Result = Callable[[Sequence[Known], Sequence[Known]], Known]


def _always(kind: Type) -> _Result:
    return lambda _given, _applied: Known(type=kind)


def _one_of(given: Sequence[Known], _applied: Sequence[Known]) -> Known:
    return replace(_item(given[0].type), nullable=True)


def _same(given: Sequence[Known], _applied: Sequence[Known]) -> Known:
    return Known(type=given[0].type)


def _not_null(given: Sequence[Known], _applied: Sequence[Known]) -> Known:
    nullable = all(one.nullable for one in given)
    return Known(type=join(given).type, nullable=nullable, unsure=all(one.may_be_null for one in given))


def _mapped(given: Sequence[Known], applied: Sequence[Known]) -> Known:
    del given
    return Known(type=Listing(item=applied[0].type, nullable=applied[0].nullable))


def _as_list(given: Sequence[Known], _applied: Sequence[Known]) -> Known:
    known = given[0]
    if isinstance(known.type, Listing | Any):
        return Known(
            type=known.type if isinstance(known.type, Listing) and not known.nullable else Listing(item=ANY)
        )
    return Known(type=Listing(item=known.type, nullable=known.nullable))


def _number_of(given: Sequence[Known], _applied: Sequence[Known]) -> Known:
    kind = given[0].type
    is_number = isinstance(kind, Scalar) and kind.name in ("integer", "decimal")
    return Known(type=kind if is_number else DECIMAL, nullable=given[0].nullable or not is_number)


def _sum_of(given: Sequence[Known], _applied: Sequence[Known]) -> Known:
    item = _item(given[0].type).type
    return Known(type=item if item == INTEGER else DECIMAL)


_BOOLEAN, _INTEGER, _STRING = _always(BOOLEAN), _always(INTEGER), _always(STRING)
_RESULTS: Mapping[str, _Result] = MappingProxyType(
    {
        "abs": _same,
        "avg": lambda _given, _applied: Known(type=DECIMAL, nullable=True),
        "ceil": _INTEGER,
        "floor": _INTEGER,
        "contains": _BOOLEAN,
        "starts_with": _BOOLEAN,
        "ends_with": _BOOLEAN,
        "join": _STRING,
        "keys": _always(Listing(item=STRING)),
        "length": _INTEGER,
        "map": _mapped,
        "max": _one_of,
        "min": _one_of,
        "max_by": _one_of,
        "min_by": _one_of,
        "not_null": _not_null,
        "reverse": lambda given, _applied: Known(
            type=STRING if family(given[0].type) == "text" else given[0].type
        ),
        "sort": _same,
        "sort_by": _same,
        "sum": _sum_of,
        "to_array": _as_list,
        "to_number": _number_of,
        "to_string": _STRING,
        "type": _STRING,
        "values": _always(Listing(item=ANY)),
    }
)

_RULES: Mapping[str, Callable[[_Inference, Node, _Base], _Base]] = MappingProxyType(
    {
        "identity": _Inference.identity,
        "field": _Inference.field,
        "chain": _Inference.chain,
        "index": _Inference.index,
        "slice": _Inference.slice,
        "projection": _Inference.projection,
        "filter": _Inference.filter,
        "flatten": _Inference.flatten,
        "values": _Inference.values,
        "or": _Inference.either,
        "and": _Inference.all,
        "not": _Inference.negated,
        "compare": _Inference.compare,
        "literal": _Inference.literal,
        "list": _Inference.list,
        "record": _Inference.record,
        "call": _Inference.call,
    }
)
