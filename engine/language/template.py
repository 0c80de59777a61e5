"""Templates: text for people (`template:`, `reason:`, `note:`), written in Jinja.

A template has `{{ value }}`, `{% if %}`, `{% for %}` with the facts of `loop`, and comments. Its
expressions have the meaning that formulas give them, and its filters are the functions that
formulas call: `{{ x | round(2) }}` is `{{ round(x, 2) }}`. Where it differs from Jinja, on purpose
(each difference has its test):

- What is null or missing is an error unless `default` stands there; nothing becomes an empty text or
  "None". `default(x, true)` also takes the place of an empty text, as in Jinja.
- Numbers are exact and written as their digits, dates as ISO 8601, instants in UTC; a list or a
  record has no text of its own, but money does: `1387.50 USD`.
- A dot is a look-up of a key; there are no methods, so `items(record)` stands for `record.items()`.
- `round` is half even, unless told otherwise; `/` gives an exact number; comparing values of
  different kinds is an error.
- An `if` inside an expression has an `else`. A name that `for` gives is new.
- There is no `set`, no macros, includes, imports, blocks or format texts, and no escaping: that is
  for whoever puts the text into a page.
"""

from engine.language.compiled import Compiled
from engine.language.formula_code import CodeWriter
from engine.language.formula_guard import emit_guarded, untyped, unusable
from engine.language.functions.spec import FunctionTable
from engine.language.functions.standard import STANDARD
from engine.language.generate import Emitter
from engine.language.scope import TypeScope
from engine.language.template_code import TemplateWriter
from engine.language.template_syntax import parse_template
from engine.language.template_tree import TemplateSyntaxError, TemplateTree
from engine.language.template_types import infer_template

__all__ = ["TemplateSyntaxError", "TemplateTree", "compile_template", "emit_template", "parse_template"]


def compile_template(
    text: str, names: frozenset[str], *, functions: FunctionTable = STANDARD, types: TypeScope | None = None
) -> Compiled:
    """A template that may read `names`, ready to be called; it gives text.

    Raises:
        TemplateSyntaxError: when the text is no template, or uses a name or function that is not there.

    """
    tree = parse_template(text)
    emitter = Emitter(sorted(names))
    result = emit_template(emitter, tree, functions=functions, types=types)
    call, source = emitter.build("template", result)
    return Compiled(call=call, text=tree.text, names=tree.names, source=source)


def emit_template(
    emitter: Emitter,
    tree: TemplateTree,
    *,
    functions: FunctionTable = STANDARD,
    types: TypeScope | None = None,
) -> str:
    """Emit the statements of a template and return the local variable that holds its text.

    The statements raise EvaluationError and nothing else.

    Raises:
        TemplateSyntaxError: when the template uses a name or function that is not there.

    """
    typing = infer_template(tree, types or untyped(emitter), functions)
    mistake = unusable(typing)
    if mistake is not None:
        raise TemplateSyntaxError(mistake.message, mistake.start, mistake.end, mistake.help)

    def write(onto: Emitter, *, careful: bool) -> str:
        return TemplateWriter(CodeWriter(onto, tree.parts, functions, typing, careful=careful), tree).write()

    return emit_guarded(emitter, tree.parts, write)
