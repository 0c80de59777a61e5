"""What is known about each part of a formula before any data is there, and what cannot be right.

Types follow dots, subscripts, slices and the names of comprehensions; where a record is open or
nothing is known, the type is ANY and the check happens when the formula runs. The code generator
reads the same facts to leave guards out.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

from engine.language.formula_syntax import COMPREHENSIONS, FormulaTree, target_names
from engine.language.functions.spec import FunctionSpec, FunctionTable, Parameter
from engine.language.known import UNKNOWN, Known, family, join
from engine.language.scope import Mistake, TypeScope
from engine.problems.suggest import near_names
from engine.values.type import (
    ANY,
    BOOLEAN,
    DECIMAL,
    INTEGER,
    NULL,
    STRING,
    Any,
    Enum,
    Field,
    Listing,
    Record,
    Scalar,
    Type,
    describe,
)

__all__ = ["UNKNOWN", "Inference", "Known", "Typing", "arranged", "family", "infer", "join"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """What is known about the parts of one formula, by node."""

    result: Known
    mistakes: tuple[Mistake, ...]
    _known: Mapping[ast.AST, Known] = field(repr=False)
    _optional: frozenset[ast.AST] = field(repr=False)
    _about: Mapping[ast.AST, str] = field(repr=False, default_factory=dict)

    def known(self, node: ast.AST) -> Known:
        """What is known about a part."""
        return self._known.get(node, UNKNOWN)

    def parts(self) -> Iterable[tuple[ast.AST, Known]]:
        """Every part with what is known about it, in no order."""
        return self._known.items()

    def about(self, node: ast.AST) -> str:
        """What the schema says of the field that a part reads; nothing for other parts."""
        return self._about.get(node, "")

    def family(self, node: ast.AST) -> str:
        """The family of the values of a part: number, text, date, ... or any."""
        return family(self.known(node).type)

    def optional(self, node: ast.AST) -> bool:
        """Whether the field that a part reads may be absent, so that reading it gives null."""
        return node in self._optional


def infer(tree: FormulaTree, scope: TypeScope, functions: FunctionTable) -> Typing:
    """Find out what can be known about every part of a formula; mistakes are reported, never raised."""
    walk = Inference(tree, scope, functions)
    return walk.done(walk.of(tree.root))


_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_ARITHMETIC = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_UNORDERED = ("boolean", "list", "record")


SHOWN_CHOICES = 5

_FATAL = frozenset({"unknown_name", "unknown_function", "shadowed", "literal"})


class _More(TypedDict, total=False):
    near: tuple[str, ...]
    help: str
    fatal: bool


class Inference:
    """One walk over one formula."""

    def __init__(self, tree: FormulaTree, scope: TypeScope, functions: FunctionTable) -> None:
        self.tree = tree
        self.scope = scope
        self.functions = functions
        self.known: dict[ast.AST, Known] = {}
        self.optional: set[ast.AST] = set()
        self.mistakes: list[Mistake] = []
        self.locals: dict[str, Known] = {}
        self.about: dict[ast.AST, str] = {}

    def of(self, node: ast.AST) -> Known:
        """What is known about a node, remembered for the generator."""
        known = self._find(node)
        self.known[node] = known
        return known

    def done(self, result: Known) -> Typing:
        """Everything that the walk has found."""
        return Typing(
            result=result,
            mistakes=tuple(self.mistakes),
            _known=self.known,
            _optional=frozenset(self.optional),
            _about=self.about,
        )

    def _mistake(
        self, kind: str, node: ast.AST, message: str, *, name: str = "", **more: Unpack[_More]
    ) -> Known:
        start, end = self.tree.span(node)
        found = Mistake(kind=kind, message=message, start=start, end=end, name=name, **more)
        self.mistakes.append(replace(found, fatal=True) if kind in _FATAL else found)
        return UNKNOWN

    def _find(self, node: ast.AST) -> Known:
        match node:
            case ast.Constant(value=value):
                return Known(type=_constant_type(value), nullable=value is None)
            case ast.Name():
                return self._name(node)
            case ast.Attribute(attr=name):
                return self._field(node, node.value, name)
            case ast.Subscript():
                return self._subscript(node)
            case ast.Call():
                return self._call(node)
            case ast.Compare():
                return self._compare(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.JoinedStr():
                self._all(part.value for part in node.values if isinstance(part, ast.FormattedValue))
                return Known(type=STRING)
            case _:
                return self._find_composite(node)

    def _find_composite(self, node: ast.AST) -> Known:
        match node:
            case ast.BoolOp(values=values):
                return self._either(node, self._all(values))
            case ast.UnaryOp(op=op, operand=operand):
                known = self.of(operand)
                return Known(type=BOOLEAN) if isinstance(op, ast.Not) else Known(type=_number(known.type))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.of(test)
                return join(self._all((body, orelse)))
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return Known(type=Listing(item=join(self._all(elements)).type))
            case ast.Dict():
                return self._record(node)
            case _ if isinstance(node, COMPREHENSIONS):
                return self._comprehension(node)
            case _:
                return UNKNOWN

    def _all(self, nodes: Iterable[ast.AST]) -> list[Known]:
        return [self.of(node) for node in nodes]

    def _either(self, node: ast.BoolOp, parts: Sequence[Known]) -> Known:
        """`a or b` is null only when its last part is; `a and b` when any is."""
        joined = join(parts)
        return Known(type=joined.type, nullable=parts[-1].nullable) if isinstance(node.op, ast.Or) else joined

    def _name(self, node: ast.Name) -> Known:
        if node.id in self.locals:
            return self.locals[node.id]
        kind = self.scope.type_of(node.id)
        if kind is not None:
            return Known(type=kind, nullable=node.id in self.scope.nullable)
        near = near_names(node.id, [*self.scope.names, *self.locals, "None", "True", "False"])
        return self._mistake("unknown_name", node, f"there is no `{node.id}` here", name=node.id, near=near)

    def _field(self, node: ast.AST, base: ast.AST, name: str) -> Known:
        kind = self.of(base).type
        match kind:
            case Any():
                return UNKNOWN
            case Record(fields=fields, open=is_open):
                found = fields.get(name)
                if found is not None:
                    return self._found(node, found)
                return UNKNOWN if is_open else self._unknown_field(node, base, name, kind)
            case _:
                message = f"`{self.tree.written(base)}` is {describe(kind)} and has no fields"
                return self._wrong_name("no_fields", node, message, name)

    def _found(self, node: ast.AST, found: Field) -> Known:
        if found.may_be_absent:
            self.optional.add(node)
        if found.about:
            self.about[node] = found.about
        return Known(type=found.type, nullable=found.may_be_absent)

    def _unknown_field(self, node: ast.AST, base: ast.AST, name: str, kind: Record) -> Known:
        message = f"`{self.tree.written(base)}` ({describe(kind)}) has no field `{name}`"
        return self._wrong_name("unknown_field", node, message, name, near_names(name, kind.fields))

    def _wrong_name(
        self, kind: str, node: ast.AST, message: str, name: str, near: tuple[str, ...] = ()
    ) -> Known:
        """Report the name behind a dot, and point at nothing before it."""
        start, end = self.tree.span(node)
        if self.tree.text[start:end].endswith(name):
            start = end - len(name)
        self.mistakes.append(Mistake(kind=kind, message=message, start=start, end=end, name=name, near=near))
        return UNKNOWN

    def _subscript(self, node: ast.Subscript) -> Known:
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return self._field(node, node.value, node.slice.value)
        base = self.of(node.value)
        if isinstance(node.slice, ast.Slice):
            self._all(part for part in (node.slice.lower, node.slice.upper, node.slice.step) if part)
            return Known(type=base.type)
        self.of(node.slice)
        match base.type:
            case Listing(item=item):
                return Known(type=item)
            case Scalar(name="string") | Enum():
                return Known(type=STRING)
            case _:
                return UNKNOWN

    def _record(self, node: ast.Dict) -> Known:
        fields: dict[str, Field] = {}
        named = True
        for key, value in zip(node.keys, node.values, strict=True):
            known = self.of(value)
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                fields[key.value] = Field(type=known.type, required=True, nullable=known.nullable)
            elif key is not None:
                self.of(key)
                named = False
        return Known(type=Record(name="", fields=fields, open=not named))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> Known:
        outer = dict(self.locals)
        for generator in node.generators:
            self._bind(generator)
            self._all(generator.ifs)
        if isinstance(node, ast.DictComp):
            self._all((node.key, node.value))
            result = Known(type=Record(name="", open=True))
        else:
            result = Known(type=Listing(item=self.of(node.elt).type))
        self.locals = outer
        return result

    def _bind(self, generator: ast.comprehension) -> None:
        self.bind(generator.target, target_names(self.tree, generator.target), generator.iter)

    def bind(self, target: ast.expr, names: Sequence[str], items: ast.expr) -> None:
        """Give names to the items of a list, as `for` does: one to each item, or several to its parts."""
        item = self._item(items)
        for name in names:
            if name in self.scope.names:
                message = f"`{name}` already names something here"
                self._mistake("shadowed", target, message, name=name, help="choose another name")
            self.locals[name] = Known(type=item) if isinstance(target, ast.Name) else _part(item)

    def _item(self, node: ast.AST) -> Type:
        kind = self.of(node).type
        match kind:
            case Listing(item=item):
                return item
            case Record():
                return STRING
            case Any():
                return ANY
            case _:
                self._mistake(
                    "not_a_list", node, f"`{self.tree.written(node)}` is {describe(kind)}, not a list"
                )
                return ANY

    def _compare(self, node: ast.Compare) -> Known:
        operands = [node.left, *node.comparators]
        known = self._all(operands)
        for index, operator in enumerate(node.ops):
            if type(operator) in _COMPARISONS:
                self._check_pair(node, operator, operands[index : index + 2], known[index : index + 2])
            elif isinstance(operator, ast.In | ast.NotIn):
                self._check_members(operands[index + 1], known[index])
        return Known(type=BOOLEAN)

    def _check_pair(
        self, node: ast.AST, operator: ast.cmpop, operands: Sequence[ast.AST], known: Sequence[Known]
    ) -> None:
        left_known, right_known = known
        if isinstance(left_known.type, Enum) and not isinstance(right_known.type, Enum):
            self._check_value(left_known.type, operands[1])
        if isinstance(right_known.type, Enum) and not isinstance(left_known.type, Enum):
            self._check_value(right_known.type, operands[0])
        left, right = (family(one.type) for one in known)
        is_equality = isinstance(operator, ast.Eq | ast.NotEq)
        if "any" in (left, right) or (is_equality and "null" in (left, right)):
            return
        if left != right or (not is_equality and (left in _UNORDERED or left == "null")):
            kinds = [describe(one.type) for one in known]
            message = f"{kinds[0]} cannot be compared with {kinds[1]} by `{_COMPARISONS[type(operator)]}`"
            self._mistake("operands", node, message)

    def _check_members(self, container: ast.AST, known: Known) -> None:
        if isinstance(known.type, Enum) and isinstance(container, ast.List | ast.Tuple | ast.Set):
            for element in container.elts:
                self._check_value(known.type, element)

    def _check_value(self, kind: Enum, node: ast.AST) -> None:
        """A text that a field can never hold is a misspelling."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in kind.values:
            message = f"'{node.value}' is never a value here; it is {describe(kind)}"
            near = near_names(node.value, kind.values)
            self._mistake("unknown_value", node, message, name=node.value, near=near)

    def _arithmetic(self, node: ast.BinOp) -> Known:
        left, right = self._all((node.left, node.right))
        kinds = family(left.type), family(right.type)
        if "any" in kinds:
            return UNKNOWN
        result = _arithmetic_type(node.op, left.type, right.type, kinds)
        if result is None:
            told = f"{describe(left.type)} and {describe(right.type)}"
            message = f"{told} do not go together with `{_ARITHMETIC.get(type(node.op), 'this')}`"
            return self._mistake("operands", node, message, help=self._way_out(node, kinds))
        return Known(type=result)

    def _way_out(self, node: ast.BinOp, kinds: tuple[str, str]) -> str:
        """What to write instead of arithmetic that there is not; nothing where nobody could know."""
        if "date" in kinds:
            return "use add_days(date, days)"
        if set(kinds) == {"number", "text"}:
            text = node.left if kinds[0] == "text" else node.right
            return f"to calculate with the text, write decimal({self.tree.written(text)})"
        return ""

    def _call(self, node: ast.Call) -> Known:
        assert isinstance(node.func, ast.Name)
        arguments = [self.of(argument) for argument in node.args]
        for keyword in node.keywords:
            self.of(keyword.value)
        spec = self.functions.get(node.func.id)
        if spec is None:
            near = near_names(node.func.id, self.functions)
            message = f"there is no function `{node.func.id}`"
            return self._mistake("unknown_function", node.func, message, name=node.func.id, near=near)
        ordered = arranged(node, spec)
        if ordered is None:
            message = f"{spec.name}() is written {spec.signature}"
            return self._mistake("arguments", node, message, name=spec.name, fatal=True)
        self._check_arguments(spec, ordered)
        if spec.result_of is not None and not node.keywords:
            return Known(type=spec.result_of([one.type for one in arguments]))
        return Known(type=spec.result)

    def _check_arguments(self, spec: FunctionSpec, ordered: Sequence[ast.expr]) -> None:
        for index, argument in enumerate(ordered):
            parameter = spec.parameter(index)
            assert parameter is not None
            known = self.known.get(argument, _LEFT_OUT).type
            wanted, found = family(parameter.type), family(known)
            if parameter.literal:
                self._check_literal(spec, parameter, argument)
            elif found == "null" and not parameter.nullable:
                self._mistake("arguments", argument, f"the {parameter.name} of {spec.name}() is never null")
            elif "any" not in (wanted, found) and found not in (wanted, "null"):
                takes = f"takes {describe(parameter.type)} as {parameter.name}"
                message = f"{spec.name}() {takes}, not {describe(known)}"
                self._mistake("arguments", argument, message, name=spec.name)

    def _check_literal(self, spec: FunctionSpec, parameter: Parameter, argument: ast.expr) -> None:
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            message = f"the {parameter.name} of {spec.name}() has to be written out as text"
            choices = " or ".join(f"'{choice}'" for choice in (parameter.choices or ())[:SHOWN_CHOICES])
            self._mistake("literal", argument, message, help=f"write {choices}" if choices else "")
        elif parameter.choices is not None and argument.value not in parameter.choices:
            near = near_names(argument.value, parameter.choices)
            message = f"there is no {parameter.name} `{argument.value}`"
            self._mistake("unknown_name", argument, message, name=argument.value, near=near)


_LEFT_OUT = Known(type=NULL, nullable=True)


def arranged(node: ast.Call, spec: FunctionSpec) -> list[ast.expr] | None:
    """The arguments of a call in the order of the parameters; None when they do not fit.

    Arguments given by name follow those without; one that is left out before them is null, which
    its parameter must allow.
    """
    arguments = list(node.args)
    if spec.most is not None and len(arguments) > spec.most:
        return None
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    for parameter in spec.parameters[len(arguments) :]:
        if parameter.name in named:
            arguments.append(named.pop(parameter.name))
        elif named and parameter.optional and parameter.nullable:
            arguments.append(ast.copy_location(ast.Constant(value=None), node))
        else:
            break
    return None if named or len(arguments) < spec.least else arguments


def _constant_type(value: object) -> Type:
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER
    return DECIMAL if isinstance(value, float) else STRING


def _number(kind: Type) -> Type:
    return kind if family(kind) == "number" else ANY


def _part(item: Type) -> Known:
    return Known(type=item.item) if isinstance(item, Listing) else UNKNOWN


def _arithmetic_type(
    operator: ast.operator, left: Type, right: Type, kinds: tuple[str, str]
) -> "Type | None":
    """The type of a result; None when there is none."""
    if kinds == ("number", "number"):
        whole = left == right == INTEGER and not isinstance(operator, ast.Div | ast.Pow)
        return INTEGER if whole else DECIMAL
    match operator, kinds:
        case ast.Add(), ("text", "text"):
            return STRING
        case ast.Add(), ("list", "list"):
            return join((Known(type=left), Known(type=right))).type if left == right else Listing(item=ANY)
        case ast.Sub(), ("date", "date"):
            return INTEGER
        case ast.Mult(), ("text", "number") | ("number", "text"):
            return STRING
        case ast.Mult(), ("list", "number"):
            return left
        case ast.Mult(), ("number", "list"):
            return right
        case _:
            return None
