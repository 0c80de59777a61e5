"""What is known about each part of a formula before any data is there, and what cannot be right.

Types follow dots, subscripts, slices and the names of comprehensions; where a record is open or
nothing is known, the type is ANY and the check happens when the formula runs. The code generator
reads the same facts to leave guards out.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypedDict, Unpack

from engine.language.formula_rules import (
    COMPARISONS,
    Refusal,
    arithmetic_refusal,
    arithmetic_type,
    comparison_refusal,
    constant_type,
    told,
)
from engine.language.formula_syntax import COMPREHENSIONS, FormulaTree, target_names
from engine.language.functions.spec import FunctionSpec, FunctionTable, Parameter
from engine.language.known import UNKNOWN, Facts, Known, Reference, both, family, join
from engine.language.narrowing import narrowed, reference, shown
from engine.language.scope import Mistake, TypeScope
from engine.problems.suggest import misspelt, near_names, there_are
from engine.values.type import (
    ANY,
    BOOLEAN,
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

__all__ = ["UNKNOWN", "Inference", "Known", "Typing", "arranged", "family", "infer", "join", "shown_by"]


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


def shown_by(tree: FormulaTree, scope: TypeScope, functions: FunctionTable) -> tuple[Facts, Facts]:
    """What a formula shows about the names in scope, where it is true and where it is false."""
    walk = Inference(tree, scope, functions)
    walk.of(tree.root)
    yes, no = walk.shown(tree.root)
    return _of_names(yes, scope), _of_names(no, scope)


def _of_names(facts: Facts, scope: TypeScope) -> Facts:
    return {place: known for place, known in facts.items() if place[0] in scope.names}


SHOWN_CHOICES = 5

_SPELT_OTHERWISE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"null": ("None",), "nothing": ("None",), "nil": ("None",), "true": ("True",), "false": ("False",)}
)
"""Values as other languages write them."""

_FOREIGN_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "if": "write `value if condition else other`",
        "iif": "write `value if condition else other`",
        "ifnull": "write default(value, other)",
        "nvl": "write default(value, other)",
        "coalesce": "write default(value, other)",
        "isnull": "write `value is None`",
        "isblank": "write `value is None`",
        "vlookup": "an entry looks a value up: {table: name, key: path, take: column}",
        "xlookup": "an entry looks a value up: {table: name, key: path, take: column}",
        "concat": "join texts with `+`, or write a template",
        "concatenate": "join texts with `+`, or write a template",
        "ucase": "write upper(text)",
        "lcase": "write lower(text)",
    }
)
"""What the functions of spreadsheets and databases are here."""

_FATAL = frozenset({"unknown_name", "unknown_function", "shadowed", "literal"})


class _More(TypedDict, total=False):
    near: tuple[str, ...]
    help: str
    fatal: bool


class Inference:
    """One walk over one formula, or over the expressions of one template."""

    def __init__(self, tree: FormulaTree, scope: TypeScope, functions: FunctionTable) -> None:
        self.tree = tree
        self.scope = scope
        self.functions = functions
        self.known: dict[ast.AST, Known] = {}
        self.optional: set[ast.AST] = set()
        self.mistakes: list[Mistake] = []
        self.locals: dict[str, Known] = {}
        self.about: dict[ast.AST, str] = {}
        self.facts: Facts = scope.facts  # what the conditions passed on the way here have shown
        self._blamed: set[Reference | tuple[int, int]] = set()  # said to be null once, which is enough
        self._lenient: set[ast.AST] = set()  # what is missing here counts as null

    def of(self, node: ast.AST) -> Known:
        """What is known about a node, remembered for the generator."""
        known = self._find(node)
        place = reference(node)
        if place is not None:
            known = narrowed(known, self.facts.get(place))
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

    def shown(self, test: ast.AST) -> tuple[Facts, Facts]:
        """What a condition, which was looked at, shows where it is true and where it is false."""
        found = shown(test, self._look)
        return found.yes or {}, found.no or {}

    def _look(self, node: ast.AST) -> Known:
        return self.known.get(node, UNKNOWN)

    def under(self, facts: Facts, nodes: Iterable[ast.AST]) -> list[Known]:
        """What is known about parts that are reached only where something was shown."""
        outer, self.facts = self.facts, both(self.facts, facts)
        found = [self.of(node) for node in nodes]
        self.facts = outer
        return found

    # -- mistakes

    def _mistake(
        self, kind: str, node: ast.AST, message: str, *, name: str = "", **more: Unpack[_More]
    ) -> Known:
        start, end = self.tree.span(node)
        found = Mistake(kind=kind, message=message, start=start, end=end, name=name, **more)
        self.mistakes.append(replace(found, fatal=True) if kind in _FATAL else found)
        return UNKNOWN

    def _refused(self, node: ast.AST, refusal: Refusal) -> Known:
        return self._mistake(refusal.kind, node, refusal.message, help=refusal.help)

    def need(self, node: ast.AST, why: str) -> None:
        """Report a part that may be null where null cannot be; `why` says what null does not do."""
        known = self._look(node)
        if not known.nullable or isinstance(known.type, Any) or node in self._lenient:
            return
        place = reference(node)
        blamed = self.tree.span(node) if place is None else place
        if blamed in self._blamed:
            return
        self._blamed.add(blamed)
        written = self.tree.written(node)
        if known.type == NULL:
            self._mistake("nullable", node, f"`{written}` is null, and null {why}")
            return
        self._mistake(
            "nullable", node, f"`{written}` may be null, and null {why}", help=_ways_out(written, place)
        )

    # -- one part

    def _find(self, node: ast.AST) -> Known:
        match node:
            case ast.Constant(value=value):
                written = self.tree.written(node) if isinstance(value, float) else ""
                return Known(type=constant_type(value, written), nullable=value is None)
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
                return self._joined(node)
            case _:
                return self._find_composite(node)

    def _find_composite(self, node: ast.AST) -> Known:
        match node:
            case ast.BoolOp(values=values):
                return self._either(node, values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.of(operand)
                return Known(type=BOOLEAN)
            case ast.UnaryOp(operand=operand):
                return self._signed(node, operand)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.of(test)
                yes, no = self.shown(test)
                return join((*self.under(yes, [body]), *self.under(no, [orelse])))
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                item = join(self._all(elements)) if elements else Known(type=NULL)
                return Known(type=Listing(item=item.type, nullable=item.nullable))
            case ast.Dict():
                return self._record(node)
            case _ if isinstance(node, COMPREHENSIONS):
                return self._comprehension(node)
            case _:
                return UNKNOWN

    def _all(self, nodes: Iterable[ast.AST]) -> list[Known]:
        return [self.of(node) for node in nodes]

    def _either(self, node: ast.BoolOp, values: Sequence[ast.expr]) -> Known:
        """`a or b` is null only when its last part is; `a and b` when any is."""
        outer, parts, is_or = self.facts, list[Known](), isinstance(node.op, ast.Or)
        for value in values:
            parts.append(self.of(value))
            yes, no = self.shown(value)
            self.facts = both(self.facts, no if is_or else yes)
        self.facts = outer
        if not is_or:
            return join(parts)
        # What is given of an earlier part is true of it, so it is there.
        there = [*(replace(one, nullable=False, unsure=False) for one in parts[:-1]), parts[-1]]
        return join(part for part in there if part.type != NULL or part is there[-1])

    def _signed(self, node: ast.UnaryOp, operand: ast.expr) -> Known:
        known = self.of(operand)
        kind = family(known.type)
        if kind not in ("any", "number", "null"):
            sign = "-" if isinstance(node.op, ast.USub) else "+"
            return self._mistake("operands", node, f"{told(known.type)} cannot have the sign `{sign}`")
        self.need(operand, "is no number")
        return Known(type=known.type if kind == "number" else ANY)

    def _joined(self, node: ast.JoinedStr) -> Known:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.of(part.value)
                self.text_part(part.value)
        return Known(type=STRING)

    def text_part(self, node: ast.AST) -> None:
        """Report what cannot be written into a text: null, a list, a record that is no money."""
        kind = self._look(node).type
        if isinstance(kind, Listing) or (
            isinstance(kind, Record) and kind.name != "money" and not _like_money(kind)
        ):
            what = "list" if isinstance(kind, Listing) else "record"
            written = self.tree.written(node)
            helps = (
                f"write join(', ', {written}), or a field of each item"
                if what == "list"
                else "write one of its fields"
            )
            if what == "list":
                helps = f"write join({written}, ', ')"
            self._mistake(
                "no_text", node, f"`{written}` is {describe(kind)}, and a {what} has no text", help=helps
            )
        else:
            self.need(node, "has no text")

    def _name(self, node: ast.Name) -> Known:
        known = self.locals.get(node.id) or self.scope.known(node.id)
        if known is not None:
            return known
        near = near_names(node.id, [*self.scope.names, *self.locals, "None", "True", "False"])
        near = _SPELT_OTHERWISE.get(node.id.casefold(), near)
        message = f"there is no `{node.id}` here"
        helps = "" if near else there_are([*self.scope.names, *self.locals])
        return self._mistake("unknown_name", node, message, name=node.id, near=near, help=helps)

    # -- reaching into data

    def _field(self, node: ast.AST, base: ast.AST, name: str) -> Known:
        kind = self.of(base).type
        match kind:
            case Any():
                return UNKNOWN
            case Record(fields=fields, open=is_open):
                found = fields.get(name)
                if found is None and not is_open:
                    return self._unknown_field(node, base, name, kind)
                self.need(base, "has no fields")
                return self._found(node, found) if found else self._other_field(node, base, name, kind)
            case Scalar(name="null"):
                self.need(base, "has no fields")
                return UNKNOWN
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
        near = near_names(name, kind.fields)
        helps = "" if near else there_are(kind.fields)
        return self._wrong_name("unknown_field", node, message, name, near, helps)

    def _other_field(self, node: ast.AST, base: ast.AST, name: str, kind: Record) -> Known:
        """A field of a record that may have others than those it names; brackets say that it is meant."""
        near = misspelt(name, kind.fields) if isinstance(node, ast.Attribute) else ()
        if near:
            written = self.tree.written(base)
            message = f"`{written}` ({describe(kind)}) says nothing of a field `{name}`"
            helps = f"one that is there all the same stands in brackets: {written}['{name}']"
            self._wrong_name("misspelt", node, message, name, near, helps)
        return UNKNOWN

    def _wrong_name(
        self, kind: str, node: ast.AST, message: str, name: str, near: tuple[str, ...] = (), helps: str = ""
    ) -> Known:
        """Report the name behind a dot, and point at nothing before it."""
        start, end = self.tree.span(node)
        if self.tree.text[start:end].endswith(name):
            start = end - len(name)
        self.mistakes.append(
            Mistake(kind=kind, message=message, start=start, end=end, name=name, near=near, help=helps)
        )
        return UNKNOWN

    def _subscript(self, node: ast.Subscript) -> Known:
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return self._field(node, node.value, node.slice.value)
        base = self.of(node.value)
        if isinstance(node.slice, ast.Slice):
            bounds = [part for part in (node.slice.lower, node.slice.upper, node.slice.step) if part]
            self._all(bounds)
        else:
            self.of(node.slice)
            self.need(node.slice, "is no place in a list or text")
        self.need(node.value, "has no parts")
        return self._part_of(node, base.type)

    def _part_of(self, node: ast.Subscript, kind: Type) -> Known:
        is_slice = isinstance(node.slice, ast.Slice)
        match kind:
            case Listing(item=item, nullable=nullable):
                return Known(type=kind) if is_slice else Known(type=item, nullable=nullable)
            case Scalar(name="string") | Enum():
                return Known(type=STRING)
            case Record() | Any() | Scalar(name="null"):
                return UNKNOWN
            case _:
                message = f"`{self.tree.written(node.value)}` is {describe(kind)}, not a list"
                return self._mistake("not_a_list", node, message)

    def _record(self, node: ast.Dict) -> Known:
        fields: dict[str, Field] = {}
        named = True
        for key, value in zip(node.keys, node.values, strict=True):
            known = self.of(value)
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                fields[key.value] = Field(type=known.type, required=True, nullable=known.nullable)
            elif key is not None:
                self.of(key)
                self.need(key, "is no name of a field")
                named = False
        return Known(type=Record(name="", fields=fields, open=True) if named else Record(name="", open=True))

    # -- going through lists

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> Known:
        outer, facts = dict(self.locals), self.facts
        for generator in node.generators:
            self._bind(generator)
            for test in generator.ifs:
                self.of(test)
                self.facts = both(self.facts, self.shown(test)[0])
        if isinstance(node, ast.DictComp):
            self._all((node.key, node.value))
            self.need(node.key, "is no name of a field")
            kind: Type = Record(name="", open=True)
        else:
            item = self.of(node.elt)
            kind = Listing(item=item.type, nullable=item.nullable)
        self.locals, self.facts = outer, facts
        return Known(type=kind)

    def _bind(self, generator: ast.comprehension) -> None:
        self.bind(generator.target, target_names(self.tree, generator.target), generator.iter)

    def bind(self, target: ast.expr, names: Sequence[str], items: ast.expr) -> None:
        """Give names to the items of a list, as `for` does: one to each item, or several to its parts."""
        item = self._item(items)
        for name in names:
            if name in self.scope.names:
                message = f"`{name}` already names something here"
                self._mistake("shadowed", target, message, name=name, help="choose another name")
            self.locals[name] = item if isinstance(target, ast.Name) else _part(item.type)
        self.facts = {place: fact for place, fact in self.facts.items() if place[0] not in names}

    def _item(self, node: ast.AST) -> Known:
        kind = self.of(node).type
        self.need(node, "has no items")
        match kind:
            case Listing(item=item, nullable=nullable):
                return Known(type=item, nullable=nullable)
            case Record():
                return Known(type=STRING)
            case Any() | Scalar(name="null"):
                return UNKNOWN
            case _:
                message = f"`{self.tree.written(node)}` is {describe(kind)}, not a list"
                return self._mistake("not_a_list", node, message)

    # -- comparing and calculating

    def _compare(self, node: ast.Compare) -> Known:
        operands = [node.left, *node.comparators]
        self._all(operands)
        for index, operator in enumerate(node.ops):
            left, right = operands[index : index + 2]
            if type(operator) in COMPARISONS:
                self._check_pair(node, operator, left, right)
            elif isinstance(operator, ast.In | ast.NotIn):
                self.need(right, "holds nothing")
                self._check_members(left, right)
        return Known(type=BOOLEAN)

    def _check_pair(self, node: ast.AST, operator: ast.cmpop, left: ast.expr, right: ast.expr) -> None:
        known = [self._look(left), self._look(right)]
        if self._check_value(known[0].type, right) or self._check_value(known[1].type, left):
            return
        written = [self.tree.written(left), self.tree.written(right)]
        refusal = comparison_refusal(operator, known, written)
        if refusal is not None:
            self._refused(node, refusal)
        elif not isinstance(operator, ast.Eq | ast.NotEq):
            for operand in (left, right):
                self.need(operand, "comes neither before nor after anything")

    def _check_members(self, item: ast.expr, container: ast.expr) -> None:
        kind = self._look(item).type
        if isinstance(container, ast.List | ast.Tuple | ast.Set):
            for element in container.elts:
                if not self._check_value(kind, element):
                    self._check_member(item, element, self._look(element))
        elif family(self._look(container).type) == "text" and family(kind) == "text":
            self.need(item, "is no part of a text")
        elif isinstance(held := self._look(container).type, Listing):
            self._check_member(item, container, Known(type=held.item, nullable=held.nullable))

    def _check_member(self, item: ast.expr, node: ast.expr, member: Known) -> None:
        """A member that the value can never equal."""
        known, written = [self._look(item), member], [self.tree.written(item), self.tree.written(node)]
        refusal = comparison_refusal(ast.Eq(), known, written)
        if refusal is not None:
            self._refused(node, refusal)

    def _check_value(self, kind: Type, node: ast.AST) -> bool:
        """A text that a field can never hold is a misspelling."""
        if not (isinstance(kind, Enum) and isinstance(node, ast.Constant) and isinstance(node.value, str)):
            return False
        if node.value in kind.values:
            return False
        message = f"'{node.value}' is never a value here; it is {describe(kind)}"
        near = near_names(node.value, kind.values)
        self._mistake("unknown_value", node, message, name=node.value, near=near)
        return True

    def _arithmetic(self, node: ast.BinOp) -> Known:
        known = self._all((node.left, node.right))
        written = [self.tree.written(node.left), self.tree.written(node.right)]
        refusal = arithmetic_refusal(node.op, known, written)
        if refusal is not None and NULL not in [one.type for one in known]:
            return self._refused(node, refusal)
        for operand in (node.left, node.right):
            self.need(operand, "cannot be calculated with")
        kind = None if refusal else arithmetic_type(node.op, known[0].type, known[1].type)
        return UNKNOWN if kind is None else Known(type=kind)

    # -- functions

    def _call(self, node: ast.Call) -> Known:
        assert isinstance(node.func, ast.Name)
        spec = self.functions.get(node.func.id)
        if spec is not None and spec.name == "default" and node.args:
            self._lenient.update(_chain(node.args[0]))
        self._all(node.args)
        self._all(keyword.value for keyword in node.keywords)
        if spec is None:
            near = near_names(node.func.id, self.functions)
            message = f"there is no function `{node.func.id}`"
            name, helps = node.func.id, _FOREIGN_FUNCTIONS.get(node.func.id.casefold(), "")
            near = () if helps else near
            return self._mistake("unknown_function", node.func, message, name=name, near=near, help=helps)
        ordered = arranged(node, spec)
        if ordered is None:
            message = f"{spec.name}() is written {spec.signature}"
            return self._mistake("arguments", node, message, name=spec.name, fatal=True)
        return self._result(node, spec, ordered)

    def _result(self, node: ast.Call, spec: FunctionSpec, ordered: Sequence[ast.expr]) -> Known:
        before = len(self.mistakes)
        self._check_arguments(spec, ordered)
        given = [self.known.get(argument, _LEFT_OUT) for argument in ordered]
        if spec.refuses is not None and len(self.mistakes) == before:
            refusal = spec.refuses(given)
            if refusal is not None:
                self._mistake(refusal.kind, node, refusal.message, name=spec.name, help=refusal.help)
        return Known(type=spec.result) if spec.result_of is None else spec.result_of(given)

    def _check_arguments(self, spec: FunctionSpec, ordered: Sequence[ast.expr]) -> None:
        for index, argument in enumerate(ordered):
            parameter = spec.parameter(index)
            assert parameter is not None
            known = self.known.get(argument, _LEFT_OUT)
            if parameter.literal:
                self._check_literal(spec, parameter, argument)
            elif known.type == NULL:
                if not parameter.nullable:
                    self._mistake(
                        "arguments", argument, f"the {parameter.name} of {spec.name}() is never null"
                    )
            elif not parameter.accepts(known.type):
                takes = f"takes {parameter.described} as {parameter.name}"
                message = f"{spec.name}() {takes}, not {told(known.type)}"
                self._mistake("arguments", argument, message, name=spec.name)
            elif not parameter.nullable:
                self.need(argument, f"is no {parameter.name} of {spec.name}()")
                self._need_items(spec, parameter, argument)

    def _need_items(self, spec: FunctionSpec, parameter: Parameter, argument: ast.expr) -> None:
        kind = self._look(argument).type
        if not (parameter.items_present and isinstance(kind, Listing) and kind.nullable) or kind.item == ANY:
            return
        written = self.tree.written(argument)
        message = f"an item of `{written}` may be null, and {spec.name}() takes no null"
        helps = f"leave it out: [x for x in {written} if x is not None]"
        self._mistake("nullable", argument, message, name=spec.name, help=helps)

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


def _ways_out(written: str, place: Reference | None) -> str:
    """What to write where a part may be null."""
    if place is None:
        return f"write what stands there then: default({written}, ...)" if len(written) <= SHOWN_TEXT else ""
    return (
        f"ask first, `{written} is not None and ...`, or say what stands there then: default({written}, ...)"
    )


SHOWN_TEXT = 40


def _chain(node: ast.AST) -> Iterable[ast.AST]:
    """A part and all that it is read from."""
    yield node
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
        yield node


def _like_money(kind: Record) -> bool:
    return not kind.fields or {"amount", "currency"} <= kind.fields.keys()


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


def _part(item: Type) -> Known:
    return Known(type=item.item, nullable=item.nullable) if isinstance(item, Listing) else UNKNOWN
