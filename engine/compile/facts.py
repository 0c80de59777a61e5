"""What a condition was decided by: the names that it reads with their values, for trace and sentences.

Facts are worked out for policies that apply and change the course of work, never for those that do not.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.compile.body import Body
from engine.compile.compilation import Compilation
from engine.language.compiled import EvaluationError
from engine.language.formula_syntax import FormulaTree
from engine.language.text import text_of
from engine.source import Text
from engine.spec.field import FormulaText, PathText
from engine.values.type import MONEY, Enum, Listing, Record, Scalar, Type
from engine.values.value import Value
from engine.workspace.kinds.entry import EntryDocument

MOST = 8
"""So many facts are kept; a condition on more is told by the words of its policy."""

Pick: TypeAlias = Callable[[Value], Value]


@dataclass(frozen=True, slots=True)
class Fact:
    """A name that a condition reads: the local variable that holds its value, and what is kept of that."""

    label: str
    atom: str
    pick: Pick
    sure: bool = False  # whether it is a plain value by its type, and kept as it is


def facts_of(
    compilation: Compilation, body: Body, condition: FormulaText, lets: Mapping[Text, EntryDocument]
) -> list[Fact]:
    """Emit the values that a condition reads, where they are plain; of a row of a table, what names it."""
    parsed = body.expressions.parse(condition)
    if parsed is None:
        return []
    tree: FormulaTree = parsed.tree
    found = {fact.label: fact for fact in _chains(compilation, body, condition, tree, lets)}
    found.update({fact.label: fact for fact in _calls(compilation, body, condition, tree)})
    return list(found.values())[:MOST]


def _chains(
    compilation: Compilation,
    body: Body,
    condition: FormulaText,
    tree: FormulaTree,
    lets: Mapping[Text, EntryDocument],
) -> Iterator[Fact]:
    """The fields that a condition names, each once."""
    rows = {str(name): str(entry.table) for name, entry in lets.items() if entry.table and not entry.take}
    for chain in dict.fromkeys(_chains_of(tree.root, tree.names)):
        emitted = body.expression(PathText(chain, condition.span))
        table = compilation.tables.get(rows.get(chain, ""))
        if table is not None:
            yield Fact(chain, emitted.atom, _row(table.name, (*table.key, *filter(None, (table.start,)))))
        elif _may_be_plain(emitted.type):
            yield Fact(chain, emitted.atom, _plain, isinstance(emitted.type, Scalar | Enum))


def _chains_of(node: ast.AST, names: frozenset[str]) -> Iterator[str]:
    """The longest chains of fields in a formula that begin with a name of the scope."""
    chain = _chain(node)
    if chain is not None:
        if chain.partition(".")[0] in names:
            yield chain
        return
    for inner in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Call) and inner is node.func):
            yield from _chains_of(inner, names)


def _chain(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=name):
            before = _chain(inner)
            return None if before is None else f"{before}.{name}"
        case _:
            return None


def _calls(compilation: Compilation, body: Body, condition: FormulaText, tree: FormulaTree) -> Iterator[Fact]:
    """What calendars said: a cutoff is a fact that stands in no field."""
    for node in ast.walk(tree.root):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        spec = compilation.functions.get(node.func.id)
        inner = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} - set(compilation.functions)
        if spec is None or spec.family != "calendars" or not inner <= tree.names:
            continue
        result = body.emitter.temp()
        with body.emitter.block("try:"):
            emitted = body.expression(FormulaText(tree.written(node), condition.span))
            body.emitter.line(f"{result} = {emitted.atom}")
        with body.emitter.block("except Exception:"):  # the condition did not come to it
            body.emitter.line(f"{result} = None")
        yield Fact(node.func.id, result, _plain)


def _may_be_plain(kind: Type) -> bool:
    return kind == MONEY or not isinstance(kind, Listing | Record)


def _plain(value: Value) -> Value:
    """A value as it is kept; of a cycle its name."""
    return value.get("name") if isinstance(value, Mapping) and "cutoff" in value else value


def _row(table: str, columns: Sequence[str]) -> Pick:
    """What names a row of a table: its key, and the day from which it holds."""

    def pick(row: Value) -> Value:
        if not isinstance(row, Mapping):
            return None
        return f"{table} {', '.join(said(row[column]) for column in columns)}"

    return pick


def keeper(facts: Sequence[Fact]) -> Callable[[Sequence[Value]], dict[str, Value]]:
    """A function of the values to what is kept of them, by name."""
    picks = [(fact.label, fact.pick) for fact in facts]

    def keep(values: Sequence[Value]) -> dict[str, Value]:
        kept = ((label, pick(value)) for (label, pick), value in zip(picks, values, strict=True))
        return {label: value for label, value in kept if _is_short(value)}

    return keep


def _is_short(value: Value) -> bool:
    return not isinstance(value, list | Mapping) or (
        isinstance(value, Mapping) and value.keys() == {"amount", "currency"}
    )


def said(value: Value) -> str:
    """A fact as it stands in a sentence."""
    try:
        return "null" if value is None else text_of(value)
    except EvaluationError:
        return "something"


def sentence_of(base: str) -> Callable[[Mapping[str, Value]], str]:
    """A function of facts to a sentence: the rule's own words, and the facts behind a colon."""
    words = base.rstrip(". ")

    def sentence(facts: Mapping[str, Value]) -> str:
        told = ", ".join(f"{label} = {said(value)}" for label, value in facts.items())
        return f"{words}: {told}." if told else f"{words}."

    return sentence
