"""Which inputs of a mapping or policy may be null: those of which it asks whether they are.

A document that compares an input with null, or says of a path from it what happens when nothing is found,
says by it that the input may be null, and is checked so. One that never asks takes its inputs to be there,
and is not to be given null.
"""

from collections.abc import Iterable, Iterator, Mapping

from engine.compile.body import texts_of
from engine.compile.expressions import Expressions
from engine.language.check import check_fields
from engine.language.formula_syntax import FormulaTree
from engine.language.narrowing import asked_for_null
from engine.language.scope import TypeScope
from engine.language.template_tree import TemplateTree, expressions_of
from engine.source import Text
from engine.values.type import Type
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.policy import PolicyDocument


def inputs_that_may_be_null(
    expressions: Expressions, document: MappingDocument | PolicyDocument, inputs: Mapping[str, Type]
) -> frozenset[str]:
    """The inputs of a document of which it asks whether they are null."""
    if isinstance(document, MappingDocument):
        texts = [*_of_entries(document.let), *_of_entries(document.fields)]
    else:
        said = (document.when, document.reason, document.note)
        texts = [*(text for text in said if text is not None), *_of_entries(document.let)]
    names = {name for text in texts for name in _asked(expressions, text)}
    if isinstance(document, MappingDocument):
        scope = TypeScope(names=inputs)
        entries = (*document.let.values(), *document.fields.values())
        names |= {name for entry in entries if (name := _said_of(expressions, entry, scope)) is not None}
    return frozenset(names & inputs.keys())


def _said_of(expressions: Expressions, entry: EntryDocument, scope: TypeScope) -> str | None:
    """The input of which an entry says what happens when it is null: the field that it reads never is."""
    says = entry.required is True or entry.default is not None or entry.omit is not None
    parsed = expressions.parse(entry.path) if says and entry.path is not None else None
    if parsed is None or parsed.fields is None:
        return None
    known = check_fields(parsed.fields, scope)
    return None if known is None or known.may_be_null else parsed.fields[0]


def _of_entries(entries: Mapping[Text, EntryDocument]) -> Iterator[Text]:
    for entry in entries.values():
        yield from texts_of(entry)


def _asked(expressions: Expressions, text: Text) -> Iterable[str]:
    parsed = expressions.parse(text)
    if parsed is None:
        return ()
    return expressions.remembered(parsed.tree, "asked for null", lambda: _asked_by(parsed.tree))


def _asked_by(tree: object) -> frozenset[str]:
    match tree:
        case FormulaTree(root=root):
            return asked_for_null(root)
        case TemplateTree() as tree:
            return frozenset().union(*(asked_for_null(root) for root in expressions_of(tree.body)))
        case _:
            return frozenset()
