"""Whether a person may release or refuse a hold, by what its policy declares. Pure.

Who somebody is, is for the caller to know: the command line takes a person at their word, and records it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.values.actors import ENGINE, same_person
from engine.values.value import Value

NOT_PROPOSED = "nobody has proposed that, or what was proposed has lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A person's decision to release a hold."""

    by: str
    reason: str | None = None
    role: str | None = None  # in which the person acts
    second: str | None = None  # another person, who agrees


def refusal(detail: Mapping[str, Value], release: Release) -> str | None:
    """Why a release is not accepted, in a sentence; None when it is. `detail` is that of the hold."""
    role, limit = detail.get("role"), detail.get("four_eyes_over")
    by, second = same_person(release.by), same_person(release.second)
    if not by or ENGINE in (by, second):
        return "a person has to be named who does it"
    if role is not None and release.role != role:
        given = f"not {release.role}" if release.role else "and none was given"
        return f"it is done in the role {role}, {given}"
    if detail.get("reason_required") and not (release.reason or "").strip():
        return "it is done with a reason only"
    if second == by:
        return f"a second person has to agree, and {release.second} is the first"
    if limit is not None and not second:
        return _too_much(str(limit), detail.get("amount"))
    return None


def proposal_refusal(detail: Mapping[str, Value], release: Release) -> str | None:
    """Why a person may not propose a release for which another has to agree; None when they may."""
    return refusal({**detail, "four_eyes_over": None}, release)


def agreement_refusal(detail: Mapping[str, Value], first: Release, second: Release) -> str | None:
    """Why a person may not agree with what the first has proposed; None when they may."""
    why = refusal({**detail, "four_eyes_over": None, "reason_required": False}, second)
    if why is None and same_person(second.by) == same_person(first.by):
        return f"a second person has to agree, and {first.by} has proposed it"
    return why


def refusal_refusal(detail: Mapping[str, Value], release: Release) -> str | None:
    """Why a person may not refuse what a hold keeps waiting; None when they may. One person is enough."""
    return refusal({**detail, "four_eyes_over": None, "reason_required": True}, release)


def _too_much(limit: str, amount: Value) -> str | None:
    """Why one person is not enough; None when what is at stake is not above the limit."""
    ask = f"its policy asks for a second person above {limit}"
    if not isinstance(amount, Mapping):
        return f"{ask}, and the amount at stake is not on record"
    most, currency = limit.split()
    told = f"{amount['amount']} {amount['currency']}"
    if amount["currency"] != currency:
        return f"{ask}, and {told} cannot be compared with that"
    at_stake = amount["amount"]
    assert isinstance(at_stake, int | Decimal)
    above = abs(Decimal(at_stake)) > Decimal(most)
    return f"{ask}, and {told} are at stake" if above else None
