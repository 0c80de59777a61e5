"""Policies in their compiled form."""

from dataclasses import dataclass

from engine.language.compiled import Compiled
from engine.plan.delay import Delay, Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """The event after which a hold is checked again."""

    event: str
    where: Compiled | None
    match: Match = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Who is told when a hold stays open so long."""

    after: Delay
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """What becomes of a hold that stays open so long."""

    after: Delay
    then: str  # reject, release, alert
    to: str  # who is told; "" for nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What depends on the check waits."""

    approval: bool  # a person has to agree, rather than a fact to change
    until: Until | None
    role: str | None  # who may release it by hand
    reason_required: bool
    four_eyes_over: str | None  # "50000 USD"
    escalations: tuple[Escalation, ...] = ()
    expires: Expiry | None = None
    amount: Compiled | None = None  # the money at stake


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Somebody is told."""

    to: str
    severity: str
    message: Compiled | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPlan:
    """What follows from a rule beside the values that its check works out.

    Whether it applies, and what it says, is worked out by the check that it is part of, for all its
    policies at once. The precedence of outcomes is reject, hold, roll, route: what is rejected is not held.
    """

    name: str
    version: int
    owner: str | None
    hold: Hold | None
    reject: str | None  # a business code
    alert: Alert | None
    roll: Compiled | None = None  # the cycle it moves work to
