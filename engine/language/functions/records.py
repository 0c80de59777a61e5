"""Functions on records."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from engine.language import formula_operators as operators
from engine.language.functions.arguments import Argument, listing, record, text
from engine.language.functions.spec import FunctionSpec, Parameter
from engine.language.known import UNKNOWN, Known, join
from engine.values.type import ANY, BOOLEAN, NULL, STRING, Enum, Listing, Record
from engine.values.value import Value

_OPEN = Record(name="", open=True)
_RECORD = Parameter(name="record", type=_OPEN)
_KEY = Parameter(name="key", type=STRING)
_KEYS = Parameter(name="keys", type=Listing(item=STRING), items_present=True)
_function = partial(FunctionSpec, family="records")


def _get(value: Argument, key: Argument, otherwise: Argument = None) -> Argument:
    found = record(value).get(text(key))
    return otherwise if found is None else found


def _merge(*values: Argument) -> dict[str, Value]:
    return {key: entry for value in values for key, entry in record(value).items()}


def _pick(value: Argument, keys: Argument) -> dict[str, Value]:
    return {text(key): operators.field_of(value, key) for key in listing(keys)}


def _omit(value: Argument, keys: Argument) -> dict[str, Value]:
    left_out = {text(key) for key in listing(keys)}
    return {key: entry for key, entry in record(value).items() if key not in left_out}


def _either(given: Sequence[Known]) -> Known:
    """The value is there where it is given."""
    value, otherwise = given
    if value.type == NULL:
        return otherwise
    if value.type == ANY:
        return UNKNOWN
    return join((replace(value, nullable=False), otherwise))


def _found(given: Sequence[Known]) -> Known:
    """The field that is named, where the record is known and its name is written out."""
    kind, key, otherwise = given[0].type, given[1].type, given[2] if len(given) > 2 else _NULL
    name = key.values[0] if isinstance(key, Enum) and len(key.values) == 1 else None
    field = kind.fields.get(name) if isinstance(kind, Record) and name is not None else None
    if field is None:
        return UNKNOWN
    known = Known(type=field.type, nullable=field.may_be_absent)
    return join((replace(known, nullable=False), otherwise)) if known.nullable else known


_NULL = Known(type=NULL, nullable=True)


def _default(value: Argument, otherwise: Argument) -> Argument:
    return otherwise if value is None else value


RECORDS = (
    _function(
        name="default",
        parameters=(
            Parameter(name="value", type=ANY, nullable=True),
            Parameter(name="otherwise", type=ANY, nullable=True),
        ),
        result=ANY,
        result_of=_either,
        summary="The value, or another one where it is null or a field on the way to it is missing.",
        call=_default,
        examples=(("default(None, 1)", "1"), ("default({'a': 1}.b, 2)", "2"), ("default('', 'x')", "''")),
    ),
    _function(
        name="get",
        parameters=(
            _RECORD,
            _KEY,
            Parameter(name="otherwise", type=ANY, optional=True, nullable=True),
        ),
        result=ANY,
        result_of=_found,
        summary="The value at a key of a record, or another one (null) where it is missing or null.",
        call=_get,
        examples=(("get({'a': 1}, 'a')", "1"), ("get({'a': 1}, 'b', 0)", "0")),
    ),
    _function(
        name="has",
        parameters=(_RECORD, _KEY),
        result=BOOLEAN,
        summary="Whether a record has a key; its value may be null.",
        call=lambda value, key: text(key) in record(value),
        examples=(("has({'a': None}, 'a')", "True"),),
    ),
    _function(
        name="keys",
        parameters=(_RECORD,),
        result=Listing(item=STRING),
        summary="The keys of a record.",
        call=lambda value: list(record(value)),
        examples=(("keys({'a': 1})", "['a']"),),
    ),
    _function(
        name="values",
        parameters=(_RECORD,),
        result=Listing(item=ANY),
        summary="The values of a record.",
        call=lambda value: list(record(value).values()),
        examples=(("values({'a': 1})", "[1]"),),
    ),
    _function(
        name="items",
        parameters=(_RECORD,),
        result=Listing(item=Listing(item=ANY)),
        summary="The keys of a record, each with its value, for `for key, value in items(record)`.",
        call=lambda value: [[key, entry] for key, entry in record(value).items()],
        examples=(("[key for key, value in items({'a': 1, 'b': 2}) if value > 1]", "['b']"),),
    ),
    _function(
        name="merge",
        parameters=(_RECORD, Parameter(name="more", type=_OPEN, repeated=True)),
        result=_OPEN,
        summary="The fields of several records; a later one wins.",
        call=_merge,
        examples=(("merge({'a': 1, 'b': 1}, {'b': 2})", "{'a': 1, 'b': 2}"),),
    ),
    _function(
        name="pick",
        parameters=(_RECORD, _KEYS),
        result=_OPEN,
        summary="Some fields of a record, all of which must be there.",
        call=_pick,
        examples=(("pick({'a': 1, 'b': 2}, ['a'])", "{'a': 1}"),),
    ),
    _function(
        name="omit",
        parameters=(_RECORD, _KEYS),
        result=_OPEN,
        summary="A record without some of its fields.",
        call=_omit,
        examples=(("omit({'a': 1, 'b': 2}, ['a'])", "{'b': 2}"),),
    ),
)
