"""What of a condition on an event is an equality of plain fields: an index finds who waits for it."""

import ast
from collections.abc import Collection, Iterator

from engine.compile.expressions import Parsed
from engine.language.formula_syntax import FormulaTree
from engine.plan.delay import Chain, Match

EVENT = "event"


def match_of(parsed: Parsed | None, names: Collection[str]) -> Match:
    """The fields of the event that a condition compares with fields of `names`.

    Only what must be true for the whole to be true counts: the condition itself, or parts that `and` joins.
    """
    if parsed is None or not isinstance(parsed.tree, FormulaTree):
        return ()
    return tuple(pair for part in _parts(parsed.tree.root) if (pair := _equality(part, names)) is not None)


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for part in node.values:
            yield from _parts(part)
    else:
        yield node


def _equality(node: ast.expr, names: Collection[str]) -> tuple[Chain, Chain] | None:
    """The field of the event and the chain that it equals; None for anything else."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq):
        return None
    left, right = _chain(node.left), _chain(node.comparators[0])
    if left is None or right is None:
        return None
    if right[0] == EVENT:
        left, right = right, left
    return (left[1:], right) if left[0] == EVENT and right[0] in names else None


def _chain(node: ast.expr) -> Chain | None:
    """The names of `a.b.c`."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        before = _chain(node.value)
        return None if before is None else (*before, node.attr)
    return None
