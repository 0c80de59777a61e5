"""Formulas: what is true and what is computed, as safe Python expressions (`when:`, `expr:`).

The language is the one of simpleeval's compound types: literals, arithmetic, comparison, `and`,
`or`, `not`, `if`/`else`, `in`, lists, records, sets, comprehensions, slices, f-strings, and calls
of the functions in a table. A formula is parsed once and compiled to a Python function.

Where it differs from simpleeval, on purpose (each difference has its test):

- Numbers are int and Decimal, never float: `1.10` is exactly that, `1 / 3` has 28 digits, a whole
  number to a negative power is a Decimal. True and False take no part in arithmetic.
- `//` and `%` follow Python's whole numbers for every number, also where Decimal's own would round
  towards zero.
- A dot is a look-up of a key and nothing else: there are no methods, no attributes, and no names
  that begin with an underscore. A field that is missing is an error unless its type calls it optional.
- Comparing values of different kinds by order is an error, and so is asking whether a date equals
  a text; simpleeval answers False to the latter. Lists, sets and booleans have no order.
- Lists are the only sequences: `(1, 2)` is the list `[1, 2]`, and sets leave a formula as lists in
  ascending order, so that the same formula gives the same bytes everywhere. Keys of records are text.
- `for` goes through lists, sets and the keys of records, not through the characters of a text, and
  a name that it gives must be new. Set comprehensions exist.
- `any` and `all` over a `for` stop at the first item that decides, as in Python.
- An f-string takes no format, refuses null, lists and records, and writes numbers and dates as
  templates do. `%` does not format text.
- A Decimal that is a whole number is a place in a list or text, as in `items[1.0]`.
- There are no bit operators, no `**` or `*` unpacking, and `is` asks only for None.
"""

import ast

from engine.language.compiled import Compiled
from engine.language.formula_code import CodeWriter
from engine.language.formula_guard import emit_guarded, untyped, unusable
from engine.language.formula_syntax import FormulaSyntaxError, FormulaTree, Word, parse_formula
from engine.language.formula_types import infer
from engine.language.functions.spec import FunctionTable
from engine.language.functions.standard import STANDARD
from engine.language.generate import Emitter
from engine.language.scope import TypeScope

__all__ = ["FormulaSyntaxError", "FormulaTree", "Word", "compile_formula", "emit_formula", "parse_formula"]


def compile_formula(
    text: str, names: frozenset[str], *, functions: FunctionTable = STANDARD, types: TypeScope | None = None
) -> Compiled:
    """A formula that may read `names`, ready to be called.

    Raises:
        FormulaSyntaxError: when the text is no formula, or uses a name or function that is not there.

    """
    tree = parse_formula(text)
    emitter = Emitter(sorted(names))
    result = emit_formula(emitter, tree, functions=functions, types=types)
    call, source = emitter.build("formula", result)
    return Compiled(call=call, text=tree.text, names=tree.names, source=source)


def emit_formula(
    emitter: Emitter,
    tree: FormulaTree,
    *,
    functions: FunctionTable = STANDARD,
    types: TypeScope | None = None,
) -> str:
    """Emit the statements of a formula and return the local variable or literal that holds its value.

    The statements raise EvaluationError and nothing else. ``types`` says what is known about the
    names, and must hold for the data: guards that it makes needless are left out.

    Raises:
        FormulaSyntaxError: when the formula uses a name or function that is not there.

    """
    typing = infer(tree, types or untyped(emitter), functions)
    mistake = unusable(typing)
    if mistake is not None:
        raise FormulaSyntaxError(mistake.message, mistake.start, mistake.end, mistake.help)

    def write(onto: Emitter, *, careful: bool) -> str:
        return CodeWriter(onto, tree, functions, typing, careful=careful).write()

    if isinstance(tree.root, ast.Constant):
        return emitter.assign(write(emitter, careful=False))
    return emit_guarded(emitter, tree, write)
