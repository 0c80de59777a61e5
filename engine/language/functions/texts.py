"""Functions on text."""

from functools import partial

from engine.language.budget import bounded_characters, bounded_length, bounded_text
from engine.language.compiled import EvaluationError
from engine.language.functions.arguments import Argument, listing, size, text
from engine.language.functions.spec import FunctionSpec, Parameter
from engine.language.text import text_of
from engine.values.type import ANY, BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, MONEY, STRING, Listing

_TEXT = Parameter(name="text", type=STRING)
_WRITTEN = Parameter(name="value", type=STRING, others=(DECIMAL, DATE, DATETIME, BOOLEAN, MONEY))
_function = partial(FunctionSpec, family="text", result=STRING)


def _replace(value: Argument, old: Argument, new: Argument) -> str:
    source, old, new = text(value), text(old), text(new)
    bounded_characters(len(source) + source.count(old) * (len(new) - len(old)))
    return source.replace(old, new)


def _split(value: Argument, separator: Argument = " ") -> list[str]:
    source, separator = text(value), text(separator)
    if not separator:
        raise EvaluationError("a text cannot be split at nothing")
    bounded_length(source.count(separator) + 1)
    return source.split(separator)


def _join(items: Argument, separator: Argument = "") -> str:
    between, parts = text(separator), [text_of(item) for item in listing(items)]
    bounded_characters(sum(map(len, parts)) + len(between) * max(len(parts) - 1, 0))
    return between.join(parts)


def _pad(value: Argument, width: Argument, fill: Argument = " ") -> str:
    if len(text(fill)) != 1:
        raise EvaluationError("a text is filled up with one character")
    return text(value).rjust(size(width), text(fill))


def _left(value: Argument, count: Argument) -> str:
    return text(value)[: size(count)]


def _right(value: Argument, count: Argument) -> str:
    source = text(value)
    return source[max(len(source) - size(count), 0) :]


def _truncate(value: Argument, length: Argument, end: Argument = "...") -> str:
    source, tail, most = text(value), text(end), size(length)
    if len(source) <= most:
        return source
    return source[: most - len(tail)] + tail if len(tail) < most else source[:most]


def _title(value: Argument) -> str:
    """Each word with a capital; unlike str.title, a letter behind an apostrophe stays as it is."""
    words = text(value).split(" ")
    return " ".join(word[:1].upper() + word[1:].lower() for word in words)


TEXTS = (
    _function(
        name="upper",
        parameters=(_TEXT,),
        summary="The text in capital letters.",
        call=lambda value: bounded_text(text(value).upper()),
        examples=(("upper('Acme')", "'ACME'"),),
    ),
    _function(
        name="lower",
        parameters=(_TEXT,),
        summary="The text in small letters.",
        call=lambda value: bounded_text(text(value).lower()),
        examples=(("lower('Acme')", "'acme'"),),
    ),
    _function(
        name="title",
        parameters=(_TEXT,),
        summary="Each word with a capital letter.",
        call=_title,
        examples=(("title('head OF finance')", "'Head Of Finance'"), ("title(\"o'neil's\")", "\"O'neil's\"")),
    ),
    _function(
        name="trim",
        aliases=("strip",),
        parameters=(_TEXT,),
        summary="The text without blanks at its ends.",
        call=lambda value: text(value).strip(),
        examples=(("trim('  a b ')", "'a b'"),),
    ),
    _function(
        name="replace",
        parameters=(_TEXT, Parameter(name="old", type=STRING), Parameter(name="new", type=STRING)),
        summary="The text with every `old` replaced by `new`.",
        call=_replace,
        examples=(("replace('a-b-c', '-', '/')", "'a/b/c'"),),
    ),
    _function(
        name="starts_with",
        parameters=(_TEXT, Parameter(name="start", type=STRING)),
        result=BOOLEAN,
        summary="Whether the text begins with another.",
        call=lambda value, start: text(value).startswith(text(start)),
        examples=(("starts_with('INV-17', 'INV-')", "True"),),
    ),
    _function(
        name="ends_with",
        parameters=(_TEXT, Parameter(name="end", type=STRING)),
        result=BOOLEAN,
        summary="Whether the text ends with another.",
        call=lambda value, end: text(value).endswith(text(end)),
        examples=(("ends_with('a.csv', '.json')", "False"),),
    ),
    _function(
        name="split",
        parameters=(_TEXT, Parameter(name="separator", type=STRING, optional=True)),
        result=Listing(item=STRING),
        summary="The parts of a text between separators (a blank, unless another is given).",
        call=_split,
        examples=(("split('a,b,,c', ',')", "['a', 'b', '', 'c']"),),
    ),
    _function(
        name="join",
        parameters=(
            Parameter(name="list", type=Listing(item=ANY), items_present=True),
            Parameter(name="separator", type=STRING, optional=True),
        ),
        summary="The items of a list as one text, with a separator between them.",
        call=_join,
        examples=(("join(['a', 2, 1.50], ', ')", "'a, 2, 1.50'"), ("join([])", "''")),
    ),
    _function(
        name="pad_left",
        parameters=(
            _TEXT,
            Parameter(name="width", type=INTEGER),
            Parameter(name="fill", type=STRING, optional=True),
        ),
        summary="The text filled up at its left to a width.",
        call=_pad,
        examples=(("pad_left('42', 5, '0')", "'00042'"), ("pad_left('42', 1)", "'42'")),
    ),
    _function(
        name="left",
        parameters=(_TEXT, Parameter(name="count", type=INTEGER)),
        summary="The first characters of a text.",
        call=_left,
        examples=(("left('invoice', 3)", "'inv'"),),
    ),
    _function(
        name="right",
        parameters=(_TEXT, Parameter(name="count", type=INTEGER)),
        summary="The last characters of a text.",
        call=_right,
        examples=(("right('invoice', 3)", "'ice'"), ("right('a', 0)", "''")),
    ),
    _function(
        name="truncate",
        parameters=(
            _TEXT,
            Parameter(name="length", type=INTEGER),
            Parameter(name="end", type=STRING, optional=True),
        ),
        summary="The text cut to a length, with three points where something was left out.",
        call=_truncate,
        examples=(("truncate('a long note', 9)", "'a long...'"), ("truncate('short', 9)", "'short'")),
    ),
    _function(
        name="str",
        aliases=("text",),
        parameters=(_WRITTEN,),
        summary="A number, date or instant as text: digits as they are, dates as ISO 8601.",
        call=text_of,
        examples=(("str(7.50)", "'7.50'"), ("str(date('2026-05-29'))", "'2026-05-29'")),
    ),
)
