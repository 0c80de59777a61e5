"""What is known about a value before any data is there: its type, and whether it may be null.

What lives here: how such knowledge is joined, and how a test narrows it. What does not: how it is
found, which is for each language to say (formula_types.py, template_types.py, path_types.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

from engine.values.type import ANY, NULL, STRING, Any, Enum, Field, Listing, Record, Scalar, Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known about the value of a part."""

    type: Type = ANY
    nullable: bool = False  # it may be null, or may not be there; says nothing where the type is ANY
    unsure: bool = False  # nobody knows whether it may be null, though its type is known

    @property
    def may_be_null(self) -> bool:
        """Whether null cannot be ruled out: it is possible, or nothing is known."""
        return self.nullable or self.unsure or isinstance(self.type, Any)


UNKNOWN = Known()

Reference: TypeAlias = tuple[str, ...]
"""A name and the fields that are read from it: `entry.worker.name` is ("entry", "worker", "name")."""

Facts: TypeAlias = Mapping[Reference, Known]
"""What a test has shown about places in data. Data never changes, so what was shown stays true."""

NO_FACTS: Facts = MappingProxyType({})

MAX_TEXTS = 100  # of a joined enum; beyond it the value is any text


def family(kind: Type) -> str:
    """The values that a type has operations in common with: number, text, boolean, date, ..., any."""
    match kind:
        case Scalar(name="integer" | "decimal"):
            return "number"
        case Scalar(name="string") | Enum():
            return "text"
        case Scalar(name=name):
            return name
        case Listing():
            return "list"
        case Record():
            return "record"
        case _:
            return "any"


def join(kinds: Iterable[Known]) -> Known:
    """What is known about a value that is one of several."""
    result: Known | None = None
    for one in kinds:
        result = one if result is None else _join(result, one)
    return result or UNKNOWN


def _join(left: Known, right: Known) -> Known:
    nullable, unsure = left.nullable or right.nullable, left.unsure or right.unsure
    if NULL in (left.type, right.type):
        return Known(type=right.type if left.type == NULL else left.type, nullable=True)
    return Known(type=joined_type(left.type, right.type), nullable=nullable, unsure=unsure)


def joined_type(left: Type, right: Type) -> Type:
    """The type of a value that is of one type or another; ANY where they have nothing in common."""
    if left == right:
        return left
    match left, right:
        case Enum(values=some), Enum(values=others):
            values = tuple(dict.fromkeys((*some, *others)))
            return Enum(values=values) if len(values) <= MAX_TEXTS else STRING
        case Listing(), Listing():
            return _joined_lists(left, right)
        case Record(), Record():
            return _joined_records(left, right)
        case Scalar(), Scalar() if family(left) == family(right) == "number":
            return _joined_numbers(left, right)
        case _:
            return _joined_texts(left, right) if family(left) == family(right) == "text" else ANY


def _joined_numbers(left: Scalar, right: Scalar) -> Type:
    decimals = [0 if one.name == "integer" else one.decimals for one in (left, right)]
    most = None if None in decimals else max(one or 0 for one in decimals)
    currency = left.currency if left.currency == right.currency else None
    return Scalar(name="decimal", decimals=most, currency=currency)


def _joined_texts(left: Type, right: Type) -> Type:
    longest = [longest_text(one) for one in (left, right)]
    return STRING if None in longest else Scalar(name="string", longest=max(one or 0 for one in longest))


def longest_text(kind: Type) -> int | None:
    """How many characters a text of this type has at most; None where nobody knows."""
    match kind:
        case Enum(values=values):
            return max(map(len, values), default=0)
        case Scalar(longest=longest):
            return longest
        case _:
            return None


def _joined_lists(left: Listing, right: Listing) -> Listing:
    """A list that is empty adds nothing."""
    if NULL in (left.item, right.item):
        other = right if left.item == NULL else left
        return replace(other, nullable=left.nullable or right.nullable)
    return Listing(item=joined_type(left.item, right.item), nullable=left.nullable or right.nullable)


def _joined_records(left: Record, right: Record) -> Record:
    names = dict.fromkeys((*left.fields, *right.fields))
    fields = {name: _joined_field(left, right, name) for name in names}
    return Record(
        name=left.name if left.name == right.name else "", fields=fields, open=left.open or right.open
    )


def _joined_field(left: Record, right: Record, name: str) -> Field:
    found = [record.fields[name] for record in (left, right) if name in record.fields]
    if len(found) == 2:
        known = join(Known(type=field.type, nullable=field.nullable) for field in found)
        required = found[0].required and found[1].required
        return Field(type=known.type, required=required, nullable=known.nullable, about=found[0].about)
    without = right if name in left.fields else left
    return Field(type=ANY) if without.open else replace(found[0], required=False)


def both(facts: Facts, more: Facts) -> Facts:
    """What holds when both have been shown."""
    return facts if not more else more if not facts else MappingProxyType({**facts, **more})


def either(some: Facts, others: Facts) -> Facts:
    """What holds when one of two has been shown."""
    shared = some.keys() & others.keys()
    return MappingProxyType({one: join((some[one], others[one])) for one in sorted(shared)})
