"""What YAML would have guessed: plain words and numbers, and expressions cut in two.

What lives here: the meaning of a plain scalar (the words of YAML 1.2 and nothing else), the words that
other tools read differently, and the marks of a text that should have been quoted. What does not: what
a document expects at a place (:mod:`engine.workspace.decode`).
"""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import chain

from engine.problems import Collector, Problem
from engine.source import Source, Span
from engine.values.value import Value
from engine.workspace import problems
from engine.workspace.node import Container, ListNode, MapNode, Node, ScalarNode

MAX_DIGITS = 400

_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)?\.[0-9]+|-?(?:0|[1-9][0-9]*)\.")

_YES_NO = re.compile(r"y|yes|on|n|no|off", re.IGNORECASE)
_NUMBER_TRAPS: tuple[tuple[re.Pattern[str], Callable[[Span, str], Problem]], ...] = (
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), problems.sexagesimal),
    (re.compile(r"[-+]?(?:0[0-9_]+|0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+)"), problems.other_base),
    (re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.?[0-9_]*_[0-9_.]*"), problems.underscores),
    (re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE), problems.not_finite),
    (re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"), problems.other_number),
)
_MAY_BE_NUMBER = frozenset("+-.0123456789")
_LONGEST_WORD = 5  # `false`


def resolve(node: ScalarNode, collector: Collector) -> Value:
    """The value that a scalar stands for where nothing says what is expected. Dates stay text."""
    value = plain_value(node)
    if value.__class__ is str and not node.style:
        trap = find_trap(node)
        if trap is not None:
            collector.add(trap)
    return value


def plain_value(node: ScalarNode) -> Value:
    """The value that a scalar stands for by the words of YAML 1.2; what they do not know is text."""
    text = node.text
    if node.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAY_BE_NUMBER or len(text) > MAX_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text


def is_surely_text(node: ScalarNode) -> bool:
    """Whether a scalar is text and nothing else at first sight: too long for a word, and no number."""
    text = node.text
    return len(text) > _LONGEST_WORD and text[0] not in _MAY_BE_NUMBER and not text[0].isspace()


def is_null(node: Node) -> bool:
    """Whether there is nothing, or a plain `null`."""
    return isinstance(node, ScalarNode) and not node.style and _WORDS.get(node.text, "") is None


def find_trap(node: ScalarNode) -> Problem | None:
    """What is wrong with a plain text that other tools, or other people, read as something else."""
    text = node.text
    if node.style or not text:
        return None
    if text[0] in _MAY_BE_NUMBER:
        return _number_trap(node)
    if len(text) <= 3 and _YES_NO.fullmatch(text):
        return problems.yes_no(node.span, text)
    return None


def _number_trap(node: ScalarNode) -> Problem | None:
    if len(node.text) > MAX_DIGITS and _INTEGER.fullmatch(node.text):
        return problems.too_many_digits(node.span, MAX_DIGITS)
    if not isinstance(plain_value(node), str):
        return None
    for pattern, problem in _NUMBER_TRAPS:
        if pattern.fullmatch(node.text):
            return problem(node.span, node.text)
    return None


_COMMENT = re.compile(r" +(#)(?![\s#!]|$)", re.MULTILINE)
_OPENING_QUOTE = re.compile(r"(?<![\w\"'])['\"]")


def check_comment(source: Source, start: int, end: int, collector: Collector) -> None:
    """Report a plain text that a `#` seems to have cut."""
    found = _COMMENT_START.match(source.text, end)
    if not found:
        return
    mark = Span(source, found.end() - 1, found.end())
    if _is_open(source.text[start:end]):
        collector.add(problems.cut_by_comment(Span(source, start, end), mark))
    elif _COMMENT.match(source.text, end):
        collector.add(problems.comment_without_space(mark))


_COMMENT_START = re.compile(r" +#")


MAY_CUT = re.compile("[('\"]")  # what an expression that a comma cuts has opened


def check_flow(node: Container, collector: Collector) -> bool:
    """Whether a comma inside of brackets has cut an expression, or left a key alone; it is reported then.

    What came of the mistake is taken out of the record, so that nobody reports it again.
    """
    cut = _cut_expression(node) if MAY_CUT.search(node.source.text, node.start, node.end) else None
    if cut is not None:
        collector.add(problems.cut_by_comma(cut))
    if not isinstance(node, MapNode):
        return cut is not None
    if cut is None and all(value.start != value.end for _, value in node.pairs):
        return False
    whole = [pair for pair in node.pairs if not (_is_bare(*pair) or _lies_in(pair[0], cut))]
    for key, value in node.pairs:
        if _is_bare(key, value) and not _lies_in(key, cut):
            collector.add(problems.key_without_colon(key.span, key.text))
    damaged = cut is not None or len(whole) < len(node.pairs)
    node.pairs = whole
    return damaged


def _is_bare(key: ScalarNode, value: Node) -> bool:
    return value.start == value.end and ":" not in key.source.text[key.end : value.end]


def _lies_in(key: ScalarNode, cut: Span | None) -> bool:
    return cut is not None and cut.start <= key.start < cut.end


def _cut_expression(node: Container) -> Span | None:
    """From the text that opens a parenthesis or quote to the one that closes it."""
    opened: ScalarNode | None = None
    for scalar in _plain_texts(node):
        if opened is not None and _closes(opened.text, scalar.text):
            return Span(node.source, opened.start, scalar.end)
        if opened is None and _is_open(scalar.text):
            opened = scalar
    return None


def _plain_texts(node: Container) -> Iterator[ScalarNode]:
    parts = node.items if isinstance(node, ListNode) else chain.from_iterable(node.pairs)
    return (part for part in parts if isinstance(part, ScalarNode) and not part.style)


def _is_open(text: str) -> bool:
    """Whether a parenthesis or a quote begins here and does not end."""
    if "(" in text and text.count("(") > text.count(")"):
        return True
    return _has_open_quote(text, text)


def _closes(opened: str, text: str) -> bool:
    """Whether what is open in one text ends in another."""
    if opened.count("(") > opened.count(")") and text.count(")") > text.count("("):
        return True
    return _has_open_quote(opened, text)


def _has_open_quote(opened: str, text: str) -> bool:
    """Whether the quote that begins in the one text stands an odd number of times in the other."""
    if "'" not in opened and '"' not in opened:
        return False
    quote = _OPENING_QUOTE.search(opened)
    return quote is not None and text.count(quote.group()) % 2 == 1
