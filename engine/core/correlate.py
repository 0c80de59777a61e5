"""What an event and those who wait for it have in common, as a text that an index finds.

Only texts are compared here. Where anything else stands (a number, a date, nothing) there is no such text,
and whoever waits is asked with the whole condition.
"""

from collections.abc import Mapping

from engine.event import Event
from engine.plan.delay import Chain, Match
from engine.values.json_text import write_json
from engine.values.keys import as_key
from engine.values.value import Value


def wanted(match: Match, scope: Mapping[str, Value]) -> str | None:
    """The text of what is waited for; None when it cannot be told by a text."""
    return _text([field for field, _ in match], [_value(scope, own) for _, own in match])


def told(fields: tuple[Chain, ...], event: Event) -> str | None:
    """The text of what an event says in these fields."""
    record: dict[str, Value] = {"type": event.type, "data": event.data}
    return _text(fields, [_value(record, field) for field in fields])


def fields_of(match: Match) -> tuple[Chain, ...]:
    """The fields of the event."""
    return tuple(field for field, _ in match)


def _text(fields: list[Chain] | tuple[Chain, ...], values: list[Value]) -> str | None:
    if not fields or not all(type(value) is str for value in values):
        return None
    pairs = zip(fields, values, strict=True)
    said = (f"{'.'.join(field)} == {write_json(value).decode()}" for field, value in pairs)
    return as_key(" and ".join(said))


def _value(scope: Mapping[str, Value], chain: Chain) -> Value:
    found: Value = scope.get(chain[0])
    for name in chain[1:]:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
