"""One form for every expression that means the same: blanks, quotes, brackets and local names aside.

What lives here: the trees of paths, formulas and templates as plain values. What does not: which names
of a document are local to it (:mod:`engine.compile.meaning`).
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.language.formula import FormulaTree, parse_formula
from engine.language.path import parse_path
from engine.language.path_tree import Node
from engine.language.template_syntax import parse_template
from engine.language.template_tree import Body, Choose, Piece, Repeat, Say, Show, expressions_of
from engine.source import Text
from engine.spec.field import FormulaText, PathText, TemplateText
from engine.values.value import Value


def meaning_of_text(text: Text, names: Mapping[str, str]) -> Value:
    """The canonical form of an expression whose local `names` are replaced by what they stand for."""
    if isinstance(text, PathText):
        return ["path", _path(parse_path(text).tree, names, at_root=True)]
    if isinstance(text, FormulaText):
        tree = parse_formula(text)
        return ["formula", _Form(tree, names).of(tree.root)]
    if isinstance(text, TemplateText):
        template = parse_template(text)
        return ["template", list(_Form(template.parts, names).pieces(template.body))]
    return str(text)


def texts_in(text: Text) -> Iterator[str]:
    """The texts that stand in an expression as such: names of calendars among them."""
    roots: list[ast.expr] = []
    if isinstance(text, FormulaText):
        roots = [parse_formula(text).root]
    elif isinstance(text, TemplateText):
        roots = list(expressions_of(parse_template(text).body))
    for node in (node for root in roots for node in ast.walk(root)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def names_in(text: Text) -> frozenset[str]:
    """The names of the scope that an expression reads."""
    if isinstance(text, PathText):
        return frozenset(_roots(parse_path(text).tree, at_root=True))
    if isinstance(text, FormulaText):
        return parse_formula(text).names
    return parse_template(text).names if isinstance(text, TemplateText) else frozenset()


_LEAVES_ROOT = frozenset({"chain", "projection", "values", "filter"})


def _path(node: Node, names: Mapping[str, str], *, at_root: bool) -> Value:
    value: Value = node.value
    if node.kind == "field" and at_root:
        value = names.get(str(value), value)
    parts = [_path(part, names, at_root=root) for part, root in _parts(node, at_root=at_root)]
    if node.kind == "record":
        pairs = sorted(zip(node.names, parts, strict=True), key=lambda pair: pair[0])
        return [node.kind, [list(pair) for pair in pairs]]
    return [node.kind, value, parts]


def _parts(node: Node, *, at_root: bool) -> Iterator[tuple[Node, bool]]:
    """The parts of a path, each with whether it is applied to the whole scope."""
    for place, part in enumerate(node.parts):
        moved = node.kind == "expression" or (place > 0 and node.kind in _LEAVES_ROOT)
        yield part, at_root and not moved


def _roots(node: Node, *, at_root: bool) -> Iterator[str]:
    if node.kind == "field" and at_root:
        yield str(node.value)
    for part, root in _parts(node, at_root=at_root):
        yield from _roots(part, at_root=root)


@dataclass(frozen=True, slots=True)
class _Form:
    """Writes the trees of one formula or template."""

    tree: FormulaTree
    names: Mapping[str, str]

    def of(self, node: ast.AST) -> Value:
        """A part of a formula."""
        if isinstance(node, ast.Name):
            return ["name", self.names.get(node.id, node.id)]
        if isinstance(node, ast.Constant):
            return ["constant", type(node.value).__name__, self._constant(node)]
        if isinstance(node, ast.Call):
            given = sorted((str(one.arg), one.value) for one in node.keywords)
            named: list[Value] = [[name, self.of(value)] for name, value in given]
            return ["call", self.of(node.func), [self.of(one) for one in node.args], named]
        inner = self
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            inner = self._with(_given(node.generators))
        return [type(node).__name__, *(inner.field(value) for _, value in ast.iter_fields(node))]

    def _constant(self, node: ast.Constant) -> Value:
        """A number as it was written, since no float holds every one of them."""
        if isinstance(node.value, float):
            return str(Decimal(self.tree.written(node).replace("_", "")))
        return node.value if isinstance(node.value, str | int | None) else repr(node.value)

    def field(self, value: object) -> Value:
        """What stands in one field of a node of Python's tree."""
        if isinstance(value, ast.AST):
            return self.of(value)
        if isinstance(value, list):
            return [self.field(item) for item in value]
        return value if isinstance(value, str | int | None) else repr(value)

    def _with(self, given: list[str]) -> "_Form":
        """With names that a `for` gives, by their places: how they are called shows nowhere."""
        depth = len(self.names)
        more = {name: f"${depth}.{number}" for number, name in enumerate(given)}
        return replace(self, names={**self.names, **more})

    def pieces(self, body: Body) -> Iterator[Value]:
        """The pieces of a template, texts that follow each other as one."""
        said = ""
        for piece in body:
            if isinstance(piece, Say):
                said += piece.text
                continue
            if said:
                yield said
            said = ""
            yield self._piece(piece)
        if said:
            yield said

    def _piece(self, piece: Piece) -> Value:
        if isinstance(piece, Show):
            return ["show", self.of(piece.value)]
        if isinstance(piece, Choose):
            tests: list[Value] = [[self.of(test), list(self.pieces(body))] for test, body in piece.branches]
            return ["choose", tests, list(self.pieces(piece.otherwise))]
        assert isinstance(piece, Repeat)
        inner = self._with(list(piece.names))
        only = None if piece.only is None else inner.of(piece.only)
        target = [self.of(piece.items), len(piece.names), only]
        return [
            "repeat",
            piece.number,
            target,
            list(inner.pieces(piece.body)),
            list(self.pieces(piece.otherwise)),
        ]


def _given(generators: list[ast.comprehension]) -> list[str]:
    return [node.id for one in generators for node in ast.walk(one.target) if isinstance(node, ast.Name)]
