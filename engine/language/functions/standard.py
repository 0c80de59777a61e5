"""The functions that every expression has."""

from engine.language.functions.lists import LISTS
from engine.language.functions.spec import FunctionTable, function_table

STANDARD: FunctionTable = function_table(LISTS)
