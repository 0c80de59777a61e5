"""How a kind of document is described: a frozen dataclass whose fields carry a note.

The type hint of a field is its shape, :func:`note` says the rest. From the two come the decoder, the
JSON Schema for editors and the reference page; nothing about a field is written twice.

Shapes that a type hint may have:

=====================  ==========================================================================
`Text`                 a name or other plain text (it remembers its place)
`PathText`             a JMESPath expression; `FormulaText`, `TemplateText` the other languages
`int` `Decimal` `bool` `date`    one plain value
`Duration`             `15m`, `2h`, `3 business days`
`Raw`                  any YAML value, as written
`tuple[X, ...]`        a list; with ``many=True`` one X may stand for a list of one
`Mapping[Text, X]`     named X, in the order in which they are written
a described dataclass  a record; `X | None` may be left out
=====================  ==========================================================================
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from engine.source import Span, Text
from engine.values.value import Value


class PathText(Text):
    """A JMESPath expression, as written."""

    __slots__ = ()


class FormulaText(Text):
    """A safe Python expression, as written."""

    __slots__ = ()


class TemplateText(Text):
    """A Jinja2 template, as written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Raw:
    """A YAML value as written, with its place and those of its parts.

    ``places`` maps the path of each inner value (keys and indexes) to its span.
    """

    value: Value
    span: Span
    places: Mapping[tuple[str | int, ...], Span] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time; a business one is counted by a calendar."""

    amount: int
    unit: str  # second, minute, hour, day, week
    business: bool
    span: Span

    @property
    def seconds(self) -> int:
        """Its length in seconds, business or not counted alike."""
        return self.amount * _UNIT_SECONDS[self.unit]


_UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a field's type hint does not say."""

    about: str
    key: str | None = None  # its name in YAML, when Python reserves that word
    pattern: str | None = None  # a regular expression that the whole text matches
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    many: bool = False  # one may be written where a list is expected
    ordered: bool = False  # of named things: their order has a meaning
    examples: tuple[str, ...] = ()


def note(  # noqa: PLR0913 - each is a word of the description, given by name
    about: str,
    *,
    default: Any = dataclasses.MISSING,  # noqa: ANN401 - of whatever type the field is
    key: str | None = None,
    pattern: str | None = None,
    choices: Sequence[str] = (),
    minimum: int | None = None,
    maximum: int | None = None,
    many: bool = False,
    ordered: bool = False,
    examples: Sequence[str] = (),
) -> Any:  # noqa: ANN401 - stands for a value of the field's type, as dataclasses.field does
    """Describe a field of a document; without a default it is required."""
    said = Note(
        about=about,
        key=key,
        pattern=pattern,
        choices=tuple(choices),
        minimum=minimum,
        maximum=maximum,
        many=many,
        ordered=ordered,
        examples=tuple(examples),
    )
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata={"note": said})
    if default == {}:
        return dataclasses.field(metadata={"note": said}, default_factory=dict)
    return dataclasses.field(metadata={"note": said}, default=default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Base of everything that is decoded: a record that knows its place.

    A subclass may set, as class variables:

    ``one_of``     groups of keys of which exactly one must be there; "each fields" stands for both together;
    ``shorthand``  the key that a bare text (or list, or number) stands for;
    ``extra``      the field that takes keys which are not described, as `Mapping[Text, X]`.
    """

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = ()
    shorthand: ClassVar[str | None] = None
    extra: ClassVar[str | None] = None

    span: Span
    keys: Mapping[str, Span] = dataclasses.field(
        default_factory=dict
    )  # the place of each key that was written


NAME = r"[a-z][a-z0-9]*([._-][a-z0-9]+)*"
IDENTIFIER = r"[a-z][a-z0-9_]*"
STEP_NAME = r"[a-z][a-z0-9_]*"
TYPE_NAME = r"([a-z][a-z0-9_-]*/[a-z][a-z0-9_]*@[0-9A-Za-z.]+|[a-z]+)"


FORMS: Mapping[str, str] = MappingProxyType(
    {
        NAME: "lower-case words and digits, joined by `-`, `_` or `.`",
        IDENTIFIER: "a lower-case word, with digits and `_`",
        TYPE_NAME: "a type such as `canonical/time_entry@2`",
        r"[a-z][a-z0-9_-]*\.[a-z][a-z0-9_]*": "a connection, a dot, and what is used of it: `erp.time_bill`",
        r"[0-9.]+%": "a share such as `99.5%`",
        r"[0-9]+(\.[0-9]+)? [A-Z]{3}": "an amount and its currency: `50000 USD`",
        r"[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}": "two times of day: `09:00-17:00`",
        r"high|normal|low|-?[0-9]{1,2}": "`high`, `normal`, `low`, or a whole number from -99 to 99",
        "[A-Z]{2}": "two capital letters: `DE`",
    }
)
"""How a pattern is said to a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Described):
    """What all documents have in common. The first key says what one is, and names it.

    ``versions_coexist`` is set by a kind of which several versions may stand side by side.
    """

    kind: ClassVar[str] = ""
    versions_coexist: ClassVar[bool] = False

    version: int = note("Counts up with each change of meaning.", default=1, minimum=1)
    owner: Text | None = note("Who answers for it: a team or a role.", default=None, pattern=NAME)
    about: Text | None = note("One or two sentences for the reader.", default=None)

    @property
    def name(self) -> Text:
        """The name of the document: the value of its first key."""
        found = getattr(self, self.kind)
        assert isinstance(found, Text)
        return found
