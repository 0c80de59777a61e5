"""What a problem is.

What lives here: the types. What does not: wording, which is in the `problems.py` of each stage, and
columns, colour or JSON, which only :mod:`engine.problems.render` knows.
"""

from dataclasses import dataclass
from enum import StrEnum

from engine.source import Span


class Severity(StrEnum):
    """Whether a workspace with this problem can be run."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A place, and what is to be seen there."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake of an author.

    The message is one line that is true by itself, for some forms of output show nothing else. The
    span is the smallest guilty range; ``label`` is said beside its caret. A context label is the other
    half of a contradiction. Help says what to write.
    """

    code: str  # "TG101", one of engine.problems.codes.CODES
    message: str
    span: Span
    label: str = ""
    context: tuple[Label, ...] = ()
    help: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR
