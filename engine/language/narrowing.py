"""What a condition of a formula shows about the data: in one branch that it is true of, in the other not.

`x is not None and x > 1`: the second part is only reached where `x` is there. Since nothing that was
read ever changes, what a condition has shown holds for all that is evaluated after it.
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from engine.language.known import NO_FACTS, Facts, Known, Reference, both, either
from engine.values.type import BOOLEAN, NULL, Any, Enum

Look: TypeAlias = Callable[[ast.AST], Known]
"""What was found out about a part, which comes first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a condition shows where it is true and where it is false; None for what never happens."""

    yes: Facts | None = field(default_factory=lambda: NO_FACTS)
    no: Facts | None = field(default_factory=lambda: NO_FACTS)


NOTHING = Shown()

_ASKING = ("bool", "is_text", "is_number", "is_list", "is_record")  # functions that are false of null


def reference(node: ast.AST) -> Reference | None:
    """The name and fields that a part reads; None for what is computed."""
    match node:
        case ast.Name(id=name):
            return (name,)
        case (
            ast.Attribute(value=base, attr=name)
            | ast.Subscript(value=base, slice=ast.Constant(value=str(name)))
        ):
            found = reference(base)
            return None if found is None else (*found, name)
        case ast.Subscript(value=base, slice=ast.Constant(value=int(at))):
            found = reference(base)
            return None if found is None else (*found, f"[{at}]")
        case _:
            return None


def shown(node: ast.AST, look: Look) -> Shown:
    """What a condition shows about the data."""
    match node:
        case ast.Constant(value=value):
            return Shown(no=None) if value else Shown(yes=None)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            found = shown(operand, look)
            return Shown(found.no, found.yes)
        case ast.BoolOp(op=op, values=values):
            return _together(values, look, all_of=isinstance(op, ast.And))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _compared([left, *comparators], ops, look)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _chosen(test, body, orelse, look)
        case ast.Call(func=ast.Name(id=name), args=[argument]) if name in _ASKING:
            return Shown(present(argument, look))
        case _:
            return Shown(present(node, look))


def present(node: ast.AST, look: Look) -> Facts:
    """That a part is there, and all that it is read from."""
    facts: dict[Reference, Known] = {}
    place = reference(node)
    while place is not None:
        facts[place] = replace(look(node), nullable=False, unsure=False)
        node = node.value if isinstance(node, ast.Attribute | ast.Subscript) else node
        place = reference(node) if len(place) > 1 else None
    return facts


def _together(values: Sequence[ast.expr], look: Look, *, all_of: bool) -> Shown:
    """`a and b` shows both where it is true; where it is false, what either shows; `a or b` the reverse."""
    passed: Facts | None = NO_FACTS
    stopped: Facts | None = None
    for value in values:
        found = shown(value, look)
        go_on, stop = (found.yes, found.no) if all_of else (found.no, found.yes)
        stopped = _either(stopped, _both(passed, stop))
        passed = _both(passed, go_on)
    return Shown(passed, stopped) if all_of else Shown(stopped, passed)


def _chosen(test: ast.expr, body: ast.expr, orelse: ast.expr, look: Look) -> Shown:
    asked, first, second = shown(test, look), shown(body, look), shown(orelse, look)
    yes = _either(_both(asked.yes, first.yes), _both(asked.no, second.yes))
    no = _either(_both(asked.yes, first.no), _both(asked.no, second.no))
    return Shown(yes, no)


def _both(some: Facts | None, others: Facts | None) -> Facts | None:
    return None if some is None or others is None else both(some, others)


def _either(some: Facts | None, others: Facts | None) -> Facts | None:
    return others if some is None else some if others is None else either(some, others)


def _compared(operands: Sequence[ast.expr], ops: Sequence[ast.cmpop], look: Look) -> Shown:
    """A chain of comparisons is true where each is; where it is false, one alone says anything."""
    found = [_comparison(op, operands[index], operands[index + 1], look) for index, op in enumerate(ops)]
    if len(found) == 1:
        return found[0]
    yes: Facts | None = NO_FACTS
    for one in found:
        yes = _both(yes, one.yes)
    return Shown(yes)


def _comparison(op: ast.cmpop, left: ast.expr, right: ast.expr, look: Look) -> Shown:
    match op:
        case ast.Is() | ast.Eq() if look(right).type == NULL:
            return Shown(no=present(left, look))
        case ast.IsNot() | ast.NotEq() if look(right).type == NULL:
            return Shown(yes=present(left, look))
        case ast.Eq():
            return _equal(left, right, look)
        case ast.NotEq():
            found = _equal(left, right, look)
            return Shown(found.no, found.yes)
        case ast.In():
            return _among(left, right, look)
        case ast.NotIn():
            found = _among(left, right, look)
            return Shown(found.no, found.yes)
        case _:
            return NOTHING


def _equal(left: ast.expr, right: ast.expr, look: Look) -> Shown:
    """Two values that are equal are both there when one of them is."""
    texts = _texts(right)
    if texts is not None:
        return _one_of(left, texts, look)
    yes = NO_FACTS
    if not look(right).may_be_null:
        yes = both(yes, present(left, look))
    if not look(left).may_be_null:
        yes = both(yes, present(right, look))
    return Shown(yes)


def _among(left: ast.expr, right: ast.expr, look: Look) -> Shown:
    if isinstance(right, ast.List | ast.Tuple | ast.Set) and right.elts:
        texts = [_texts(element) for element in right.elts]
        if None not in texts:
            return _one_of(left, tuple(text for one in texts for text in one or ()), look)
    return NOTHING


def _texts(node: ast.expr) -> tuple[str, ...] | None:
    return (node.value,) if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _one_of(node: ast.expr, texts: tuple[str, ...], look: Look) -> Shown:
    """A value is one of some texts, or is none of them: of an enum, those that are left."""
    place, known = reference(node), look(node)
    if place is None or not isinstance(known.type, Enum):
        return Shown(present(node, look))
    among = tuple(value for value in known.type.values if value in texts)
    others = tuple(value for value in known.type.values if value not in texts)
    yes = {**present(node, look), place: Known(type=Enum(values=among or known.type.values))}
    no = {place: replace(known, type=Enum(values=others))} if others else NO_FACTS
    return Shown(yes, no)


def narrowed(known: Known, fact: Known | None) -> Known:
    """What is known of a value of which a test has shown something."""
    if fact is None:
        return known
    if isinstance(known.type, Any) or known.type in (NULL, BOOLEAN):
        return replace(known, nullable=fact.nullable, unsure=fact.unsure)
    return fact


def asked_for_null(root: ast.AST) -> frozenset[str]:
    """The names of which a formula asks whether they are null, or says what stands there then."""
    return frozenset(name for node in ast.walk(root) for name in _asked(node))


def _asked(node: ast.AST) -> list[str]:
    match node:
        case ast.Compare(left=ast.Name(id=name), comparators=[ast.Constant(value=None)]):
            return [name]
        case ast.BoolOp(values=values):
            return [one.id for one in values if isinstance(one, ast.Name)]
        case ast.IfExp(test=ast.Name(id=name)) | ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name)):
            return [name]
        case ast.Call(func=ast.Name(id="default" | "bool"), args=[ast.Name(id=name), *_]):
            return [name]
        case _:
            return []
