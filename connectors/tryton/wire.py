"""How Tryton writes values in JSON: dates, instants, amounts and durations are records that name their class.

An exact number is `{"__class__": "Decimal", "decimal": "150.00"}`; a bare JSON number is a binary float on
the other side, so amounts never travel as one. Instants have no zone there and are UTC. A duration is handed
on as hours.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import MappingProxyType

from engine.connect import Value

SECONDS_IN_HOUR = 3_600


def to_wire(value: Value) -> Value:
    """A value as Tryton reads it; what names its class already is left alone."""
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": format(value, "f")}
        case datetime():
            at = value.astimezone(UTC)
            clock = {"hour": at.hour, "minute": at.minute, "second": at.second, "microsecond": at.microsecond}
            return {"__class__": "datetime", "year": at.year, "month": at.month, "day": at.day, **clock}
        case date():
            return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
        case Mapping() if "__class__" not in value:
            return {key: to_wire(item) for key, item in value.items()}
        case list() | tuple():
            return [to_wire(item) for item in value]
        case _:
            return value


def duration(hours: Decimal) -> Mapping[str, Value]:
    """A number of hours as a duration."""
    return {"__class__": "timedelta", "seconds": hours * SECONDS_IN_HOUR}


def from_wire(value: Value) -> Value:
    """What Tryton wrote, as a value.

    Raises:
        LookupError, ValueError, ArithmeticError: for a record that names a class and is none of it.

    """
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    inner = {key: from_wire(item) for key, item in value.items()}
    made = _MAKERS.get(str(inner.get("__class__")))
    return made(inner) if made else inner


def _number(item: Mapping[str, Value], key: str) -> int:
    return int(str(item[key]))


def _date(item: Mapping[str, Value]) -> date:
    return date(_number(item, "year"), _number(item, "month"), _number(item, "day"))


def _instant(item: Mapping[str, Value]) -> datetime:
    hour, minute, second = (_number(item, key) for key in ("hour", "minute", "second"))
    clock = time(hour, minute, second, _number(item, "microsecond"), tzinfo=UTC)
    return datetime.combine(_date(item), clock)


def _hours(item: Mapping[str, Value]) -> Decimal:
    return Decimal(str(item["seconds"])) / SECONDS_IN_HOUR


_MAKERS: Mapping[str, Callable[[Mapping[str, Value]], Value]] = MappingProxyType(
    {
        "Decimal": lambda item: Decimal(str(item["decimal"])),
        "date": _date,
        "datetime": _instant,
        "timedelta": _hours,
    }
)
