"""When policies apply, as sets of tests: what a condition demands of each value that it reads.

A condition is taken apart into alternatives, each a test for some values: `status = open and amount > 100`.
What cannot be taken apart stands for itself: nobody knows when it is true. So what is proved here is
true, and what is not proved may be either way.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from engine.compile.decision_table import DecisionTable
from engine.compile.domain import domain_of
from engine.compile.expressions import Expressions, plain_chain
from engine.compile.unary_tests import ANYTHING, NUMBER, TEXT, Not, Only, Test, Within, family_of
from engine.language.formula_syntax import FormulaTree
from engine.language.formula_types import Typing, family, infer
from engine.language.functions.spec import FunctionTable
from engine.language.path import PathSyntaxError, parse_path
from engine.language.scope import TypeScope
from engine.source import Text
from engine.spec.field import PathText
from engine.values.type import BOOLEAN, Type
from engine.values.value import Value
from engine.workspace.kinds.entry import EntryDocument

MOST = 64
"""So many alternatives are told apart; of a condition with more nothing is known."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is demanded of one value: one of these tests is true for it."""

    type: Type
    nullable: bool
    known: bool  # whether it is a value of which something is known, rather than a part of a condition
    tests: tuple[Test, ...]


Alternative = Mapping[str, tuple[Demand, ...]]
"""Demands by the name of the value; all of them hold together."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where something applies: in one of these cases, and `elsewhere` where it does not."""

    cases: tuple[Alternative, ...] | None  # None where nothing is known
    elsewhere: tuple[Alternative, ...] | None

    @property
    def never(self) -> bool:
        """Whether it surely never applies."""
        return self.cases is not None and not any(is_possible(case) for case in self.cases)

    @property
    def always(self) -> bool:
        """Whether it surely always applies."""
        return self.elsewhere is not None and not any(is_possible(case) for case in self.elsewhere)

    def within(self, other: "Region") -> bool:
        """Whether wherever this applies the other surely does as well."""
        if self.cases is None or other.elsewhere is None:
            return False
        pairs = product(self.cases, other.elsewhere)
        return not any(is_possible(_both(one, out)) for one, out in pairs)

    def apart(self, other: "Region") -> bool:
        """Whether the two surely never apply together."""
        if self.cases is None or other.cases is None:
            return False
        return not any(is_possible(_both(one, two)) for one, two in product(self.cases, other.cases))

    def example_with(self, other: "Region") -> str | None:
        """Values for which both surely apply; None where that is not known."""
        if self.cases is None or other.cases is None:
            return None
        for one, two in product(self.cases, other.cases):
            both = _both(one, two)
            if all(demand.known for demands in both.values() for demand in demands) and is_possible(both):
                return ", ".join(f"{name} = {_parts(demands)[0]}" for name, demands in sorted(both.items()))
        return None


def _both(one: Alternative, other: Alternative) -> Alternative:
    return {name: (*one.get(name, ()), *other.get(name, ())) for name in {**one, **other}}


def is_possible(case: Alternative) -> bool:
    """Whether there are values for which every demand of a case is met."""
    return all(_parts(demands) for demands in case.values())


def _parts(demands: Sequence[Demand]) -> list[str]:
    """Examples of the values that meet all demands, one of each kind that the tests tell apart."""
    first = demands[0]
    tests = [test for demand in demands for test in demand.tests]
    nullable = any(demand.nullable for demand in demands)
    domain = domain_of(first.type, nullable=nullable, tests=tests)
    mask = domain.everything
    for demand in demands:
        mask &= domain.mask(demand.tests)
    return [part.example for place, part in enumerate(domain.parts) if mask >> place & 1]


def region_of_row(table: DecisionTable, row: int) -> Region:
    """Where a row of a table is true; of one that is the first of several, where it might be."""
    case = {}
    for column in table.columns:
        tests = column.tests[row]
        if ANYTHING not in tests:
            name, known = name_of(column.entry, str(column.name))
            demand = Demand(
                column.type, _has_null(column.domain.texts), known and table.hit != "first", tests
            )
            case[name] = (demand,)
    return Region((case,), None)


def _has_null(texts: Mapping[Value, int]) -> bool:
    return None in texts


def name_of(entry: EntryDocument, otherwise: str) -> tuple[str, bool]:
    """The name under which the value of a column is the same in all policies, and whether it is a field."""
    if entry.path is not None and entry.values is None and entry.convert is None:
        try:
            chain = plain_chain(parse_path(entry.path))
        except PathSyntaxError:  # which is reported where the entry is compiled
            chain = None
        if chain is not None:
            return ".".join(chain), True
    text = entry.expr or entry.path or entry.template
    return (f"({text})" if text is not None else f"({otherwise})"), False


class Reader:
    """Takes one condition apart."""

    def __init__(
        self,
        text: Text,
        tree: FormulaTree,
        scope: TypeScope,
        functions: FunctionTable,
        lets: Mapping[str, EntryDocument],
        policy: str,
    ) -> None:
        """Know the types of what the condition reads."""
        self._text = text
        self._tree = tree
        self._typing: Typing = infer(tree, scope, functions)
        self._lets = lets
        self._policy = policy

    def region(self) -> Region:
        """Where the condition is true, and where it is not."""
        return Region(self._cases(self._tree.root, wanted=True), self._cases(self._tree.root, wanted=False))

    def _cases(self, node: ast.expr, *, wanted: bool) -> tuple[Alternative, ...] | None:
        """The cases in which a part of the condition is as wanted; None when there are too many."""
        match node:
            case ast.Constant(value=bool() as value):
                return ({},) if value == wanted else ()
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return self._cases(inner, wanted=not wanted)
            case ast.BoolOp(op=op, values=values):
                parts = [self._cases(value, wanted=wanted) for value in values]
                return _any(parts) if isinstance(op, ast.Or) == wanted else _all(parts)
            case ast.Compare(ops=[_, _, *_]):
                parts = [self._cases(pair, wanted=wanted) for pair in _pairs(node)]
                return _all(parts) if wanted else _any(parts)
            case _:
                return (self._demand(node, wanted=wanted),)

    def _demand(self, node: ast.expr, *, wanted: bool) -> Alternative:
        """What one comparison demands, or the condition itself where that is not known."""
        found = self._test(node)
        if found is None:
            name = f"({self._named(node)})"
            return {name: (Demand(BOOLEAN, False, False, (Only(wanted),)),)}
        subject, test = found
        known = self._typing.known(subject)
        tests = test if wanted else (Not(test),)
        return {self._named(subject): (Demand(known.type, known.nullable, self._is_field(subject), tests),)}

    def _test(self, node: ast.expr) -> tuple[ast.expr, tuple[Test, ...]] | None:
        """A value that is compared with what is written out, and the test."""
        match node:
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._comparison(left, operator, right)
            case ast.Name() | ast.Attribute() if self._typing.known(node).type == BOOLEAN:
                return node, (Only(True),)
            case _:
                return None

    def _comparison(
        self, left: ast.expr, operator: ast.cmpop, right: ast.expr
    ) -> tuple[ast.expr, tuple[Test, ...]] | None:
        if not _is_subject(left) and _is_subject(right) and type(operator) in _TURNED:
            left, operator, right = right, _TURNED[type(operator)](), left
        if not _is_subject(left):
            return None
        wanted = family_of(self._typing.known(left).type)
        if isinstance(operator, ast.In | ast.NotIn):
            items = right.elts if isinstance(right, ast.List | ast.Tuple | ast.Set) else []
            values = [self._constant(item, wanted) for item in items]
            if not values or None in values:
                return None
            tests: tuple[Test, ...] = tuple(value for value in values if value is not None)
            return left, (Not(tests),) if isinstance(operator, ast.NotIn) else tests
        value = self._constant(right, wanted)
        test = None if value is None else _compared(operator, value, wanted)
        return None if test is None else (left, (test,))

    def _constant(self, node: ast.expr, wanted: str) -> Only | None:
        """What is written out, where it is of the kind of the value that it is compared with."""
        match node:
            case ast.Constant(value=None):
                return Only(None)
            case ast.Constant(value=bool() as value):
                return Only(value) if wanted == "boolean" else None
            case ast.Constant(value=int() | float()):
                return Only(Decimal(self._tree.written(node).replace("_", ""))) if wanted == NUMBER else None
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
                text = self._tree.written(node.operand).replace("_", "")
                return Only(-Decimal(text)) if wanted == NUMBER else None
            case ast.Constant(value=str() as text):
                return Only(text) if wanted == TEXT else None
            case _:
                return None

    def _named(self, node: ast.expr) -> str:
        """A name that is the same for the same value in every policy of a check."""
        text = self._tree.written(node)
        names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        own = names & self._lets.keys()
        if not own:
            return text
        if isinstance(node, ast.Name):
            path = self._lets[node.id].path
            if isinstance(path, PathText) and name_of(self._lets[node.id], "")[1]:
                return str(path)
        return f"{text} of {self._policy}"

    def _is_field(self, node: ast.expr) -> bool:
        """Whether a value is a field that may have every value of its type."""
        names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        return not names & self._lets.keys() and family(self._typing.known(node).type) != "any"


_TURNED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}


def _compared(operator: ast.cmpop, value: Only, wanted: str) -> Test | None:
    match operator:
        case ast.Eq() | ast.Is():
            return value
        case ast.NotEq() | ast.IsNot():
            return Not((value,))
        case _ if wanted != NUMBER or value.value is None:
            return None
        case ast.Lt() | ast.LtE():
            return Within(None, False, value.value, isinstance(operator, ast.LtE))
        case ast.Gt() | ast.GtE():
            return Within(value.value, isinstance(operator, ast.GtE), None, False)
        case _:
            return None


def _is_subject(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_subject(node.value))


def _pairs(node: ast.Compare) -> Iterator[ast.Compare]:
    """`1 < a < 5` as `1 < a` and `a < 5`."""
    operands = [node.left, *node.comparators]
    for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
        yield ast.copy_location(ast.Compare(left=left, ops=[operator], comparators=[right]), node)


def _any(parts: Sequence[tuple[Alternative, ...] | None]) -> tuple[Alternative, ...] | None:
    if None in parts:
        return None
    found = tuple(case for part in parts if part is not None for case in part)
    return found if len(found) <= MOST else None


def _all(parts: Sequence[tuple[Alternative, ...] | None]) -> tuple[Alternative, ...] | None:
    found: tuple[Alternative, ...] = ({},)
    for part in parts:
        if part is None or len(found) * len(part) > MOST:
            return None
        found = tuple(_both(one, other) for one, other in product(found, part))
    return found


def region_of(
    text: Text,
    expressions: Expressions,
    scope: TypeScope,
    functions: FunctionTable,
    lets: Mapping[str, EntryDocument],
    policy: str,
) -> Region:
    """Where a condition applies, as far as it can be known."""
    parsed = expressions.parse(text)
    if parsed is None:
        return Region(None, None)
    return Reader(text, parsed.tree, scope, functions, lets, policy).region()
