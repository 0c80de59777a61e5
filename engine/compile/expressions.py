"""The three languages behind one face: parse, check names against types, emit.

A text is parsed once, however often it is asked for, and its mistakes are reported once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from engine.compile import problems
from engine.compile.calendar_calls import calls_without_key
from engine.compile.compilation import Compilation
from engine.language import formula, path, template
from engine.language.check import Mistake, check_fields, check_formula, check_path, check_template
from engine.language.formula_syntax import FormulaTree
from engine.language.formula_types import shown_by
from engine.language.generate import Emitter, Unwritten
from engine.language.known import NO_FACTS, Facts, Known
from engine.language.path_tree import Node, PathTree
from engine.language.scope import TypeScope
from engine.language.template_tree import TemplateTree
from engine.problems.problem import Problem
from engine.source import Text
from engine.spec.field import FormulaText, PathText
from engine.values.type import ANY, STRING, Type

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Emitted:
    """A value in generated code: the atom that holds it, its type, and whether it may be null.

    What is ``unsure`` is guarded like what may be null, and not complained of.
    """

    atom: str
    type: Type
    nullable: bool
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree and the names that it reads."""

    text: Text
    tree: Any  # of the language of the text
    names: frozenset[str]
    reads: tuple[path.Chain, ...] = ()  # of a path
    fields: tuple[str, ...] | None = None  # of a path that is nothing but one field after the other

    def written_at(self, text: Text, *, told: bool) -> "Parsed":
        """The same, written at another place, which is ``told`` when it fails at run time."""
        tree = self.tree if told else None
        if isinstance(tree, FormulaTree):
            tree = replace(tree, text=text)
        elif isinstance(tree, TemplateTree):
            tree = replace(tree, parts=replace(tree.parts, text=text))
        return Parsed(text, tree or self.tree, self.names, self.reads, self.fields)


class Expressions:
    """The expressions of one document."""

    def __init__(self, compilation: Compilation) -> None:
        """Report to this compilation."""
        self._compilation = compilation
        keys = compilation.calendar_keys
        self._purpose = f"parsed with {sorted(keys.items())}" if keys else "parsed"
        # Texts are asked for many times over; the documents keep them, and with them their ids.
        self._known = compilation.parsed.setdefault(self._purpose, {})
        self._trees = compilation.trees.setdefault(self._purpose, {})

    def parse(self, text: Text) -> Parsed | None:
        """Parse a text in its language; None, and a problem, when it is not of that language."""
        known = self._known.get(id(text))
        if known is None:
            known = self._known[id(text)] = self._read(text)
        return known if isinstance(known, Parsed) else None

    def remembered(self, tree: object, purpose: str, make: Callable[[], T]) -> T:
        """What follows from a tree alone: made once, however many texts say the same."""
        return self._compilation.memo.of(tree, purpose, make)

    def _read(self, text: Text) -> Parsed | Problem:
        found = self._compilation.memo.of(text, self._purpose, lambda: self._made(text))
        if isinstance(found, Problem):
            self._compilation.report(found)
            return found
        tables = self._compilation.calendar_tables
        if tables and any(name in text for name in tables):
            for problem in calls_without_key(text, found.tree, tables, self._compilation.functions):
                self._compilation.report(problem)
        return found

    def _made(self, text: Text) -> Parsed | Problem:
        """What a text comes to; many stand in more than one place."""
        known = self._trees.get((type(text), text))
        if known is not None:
            return known.written_at(text, told=not self._compilation.checks_only)
        found = _parse(text, self._compilation.calendar_keys)
        if isinstance(found, Parsed):
            self._trees[type(text), text] = found
        return found

    def emit(self, emitter: Emitter, parsed: Parsed, scope: TypeScope) -> Emitted:
        """Check a parsed text against the types in scope, report its mistakes, and emit it."""
        if self._compilation.seen is not None:
            self._compilation.seen(parsed.text, scope, self._compilation.functions)
        known, mistakes = self._check(parsed, scope)
        for found in mistakes:
            self._compilation.report(problems.mistake(parsed.text, found))
        if any(map(problems.is_wrong, mistakes)):
            return Emitted("None", ANY, nullable=True, unsure=True)
        if isinstance(emitter, Unwritten):
            of_text = not isinstance(parsed.text, PathText | FormulaText)
            return Emitted(emitter.temp(), STRING, False) if of_text else _emitted(emitter.temp(), known)
        functions = self._compilation.functions
        if isinstance(parsed.text, PathText):
            return _emitted(_emit_path(emitter, parsed, scope), known)
        if isinstance(parsed.text, FormulaText):
            atom = formula.emit_formula(emitter, parsed.tree, functions=functions, types=scope)
            return _emitted(atom, known)
        return Emitted(
            template.emit_template(emitter, parsed.tree, functions=functions, types=scope), STRING, False
        )

    def _check(self, parsed: Parsed, scope: TypeScope) -> tuple[Known, Sequence[Mistake]]:
        functions = self._compilation.functions
        if isinstance(parsed.text, PathText):
            known = None if parsed.fields is None else check_fields(parsed.fields, scope)
            return (known, ()) if known is not None else check_path(parsed.tree, scope)
        if isinstance(parsed.text, FormulaText):
            return check_formula(parsed.tree, scope, functions)
        return Known(type=STRING), check_template(parsed.tree, scope, functions)

    def shown(self, text: Text, scope: TypeScope) -> tuple[Facts, Facts]:
        """What a condition shows about the names in scope, where it is true and where it is not."""
        parsed = self.parse(text)
        if parsed is None or not isinstance(text, FormulaText):
            return NO_FACTS, NO_FACTS
        return shown_by(parsed.tree, scope, self._compilation.functions)


def _emitted(atom: str, known: Known) -> Emitted:
    unsure = not known.nullable or known.type == ANY
    return Emitted(atom, known.type, known.may_be_null, unsure=known.may_be_null and unsure)


def _parse(text: Text, calendar_keys: Mapping[str, str]) -> Parsed | Problem:
    try:
        if isinstance(text, PathText):
            tree = path.parse_path(text)
            reads = path.path_reads(tree)
            names = frozenset(chain.parts[0][0] for chain in reads)
            return Parsed(text, tree, names, reads, plain_chain(tree))
        read = formula.parse_formula if isinstance(text, FormulaText) else template.parse_template
        other = read(text, calendar_keys)
        return Parsed(text, other, frozenset(other.names))
    except (path.PathSyntaxError, formula.FormulaSyntaxError, template.TemplateSyntaxError) as error:
        return problems.bad_expression(text, error)


def _emit_path(emitter: Emitter, parsed: Parsed, scope: TypeScope) -> str:
    """A chain of fields cannot fail, and shares what was computed; anything else names itself if it fails."""
    if parsed.fields is not None:
        return path.emit_path(emitter, parsed.tree, types=scope)
    result = emitter.temp()
    with path.located(emitter, parsed.text):
        emitter.line(f"{result} = {path.emit_path(emitter, parsed.tree, types=scope)}")
    return result


def plain_chain(tree: PathTree) -> tuple[str, ...] | None:
    """The names of a path that is nothing but one field after the other; None for any other path."""
    nodes = _flat(tree.tree)
    return tuple([str(node.value) for node in nodes]) if all(node.kind == "field" for node in nodes) else None


def _flat(node: Node) -> Sequence[Node]:
    """The parts of a path one after the other."""
    if node.kind != "chain":
        return (node,)
    if any(part.kind == "chain" for part in node.parts):
        return [inner for part in node.parts for inner in _flat(part)]
    return node.parts
