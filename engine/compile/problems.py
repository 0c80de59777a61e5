"""The mistakes that compiling finds, in words.

One function a mistake: it takes the facts and says them. What lives here is wording and nothing else.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol

from engine.language.check import Mistake
from engine.problems import Label, Problem, did_you_mean
from engine.problems.suggest import or_list
from engine.source import Span, Text
from engine.spec.field import FormulaText, PathText

_UNKNOWN = {
    "type": "TG310",
    "mapping": "TG311",
    "policy": "TG312",
    "event": "TG313",
    "entity": "TG314",
    "table": "TG315",
    "column": "TG316",
    "key column": "TG316",
    "calendar": "TG317",
    "connector": "TG318",
    "connection": "TG319",
    "operation": "TG320",
    "source": "TG321",
    "parameter": "TG322",
    "step": "TG323",
    "branch": "TG324",
    "flow": "TG325",
    "field": "TG303",
}


def unknown(kind: str, text: Text, known: Iterable[str], *, of: str = "", name: str = "") -> Problem:
    """A name that nothing has."""
    names = [str(item) for item in known]
    wanted = name or str(text)
    where = f" in {of}" if of else ""
    return Problem(
        code=_UNKNOWN[kind],
        message=f"there is no {kind} {wanted!r}{where}",
        span=text.at(0, len(wanted)) if name else text.span,
        help=_near(wanted, names, kind),
    )


def _near(name: str, known: Sequence[str], kind: str) -> tuple[str, ...]:
    near = did_you_mean(name, known)
    if near:
        return near
    return (f"known: {', '.join(sorted(known)[:8])}",) if known else (f"there is no {kind} at all yet",)


class _SyntaxFault(Protocol):
    message: str
    offset: int


_LANGUAGES = ((PathText, "TG251", "path"), (FormulaText, "TG252", "formula"))


def bad_expression(text: Text, error: _SyntaxFault) -> Problem:
    """A text that is not of its language."""
    code, language = next(
        ((code, name) for cls, code, name in _LANGUAGES if isinstance(text, cls)), ("TG253", "template")
    )
    helps = getattr(error, "help", "")
    return Problem(
        code=code,
        message=f"this is no {language}: {error.message}",
        span=text.at(error.offset, max(getattr(error, "end", 0), error.offset + 1)),
        help=(helps,) if helps else (),
    )


_MISTAKES = {
    "unknown_name": "TG302",
    "unknown_field": "TG303",
    "no_fields": "TG304",
    "unknown_function": "TG305",
    "arguments": "TG306",
    "shadowed": "TG307",
    "operands": "TG401",
    "unknown_value": "TG413",
    "not_a_list": "TG414",
    "literal": "TG415",
}


def mistake(text: Text, found: Mistake) -> Problem:
    """A name or a call in an expression that cannot be right."""
    near = (f"did you mean {or_list(found.near)}?",) if found.near else ()
    return Problem(
        code=_MISTAKES[found.kind],
        message=found.message,
        span=text.at(found.start, found.end),
        help=(*near, *((found.help,) if found.help else ())),
    )


def let_cycle(text: Text, names: Sequence[str]) -> Problem:
    """A `let` that needs itself."""
    return Problem(
        code="TG502",
        message=f"these values need each other: {' -> '.join(names)}",
        span=text.span,
        help=("compute one of them from the inputs alone",),
    )


def hides(name: Text, what: str) -> Problem:
    """A name that is in use."""
    return Problem(
        code="TG308",
        message=f"{str(name)!r} is {what} already",
        span=name.span,
        help=("give it another name",),
    )


def unknown_conversion(text: Text) -> Problem:
    """An `as:` that does not exist."""
    return Problem(
        code="TG402",
        message=f"nothing can become {str(text)!r}",
        span=text.span,
        help=("write one of string, integer, decimal, decimal(2), boolean, date, datetime",),
    )


def value_never_matches(key: Text, possible: Sequence[str]) -> Problem:
    """An entry of a value map that no value has."""
    return Problem(
        code="TG403",
        message=f"the value is never {str(key)!r}",
        span=key.span,
        help=did_you_mean(str(key), possible) or (f"it is one of {', '.join(possible)}",),
    )


def value_map_not_total(text: Text, missing: Sequence[str]) -> Problem:
    """A value map that leaves something out without saying so."""
    return Problem(
        code="TG404",
        message=f"the value map does not say what becomes of {or_list(missing)}",
        span=text.span,
        help=(f"add `{missing[0]}: ...`, or `{missing[0]}: unmapped` to refuse it",),
    )


def table_day(name: Text, *, needed: bool) -> Problem:
    """A look-up with a day where none belongs, or without one."""
    if needed:
        return Problem(
            code="TG405",
            message=f"the rows of table {str(name)!r} hold from one day to another: which day is meant?",
            span=name.span,
            help=("add `on:` with the path of a date",),
        )
    return Problem(
        code="TG405",
        message=f"the rows of table {str(name)!r} hold on all days",
        span=name.span,
        help=("leave `on:` out, or give the table `effective:`",),
    )


def table_key(name: Text, columns: Sequence[str]) -> Problem:
    """A look-up whose key is not that of the table."""
    if len(columns) == 1:
        wanted = f"`key:` with the path of {columns[0]}"
    else:
        wanted = f"`key: {{{', '.join(f'{column}: ...' for column in columns)}}}`"
    return Problem(
        code="TG406",
        message=f"the key of table {str(name)!r} is {', '.join(columns)}",
        span=name.span,
        help=(f"write {wanted}",),
    )


def incomplete_xref(entity: Text) -> Problem:
    """A cross reference without its id or its system."""
    return Problem(
        code="TG407",
        message="a cross reference needs the canonical id and the system whose id is wanted",
        span=entity.span,
        help=(f"write `{{xref: {entity}, id: path.of.id, in: connection}}`",),
    )


def unknown_output_field(name: Text, part: str, kind: str, known: Iterable[str]) -> Problem:
    """A field that the output does not have."""
    start = str(name).find(part)
    near = did_you_mean(part, list(known))
    return Problem(
        code="TG309",
        message=f"{kind} has no field {part!r}",
        span=name.at(max(start, 0), max(start, 0) + len(part)),
        help=near,
    )


def missing_fields(output: Text, missing: Sequence[str]) -> Problem:
    """Fields that the output demands and nobody makes."""
    fields = "field" if len(missing) == 1 else "fields"
    return Problem(
        code="TG408",
        message=f"{output!s} demands the {fields} {', '.join(missing)}",
        span=output.span,
        help=(f"add `{missing[0]}: ...` to `fields:`",),
    )


def wrong_type(text: Text, wanted: str, found: str) -> Problem:
    """A mapping that makes something else."""
    return Problem(
        code="TG409", message=f"{wanted} is wanted here, and {str(text)!r} makes {found}", span=text.span
    )


def input_not_in_scope(text: Text, name: str, known: Iterable[str]) -> Problem:
    """A mapping or policy whose input is not there."""
    near = did_you_mean(name, list(known))
    return Problem(
        code="TG331",
        message=f"{str(text)!r} takes {name!r}, and there is no such name here",
        span=text.span,
        help=near or (f"name a step {name!r}, or give it: `with: {{{name}: path}}`",),
    )


def input_of_other_type(text: Text, name: str, wanted: str, found: str) -> Problem:
    """A mapping or policy whose input is something else."""
    return Problem(
        code="TG410",
        message=f"{str(text)!r} takes {wanted} as {name!r}, and here that is {found}",
        span=text.span,
    )


def one_verb(name: Text, verbs: Sequence[str]) -> Problem:
    """A step with no verb, or with several."""
    said = f"the step {str(name)!r} has {'the verbs ' + ', '.join(verbs) if verbs else 'no verb'}"
    return Problem(
        code="TG503",
        message=said,
        span=name.span,
        help=("a step has exactly one of read, map, check, write, emit, wait, choose",),
    )


def cycle(names: Sequence[Text]) -> Problem:
    """Steps that need each other."""
    shown = [str(name) for name in (*names, names[0])]
    return Problem(
        code="TG501",
        message=f"these steps need each other: {' -> '.join(shown)}",
        span=names[0].span,
        context=tuple(Label(span=name.span, text=f"needed by {before}") for before, name in pairwise(names)),
        help=("one of them has to do without the others",),
    )


def wrong_direction(text: Text, wanted: str) -> Problem:
    """A read of an operation that writes, or the other way round."""
    other = "read" if wanted == "write" else "write"
    return Problem(
        code="TG504",
        message=f"{text!s} is an operation to {other}, not to {wanted}",
        span=text.span,
        help=(f"use the verb `{other}:`",),
    )


def missing_parameters(text: Text, missing: Sequence[str]) -> Problem:
    """A read without what it needs."""
    return Problem(
        code="TG411",
        message=f"{text!s} needs {', '.join(missing)}",
        span=text.span,
        help=(f"add `with: {{{missing[0]}: path}}`",),
    )


def policy_without_outcome(name: Text) -> Problem:
    """A policy from which nothing follows."""
    return Problem(
        code="TG505",
        message=f"nothing follows from policy {str(name)!r}",
        span=name.span,
        help=("say what in `then:`: hold, roll, reject, route, alert, approve or set",),
    )


def hold_without_release(name: Text, hold: object) -> Problem:
    """A hold that nothing ends."""
    span: Span = getattr(hold, "span", name.span)
    return Problem(
        code="TG506",
        message=f"nothing ever ends the hold of policy {str(name)!r}",
        span=span,
        help=("say which event has it checked again (`until:`), or who may release it (`release:`)",),
    )


def decision_without_reason(name: Text) -> Problem:
    """A policy that stops something and does not say why."""
    return Problem(
        code="TG507",
        message=f"policy {str(name)!r} stops work and does not say why",
        span=name.span,
        help=("add `reason:`, a sentence for the person who will ask",),
    )


def hold_and_approve(name: Text) -> Problem:
    """A policy that waits for two things at once."""
    return Problem(
        code="TG508",
        message=f"policy {str(name)!r} both holds and asks for approval",
        span=name.span,
        help=("make two policies of it",),
    )


def inbound_inputs(text: Text, inputs: Sequence[str]) -> Problem:
    """An inbound mapping that takes more than the native record."""
    return Problem(
        code="TG412",
        message=f"a mapping of a source takes the native record alone; {str(text)!r} takes "
        f"{', '.join(inputs) or 'nothing'}",
        span=text.span,
    )


def inbound_output(text: Text, wanted: str) -> Problem:
    """An inbound mapping that makes something else than the event's data."""
    return Problem(
        code="TG409",
        message=f"{wanted} is wanted here, and {str(text)!r} makes something else",
        span=text.span,
    )


def unreadable(text: Text, why: str) -> Problem:
    """A file named in a document that cannot be used."""
    return Problem(code="TG350", message=f"{text!s} cannot be used: {why}", span=text.span)


def bad_row(place: Text, row: int, why: str) -> Problem:
    """A row of a table that cannot be used."""
    where = f"row {row}: " if row else ""
    return Problem(code="TG351", message=f"{where}{why}", span=place.span)


def unusable_connector(name: Text, why: str) -> Problem:
    """A manifest of a connector that cannot be used."""
    return Problem(code="TG352", message=f"connector {str(name)!r} cannot be used: {why}", span=name.span)


def unusable_entity(name: Text, why: str) -> Problem:
    """An entity whose schema is none."""
    return Problem(code="TG353", message=f"entity {str(name)!r} cannot be used: {why}", span=name.span)


def bad_calendar(text: Text, why: str, helps: str) -> Problem:
    """A calendar that says something impossible."""
    return Problem(code="TG509", message=why, span=text.span, help=(helps,) if helps else ())
