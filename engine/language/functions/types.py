"""Functions that ask what a value is."""

from functools import partial

from engine.language.formula_operators import is_number
from engine.language.functions.arguments import Argument
from engine.language.functions.spec import FunctionSpec, Parameter
from engine.values.type import ANY, BOOLEAN, STRING
from engine.values.value import kind_of

_VALUE = Parameter(name="value", type=ANY, nullable=True)
_function = partial(FunctionSpec, family="types", parameters=(_VALUE,))


def _kind(value: Argument) -> str:
    return "list" if isinstance(value, frozenset) else kind_of(value)


TYPES = (
    _function(
        name="kind",
        result=STRING,
        summary="What a value is: text, number, whole number, date, list, record, null, ...",
        call=_kind,
        examples=(("kind(1)", "'whole number'"), ("kind(None)", "'null'")),
    ),
    _function(
        name="is_text",
        result=BOOLEAN,
        summary="Whether it is text.",
        call=lambda value: isinstance(value, str),
        examples=(("is_text('1')", "True"), ("is_text(1)", "False")),
    ),
    _function(
        name="is_number",
        result=BOOLEAN,
        summary="Whether it is a number; true and false are none.",
        call=is_number,
        examples=(("is_number(1.5)", "True"), ("is_number(True)", "False")),
    ),
    _function(
        name="is_list",
        result=BOOLEAN,
        summary="Whether it is a list.",
        call=lambda value: isinstance(value, list | tuple | frozenset),
        examples=(("is_list([])", "True"),),
    ),
    _function(
        name="is_record",
        result=BOOLEAN,
        summary="Whether it is a record.",
        call=lambda value: isinstance(value, dict),
        examples=(("is_record({})", "True"),),
    ),
    _function(
        name="bool",
        result=BOOLEAN,
        summary="False for null, 0, and what is empty; else True.",
        call=bool,
        examples=(("bool([])", "False"), ("bool('no')", "True")),
    ),
)
