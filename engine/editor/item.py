"""What is offered, said and changed: the answers to an editor, free of its protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that may be written at the cursor.

    ``insert`` may hold the marks of a snippet (`$1`, `${1:name}`, `$0`) when ``snippet`` is set; it stands
    for the characters of ``span``.
    """

    label: str
    what: str  # key, choice, document, step, local, field, function, keyword, type, value
    detail: str = ""
    about: str = ""
    insert: str = ""
    snippet: bool = False
    first: bool = False  # it is likelier than others
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is shown of the characters of a span, as Markdown."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """New text for the characters of a span."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A change that is offered for a problem, or a page to read."""

    title: str
    edits: tuple[Edit, ...] = ()
    preferred: bool = False
    code: str = ""  # of the problem that it is for


class Refused(Exception):
    """What was asked for cannot be done safely; the message says why, to a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """The edits that rename something everywhere."""

    edits: tuple[Edit, ...]
    by_file: Mapping[str, tuple[Edit, ...]] = field(default_factory=dict)
