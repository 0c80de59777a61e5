"""The mistakes that compiling finds, in words.

One function a mistake: it takes the facts and says them. What lives here is wording and nothing else.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol

from engine.compile.fit import Misfit
from engine.language.check import Mistake
from engine.problems import Label, Problem, Severity, did_you_mean
from engine.problems.suggest import or_list, there_are
from engine.source import Span, Text
from engine.spec.field import FORMS, IDENTIFIER, FormulaText, PathText
from engine.values.type import Enum, Type, describe
from engine.values.value import Value

_UNKNOWN = {
    "type": "TG310",
    "mapping": "TG311",
    "policy": "TG312",
    "event": "TG313",
    "entity": "TG314",
    "table": "TG315",
    "column": "TG316",
    "key column": "TG316",
    "connector": "TG318",
    "connection": "TG319",
    "operation": "TG320",
    "source": "TG321",
    "parameter": "TG322",
    "step": "TG323",
    "branch": "TG324",
    "flow": "TG325",
    "calendar": "TG326",
    "field": "TG303",
}


def unknown(
    kind: str, text: Text, known: Iterable[str], *, of: str = "", name: str = "", offset: int = 0
) -> Problem:
    """A name that nothing has. `name` is a part of the text, which begins at `offset`."""
    names = list(dict.fromkeys(str(item) for item in known))
    wanted = name or str(text)
    message = f"{of} has no {kind} `{wanted}`" if of else f"there is no {kind} `{wanted}`"
    return Problem(
        code=_UNKNOWN[kind],
        message=message,
        span=text.at(offset, offset + len(wanted)) if name else text.span,
        help=_near(wanted, names, f"{of} has none" if of else f"the workspace has no {kind} yet"),
    )


def no_key_field(entity: Text, fields: Iterable[str]) -> Problem:
    """An entity that says nothing of its key, and has no field of the usual name."""
    first = next(iter(fields), "...")
    return Problem(
        code="TG303",
        message=f"entity `{entity}` has no field `id`, and names no other as its key",
        span=entity.span,
        help=(f"add the field `id`, or say which field tells one from another: `key: {first}`",),
    )


def _near(name: str, known: Sequence[str], none: str) -> tuple[str, ...]:
    """What was meant, or what there is."""
    near = did_you_mean(name, known)
    return near or (there_are(known) or none,)


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
    if code == "TG251":
        helps = _instead_of_path(text) or helps
    return Problem(
        code=code,
        message=f"this is no {language}: {error.message}",
        span=text.at(error.offset, max(getattr(error, "end", 0), error.offset + 1)),
        help=(helps,) if helps else (),
    )


_OF_FORMULAS = re.compile(r" (?:[-+*/]|if|and|or|not|in|is) |^[a-z_]+\(")
"""What stands in formulas and never in paths."""

_PLAIN = re.compile(r"[\w /:+%#-]+|\d[\w .,:+-]*")
"""A text that was likely meant as it stands: a number, a day, a code."""


def _instead_of_path(text: str) -> str:
    """What somebody meant who wrote no path; empty when that cannot be told."""
    if "{{" in text:
        return f"a bare text is a path; a text with values in it is written {{template: {_quoted(text)}}}"
    if _OF_FORMULAS.search(text):
        return f"a bare text is a path; a formula is written {{expr: {_quoted(text)}}}"
    if _PLAIN.fullmatch(text):
        return f"a bare text is a path; for the text itself, write {{value: {_quoted(text)}}}"
    return ""


def _quoted(text: str) -> str:
    """A text as YAML takes it, in the quotes that it does not hold itself."""
    short = _short(text)
    if '"' not in short and "\\" not in short:
        return f'"{short}"'
    return "'" + short.replace("'", "''") + "'"


_MISTAKES = {
    "unknown_name": "TG302",
    "unknown_field": "TG303",
    "no_fields": "TG304",
    "misspelt": "TG317",
    "unknown_function": "TG305",
    "arguments": "TG306",
    "shadowed": "TG307",
    "operands": "TG401",
    "unknown_value": "TG413",
    "not_a_list": "TG414",
    "literal": "TG415",
    "nullable": "TG417",
    "never": "TG419",
    "currencies": "TG424",
    "dates": "TG425",
    "no_text": "TG426",
}


def mistake(text: Text, found: Mistake) -> Problem:
    """A name or a call in an expression that cannot be right."""
    near = (f"did you mean {or_list(found.near)}?",) if found.near else ()
    helps = (*near, *((found.help,) if found.help else ()))
    if found.kind == "unknown_name" and not near and isinstance(text, PathText) and text.isidentifier():
        helps = (*helps, f"for the text itself, write {{value: {text}}}")
    return Problem(
        code=_MISTAKES[found.kind],
        message=found.message,
        span=text.at(found.start, found.end),
        help=helps,
        severity=Severity.ERROR if is_wrong(found) else Severity.WARNING,
    )


def is_wrong(found: Mistake) -> bool:
    """Whether it cannot be right; else it is a doubt, and the expression is used."""
    return found.kind != "misspelt"


def let_cycle(names: Sequence[Text]) -> Problem:
    """Values of `let` that need each other, each the next, and the last the first."""
    if len(names) == 1:
        message = f"`{names[0]}` needs itself"
    else:
        message = f"these values need each other: {_round(names)}"
    return Problem(
        code="TG502",
        message=message,
        span=names[0].span,
        context=tuple(
            Label(span=name.span, text=f"needed by `{before}`") for before, name in pairwise(names)
        ),
        help=("compute one of them from the inputs alone",),
    )


def _round(names: Sequence[Text]) -> str:
    return " -> ".join(f"`{name}`" for name in (*names, names[0]))


def hides(span: Span, name: str, what: str) -> Problem:
    """A name that is in use."""
    return Problem(
        code="TG308", message=f"`{name}` is {what} already", span=span, help=("choose another name",)
    )


def unknown_conversion(text: Text) -> Problem:
    """An `as:` that does not exist."""
    return Problem(
        code="TG402",
        message=f"nothing can become `{text}`",
        span=text.span,
        help=("write one of string, integer, decimal, decimal(2), boolean, date, datetime, money",),
    )


def impossible_conversion(text: Text, found: str, wanted: str) -> Problem:
    """An `as:` that no value of the entry can follow."""
    return Problem(code="TG402", message=f"{found} cannot become {wanted}", span=text.span)


def no_name(text: Text) -> Problem:
    """A name that expressions could not use."""
    return Problem(
        code="TG208",
        message=f"`{_short(text)}` is no name",
        span=text.span,
        help=(f"it is {FORMS[IDENTIFIER]}",),
    )


def not_a_list(text: Text, found: str) -> Problem:
    """An `each:` over something else."""
    return Problem(
        code="TG414",
        message=f"`{_short(text)}` is {found}, not a list",
        span=text.span,
        help=(f'a list of this one alone is "[{text}]"',) if _PLAIN_PATH.fullmatch(text) else (),
    )


_PLAIN_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


def too_deep(span: Span, why: str) -> Problem:
    """An entry that nests deeper than code can be made for."""
    return Problem(code="TG416", message=why, span=span, help=("make it in steps, with a mapping each",))


def key_without(span: Span, key: str, wanted: str) -> Problem:
    """A key of an entry that says something about another key, which is not there."""
    return Problem(
        code="TG510",
        message=f"`{key}` says nothing without `{wanted}`",
        span=span,
        help=(f"add `{wanted}`, or leave `{key}` out",),
    )


def key_of_a_list(span: Span, key: str) -> Problem:
    """A key of an entry that makes a list."""
    return Problem(
        code="TG510",
        message=f"`{key}` says nothing about a list",
        span=span,
        help=("write it in the field of each item that it is meant for",),
    )


def value_never_matches(key: Text, possible: Sequence[str]) -> Problem:
    """An entry of a value map that no value has."""
    return Problem(
        code="TG403",
        message=f"the value is never `{key}`",
        span=key.span,
        help=did_you_mean(str(key), possible) or (f"it is {or_list(possible)}",),
    )


def value_map_not_total(span: Span, missing: Sequence[str]) -> Problem:
    """A value map that leaves something out without saying so."""
    return Problem(
        code="TG404",
        message=f"the value map does not say what becomes of {or_list(missing)}",
        span=span,
        help=(f"add `{missing[0]}: ...`, or `{missing[0]}: unmapped` to refuse it",),
    )


def table_day_missing(table: Text) -> Problem:
    """A look-up without a day where the rows hold from one day to another."""
    return Problem(
        code="TG405",
        message=f"the rows of table `{table}` hold from one day to another: which day is meant?",
        span=table.span,
        help=("add `on:` with the path of a date",),
    )


def table_day_needless(day: Text, table: str) -> Problem:
    """A look-up with a day where the rows hold on all days."""
    return Problem(
        code="TG405",
        message=f"the rows of table `{table}` hold on all days",
        span=day.span,
        help=("leave `on:` out, or give the table `effective:`",),
    )


def table_key(span: Span, table: str, columns: Sequence[str]) -> Problem:
    """A look-up whose key is not that of the table."""
    if len(columns) == 1:
        wanted = f"key: path.of.{columns[0]}"
    else:
        wanted = f"key: {{{', '.join(f'{column}: ...' for column in columns)}}}"
    return Problem(
        code="TG406",
        message=f"the key of table `{table}` is {and_list(columns)}",
        span=span,
        help=(f"write `{wanted}`",),
    )


def and_list(names: Sequence[str]) -> str:
    """Names as a person lists them: `a`, `a` and `b`, `a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def incomplete_xref(entity: Text, missing: Sequence[str]) -> Problem:
    """A cross reference without its id or its system."""
    meant = {"id": "the id that is known (`id:`)", "in": "the system whose id is wanted (`in:`)"}
    return Problem(
        code="TG407",
        message=f"this cross reference does not say {' nor '.join(meant[key] for key in missing)}",
        span=entity.span,
        help=(f"write `{{xref: {entity}, id: path.of.id, in: connection}}`",),
    )


def unknown_output_field(name: Text, offset: int, part: str, kind: str, known: Iterable[str]) -> Problem:
    """A field that the output does not have; `part` begins at `offset` of the name."""
    fields = list(known)
    return Problem(
        code="TG309",
        message=f"{kind} has no field `{part}`",
        span=name.at(offset, offset + len(part)),
        help=_near(part, fields, f"{kind} has no fields"),
    )


def missing_fields(place: Text, kind: str, missing: Sequence[str]) -> Problem:
    """Fields that the output demands and nobody makes."""
    them = "it" if len(missing) == 1 else "them"
    return Problem(
        code="TG408",
        message=f"{kind} demands {and_list(missing)}, and nothing is said about {them}",
        span=place.span,
        help=(f"add {and_list([f'{name}: ...' for name in missing])}",),
    )


def other_type_wanted(text: Text, wanted: str, found: str) -> Problem:
    """A mapping that makes something else than its place takes."""
    return Problem(
        code="TG409",
        message=f"{wanted} is wanted here, and `{text}` makes {found}",
        span=text.span,
        help=(f"name a mapping that makes {wanted}",),
    )


def no_instant(text: Text, found: str) -> Problem:
    """An event that is said to have happened at something that is no instant."""
    return Problem(
        code="TG409",
        message=f"an instant is wanted here, and `{_short(text)}` is {found}",
        span=text.span,
        help=(
            "name a field that has a time and a zone, or leave `at` out: the event counts as of when it came",
        ),
    )


def other_type_found(text: Text, wanted: str, found: str) -> Problem:
    """An expression whose value is never what its place takes."""
    return Problem(
        code="TG409", message=f"{wanted} is wanted here, and `{_short(text)}` is {found}", span=text.span
    )


def other_value_wanted(span: Span, field: str, wanted: str, found: str, helps: str) -> Problem:
    """An entry whose value is never of the type of its field."""
    return Problem(
        code="TG409",
        message=f"`{field}` is {wanted}, and this is {found}",
        span=span,
        help=(helps,) if helps else (),
    )


_MISFITS = {
    "values": "TG421",
    "long": "TG422",
    "decimals": "TG423",
    "currencies": "TG424",
    "null": "TG418",
    "record": "TG430",
}


def misfit(span: Span, field: str, found: Misfit, helps: str) -> Problem:
    """A value that its field does not take in every case."""
    inner = found.path.removeprefix("[]").removeprefix(".")
    where = f"an item of `{field}`" if found.path.startswith("[]") else f"`{field}`"
    if inner:
        where = f"`{inner}` in {where}"
    return Problem(
        code=_MISFITS[found.kind],
        message=f"{where} {found.message}",
        span=span,
        help=(helps,) if helps else (),
    )


def map_makes_other(span: Span, key: str, field: str, found: str, wanted: Type, value: Value) -> Problem:
    """A value map that makes something that its field does not take."""
    known = wanted.values if isinstance(wanted, Enum) else ()
    near = did_you_mean(str(value), known)
    return Problem(
        code="TG420",
        message=f"`{key}` becomes {found}, and `{field}` is {describe(wanted)}",
        span=span,
        help=near or ((f"write {or_list(known)}",) if known else ()),
    )


def may_find_nothing(span: Span, field: str, *, can_be_left_out: bool, rows: str) -> Problem:
    """A value that may be null in a field that is never null; ``rows`` says which a table lacks."""
    omit = ", `omit: null` to leave the field out" if can_be_left_out else ""
    ways = f"say what happens then: `required: true` to stop there, `default: ...`{omit}"
    return Problem(
        code="TG418",
        message=f"`{field}` is never null, and this may find nothing",
        span=span,
        help=(rows, f"or {ways}") if rows else (ways,),
    )


def identity_may_be_null(text: Text) -> Problem:
    """A part of an identity that may be null: an event without it would be refused when it arrives."""
    return Problem(
        code="TG418",
        message=f"an identity is never null, and `{_short(text)}` may be",
        span=text.span,
        help=("take a field that is always there: an event without a part of its identity is refused",),
    )


def left_out(span: Span, field: str) -> Problem:
    """A required field that is left out when there is nothing to say."""
    return Problem(
        code="TG418",
        message=f"`{field}` is required, and `omit` leaves it out",
        span=span,
        help=("write `required: true` to stop when nothing is found, or `default: ...`",),
    )


def condition_may_be_null(text: Text) -> Problem:
    """A condition that may be neither true nor false."""
    return Problem(
        code="TG428",
        message=f"a condition is true or false, and `{_short(text)}` may be null",
        span=text.span,
        help=(f"say what null means: bool({_short(text)}) takes it as false",),
    )


def no_condition(text: Text, found: str) -> Problem:
    """A condition that is neither true nor false."""
    return Problem(
        code="TG409", message=f"a condition is true or false, and `{_short(text)}` is {found}", span=text.span
    )


SHOWN_TEXT = 60


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_TEXT else line[: SHOWN_TEXT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def input_not_in_scope(
    text: Text, name: str, known: Iterable[str], *, can_be_given: bool, event: str = ""
) -> Problem:
    """A mapping or policy whose input is not there; `event` is one whose data it takes, the trigger's."""
    given = f", or give it here: `with: {{{name}: path.of.it}}`" if can_be_given else ""
    if event:
        helps = f"call what the event brings `{name}`: `trigger: {{event: {event}, as: {name}}}`"
    else:
        helps = f"call the step that makes it `{name}`{given}"
    return Problem(
        code="TG331",
        message=f"`{text}` takes `{name}`, and there is no `{name}` here",
        span=text.span,
        help=(*did_you_mean(name, list(known)), helps),
    )


def input_may_be_null(text: Text, name: str, origin: Span | None) -> Problem:
    """A mapping or policy that takes its input to be there, where it may be null."""
    return Problem(
        code="TG427",
        message=f"`{name}` may be null here, and `{text}` never asks whether it is",
        span=text.span,
        context=() if origin is None else (Label(span=origin, text=f"this makes `{name}` null"),),
        help=(
            f"check a policy before that rejects when `{name} is None`",
            f"or write `when: {name} is not None` at this step",
        ),
    )


def input_of_other_type(text: Text, name: str, wanted: str, found: str, *, can_be_given: bool) -> Problem:
    """A mapping or policy whose input is something else."""
    if can_be_given:
        helps = f"give it another here: `with: {{{name}: path.of.it}}`"
    else:
        helps = f"call the input of `{text}` as the step that makes {wanted} is called"
    return Problem(
        code="TG410",
        message=f"`{text}` takes {wanted} as `{name}`, and here that is {found}",
        span=text.span,
        help=(helps,),
    )


def one_verb(name: Text, verbs: Sequence[tuple[str, Span]]) -> Problem:
    """A step with no verb, or with several, each with its place."""
    said = f"the verbs {and_list([verb for verb, _ in verbs])}" if verbs else "no verb"
    return Problem(
        code="TG503",
        message=f"step `{name}` has {said}",
        span=verbs[-1][1] if verbs else name.span,
        context=tuple(Label(span=span, text="and here") for _, span in verbs[:-1]),
        help=(
            "make a step of each"
            if verbs
            else "say what it does: read, map, check, write, emit, wait or choose",
        ),
    )


def checked_twice(name: Text) -> Problem:
    """A policy that a check names twice."""
    return Problem(
        code="TG308",
        message=f"this check has the policy `{name}` already",
        span=name.span,
        help=("leave one of them out",),
    )


def cycle(needs: Sequence[tuple[str, Text]]) -> Problem:
    """Steps that need each other: each with the place where it says that it needs the next."""
    names = [name for name, _ in needs]
    if len(names) == 1:
        message = f"step `{names[0]}` needs itself"
    else:
        message = f"these steps need each other: {_round([Text(name, text.span) for name, text in needs])}"
    labels = [
        f"`{name}` needs `{following}`" for name, following in zip(names, [*names[1:], names[0]], strict=True)
    ]
    return Problem(
        code="TG501",
        message=message,
        span=needs[0][1].span,
        label=labels[0],
        context=tuple(
            Label(span=text.span, text=label) for (_, text), label in zip(needs[1:], labels[1:], strict=True)
        ),
        help=("one of them has to do without the others",) if len(names) > 1 else (),
    )


def event_cycle(causes: Sequence[tuple[str, str, Text]]) -> Problem:
    """Events that cause each other: each with the flow that it starts, and where that emits the next."""
    labels = [f"`{event}` starts flow `{flow}`, which emits `{emitted}`" for event, flow, emitted in causes]
    places = [place for _, _, place in causes]
    if len(causes) == 1:
        message = f"event `{places[0]}` causes itself"
        helps = "emit an event that does not start this flow, or start it with another"
    else:
        message = f"these events cause each other: {_round([places[-1], *places[:-1]])}"
        helps = "emit an event that starts none of these flows, or start one of them with another"
    return Problem(
        code="TG511",
        message=message,
        span=places[0].span,
        label=labels[0],
        context=tuple(
            Label(span=place.span, text=label) for place, label in zip(places[1:], labels[1:], strict=True)
        ),
        help=(helps,),
    )


def wrong_direction(text: Text, offset: int, wanted: str) -> Problem:
    """A read of an operation that writes, or the other way round."""
    other = "read" if wanted == "write" else "write"
    return Problem(
        code="TG504",
        message=f"`{text}` is an operation to {other}, not to {wanted}",
        span=text.at(offset, len(text)),
        help=(f"use the verb `{other}:`, or another operation",),
    )


def no_way_back(text: Text, offset: int) -> Problem:
    """An `undo:` that reads."""
    return Problem(
        code="TG504",
        message=f"`{text}` is an operation to read, and takes nothing back",
        span=text.at(offset, len(text)),
    )


def missing_parameters(text: Text, missing: Sequence[str]) -> Problem:
    """A read without what it needs."""
    return Problem(
        code="TG411",
        message=f"`{text}` needs {and_list(missing)}",
        span=text.span,
        help=(f"add `with: {{{', '.join(f'{name}: path.of.{name}' for name in missing)}}}`",),
    )


def other_verb_wanted(span: Span, key: str, verb: str, verbs: Sequence[str]) -> Problem:
    """A key of a step that says something about other verbs only."""
    return Problem(
        code="TG510",
        message=f"`{key}` says nothing about a step with the verb `{verb}`",
        span=span,
        help=(f"it goes with {or_list(verbs)}",),
    )


def policy_without_outcome(name: Text, then: Span) -> Problem:
    """A policy from which nothing follows."""
    return Problem(
        code="TG505",
        message=f"nothing follows from policy `{name}`",
        span=then,
        help=("say what: hold, roll, reject, route, alert, approve or set",),
    )


def hold_without_release(name: Text, hold: Span) -> Problem:
    """A hold that nothing ends."""
    return Problem(
        code="TG506",
        message=f"nothing ever ends the hold of policy `{name}`",
        span=hold,
        help=("say which event has it checked again (`until:`), or who may release it (`release:`)",),
    )


def decision_without_reason(name: Text, decision: Span) -> Problem:
    """A policy that stops something and does not say why."""
    return Problem(
        code="TG507",
        message=f"policy `{name}` stops work and does not say why",
        span=decision,
        help=("add `reason:`, a sentence for the person who will ask",),
    )


def hold_and_approve(name: Text, hold: Span, approve: Span) -> Problem:
    """A policy that waits for two things at once."""
    return Problem(
        code="TG508",
        message=f"policy `{name}` both holds and asks for approval",
        span=approve,
        context=(Label(span=hold, text="it holds here"),),
        help=("make two policies of it",),
    )


def inbound_inputs(text: Text, inputs: Sequence[str]) -> Problem:
    """An inbound mapping that takes more than the native record."""
    taken = f"takes {and_list(inputs)}" if inputs else "takes nothing"
    return Problem(
        code="TG412",
        message=f"the mapping of a source takes the native record alone, and `{text}` {taken}",
        span=text.span,
        help=("name a mapping with one input",),
    )


def bad_schedule(text: Text, why: str) -> Problem:
    """A schedule that says something impossible; `why` has what to write behind a semicolon."""
    said, _, helps = why.partition("; ")
    return Problem(code="TG540", message=said, span=text.span, help=(helps,) if helps else ())


def schedule_zone(text: Text, zone: Text | None) -> Problem:
    """A cron expression without a time zone, or with one that is not there."""
    why = "this schedule has no time zone" if zone is None else f"there is no time zone `{zone}`"
    where = text if zone is None else zone
    return Problem(
        code="TG540", message=why, span=where.span, help=("write an IANA name: `time_zone: Europe/Berlin`",)
    )


def schedule_twice(text: Text, name: str) -> Problem:
    """Two schedules under one name, so that the ledger could not tell when each was last due."""
    return Problem(
        code="TG541",
        message=f"another schedule is called `{name}`",
        span=text.span,
        help=(f"give this one a name of its own: `name: {name}-2`",),
    )


def open_webhook(text: Text, name: str) -> Problem:
    """A source whose deliveries nothing proves, at an address that can be guessed."""
    return Problem(
        code="TG542",
        message=f"anybody who guesses the address of `{name}` could send to it",
        span=text.span,
        help=(
            "say how the vendor signs: `signature: hmac_sha256`",
            "or keep the address secret: `url_key: webhook_key`",
        ),
    )


def bad_files(text: Text, why: str, helps: str) -> Problem:
    """Files that could never be read as a manifest describes them."""
    return Problem(code="TG543", message=why, span=text.span, help=(helps,))


def bad_stream(text: Text, why: str, helps: str) -> Problem:
    """Messages that nobody could listen to as a manifest describes them."""
    return Problem(code="TG544", message=why, span=text.span, help=(helps,))


def unreadable(text: Text, why: str) -> Problem:
    """A file named in a document that cannot be used; `why` is a sentence."""
    return Problem(code="TG350", message=why, span=text.span)


def bad_row(span: Span, why: str, helps: tuple[str, ...] = ()) -> Problem:
    """A row of a table that cannot be used."""
    return Problem(code="TG351", message=why, span=span, help=helps)


def no_key(name: Text) -> Problem:
    """A table whose rows nothing tells apart."""
    return Problem(
        code="TG354",
        message=f"table `{name}` has no key",
        span=name.span,
        help=("name in `key:` the columns by which a row is found, with their types",),
    )


def not_a_day(column: Text, kind: str) -> Problem:
    """A column of the first or last day of a row that does not hold days."""
    return Problem(
        code="TG354",
        message=f"column `{column}` says from when to when a row holds, and its type is {kind}",
        span=column.span,
        help=(f"write `{column}: date` where the columns are described",),
    )


def unusable_connector(place: Text, name: str, why: str) -> Problem:
    """A manifest of a connector that cannot be used."""
    return Problem(code="TG352", message=f"connector `{name}` cannot be used: {why}", span=place.span)


def unusable_entity(place: Text, name: Text, why: str) -> Problem:
    """An entity whose schema is none; `place` is the guilty part of it."""
    return Problem(code="TG353", message=f"entity `{name}` cannot be used: {why}", span=place.span)


def bad_calendar(text: Text, why: str, helps: str) -> Problem:
    """A calendar that says something impossible."""
    return Problem(code="TG509", message=why, span=text.span, help=(helps,) if helps else ())


def order_without_key(span: Span, event: str) -> Problem:
    """An order for events that have no order key."""
    return Problem(
        code="TG340",
        message=f"event `{event}` has no order key, so its runs wait for nobody",
        span=span,
        help=("give the event `order_by: data.FIELD`, or leave `order` out",),
    )


def bad_window(text: Text, why: str, helps: str) -> Problem:
    """A time at which something is closed, or goes first, that cannot be read."""
    return Problem(code="TG341", message=why, span=text.span, help=(helps,) if helps else ())


def more_than_allowed(span: Span, wanted: int, connector: str, most: int) -> Problem:
    """A connection that would work its system harder than the connector allows."""
    return Problem(
        code="TG342",
        message=f"{wanted:,} requests at a time are more than the {most:,} that `{connector}` allows",
        span=span,
        help=(f"write {most} or less, or leave it out",),
    )


def unknown_setting(span: Span, name: str, connector: str, known: Sequence[str]) -> Problem:
    """A setting of a connection that its connector does not know."""
    helps = did_you_mean(name, known) or (there_are(known) or f"`{connector}` asks for none",)
    return Problem(
        code="TG345", message=f"`{connector}` knows no setting `{name}`", span=span, help=(helps[0],)
    )


def unknown_label(label: Text, known: Sequence[str]) -> Problem:
    """A label that no flow has."""
    helps = did_you_mean(label, known) or (there_are(known) if known else "give a flow `labels: [...]`",)
    return Problem(
        code="TG343", message=f"no flow has the label `{label}`", span=label.span, help=(helps[0],)
    )


def unknown_environment(name: Text, known: Sequence[str]) -> Problem:
    """An environment for which no connection is set up."""
    helps = did_you_mean(name, known) or (
        there_are(known) if known else "set connections up under `environments:`",
    )
    return Problem(
        code="TG355",
        message=f"no connection is set up in an environment `{name}`",
        span=name.span,
        help=(helps[0],),
    )


def environment_after_itself(name: Text) -> Problem:
    """An environment that a release would have to reach before it reaches it."""
    return Problem(
        code="TG356",
        message=f"no release could ever be deployed: what comes before `{name}` comes after it as well",
        span=name.span,
        help=("leave out `after:` of the environment in which releases are tried first",),
    )


def no_cutoff(span: Span, calendar: str) -> Problem:
    """A time that goes by the cutoffs of a calendar without any."""
    return Problem(
        code="TG344",
        message=f"calendar `{calendar}` has no cycles, so there is no cutoff to go by",
        span=span,
        help=("give it `cycles`, or write `when: friday 12:00-24:00`",),
    )


def calendar_by_key(name: Text) -> Problem:
    """A calendar that differs by a key, where one is wanted that is the same for everybody."""
    return Problem(
        code="TG344",
        message=f"calendar `{name}` differs by a key, and here nothing says which of them is meant",
        span=name.span,
        help=("name a calendar with a `time_zone` of its own",),
    )
