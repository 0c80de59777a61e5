"""Whether what was found is what was expected: in part, or exactly where the test says so.

The words of an expectation: `$absent` (is not there), `$any` (is there, whatever it is), `{$exact: true,
...}` (the record, and those in it, have no other fields), `{$contains: ...}` (a text with this part, a list
with these items among others), `{$unordered: [...]}` (these items in any order), `{$near: 10, within: 0.01}`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, TypeAlias

from engine.values.instant import in_utc
from engine.values.json_text import instant_text, write_json
from engine.values.value import Value

ABSENT = "$absent"
ANY = "$any"
EXACT = "$exact"
CONTAINS = "$contains"
UNORDERED = "$unordered"
NEAR = "$near"
WITHIN = "within"


class Missing:
    """Stands for a field that is not there."""


MISSING = Missing()

Found: TypeAlias = "Value | Missing"
Path = tuple[str | int, ...]


class Difference(NamedTuple):
    """One value that is not as expected."""

    path: Path
    expected: Found
    found: Found
    wanted: str | None = None  # what is expected, in words, where it is not just a value


def differences(
    expected: Value, found: Found, path: Path = (), *, exact: bool = False
) -> Iterator[Difference]:
    """What differs.

    Records are compared by the fields that are expected, lists item by item. Numbers are equal as numbers,
    and a text equals a number, a date or an instant that it writes down.
    """
    if isinstance(expected, Mapping):
        yield from _record(expected, found, path, exact=exact)
    elif expected == ABSENT and isinstance(expected, str):
        if not isinstance(found, Missing):
            yield Difference(path, MISSING, found)
    elif isinstance(found, Missing):
        yield Difference(path, expected, found, "something" if expected == ANY else None)
    elif isinstance(expected, list) and isinstance(found, list):
        yield from _list(expected, found, path, exact=exact)
    elif expected != ANY and not _same(expected, found):
        yield Difference(path, expected, found)


def _record(expected: Mapping[str, Value], found: Found, path: Path, *, exact: bool) -> Iterator[Difference]:
    if CONTAINS in expected:
        yield from _containing(expected[CONTAINS], found, path, exact=exact)
    elif UNORDERED in expected:
        yield from _unordered(expected[UNORDERED], found, path, exact=exact)
    elif NEAR in expected:
        yield from _near(expected, found, path)
    elif not isinstance(found, Mapping):
        yield Difference(path, expected, found)
    else:
        exact = expected.get(EXACT, exact) is True
        for key, value in expected.items():
            if key != EXACT:
                yield from differences(value, found.get(key, MISSING), (*path, key), exact=exact)
        if exact:
            others = [key for key in found if key not in expected]
            yield from (Difference((*path, key), MISSING, found[key]) for key in others)


def _list(expected: list[Value], found: list[Value], path: Path, *, exact: bool) -> Iterator[Difference]:
    for index, (one, other) in enumerate(zip(expected, found, strict=False)):
        yield from differences(one, other, (*path, index), exact=exact)
    for index in range(len(found), len(expected)):
        yield Difference((*path, index), expected[index], MISSING)
    for index in range(len(expected), len(found)):
        yield Difference((*path, index), MISSING, found[index])


def _containing(wanted: Value, found: Found, path: Path, *, exact: bool) -> Iterator[Difference]:
    if isinstance(found, str) and isinstance(wanted, str):
        if wanted not in found:
            yield Difference(path, wanted, found, f"a text with {_shown(wanted)} in it")
        return
    items = wanted if isinstance(wanted, list) else [wanted]
    if not isinstance(found, list):
        yield Difference(path, wanted, found, f"a list with {_shown(wanted)} in it")
        return
    for item in _unpaired(items, found, exact=exact)[0]:
        yield Difference(path, wanted, found, f"a list with {_shown(item)} in it")


def _unordered(wanted: Value, found: Found, path: Path, *, exact: bool) -> Iterator[Difference]:
    if not isinstance(found, list) or not isinstance(wanted, list):
        yield Difference(path, wanted, found)
        return
    missing, others = _unpaired(wanted, found, exact=exact)
    if missing or others:
        yield Difference(
            path, wanted, others, f"in any order: {_shown(missing)}" if missing else "no other items"
        )


def _unpaired(
    wanted: Sequence[Value], found: Sequence[Value], *, exact: bool
) -> tuple[list[Value], list[Value]]:
    """The items that nothing found fits, and what was found and fits none; the best pairing counts."""
    fits = [
        [place for place, other in enumerate(found) if not any(differences(one, other, exact=exact))]
        for one in wanted
    ]
    taken: dict[int, int] = {}  # what is found, by place, to what it is taken for

    def take(one: int, tried: set[int]) -> bool:
        for place in fits[one]:
            if place not in tried:
                tried.add(place)
                if place not in taken or take(taken[place], tried):
                    taken[place] = one
                    return True
        return False

    missing = [wanted[one] for one in range(len(wanted)) if not take(one, set())]
    return missing, [other for place, other in enumerate(found) if place not in taken]


def _near(expected: Mapping[str, Value], found: Found, path: Path) -> Iterator[Difference]:
    target, within = _decimal(expected[NEAR]), _decimal(expected.get(WITHIN, 0))
    number = None if isinstance(found, Missing | bool) else _decimal(found)
    if number is None or target is None or within is None or abs(number - target) > within:
        said = f"{_shown(expected[NEAR])}, or {_shown(expected.get(WITHIN, 0))} more or less"
        yield Difference(path, expected[NEAR], found, said)


def _shown(value: Value) -> str:
    return write_json(value).decode()


def _same(expected: Value, found: Value) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, str):
        return _writes(expected, found)
    return (type(expected) is type(found) and expected == found) or _equal_numbers(expected, found)


def _equal_numbers(expected: Value, found: Value) -> bool:
    numbers = isinstance(expected, int | Decimal) and isinstance(found, int | Decimal)
    return numbers and expected == found


def _writes(text: str, found: Value) -> bool:
    """Whether a text is a value, or writes it down."""
    match found:
        case str():
            return text == found
        case int() | Decimal():
            return _decimal(text) == found
        case datetime():
            return _instant(text) == found
        case date():
            return text == found.isoformat()
        case _:
            return False


def _decimal(value: Value) -> Decimal | None:
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if not isinstance(value, str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo is None else in_utc(found)
    except ValueError:
        return None


def as_shown(value: Value) -> Value:
    """A value with dates as the text in which they are compared and shown."""
    match value:
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {key: as_shown(item) for key, item in value.items()}
        case list():
            return [as_shown(item) for item in value]
        case _:
            return value


def recorded(expected: Value, found: Found, *, exact: bool = False) -> Value:
    """What to expect instead, so that it is as expected: the same fields, and words that still hold."""
    if isinstance(found, Missing):
        return ABSENT
    if not any(differences(expected, found, exact=exact)):
        return expected
    if isinstance(expected, Mapping) and isinstance(found, Mapping) and not _is_word(expected):
        return _recorded_fields(expected, found, exact=exact)
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [recorded(one, other, exact=exact) for one, other in zip(expected, found, strict=True)]
    return as_shown(found)


def _is_word(expected: Mapping[str, Value]) -> bool:
    return not expected.keys().isdisjoint((CONTAINS, UNORDERED, NEAR))


def _recorded_fields(
    expected: Mapping[str, Value], found: Mapping[str, Value], *, exact: bool
) -> dict[str, Value]:
    exact = expected.get(EXACT, exact) is True
    kept = {
        key: value if key == EXACT else recorded(value, found.get(key, MISSING), exact=exact)
        for key, value in expected.items()
    }
    if exact:
        kept = {key: value for key, value in kept.items() if value != ABSENT}
        kept |= {key: as_shown(value) for key, value in found.items() if key not in expected}
    return kept
