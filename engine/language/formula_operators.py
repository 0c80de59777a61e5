"""What the operators of a formula do: the reference that the fast forms in generated code must equal.

Each takes its operands and, when a message is being made, the texts they were read from. Numbers
are int or Decimal and exact where the result has at most 28 digits; no operation depends on the
decimal context of the thread. ``//`` and ``%`` of all numbers are those of Python's integers: the
quotient is rounded down, and the remainder has the sign of the divisor (Python's own Decimal
rounds towards zero).
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, TypeAlias

from engine.language.budget import (
    MAX_BITS,
    MAX_EXPONENT,
    MAX_LIST,
    MAX_POWER,
    PRECISION,
    bounded_characters,
    bounded_integer,
    bounded_length,
    bounded_text,
    charge,
)
from engine.language.compiled import EvaluationError
from engine.language.text import text_of
from engine.problems.suggest import near_names
from engine.values.value import kind_of

Names: TypeAlias = Sequence[str]  # the texts that operands were read from, or nothing
Operand: TypeAlias = Any  # a value or a set; each operation looks at what it is given

EXACT = Context(
    prec=PRECISION,
    rounding=ROUND_HALF_EVEN,
    Emin=-MAX_EXPONENT,
    Emax=MAX_EXPONENT,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
ORDERED = frozenset({int, Decimal, str, date, datetime})  # two of the same one of these have an order

_PLAIN_NUMBERS = frozenset({int, Decimal})


def is_number(value: object) -> bool:
    """Whether arithmetic is possible with it: true and false are no numbers."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _as_whole(value: Operand) -> int | None:
    """The whole number that a value is, 3.00 too: whether a sum is int or Decimal is nobody's business."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value if _is_whole(value) else None


def named(names: Names, index: int, value: object) -> str:
    """An operand as a message names it: its text where there is one, and what it is."""
    if index >= len(names):
        return "null" if value is None else a_kind(value)
    return f"`{names[index]}` is null" if value is None else f"`{names[index]}` is {a_kind(value)}"


def a_kind(value: object) -> str:
    """The kind of a value with its article: `a date`, `text`."""
    if isinstance(value, frozenset | set):
        return "a set"
    kind = kind_of(value)
    return kind if kind in ("text", "null", "true/false") else f"a {kind}"


def _refused(what: str, left: object, right: object, names: Names) -> EvaluationError:
    """An operation that two values do not have."""
    for index, value in enumerate((left, right)):
        if value is None and index < len(names):
            return EvaluationError(f"`{names[index]}` is null")
    where = "; " + ", ".join(named(names, i, v) for i, v in enumerate((left, right))) if names else ""
    return EvaluationError(f"{a_kind(left)} cannot be {what} {a_kind(right)}{where}")


# -- arithmetic


def add(left: Operand, right: Operand, names: Names = ()) -> Operand:
    """The sum of numbers, two texts one after the other, or two lists."""
    kind = type(left)
    if kind is type(right):  # nearly always, and quicker to ask than what follows
        if kind is str:
            return bounded_text(left + right)
        if kind is Decimal:
            return EXACT.add(left, right)
    if _is_whole(left) and _is_whole(right):
        return left + right
    if is_number(left) and is_number(right):
        return EXACT.add(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return bounded_text(left + right)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        bounded_length(len(left) + len(right))
        return [*left, *right]
    raise _refused("added to", left, right, names)


def subtract(left: Operand, right: Operand, names: Names = ()) -> Operand:
    """The difference of numbers, or the whole days from one date to another."""
    if _is_whole(left) and _is_whole(right):
        return left - right
    if is_number(left) and is_number(right):
        return EXACT.subtract(left, right)
    if _is_date(left) and _is_date(right):
        return (left - right).days
    if isinstance(left, datetime) and isinstance(right, datetime):
        raise EvaluationError(
            "instants are not subtracted; use hours_between(start, end) or minutes_between(start, end)"
        )
    if _is_date(left) and is_number(right):
        raise EvaluationError("days are not taken from a date with `-`; use add_days(date, -3)")
    raise _refused("reduced by", left, right, names)


def multiply(left: Operand, right: Operand, names: Names = ()) -> Operand:
    """The product of numbers, or a text or list several times."""
    if type(left) is Decimal and type(right) is Decimal:
        return EXACT.multiply(left, right)
    if _is_whole(left) and _is_whole(right):
        if left.bit_length() + right.bit_length() > MAX_BITS + 1:
            raise EvaluationError("the result of `*` is too large")
        return bounded_integer(left * right)
    if is_number(left) and is_number(right):
        return EXACT.multiply(left, right)
    if isinstance(right, str | list | tuple):
        left, right = right, left
    if isinstance(left, str | list | tuple) and (times := _as_whole(right)) is not None:
        return _repeated(left, max(times, 0))
    raise _refused("multiplied by", left, right, names)


def _repeated(value: str | Sequence[Operand], times: int) -> Operand:
    if isinstance(value, str):
        bounded_characters(len(value) * times)
        return value * times
    bounded_length(len(value) * times)
    return list(value) * times


def divide(left: Operand, right: Operand, names: Names = ()) -> Operand:
    """The quotient, to 28 digits: always a Decimal, never a float."""
    if is_number(left) and is_number(right):
        return EXACT.divide(left, _divisor(right, names))
    raise _refused("divided by", left, right, names)


def floor_divide(left: Operand, right: Operand, names: Names = ()) -> Operand:
    """The quotient rounded down to a whole number."""
    if _is_whole(left) and _is_whole(right):
        return left // _divisor(right, names)
    if is_number(left) and is_number(right):
        return _floor(left, _divisor(right, names))[0]
    raise _refused("divided by", left, right, names)


def remainder(left: Operand, right: Operand, names: Names = ()) -> Operand:
    """What is left of a division rounded down; it has the sign of the divisor."""
    if _is_whole(left) and _is_whole(right):
        return left % _divisor(right, names)
    if is_number(left) and is_number(right):
        return _floor(left, _divisor(right, names))[1]
    raise _refused("divided by", left, right, names)


def _divisor(value: Operand, names: Names) -> Operand:
    if not value:
        raise EvaluationError(
            f"`{names[1]}` is 0; nothing can be divided by it" if len(names) > 1 else "divided by 0"
        )
    return value


def _floor(left: Operand, right: Operand) -> tuple[Decimal, Decimal]:
    quotient, rest = EXACT.divmod(left, right)
    if rest and (rest < 0) != (right < 0):
        return EXACT.subtract(quotient, 1), EXACT.add(rest, right)
    return quotient, rest


def power(left: Operand, right: Operand, names: Names = ()) -> Operand:
    """A number to a whole power; a negative power gives a Decimal."""
    if not (is_number(left) and is_number(right)):
        raise _refused("raised to", left, right, names)
    if isinstance(right, Decimal):
        if right != right.to_integral_value():
            raise EvaluationError("the exponent of `**` must be a whole number")
        right = int(right) if abs(right) <= MAX_POWER else MAX_POWER + 1
    if abs(right) > MAX_POWER:
        raise EvaluationError(f"the exponent of `**` is beyond {MAX_POWER:,}")
    if isinstance(left, int) and right >= 0:
        if left.bit_length() * right > 2 * MAX_BITS:
            raise EvaluationError("the result of `**` is too large")
        return bounded_integer(left**right)
    return EXACT.power(left, right) if left or right else 1


def negate(value: Operand, names: Names = ()) -> Operand:
    """The number with the other sign."""
    if _is_whole(value):
        return -value
    if isinstance(value, Decimal):
        return EXACT.minus(value)
    raise EvaluationError(f"{named(names, 0, value)}; only a number has a sign")


def plus(value: Operand, names: Names = ()) -> Operand:
    """The number itself."""
    if is_number(value):
        return value
    raise EvaluationError(f"{named(names, 0, value)}; only a number has a sign")


# -- comparison


def _is_date(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _comparable(left: object, right: object) -> bool:
    if is_number(left):
        return is_number(right)
    if isinstance(left, str):
        return isinstance(right, str)
    if isinstance(left, datetime):
        return isinstance(right, datetime)
    return _is_date(left) and _is_date(right)


def _ordered(compare: Callable[[Operand, Operand], bool]) -> Callable[..., bool]:
    def comparison(left: Operand, right: Operand, names: Names = ()) -> bool:
        # The usual mixture, before the questions that cost more.
        if type(left) in _PLAIN_NUMBERS and type(right) in _PLAIN_NUMBERS:
            return compare(left, right)
        if not _comparable(left, right):
            raise _refused("compared with", left, right, names)
        return compare(left, right)

    return comparison


less = _ordered(operator.lt)
less_or_equal = _ordered(operator.le)
greater = _ordered(operator.gt)
greater_or_equal = _ordered(operator.ge)


def equal(left: Operand, right: Operand, names: Names = ()) -> bool:
    """Whether two values are the same; a date is never silently unequal to text that looks like one."""
    if _is_time(left) != _is_time(right) or (_is_time(left) and _is_date(left) != _is_date(right)):
        if left is None or right is None:
            return False
        raise _refused("compared with", left, right, names)
    return bool(left == right)


def not_equal(left: Operand, right: Operand, names: Names = ()) -> bool:
    """Whether two values differ."""
    return not equal(left, right, names)


def _is_time(value: object) -> bool:
    return isinstance(value, date)  # a datetime is one


def contains(item: Operand, container: Operand, names: Names = ()) -> bool:
    """Whether a list or set has an item, a record a key, a text a part."""
    if isinstance(container, str):
        if not isinstance(item, str):
            raise _refused("looked for in", item, container, names)
        return item in container
    if isinstance(container, Mapping):
        return isinstance(item, str) and item in container
    if isinstance(container, list | tuple | frozenset):
        return _among(item, container, names)
    if container is None and len(names) > 1:
        raise EvaluationError(f"`{names[1]}` is null")
    raise EvaluationError(f"nothing can be looked for in {a_kind(container)}")


def _among(item: Operand, container: Operand, names: Names) -> bool:
    if isinstance(item, list | tuple | dict) and isinstance(container, frozenset):
        raise EvaluationError(f"{a_kind(item)} cannot be in a set")
    if item in container:
        return True
    if item is not None:
        for cls in set(map(type, container)):
            if cls is not type(None) and issubclass(cls, date) is not _is_time(item):
                raise _refused(
                    "compared with", item, next(one for one in container if type(one) is cls), names
                )
            if _is_time(item) and issubclass(cls, datetime) is not isinstance(item, datetime):
                raise _refused(
                    "compared with", item, next(one for one in container if type(one) is cls), names
                )
    return False


def lacks(item: Operand, container: Operand, names: Names = ()) -> bool:
    """Whether something is not in a list, set, record or text."""
    return not contains(item, container, names)


# -- reaching into data


def field_of(record: Operand, name: str, names: Names = ()) -> Operand:
    """The value at a key of a record."""
    if not isinstance(record, Mapping):
        raise EvaluationError(f"{named(names, 0, record)} and has no field `{name}`")
    try:
        return record[name]
    except KeyError:
        raise _missing(record, name, names) from None


def optional_field_of(record: Operand, name: str, names: Names = ()) -> Operand:
    """The value at a key of a record, null when there is none: for fields that their type calls optional."""
    if not isinstance(record, Mapping):
        raise EvaluationError(f"{named(names, 0, record)} and has no field `{name}`")
    return record.get(name)


def _missing(record: Mapping[str, Operand], name: str, names: Names) -> EvaluationError:
    near = near_names(name, record)
    hint = "; near it: " + ", ".join(f"`{one}`" for one in near) if near else ""
    owner = f"`{names[0]}`" if names else "the record"
    return EvaluationError(f"{owner} has no field `{name}`{hint}")


def item_of(container: Operand, key: Operand, names: Names = ()) -> Operand:
    """The item of a list or text at a place, or the value at a key of a record."""
    if isinstance(container, Mapping):
        if not isinstance(key, str):
            raise EvaluationError(f"{named(names, 1, key)}; a key of a record is text")
        return field_of(container, key, names)
    if not isinstance(container, list | tuple | str):
        raise EvaluationError(f"{named(names, 0, container)} and has no items")
    place = _as_whole(key)
    if place is None:
        raise EvaluationError(f"{named(names, 1, key)}; the place of an item is a whole number")
    try:
        return container[place]
    except IndexError:
        owner = f"`{names[0]}`" if names else "it"
        raise EvaluationError(f"there is no item [{place}]; {owner} has {len(container)}") from None


def slice_of(container: Operand, start: Operand, stop: Operand, step: Operand, names: Names = ()) -> Operand:
    """A part of a list or text."""
    if type(container) is str and type(start) is int and type(stop) is int and step is None:
        return container[start:stop]
    if not isinstance(container, list | tuple | str):
        raise EvaluationError(f"{named(names, 0, container)} and has no parts")
    bounds = [None if bound is None else _bound(bound) for bound in (start, stop, step)]
    if bounds[2] == 0:
        raise EvaluationError("the step of a part cannot be 0")
    part = container[slice(*bounds)]
    return list(part) if isinstance(part, tuple) else part


def _bound(value: Operand) -> int:
    place = _as_whole(value)
    if place is None:
        raise EvaluationError(f"{a_kind(value)} cannot be a bound of a part; it is a whole number")
    return place


# -- building


def items(container: Operand, budget: list[int], names: Names = ()) -> Sequence[Operand]:
    """What a `for` goes through: a list, the keys of a record, or a set in ascending order."""
    if type(container) is list or isinstance(container, tuple | list):
        charge(budget, len(container))
        return container
    if isinstance(container, Mapping | frozenset):
        charge(budget, len(container))
        return list(container) if isinstance(container, Mapping) else ordered(container)
    raise EvaluationError(f"{named(names, 0, container)}; `for` goes through a list")


def unpack(value: Operand, count: int) -> Sequence[Operand]:
    """The parts of a list that `for a, b in` names."""
    if not isinstance(value, list | tuple) or len(value) != count:
        raise EvaluationError(f"each item must be a list of {count} to be named by {count} names")
    return value


def ordered(values: frozenset[Operand]) -> list[Operand]:
    """The members of a set, ascending: a set of its own has no order that is the same on every machine."""
    try:
        return sorted(values)
    except TypeError:
        raise EvaluationError("a set of different kinds of values has no order") from None


def make_set(values: Sequence[Operand]) -> frozenset[Operand]:
    """A set of plain values."""
    for value in values:
        if isinstance(value, list | tuple | Mapping | frozenset):
            raise EvaluationError(f"{a_kind(value)} cannot be in a set")
    return frozenset(values)


def text_key(value: Operand, names: Names = ()) -> str:
    """A key of a record that is built."""
    if not isinstance(value, str):
        raise EvaluationError(f"{named(names, 0, value)}; a key of a record is text")
    return value


def joined_text(*parts: str) -> str:
    """The parts of an f-string as one text."""
    return bounded_text("".join(parts))


def text_part(value: Operand, names: Names = ()) -> str:
    """A value inside an f-string."""
    if value is None and names:
        raise EvaluationError(f"`{names[0]}` is null; use default({names[0]}, '...')")
    return text_of(value)


def plain(value: Operand) -> Operand:
    """A result without sets: each becomes a list in ascending order."""
    if isinstance(value, frozenset):
        return ordered(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


def any_true(values: Operand) -> bool:
    """Whether one item is true."""
    return any(_listed(values))


def all_true(values: Operand) -> bool:
    """Whether every item is true."""
    return all(_listed(values))


def _listed(values: Operand) -> Sequence[Operand]:
    if not isinstance(values, list | tuple | frozenset) or len(values) > MAX_LIST:
        raise EvaluationError(f"expected a list, found {a_kind(values)}")
    return list(values)


def found_or_null(record: Operand, name: str) -> Operand:
    """The value at a key, null when the key or the record itself is missing."""
    if record is None:
        return None
    return optional_field_of(record, name)
