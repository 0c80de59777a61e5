"""Text of a formula to a checked syntax tree: what the language has is listed here, all else is refused.

The grammar is Python's, read by :mod:`ast` in eval mode; a node kind that is not in the tables
below does not exist in the language. What lives here: parsing, the allow-list, sizes, and where a
node stands in the author's text. What does not: names that exist (check.py) and what nodes do
(formula_code.py).
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from keyword import iskeyword
from types import MappingProxyType
from typing import ClassVar

from engine.language.budget import (
    MAX_BITS,
    MAX_CHARACTERS,
    MAX_COMPREHENSION_DEPTH,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_EXPONENT,
    MAX_GENERATORS,
    MAX_NODES,
)
from engine.language.text import is_text
from engine.source import Text

NO_KEYS: Mapping[str, str] = MappingProxyType({})


class FormulaSyntaxError(Exception):
    """A text is not a formula. Offsets are characters of the text, `end` exclusive."""

    def __init__(self, message: str, offset: int = 0, end: int = 0, help_: str = "") -> None:
        """Say what is wrong, where, and what to write instead."""
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.end = max(end, offset)
        self.help = help_


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A name in the text of an expression."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FormulaTree:
    """A formula that was read and is made of allowed parts only."""

    text: str  # as written: a Text when it knows where
    root: ast.expr
    reads: tuple[Word, ...]  # names of the scope, each time one is read
    calls: tuple[Word, ...]  # functions, each time one is called
    _characters: tuple[int, ...] = field(repr=False, default=())  # byte offset to character offset
    _lead: int = 0  # blanks before the first character that was parsed

    @property
    def place(self) -> str:
        """Where it was written, as "file:line:column"; empty when the text does not know."""
        return place_of(self.text)

    @property
    def names(self) -> frozenset[str]:
        """The names of the scope that the formula reads."""
        return frozenset(word.name for word in self.reads)

    def span(self, node: ast.AST) -> tuple[int, int]:
        """The characters of the text that a node was read from."""
        start = self._character(getattr(node, "col_offset", 0))
        end = self._character(getattr(node, "end_col_offset", None) or 0)
        return start, max(start, end)

    def written(self, node: ast.AST) -> str:
        """The text that a node was read from, on one line."""
        start, end = self.span(node)
        return " ".join(self.text[start:end].split())

    def _character(self, offset: int) -> int:
        if self._characters:
            offset = self._characters[min(offset, len(self._characters) - 1)]
        return min(offset + self._lead, len(self.text))


def parse_formula(text: str, calendar_keys: Mapping[str, str] = NO_KEYS) -> FormulaTree:
    """Read a formula and check that it is made of what the language has.

    ``calendar_keys`` says, for calendars that depend on something (a legal entity), by which
    formula their key is found where a call leaves it out.

    Raises:
        FormulaSyntaxError: with the place of the first thing that is wrong.

    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaSyntaxError(
            f"the expression has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
        )
    # A folded YAML scalar may hold line ends; blanks of the same number keep every offset true.
    line = text.replace("\r", " ").replace("\n", " ")
    lead = len(line) - len(line.lstrip())
    if lead == len(line):
        raise FormulaSyntaxError("the expression is empty")
    _refuse_comments_and_long_texts(text, line)
    root = _parse(line[lead:], lead)
    tree = FormulaTree(
        text=text,
        root=root,
        reads=(),
        calls=(),
        _characters=_byte_map(line[lead:]),
        _lead=lead,
    )
    check = _Allowed(tree)
    check.visit(root, 1)
    for call in check.made_calls if calendar_keys else ():
        check.reads.extend(with_calendar_key(tree, call, calendar_keys))
    return replace(tree, reads=tuple(check.reads), calls=tuple(check.calls))


def is_readable(number: str) -> bool:
    """Whether a number with a fraction is within the bounds of numbers, as it is written."""
    try:
        return abs(Decimal(number.replace("_", "")).adjusted()) <= MAX_EXPONENT
    except InvalidOperation:  # an exponent of more digits than are counted
        return False


_CALENDAR_ARGUMENTS = {
    "cycle": 2,
    "cutoff": 2,
    "next_cycle": 2,
    "is_business_day": 2,
    "add_business_days": 3,
    "business_hours_between": 3,
}
"""Functions on calendars, and how many arguments stand before the key."""


def with_calendar_key(tree: FormulaTree, call: ast.Call, keys: Mapping[str, str]) -> Sequence[Word]:
    """Give a call the key of its calendar, unless it has one; the names that the key reads come back."""
    if not isinstance(call.func, ast.Name) or not call.args or not isinstance(call.args[0], ast.Constant):
        return ()
    before = _CALENDAR_ARGUMENTS.get(call.func.id)
    key = keys.get(str(call.args[0].value))
    if (
        before is None
        or key is None
        or len(call.args) > before
        or any(one.arg == "key" for one in call.keywords)
    ):
        return ()
    inner = parse_formula(key)
    for node in ast.walk(inner.root):
        if isinstance(node, ast.expr):
            ast.copy_location(node, call.args[0])  # a mistake in the key is shown where the calendar is named
    call.keywords.append(ast.keyword(arg="key", value=inner.root))
    start, end = tree.span(call.args[0])
    return [Word(name=word.name, start=start, end=end) for word in inner.reads]


def place_of(text: str) -> str:
    """Where a text was written, as file:line:column; empty when it does not know."""
    if not isinstance(text, Text):
        return ""
    start = text.at(0)
    return f"{start.source.name}:{start.line}:{start.column}"


def _byte_map(line: str) -> tuple[int, ...]:
    """For each byte of the UTF-8 form, the character that it belongs to; empty when they are the same."""
    if line.isascii():
        return ()
    offsets = [index for index, char in enumerate(line) for _ in char.encode()]
    return (*offsets, len(line))


def _refuse_comments_and_long_texts(text: str, line: str) -> None:
    """Refuse what the blanks in place of line ends would change."""
    if "#" in line:
        for token in _tokens(line):
            if token.type == tokenize.COMMENT:
                start = token.start[1]
                raise FormulaSyntaxError(
                    "a comment cannot be part of an expression",
                    start,
                    len(text),
                    "put it behind the YAML value",
                )
    if "\n" in text.strip() and ('"""' in line or "'''" in line):
        raise FormulaSyntaxError("a text cannot go over several lines", 0, len(text), "write \\n in one line")


def _tokens(line: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(line).readline)
    except (tokenize.TokenError, SyntaxError):
        return  # the parser says better what is wrong


def _parse(line: str, lead: int) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # `'\d'` is a mistake, not a warning
            return ast.parse(line, mode="eval").body
    except SyntaxError as error:
        raise _explained(line, lead, error) from error
    except (RecursionError, MemoryError) as error:
        raise FormulaSyntaxError(
            f"the expression is nested deeper than {MAX_DEPTH} levels", lead, lead + len(line)
        ) from error
    except ValueError as error:  # a NUL, or half of a surrogate pair
        raise FormulaSyntaxError(
            "the expression holds a character that cannot be part of it", lead, lead + len(line)
        ) from error


_PRINTED = (
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{DOUBLE LOW-9 QUOTATION MARK}"
    "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
)
"""Quotes as word processors make them."""

# What people write who know another language: how the text goes on at the place where the parser stopped.
_FOREIGN: Sequence[tuple[str, str, str]] = (
    ("&&", "`&&` is not an operator here", "write `and`"),
    ("||", "`||` is not an operator here", "write `or`"),
    ("!", "`!` is not an operator here", "write `not`"),
    ("?", "`?` is not an operator here", "write `value if condition else other`"),
    ("=", "`=` is not a comparison", "write `==`"),
    ("$", "`$` cannot be part of an expression", "write the name alone"),
    ("{", "`{` is not expected here", "names stand without braces in an expression"),
    ("<>", "`<>` is not an operator here", "write `!=`"),
    *((mark, f"`{mark}` is a mark of print, and no quote here", "write ' or \"") for mark in _PRINTED),
)
_FOREIGN_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "AND": ("`{word}` is not an operator here", "write `and`"),
        "OR": ("`{word}` is not an operator here", "write `or`"),
        "NOT": ("`{word}` is not an operator here", "write `not`"),
        "IN": ("`{word}` is not an operator here", "write `in`"),
        "IS": ("`{word}` is not an operator here", "write `is None` or `is not None`"),
        "LIKE": (
            "`{word}` is not an operator here",
            "write starts_with(...), ends_with(...) or contains(...)",
        ),
        "BETWEEN": ("`{word}` is not an operator here", "write `low <= value <= high`"),
        "THEN": ("`{word}` is not expected here", "write `value if condition else other`"),
    }
)
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s+$")
_CURRENCY = re.compile(r"[A-Z]{3}\b")


def _explained(line: str, lead: int, error: SyntaxError) -> FormulaSyntaxError:
    start = max((error.offset or 0) - 1, 0) if error.offset else len(line.rstrip())
    if line[max(start - 1, 0) : start + 1] in ("&&", "||"):
        start -= 1  # the parser takes the first for an operator of its own
    rest = line[start:]
    if "integer string conversion" in str(error.msg):
        return FormulaSyntaxError(f"a number has more than {MAX_DIGITS:,} digits", lead, lead + len(line))
    if "nested" in str(error.msg):
        return FormulaSyntaxError(
            f"the expression is nested deeper than {MAX_DEPTH} levels", lead, lead + len(line)
        )
    if "null bytes" in str(error.msg):
        return FormulaSyntaxError(
            "the expression holds a character that cannot be part of it", lead, lead + len(line)
        )
    for sign, message, help_ in _FOREIGN:
        if rest.startswith(sign) and not rest.startswith("=="):
            return FormulaSyntaxError(message, lead + start, lead + start + len(sign), help_)
    foreign = _foreign_word(line, lead, start)
    if foreign is not None:
        return foreign
    if start >= len(line.rstrip()):
        return FormulaSyntaxError(
            "the expression ends too early", lead + len(line.rstrip()), lead + len(line)
        )
    if line[:start].rstrip().endswith(".") and rest[:1].isalpha():
        word = _word(rest)
        return FormulaSyntaxError(
            f"`{word}` is a word of the language and cannot follow a dot",
            lead + start,
            lead + start + len(word),
            f"write ['{word}']",
        )
    end = (error.end_offset or 0) - 1
    return FormulaSyntaxError(
        _plain(str(error.msg)), lead + start, lead + (end if end > start else start + 1)
    )


def _foreign_word(line: str, lead: int, start: int) -> FormulaSyntaxError | None:
    """A word of another language, or a currency behind a number."""
    word, number = _word(line[start:]), _AMOUNT.search(line[:start])
    place = lead + start, lead + start + len(word)
    if number is not None and _CURRENCY.fullmatch(word):
        message = f"`{number[1]} {word}` is not how an amount is written in an expression"
        return FormulaSyntaxError(
            message, lead + number.start(1), place[1], f"write money({number[1]}, '{word}')"
        )
    message, help_ = ("", "") if iskeyword(word) else _FOREIGN_WORDS.get(word.upper(), ("", ""))
    return FormulaSyntaxError(message.format(word=word), *place, help_) if message else None


def _word(text: str) -> str:
    length = next(
        (index for index, char in enumerate(text) if not (char.isalnum() or char == "_")), len(text)
    )
    return text[:length]


def _plain(message: str) -> str:
    """Python's own message without what only a Python programmer understands."""
    message = (
        message.split(" (detected at", maxsplit=1)[0]
        .removesuffix(". Perhaps you forgot a comma?")
        .replace("literal", "text")
    )
    if message.startswith("invalid syntax") or "Maybe you meant" in message:
        return "this is not how an expression is written"
    return message


_OPERATORS = (
    *(ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot),
)
_NODES = (
    *(ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Compare, ast.Call, ast.keyword),
    *(
        ast.Dict,
        ast.Set,
        ast.List,
        ast.Tuple,
        ast.Constant,
        ast.Name,
        ast.Attribute,
        ast.Subscript,
        ast.Slice,
    ),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension),
    *(ast.JoinedStr, ast.FormattedValue),
)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lambda: ("a function cannot be written inside an expression", ""),
    ast.NamedExpr: ("an expression cannot give a name to a value", "use `let:` where the document has it"),
    ast.Starred: ("a list cannot be unpacked with `*`", "join lists with `+`"),
    ast.Await: ("`await` is not part of the language", ""),
    ast.Yield: ("`yield` is not part of the language", ""),
    ast.YieldFrom: ("`yield` is not part of the language", ""),
    ast.BitAnd: ("`&` is not an operator here", "write `and`"),
    ast.BitOr: ("`|` is not an operator here", "write `or`"),
    ast.BitXor: ("`^` is not an operator here", "write `**` for a power"),
    ast.Invert: ("`~` is not an operator here", "write `not`"),
    ast.LShift: ("`<<` is not an operator here", ""),
    ast.RShift: ("`>>` is not an operator here", ""),
    ast.MatMult: ("`@` is not an operator here", ""),
}


_PLAIN = frozenset((*_NODES, *_OPERATORS))


class _Allowed:
    """Walks a tree, counts it, and collects the names that it reads and the functions that it calls."""

    def __init__(self, tree: FormulaTree) -> None:
        self.tree = tree
        self.reads: list[Word] = []
        self.calls: list[Word] = []
        self.made_calls: list[ast.Call] = []
        self._nodes = 0
        self._locals: list[frozenset[str]] = []

    def visit(self, node: ast.AST, depth: int) -> None:
        """Check a node and all below it."""
        if isinstance(node, ast.expr_context):
            return
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._refuse(self.tree.root, f"the expression has more than {MAX_NODES} parts")
        if depth > MAX_DEPTH:
            raise self._refuse(self.tree.root, f"the expression is nested deeper than {MAX_DEPTH} levels")
        special = self._special.get(type(node))
        if special is not None:
            special(self, node, depth)
        elif type(node) in _PLAIN:
            self._below(node, depth)
        else:
            raise self._not_allowed(node)

    def _below(self, node: ast.AST, depth: int) -> None:
        for child in ast.iter_child_nodes(node):
            if type(child) in _REFUSED and not hasattr(child, "col_offset"):
                raise self._refuse(node, *_REFUSED[type(child)])  # an operator has no place of its own
            self.visit(child, depth + 1)

    def _refuse(self, node: ast.AST, message: str, help_: str = "") -> FormulaSyntaxError:
        return FormulaSyntaxError(message, *self.tree.span(node), help_)

    def _not_allowed(self, node: ast.AST) -> FormulaSyntaxError:
        message, help_ = _REFUSED.get(type(node), ("this is not part of the language of expressions", ""))
        return self._refuse(node, message, help_)

    def _constant(self, node: ast.AST, _depth: int) -> None:
        assert isinstance(node, ast.Constant)
        if isinstance(node.value, float):
            if not is_readable(self.tree.written(node)):
                raise self._refuse(node, f"a number has an exponent beyond {MAX_EXPONENT}")
        elif isinstance(node.value, int) and node.value.bit_length() > MAX_BITS:  # written in base 16, or 2
            raise self._refuse(node, f"a number has more than {MAX_DIGITS:,} digits")
        elif isinstance(node.value, str):
            if not is_text(node.value):
                raise self._refuse(node, "a text has half of a character, which cannot be written anywhere")
        elif not (node.value is None or isinstance(node.value, bool | int)):
            raise self._refuse(node, "this is not a value of the language")

    def _name(self, node: ast.AST, _depth: int) -> None:
        assert isinstance(node, ast.Name)
        self._refuse_private(node, node.id)
        if not any(node.id in names for names in self._locals):
            start, end = self.tree.span(node)
            self.reads.append(Word(name=node.id, start=start, end=end))

    def _refuse_private(self, node: ast.AST, name: str) -> None:
        if name.startswith("_"):
            raise self._refuse(node, f"`{name}` begins with an underscore; such names are not data")

    def _attribute(self, node: ast.AST, depth: int) -> None:
        assert isinstance(node, ast.Attribute)
        self._refuse_private(node, node.attr)
        self._below(node, depth)

    def _call(self, node: ast.AST, depth: int) -> None:
        assert isinstance(node, ast.Call)
        if isinstance(node.func, ast.Attribute):
            inner = self.tree.written(node.func.value)
            raise self._refuse(
                node.func,
                "data has no methods",
                f"write {node.func.attr}({inner}) if there is such a function",
            )
        if not isinstance(node.func, ast.Name):
            raise self._refuse(node, "only a function with a name can be called")
        self._refuse_private(node.func, node.func.id)
        start, end = self.tree.span(node.func)
        self.calls.append(Word(name=node.func.id, start=start, end=end))
        self.made_calls.append(node)
        for argument in node.args:
            self.visit(argument, depth + 1)
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self._refuse(keyword, "arguments cannot be unpacked with `**`")
            self.visit(keyword.value, depth + 1)

    def _compare(self, node: ast.AST, depth: int) -> None:
        assert isinstance(node, ast.Compare)
        operands = [node.left, *node.comparators]
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.Is | ast.IsNot) and not _is_none(right):
                is_null = isinstance(right, ast.Name) and right.id.casefold() in ("null", "nothing")
                helps = "write `None`" if is_null else "compare values with `==`"
                raise self._refuse(right, "`is` asks only for None", helps)
        for operand in operands:
            self.visit(operand, depth + 1)

    def _dict(self, node: ast.AST, depth: int) -> None:
        assert isinstance(node, ast.Dict)
        if None in node.keys:
            raise self._refuse(node, "a record cannot be unpacked with `**`", "use merge(a, b)")
        self._below(node, depth)

    def _formatted(self, node: ast.AST, depth: int) -> None:
        assert isinstance(node, ast.FormattedValue)
        if node.format_spec is not None or node.conversion != -1:
            raise self._refuse(
                node, "a format cannot be given inside a text", "use round(), upper() or format_date()"
            )
        self.visit(node.value, depth + 1)

    def _comprehension(self, node: ast.AST, depth: int) -> None:
        assert isinstance(node, COMPREHENSIONS)
        if len(self._locals) >= MAX_COMPREHENSION_DEPTH or len(node.generators) > MAX_GENERATORS:
            raise self._refuse(node, "there are too many `for` inside one another")
        self._locals.append(frozenset())
        for generator in node.generators:
            self._generator(generator, depth + 1)
        results = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        for result in results:
            self.visit(result, depth + 1)
        self._locals.pop()

    def _generator(self, generator: ast.comprehension, depth: int) -> None:
        if generator.is_async:
            raise self._refuse(generator.target, "`async` is not part of the language")
        self.visit(generator.iter, depth)
        for name in target_names(self.tree, generator.target):
            self._refuse_private(generator.target, name)
            if any(name in names for names in self._locals):
                raise self._refuse(
                    generator.target,
                    f"`{name}` already names something in this expression",
                    "choose another name",
                )
            self._locals[-1] |= {name}
        for condition in generator.ifs:
            self.visit(condition, depth)

    _special: ClassVar[Mapping[type[ast.AST], Callable[["_Allowed", ast.AST, int], None]]] = MappingProxyType(
        {
            ast.Constant: _constant,
            ast.Name: _name,
            ast.Attribute: _attribute,
            ast.Call: _call,
            ast.Compare: _compare,
            ast.Dict: _dict,
            ast.FormattedValue: _formatted,
            **dict.fromkeys(COMPREHENSIONS, _comprehension),
        }
    )


def target_names(tree: FormulaTree, target: ast.expr) -> list[str]:
    """The names that `for a in` or `for a, b in` gives."""
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Tuple | ast.List) and all(isinstance(one, ast.Name) for one in target.elts):
        return [one.id for one in target.elts if isinstance(one, ast.Name)]
    raise FormulaSyntaxError("after `for` stands a name, or several with commas", *tree.span(target))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
