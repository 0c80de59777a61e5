"""The mistakes that checking who owns what finds, in words. Wording and nothing else."""

from collections.abc import Sequence

from engine.compile.problems import and_list
from engine.problems import Label, Problem, did_you_mean
from engine.problems.suggest import or_list
from engine.source import Span, Text


def unknown_system(text: Text, known: Sequence[str]) -> Problem:
    """A system of record that nothing stands for."""
    near = did_you_mean(str(text), known)
    return Problem(
        code="TG530",
        message=f"there is no system `{text}`",
        span=text.span,
        help=(
            *(near or ((f"there are {and_list(known)}",) if known else ())),
            f"one that is not connected yet is a document of its own: `system: {text}`",
        ),
    )


def half_a_matrix(entity: str, field: Text) -> Problem:
    """A field that nobody owns, of an entity of which other fields have an owner."""
    return Problem(
        code="TG531",
        message=f"nobody owns `{field}` of {entity}, while other fields of it have an owner",
        span=field.span,
        help=("give the field `system_of_record`, or the entity one for all of its fields",),
    )


def no_original(text: Text, entity: str, field: str, known: Sequence[str]) -> Problem:
    """A copy of a field that is not there."""
    return Problem(
        code="TG536",
        message=f"{entity} has no field `{field}`, so nothing can be a copy of it",
        span=text.at(len(entity) + 1, len(text)),
        help=did_you_mean(field, known),
    )


def not_the_owner(place: Span, field: str, owner: str, found: str, source: str) -> Problem:
    """A field that is filled by a system that does not own it."""
    entity, _, name = field.partition(".")
    return Problem(
        code="TG532",
        message=f"{owner} owns `{name}` of {entity}, and this comes from {found} (`{source}`)",
        span=place,
        help=(
            f"take it from {owner}: from a record, a table or a field that {owner} owns",
            f"or say in the entity who owns it: `system_of_record: {found}`, or `copy_of: entity.field`",
        ),
    )


def sets_what_target_owns(place: Span, field: str, system: str, native: str, comes_from: str) -> Problem:
    """A write that sets a field of which its target is the system of record."""
    entity, _, name = field.partition(".")
    if comes_from == field:
        message = f"{system} owns `{name}` of {entity}, and would get an older value of it back as `{native}`"
    else:
        said = f"`{comes_from}`" if comes_from else "what is written here"
        message = f"{system} owns `{name}` of {entity}, and `{native}` would be overwritten with {said}"
    return Problem(
        code="TG533",
        message=message,
        span=place,
        help=(
            "leave the field out",
            "or say at the step why the owner may be given it: `proposes: why`",
        ),
    )


def two_owners(place: Span, native: str, owners: tuple[str, str], other: Span) -> Problem:
    """A field of a system that two writes fill with data of two owners."""
    return Problem(
        code="TG534",
        message=f"`{native}` is written with data of {owners[1]}, and elsewhere with data of {owners[0]}",
        span=place,
        context=(Label(span=other, text=f"here with data of {owners[0]}"),),
        help=("let one system have the say: write the field from one of them",),
    )


def second_hand(place: Span, field: str, owner: str, source: str) -> Problem:
    """A copy that is passed on as if it were the original."""
    entity, _, name = field.partition(".")
    return Problem(
        code="TG535",
        message=f"`{name}` of {entity} is what {source} says of it, while {owner} owns it",
        span=place,
        help=(f"read it where {owner} keeps it, and write that",),
    )


def proposes_needlessly(place: Span, step: str) -> Problem:
    """A reason for setting fields of the owner, of a write that sets none."""
    return Problem(
        code="TG510",
        message=f"`proposes` says nothing here: step `{step}` sets no field that its target owns",
        span=place,
        help=("leave it out",),
    )


def either_of(names: Sequence[str]) -> str:
    """Systems as a person lists them."""
    return or_list(names).replace("`", "")
