"""The page of all functions, in Markdown, made from what the checker and the tests read as well."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from engine.language.functions.calendars import calendar_functions
from engine.language.functions.path_functions import PATH_FUNCTIONS, PathFunction
from engine.language.functions.spec import FunctionSpec, Parameter
from engine.language.functions.standard import STANDARD
from engine.values.type import describe

_HEAD = """\
<!-- Made from the functions; tests/workspace rewrites it. -->

# Functions

Formulas (`when:`, `expr:`, `where:`) and templates call the first kind; a template may also write them
as filters: `{{ hours | round(2) }}`. Paths call the second kind. In brackets stands what may be left out,
and `...` means any number. Every example is run by a test; those of calendars stand on
[their page](../calendars.md).
"""


def functions_page() -> str:
    """The functions of formulas by family, then those of paths."""
    specs = {spec.name: spec for spec in (*STANDARD.values(), *calendar_functions({}).values())}
    parts = [_HEAD, *_overview(specs)]
    for family, members in groupby(specs.values(), key=lambda spec: spec.family):
        parts.append(f"## {family.capitalize()}\n")
        parts.extend(_formula_function(spec) for spec in members)
    parts.append("## Functions of paths\n\nThose of JMESPath, on exact numbers.\n")
    parts.append(_path_functions(PATH_FUNCTIONS))
    return "\n".join(parts)


def _overview(specs: Mapping[str, FunctionSpec]) -> Iterator[str]:
    for family, members in groupby(specs.values(), key=lambda spec: spec.family):
        links = ", ".join(f"[`{spec.name}`](#{spec.name})" for spec in members)
        yield f"**{family.capitalize()}**: {links}\n"


def _formula_function(spec: FunctionSpec) -> str:
    names = f" Also called {', '.join(f'`{name}`' for name in spec.aliases)}." if spec.aliases else ""
    takes = "; ".join(_parameter(one) for one in spec.parameters)
    lines = [
        f"### {spec.name}\n",
        f"`{spec.signature}` gives {describe(spec.result)}. {spec.summary}{names}\n",
        f"Takes {takes}.\n" if takes else "",
        _examples(spec.examples),
    ]
    return "\n".join(line for line in lines if line)


def _parameter(parameter: Parameter) -> str:
    extras = [
        *(["may be left out"] if parameter.optional else []),
        *(["any number of them"] if parameter.repeated else []),
        *(["written out as a text"] if parameter.literal else []),
        *(["may be null"] if parameter.nullable else []),
    ]
    return f"`{parameter.name}`: {parameter.described}" + (f" ({', '.join(extras)})" if extras else "")


def _examples(examples: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"| `{_cell(formula)}` | `{_cell(gives)}` |\n" for formula, gives in examples)
    return f"| example | the same as |\n| --- | --- |\n{rows}" if rows else ""


def _path_functions(functions: Mapping[str, PathFunction]) -> str:
    rows = "".join(
        f"| `{function.name}` | {', '.join(function.parameters)}{', ...' if function.repeated else ''} "
        f"| {function.summary} | `{_cell(function.example)}` | `{_cell(function.gives)}` |\n"
        for function in functions.values()
    )
    return f"| name | takes | what it gives | example | gives |\n| --- | --- | --- | --- | --- |\n{rows}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
