"""Expressions against what is there: names, fields, functions and arguments, before any data.

Everything here reports and never raises; the wording for people is made from what is reported.
"""

from engine.language.formula_syntax import FormulaTree
from engine.language.formula_types import infer
from engine.language.functions.spec import FunctionTable
from engine.language.functions.standard import STANDARD
from engine.language.known import Known
from engine.language.narrowing import narrowed
from engine.language.path_tree import PathTree
from engine.language.path_types import infer_path
from engine.language.scope import Mistake, TypeScope
from engine.language.template_tree import TemplateTree
from engine.language.template_types import infer_template
from engine.values.type import Record, Type, member

__all__ = ["Mistake", "check_fields", "check_formula", "check_path", "check_template"]


def check_formula(
    tree: FormulaTree, scope: TypeScope, functions: FunctionTable = STANDARD
) -> tuple[Known, list[Mistake]]:
    """What is known of a formula's value, and what cannot be right in it."""
    typing = infer(tree, scope, functions)
    return typing.result, list(typing.mistakes)


def check_template(
    tree: TemplateTree, scope: TypeScope, functions: FunctionTable = STANDARD
) -> list[Mistake]:
    """What cannot be right in a template; its value is always text."""
    return list(infer_template(tree, scope, functions).mistakes)


def check_path(tree: PathTree, scope: TypeScope) -> tuple[Known, list[Mistake]]:
    """What is known of what a path finds, and what cannot be right in it."""
    typing = infer_path(tree, scope)
    return typing.result, list(typing.mistakes)


def _is_other(kind: Type, name: str) -> bool:
    """Whether a record may have this field, and does not say so."""
    return isinstance(kind, Record) and name not in kind.fields and bool(kind.fields)


def check_fields(fields: tuple[str, ...], scope: TypeScope) -> Known | None:
    """What is known of a field of a field of a name, the quick way; None where something is wrong with it."""
    known = scope.known(fields[0])
    if known is not None and scope.facts:
        known = narrowed(known, scope.facts.get(fields[:1]))
    for end, name in enumerate(fields[1:], 2):
        found = None if known is None else member(known.type, name)
        if known is None or found is None or _is_other(known.type, name):
            return None
        nullable = known.nullable or found.may_be_absent
        known = Known(type=found.type, nullable=nullable, unsure=known.unsure)
        known = narrowed(known, scope.facts.get(fields[:end])) if scope.facts else known
    return known
