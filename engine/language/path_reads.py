"""Which fields a path reads: chains of names from its root, each name with its place in the text.

A chain goes on through filters, projections and arguments for as long as it is certain what they are
applied to; what is read from anything else (a literal, a value that is made, one of two) is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast

from engine.language.path_tree import Node, PathTree

ELEMENT = "[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Names read one from the other, the first from the root of the path.

    A part is a name with its range [start, end) in the text; the name `[]` stands for an element
    of the list before it. When the text of that range is `[]` (flatten), it is the value itself
    if that is no list.
    """

    parts: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class _ListOf:
    """A list whose elements are as described."""

    item: "_Shape"


_Shape: TypeAlias = "Chain | _ListOf | None"


def path_reads(tree: PathTree) -> tuple[Chain, ...]:
    """The chains that a path reads, in the order in which they are written."""
    nodes = tree.tree.parts if tree.tree.kind == "chain" else (tree.tree,)
    if all(node.kind == "field" for node in nodes):  # as nearly every path is
        return (Chain(parts=tuple((cast("str", node.value), node.start, node.end) for node in nodes)),)
    reader = _Reader()
    reader.note(reader.shape(tree.tree, Chain(parts=())))
    found = {chain for chain in reader.chains if chain.parts}
    prefixes = {chain.parts[:length] for chain in found for length in range(len(chain.parts))}
    longest = (chain for chain in found if chain.parts not in prefixes)
    return tuple(sorted(longest, key=lambda chain: [part[1] for part in chain.parts]))


def path_results(tree: PathTree) -> tuple[Chain, ...]:
    """The chains by which the result of a path may be read: several of `a || b` and of `not_null(a, b)`."""
    found = map(_result, _alternatives(tree.tree))
    return tuple(chain for chain in found if chain is not None)


def _result(node: Node) -> Chain | None:
    """The chain by which a result is read, or its elements; None when that is not certain."""
    shape = _Reader().shape(node, Chain(parts=()))
    while isinstance(shape, _ListOf):
        shape = shape.item
    return shape if shape is not None and shape.parts else None


def _alternatives(node: Node) -> Iterator[Node]:
    """The parts of which one is the result."""
    if node.kind in {"or", "and"} or (node.kind == "call" and node.value == "not_null"):
        for part in node.parts:
            yield from _alternatives(part)
    else:
        yield node


class _Reader:
    """Follows a tree and notes each chain where it is used."""

    def __init__(self) -> None:
        self.chains: list[Chain] = []

    def note(self, shape: _Shape) -> None:
        """Remember the chain that a value was read by."""
        while isinstance(shape, _ListOf):
            shape = shape.item
        if shape is not None:
            self.chains.append(shape)

    def shape(self, node: Node, base: _Shape) -> _Shape:
        """By what chain the result of a node is read, when that is certain."""
        match node.kind:
            case "identity" | "slice":
                return base
            case "field":
                return self.field(node, base)
            case "index":
                return _element(base, node)
            case "flatten":
                return _ListOf(_element(self.shape(node.parts[0], base), node))
            case "chain":
                return self.chain(node, base)
            case "projection" | "filter" | "values":
                return self.projected(node, base)
            case "call":
                return self.call(node, base)
            case _:
                self.note(base if node.kind in {"list", "record"} else None)
                for part in node.parts:
                    self.note(self.shape(part, base))
                return None

    def field(self, node: Node, base: _Shape) -> _Shape:
        """The chain with one more name."""
        if not isinstance(base, Chain):
            return None
        return Chain(parts=(*base.parts, (cast("str", node.value), node.start, node.end)))

    def chain(self, node: Node, base: _Shape) -> _Shape:
        """Each part read from what the one before gave."""
        for part in node.parts:
            before, base = base, self.shape(part, base)
            if base is None:
                self.note(before)
        return base

    def projected(self, node: Node, base: _Shape) -> _Shape:
        """What is read from each element."""
        before = self.shape(node.parts[0], base)
        self.note(before)
        element = None if node.kind == "values" else _element(before, node)
        self.note(element)
        for condition in node.parts[2:]:
            self.note(self.shape(condition, element))
        made = self.shape(node.parts[1], element)
        return None if made is None else _ListOf(made)

    def call(self, node: Node, base: _Shape) -> _Shape:
        """What is read from the arguments; some functions give back what they were given."""
        plain = [self.shape(part, base) for part in node.parts if part.kind != "expression"]
        for shape in plain:
            self.note(shape)
        element = _element(plain[0], node) if len(plain) == 1 else None
        applied = [self.shape(part.parts[0], element) for part in node.parts if part.kind == "expression"]
        for shape in applied:
            self.note(shape)
        match node.value:
            case "map":
                return None if applied[0] is None else _ListOf(applied[0])
            case "max_by" | "min_by":
                return element
            case "sort_by" | "sort" | "reverse":
                return plain[0]
            case _:
                return None


def _element(shape: _Shape, node: Node) -> _Shape:
    """An element of a list that was read so."""
    if isinstance(shape, _ListOf) and node.kind != "flatten":
        return shape.item
    if isinstance(shape, _ListOf):
        return _element(shape.item, node)
    return None if shape is None else Chain(parts=(*shape.parts, (ELEMENT, node.start, node.end)))
