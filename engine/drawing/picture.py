"""What is drawn, before anything is known about where it stands or how it looks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A box: what it is, its title, and what else stands in it."""

    id: str  # unique in the picture
    kind: str  # event, flow, connection, or the verb of a step
    title: str
    lines: tuple[str, ...] = ()

    @property
    def text(self) -> tuple[str, ...]:
        """All lines, the title first."""
        return (self.title, *self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An arrow, and what it is subject to."""

    start: str
    end: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Nodes and the arrows between them; arrows never lead in a circle within a flow."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    rightward: bool = False  # arrows lead to the right rather than down

    def parts(self) -> Iterator["Picture"]:
        """The pieces that no arrow connects, in the order of their first nodes."""
        part = {node.id: node.id for node in self.nodes}
        for edge in self.edges:
            merged, into = part[edge.end], part[edge.start]
            part = {name: into if now == merged else now for name, now in part.items()}
        for name in dict.fromkeys(part.values()):
            nodes = tuple(node for node in self.nodes if part[node.id] == name)
            edges = tuple(edge for edge in self.edges if part[edge.start] == name)
            yield replace(self, nodes=nodes, edges=edges)
