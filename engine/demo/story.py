"""What the demo tells, as data: scenes of lines, and expectations that held or did not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

KINDS = ("act", "message", "write", "decision", "hold", "release", "alert", "wait", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that happened, in a sentence."""

    kind: str  # one of KINDS
    text: str
    system: str = ""  # where it happened, by the name that people use


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What somebody did at an instant, and everything that followed from it."""

    at: datetime  # in the zone of the legal entity
    title: str
    lines: Sequence[Line] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Something that must be so at the end, in the systems and in the ledger."""

    text: str
    held: bool
    found: str  # what was found, in a few words


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All of it."""

    scenes: Sequence[Scene]
    trace: Sequence[str]  # from one revenue entry back to where it came from
    expectations: Sequence[Expectation]

    @property
    def held(self) -> bool:
        """Whether every expectation held."""
        return all(expectation.held for expectation in self.expectations)
