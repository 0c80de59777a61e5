"""The tree of a path: its parts as frozen nodes, each with its place in the text.

What lives here: the shape of a tree and the error of a text that is none. What does not: reading a
text (path.py), generated code (path_emit.py) and which fields are read (path_reads.py).
"""

from dataclasses import dataclass

from engine.values.value import Value


class PathSyntaxError(Exception):
    """A text is not a path; ``offset`` is the character at which that shows."""

    def __init__(self, message: str, offset: int = 0) -> None:
        """Say in one line what is wrong and where."""
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One part of a path.

    ``kind`` is one of: identity (the value at hand, also written `@`), field, index, slice,
    literal, chain (each part applied to the result of the one before: `a.b`, `a[0]`, `a | b`),
    projection and values (a list or the values of a record, then what is done to each), filter
    (a list, what is done to each, the condition), flatten, or, and, not, compare, list, record,
    call, expression (`&a`, an argument that is applied to each element).
    """

    kind: str
    value: Value = None  # a name, a literal, the operator of a comparison, the bounds of a slice
    parts: tuple["Node", ...] = ()
    names: tuple[str, ...] = ()  # the keys of a record that is made
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTree:
    """A path that was read and is within all bounds."""

    text: str  # as written
    tree: Node
