"""Calls of functions on calendars that differ by a key, such as a legal entity, and are given none."""

import ast
from collections.abc import Iterator, Mapping

from engine.compile.policy_problems import calendar_without_key
from engine.language.formula_syntax import FormulaTree
from engine.language.functions.spec import FunctionTable
from engine.language.template_tree import TemplateTree, expressions_of
from engine.problems import Problem
from engine.source import Text


def calls_without_key(
    text: Text, tree: object, tables: Mapping[str, str], functions: FunctionTable
) -> Iterator[Problem]:
    """A problem for each call of a calendar with a key that has none; `tables` are those of the keys."""
    match tree:
        case FormulaTree(root=root):
            roots, place = [root], tree
        case TemplateTree(body=body, parts=parts):
            roots, place = list(expressions_of(body)), parts
        case _:
            return
    for node in (node for root in roots for node in ast.walk(root)):
        calendar = _calendar(node, functions)
        if calendar is not None and calendar.value in tables:
            name = str(calendar.value)
            yield calendar_without_key(text, place.span(calendar), name, tables[name])


def _calendar(node: ast.AST, functions: FunctionTable) -> ast.Constant | None:
    """The calendar that a call names, where the call has no key."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
        return None
    spec, first = functions.get(node.func.id), node.args[0]
    if spec is None or spec.family != "calendars" or not isinstance(first, ast.Constant):
        return None
    names = [parameter.name for parameter in spec.parameters]
    keyed = len(node.args) > names.index("key") or any(one.arg == "key" for one in node.keywords)
    return None if keyed else first
