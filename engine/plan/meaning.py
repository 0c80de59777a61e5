"""What a release says, part by part, so that two of them can be compared.

What lives here: the form of it. What does not: how it is made of documents
(:mod:`engine.compile.meaning`) and what a difference is worth (:mod:`engine.preview.meaning`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from engine.values.value import Value

Place: TypeAlias = tuple[str, ...]
"""Where in a part something is said: `("fields", "amount", "rounding")`."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that a part says.

    Two of the same ``value`` decide alike, however they are written. Of those, two of the same ``words`` are
    also told to people alike.
    """

    value: Value
    shown: str  # as an author would write it, on one line
    words: Value = None

    @property
    def meant(self) -> tuple[Value, Value]:
        """What is compared: however it is written."""
        return self.value, self.words


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A document, as it was understood."""

    kind: str
    name: str  # with its version where several stand side by side: "time_entry@2"
    file: str
    line: int
    says: Mapping[Place, Said]
    uses: frozenset[str]  # the keys of other parts that it depends on


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """Everything that a release says."""

    release: str
    parts: Mapping[str, Part]  # by kind and name: "mapping time-entry-to-time-bill"
