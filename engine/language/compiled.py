"""An expression, mapping or rule that is ready to be called.

This module is all that the core and the plan see of the languages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from engine.values.value import Value

Scope: TypeAlias = Mapping[str, Value]


class EvaluationError(Exception):
    """An expression could not be evaluated on the data at hand.

    ``text`` is the expression as the author wrote it and ``place`` its "file:line:column", so that
    the message at run time reads like the one at compile time.
    """

    def __init__(self, message: str, *, text: str = "", place: str = "") -> None:
        """Say what went wrong; the compiled callable adds text and place when it knows them."""
        super().__init__(message)
        self.message = message
        self.text = text
        self.place = place

    def __str__(self) -> str:
        """The message with its place and text, on one line."""
        where = f"{self.place}: " if self.place else ""
        what = f" (in `{self.text}`)" if self.text else ""
        return f"{where}{self.message}{what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A generated function of a scope, with what it was made from."""

    call: Callable[[Scope], Value]  # raises EvaluationError and nothing else
    text: str  # as the author wrote it
    names: frozenset[str]  # the names of the scope that it reads
    source: str  # the generated Python


ASK = "$ask"
"""The name in a scope under which generated code finds the look-up of cross references.

A callable `(entity, canonical id, system) -> id or None`. No author can write this name.
"""
