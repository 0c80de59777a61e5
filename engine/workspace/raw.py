"""YAML values as they are: what a document says where any value may stand."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from engine.problems import Collector
from engine.source import Span
from engine.spec.field import Raw
from engine.values.value import Value
from engine.workspace.node import ListNode, MapNode, Node, ScalarNode
from engine.workspace.traps import resolve

Path: TypeAlias = tuple[str | int, ...]


def read_raw(node: Node, collector: Collector) -> Raw:
    """The value with the places of its parts; words that other tools misread are reported."""
    return Raw(value=_value(node, collector), span=node.span, places=Places(node))


def _value(node: Node, collector: Collector) -> Value:
    if isinstance(node, ScalarNode):
        return resolve(node, collector)
    if isinstance(node, ListNode):
        return [_value(item, collector) for item in node.items]
    assert isinstance(node, MapNode)
    return {key.text: _value(value, collector) for key, value in node.pairs}


class Places(Mapping[Path, Span]):
    """The place of each part of a value, by its path; looked up in the tree when asked for."""

    __slots__ = ("_node",)

    def __init__(self, node: Node) -> None:
        """The places inside of a node; the empty path is the node itself."""
        self._node = node

    def __getitem__(self, path: Path) -> Span:
        node: Node | None = self._node
        for step in path:
            node = _inner(node, step)
            if node is None:
                raise KeyError(path)
        assert node is not None
        return node.span

    def __iter__(self) -> Iterator[Path]:
        return (path for path, _ in _walk(self._node, ()))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _inner(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, MapNode) and isinstance(step, str):
        return next((value for key, value in node.pairs if key.text == step), None)
    if isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


def _walk(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    yield path, node
    if isinstance(node, MapNode):
        for key, value in node.pairs:
            yield from _walk(value, (*path, key.text))
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from _walk(item, (*path, index))
