"""Texts with placeholders in a manifest: `/record/v1/job/eid:{externalId}`.

A placeholder is a name, or names joined by dots, of the scope that it is filled from; data put in is
never looked at again. `{name:%Y-%m-%d}` formats a date or an instant, `{name!sql}` writes a text literal
with quotes doubled, `{name!soql}` one with backslashes. Two braces stand for one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import quote

from engine.values.json_text import instant_text
from engine.values.value import Value

Piece: TypeAlias = "str | Placeholder"


class TemplateError(ValueError):
    """A text with placeholders that cannot be read, or cannot be filled."""


class Absent(LookupError):
    """A placeholder finds nothing; the message is its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """A name in a text."""

    name: tuple[str, ...]
    form: str = ""  # how a date is written
    quoting: str = ""  # sql, soql

    def find(self, scope: Mapping[str, Value]) -> Value:
        """The value that it stands for.

        Raises:
            Absent: when there is none, or it is null.

        """
        found: Value = scope
        for part in self.name:
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None:
            raise Absent(".".join(self.name))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text in pieces."""

    pieces: tuple[Piece, ...]

    @property
    def only(self) -> Placeholder | None:
        """The placeholder, when the text is one and nothing else."""
        found = self.pieces[0] if len(self.pieces) == 1 else None
        return found if isinstance(found, Placeholder) else None

    @property
    def names(self) -> frozenset[str]:
        """The first parts of the names that it needs."""
        return frozenset(piece.name[0] for piece in self.pieces if isinstance(piece, Placeholder))

    def fill(self, scope: Mapping[str, Value], encode: Callable[[str], str] = str) -> str:
        """The text with its placeholders filled, each passed through `encode`.

        Raises:
            Absent: when one finds nothing.
            TemplateError: when one finds a record or a list, or text that does not belong in a request.

        """
        return "".join(
            piece if isinstance(piece, str) else encode(_written(piece, piece.find(scope)))
            for piece in self.pieces
        )


def encode_path(text: str) -> str:
    """Text as one segment of a path: everything but letters, digits and `-._~` percent-encoded."""
    if text in {".", ".."}:
        raise TemplateError(f"{text!r} cannot stand in a path")
    return quote(text, safe="")


def template(text: str) -> Template:
    """A text, parsed.

    Raises:
        TemplateError: for a brace without its partner, or a name that is none.

    """
    pieces: list[Piece] = []
    literal, position = "", 0
    for match in _TOKEN.finditer(text):
        literal += text[position : match.start()]
        position = match.end()
        if match.group() in {"{{", "}}"}:
            literal += match.group()[0]
            continue
        if literal:
            pieces.append(literal)
        literal = ""
        pieces.append(_placeholder(match, text))
    literal += text[position:]
    return Template(pieces=(*pieces, literal) if literal or not pieces else tuple(pieces))


_TOKEN = re.compile(
    r"\{\{|\}\}|\{(?P<name>[A-Za-z_][\w.]*)(?:!(?P<quoting>\w+))?(?::(?P<form>[^{}]+))?\}|[{}]"
)


def _placeholder(match: re.Match[str], text: str) -> Placeholder:
    quoting = match.group("quoting") or ""
    if match.group("name") is None or (quoting and quoting not in _QUOTINGS):
        raise TemplateError(f"{text!r}: write {{name}}, {{name:%Y-%m-%d}}, {{name!sql}} or {{name!soql}}")
    return Placeholder(
        name=tuple(match.group("name").split(".")), form=match.group("form") or "", quoting=quoting
    )


def template_value(written: Value) -> object:
    """A value in which every text is a template; numbers, truths and nulls stay what they are."""
    if isinstance(written, str):
        return template(written)
    if isinstance(written, Mapping):
        return {key: template_value(item) for key, item in written.items()}
    if isinstance(written, list | tuple):
        return [template_value(item) for item in written]
    return written


def fill_value(written: object, scope: Mapping[str, Value]) -> Value:
    """What :func:`template_value` made, filled. A member whose placeholder finds nothing is left out.

    Raises:
        Absent: when the whole is one placeholder, and finds nothing.

    """
    if isinstance(written, Template):
        return written.only.find(scope) if written.only else written.fill(scope)
    if isinstance(written, Mapping):
        return {key: item for key, found in written.items() for item in _fill_member(found, scope)}
    if isinstance(written, list):
        return [item for found in written for item in _fill_member(found, scope)]
    assert written is None or isinstance(written, bool | int | Decimal | date)
    return written


def _fill_member(written: object, scope: Mapping[str, Value]) -> tuple[Value, ...]:
    try:
        return (fill_value(written, scope),)
    except Absent:
        return ()


_QUOTINGS: Mapping[str, Callable[[str], str]] = {
    "sql": lambda text: "'" + text.replace("'", "''") + "'",
    "soql": lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'",
}


def _written(piece: Placeholder, value: Value) -> str:
    text = _as_text(piece, value)
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
        raise TemplateError(
            f"{'.'.join(piece.name)}: holds a control character, which cannot go into a request"
        )
    return _QUOTINGS[piece.quoting](text) if piece.quoting else text


def _as_text(piece: Placeholder, value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.astimezone(UTC).strftime(piece.form) if piece.form else instant_text(value)
        case date():
            return value.strftime(piece.form) if piece.form else value.isoformat()
        case Decimal():
            return format(value, "f")
        case str() | int():
            return str(value)
        case _:
            raise TemplateError(f"{'.'.join(piece.name)}: is a record or a list, where text is needed")
