"""The mistakes that checking the effects of flows finds, in words. Wording and nothing else."""

from collections.abc import Sequence

from engine.compile.problems import and_list
from engine.problems import Label, Problem
from engine.source import Span, Text

_CLASSES = {
    "transient": "nothing happened",
    "permanent": "it was refused for good",
    "unknown": "its outcome is unknown",
    "closed_period": "the accounting period is closed",
}


def no_way_back_said(step: str, write: Text, undone_by: Sequence[str]) -> Problem:
    """A write that says neither how it is taken back nor why not."""
    offered = f"`undo: {undone_by[0]}`" if undone_by else "`undo: connection.operation`"
    return Problem(
        code="TG520",
        message=f"step `{step}` writes, and does not say how that is taken back",
        span=write.span,
        help=(
            f"name what takes it back: {offered}",
            "or say why it cannot be taken back (`irreversible:`), or why it stays anyway (`stands:`)",
        ),
    )


def two_ways(step: str, undo: Span, other: Span, key: str) -> Problem:
    """A write that can be taken back and says why it is not."""
    said = "cannot be taken back" if key == "irreversible" else "stays whatever happens"
    return Problem(
        code="TG521",
        message=f"step `{step}` names what takes it back, and says that it {said}",
        span=other,
        context=(Label(span=undo, text="what takes it back"),),
        help=(f"leave out `undo` or `{key}`",),
    )


def undo_lacks(place: Span, operation: str, missing: Sequence[str]) -> Problem:
    """An undo that is not given what its operation needs."""
    given = ", ".join(f"{name}: ..." for name in missing)
    return Problem(
        code="TG522",
        message=f"`{operation}` needs {and_list(missing)}, and neither payload nor receipt has it",
        span=place,
        help=(f"give it: `undo: {{call: {operation}, with: {{{given}}}}}`",),
    )


def undo_given_too_much(key: Text, operation: str, known: Sequence[str]) -> Problem:
    """A value for an undo that its operation does not take."""
    return Problem(
        code="TG522",
        message=f"`{operation}` takes no `{key}`",
        span=key.span,
        help=(f"it takes {and_list(known)}",) if known else (),
    )


def undo_of_other_type(place: Span, operation: str, name: str, wanted: str, found: str) -> Problem:
    """An undo that is given a value of another type than it takes."""
    return Problem(
        code="TG523",
        message=f"`{operation}` takes {wanted} as `{name}`, and the write has {found} there",
        span=place,
        help=(f"give it another: `undo: {{call: {operation}, with: {{{name}: path.of.it}}}}`",),
    )


SHOWN_STEPS = 3


def irreversible_too_early(step: str, place: Span, refusals: Sequence[tuple[Span, str]]) -> Problem:
    """A write that cannot be taken back, and does not come after what may be refused."""
    first = refusals[0][1]
    more = len(refusals) - 1
    others = f", and {more} more step{'s' if more > 1 else ''}" if more else ""
    return Problem(
        code="TG524",
        message=f"step `{step}` cannot be taken back, and does not wait for {first}{others}",
        span=place,
        context=tuple(Label(span=span, text=f"{said}") for span, said in refusals[:SHOWN_STEPS]),
        help=(
            "let it come after that (`needs:`)",
            "or say why it is right that it stays when that is refused: `stands: why`",
        ),
    )


def fault_goes_nowhere(step: str, write: Text, fault: str, ways: Sequence[str]) -> Problem:
    """A class of fault that a write may meet, and nothing says where it goes then."""
    return Problem(
        code="TG525",
        message=f"step `{step}` does not say where its write goes when {_CLASSES[fault]}",
        span=write.span,
        help=(
            f"add `faults: {{{fault}: {ways[0]}}}` to the step, its flow or its connection"
            + (f"; the ways are {and_list(ways)}" if len(ways) > 1 else ""),
        ),
    )


def fault_cannot_go(text: Text, fault: str, step: str, why: str, helps: str) -> Problem:
    """A way for a class of fault that this write does not have."""
    return Problem(
        code="TG526",
        message=f"step `{step}` cannot go on with `{text}` when {_CLASSES[fault]}: {why}",
        span=text.span,
        help=(helps,),
    )


def fault_never_comes(text: Text, fault: str, operation: str) -> Problem:
    """A way for a class of fault that the operation never answers with."""
    return Problem(
        code="TG510",
        message=f"`{fault}` says nothing here: `{operation}` is never refused because {_CLASSES[fault]}",
        span=text.span,
        help=("leave it out, or say in the connector's manifest which answer means that",),
    )


def stands_needlessly(step: str, place: Span) -> Problem:
    """A reason for staying, of a write after which nothing can be refused."""
    return Problem(
        code="TG510",
        message=f"`stands` says nothing here: nothing beside or after step `{step}` can be refused",
        span=place,
        help=("leave it out",),
    )
