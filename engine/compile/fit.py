"""Whether a value of one type can stand where another is wanted.

Only what surely goes wrong is said: where little is known, the check happens when the flow runs.
"""

from engine.values.type import Enum, Listing, Record, Scalar, Type

_NUMBERS = ("integer", "decimal")
_TEXTS = ("string", "date", "datetime")


def contradicts(wanted: Type, found: Type) -> bool:
    """Whether no value is of both types, as they are inside of a flow."""
    match wanted, found:
        case Record(), Record():
            return bool(wanted.name) and bool(found.name) and wanted.name != found.name
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
