"""Our own bug, said as what it is."""

import traceback

from engine.problems.problem import Problem
from engine.source import Span


def own_bug(span: Span, error: Exception) -> Problem:
    """The problem that stands for an exception that nobody foresaw, while working on what is at `span`."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return Problem(
        code="TG901",
        message="Tidegate itself failed here; this is a mistake of ours, not of yours",
        span=span,
        help=(
            f"what happened: {type(error).__name__}{place}",
            "please report it, with this line and the smallest document that shows it",
        ),
    )
