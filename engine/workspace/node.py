"""The nodes of a YAML document, with their places.

They are filled while a file is read and treated as immutable from then on. They are neither frozen nor
keyword-only: there is one for every word of a workspace, and both would double the time of reading it.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from engine.source import Source, Span


@dataclass(slots=True, eq=False)
class Node:
    """Something in a YAML document, at the characters [start, end) of its source."""

    source: Source
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Its place."""
        return Span(self.source, self.start, self.end)


@dataclass(slots=True, eq=False)
class ScalarNode(Node):
    """A text, number or word, not yet resolved."""

    text: str
    style: str  # "" for plain, or the character that begins it: ' " | >


@dataclass(slots=True, eq=False)
class ListNode(Node):
    """A list."""

    flow: bool  # written with brackets
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class MapNode(Node):
    """A record. A key that was written twice is here once, with its first value."""

    flow: bool
    pairs: list[tuple[ScalarNode, Node]] = field(default_factory=list)


Container: TypeAlias = ListNode | MapNode
