"""The functions that every expression has."""

from engine.language.functions.dates import DATES
from engine.language.functions.lists import LISTS
from engine.language.functions.moneys import MONEYS
from engine.language.functions.numbers import NUMBERS
from engine.language.functions.records import RECORDS
from engine.language.functions.spec import FunctionTable, function_table
from engine.language.functions.texts import TEXTS
from engine.language.functions.types import TYPES

STANDARD: FunctionTable = function_table(TEXTS, NUMBERS, MONEYS, DATES, LISTS, RECORDS, TYPES)
