"""Paths: where a value is, in JMESPath. The only door to the jmespath library, whose parser reads the text.

The library decides what a path is and what it means (its version 1.1, to the letter). What is ours:
numbers in literals are exact, sizes are bounded, every field knows its place in the text, mistakes are
said in plain words, unknown functions and wrong numbers of arguments are found before anything runs, and
`&` stands only where a function applies it. Dates and instants are scalars (functions/path_functions.py).
Generated code is in path_emit.py.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from jmespath import exceptions, lexer, parser

from engine.language.compiled import Compiled, EvaluationError
from engine.language.generate import Emitter
from engine.language.path_check import check_calls, check_growth
from engine.language.path_emit import emit_path
from engine.language.path_reads import Chain, path_reads
from engine.language.path_tree import Node, PathSyntaxError, PathTree
from engine.source import Text
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value

__all__ = [
    "Chain",
    "PathSyntaxError",
    "PathTree",
    "compile_path",
    "emit_path",
    "located",
    "parse_path",
    "path_reads",
    "search",
]

MAX_CHARACTERS = 10_000
MAX_NODES = 1_000
MAX_DEPTH = 50

_Tree: TypeAlias = dict[str, Any]  # a node of the library: type, children, value; and start and end, by us
_Token: TypeAlias = dict[str, Any]  # type, value, start, end


def parse_path(text: str) -> PathTree:
    """Read a path.

    Raises:
        PathSyntaxError: for a text that is no path, and for one beyond the bounds.

    """
    if len(text) > MAX_CHARACTERS:
        raise PathSyntaxError(f"the path has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read")
    if not text.strip(" \t\r\n"):
        raise PathSyntaxError("the path is empty")
    half = _HALF.search(text)
    if half:
        raise PathSyntaxError("the path holds half of a surrogate pair", half.start())
    fields = _fields(text)
    if fields is not None:
        return PathTree(text=text, tree=fields)
    tree = _Builder().node(_library_tree(text), 1)
    check_calls(tree)
    check_growth(tree)
    return PathTree(text=text, tree=tree)


# Nearly every path of a workspace: names and dots.
_FIELDS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*){0,20}")


def _fields(text: str) -> Node | None:
    """The tree of a text that is nothing but fields, as the library gives it in ten times the time."""
    if not _FIELDS.fullmatch(text):
        return None
    parts: list[Node] = []
    start = 0
    for name in text.split("."):
        end = start + len(name)
        parts.append(Node(kind="field", value=name, start=start, end=end))
        start = end + 1
    return _chain(tuple(parts))


def compile_path(text: str, names: Sequence[str] | None = None) -> Compiled:
    """A path as a callable of a scope with these names, or of the one value under `@`.

    Raises:
        PathSyntaxError: for a text that is no path, and for one beyond the bounds.

    """
    tree = parse_path(text)
    emitter = Emitter(names or ())
    result = emitter.temp("result")
    with located(emitter, text):
        if names is None:
            emitter.line("value = scope['@']")
        atom = emit_path(emitter, tree, "value" if names is None else None)
        emitter.line(f"{result} = {atom}")
    call, source = emitter.build("path", result)
    used = {"@"} if names is None else emitter.used
    return Compiled(call=call, text=str(text), names=frozenset(used), source=source)


def search(text: str, value: Value) -> Value:
    """What a path finds in a value.

    Raises:
        PathSyntaxError: for a text that is no path, and for one beyond the bounds.
        EvaluationError: when the value does not fit the path.

    """
    return compile_path(text).call({"@": _plain(value)})


def _plain(value: Value) -> Value:
    """The value with every mapping as a dict and every sequence as a list, which is what paths look for."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


@contextmanager
def located(emitter: Emitter, text: str) -> Iterator[None]:
    """Statements whose error at run time says which path it was, and where it is written."""
    place = ""
    if isinstance(text, Text):
        span = text.at(0)
        place = f"{span.source.name}:{span.line}:{span.column}"
    with emitter.block("try:"):
        yield
    with emitter.block(f"except {emitter.constant(EvaluationError)} as fault:"):
        emitter.line(f"fault.text, fault.place = {str(text)!r}, {place!r}")
        emitter.line("raise")


# From text to the tree of the library.


# The methods of the library that read one part of a path each.
_READERS = tuple(name for name in dir(parser.Parser) if name.startswith(("_token_nud_", "_token_led_")))


class _Parser(parser.Parser):
    """The library's parser on tokens that are already there; every node learns where it begins and ends."""

    if TYPE_CHECKING:  # what the library's type stubs leave out
        _expression: Callable[[], _Tree]

    def __init__(self, tokens: list[_Token]) -> None:
        super().__init__()
        self._tokens = tokens
        self._index = 0
        self._closing = _closing(tokens)
        for name in _READERS:
            setattr(self, name, self._placing(getattr(self, name)))

    def tree(self) -> _Tree:
        """The tree of all tokens."""
        tree = self._expression()
        rest = self._tokens[self._index]
        if rest["type"] != "eof":
            raise exceptions.ParseError(rest["start"], rest["value"], rest["type"], "invalid token")
        return tree

    def _placing(self, method: Callable[[_Tree], _Tree]) -> Callable[[_Tree], _Tree]:
        """The same method of the library, which has just gone past the token that it stands for."""

        def placed(given: _Tree) -> _Tree:
            token = self._tokens[self._index - 1]
            end = self._closing.get(token["start"], token["end"])
            node = method(given)
            inner = node["children"][-1] if node["type"] == "index_expression" else node
            inner.setdefault(
                "start", given["start"] if node["type"] == "function_expression" else token["start"]
            )
            inner.setdefault("end", end)
            return node

        return placed


def _closing(tokens: list[_Token]) -> dict[int, int]:
    """Where the bracket that begins at an offset is closed: the offset after the closing one."""
    opened: list[int] = []
    ends: dict[int, int] = {}
    for token in tokens:
        if token["type"] in _CLOSED_BY:
            opened.append(token["start"])
        elif token["type"] in _CLOSERS and opened:
            ends[opened.pop()] = token["end"]
    return ends


_CLOSED_BY = {"lbracket": "rbracket", "filter": "rbracket", "lparen": "rparen", "lbrace": "rbrace"}
_CLOSERS = frozenset(_CLOSED_BY.values())
_SHOWN = {"rbracket": "]", "rparen": ")", "rbrace": "}", "colon": ":", "comma": ",", "dot": "."}

# A quoted name, a raw text or a literal, and a quote that nothing closes; a backslash hides what follows it.
_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|["'`]""", re.DOTALL)


def _library_tree(text: str) -> _Tree:
    tokens = _tokens(text)
    reader = _Parser(tokens)
    try:
        return reader.tree()
    except exceptions.ParseError as error:
        raise _unbalanced(tokens) or _misread(error, tokens, text) from error
    except RecursionError as error:
        raise _too_deep(0) from error


def _tokens(text: str) -> list[_Token]:
    """The library's tokens with their true ends, literals read by us."""
    try:
        # The library would read literals with floats: it is shown a raw text of the same length instead.
        tokens = [cast("_Token", token) for token in lexer.Lexer().tokenize(_QUOTED.sub(_masked, text))]
    except exceptions.LexerError as error:
        raise _unlexed(error, text) from error
    except ValueError as error:
        raise PathSyntaxError("a number in the path has too many digits") from error
    for token in tokens:
        _complete(token, text)
    return tokens


def _masked(match: re.Match[str]) -> str:
    quoted = match[0]
    if len(quoted) == 1:
        raise PathSyntaxError(f"the {quoted} that begins here is not closed", match.start())
    return f"'{'_' * (len(quoted) - 2)}'" if quoted[0] == "`" else quoted


def _complete(token: _Token, text: str) -> None:
    start = token["start"]
    quoted = _QUOTED.match(text, start)
    if quoted:
        token["end"] = quoted.end()
        if quoted[0][0] == "`":
            token["value"] = _literal(quoted[0], start)
    elif token["type"] != "eof":
        token["end"] = start + len(_WORD.match(text, start)[0])  # type: ignore[index]
    if token["type"] == "quoted_identifier" and _HALF.search(token["value"]):
        raise PathSyntaxError("the name holds half of a surrogate pair", start)


_WORD = re.compile(r"\w+|-\d+|\[\]|\[\?|&&|\|\||[=<>!]=|.", re.ASCII | re.DOTALL)
_HALF = re.compile("[\ud800-\udfff]")


def _literal(quoted: str, start: int) -> Value:
    """The JSON between backticks; words that are no JSON are text, as in the library."""
    content = quoted[1:-1].replace("\\`", "`")
    try:
        return read_json(content)
    except JsonError as error:
        words = content.lstrip()
        if not _LIKE_JSON.match(words):
            try:
                return read_json(f'"{words}"')
            except JsonError:
                pass
        raise PathSyntaxError(
            f"the literal is not JSON that can be used: {_one_line(error)}", start
        ) from error


# What is meant as JSON, and is not text because something is wrong with it.
_LIKE_JSON = re.compile(r'[\[{"]|-?(\d+(\.\d+)?([eE][-+]?\d+)?|Infinity)\s*$|NaN\s*$')


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


# What the library says, in plain words.


def _too_deep(offset: int) -> PathSyntaxError:
    return PathSyntaxError(f"the path is nested deeper than {MAX_DEPTH} levels", offset)


def _unlexed(error: exceptions.LexerError, text: str) -> PathSyntaxError:
    at = error.lexer_position
    if text[at] == "=":
        return PathSyntaxError("write == to compare", at)
    if text[at] == '"':
        return PathSyntaxError(f"the quoted name is not valid: {_one_line(error.message.lower())}", at)  # type: ignore[arg-type]
    return PathSyntaxError(f"did not expect {_visible(text[at])} here", at)


def _visible(text: str) -> str:
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    return f"`{shown}`" if shown.isprintable() else repr(shown)


def _unbalanced(tokens: list[_Token]) -> PathSyntaxError | None:
    """The first bracket that is closed by the wrong one or not at all."""
    opened: list[_Token] = []
    for token in tokens:
        if token["type"] in _CLOSED_BY:
            opened.append(token)
        elif token["type"] in _CLOSERS:
            if not opened:
                return PathSyntaxError(f"nothing is open that `{token['value']}` could close", token["start"])
            wanted = _SHOWN[_CLOSED_BY[opened.pop()["type"]]]
            if token["value"] != wanted:
                return PathSyntaxError(f"expected `{wanted}`, found `{token['value']}`", token["start"])
    if not opened:
        return None
    last = opened[-1]
    return PathSyntaxError(f"unclosed bracket `{last['value']}`", last["start"])


def _misread(error: exceptions.ParseError, tokens: list[_Token], text: str) -> PathSyntaxError:
    at = error.lex_position
    if isinstance(error, exceptions.IncompleteExpressionError) or at >= len(text):
        return PathSyntaxError("the path ends where a name or a value was expected", len(text))
    if error.msg.startswith("Quoted identifier"):
        name = next(token for token in tokens if _is_quoted_call(token, text))
        return PathSyntaxError("the name of a function is written without quotes", name["start"])
    found = _visible(next(text[token["start"] : token["end"]] for token in tokens if token["start"] == at))
    if error.msg.startswith("Invalid function name"):
        return PathSyntaxError(f"{found} is not the name of a function", at)
    if error.msg.startswith("Expecting: star"):
        return PathSyntaxError(f"expected a number, `*` or a slice in the bracket, found {found}", at)
    if error.msg.startswith("Expecting:"):
        return PathSyntaxError(f"expected {_expected(error.msg)}, found {found}", at)
    return PathSyntaxError(f"did not expect {found} here", at)


def _is_quoted_call(token: _Token, text: str) -> bool:
    return token["type"] == "quoted_identifier" and text[token["end"] :].lstrip().startswith("(")


def _expected(message: str) -> str:
    """What the library would have accepted, from `Expecting: rbracket, got: number`."""
    kinds = re.findall(r"[a-z_]+", message.partition(":")[2].partition(", got")[0])
    return "a name" if "unquoted_identifier" in kinds else f"`{_SHOWN.get(kinds[0], kinds[0])}`"


# From the tree of the library to ours.

_KINDS = {
    "identity": "identity",
    "current": "identity",
    "field": "field",
    "index": "index",
    "slice": "slice",
    "literal": "literal",
    "subexpression": "chain",
    "index_expression": "chain",
    "pipe": "chain",
    "projection": "projection",
    "value_projection": "values",
    "filter_projection": "filter",
    "flatten": "flatten",
    "or_expression": "or",
    "and_expression": "and",
    "not_expression": "not",
    "comparator": "compare",
    "multi_select_list": "list",
    "multi_select_dict": "record",
    "function_expression": "call",
    "expref": "expression",
}


class _Builder:
    """Makes frozen nodes, and counts them."""

    def __init__(self) -> None:
        self.nodes = 0

    def node(self, tree: _Tree, depth: int, start: int = 0, end: int = 0) -> Node:
        """The node for a tree of the library; one without a place has that of the tree around it."""
        start, end = tree.get("start", start), tree.get("end", end)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise PathSyntaxError(f"the path has more than {MAX_NODES:,} parts", start)
        if depth > MAX_DEPTH:
            raise _too_deep(start)
        kind = _KINDS[tree["type"]]
        parts = tuple(self.node(child, depth + 1, start, end) for child in _children(tree, kind))
        if kind == "chain":
            return _chain(parts)
        names = tuple(pair["value"] for pair in tree["children"]) if kind == "record" else ()
        return Node(kind=kind, value=_value(tree, start), parts=parts, names=names, start=start, end=end)


def _children(tree: _Tree, kind: str) -> list[_Tree]:
    if kind == "slice":
        return []
    if kind == "record":
        return [pair["children"][0] for pair in tree["children"]]
    return _run(tree, kind) if kind in {"chain", "or", "and"} else tree["children"]


def _run(tree: _Tree, kind: str) -> list[_Tree]:
    """`a | b | c` as one run of three instead of a pair in a pair, however long it is."""
    found: list[_Tree] = []
    waiting = [tree]
    while waiting:
        item = waiting.pop()
        if _KINDS[item["type"]] == kind:
            waiting.extend(reversed(item["children"]))
        else:
            found.append(item)
    return found


def _chain(parts: tuple[Node, ...]) -> Node:
    moving = tuple(part for part in parts if part.kind != "identity") or parts[:1]
    if len(moving) == 1:
        return moving[0]
    return Node(kind="chain", parts=moving, start=moving[0].start, end=moving[-1].end)


def _value(tree: _Tree, start: int) -> Value:
    if tree["type"] != "slice":
        return cast("Value", tree.get("value"))
    if tree["children"][2] == 0:
        raise PathSyntaxError("the step of a slice cannot be 0", start)
    return cast("Value", tree["children"])
