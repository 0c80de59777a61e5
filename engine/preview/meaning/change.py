"""One difference between two releases, and how it is classed."""

from dataclasses import dataclass

from engine.plan.meaning import Place

# What a difference touches.
BEHAVIOUR = "behaviour"  # what is decided
USE = "use"  # what is decided, by something that the part uses
WORDING = "wording"  # only what people read

# What it means for senders, targets and work under way.
BREAKING = "breaking"  # somebody else has to change with it, or work may be refused or done twice
FORWARD_ONLY = "forward-only"  # right for what begins after it; work under way ends on what it began with
SAFE = "safe"  # work under way could go on with it

CLASSES = (BEHAVIOUR, USE, WORDING)
SEVERITIES = (BREAKING, FORWARD_ONLY, SAFE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one part says otherwise at one place; ``place`` is empty for the part as a whole."""

    kind: str
    name: str
    place: Place
    what: str  # added, removed, changed
    aspect: str  # field, type, rounding, hold, edge, operation, table, ownership, ...
    touches: str  # one of CLASSES
    severity: str  # one of SEVERITIES
    sentence: str
    old: str | None
    new: str | None
    file: str
    line: int
    via: tuple[str, ...] = ()  # the parts that changed, of one that changed by what it uses

    @property
    def part(self) -> str:
        """The part by kind and name: "mapping entry-to-bill"."""
        return f"{self.kind} {self.name}"
