"""What is wrong with versions that replace each other."""

from collections.abc import Mapping, Sequence

from engine.problems.problem import Problem, Severity
from engine.source import Text
from engine.workspace.kinds.model import DeprecatesDocument, EarlierDocument, EntityDocument, EventDocument


def no_version_to_replace(
    document: EntityDocument | EventDocument, version: int, earlier: Sequence[int]
) -> Problem:
    """A version says that it replaces one that is not there, or not an earlier one."""
    known = ", ".join(map(str, sorted(earlier)))
    there = (
        f"earlier versions: {known}" if known else "keep the document of the earlier version beside this one"
    )
    return Problem(
        code="TG327",
        message=(
            f"version {document.version} of `{document.name}` replaces version {version}, "
            "and there is no such earlier version"
        ),
        span=document.name.span,
        help=(there,),
    )


def no_way(text: Text, taken: str, made: str) -> Problem:
    """The mapping that is named makes something else, or of something else."""
    return Problem(
        code="TG328",
        message=f"the mapping `{text}` does not make `{made}` of `{taken}`",
        span=text.span,
        help=(f"it has one input, of the type {taken}, and its output is {made}",),
    )


def way_that_asks(text: Text) -> Problem:
    """A mapping between two versions that needs what only a run can look up."""
    return Problem(
        code="TG328",
        message=f"the mapping `{text}` looks up an id in another system, and nobody answers between versions",
        span=text.span,
        help=("make it of the record alone, and look the id up in a step of the flow",),
    )


def no_way_down(text: Text, newer: str) -> Problem:
    """A flow wants the earlier version, and nothing makes it."""
    return Problem(
        code="TG328",
        message=f"`{text}` is wanted, and nothing makes it of `{newer}`",
        span=text.span,
        help=("name a mapping that does as `down` of `deprecates`", f"or use `{newer}`"),
    )


def no_such_version(text: Text, name: str, current: int) -> Problem:
    """A trigger names a version that the event does not have."""
    return Problem(
        code="TG327",
        message=f"there is no `{text}`",
        span=text.span,
        help=(f"`{name}` is in version {current}; an earlier one is there while `deprecates` names it",),
    )


def version_ends(
    text: Text, newer: str, ends: DeprecatesDocument | EarlierDocument, *, has_ended: bool, named: str = ""
) -> Problem:
    """A document uses a version that ends, or has ended; ``named`` where the text is not its name."""
    until = ends.until.isoformat()
    up = () if ends.up is None else (f"the mapping `{ends.up}` makes the newer of the older",)
    name, makes = (named, f", which `{text}` makes,") if named else (str(text), "")
    return Problem(
        code="TG329",
        message=f"`{name}`{makes} {'ended' if has_ended else 'ends'} on {until}",
        span=text.span,
        help=(f"make `{newer}`" if named else f"use `{newer}`", *up),
        severity=Severity.ERROR if has_ended else Severity.WARNING,
    )


def fields_lost(text: Text, lost: Mapping[str, str]) -> Problem:
    """Fields of the earlier version that do not come back, each with the reason."""
    told = "; ".join(f"`{field}`, {why}" for field, why in lost.items())
    return Problem(
        code="TG346",
        message=f"of the earlier version is lost: {told}",
        span=text.span,
        help=("carry it on", f"or say that it need not be kept: `loses: [{', '.join(lost)}]`"),
        severity=Severity.WARNING,
    )
