"""The functions of paths: JMESPath's own, on exact numbers, dates and instants.

Differences from the library, all on purpose: sums are exact and an average has at least 28 digits; text that
spells infinity or no number is null to `to_number`; a date or an instant is a scalar of type "string" that is
ordered among its own kind, and text to no function but `to_string`; every argument of `merge` is checked.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException, Inexact, localcontext
from types import MappingProxyType
from typing import cast

from engine.language.budget import MAX_DIGITS, MAX_EXPONENT, MAX_LIST, MAX_TEXT, PRECISION, bounded_text
from engine.language.compiled import EvaluationError
from engine.values.json_text import write_json
from engine.values.value import Value, kind_of

NUMBERS = frozenset({int, Decimal})
"""The types of numbers; true and false are none."""

EXPRESSION = "an expression"
"""The parameter that takes `&...`; the function is called with the results for each element instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFunction:
    """A function that a path may call; ``example`` is a path that gives ``gives`` (JSON) on anything."""

    name: str
    parameters: tuple[str, ...]  # what each argument is, as said to a person
    call: Callable[..., Value]
    summary: str
    example: str
    gives: str
    repeated: bool = False  # the last parameter may be given any number of times


def flattened(items: Sequence[Value]) -> list[Value]:
    """The elements of the lists in a list, beside its other elements."""
    result: list[Value] = []
    for item in items:
        if type(item) is list:
            result.extend(item)
        else:
            result.append(item)
        if len(result) > MAX_LIST:
            too_many()
    return result


def too_many() -> None:
    """Refuse a result with more elements than a path may produce."""
    raise EvaluationError(f"the path gives more than {MAX_LIST:,} elements")


def not_a_list(name: str, value: Value) -> None:
    """Refuse an argument whose elements were to be gone through."""
    _refuse(name, "a list", value)


def ordered(left: Value, operator: str, right: Value) -> bool | None:
    """`left < right` and its like: null unless both have an order."""
    kinds = (_order_of(left), _order_of(right))
    if None in kinds:
        return None
    if kinds[0] != kinds[1]:
        raise EvaluationError(f"cannot tell whether {kinds[0]} comes before {kinds[1]}")
    return _ORDER[operator](left, right)


_ORDER: Mapping[str, Callable[[object, object], bool]] = MappingProxyType(
    {
        "<": lambda left, right: cast("int", left) < cast("int", right),
        "<=": lambda left, right: cast("int", left) <= cast("int", right),
        ">": lambda left, right: cast("int", left) > cast("int", right),
        ">=": lambda left, right: cast("int", left) >= cast("int", right),
    }
)


def _order_of(value: Value) -> str | None:
    """The kind of things among which a value has an order."""
    if type(value) in NUMBERS:
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, datetime):
        return "a date and time"
    return "a date" if isinstance(value, date) else None


def _refuse(name: str, wanted: str, value: Value) -> None:
    raise EvaluationError(f"{name}() takes {wanted}, but was given {kind_of(value)}")


def _number(name: str, value: Value) -> int | Decimal:
    if type(value) not in NUMBERS:
        _refuse(name, "a number", value)
    return cast("int | Decimal", value)


def _text(name: str, value: Value) -> str:
    if not isinstance(value, str):
        _refuse(name, "text", value)
    return cast("str", value)


def _list(name: str, value: Value, wanted: str = "a list") -> list[Value]:
    if type(value) is not list:
        _refuse(name, wanted, value)
    return cast("list[Value]", value)


def _record(name: str, value: Value) -> dict[str, Value]:
    if type(value) is not dict:
        _refuse(name, "a record", value)
    return cast("dict[str, Value]", value)


def _all_of(name: str, wanted: str, items: Iterable[Value], fits: Callable[[Value], bool]) -> None:
    for number, item in enumerate(items, 1):
        if not fits(item):
            raise EvaluationError(f"{name}() takes {wanted}, but item {number} is {kind_of(item)}")


def _numbers(name: str, value: Value) -> list[int | Decimal]:
    items = _list(name, value, "a list of numbers")
    if not NUMBERS.issuperset(map(type, items)):
        _all_of(name, "a list of numbers", items, lambda item: type(item) in NUMBERS)
    return cast("list[int | Decimal]", items)


def _in_order(name: str, items: list[Value], what: str = "item") -> list[int]:
    """The same items, all numbers, all text, all dates or all instants, typed as something with an order."""
    kinds = set(map(type, items))
    if not (kinds <= NUMBERS or kinds == {str}):
        first = _order_of(items[0])
        if first is None:
            raise EvaluationError(
                f"{name}() orders numbers, texts or dates, but {what} 1 is {kind_of(items[0])}"
            )
        for number, item in enumerate(items, 1):
            if _order_of(item) != first:
                raise EvaluationError(f"{name}() began with {first}, but {what} {number} is {kind_of(item)}")
    return cast("list[int]", items)


_KEY = "what the expression gives for item"


def _abs(value: Value) -> Value:
    number = _number("abs", value)
    return number.copy_abs() if isinstance(number, Decimal) else abs(number)


def _ceil(value: Value) -> Value:
    return math.ceil(_number("ceil", value))


def _floor(value: Value) -> Value:
    return math.floor(_number("floor", value))


def _total(name: str, items: list[int | Decimal]) -> int | Decimal:
    """The exact sum."""
    if not any(isinstance(item, Decimal) for item in items):
        return sum(items)
    # Wide enough for any two numbers that are read: 1e1000 and 1e-1000 lie 2,000 digits apart.
    with localcontext(Context(prec=2 * MAX_EXPONENT + MAX_DIGITS, traps=[Inexact])):
        try:
            return sum(items)
        except DecimalException as error:
            raise EvaluationError(f"{name}() cannot be exact: the numbers have too many digits") from error


def _sum(value: Value) -> Value:
    return _total("sum", _numbers("sum", value))


def _avg(value: Value) -> Value:
    items = _numbers("avg", value)
    if not items:
        return None
    total = Decimal(_total("avg", items))
    digits = max(PRECISION, len(total.as_tuple().digits) + len(str(len(items))))
    return Context(prec=digits, rounding=ROUND_HALF_EVEN).divide(total, Decimal(len(items)))


def _max(value: Value) -> Value:
    items = _in_order("max", _list("max", value))
    return max(items) if items else None


def _min(value: Value) -> Value:
    items = _in_order("min", _list("min", value))
    return min(items) if items else None


def _sort(value: Value) -> Value:
    return sorted(_in_order("sort", _list("sort", value)))


def _sort_by(items: list[Value], keys: list[Value]) -> Value:
    order = _in_order("sort_by", keys, _KEY)
    return [items[index] for index in sorted(range(len(items)), key=order.__getitem__)]


def _max_by(items: list[Value], keys: list[Value]) -> Value:
    order = _in_order("max_by", keys, _KEY)
    return items[max(range(len(items)), key=order.__getitem__)] if items else None


def _min_by(items: list[Value], keys: list[Value]) -> Value:
    order = _in_order("min_by", keys, _KEY)
    return items[min(range(len(items)), key=order.__getitem__)] if items else None


def _map(results: list[Value], _items: list[Value]) -> Value:
    return results


def _not_null(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


def _to_array(value: Value) -> Value:
    return value if type(value) is list else [value]


def _to_string(value: Value) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return write_json(value).decode().strip('"')
    # The library writes pure ASCII; a value that is more than a text is more than its bytes in any case.
    if _leaves(value) > MAX_TEXT:
        bounded_text(" " * (MAX_TEXT + 1))
    return bounded_text(_NOT_PLAIN.sub(_escaped, write_json(value).decode()))


_NOT_PLAIN = re.compile(r"[^\x00-\x7e]")


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _leaves(value: Value) -> int:
    """How many values a value is made of, counted no further than a text may be long."""
    found, waiting = 0, [value]
    while waiting and found <= MAX_TEXT:
        found += 1
        item = waiting.pop()
        if type(item) is dict:
            waiting.extend(item.values())
        elif type(item) is list:
            waiting.extend(item)
    return found


def _to_number(value: Value) -> Value:
    if type(value) in NUMBERS:
        return value
    if not isinstance(value, str) or len(value) > MAX_DIGITS:
        return None
    text = value.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        return None
    number = _decimal(text)
    return number if number is not None and abs(number.adjusted()) <= MAX_EXPONENT else None


def _decimal(text: str) -> Decimal | None:
    # An exponent of a thousand digits is refused by Decimal itself.
    try:
        number = Decimal(text)
    except DecimalException:
        return None
    return number if number.is_finite() else None


# What Python reads as an int or a float, which is what the library hands the text to.
_WHOLE = re.compile(r"[-+]?\d+(_\d+)*")
_NUMBER = re.compile(r"[-+]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)([eE][-+]?\d+(_\d+)*)?")


def _type(value: Value) -> Value:
    if value is None:
        return "null"
    if type(value) is bool:
        return "boolean"
    if type(value) in NUMBERS:
        return "number"
    if type(value) is list:
        return "array"
    return "object" if type(value) is dict else "string"


def _contains(subject: Value, search: Value) -> Value:
    if isinstance(subject, str):
        return _text("contains", search) in subject
    return search in _list("contains", subject, "a list or text")


def _length(value: Value) -> Value:
    if isinstance(value, str) or type(value) is list or type(value) is dict:
        return len(value)
    _refuse("length", "text, a list or a record", value)
    return None


def _starts_with(text: Value, start: Value) -> Value:
    return _text("starts_with", text).startswith(_text("starts_with", start))


def _ends_with(text: Value, end: Value) -> Value:
    return _text("ends_with", text).endswith(_text("ends_with", end))


def _join(glue: Value, texts: Value) -> Value:
    wanted = "a list of texts"
    between, items = _text("join", glue), _list("join", texts, wanted)
    _all_of("join", wanted, items, lambda item: isinstance(item, str))
    parts = cast("list[str]", items)
    if sum(map(len, parts)) + len(between) * len(parts) > MAX_TEXT + len(between):
        raise EvaluationError(f"join() gives a text of more than {MAX_TEXT:,} characters")
    return between.join(parts)


def _reverse(value: Value) -> Value:
    if isinstance(value, str):
        return value[::-1]
    return _list("reverse", value, "a list or text")[::-1]


def _keys(value: Value) -> Value:
    return list(_record("keys", value))


def _values(value: Value) -> Value:
    return list(_record("values", value).values())


def _merge(*records: Value) -> Value:
    merged: dict[str, Value] = {}
    for record in records:
        merged.update(_record("merge", record))
    return merged


def _function(
    call: Callable[..., Value],
    parameters: Sequence[str],
    summary: str,
    shown: tuple[str, str],
    *,
    repeated: bool = False,
) -> PathFunction:
    return PathFunction(
        name=call.__name__.strip("_"),
        parameters=tuple(parameters),
        call=call,
        summary=summary,
        example=shown[0],
        gives=shown[1],
        repeated=repeated,
    )


_ALL = (
    _function(_abs, ["a number"], "The number without its sign.", ("abs(`-1.50`)", "1.50")),
    _function(_avg, ["a list of numbers"], "The mean; null for no numbers.", ("avg(`[1, 2]`)", "1.5")),
    _function(_ceil, ["a number"], "The next whole number upwards.", ("ceil(`1.2`)", "2")),
    _function(
        _contains,
        ["a list or text", "anything"],
        "Whether a list has an element, or a text a part.",
        ("contains('Acme AG', 'AG')", "true"),
    ),
    _function(
        _ends_with, ["text", "text"], "Whether a text ends so.", ("ends_with('a.csv', '.csv')", "true")
    ),
    _function(_floor, ["a number"], "The next whole number downwards.", ("floor(`1.8`)", "1")),
    _function(
        _join, ["text", "a list of texts"], "Texts in one, with glue.", ('join(`"-"`, `["a", "b"]`)', '"a-b"')
    ),
    _function(_keys, ["a record"], "The names in a record.", ('keys(`{"a": 1}`)', '["a"]')),
    _function(
        _length,
        ["text, a list or a record"],
        "How many characters, elements or names.",
        ("length('abc')", "3"),
    ),
    _function(
        _map,
        [EXPRESSION, "a list"],
        "What the expression gives for each element, null too.",
        ('map(&a, `[{"a": 1}, {}]`)', "[1, null]"),
    ),
    _function(
        _max,
        ["a list of numbers or texts"],
        "The greatest; null for an empty list.",
        ("max(`[1, 2.5]`)", "2.5"),
    ),
    _function(
        _max_by,
        ["a list", EXPRESSION],
        "The element for which the expression is greatest.",
        ('max_by(`[{"a": 1}, {"a": 2}]`, &a)', '{"a": 2}'),
    ),
    _function(
        _merge,
        ["a record"],
        "One record out of several; a later one wins.",
        ('merge(`{"a": 1}`, `{"b": 2}`)', '{"a": 1, "b": 2}'),
        repeated=True,
    ),
    _function(
        _min, ["a list of numbers or texts"], "The least; null for an empty list.", ("min(`[1, 0.5]`)", "0.5")
    ),
    _function(
        _min_by,
        ["a list", EXPRESSION],
        "The element for which the expression is least.",
        ('min_by(`[{"a": 1}, {"a": 2}]`, &a)', '{"a": 1}'),
    ),
    _function(
        _not_null,
        ["anything"],
        "The first that is not null.",
        ("not_null(`null`, 'b')", '"b"'),
        repeated=True,
    ),
    _function(_reverse, ["a list or text"], "The other way round.", ("reverse('abc')", '"cba"')),
    _function(_sort, ["a list of numbers or texts"], "In ascending order.", ("sort(`[2, 1.5]`)", "[1.5, 2]")),
    _function(
        _sort_by,
        ["a list", EXPRESSION],
        "In ascending order of what the expression gives.",
        ('sort_by(`[{"a": 2}, {"a": 1}]`, &a)[*].a', "[1, 2]"),
    ),
    _function(
        _starts_with, ["text", "text"], "Whether a text starts so.", ("starts_with('PRJ-1', 'PRJ')", "true")
    ),
    _function(
        _sum, ["a list of numbers"], "The exact total; 0 for no numbers.", ("sum(`[0.1, 0.2]`)", "0.3")
    ),
    _function(
        _to_array,
        ["anything"],
        "A list as it is, anything else as its only element.",
        ("to_array('a')", '["a"]'),
    ),
    _function(
        _to_number, ["anything"], "The number that a text spells, or null.", ("to_number('1.50')", "1.50")
    ),
    _function(
        _to_string,
        ["anything"],
        "Text as it is, a date in ISO 8601, anything else as JSON.",
        ("to_string(`[1.50]`)", '"[1.50]"'),
    ),
    _function(
        _type,
        ["anything"],
        "string (dates too), number, boolean, array, object or null.",
        ("type(`1.5`)", '"number"'),
    ),
    _function(_values, ["a record"], "The values in a record.", ('values(`{"a": 1}`)', "[1]")),
)

PATH_FUNCTIONS: Mapping[str, PathFunction] = MappingProxyType({one.name: one for one in _ALL})
"""All functions of paths by name."""
