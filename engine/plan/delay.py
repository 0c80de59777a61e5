"""Lengths of time in their compiled form, and what correlates an event with who waits for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from engine.language.compiled import Compiled

Chain: TypeAlias = tuple[str, ...]
"""Names, each a field of what is before it: `("deal", "id")`."""

Match: TypeAlias = tuple[tuple[Chain, Chain], ...]
"""Fields of an event, each with the value of the scope that it must equal: what an index can find.

It follows from the condition and need not be all of it. Empty: nothing of the condition is an equality.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long after something: elapsed time, or business time of a calendar."""

    text: str  # "2 business days"
    due: Callable[[datetime, str | None], datetime]  # raises EvaluationError for an unknown key
    key: Compiled | None = None  # of the calendar, where it differs by one
