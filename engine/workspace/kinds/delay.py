"""What policies and flows say about time: whose business days are counted."""

from dataclasses import dataclass
from typing import ClassVar

from engine.source import Text
from engine.spec.field import NAME, Described, PathText, note


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarUseDocument(Described):
    """The calendar by which business days and hours are counted."""

    shorthand: ClassVar[str | None] = "name"

    name: Text = note("The name of the calendar.", pattern=NAME)
    key: PathText | None = note(
        "Where the key is, for a calendar that differs by one, such as a legal entity; as the calendar says "
        "when left out.",
        default=None,
        examples=("invoice.legal_entity",),
    )
