"""What can be told of a path before it runs: functions, their arguments, and how far it may grow.

What lives here: checks that look at the tree alone. What does not: types of the data (check.py).
"""

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import cast

from engine.language.functions.path_functions import EXPRESSION, PATH_FUNCTIONS, PathFunction
from engine.language.path_tree import Node, PathSyntaxError
from engine.problems.suggest import near_names, or_list

MAX_GROWTH = 100_000
"""How often the value at hand may stand in the result: `[@, @] | [@, @]` doubles it with each step."""


def check_calls(node: Node) -> None:
    """Refuse functions that do not exist, wrong arguments, and `&` where nothing applies it."""
    if node.kind == "expression":
        raise PathSyntaxError("`&` is for an argument that a function applies to each element", node.start)
    if node.kind == "call":
        _check_call(node)
    for part in node.parts:
        inner = part.parts[0] if node.kind == "call" and part.kind == "expression" else part
        check_calls(inner)


def _check_call(node: Node) -> None:
    name, given = cast("str", node.value), len(node.parts)
    function = PATH_FUNCTIONS.get(name)
    if function is None:
        near = near_names(name, PATH_FUNCTIONS)
        hint = f"; did you mean {or_list(near)}?" if near else ""
        raise PathSyntaxError(f"there is no function `{_short(name)}` in paths{hint}", node.start)
    wanted = len(function.parameters)
    if given < wanted or (given > wanted and not function.repeated):
        least = "at least " if function.repeated else ""
        plural = "argument" if wanted == 1 else "arguments"
        raise PathSyntaxError(f"{name}() takes {least}{wanted} {plural}, but was given {given}", node.start)
    _check_expressions(node, function)


def _check_expressions(node: Node, function: PathFunction) -> None:
    for number, part in enumerate(node.parts):
        parameter = function.parameters[min(number, len(function.parameters) - 1)]
        if (part.kind == "expression") == (parameter == EXPRESSION):
            continue
        if parameter == EXPRESSION:
            wanted = "an expression to apply to each element: write & before it"
        else:
            wanted = f"{parameter}, not an expression: leave out the &"
        raise PathSyntaxError(
            f"argument {number + 1} of {function.name}() is {wanted}", part.start or node.start
        )


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}…"


def check_growth(node: Node) -> None:
    """Refuse a path whose result could be larger than its input by more than any honest path is."""
    if _growth(node) > MAX_GROWTH:
        raise PathSyntaxError("the path repeats its input too often in its result")


def _growth(node: Node) -> int:
    """An upper bound of how often the value that a node is applied to stands in its result."""
    parts = [_growth(part) for part in node.parts]
    return _GROWTH[node.kind](parts) if node.kind in _GROWTH else _call_growth(node, parts)


def _call_growth(node: Node, parts: list[int]) -> int:
    if node.value == "to_string":
        return 2 * sum(parts)  # each quote and backslash becomes two characters
    return prod(parts) if node.value == "map" else sum(parts)


def _once(_parts: list[int]) -> int:
    return 1


_GROWTH: Mapping[str, Callable[[list[int]], int]] = MappingProxyType(
    {
        **dict.fromkeys(("identity", "field", "index", "slice", "literal", "not", "compare"), _once),
        **dict.fromkeys(("chain", "projection", "values"), prod),
        "filter": lambda parts: parts[0] * parts[1],
        **dict.fromkeys(("or", "and", "flatten", "expression"), max),
        **dict.fromkeys(("list", "record"), sum),
    }
)
