"""Functions on lists."""

from engine.language import formula_operators as operators
from engine.language.functions.spec import Example, FunctionSpec, Parameter
from engine.values.type import ANY, BOOLEAN, Listing

_LIST = Parameter(name="list", type=Listing(item=ANY))

LISTS = (
    FunctionSpec(
        name="any",
        family="lists",
        parameters=(_LIST,),
        result=BOOLEAN,
        summary="Whether one item is true.",
        call=operators.any_true,
        examples=(Example(formula="any([False, True])", gives="True"),),
    ),
    FunctionSpec(
        name="all",
        family="lists",
        parameters=(_LIST,),
        result=BOOLEAN,
        summary="Whether every item is true.",
        call=operators.all_true,
        examples=(Example(formula="all([])", gives="True"),),
    ),
)
