"""Expressions against what is there: names, fields, functions and arguments, before any data.

Everything here reports and never raises; the wording for people is made from what is reported.
"""

from engine.language.formula_syntax import FormulaTree
from engine.language.formula_types import infer
from engine.language.functions.spec import FunctionTable
from engine.language.functions.standard import STANDARD
from engine.language.scope import Mistake, TypeScope
from engine.language.template_syntax import TemplateTree
from engine.language.template_types import infer_template
from engine.values.type import Type

__all__ = ["Mistake", "check_formula", "check_template"]


def check_formula(
    tree: FormulaTree, scope: TypeScope, functions: FunctionTable = STANDARD
) -> tuple[Type, list[Mistake]]:
    """The type of a formula's value, ANY where it is not known, and what cannot be right in it."""
    typing = infer(tree, scope, functions)
    return typing.result.type, list(typing.mistakes)


def check_template(
    tree: TemplateTree, scope: TypeScope, functions: FunctionTable = STANDARD
) -> list[Mistake]:
    """What cannot be right in a template; its value is always text."""
    return list(infer_template(tree, scope, functions).mistakes)
