"""Whether a value of one type can stand where another is wanted.

Only what surely goes wrong is said: where little is known, the check happens when the flow runs.
"""

from dataclasses import dataclass

from engine.language.known import longest_text
from engine.values.type import ANY, Enum, Field, Listing, Record, Scalar, Type, currency_of, describe

_NUMBERS = ("integer", "decimal")
_TEXTS = ("string", "date", "datetime")


def contradicts(wanted: Type, found: Type) -> bool:
    """Whether no value is of both types, as they are inside of a flow."""
    match wanted, found:
        case Record(), Record():
            return bool(wanted.name) and bool(found.name) and wanted.name != found.name
        case _ if ANY in (wanted, found):
            return False
        case Listing(item=inner), Listing(item=other):
            return contradicts(inner, other)
        case Enum(values=values), Enum(values=others):
            return not set(values) & set(others)
        case _:
            kinds = _kind(wanted), _kind(found)
            return "" not in kinds and kinds[0] != kinds[1]


def refuses(wanted: Type, found: Type) -> bool:
    """Whether no value of the second type is taken by a field of the first.

    A field that is written out takes text for a date, and the other way round.
    """
    if wanted is found:
        return False
    match wanted, found:
        case Listing(item=inner), Listing(item=other):
            return refuses(inner, other)
        case Scalar(name=one), Scalar(name=other) if one in _TEXTS and other in _TEXTS:
            return {one, other} == {"date", "datetime"}
        case Scalar(name="date" | "datetime"), Enum():
            return False
        case Record(), Record():
            return False
        case _:
            return contradicts(wanted, found)


def _kind(kind: Type) -> str:
    """What values of a type are, where that is known."""
    match kind:
        case Scalar(name=name):
            return "number" if name in _NUMBERS else "" if name == "null" else name
        case Enum():
            return "string"
        case Listing():
            return "list"
        case Record():
            return "record"
        case _:
            return ""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why values of one type are not all taken where another is wanted.

    ``kind`` is one of values (an enum lacks some), long (text), decimals, currencies, null, record (its
    fields are others). ``path`` leads to it inside of records and lists.
    """

    kind: str
    message: str  # what is wrong, after "`field` " or "`field` in `path` "
    path: str = ""


def misfit(wanted: Type, found: Type) -> Misfit | None:
    """Why values of the second type do not all fit where the first is wanted; None when nobody knows."""
    if wanted is found:
        return None
    match wanted, found:
        case Enum(), Enum():
            return _values(wanted, found)
        case (Scalar(name="string"), Scalar(name="string") | Enum()):
            return _long(wanted, found)
        case (Scalar(name="integer" | "decimal"), Scalar(name="integer" | "decimal")):
            return _decimals(wanted, found)
        case Listing(), Listing():
            return _in_lists(wanted, found)
        case Record(), Record():
            return _in_records(wanted, found)
        case _:
            return None


def _values(wanted: Enum, found: Enum) -> Misfit | None:
    lacks = [value for value in found.values if value not in wanted.values]
    if not lacks:
        return None
    return Misfit("values", f"takes {describe(wanted)}, and this may be {_or(lacks)}")


def _or(values: list[str]) -> str:
    shown = [f"'{value}'" for value in values[:SHOWN]]
    if len(values) > SHOWN:
        return f"{', '.join(shown)} or one of {len(values) - SHOWN} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


SHOWN = 5


def _long(wanted: Scalar, found: Type) -> Misfit | None:
    longest = longest_text(found)
    if wanted.longest is None or longest is None or longest <= wanted.longest:
        return None
    verb = "has" if isinstance(found, Enum) and len(found.values) == 1 else "may have"
    return Misfit("long", f"takes at most {wanted.longest} characters, and this {verb} {longest}")


def _decimals(wanted: Scalar, found: Scalar) -> Misfit | None:
    currencies = currency_of(wanted), currency_of(found)
    if None not in currencies and currencies[0] != currencies[1]:
        return Misfit("currencies", f"is an amount in {currencies[0]}, and this is one in {currencies[1]}")
    if found.name == "integer":
        return None
    if wanted.name == "integer" and found.decimals != 0:
        return Misfit("decimals", "is a whole number, and this may have decimals")
    if wanted.decimals is None or found.decimals is None or found.decimals <= wanted.decimals:
        return None
    return Misfit("decimals", f"takes {_places(wanted.decimals)}, and this may have {found.decimals}")


def _places(count: int) -> str:
    return "no decimals" if count == 0 else "one decimal" if count == 1 else f"{count} decimals"


def _in_lists(wanted: Listing, found: Listing) -> Misfit | None:
    if refuses(wanted.item, found.item):
        return Misfit("record", f"holds {describe(wanted.item)}, and this {describe(found.item)}")
    inner = misfit(wanted.item, found.item)
    if inner is not None:
        return Misfit(inner.kind, inner.message, "[]" + _after(inner.path))
    if found.nullable and not wanted.nullable and ANY not in (wanted.item, found.item):
        return Misfit("null", "may be null, and null is not taken there", "[]")
    return None


def _in_records(wanted: Record, found: Record) -> Misfit | None:
    if wanted == found or (wanted.name and wanted.name == found.name and wanted.name != "money"):
        return None
    currencies = currency_of(wanted), currency_of(found)
    if None not in currencies and currencies[0] != currencies[1]:
        return Misfit("currencies", f"is money in {currencies[0]}, and this is in {currencies[1]}")
    for name, field in wanted.fields.items():
        wrong = _in_field(name, field, found)
        if wrong is not None:
            return wrong
    more = [name for name in found.fields if name not in wanted.fields]
    # Records inside of an entity take fields that nobody described; they have no name.
    if more and wanted.name and not wanted.open:
        return Misfit("record", f"has no field `{more[0]}`, and this has one")
    return None


def _in_field(name: str, wanted: Field, record: Record) -> Misfit | None:
    found = record.fields.get(name)
    if found is None:
        lacks = wanted.required and not record.open
        return Misfit("record", f"demands the field `{name}`, and this has none") if lacks else None
    if refuses(wanted.type, found.type):
        return Misfit("record", f"is {describe(wanted.type)}, and this is {describe(found.type)}", name)
    inner = misfit(wanted.type, found.type)
    if inner is not None:
        return Misfit(inner.kind, inner.message, name + _after(inner.path))
    if ANY in (wanted.type, found.type):
        return None
    if (found.nullable and not wanted.nullable) or (
        wanted.required and not found.required and not wanted.nullable
    ):
        return Misfit("null", "may be null, and null is not taken there", name)
    return None


def _after(path: str) -> str:
    return path if not path or path.startswith("[") else f".{path}"
