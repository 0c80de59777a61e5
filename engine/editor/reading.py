"""An expression read for an editor: each name in it, with its place, its type and what it is a field of."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.language import formula, path, template
from engine.language.formula_types import Typing, infer
from engine.language.functions.spec import FunctionTable
from engine.language.path_reads import ELEMENT, Chain
from engine.language.path_types import infer_path
from engine.language.scope import TypeScope
from engine.language.template_tree import expressions_of
from engine.language.template_types import infer_template
from engine.source import Text
from engine.spec.field import FormulaText, PathText, TemplateText
from engine.values.type import ANY, Field, Listing, Type, member

LANGUAGES = (PathText, FormulaText, TemplateText)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A name in an expression, at the characters [start, end) of its text.

    ``kind`` is name, field, function or text (a literal that is an argument of a function); ``base`` is
    the type whose field it is.
    """

    kind: str
    name: str
    start: int
    end: int
    type: Type = ANY
    nullable: bool = False
    base: "Type | None" = None
    bound: bool = False  # a name that the expression itself gives, in a comprehension or a loop
    parameter: str = ""  # of a text: which parameter of which function it is
    function: str = ""


def readings(text: Text, scope: TypeScope, functions: FunctionTable) -> tuple[Reading, ...]:
    """Every name in an expression, in the order of writing; none when it is not of its language."""
    try:
        found = list(_readings(text, scope, functions))
    except (path.PathSyntaxError, formula.FormulaSyntaxError, template.TemplateSyntaxError):
        return ()
    return tuple(sorted(found, key=lambda one: (one.start, one.end)))


def type_of(text: Text, scope: TypeScope, functions: FunctionTable) -> tuple[Type, bool]:
    """The type of the value of a path or formula, and whether it may be null; ANY when nothing is known."""
    try:
        if isinstance(text, FormulaText):
            known = infer(formula.parse_formula(text), scope, functions).result
            return known.type, known.nullable
        known = infer_path(path.parse_path(text), scope).result
        return known.type, known.nullable
    except (path.PathSyntaxError, formula.FormulaSyntaxError):
        return ANY, False


def _readings(text: Text, scope: TypeScope, functions: FunctionTable) -> Iterator[Reading]:
    if isinstance(text, PathText):
        seen: set[tuple[int, int]] = set()
        for chain in path.path_reads(path.parse_path(text)):
            for one in _chain(chain, scope):
                if one.name != ELEMENT and (one.start, one.end) not in seen:
                    seen.add((one.start, one.end))
                    yield one
    elif isinstance(text, FormulaText):
        tree = formula.parse_formula(text)
        yield from _Walk(tree, infer(tree, scope, functions), scope, functions).of([tree.root])
    else:
        parsed = template.parse_template(text)
        walk = _Walk(parsed.parts, infer_template(parsed, scope, functions), scope, functions)
        yield from walk.of(list(expressions_of(parsed.body)))


def _chain(chain: Chain, scope: TypeScope) -> Iterator[Reading]:
    name, start, end = chain.parts[0]
    kind = scope.type_of(name) or ANY
    nullable = name in scope.nullable
    yield Reading(kind="name", name=name, start=start, end=end, type=kind, nullable=nullable)
    for name, start, end in chain.parts[1:]:
        if name == ELEMENT:
            kind = kind.item if isinstance(kind, Listing) else kind
            yield Reading(kind="field", name=name, start=start, end=end, type=kind)
            continue
        found: Field | None = member(kind, name)
        base, kind = kind, found.type if found else ANY
        nullable = found.may_be_absent if found else False
        yield Reading(kind="field", name=name, start=start, end=end, type=kind, nullable=nullable, base=base)


class _Walk:
    """Goes through the expressions of a formula or template."""

    def __init__(
        self, tree: formula.FormulaTree, typing: Typing, scope: TypeScope, functions: FunctionTable
    ) -> None:
        self._tree, self._typing, self._scope, self._functions = tree, typing, scope, functions

    def of(self, roots: Sequence[ast.expr]) -> Iterator[Reading]:
        for word in self._tree.calls:
            yield Reading(kind="function", name=word.name, start=word.start, end=word.end)
        functions = {(word.start, word.end) for word in self._tree.calls}
        for node in (node for root in roots for node in ast.walk(root)):
            found = self._one(node)
            if found is not None and (found.start, found.end) not in functions and found.end > found.start:
                yield found

    def _one(self, node: ast.AST) -> Reading | None:
        match node:
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.Attribute(attr=name, value=base):
                return self._field(node, base, name)
            case ast.Call():
                return self._literal(node)
            case _:
                return None

    def _name(self, node: ast.AST, name: str) -> Reading | None:
        start, end = self._tree.span(node)
        if self._tree.text[start:end] != name:
            return None
        known = self._typing.known(node)
        bound = self._scope.type_of(name) is None
        return Reading(
            kind="name",
            name=name,
            start=start,
            end=end,
            type=known.type,
            nullable=known.nullable,
            bound=bound,
        )

    def _field(self, node: ast.AST, base: ast.AST, name: str) -> Reading | None:
        _, end = self._tree.span(node)
        if self._tree.text[end - len(name) : end] != name:
            return None
        known = self._typing.known(node)
        return Reading(
            kind="field",
            name=name,
            start=end - len(name),
            end=end,
            type=known.type,
            nullable=known.nullable,
            base=self._typing.known(base).type,
        )

    def _literal(self, node: ast.Call) -> Reading | None:
        """The first argument of a call, when it is a written text: the name of a calendar, mostly."""
        if not isinstance(node.func, ast.Name) or not node.args:
            return None
        spec, argument = self._functions.get(node.func.id), node.args[0]
        parameter = spec.parameter(0) if spec else None
        if parameter is None or not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            return None
        start, end = self._tree.span(argument)
        if self._tree.text[start + 1 : end - 1] != argument.value:
            return None
        return Reading(
            kind="text",
            name=argument.value,
            start=start + 1,
            end=end - 1,
            parameter=parameter.name,
            function=node.func.id,
        )
