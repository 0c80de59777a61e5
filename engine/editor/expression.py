"""Completion inside an expression, which is hardly ever whole while somebody writes it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.editor.item import Item
from engine.editor.reading import type_of
from engine.editor.saying import field_detail, function_snippet, function_text, type_line
from engine.language.functions.path_functions import PATH_FUNCTIONS
from engine.language.functions.spec import FunctionTable
from engine.language.scope import TypeScope
from engine.source import Span, Text
from engine.spec.field import FormulaText, PathText, TemplateText
from engine.values.type import Enum, Listing, Record, Type

_WORDS: Mapping[type[Text], tuple[str, ...]] = {
    FormulaText: ("None", "True", "False", "and", "or", "not", "in", "is", "if", "else", "for"),
    TemplateText: ("none", "true", "false", "and", "or", "not", "in", "is", "if", "else"),
    PathText: (),
}
_STATEMENTS = ("if", "elif", "else", "endif", "for", "endfor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """An expression up to the cursor, and what is known at its place."""

    language: type[Text]
    before: str
    after: str
    scope: TypeScope
    functions: FunctionTable
    about: Mapping[str, str]  # what is said of the names in scope
    span: Span  # the word at the cursor


def expression_items(writing: Writing) -> Iterator[Item]:
    """What may stand at the cursor."""
    part = _part(writing)
    if part is None:
        return
    scope = _with_bound(writing, part)
    literal = _in_literal(part)
    if literal is not None:
        yield from _literals(writing, scope, part, literal)
        return
    base = base_before(part)
    if base is not None:
        yield from _fields(writing, scope, base)
        return
    if writing.language is TemplateText and re.search(r"\|\s*\w*$", part):
        yield from _functions(writing)
        return
    yield from _names(writing, scope)
    yield from _functions(writing)
    yield from (
        Item(label=word, what="keyword", insert=word, span=writing.span) for word in _WORDS[writing.language]
    )


def _part(writing: Writing) -> str | None:
    """The expression around the cursor; of a template, what stands between braces. None outside of them."""
    if writing.language is not TemplateText:
        return writing.before
    opened = max(writing.before.rfind("{{"), writing.before.rfind("{%"))
    closed = max(writing.before.rfind("}}"), writing.before.rfind("%}"))
    return writing.before[opened + 2 :] if opened > closed else None


def _in_literal(text: str) -> str | None:
    """The quote of the text that the cursor is in; None outside of one."""
    quote: str | None = None
    for character in text:
        if quote is None and character in "'\"":
            quote = character
        elif character == quote:
            quote = None
    return quote


def base_before(text: str) -> str | None:
    """What stands before the last dot, with its brackets; None where there is no dot before the word."""
    found = re.search(r"\.\s*\w*$", text)
    base = _chain_before(text, found.start()) if found is not None else ""
    return base if base and not base.isdecimal() else None


def _chain_before(text: str, end: int) -> str:
    """Names with dots and brackets that end at a place: `first(contract.obligations)[0].name`."""
    at, depth = end, 0
    while at > 0:
        character = text[at - 1]
        if character in ")]":
            depth += 1
        elif character in "([":
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and not (character.isalnum() or character in "_."):
            break
        at -= 1
    return text[at:end]


_BOUND = re.compile(r"\bfor\s+([A-Za-z_]\w*)\s+in\s+([A-Za-z_][\w.]*)")


def _with_bound(writing: Writing, part: str) -> TypeScope:
    """The scope with the names that comprehensions and loops give, wherever they stand."""
    scope = writing.scope
    whole = writing.before + writing.after if writing.language is TemplateText else part + writing.after
    for name, items in _BOUND.findall(whole):
        kind, _ = type_of(FormulaText(items, writing.span), scope, writing.functions)
        if isinstance(kind, Listing) and scope.type_of(name) is None:
            scope = scope.including({name: kind.item})
    return scope


def _base_type(writing: Writing, scope: TypeScope, base: str) -> Type:
    if writing.language is PathText:
        plain = re.sub(r"\[[^\[\]]*\]", "[]", base)
        kind, _ = type_of(PathText(plain, writing.span), scope, writing.functions)
    else:
        kind, _ = type_of(FormulaText(base.strip(), writing.span), scope, writing.functions)
    if writing.language is PathText and base.endswith("]") and isinstance(kind, Listing):
        return kind.item
    return kind


def _fields(writing: Writing, scope: TypeScope, base: str) -> Iterator[Item]:
    kind = _base_type(writing, scope, base)
    if not isinstance(kind, Record):
        return
    for name, field in kind.fields.items():
        yield Item(
            label=name,
            what="field",
            detail=field_detail(field),
            about=field.about,
            insert=name,
            span=writing.span,
        )


def _names(writing: Writing, scope: TypeScope) -> Iterator[Item]:
    for name, kind in scope.names.items():
        yield Item(
            label=name,
            what="local",
            detail=type_line(kind, nullable=name in scope.nullable),
            about=writing.about.get(name, ""),
            insert=name,
            first=True,
            span=writing.span,
        )


def _functions(writing: Writing) -> Iterator[Item]:
    called = writing.after.lstrip().startswith("(")
    if writing.language is PathText:
        for name, function in PATH_FUNCTIONS.items():
            yield Item(
                label=name,
                what="function",
                detail=f"{name}({', '.join(function.parameters)})",
                about=f"{function.summary}\n\n`{function.example}` is `{function.gives}`",
                insert=name if called else f"{name}($1)$0",
                snippet=not called,
                span=writing.span,
            )
        return
    for name, spec in writing.functions.items():
        if name == spec.name or writing.language is TemplateText:
            yield Item(
                label=name,
                what="function",
                detail=spec.signature,
                about=function_text(spec),
                insert=name if called else function_snippet(spec).replace(spec.name, name, 1),
                snippet=not called,
                span=writing.span,
            )


_ARGUMENT = re.compile(r"([A-Za-z_]\w*)\(\s*['\"][^'\"]*$")
_COMPARED = re.compile(r"\s*(?:==|!=|\bnot in\b|\bin\b)\s*\[?(?:\s*['\"][^'\"]*['\"]\s*,)*\s*['\"`][^'\"`]*$")


def _literals(writing: Writing, scope: TypeScope, part: str, quote: str) -> Iterator[Item]:
    """The texts that may stand in quotes: the first argument of some functions, and those of an enum."""
    del quote
    argument, compared = _ARGUMENT.search(part), _COMPARED.search(part)
    values: tuple[str, ...] = ()
    if argument is not None:
        spec = writing.functions.get(argument[1])
        parameter = spec.parameter(0) if spec else None
        values = (parameter.choices or ()) if parameter else ()
    elif compared is not None:
        base = _chain_before(part, compared.start())
        kind, _ = type_of(FormulaText(base, writing.span), scope, writing.functions)
        values = kind.values if isinstance(kind, Enum) else ()
    for value in values:
        yield Item(label=value, what="choice", insert=value, span=writing.span, first=True)
