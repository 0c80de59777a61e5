"""What an editor asks of an expression: the type of each part, and the names that may stand at a place.

Places are characters of the expression's text; an editor turns them into lines and columns of the file
with `Text.at`. What is asked here never fails: a text that cannot be read has no parts.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from engine.language.formula_syntax import FormulaTree
from engine.language.formula_types import Typing, infer
from engine.language.functions.spec import FunctionTable
from engine.language.functions.standard import STANDARD
from engine.language.known import Known
from engine.language.path_tree import PathTree
from engine.language.path_types import infer_path
from engine.language.scope import TypeScope
from engine.language.template_tree import TemplateTree
from engine.language.template_types import infer_template
from engine.values.type import Field, Listing, Record, describe

Tree: TypeAlias = PathTree | FormulaTree | TemplateTree


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedPart:
    """A part of an expression: the characters [start, end) of its text, and what its value is."""

    start: int
    end: int
    known: Known
    about: str = ""  # what the schema says of the field that it reads

    @property
    def shown(self) -> str:
        """Its type as said to a person: `a number, or null`."""
        return describe(self.known.type) + (", or null" if self.known.nullable else "")


def types_by_span(tree: Tree, scope: TypeScope, functions: FunctionTable = STANDARD) -> tuple[TypedPart, ...]:
    """Every part of an expression with its type, in the order of writing, outer before inner."""
    if isinstance(tree, PathTree):
        parts = {
            (node.start, node.end): TypedPart(start=node.start, end=node.end, known=known, about=about)
            for node, known, about in infer_path(tree, scope).parts
        }
        return _in_order(parts.values())
    if isinstance(tree, TemplateTree):
        return _in_order(_typed(tree.parts, infer_template(tree, scope, functions)))
    return _in_order(_typed(tree, infer(tree, scope, functions)))


def type_at(
    tree: Tree, scope: TypeScope, offset: int, functions: FunctionTable = STANDARD
) -> TypedPart | None:
    """The smallest part of an expression that holds a character; None where there is none."""
    found = [part for part in types_by_span(tree, scope, functions) if part.start <= offset < part.end]
    return min(found, key=lambda part: part.end - part.start, default=None)


def names_at(text: str, scope: TypeScope, offset: int) -> Mapping[str, Field]:
    """What may be written at a place: the fields of what stands before a dot there, else the names in scope.

    The text need not be an expression yet, for it is being written. Functions are left out.
    """
    before = _BEFORE.search(text[:offset])
    steps = _STEP.findall(before[1]) if before else []
    fields: Mapping[str, Field] = {
        name: Field(type=kind, required=True, nullable=name in scope.nullable)
        for name, kind in scope.names.items()
    }
    for name, subscript in steps:
        found = fields.get(name)
        kind = None if found is None else found.type
        if subscript and isinstance(kind, Listing):
            kind = kind.item
        fields = kind.fields if isinstance(kind, Record) else {}
    return fields


# The names before a dot, as in `entry.splits[0].ta`, and each of them with its subscript.
_BEFORE = re.compile(r"((?:[A-Za-z_]\w*(?:\[[^\[\]]*\])*\.)+)\w*$")
_STEP = re.compile(r"([A-Za-z_]\w*)((?:\[[^\[\]]*\])*)\.")


def _typed(tree: FormulaTree, typing: Typing) -> Iterable[TypedPart]:
    for node, known in typing.parts():
        if isinstance(node, ast.expr):
            start, end = tree.span(node)
            if end > start:
                yield TypedPart(start=start, end=end, known=known, about=typing.about(node))


def _in_order(parts: Iterable[TypedPart]) -> tuple[TypedPart, ...]:
    return tuple(sorted(parts, key=lambda part: (part.start, -part.end)))
