"""Generated Python for a path: straight-line code for fields, inline loops for projections and filters.

What lives here: statements for each kind of node. What does not: reading a text (path.py) and what the
functions do (functions/path_functions.py). Every loop reads and appends; nothing of the data is changed.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from keyword import iskeyword
from types import MappingProxyType
from typing import cast

from engine.language.budget import MAX_LIST
from engine.language.functions.path_functions import (
    EXPRESSION,
    NUMBERS,
    PATH_FUNCTIONS,
    flattened,
    not_a_list,
    ordered,
    too_many,
)
from engine.language.generate import Emitter
from engine.language.path_tree import Node, PathTree
from engine.language.scope import TypeScope
from engine.values.type import Listing, Record, Type

# Python allows 20 loops in one another and 100 levels of indentation; what is deeper gets its own function.
DEEPEST = 15

_ORDERINGS = MappingProxyType({"lt": "<", "lte": "<=", "gt": ">", "gte": ">="})


def emit_path(
    emitter: Emitter, tree: PathTree, root: str | None = None, *, types: TypeScope | None = None
) -> str:
    """Emit the statements of a path and return the atom that holds the result.

    ``root`` is the local variable with the value that the path is applied to. Without one the path
    is applied to the scope: a leading name is a name of the scope, or null when there is none, and
    `@` is a record of all names. What was read from a local is read once for all paths of a block,
    so nothing may change the data of a local between two paths. ``types`` says what is known about the
    names of the scope; what is surely there is read without asking first.
    """
    return _Emission(emitter, types).atom(tree.tree, root)


class _Emission:
    """The statements of one path; `root` is None where the path is applied to the scope."""

    def __init__(self, emitter: Emitter, types: TypeScope | None = None) -> None:
        self.emitter = emitter
        self.types = types or TypeScope()
        self.sure: dict[str, Type] = {}  # atoms that hold no null by their types
        self.tests: set[str] = set()  # atoms that hold true, false or null
        self.numbers = emitter.constant(NUMBERS)

    def atom(self, node: Node, root: str | None) -> str:
        """The atom with the result of a node."""
        if root is not None and node.parts and self.emitter.depth >= DEEPEST:
            return self.apart(node, root)
        return _KINDS[node.kind](self, node, root)

    def apart(self, node: Node, root: str) -> str:
        """The node as a function of its own: it depends on nothing but the value it is applied to."""
        inner = Emitter()
        function, _ = inner.build("path", _Emission(inner).atom(node, "scope"))
        return self.emitter.assign(f"{self.emitter.constant(function)}({root})")

    def local(self, atom: str) -> str:
        """A name for an atom: a literal may not stand before a dot, a bracket or `is`."""
        return atom if atom.isidentifier() and not iskeyword(atom) else self.emitter.assign(atom)

    def step(self, root: str, step: str, make: Callable[[str], str], fast: str | None = None) -> str:
        """One step from a value to a part of it, taken once for each block; `fast` as in `Emitter.line`."""
        if root == "None":
            return root
        root = self.local(root)
        known = self.emitter.recall(root, step)
        if known is None:
            known = self.emitter.assign(make(root), fast)
            self.emitter.remember(root, step, known)
        return known

    def identity(self, _node: Node, root: str | None) -> str:
        """The value at hand."""
        if root is not None:
            return root
        known = self.emitter.recall("scope", "@")
        if known is None:
            # A name that no author can write is not for authors to see.
            names = [name for name in self.emitter.scope if not name.startswith("$")]
            known = self.emitter.assign(
                f"{{{', '.join(f'{name!r}: {self.emitter.name(name)}' for name in names)}}}"
            )
            self.emitter.remember("scope", "@", known)
        return known

    def field(self, node: Node, root: str | None) -> str:
        """The value under a name, null where there is none."""
        name = cast("str", node.value)
        if root is None:
            return self.named(name)
        kind, fast = self.sure.get(root), None
        found = kind.fields.get(name) if isinstance(kind, Record) else None
        if found is not None:
            fast = f"{root}[{name!r}]" if found.required else f"{root}.get({name!r})"
        local = self.step(
            root, repr(name), lambda at: f"{at}.get({name!r}) if type({at}) is dict else None", fast
        )
        if found is not None and not found.may_be_absent:
            self.sure[local] = found.type
        return local

    def named(self, name: str) -> str:
        """The local of a name of the scope."""
        local = self.emitter.name(name) or "None"
        known = self.types.known(name)
        if known is not None and not known.may_be_null:
            self.sure[local] = known.type
        return local

    def index(self, node: Node, root: str | None) -> str:
        """The element at an index, counted from the end when it is negative."""
        index = cast("int", node.value)
        enough = f"> {index}" if index >= 0 else f">= {-index}"
        return self.step(
            root or self.identity(node, root),
            f"[{index}]",
            lambda at: f"{at}[{index}] if type({at}) is list and len({at}) {enough} else None",
        )

    def stretch(self, node: Node, root: str | None) -> str:
        """A part of a list."""
        bounds = ":".join(
            "" if bound is None else str(bound) for bound in cast("list[int | None]", node.value)
        )
        return self.step(
            root or self.identity(node, root),
            f"[{bounds}]",
            lambda at: f"{at}[{bounds}] if type({at}) is list else None",
        )

    def literal(self, node: Node, _root: str | None) -> str:
        """A value as written."""
        value = node.value
        if value is None or isinstance(value, bool | str) or (isinstance(value, int) and abs(value) < 2**63):
            return repr(value)
        return self.emitter.constant(value)

    def chain(self, node: Node, root: str | None) -> str:
        """Each part applied to the result of the one before."""
        for part in node.parts:
            root = self.atom(part, root)
        return cast("str", root)

    def either(self, node: Node, root: str | None) -> str:
        """The first that counts as true, or the last."""
        return self.lazily(node, root, self.falsy)

    def both(self, node: Node, root: str | None) -> str:
        """The first that counts as false, or the last."""
        return self.lazily(node, root, self.truthy)

    def lazily(self, node: Node, root: str | None, go_on: Callable[[str], str]) -> str:
        """The first part, replaced by the next for as long as the test holds."""
        first = self.atom(node.parts[0], root)
        result, made = self.emitter.assign(first), {first}
        for part in node.parts[1:]:
            if made <= self.tests:
                self.tests.add(result)
            with self.emitter.block(f"if {go_on(result)}:"):
                atom = self.atom(part, root)
                self.emitter.line(f"{result} = {atom}")
            self.tests.discard(result)
            made.add(atom)
        if made <= self.tests:
            self.tests.add(result)
        return result

    def negation(self, node: Node, root: str | None) -> str:
        """Whether a value counts as false."""
        return self.tested(f"not {self.truth(node.parts[0], root)}")

    def compare(self, node: Node, root: str | None) -> str:
        """A comparison as true, false or null."""
        return self.tested(self.comparison(node, root))

    def tested(self, expression: str) -> str:
        """An expression that is true, false or null, in a local that is known to be so."""
        result = self.emitter.assign(expression)
        self.tests.add(result)
        return result

    def truthy(self, atom: str) -> str:
        """Whether a value counts as true: all but null, false and what is empty; zero does."""
        return atom if atom in self.tests else f"({atom} or type({atom}) in {self.numbers})"

    def falsy(self, atom: str) -> str:
        """Whether a value counts as false."""
        return f"not {self.truthy(atom)}"

    def truth(self, node: Node, root: str | None) -> str:
        """Whether a node counts as true, as an expression for `if`."""
        if node.kind == "compare":
            return f"({self.comparison(node, root)})"
        if node.kind == "not":
            return f"(not {self.truth(node.parts[0], root)})"
        return self.truthy(self.atom(node, root))

    def comparison(self, node: Node, root: str | None) -> str:
        """A comparison as an expression."""
        left, right = (self.atom(part, root) for part in node.parts)
        operator = cast("str", node.value)
        if operator in _ORDERINGS:
            return self.ordering(left, _ORDERINGS[operator], right, node.parts)
        equal = self.equality(left, right, node.parts)
        return equal if operator == "eq" else f"not ({equal})"

    def equality(self, left: str, right: str, parts: tuple[Node, ...]) -> str:
        """`left == right`, where true is not 1 and false is not 0."""
        if parts[0].kind == "literal":
            left, right, parts = right, left, parts[::-1]
        left = self.local(left)
        if parts[1].kind == "literal":
            value = parts[1].value
            if value is None or isinstance(value, bool):
                return f"{left} is {right}"
            if value not in (0, 1):
                return f"{left} == {right}"
        return f"{left} == {right} and (type({left}) is bool) is (type({right}) is bool)"

    def ordering(self, left: str, operator: str, right: str, parts: tuple[Node, ...]) -> str:
        """`left < right` for two numbers at once, for anything else by a function."""
        unknown = [
            f"type({atom}) in {self.numbers}"
            for atom, part in zip((left, right), parts, strict=True)
            if part.kind != "literal" or type(part.value) not in NUMBERS
        ]
        direct, other = f"{left} {operator} {right}", self.emitter.constant(ordered)
        return f"{direct} if {' and '.join(unknown) or 'True'} else {other}({left}, {operator!r}, {right})"

    def projection(self, node: Node, root: str | None) -> str:
        """What is done to each element of a list, without the nulls."""
        with self.each(self.atom(node.parts[0], root), "list") as (element, result):
            self.collect(node.parts[1], element, result)
        return result

    def values(self, node: Node, root: str | None) -> str:
        """What is done to each value of a record, without the nulls."""
        with self.each(self.atom(node.parts[0], root), "dict") as (element, result):
            self.collect(node.parts[1], element, result)
        return result

    def filtered(self, node: Node, root: str | None) -> str:
        """What is done to each element for which a condition counts as true, without the nulls."""
        with (
            self.each(self.atom(node.parts[0], root), "list") as (element, result),
            self.when(node.parts[2], element),
        ):
            self.collect(node.parts[1], element, result)
        return result

    @contextmanager
    def each(self, base: str, kind: str) -> Iterator[tuple[str, str]]:
        """A loop over a list or the values of a record; the result is null for anything else."""
        emitter, kind_of_base = self.emitter, self.sure.get(base)
        result, element, base = emitter.assign("None"), emitter.temp("e"), self.local(base)
        with emitter.block(f"if type({base}) is {kind}:"):
            emitter.line(f"{result} = []")
            if isinstance(kind_of_base, Listing):
                self.sure[element] = kind_of_base.item
            with emitter.block(f"for {element} in {base if kind == 'list' else f'{base}.values()'}:"):
                yield element, result
            with emitter.block(f"if len({result}) > {MAX_LIST}:"):
                emitter.line(f"{emitter.constant(too_many)}()")

    @contextmanager
    def when(self, node: Node, root: str) -> Iterator[None]:
        """Statements that run when a condition counts as true."""
        with ExitStack() as stack:
            for part in node.parts if node.kind == "and" else (node,):
                stack.enter_context(self.emitter.block(f"if {self.truth(part, root)}:"))
            yield

    def collect(self, node: Node, element: str, result: str) -> None:
        """Append what a node makes of an element, unless that is null."""
        made = self.local(self.atom(node, element))
        with self.emitter.block(f"if {made} is not None:"):
            self.emitter.line(f"{result}.append({made})")

    def flatten(self, node: Node, root: str | None) -> str:
        """The lists in a list taken apart."""
        flat = self.emitter.constant(flattened)
        return self.step(
            self.atom(node.parts[0], root), "[]", lambda at: f"{flat}({at}) if type({at}) is list else None"
        )

    def listing(self, node: Node, root: str | None) -> str:
        """A list that is made; null is made of null."""
        return self.made(node, root, lambda atoms: f"[{', '.join(atoms)}]")

    def record(self, node: Node, root: str | None) -> str:
        """A record that is made; null is made of null."""
        return self.made(
            node,
            root,
            lambda atoms: (
                f"{{{', '.join(f'{key!r}: {atom}' for key, atom in zip(node.names, atoms, strict=True))}}}"
            ),
        )

    def made(self, node: Node, root: str | None, text: Callable[[list[str]], str]) -> str:
        """A value made of several, unless it would be made of null."""
        if root is None:
            return self.emitter.assign(text([self.atom(part, root) for part in node.parts]))
        root, result = self.local(root), self.emitter.assign("None")
        with self.emitter.block(f"if {root} is not None:"):
            self.emitter.line(f"{result} = {text([self.atom(part, root) for part in node.parts])}")
        return result

    def call(self, node: Node, root: str | None) -> str:
        """A function of its arguments."""
        function = PATH_FUNCTIONS[cast("str", node.value)]
        if EXPRESSION in function.parameters:
            arguments = self.applied(node, root)
        else:
            arguments = [self.atom(part, root) for part in node.parts]
        return self.emitter.assign(f"{self.emitter.constant(function.call)}({', '.join(arguments)})")

    def applied(self, node: Node, root: str | None) -> list[str]:
        """A list and the results of an expression for each of its elements, in the order of the arguments."""
        first = 0 if node.parts[0].kind == "expression" else 1
        expression, other = node.parts[first].parts[0], node.parts[1 - first]
        emitter, items = self.emitter, self.local(self.atom(other, root))
        with emitter.block(f"if type({items}) is not list:"):
            emitter.line(f"{emitter.constant(not_a_list)}({node.value!r}, {items})")
        results, element = emitter.assign("[]"), emitter.temp("e")
        with emitter.block(f"for {element} in {items}:"):
            emitter.line(f"{results}.append({self.atom(expression, element)})")
        return [results, items] if first == 0 else [items, results]


_KINDS: Mapping[str, Callable[[_Emission, Node, str | None], str]] = MappingProxyType(
    {
        "identity": _Emission.identity,
        "field": _Emission.field,
        "index": _Emission.index,
        "slice": _Emission.stretch,
        "literal": _Emission.literal,
        "chain": _Emission.chain,
        "or": _Emission.either,
        "and": _Emission.both,
        "not": _Emission.negation,
        "compare": _Emission.compare,
        "projection": _Emission.projection,
        "values": _Emission.values,
        "filter": _Emission.filtered,
        "flatten": _Emission.flatten,
        "list": _Emission.listing,
        "record": _Emission.record,
        "call": _Emission.call,
    }
)
