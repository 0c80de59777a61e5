"""A checked formula to Python: one expression, with a function beside it for each comprehension.

The same walk writes two forms. The *fast* one uses Python's own operators wherever the operands'
types make them safe, by what is known beforehand or by a test on the spot. The *careful* one
calls the reference operation for every part and hands it the author's text; it is compiled only
when the fast form has failed, to say what went wrong. Both must give the same value on the same
data, which tests hold.
"""

import ast
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any as Anything

from engine.language import formula_operators as operators
from engine.language.budget import MAX_ITERATIONS, MAX_TEXT, bounded_text
from engine.language.compiled import EvaluationError
from engine.language.formula_operators import Operand
from engine.language.formula_syntax import COMPREHENSIONS, FormulaSyntaxError, FormulaTree, target_names
from engine.language.formula_types import Typing, arranged
from engine.language.functions.spec import FunctionSpec, FunctionTable
from engine.language.generate import Emitter
from engine.problems.suggest import near_names

_ARITHMETIC: dict[type[ast.operator], Callable[..., Anything]] = {
    ast.Add: operators.add,
    ast.Sub: operators.subtract,
    ast.Mult: operators.multiply,
    ast.Div: operators.divide,
    ast.FloorDiv: operators.floor_divide,
    ast.Mod: operators.remainder,
    ast.Pow: operators.power,
}
# The operations of the exact context that need no more than two numbers.
_EXACT: dict[type[ast.operator], Callable[..., Anything]] = {
    ast.Add: operators.EXACT.add,
    ast.Sub: operators.EXACT.subtract,
    ast.Mult: operators.EXACT.multiply,
    ast.Div: operators.EXACT.divide,
}
_ORDER: dict[type[ast.cmpop], tuple[str, Callable[..., bool]]] = {
    ast.Lt: ("<", operators.less),
    ast.LtE: ("<=", operators.less_or_equal),
    ast.Gt: (">", operators.greater),
    ast.GtE: (">=", operators.greater_or_equal),
}
_EQUALITY: dict[type[ast.cmpop], tuple[str, Callable[..., bool]]] = {
    ast.Eq: ("==", operators.equal),
    ast.NotEq: ("!=", operators.not_equal),
}
_MEMBERSHIP: dict[type[ast.cmpop], tuple[str, Callable[..., bool]]] = {
    ast.In: ("in", operators.contains),
    ast.NotIn: ("not in", operators.lacks),
}
_CHAIN = (ast.Name, ast.Attribute, ast.Subscript)  # on these a key look-up needs no guard


def _is_plain_slice(key: ast.Slice) -> bool:
    """Whether a slice has whole numbers for bounds, and no step."""
    bounds = [bound for bound in (key.lower, key.upper) if bound is not None]
    return key.step is None and all(isinstance(b, ast.Constant) and type(b.value) is int for b in bounds)


class CodeWriter:
    """Writes one formula onto an emitter."""

    def __init__(
        self,
        emitter: Emitter,
        tree: FormulaTree,
        functions: FunctionTable,
        typing: Typing,
        *,
        careful: bool = False,
    ) -> None:
        self.emitter = emitter
        self.tree = tree
        self.functions = functions
        self.typing = typing
        self.careful = careful
        self.locals: dict[str, str] = {}  # names that a `for` gives, and the Python that holds each
        self._budget = ""
        self._is_only_loop = False

    def write(self) -> str:
        """Emit what the formula needs before it, and return the expression."""
        inner = list(ast.walk(self.tree.root))
        self._is_only_loop = sum(isinstance(node, ast.comprehension) for node in inner) == 1
        if any(isinstance(node, COMPREHENSIONS) for node in inner):
            self._budget = self.emitter.temp("b")
            self.emitter.line(f"{self._budget} = [{MAX_ITERATIONS}]")
        code = self.value(self.tree.root)
        makes_sets = any(isinstance(node, ast.Set | ast.SetComp) for node in inner)
        if makes_sets or any(word.name == "set" for word in self.tree.calls):
            return f"{self.constant(operators.plain)}({code})"
        return code

    def value(self, node: ast.AST) -> str:
        """The Python expression of a node."""
        match node:
            case ast.Constant(value=value):
                return self._literal(node, value)
            case ast.Name(id=name):
                return self.locals.get(name) or self._scope_name(node, name)
            case ast.Attribute(value=base, attr=name):
                return self._field(node, base, name)
            case ast.Subscript():
                return self._subscript(node)
            case ast.Compare():
                return self._compare(node)
            case ast.Call():
                return self._call(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case _ if isinstance(node, COMPREHENSIONS):
                return self._comprehension(node)
            case _:
                return self._composite(node)

    def _composite(self, node: ast.AST) -> str:
        match node:
            case ast.BoolOp(op=op, values=values):
                word = " and " if isinstance(op, ast.And) else " or "
                return f"({word.join(map(self.value, values))})"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"(not {self.value(operand)})"
            case ast.UnaryOp(op=op, operand=operand):
                sign = operators.negate if isinstance(op, ast.USub) else operators.plus
                return self.operation(sign, [self.value(operand)], [operand])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return f"({self.value(body)} if {self.value(test)} else {self.value(orelse)})"
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return f"[{', '.join(map(self.value, elements))}]"
            case ast.Set(elts=elements):
                return f"{self.constant(operators.make_set)}([{', '.join(map(self.value, elements))}])"
            case ast.Dict(keys=keys, values=values):
                return f"{{{', '.join(self._entry(k, v) for k, v in zip(keys, values, strict=True) if k)}}}"
            case ast.JoinedStr(values=values):
                return f"{self.constant(operators.joined_text)}({', '.join(map(self._text_part, values))})"
            case _:
                raise AssertionError(f"{type(node).__name__} was allowed and has no code")

    # -- small parts

    def constant(self, value: object) -> str:
        """The name under which the function sees a Python object."""
        return self.emitter.constant(value)

    def _names(self, nodes: Sequence[ast.AST]) -> str:
        """The texts of operands as the last argument of a reference operation."""
        return ", " + repr(tuple(self.tree.written(node)[:80] for node in nodes)) if self.careful else ""

    def operation(
        self, operation: Callable[..., Anything], operands: Sequence[str], nodes: Sequence[ast.AST]
    ) -> str:
        """A call of a reference operation."""
        return f"{self.constant(operation)}({', '.join(operands)}{self._names(nodes)})"

    def _literal(self, node: ast.AST, value: object) -> str:
        if isinstance(value, float):
            return self.constant(Decimal(self.tree.written(node).replace("_", "")))
        return repr(value)

    def _scope_name(self, node: ast.AST, name: str) -> str:
        local = self.emitter.name(name)
        if local is None:
            near = near_names(name, self.emitter.scope)
            raise FormulaSyntaxError(
                f"there is no `{name}` here",
                *self.tree.span(node),
                f"near it: {', '.join(near)}" if near else "",
            )
        return local

    def _operand(self, node: ast.AST) -> tuple[str, str]:
        """How an operand is written where it is evaluated, and where it is used again."""
        code = self.value(node)
        if code.isidentifier() or isinstance(node, ast.Constant):
            return code, code
        name = self.emitter.temp("v")
        return f"({name} := {code})", name

    def _is_text(self, node: ast.AST) -> bool:
        """Whether a value is text by all that is known; if it is not, Python's own operator says so."""
        return self.typing.family(node) == "text"

    # -- reaching into data

    def _field(self, node: ast.AST, base: ast.AST, name: str) -> str:
        return self._step(node, base, self._on_the_way(base), name)

    def _on_the_way(self, node: ast.AST) -> str:
        """A value of which a field is read: from its local, where a path has read it before.

        That local may hold null where nothing was to be read; reading a field of it then fails all the same.
        """
        match node:
            case (
                ast.Attribute(value=base, attr=name)
                | ast.Subscript(value=base, slice=ast.Constant(value=str(name)))
            ) if not self.careful:
                code = self._on_the_way(base)
                return self.emitter.recall(code, repr(name)) or self._step(node, base, code, name)
            case _:
                return self.value(node)

    def _step(self, node: ast.AST, base: ast.AST, code: str, name: str) -> str:
        optional = self.typing.optional(node)
        if self.careful or not isinstance(base, _CHAIN):
            operation = operators.optional_field_of if optional else operators.field_of
            return self.operation(operation, [code, repr(name)], [base])
        return f"{code}.get({name!r})" if optional else f"{code}[{name!r}]"

    def _subscript(self, node: ast.Subscript) -> str:
        key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return self._field(node, node.value, key.value)
        code = self.value(node.value)
        if isinstance(key, ast.Slice):
            bounds = [self.value(part) if part else "None" for part in (key.lower, key.upper, key.step)]
            if not self.careful and self._is_text(node.value) and _is_plain_slice(key):
                return f"{code}[{bounds[0]}:{bounds[1]}]"
            return self.operation(operators.slice_of, [code, *bounds], [node.value])
        is_plain = isinstance(key, ast.Constant) and type(key.value) is int
        if is_plain and not self.careful and isinstance(node.value, _CHAIN):
            return f"{code}[{self.value(key)}]"
        return self.operation(operators.item_of, [code, self.value(key)], [node.value, key])

    # -- comparison

    def _compare(self, node: ast.Compare) -> str:
        operands = [node.left, *node.comparators]
        last = len(node.ops) - 1
        first, again = self._operand(operands[0])
        parts = []
        for index, operator in enumerate(node.ops):
            right = operands[index + 1]
            first_right, again_right = self._operand(right)
            pair = (operands[index], right)
            parts.append(
                self._comparison(operator, pair, (first, again), (first_right, again_right), index < last)
            )
            first = again = again_right
        return parts[0] if len(parts) == 1 else f"({' and '.join(parts)})"

    def _comparison(
        self,
        operator: ast.cmpop,
        nodes: tuple[ast.AST, ast.AST],
        left: tuple[str, str],
        right: tuple[str, str],
        shared: bool,  # noqa: FBT001 - the right operand is used by the next comparison as well
    ) -> str:
        """One comparison; an operand is (where it is evaluated, where it is used again)."""
        kind = type(operator)
        right_value = right[0] if shared else _unnamed(right[0])
        left_value = _unnamed(left[0])
        if isinstance(operator, ast.Is | ast.IsNot):
            word = "is" if isinstance(operator, ast.Is) else "is not"
            # A literal before `is` would be a warning of Python's.
            return (
                f"({left_value} {word} None)"
                if not isinstance(nodes[0], ast.Constant)
                else self._is_none(nodes[0], word)
            )
        sign, operation = {**_ORDER, **_EQUALITY, **_MEMBERSHIP}[kind]
        if self.careful or (kind in _MEMBERSHIP and shared):
            return self.operation(operation, [left_value, right_value], nodes)
        if kind in _MEMBERSHIP:
            return self._membership(sign, operation, nodes, (left, left_value), right_value)
        if self._needs_no_guard(kind, nodes):
            return f"({left_value} {sign} {right_value})"
        guard = self._same_kind(kind, nodes, left[0], right[0])
        if guard is None:
            return self.operation(operation, [left_value, right_value], nodes)
        return (
            f"({left[1]} {sign} {right[1]} if {guard} else {self.constant(operation)}({left[1]}, {right[1]}))"
        )

    def _is_none(self, node: ast.AST, word: str) -> str:
        assert isinstance(node, ast.Constant)
        return repr((node.value is None) == (word == "is"))

    def _needs_no_guard(self, kind: type[ast.cmpop], nodes: tuple[ast.AST, ast.AST]) -> bool:
        left, right = map(self.typing.family, nodes)
        if kind in _EQUALITY:
            return "null" in (left, right) or (left == right and left != "any")
        return left == right and left in ("number", "text", "date", "datetime")

    def _same_kind(
        self, kind: type[ast.cmpop], nodes: tuple[ast.AST, ast.AST], left: str, right: str
    ) -> str | None:
        """A test that is true only when Python's own comparison is right; it evaluates both operands."""
        for node, other in ((nodes[0], right), (nodes[1], left)):
            if isinstance(node, ast.Constant) and type(node.value) is str:
                return f"type({other}) is str"
            if isinstance(node, ast.Constant) and type(node.value) in (int, float):
                kept = self.emitter.temp("k")
                return f"({kept} := type({other})) is int or {kept} is {self.constant(Decimal)}"
        if any(isinstance(node, ast.Constant) for node in nodes):
            return None
        if kind in _EQUALITY:
            return f"type({left}) is type({right})"
        kept = self.emitter.temp("k")
        return f"({kept} := type({left})) is type({right}) and {kept} in {self.constant(operators.ORDERED)}"

    def _membership(
        self,
        sign: str,
        operation: Callable[..., bool],
        nodes: tuple[ast.AST, ast.AST],
        left: tuple[tuple[str, str], str],
        right: str,
    ) -> str:
        (first, again), value = left
        members = _texts(nodes[1])
        if members is None or isinstance(nodes[0], ast.Constant):
            return self.operation(operation, [value, right], nodes)
        literal = repr(members) if len(members) <= 8 else self.constant(frozenset(members))
        if self.typing.family(nodes[0]) == "text" and not self.typing.known(nodes[0]).nullable:
            return f"({value} {sign} {literal})"
        otherwise = f"{self.constant(operation)}({again}, {right})"
        return f"({again} {sign} {literal} if type({first}) is str else {otherwise})"

    # -- arithmetic

    def _arithmetic(self, node: ast.BinOp) -> str:
        operation = _ARITHMETIC[type(node.op)]
        exact = _EXACT.get(type(node.op))
        nodes = (node.left, node.right)
        if not self.careful and isinstance(node.op, ast.Add) and all(map(self._is_text, nodes)):
            text = self.emitter.temp("k")
            added = " + ".join(map(self.value, self._added_texts(node)))
            return (
                f"({text} if len({text} := {added}) <= {MAX_TEXT} else {self.constant(bounded_text)}({text}))"
            )
        if self.careful or exact is None or self.typing.family(node) not in ("any", "number"):
            return self.operation(operation, [self.value(node.left), self.value(node.right)], nodes)
        kinds = [getattr(self.typing.known(one).type, "name", "") for one in nodes]
        if sorted(kinds) in (["decimal", "decimal"], ["decimal", "integer"]) or (
            isinstance(node.op, ast.Div) and set(kinds) <= {"decimal", "integer"}
        ):
            return f"{self.constant(exact)}({self.value(node.left)}, {self.value(node.right)})"
        (left, left_again), (right, right_again) = self._operand(node.left), self._operand(node.right)
        kept = self.emitter.temp("k")
        decimal = self.constant(Decimal)
        return (
            f"({self.constant(exact)}({left_again}, {right_again})"
            f" if ({kept} := type({left})) is type({right}) and {kept} is {decimal}"
            f" else {self.constant(operation)}({left_again}, {right_again}))"
        )

    def _added_texts(self, node: ast.AST) -> list[ast.AST]:
        """The texts of a sum of texts, which is bounded as a whole: it is no shorter than its parts."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = (node.left, node.right)
            if all(map(self._is_text, sides)):
                return [text for side in sides for text in self._added_texts(side)]
        return [node]

    # -- building

    def _entry(self, key: ast.expr, value: ast.expr) -> str:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return f"{key.value!r}: {self.value(value)}"
        return f"{self.operation(operators.text_key, [self.value(key)], [key])}: {self.value(value)}"

    def _text_part(self, node: ast.AST) -> str:
        if isinstance(node, ast.Constant):
            return repr(node.value)
        assert isinstance(node, ast.FormattedValue)
        return self.operation(operators.text_part, [self.value(node.value)], [node.value])

    # -- calls

    def _call(self, node: ast.Call) -> str:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        spec = self.functions.get(name)
        if spec is None:
            raise FormulaSyntaxError(f"there is no function `{name}`", *self.tree.span(node.func))
        arguments = arranged(node, spec)
        if arguments is None:
            raise FormulaSyntaxError(f"{spec.name}() is written {spec.signature}", *self.tree.span(node))
        if name == "default":
            return self._default(arguments)
        if name in ("any", "all") and isinstance(arguments[0], ast.GeneratorExp | ast.ListComp):
            return self._quantified(arguments[0], name)
        values = [self.value(argument) for argument in arguments]
        if not self.careful:
            return f"{self.constant(spec.call)}({', '.join(values)})"
        texts = repr(tuple(self.tree.written(argument)[:80] for argument in arguments))
        return f"{self.constant(careful_call)}({', '.join([self.constant(spec), texts, *values])})"

    def _default(self, arguments: Sequence[ast.expr]) -> str:
        """`default(a.b.c, other)`: what is missing on the way to `c` counts as null."""
        name = self.emitter.temp("v")
        found, other = self._lenient(arguments[0]), self.value(arguments[1])
        return f"({name} if ({name} := {found}) is not None else {other})"

    def _lenient(self, node: ast.AST) -> str:
        match node:
            case (
                ast.Attribute(value=base, attr=key)
                | ast.Subscript(value=base, slice=ast.Constant(value=str(key)))
            ):
                return f"{self.constant(operators.found_or_null)}({self._lenient(base)}, {key!r})"
            case _:
                return self.value(node)

    # -- comprehensions: each is a function beside the expression

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> str:
        name, result = self.emitter.temp("g"), self.emitter.temp("r")
        with self.emitter.block(f"def {name}():"):
            self.emitter.line(f"{result} = {'{}' if isinstance(node, ast.DictComp) else '[]'}")
            self._loop(node.generators, lambda: self._collect(node, result))
            self.emitter.line(f"return {result}")
        call = f"{name}()"
        return f"{self.constant(operators.make_set)}({call})" if isinstance(node, ast.SetComp) else call

    def _collect(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, result: str
    ) -> None:
        if isinstance(node, ast.DictComp):
            key = self.operation(operators.text_key, [self.value(node.key)], [node.key])
            self.emitter.line(f"{result}[{key}] = {self.value(node.value)}")
        else:
            self.emitter.line(f"{result}.append({self.value(node.elt)})")

    def _quantified(self, node: ast.ListComp | ast.GeneratorExp, name: str) -> str:
        """`any(... for ...)` and `all(... for ...)` stop at the first item that decides."""
        function = self.emitter.temp("g")
        test, found, end = ("if", True, False) if name == "any" else ("if not", False, True)

        def decide() -> None:
            with self.emitter.block(f"{test} {self.value(node.elt)}:"):
                self.emitter.line(f"return {found}")

        with self.emitter.block(f"def {function}():"):
            self._loop(node.generators, decide)
            self.emitter.line(f"return {end}")
        return f"{function}()"

    def _loop(self, generators: Sequence[ast.comprehension], innermost: Callable[[], None]) -> None:
        if not generators:
            innermost()
            return
        generator, *rest = generators
        items = self._items(generator)
        names = target_names(self.tree, generator.target)
        outer = dict(self.locals)
        item = f"v_{names[0]}" if isinstance(generator.target, ast.Name) else self.emitter.temp("i")
        with self.emitter.block(f"for {item} in {items}:"):
            self.locals |= {name: f"v_{name}" for name in names}
            if not isinstance(generator.target, ast.Name):
                targets = ", ".join(f"v_{name}" for name in names)
                self.emitter.line(f"{targets}, = {self.constant(operators.unpack)}({item}, {len(names)})")
            self._filter(generator.ifs, lambda: self._loop(rest, innermost))
        self.locals = outer

    def _items(self, generator: ast.comprehension) -> str:
        """What a `for` goes through; the only one of a formula asks at once whether a list is too long."""
        value = self.value(generator.iter)
        if self.careful or not self._is_only_loop:
            return self.operation(operators.items, [value, self._budget], [generator.iter])
        kept = self.emitter.temp("k")
        return (
            f"({kept} if type({kept} := {value}) is list and len({kept}) <= {MAX_ITERATIONS}"
            f" else {self.constant(operators.items)}({kept}, {self._budget}))"
        )

    def _filter(self, conditions: Sequence[ast.expr], inner: Callable[[], None]) -> None:
        if not conditions:
            inner()
            return
        with self.emitter.block(f"if {self.value(conditions[0])}:"):
            self._filter(conditions[1:], inner)


def _unnamed(code: str) -> str:
    """An operand that is used once needs no name: `(v3 := x)` is `x`."""
    name, sign, rest = code.removeprefix("(").partition(" := ")
    return rest[:-1] if code.startswith("(") and sign and name.isidentifier() else code


def _texts(node: ast.AST) -> tuple[str, ...] | None:
    """The members of a list of texts that is written out."""
    if not isinstance(node, ast.List | ast.Tuple | ast.Set):
        return None
    members = [one.value for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return tuple(members) if members and len(members) == len(node.elts) else None


def careful_call(spec: FunctionSpec, texts: Sequence[str], *arguments: Operand) -> Operand:
    """Call a function, and say in plain words what it could not take."""
    try:
        return spec.call(*arguments)
    except (EvaluationError, TypeError, AttributeError, ValueError, LookupError, ArithmeticError) as error:
        raise EvaluationError(_refusal(spec, texts, arguments, error)) from error


def _refusal(spec: FunctionSpec, texts: Sequence[str], arguments: Sequence[Operand], error: Exception) -> str:
    for index, value in enumerate(arguments):
        parameter = spec.parameter(index)
        if value is None and parameter is not None and not parameter.nullable:
            return f"`{texts[index]}` is null"
    if isinstance(error, EvaluationError):
        return f"{spec.name}(): {error.message}"
    shown = ", ".join(operators.named(texts, i, value) for i, value in enumerate(arguments))
    return f"{spec.name}() cannot be applied: {shown}"
