"""Expectations in their compiled form: what has to happen in time."""

from dataclasses import dataclass

from engine.language.compiled import Compiled
from engine.plan.delay import Delay


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationPlan:
    """One expectation. Either `flow` or `comes` is what has to follow an event; with neither, it stays away.

    The time counts from the acceptance of the event; of one that is not to stay away, from the last of them.
    """

    name: str
    owner: str | None
    event: str
    input_name: str
    where: Compiled | None
    flow: str | None  # whose run for the event has to be complete
    comes: str | None  # the event that has to be accepted
    match: tuple[tuple[tuple[str, ...], Compiled], ...]  # a field of that event, and what it has to be
    within: Delay
    to: str
    severity: str
    message: Compiled | None

    @property
    def is_quiet(self) -> bool:
        """Whether it is about an event that stays away."""
        return self.flow is None and self.comes is None
