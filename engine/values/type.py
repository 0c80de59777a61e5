"""Types: what a value may be, and how that is said to a person.

Types describe; they hold no data and convert nothing, but for :func:`decoder`, which turns the
text of a JSON document into the dates and instants that its type promises.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from engine.values.instant import in_utc
from engine.values.value import Value, kind_of

Type: TypeAlias = "Any | Scalar | Enum | Listing | Record"


@dataclass(frozen=True, slots=True)
class Any:
    """Nothing is known; everything about it is checked when run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One plain value.

    ``name`` is one of string, integer, decimal, boolean, date, datetime, null.
    """

    name: str
    decimals: int | None = None  # of a decimal: at most so many digits after the point
    longest: int | None = None  # of text: at most so many characters
    currency: str | None = None  # of a decimal: the amount of money that it is, in this currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum:
    """One of a few texts."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Any number of values of one type."""

    item: Type
    nullable: bool = False  # an item may be null


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A member of a record."""

    type: Type
    required: bool = False  # the key is always there
    nullable: bool = False  # the value may be null
    about: str = ""

    @property
    def may_be_absent(self) -> bool:
        """Whether reading it can find nothing, or null."""
        return self.nullable or not self.required


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Named fields. An open record may have others, of which nothing is known."""

    name: str  # "canonical/time_entry@2", or "" for one without a name
    fields: Mapping[str, Field] = field(default_factory=dict)
    open: bool = False


ANY = Any()
STRING = Scalar(name="string")
INTEGER = Scalar(name="integer")
DECIMAL = Scalar(name="decimal")
BOOLEAN = Scalar(name="boolean")
DATE = Scalar(name="date")
DATETIME = Scalar(name="datetime")
NULL = Scalar(name="null")
MONEY = Record(
    name="money",
    fields={"amount": Field(type=DECIMAL, required=True), "currency": Field(type=STRING, required=True)},
)


def money_in(currency: str) -> Record:
    """Money of which the currency is known."""
    amount, code = Scalar(name="decimal", currency=currency), Enum(values=(currency,))
    fields = {"amount": Field(type=amount, required=True), "currency": Field(type=code, required=True)}
    return Record(name="money", fields=fields)


def currency_of(kind: Type) -> str | None:
    """The currency of money, or of the amount of some, where it is known."""
    match kind:
        case Scalar(currency=currency):
            return currency
        case Record(name="money", fields={"currency": Field(type=Enum(values=(code,)))}):
            return code
        case _:
            return None


SCALARS: Mapping[str, Type] = {
    "any": ANY,
    "string": STRING,
    "integer": INTEGER,
    "decimal": DECIMAL,
    "boolean": BOOLEAN,
    "date": DATE,
    "datetime": DATETIME,
    "money": MONEY,
}


def describe(kind: Type) -> str:
    """How a type is named to a person: `a list of text`, `canonical/time_entry@2`, `one of A, B`."""
    match kind:
        case Scalar(name=name):
            return _PERSONAL[name]
        case Enum(values=(only,)):
            return f"the text '{only}'"
        case Enum(values=values):
            return "one of " + ", ".join(values)
        case Listing(item=item):
            return f"a list of {describe(item)}"
        case Record(name="money"):
            currency = currency_of(kind)
            return f"money in {currency}" if currency else "money"
        case Record(name=name):
            return name or "a record"
        case _:
            return "anything"


_PERSONAL = {
    "string": "text",
    "integer": "a whole number",
    "decimal": "a number",
    "boolean": "true or false",
    "date": "a date",
    "datetime": "a date and time",
    "null": "null",
}


def member(kind: Type, name: str) -> Field | None:
    """The field `name` of a type; an unknown one where nothing is known; None when there is no such field."""
    match kind:
        case Record(fields=fields, open=is_open):
            found = fields.get(name)
            return found if found or not is_open else Field(type=ANY)
        case Any():
            return Field(type=ANY)
        case _:
            return None


Decoder: TypeAlias = Callable[[Value], Value]


class DecodeError(ValueError):
    """A value is not what its type says; ``path`` leads to it."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        """Say where, and what was found there."""
        super().__init__(f"{path_text(path)}: {message}" if path else message)
        self.path = path
        self.message = message


def path_text(path: Sequence[str | int]) -> str:
    """A path as a person writes it: `lines[0].task`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def decoder(kind: Type) -> Decoder | None:
    """A function that returns a value with its dates and instants as such; None when there are none in it.

    The value is expected to have passed its schema. The function raises :class:`DecodeError` for
    text that is no date, and returns everything else as it is.
    """
    match kind:
        case Scalar(name="date"):
            return _date
        case Scalar(name="datetime"):
            return _instant
        case Listing(item=item):
            inner = decoder(item)
            return None if inner is None else _list_decoder(inner)
        case Record(fields=fields):
            decoders = {name: found for name, entry in fields.items() if (found := decoder(entry.type))}
            return _record_decoder(decoders) if decoders else None
        case _:
            return None


def _date(value: Value) -> Value:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DecodeError((), f"{value!r} is not a date (write 2026-05-29)") from None


def _instant(value: Value) -> Value:
    if value is None:
        return None
    try:
        parsed = value if isinstance(value, datetime) else datetime.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DecodeError((), f"{value!r} is not a date and time (write 2026-05-29T18:00:00Z)") from None
    if parsed.tzinfo is None:
        raise DecodeError((), f"{value!r} has no time zone (end it in Z or +02:00)")
    try:
        return in_utc(parsed)
    except ValueError as error:
        raise DecodeError((), f"{value!r} is no instant: {error}") from None


def _list_decoder(inner: Decoder) -> Decoder:
    def decode(value: Value) -> Value:
        if not isinstance(value, list):
            return value
        return [_at(inner, item, index) for index, item in enumerate(value)]

    return decode


def _record_decoder(decoders: Mapping[str, Decoder]) -> Decoder:
    def decode(value: Value) -> Value:
        if not isinstance(value, dict):
            return value
        changed = {name: _at(inner, value[name], name) for name, inner in decoders.items() if name in value}
        return {**value, **changed}

    return decode


def _at(inner: Decoder, value: Value, place: str | int) -> Value:
    try:
        return inner(value)
    except DecodeError as error:
        raise DecodeError((place, *error.path), error.message) from None


def check(kind: Type, value: Value, path: tuple[str | int, ...] = ()) -> list[DecodeError]:
    """Every way in which a decoded value is not of a type; empty when it is."""
    match kind:
        case Scalar(name=name):
            if not isinstance(value, _CLASSES[name]) or (isinstance(value, bool) != (name == "boolean")):
                return [DecodeError(path, f"expected {describe(kind)}, found {_shown(value)}")]
            if name == "date" and isinstance(value, datetime):
                return [DecodeError(path, f"expected a date, found {_shown(value)}")]
            return []
        case Enum(values=values):
            return (
                []
                if value in values
                else [DecodeError(path, f"expected {describe(kind)}, found {_shown(value)}")]
            )
        case Listing(item=item):
            if not isinstance(value, list):
                return [DecodeError(path, f"expected a list, found {_shown(value)}")]
            return [
                error
                for index, entry in enumerate(value)
                if not (entry is None and kind.nullable)
                for error in check(item, entry, (*path, index))
            ]
        case Record():
            return _check_record(kind, value, path)
        case _:
            return []


def _check_record(kind: Record, value: Value, path: tuple[str | int, ...]) -> list[DecodeError]:
    if not isinstance(value, Mapping):
        return [DecodeError(path, f"expected a record, found {_shown(value)}")]
    errors = []
    for name, entry in kind.fields.items():
        if name not in value:
            if entry.required:
                errors.append(DecodeError((*path, name), "is required and missing"))
        elif value[name] is None:
            if not entry.nullable:
                errors.append(DecodeError((*path, name), "may not be null"))
        else:
            errors.extend(check(entry.type, value[name], (*path, name)))
    if not kind.open:
        extra = [name for name in value if name not in kind.fields]
        errors.extend(DecodeError((*path, name), "is not a field of " + describe(kind)) for name in extra)
    return errors


_CLASSES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "decimal": (int, Decimal),
    "boolean": (bool,),
    "date": (date,),
    "datetime": (datetime,),
    "null": (type(None),),
}


def _shown(value: Value) -> str:
    text = str(value)
    return (
        f"{kind_of(value)} {text[:40]!r}" if not isinstance(value, Mapping | list) else f"a {kind_of(value)}"
    )
