"""What is wrong with versions that replace each other."""

from collections.abc import Sequence

from engine.problems.problem import Problem, Severity
from engine.source import Text
from engine.workspace.kinds.model import DeprecatesDocument, EntityDocument


def no_version_to_replace(document: EntityDocument, version: int, earlier: Sequence[int]) -> Problem:
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


def no_way_up(up: Text, older: str, newer: str) -> Problem:
    """The mapping that is named makes something else, or of something else."""
    return Problem(
        code="TG328",
        message=f"the mapping `{up}` does not make `{newer}` of `{older}`",
        span=up.span,
        help=(f"it has one input, of the type {older}, and its output is {newer}",),
    )


def version_ends(text: Text, newer: str, ends: DeprecatesDocument, *, has_ended: bool) -> Problem:
    """A document uses a version that ends, or has ended."""
    until = ends.until.isoformat()
    up = () if ends.up is None else (f"the mapping `{ends.up}` makes the newer of the older",)
    return Problem(
        code="TG329",
        message=f"`{text}` ended on {until}" if has_ended else f"`{text}` ends on {until}",
        span=text.span,
        help=(f"use `{newer}`", *up),
        severity=Severity.ERROR if has_ended else Severity.WARNING,
    )
