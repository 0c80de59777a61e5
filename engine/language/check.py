"""Expressions against what is there: names, fields, functions and arguments, before any data.

Everything here reports and never raises; the wording for people is made from what is reported.
"""

from collections.abc import Iterable

from engine.language.formula_syntax import FormulaTree
from engine.language.formula_types import infer
from engine.language.functions.spec import FunctionTable
from engine.language.functions.standard import STANDARD
from engine.language.path_reads import ELEMENT, Chain
from engine.language.scope import Mistake, TypeScope
from engine.language.template_tree import TemplateTree
from engine.language.template_types import infer_template
from engine.problems.suggest import near_names
from engine.values.type import ANY, Any, Listing, Record, Type, describe

__all__ = ["Mistake", "check_chains", "check_formula", "check_template"]


def check_formula(
    tree: FormulaTree, scope: TypeScope, functions: FunctionTable = STANDARD
) -> tuple[Type, list[Mistake]]:
    """The type of a formula's value, ANY where it is not known, and what cannot be right in it."""
    typing = infer(tree, scope, functions)
    return typing.result.type, list(typing.mistakes)


def check_template(
    tree: TemplateTree, scope: TypeScope, functions: FunctionTable = STANDARD
) -> list[Mistake]:
    """What cannot be right in a template; its value is always text."""
    return list(infer_template(tree, scope, functions).mistakes)


def check_chains(chains: Iterable[Chain], scope: TypeScope) -> list[Mistake]:
    """What cannot be right in the chains of names that a path reads; each wrong place is reported once."""
    mistakes = (mistake for chain in chains if (mistake := _check_chain(chain, scope)) is not None)
    return list({(mistake.start, mistake.end): mistake for mistake in mistakes}.values())


def _check_chain(chain: Chain, scope: TypeScope) -> Mistake | None:
    """The first part of a chain that cannot be there."""
    name, start, end = chain.parts[0]
    kind = ANY if name == ELEMENT else scope.type_of(name)
    if kind is None:
        near = near_names(name, scope.names)
        message = f"there is no `{name}` here"
        return Mistake(kind="unknown_name", message=message, start=start, end=end, name=name, near=near)
    before = name
    for name, start, end in chain.parts[1:]:
        found = _element(kind, end - start) if name == ELEMENT else _member(kind, name)
        if found is None:
            return _wrong_part(kind, before, name, start, end)
        kind = found
        before += name if name == ELEMENT else f".{name}"
    return None


def _element(kind: Type, written: int) -> "Type | None":
    """The type of an element; `[]`, which is two characters long, leaves what is no list as it is."""
    if isinstance(kind, Listing):
        return kind.item
    return kind if written == 2 or isinstance(kind, Any) else None


def _member(kind: Type, name: str) -> "Type | None":
    match kind:
        case Record(fields=fields, open=is_open):
            found = fields.get(name)
            return found.type if found else ANY if is_open else None
        case Any():
            return ANY
        case _:
            return None


def _wrong_part(kind: Type, before: str, name: str, start: int, end: int) -> Mistake:
    if name == ELEMENT:
        message = f"`{before}` is {describe(kind)}, not a list"
        return Mistake(kind="not_a_list", message=message, start=start, end=end)
    if isinstance(kind, Record):
        message = f"`{before}` ({describe(kind)}) has no field `{name}`"
        near = near_names(name, kind.fields)
        return Mistake(kind="unknown_field", message=message, start=start, end=end, name=name, near=near)
    help_ = (
        f"write {before}[].{name} for every item, or {before}[0].{name} for one"
        if isinstance(kind, Listing)
        else ""
    )
    message = f"`{before}` is {describe(kind)} and has no fields"
    return Mistake(kind="no_fields", message=message, start=start, end=end, name=name, help=help_)
