"""One expression on one value: what `tidegate eval` and the playground do."""

from collections.abc import Mapping

from engine.compile.problems import bad_expression
from engine.language import formula, path, template
from engine.language.compiled import Compiled, EvaluationError
from engine.language.functions.spec import FunctionTable
from engine.language.functions.standard import STANDARD
from engine.problems import Collector
from engine.problems.render.text import render_text
from engine.source import Source, Span, Text
from engine.spec.field import FormulaText, PathText, TemplateText
from engine.values.value import Value

_LANGUAGES: Mapping[str, type[Text]] = {"path": PathText, "expr": FormulaText, "template": TemplateText}


def evaluate(
    kind: str, text: str, data: Value, functions: FunctionTable | None = None
) -> Mapping[str, Value]:
    """`{"value": ...}`, or `{"problem": {code, message, line, column, ...}, "rendered": TEXT}`.

    A path starts at the data itself. In a formula or template the fields of the data are names, and
    `data` is the whole of it, unless it has a field of that name.
    """
    source = Source("expression", text)
    written = _LANGUAGES[kind](text, Span(source, 0, len(text)))
    names: dict[str, Value] = {"data": data}
    if isinstance(data, Mapping):
        names.update({str(key): value for key, value in data.items() if str(key).isidentifier()})
    try:
        compiled = _compiled(written, names, STANDARD if functions is None else functions)
    except (path.PathSyntaxError, formula.FormulaSyntaxError, template.TemplateSyntaxError) as error:
        return _problem(written, error)
    try:
        return {"value": compiled.call({"@": data} if kind == "path" else names)}
    except EvaluationError as error:
        return {
            "problem": {"code": "evaluation", "message": error.message, "text": text},
            "rendered": f"it cannot be evaluated: {error.message}",
        }


def _compiled(text: Text, names: Mapping[str, Value], functions: FunctionTable) -> Compiled:
    if isinstance(text, PathText):
        return path.compile_path(text)
    if isinstance(text, FormulaText):
        return formula.compile_formula(text, frozenset(names), functions=functions)
    return template.compile_template(text, frozenset(names), functions=functions)


def _problem(text: Text, error: Exception) -> Mapping[str, Value]:
    problem = bad_expression(text, error)  # type: ignore[arg-type]
    collector = Collector()
    collector.add(problem)
    return {
        "problem": {
            "code": problem.code,
            "message": problem.message,
            "line": problem.span.line,
            "column": problem.span.column,
            "hint": " ".join(problem.help),
        },
        "rendered": render_text(collector.report()),
    }
