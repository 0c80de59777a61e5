"""Functions on lists; a set is taken as a list in ascending order."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cmp_to_key, partial
from itertools import chain

from engine.language import formula_operators as operators
from engine.language.budget import bounded_length
from engine.language.compiled import EvaluationError
from engine.language.functions.arguments import Argument, expected, listing, size, text
from engine.language.functions.spec import FunctionSpec, Parameter
from engine.language.known import UNKNOWN, Known, join
from engine.values.type import ANY, BOOLEAN, DECIMAL, INTEGER, STRING, Listing, Record
from engine.values.value import Value

_LIST = Parameter(name="list", type=Listing(item=ANY))
_PRESENT = Parameter(name="list", type=Listing(item=ANY), items_present=True)
_COUNTED = Parameter(name="value", type=Listing(item=ANY), others=(Record(name=""), STRING))
_LISTED = Parameter(name="value", type=Listing(item=ANY), others=(Record(name=""),), optional=True)
_function = partial(FunctionSpec, family="lists")


def _count(value: Argument) -> int:
    if isinstance(value, str | list | tuple | dict | frozenset):
        return len(value)
    raise expected("a list, record or text", value)


def _end(values: Argument, index: int, others: Sequence[Argument]) -> Argument:
    items = listing(values)
    if items:
        return items[index]
    if others:
        return others[0]
    raise EvaluationError("the list is empty; give a second argument for that case")


def _sort(values: Argument, field: Argument = "", descending: Argument = None) -> list[Value]:
    if not isinstance(descending, bool | None):
        raise expected("true or false", descending)
    rows = [(operators.field_of(item, text(field)) if field else item, item) for item in listing(values)]
    by_key = cmp_to_key(_order)
    rows.sort(key=lambda row: by_key(row[0]), reverse=bool(descending))
    return [item for _, item in rows]


def _order(left: Argument, right: Argument) -> int:
    return operators.greater(left, right) - operators.less(left, right)


def _unique(values: Argument) -> list[Value]:
    found: list[Value] = []
    seen: set[object] = set()
    for value in listing(values):
        if isinstance(value, list | dict):
            if value not in found:
                found.append(value)
        elif (isinstance(value, bool), value) not in seen:
            seen.add((isinstance(value, bool), value))
            found.append(value)
    return found


def _flatten(values: Argument) -> list[Value]:
    inner = [listing(value) for value in listing(values)]
    bounded_length(sum(map(len, inner)))
    return list(chain.from_iterable(inner))


def _range(start: Argument, stop: Argument = None) -> list[int]:
    if stop is None:
        return list(range(size(start)))
    size(abs(_place(stop) - _place(start)))
    return list(range(_place(start), _place(stop)))


def _place(value: Argument) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise expected("a whole number", value)


def _zip(*lists: Argument) -> list[list[Value]]:
    rows = [listing(one) for one in lists]
    if len({len(row) for row in rows}) > 1:
        raise EvaluationError("lists of the same length are needed")
    return [list(row) for row in zip(*rows, strict=True)]


def _list(value: Argument = ()) -> list[Value]:
    return list(value) if isinstance(value, dict) else list(listing(value))


def _set(value: Argument = ()) -> frozenset[Value]:
    return operators.make_set(_list(value))


def _same_list(given: Sequence[Known]) -> Known:
    kind = given[0].type if given else ANY
    return Known(type=kind if isinstance(kind, Listing) else Listing(item=ANY))


def _one_item(given: Sequence[Known]) -> Known:
    item = _item(given[0])
    return join((item, given[1])) if len(given) > 1 else item


def _item(known: Known) -> Known:
    kind = known.type
    return Known(type=kind.item, nullable=kind.nullable) if isinstance(kind, Listing) else UNKNOWN


def _list_of(given: Sequence[Known]) -> Known:
    """A list of a list, or of the keys of a record."""
    kind = given[0].type if given else ANY
    return Known(type=Listing(item=STRING)) if isinstance(kind, Record) else _same_list(given)


def _flat(given: Sequence[Known]) -> Known:
    return _same_list([_item(given[0])])


def _rows(given: Sequence[Known]) -> Known:
    items = [_item(one) for one in given]
    item = join(items)
    row = Listing(item=ANY if UNKNOWN in items else item.type, nullable=item.nullable)
    return Known(type=Listing(item=row))


_ELSE = Parameter(name="otherwise", type=ANY, optional=True, nullable=True)

LISTS = (
    _function(
        name="any",
        parameters=(_LIST,),
        result=BOOLEAN,
        summary="Whether one item is true.",
        call=operators.any_true,
        examples=(("any([False, True])", "True"), ("any(n > 1 for n in [1])", "False")),
    ),
    _function(
        name="all",
        parameters=(_LIST,),
        result=BOOLEAN,
        summary="Whether every item is true; also when there is none.",
        call=operators.all_true,
        examples=(("all([])", "True"), ("all(n > 1 for n in [1, 2])", "False")),
    ),
    _function(
        name="len",
        aliases=("length", "count"),
        parameters=(_COUNTED,),
        result=INTEGER,
        summary="The number of items, fields or characters.",
        call=_count,
        examples=(("len([1, 2])", "2"), ("len('abc')", "3")),
    ),
    _function(
        name="first",
        parameters=(_LIST, _ELSE),
        result=ANY,
        result_of=_one_item,
        summary="The first item of a list; of an empty one, the second argument.",
        call=lambda values, *others: _end(values, 0, others),
        examples=(("first([1, 2])", "1"), ("first([], 0)", "0")),
    ),
    _function(
        name="last",
        parameters=(_LIST, _ELSE),
        result=ANY,
        result_of=_one_item,
        summary="The last item of a list; of an empty one, the second argument.",
        call=lambda values, *others: _end(values, -1, others),
        examples=(("last([1, 2])", "2"), ("last([], None)", "None")),
    ),
    _function(
        name="sort",
        aliases=("sorted",),
        parameters=(
            _PRESENT,
            Parameter(name="field", type=STRING, optional=True),
            Parameter(name="descending", type=BOOLEAN, optional=True),
        ),
        result=Listing(item=ANY),
        result_of=_same_list,
        summary="The list in ascending order, or records by one of their fields; equals keep their order.",
        call=_sort,
        examples=(
            ("sort([3, 1, 2])", "[1, 2, 3]"),
            ("sort([{'d': 1}, {'d': 2}], 'd', True)", "[{'d': 2}, {'d': 1}]"),
        ),
    ),
    _function(
        name="unique",
        parameters=(_LIST,),
        result=Listing(item=ANY),
        result_of=_same_list,
        summary="Each item once, where it stood first.",
        call=_unique,
        examples=(("unique([2, 1, 2])", "[2, 1]"),),
    ),
    _function(
        name="reverse",
        aliases=("reversed",),
        parameters=(_LIST,),
        result=Listing(item=ANY),
        result_of=_same_list,
        summary="The list from its end to its beginning.",
        call=lambda values: list(listing(values))[::-1],
        examples=(("reverse([1, 2])", "[2, 1]"),),
    ),
    _function(
        name="flatten",
        parameters=(_PRESENT,),
        result=Listing(item=ANY),
        result_of=_flat,
        summary="The items of the lists in a list.",
        call=_flatten,
        examples=(("flatten([[1], [2, 3]])", "[1, 2, 3]"),),
    ),
    _function(
        name="range",
        parameters=(
            Parameter(name="start", type=INTEGER),
            Parameter(name="stop", type=INTEGER, optional=True),
        ),
        result=Listing(item=INTEGER),
        summary="The whole numbers from 0, or a start, up to but without the stop.",
        call=_range,
        examples=(("range(3)", "[0, 1, 2]"), ("range(2, 4)", "[2, 3]")),
    ),
    _function(
        name="zip",
        parameters=(_LIST, Parameter(name="more", type=Listing(item=ANY), repeated=True)),
        result=Listing(item=Listing(item=ANY)),
        result_of=_rows,
        summary="The first items of several lists, the second ones, and so on.",
        call=_zip,
        examples=(("zip([1, 2], ['a', 'b'])", "[[1, 'a'], [2, 'b']]"),),
    ),
    _function(
        name="list",
        parameters=(_LISTED,),
        result=Listing(item=ANY),
        result_of=_list_of,
        summary="A list from a set in ascending order, or from the keys of a record.",
        call=_list,
        examples=(("list({2, 1})", "[1, 2]"), ("list({'a': 1})", "['a']")),
    ),
    _function(
        name="set",
        parameters=(_LISTED,),
        result=Listing(item=ANY),
        result_of=_list_of,
        summary="The different items of a list, to compare them whatever their order.",
        call=_set,
        examples=(("set([1, 2, 1]) == set([2, 1])", "True"),),
    ),
    _function(
        name="average",
        parameters=(_PRESENT,),
        result=DECIMAL,
        summary="The mean of a list of numbers, to 28 digits; the list may not be empty.",
        call=lambda values: _average(listing(values)),
        examples=(("average([1, 2])", "1.5"),),
    ),
)


def _average(values: Sequence[Argument]) -> Decimal:
    if not values:
        raise EvaluationError("an empty list has no mean")
    total: Argument = 0
    for value in values:
        total = operators.add(total, value)
    return operators.EXACT.divide(total, len(values))
