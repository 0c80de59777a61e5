"""Text of a template to a checked tree whose expressions are those of formulas.

Jinja's own lexer and parser read the text; its nodes are then turned, one kind after the other,
into pieces of output and into the same expression nodes that formulas have. A kind that is not
turned does not exist in the language. Thereby templates and formulas share one meaning of every
operator, one type check and one code generator, and a place in a template is a character of it:
the parser is given tokens that carry their offset where it expects their line.
"""

import ast
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from jinja2 import Environment, nodes
from jinja2 import TemplateSyntaxError as JinjaSyntaxError
from jinja2.lexer import TokenStream

from engine.language.budget import MAX_CHARACTERS, MAX_COMPREHENSION_DEPTH, MAX_DEPTH, MAX_EXPONENT, MAX_NODES
from engine.language.formula_syntax import NO_KEYS, FormulaTree, Word, is_readable, with_calendar_key
from engine.language.template_tree import (
    LOOP_FACTS,
    Body,
    Choose,
    Piece,
    Repeat,
    Say,
    Show,
    TemplateSyntaxError,
    TemplateTree,
)
from engine.language.text import is_text


def parse_template(text: str, calendar_keys: Mapping[str, str] = NO_KEYS) -> TemplateTree:
    """Read a template and check that it is made of what the language has.

    ``calendar_keys`` is that of parse_formula.

    Raises:
        TemplateSyntaxError: with the place of the first thing that is wrong.

    """
    if len(text) > MAX_CHARACTERS:
        raise TemplateSyntaxError(
            f"the template has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
        )
    tokens = _tokens(str(text))
    ends = {start: end for start, end, _, _ in tokens}
    try:
        template = _environment(tokens).parse(str(text))
    except JinjaSyntaxError as error:
        raise _explained(str(text), error, ends) from error
    except RecursionError as error:
        raise TemplateSyntaxError(
            f"the template is nested deeper than {MAX_DEPTH} levels", 0, len(text)
        ) from error
    turn = _Turn(str(text), ends)
    body = turn.body(template.body, 1)
    parts = FormulaTree(
        text=text,
        root=ast.Constant(value=None),
        reads=(),
        calls=tuple(turn.calls),
    )
    for call in turn.made_calls:
        turn.reads.extend(with_calendar_key(parts, call, calendar_keys))
    return TemplateTree(body=body, parts=replace(parts, reads=tuple(turn.reads)))


_Token: TypeAlias = tuple[int, int, str, str]  # start, end, kind, text


class _Offsets(Environment):
    """An environment whose parser is given tokens that were placed already."""

    placed: Sequence[_Token] = ()

    def _tokenize(
        self,
        source: str,  # noqa: ARG002 - the signature is Jinja's
        name: str | None,
        filename: str | None = None,
        state: str | None = None,  # noqa: ARG002 - the signature is Jinja's
    ) -> TokenStream:
        stream = ((start, kind, text) for start, _, kind, text in self.placed)
        return TokenStream(self.lexer.wrap(stream, name, filename), name, filename)


def _environment(tokens: Sequence[_Token]) -> Environment:
    environment = _Offsets(keep_trailing_newline=True, autoescape=False)
    environment.placed = tokens
    return environment


_LEXER = _environment(()).lexer


def _tokens(text: str) -> list[_Token]:
    """The tokens of Jinja's lexer with their place; it tells none, but hands out the text in order."""
    found: list[_Token] = []
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    # Two characters that end a line are one to the lexer: what is behind them stands further on.
    doubles = [found.start() - before for before, found in enumerate(re.finditer("\r\n", text))]
    position = 0
    try:
        for _, kind, value in _LEXER.tokeniter(source, None):
            start = source.find(value, position)
            position = start + len(value)
            found.append((start, position, kind, value))
    except JinjaSyntaxError as error:
        place = re.search(r" at (\d+)$", error.message or "")
        start = int(place[1]) if place else position
        raise _lexical(text, start + bisect_left(doubles, start), error.message or "") from error
    if doubles:
        return [
            (start + bisect_left(doubles, start), end + bisect_left(doubles, end), kind, value)
            for start, end, kind, value in found
        ]
    return found


def _lexical(text: str, start: int, message: str) -> TemplateSyntaxError:
    if message.startswith("unexpected char"):
        char = text[start : start + 1]
        if char in ("'", '"'):
            return TemplateSyntaxError("a text is not closed", start, len(text), f"end it with {char}")
        return TemplateSyntaxError(f"`{char}` cannot be part of an expression", start, start + 1)
    if "comment" in message:
        return TemplateSyntaxError("a comment is not closed", start, len(text), "end it with #}")
    return TemplateSyntaxError(_sentence(message), start, start + 1)


def _explained(text: str, error: JinjaSyntaxError, ends: dict[int, int]) -> TemplateSyntaxError:
    message, start = error.message or "", error.lineno
    if "nexpected end of template" in message:
        inner = re.search(r"The innermost block that needs to be closed is '(\w+)'", message)
        help_ = f"end it with {{% end{inner[1]} %}}" if inner else "end it with }} or %}"
        what = f"`{{% {inner[1]} %}}` is not closed" if inner else "an expression is not closed"
        return TemplateSyntaxError(what, min(start, len(text)), len(text), help_)
    tag = re.search(r"unknown tag '(\w+)'", message)
    if tag:
        message = f"there is no `{{% {tag[1]} %}}`" + (
            " open here" if tag[1].startswith(("end", "el")) else ""
        )
    end = ends.get(start, start + 1)
    if message.startswith("expected token "):
        wanted = _sentence(message.removeprefix("expected token ").partition(", got ")[0])
        message = f"expected {wanted}, found `{text[start:end]}`"
    return TemplateSyntaxError(_sentence(message), start, end)


_JINJA_WORDS = {
    "end of print statement": "`}}`",
    "end of statement block": "`%}`",
    "begin of statement block": "`{%`",
    "begin of print statement": "`{{`",
}


def _sentence(message: str) -> str:
    """Jinja's message without what only those who know its parser understand."""
    message = message.removesuffix(".")
    for word, sign in _JINJA_WORDS.items():
        message = message.replace(f"'{word}'", sign)
    return message[:1].lower() + message[1:]


_STATEMENTS = {
    "Macro": "macros",
    "CallBlock": "macros",
    "Include": "includes",
    "Import": "imports",
    "FromImport": "imports",
    "Extends": "templates that extend others",
    "Block": "blocks",
    "Assign": "names given with `set`",
    "AssignBlock": "names given with `set`",
    "With": "names given with `with`",
    "FilterBlock": "filter blocks",
    "Scope": "switches of escaping",
}
_BINARY: dict[type[nodes.Node], type[ast.operator]] = {
    nodes.Add: ast.Add,
    nodes.Sub: ast.Sub,
    nodes.Mul: ast.Mult,
    nodes.Div: ast.Div,
    nodes.FloorDiv: ast.FloorDiv,
    nodes.Mod: ast.Mod,
    nodes.Pow: ast.Pow,
}
_COMPARE: dict[str, type[ast.cmpop]] = {
    "eq": ast.Eq,
    "ne": ast.NotEq,
    "lt": ast.Lt,
    "lteq": ast.LtE,
    "gt": ast.Gt,
    "gteq": ast.GtE,
    "in": ast.In,
    "notin": ast.NotIn,
}
_UNARY: dict[type[nodes.Node], type[ast.unaryop]] = {
    nodes.Neg: ast.USub,
    nodes.Pos: ast.UAdd,
    nodes.Not: ast.Not,
}
# Tests of Jinja and the functions that they are.
_TESTS = {"number": "is_number", "string": "is_text", "mapping": "is_record", "sequence": "is_list"}
_COMPARING_TESTS: dict[str, type[ast.cmpop]] = {
    "in": ast.In,
    "eq": ast.Eq,
    "equalto": ast.Eq,
    "==": ast.Eq,
    "ne": ast.NotEq,
    "lt": ast.Lt,
    "le": ast.LtE,
    "gt": ast.Gt,
    "ge": ast.GtE,
}


@dataclass(slots=True)
class _Loop:
    number: str
    names: tuple[str, ...]
    facts: set[str] = field(default_factory=set)


class _Turn:
    """Turns the nodes of one template."""

    def __init__(self, text: str, ends: dict[int, int]) -> None:
        self.text = text
        self.ends = ends
        self.reads: list[Word] = []
        self.calls: list[Word] = []
        self.made_calls: list[ast.Call] = []
        self._loops: list[_Loop] = []
        self._count = 0
        self._made = 0

    def refuse(self, node: nodes.Node, message: str, help_: str = "") -> TemplateSyntaxError:
        """The error for a node that is not allowed."""
        # A node that the parser made up has no place, but what is in it has.
        places: list[int | None] = [one.lineno for one in (node, *node.iter_child_nodes())]
        start = min(next((place for place in places if place is not None), 0), len(self.text))
        return TemplateSyntaxError(message, start, self.ends.get(start, start + 1), help_)

    # -- statements

    def body(self, statements: Sequence[nodes.Node], depth: int) -> Body:
        """The pieces of a list of statements."""
        return tuple(piece for statement in statements for piece in self._pieces(statement, depth))

    def _pieces(self, node: nodes.Node, depth: int) -> Iterator[Piece]:
        self._bound(node, depth)
        match node:
            case nodes.Output(nodes=parts):
                for part in parts:
                    yield (
                        Say(text=part.data)
                        if isinstance(part, nodes.TemplateData)
                        else Show(value=self.value(part, 1))
                    )
            case nodes.If():
                yield self._choose(node, depth)
            case nodes.For():
                yield self._repeat(node, depth)
            case _:
                what = _STATEMENTS.get(type(node).__name__, "statements of this kind")
                raise self.refuse(node, f"a template has no {what}", "use {{ }}, {% if %} and {% for %}")

    def _choose(self, node: nodes.If, depth: int) -> Choose:
        tests = [(node.test, node.body), *((inner.test, inner.body) for inner in node.elif_)]
        return Choose(
            branches=tuple((self.value(test, 1), self.body(body, depth + 1)) for test, body in tests),
            otherwise=self.body(node.else_, depth + 1),
        )

    def _repeat(self, node: nodes.For, depth: int) -> Repeat:
        if node.recursive:
            raise self.refuse(node, "a loop cannot call itself")
        if len(self._loops) >= MAX_COMPREHENSION_DEPTH:
            raise self.refuse(node, "there are too many `for` inside one another")
        items = self.value(node.iter, 1)
        target, names = self._target(node.target)
        self._made += 1
        loop = _Loop(f"loop{self._made}", names)
        self._loops.append(loop)
        only = self.value(node.test, 1) if node.test is not None else None
        body = self.body(node.body, depth + 1)
        self._loops.pop()
        return Repeat(
            number=loop.number,
            target=target,
            names=names,
            items=items,
            only=only,
            body=body,
            otherwise=self.body(node.else_, depth + 1),
            facts=tuple(sorted(loop.facts)),
        )

    def _target(self, node: nodes.Node) -> tuple[ast.expr, tuple[str, ...]]:
        inner = node.items if isinstance(node, nodes.Tuple) else [node]
        names = tuple(one.name for one in inner if isinstance(one, nodes.Name))
        if len(names) != len(inner) or len(set(names)) != len(names):
            raise self.refuse(node, "after `for` stands a name, or several with commas")
        for name in names:
            self._refuse_private(node, name)
            if any(name in loop.names for loop in self._loops) or name == "loop":
                raise self.refuse(node, f"`{name}` already names something here", "choose another name")
        start, end = self._span(inner[0].lineno, inner[-1].lineno)
        made: ast.expr = ast.Name(id=names[0]) if isinstance(node, nodes.Name) else ast.Tuple(elts=[])
        return self._placed(made, start, end), names

    # -- expressions

    def value(self, node: nodes.Node, depth: int) -> ast.expr:
        """The expression node of a formula that means the same."""
        self._bound(node, depth)
        turned = self._plain(node, depth + 1)
        if turned is None:
            turned = self._using(node, depth + 1)
        if turned is None:
            raise self.refuse(node, "this is not part of the language of templates")
        return turned

    def _bound(self, node: nodes.Node, depth: int) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise self.refuse(node, f"the template has more than {MAX_NODES} parts")
        if depth > MAX_DEPTH:
            raise self.refuse(node, f"the template is nested deeper than {MAX_DEPTH} levels")

    def _placed(self, made: ast.expr, start: int, end: int) -> ast.expr:
        made.lineno, made.col_offset = 1, start
        made.end_lineno, made.end_col_offset = 1, max(end, start)
        return made

    def _span(self, first: int, last: int) -> tuple[int, int]:
        return first, self.ends.get(last, last)

    def _over(self, made: ast.expr, *parts: ast.expr) -> ast.expr:
        """Place a node over the range of its parts."""
        starts = [part.col_offset for part in parts]
        ends = [part.end_col_offset or 0 for part in parts]
        return self._placed(made, min(starts), max(ends))

    def _all(self, parts: Sequence[nodes.Node], depth: int) -> list[ast.expr]:
        return [self.value(part, depth) for part in parts]

    def _plain(self, node: nodes.Node, depth: int) -> ast.expr | None:
        """Literals, operators and reaching into data."""
        match node:
            case nodes.Name(name=name):
                return self._name(node, name)
            case nodes.Const(value=value):
                return self._constant(node, value)
            case nodes.Getattr(node=base, attr=name):
                return self._field(node, base, name, depth)
            case nodes.Getitem(node=base, arg=key):
                return self._item(base, key, depth)
            case nodes.Compare(expr=left, ops=ops):
                values = self._all([left, *(one.expr for one in ops)], depth)
                kinds = [_COMPARE[one.op]() for one in ops]
                return self._over(ast.Compare(left=values[0], ops=kinds, comparators=values[1:]), *values)
            case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
                values = self._all((left, right), depth)
                kind = ast.And() if isinstance(node, nodes.And) else ast.Or()
                return self._over(ast.BoolOp(op=kind, values=values), *values)
            case nodes.CondExpr():
                return self._condition(node, depth)
            case nodes.List(items=items) | nodes.Tuple(items=items):
                return self._placed(
                    ast.List(elts=self._all(items, depth)), *self._span(node.lineno, node.lineno)
                )
            case _:
                return self._operator(node, depth)

    def _operator(self, node: nodes.Node, depth: int) -> ast.expr | None:
        if isinstance(node, nodes.BinExpr) and type(node) in _BINARY:
            left, right = self._all((node.left, node.right), depth)
            return self._over(ast.BinOp(left=left, op=_BINARY[type(node)](), right=right), left, right)
        if isinstance(node, nodes.UnaryExpr) and type(node) in _UNARY:
            operand = self.value(node.node, depth)
            made = ast.UnaryOp(op=_UNARY[type(node)](), operand=operand)
            return self._placed(made, min(node.lineno, operand.col_offset), operand.end_col_offset or 0)
        if isinstance(node, nodes.Concat):
            values = self._all(node.nodes, depth)
            parts = [self._over(ast.FormattedValue(value=one, conversion=-1), one) for one in values]
            return self._over(ast.JoinedStr(values=parts), *values)
        return None

    def _using(self, node: nodes.Node, depth: int) -> ast.expr | None:
        """What uses functions: calls, filters and tests; and records."""
        match node:
            case nodes.Call():
                return self._call(node, depth)
            case nodes.Filter():
                return self._filter(node, depth)
            case nodes.Test():
                return self._test(node, depth)
            case nodes.Dict(items=pairs):
                keys = self._all([pair.key for pair in pairs], depth)
                values = self._all([pair.value for pair in pairs], depth)
                return self._placed(
                    ast.Dict(keys=[*keys], values=values), *self._span(node.lineno, node.lineno)
                )
            case _:
                return None

    def _refuse_private(self, node: nodes.Node, name: str) -> None:
        if name.startswith("_"):
            raise self.refuse(node, f"`{name}` begins with an underscore; such names are not data")

    def _name(self, node: nodes.Node, name: str) -> ast.expr:
        self._refuse_private(node, name)
        if name == "loop" and self._loops:
            raise self.refuse(
                node, "`loop` has parts only", "write loop.index, loop.first, loop.last or loop.length"
            )
        start, end = self._span(node.lineno, node.lineno)
        if not any(name in loop.names for loop in self._loops):
            self.reads.append(Word(name=name, start=start, end=end))
        return self._placed(ast.Name(id=name), start, end)

    def _constant(self, node: nodes.Node, value: object) -> ast.expr:
        if not (value is None or isinstance(value, bool | int | float | str)):
            raise self.refuse(node, "this is not a value of the language")
        if isinstance(value, float) and not is_readable(
            self.text[slice(*self._span(node.lineno, node.lineno))]
        ):
            raise self.refuse(node, f"a number has an exponent beyond {MAX_EXPONENT}")
        if isinstance(value, str) and not is_text(value):
            raise self.refuse(node, "a text has half of a character, which cannot be written anywhere")
        return self._placed(ast.Constant(value=value), *self._span(node.lineno, node.lineno))

    def _field(self, node: nodes.Getattr, base: nodes.Node, name: str, depth: int) -> ast.expr:
        self._refuse_private(node, name)
        if isinstance(base, nodes.Name) and base.name == "loop" and self._loops:
            if name not in LOOP_FACTS:
                raise self.refuse(node, f"`loop` has no `{name}`", f"it has {', '.join(LOOP_FACTS)}")
            self._loops[-1].facts.add(name)
            made = ast.Name(id=f"{self._loops[-1].number}.{name}")
            return self._placed(made, base.lineno, self._after_dot(node, name))
        inner = self.value(base, depth)
        return self._placed(
            ast.Attribute(value=inner, attr=name), inner.col_offset, self._after_dot(node, name)
        )

    def _after_dot(self, node: nodes.Getattr, name: str) -> int:
        found = self.text.find(name, node.lineno)
        return found + len(name) if found >= 0 else node.lineno

    def _item(self, base: nodes.Node, key: nodes.Node, depth: int) -> ast.expr:
        inner = self.value(base, depth)
        made: ast.expr
        if isinstance(key, nodes.Slice):
            bounds = [self.value(part, depth) if part else None for part in (key.start, key.stop, key.step)]
            made = ast.Slice(lower=bounds[0], upper=bounds[1], step=bounds[2])
            end = max([inner.end_col_offset or 0, *((one.end_col_offset or 0) for one in bounds if one)])
            self._placed(made, inner.col_offset, end)
        else:
            made = self.value(key, depth)
        closing = self.text.find("]", made.end_col_offset or 0) + 1
        subscript = ast.Subscript(value=inner, slice=made)
        return self._placed(subscript, inner.col_offset, closing or made.end_col_offset or 0)

    def _condition(self, node: nodes.CondExpr, depth: int) -> ast.expr:
        if node.expr2 is None:
            raise self.refuse(node, "an `if` inside an expression needs an `else`", "write `... else ''`")
        test, body, orelse = self._all((node.test, node.expr1, node.expr2), depth)
        return self._over(ast.IfExp(test=test, body=body, orelse=orelse), test, body, orelse)

    # -- functions

    def _call(self, node: nodes.Call, depth: int) -> ast.expr:
        if isinstance(node.node, nodes.Getattr):
            raise self.refuse(
                node.node, "data has no methods", f"write {node.node.attr}(...) if there is such a function"
            )
        if not isinstance(node.node, nodes.Name) or node.dyn_args is not None or node.dyn_kwargs is not None:
            raise self.refuse(node, "only a function with a name can be called")
        name = node.node.name
        self._refuse_private(node.node, name)
        start, end = self._span(node.node.lineno, node.node.lineno)
        return self._function(name, start, end, [], node, depth)

    def _function(
        self,
        name: str,
        start: int,
        end: int,
        first: list[ast.expr],
        node: nodes.Call | nodes.Filter,
        depth: int,
    ) -> ast.expr:
        """A call of a function, or a filter, whose first argument is what stands before it."""
        self.calls.append(Word(name=name, start=start, end=end))
        arguments = [*first, *self._all(node.args, depth)]
        keywords = [ast.keyword(arg=str(one.key), value=self.value(one.value, depth)) for one in node.kwargs]
        function = self._placed(ast.Name(id=name), start, end)
        inner = [function, *arguments, *(one.value for one in keywords)]
        call = ast.Call(func=function, args=arguments, keywords=keywords)
        self.made_calls.append(call)
        return self._over(call, *inner)

    def _filter(self, node: nodes.Filter, depth: int) -> ast.expr:
        if node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            raise self.refuse(node, "a filter stands behind a value")
        name = {"d": "default"}.get(node.name, node.name)
        self._refuse_private(node, name)
        value = self.value(node.node, depth)
        start, end = self._span(node.lineno, node.lineno)
        if name == "default" and (len(node.args) == 2 or node.kwargs):
            return self._default_if_false(node, value, start, end, depth)
        return self._function(name, start, end, [value], node, depth)

    def _default_if_false(
        self, node: nodes.Filter, value: ast.expr, start: int, end: int, depth: int
    ) -> ast.expr:
        """`default(x, true)` also takes the place of an empty text: it is `default(value, None) or x`."""
        flag = node.args[1] if len(node.args) == 2 else node.kwargs[0].value
        if len(node.args) + len(node.kwargs) != 2 or not (
            isinstance(flag, nodes.Const) and flag.value is True
        ):
            raise self.refuse(node, "default is written default(value) or default(value, true)")
        self.calls.append(Word(name="default", start=start, end=end))
        other = self.value(node.args[0], depth)
        nothing = self._placed(ast.Constant(value=None), end, end)
        function = self._placed(ast.Name(id="default"), start, end)
        found = self._over(ast.Call(func=function, args=[value, nothing], keywords=[]), value, function)
        return self._over(ast.BoolOp(op=ast.Or(), values=[found, other]), found, other)

    def _test(self, node: nodes.Test, depth: int) -> ast.expr:
        value_of: Callable[[], ast.expr] = lambda: self.value(node.node, depth)  # noqa: E731 - evaluated by one branch
        name, arguments = node.name, node.args or []
        start, end = self._span(node.lineno, node.lineno)
        if name in ("defined", "undefined") and not arguments:
            return self._defined(node, name == "defined", depth)
        if name == "none" and not arguments:
            value = value_of()
            nothing = self._placed(ast.Constant(value=None), start, end)
            return self._over(ast.Compare(left=value, ops=[ast.Is()], comparators=[nothing]), value, nothing)
        if name in _COMPARING_TESTS and len(arguments) == 1:
            value, other = value_of(), self.value(arguments[0], depth)
            return self._over(
                ast.Compare(left=value, ops=[_COMPARING_TESTS[name]()], comparators=[other]), value, other
            )
        if name in _TESTS and not arguments:
            function = self._placed(ast.Name(id=_TESTS[name]), start, end)
            self.calls.append(Word(name=_TESTS[name], start=start, end=end))
            value = value_of()
            return self._over(ast.Call(func=function, args=[value], keywords=[]), value, function)
        raise self.refuse(node, f"there is no test `{name}`", "there are defined, none, number, string, in")

    def _defined(self, node: nodes.Test, wanted: bool, depth: int) -> ast.expr:  # noqa: FBT001 - which of the two tests
        """Whether a field is there: `has(default(record, {}), 'field')`; a name of the scope always is."""
        start, end = self._span(node.lineno, node.lineno)
        match node.node:
            case (
                nodes.Getattr(node=base, attr=key) | nodes.Getitem(node=base, arg=nodes.Const(value=str(key)))
            ):
                self._refuse_private(node.node, key)
                record = self._over(
                    ast.Call(
                        func=self._placed(ast.Name(id="default"), start, end),
                        args=[
                            inner := self.value(base, depth),
                            self._placed(ast.Dict(keys=[], values=[]), end, end),
                        ],
                        keywords=[],
                    ),
                    inner,
                )
                name = self._placed(ast.Constant(value=key), start, end)
                function = self._placed(ast.Name(id="has"), start, end)
                self.calls.extend(Word(name=one, start=start, end=end) for one in ("default", "has"))
                found = self._over(
                    ast.Call(func=function, args=[record, name], keywords=[]), record, function
                )
            case nodes.Name():
                self.value(node.node, depth)
                found = self._placed(ast.Constant(value=True), start, end)
            case _:
                raise self.refuse(node, "`defined` asks for a field: x.y is defined")
        return found if wanted else self._over(ast.UnaryOp(op=ast.Not(), operand=found), found)
