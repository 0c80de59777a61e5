"""A checked template to Python: statements that collect text; its expressions are those of formulas."""

import ast
from collections.abc import Callable
from typing import Any

from engine.language import formula_operators as operators
from engine.language.budget import MAX_ITERATIONS, MAX_TEMPLATE_OUTPUT
from engine.language.compiled import EvaluationError
from engine.language.formula_code import CodeWriter
from engine.language.formula_types import family
from engine.language.template_tree import Body, Choose, Repeat, Say, Show, TemplateTree


class Output:
    """The text of a template that has branches or loops, as it grows."""

    __slots__ = ("_left", "_parts")

    def __init__(self) -> None:
        self._left = MAX_TEMPLATE_OUTPUT
        self._parts: list[str] = []

    def add(self, part: str) -> None:
        """Add a part, unless the text becomes too long."""
        self._left -= len(part)
        if self._left < 0:
            raise _too_long()
        self._parts.append(part)

    def text(self) -> str:
        """All parts as one text."""
        return "".join(self._parts)


def joined_output(*parts: str) -> str:
    """The text of a template without branches and loops."""
    text = "".join(parts)
    if len(text) > MAX_TEMPLATE_OUTPUT:
        raise _too_long()
    return text


def _too_long() -> EvaluationError:
    return EvaluationError(f"produced a text of more than {MAX_TEMPLATE_OUTPUT:,} characters")


# The Python of each fact of a loop, from its counter and the number of its items.
_FACTS: dict[str, Callable[[str, str], str]] = {
    "index": lambda at, _: f"({at} + 1)",
    "index0": lambda at, _: at,
    "revindex": lambda at, count: f"({count} - {at})",
    "length": lambda _, count: count,
    "first": lambda at, _: f"({at} == 0)",
    "last": lambda at, count: f"({at} == {count} - 1)",
}


class TemplateWriter:
    """Writes one template; `code` writes its expressions."""

    def __init__(self, code: CodeWriter, tree: TemplateTree) -> None:
        self.code = code
        self.emitter = code.emitter
        self.tree = tree
        self._add = ""
        self._budget = ""

    def write(self) -> str:
        """Emit the statements, and return the expression of the text."""
        if all(isinstance(piece, Say | Show) for piece in self.tree.body):
            return f"{self._constant(joined_output)}({', '.join(map(self._part, self.tree.body))})"
        self._budget = self.emitter.assign(f"[{MAX_ITERATIONS}]")
        output = self.emitter.assign(f"{self._constant(Output)}()")
        self._add = self.emitter.assign(f"{output}.add")
        self._body(self.tree.body)
        return f"{output}.text()"

    def _constant(self, value: object) -> str:
        return self.code.constant(value)

    def _part(self, piece: object) -> str:
        if isinstance(piece, Say):
            return repr(piece.text)
        assert isinstance(piece, Show)
        value = self.code.value(piece.value)
        if self.code.careful:
            return self.code.operation(operators.text_part, [value], [piece.value])
        known = self.code.typing.known(piece.value)
        if family(known.type) == "text" and not known.nullable:
            return value
        name = self.emitter.temp("v")
        otherwise = f"{self._constant(operators.text_part)}({name})"
        return f"({name} if type({name} := {value}) is str else {otherwise})"

    def _body(self, body: Body) -> None:
        if not body:
            self.emitter.line("pass")
        for piece in body:
            match piece:
                case Choose():
                    self._choose(piece)
                case Repeat():
                    self._repeat(piece)
                case _:
                    self.emitter.line(f"{self._add}({self._part(piece)})")

    def _choose(self, piece: Choose) -> None:
        word = "if"
        for test, body in piece.branches:
            with self.emitter.block(f"{word} {self.code.value(test)}:"):
                self._body(body)
            word = "elif"
        if piece.otherwise:
            with self.emitter.block("else:"):
                self._body(piece.otherwise)

    def _repeat(self, loop: Repeat) -> None:
        call = self.code.operation(operators.items, [self.code.value(loop.items), self._budget], [loop.items])
        items, outer = self.emitter.assign(call), dict(self.code.locals)
        self.code.locals |= {name: f"v_{name}" for name in loop.names}
        if loop.only is not None:
            items = self._filtered(items, loop, loop.only)
        at, count = self.emitter.temp("i"), self.emitter.temp("n")
        if loop.facts:
            self.emitter.line(f"{count} = len({items})")
            self.code.locals |= {f"{loop.number}.{fact}": _FACTS[fact](at, count) for fact in loop.facts}
        header = (
            f"for {at}, {{}} in {self._constant(enumerate)}({items}):"
            if loop.facts
            else f"for {{}} in {items}:"
        )
        self._each(loop, header, lambda: self._body(loop.body))
        self.code.locals = outer
        if loop.otherwise:
            with self.emitter.block(f"if not {items}:"):
                self._body(loop.otherwise)

    def _filtered(self, items: str, loop: Repeat, only: ast.expr) -> str:
        kept = self.emitter.assign("[]")
        item = self.emitter.temp("v")

        def keep() -> None:
            with self.emitter.block(f"if {self.code.value(only)}:"):
                self.emitter.line(f"{kept}.append({item})")

        self._each(loop, f"for {{}} in {items}:", keep, item)
        return kept

    def _each(self, loop: Repeat, header: str, inner: Callable[[], Any], item: str = "") -> None:
        item = item or self.emitter.temp("v")
        with self.emitter.block(header.format(item)):
            if isinstance(loop.target, ast.Name):
                self.emitter.line(f"v_{loop.names[0]} = {item}")
            else:
                targets = ", ".join(f"v_{name}" for name in loop.names)
                self.emitter.line(
                    f"{targets}, = {self._constant(operators.unpack)}({item}, {len(loop.names)})"
                )
            inner()
