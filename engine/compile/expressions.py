"""The three languages behind one face: parse, check names against types, emit.

A text is parsed once, however often it is asked for, and its mistakes are reported once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.compile import problems
from engine.compile.compilation import Compilation
from engine.language import formula, path, template
from engine.language.check import Mistake, check_chains, check_formula, check_template
from engine.language.generate import Emitter
from engine.language.path_tree import Node, PathTree
from engine.language.scope import TypeScope
from engine.problems.problem import Problem
from engine.source import Text
from engine.spec.field import FormulaText, PathText
from engine.values.type import ANY, STRING, Type, member


@dataclass(frozen=True, slots=True)
class Emitted:
    """A value in generated code: the atom that holds it, its type, and whether it may be null."""

    atom: str
    type: Type
    nullable: bool


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree and the names that it reads."""

    text: Text
    tree: Any  # of the language of the text
    names: frozenset[str]
    reads: tuple[path.Chain, ...] = ()  # of a path
    fields: tuple[str, ...] | None = None  # of a path that is nothing but one field after the other


class Expressions:
    """The expressions of one document."""

    def __init__(self, compilation: Compilation) -> None:
        """Report to this compilation."""
        self._compilation = compilation

    def parse(self, text: Text) -> Parsed | None:
        """Parse a text in its language; None, and a problem, when it is not of that language."""
        found = self._compilation.memo.of(text, "parsed", lambda: _parse(text))
        if isinstance(found, Problem):
            self._compilation.report(found)
            return None
        return found

    def emit(self, emitter: Emitter, parsed: Parsed, scope: TypeScope) -> Emitted:
        """Check a parsed text against the types in scope, report its mistakes, and emit it."""
        if self._compilation.seen is not None:
            self._compilation.seen(parsed.text, scope, self._compilation.functions)
        kind, mistakes = self._check(parsed, scope)
        for found in mistakes:
            self._compilation.report(problems.mistake(parsed.text, found))
        if mistakes:
            return Emitted("None", ANY, True)
        functions = self._compilation.functions
        if isinstance(parsed.text, PathText):
            return _emit_path(emitter, parsed, scope)
        if isinstance(parsed.text, FormulaText):
            atom = formula.emit_formula(emitter, parsed.tree, functions=functions, types=scope)
            return Emitted(atom, kind, True)
        return Emitted(
            template.emit_template(emitter, parsed.tree, functions=functions, types=scope), STRING, False
        )

    def _check(self, parsed: Parsed, scope: TypeScope) -> tuple[Type, Sequence[Mistake]]:
        functions = self._compilation.functions
        if isinstance(parsed.text, PathText):
            return ANY, check_chains(parsed.reads, scope)
        if isinstance(parsed.text, FormulaText):
            return check_formula(parsed.tree, scope, functions)
        return STRING, check_template(parsed.tree, scope, functions)


def _parse(text: Text) -> Parsed | Problem:
    try:
        if isinstance(text, PathText):
            tree = path.parse_path(text)
            reads = path.path_reads(tree)
            names = frozenset(chain.parts[0][0] for chain in reads)
            return Parsed(text, tree, names, reads, plain_chain(tree))
        other = (
            formula.parse_formula(text) if isinstance(text, FormulaText) else template.parse_template(text)
        )
        return Parsed(text, other, frozenset(other.names))
    except (path.PathSyntaxError, formula.FormulaSyntaxError, template.TemplateSyntaxError) as error:
        return problems.bad_expression(text, error)


def _emit_path(emitter: Emitter, parsed: Parsed, scope: TypeScope) -> Emitted:
    """A chain of fields cannot fail, and shares what was computed; anything else names itself if it fails."""
    if parsed.fields is not None:
        return Emitted(path.emit_path(emitter, parsed.tree), *_type_of(parsed.fields, scope))
    result = emitter.temp()
    with path.located(emitter, parsed.text):
        emitter.line(f"{result} = {path.emit_path(emitter, parsed.tree)}")
    return Emitted(result, ANY, True)


def plain_chain(tree: PathTree) -> tuple[str, ...] | None:
    """The names of a path that is nothing but one field after the other; None for any other path."""
    names = list(_chain(tree.tree))
    return None if None in names else tuple(name for name in names if name is not None)


def _chain(node: Node) -> Iterator[str | None]:
    if node.kind == "field":
        yield str(node.value)
    elif node.kind == "chain":
        for part in node.parts:
            yield from _chain(part)
    else:
        yield None


def _type_of(chain: tuple[str, ...], scope: TypeScope) -> tuple[Type, bool]:
    """The type of a chain of fields, and whether it may find nothing."""
    kind = scope.type_of(chain[0])
    nullable = kind is None or kind is ANY or chain[0] in scope.nullable
    for name in chain[1:]:
        found = None if kind is None else member(kind, name)
        if found is None:
            return ANY, True
        nullable = nullable or found.may_be_absent
        kind = found.type
    return kind or ANY, nullable
