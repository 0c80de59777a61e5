"""What a template is once it was read: pieces of text, values, branches and loops."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from engine.language.formula_syntax import FormulaTree, Word
from engine.values.type import BOOLEAN, INTEGER, Type


class TemplateSyntaxError(Exception):
    """A text is not a template. Offsets are characters of the text, `end` exclusive."""

    def __init__(self, message: str, offset: int = 0, end: int = 0, help_: str = "") -> None:
        """Say what is wrong, where, and what to write instead."""
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.end = max(end, offset)
        self.help = help_


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Text as it is."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Show:
    """`{{ value }}`."""

    value: ast.expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choose:
    """`{% if %} ... {% elif %} ... {% else %}`."""

    branches: "tuple[tuple[ast.expr, Body], ...]"
    otherwise: "Body"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repeat:
    """`{% for name in items if only %} ... {% else %}`; facts of `loop` are names starting with `number`."""

    number: str
    target: ast.expr
    names: tuple[str, ...]
    items: ast.expr
    only: ast.expr | None
    body: "Body"
    otherwise: "Body"
    facts: tuple[str, ...]  # which of `loop.index`, `loop.last`, ... the body asks for


Piece: TypeAlias = Say | Show | Choose | Repeat
Body: TypeAlias = tuple[Piece, ...]

LOOP_FACTS: Mapping[str, Type] = MappingProxyType(
    {
        "index": INTEGER,
        "index0": INTEGER,
        "revindex": INTEGER,
        "length": INTEGER,
        "first": BOOLEAN,
        "last": BOOLEAN,
    }
)
"""What a loop tells of itself: `loop.index`, ..."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TemplateTree:
    """A template that was read and is made of allowed parts only."""

    body: Body
    parts: FormulaTree  # the text, and where each expression node stands in it

    @property
    def text(self) -> str:
        """The template as written."""
        return self.parts.text

    @property
    def names(self) -> frozenset[str]:
        """The names of the scope that the template reads."""
        return self.parts.names

    @property
    def reads(self) -> tuple[Word, ...]:
        """The names of the scope, each time one is read."""
        return self.parts.reads

    @property
    def calls(self) -> tuple[Word, ...]:
        """Functions and filters, each time one is used."""
        return self.parts.calls


def expressions_of(body: Body) -> Iterator[ast.expr]:
    """Every expression of a template, at any depth."""
    for piece in body:
        match piece:
            case Show(value=value):
                yield value
            case Choose(branches=branches, otherwise=otherwise):
                for test, inner in branches:
                    yield test
                    yield from expressions_of(inner)
                yield from expressions_of(otherwise)
            case Repeat():
                yield from (part for part in (piece.items, piece.only) if part is not None)
                yield from expressions_of(piece.body)
                yield from expressions_of(piece.otherwise)
            case _:
                pass
