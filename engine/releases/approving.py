"""Who has to agree to a plan, and whether they have. What is approved is the hash of the plan, so all of it.

Who somebody is, is for the caller to know: the command line takes a person at their word, and records it.
"""

from collections.abc import Iterable, Mapping, Sequence

from engine.releases.plan import ReleasePlan
from engine.runtime.deployed import Approval
from engine.session import Demands
from engine.values.actors import ENGINE, same_person


def approval_refusal(plan: ReleasePlan, demands: Demands, by: str, role: str) -> str | None:
    """Why a person may not approve a plan in a role, in a sentence; None when they may."""
    if same_person(by) in {"", ENGINE}:
        return "a person has to be named who approves; say it with --as"
    if role not in demands.approve:
        if not demands.approve:
            return f"nobody has to approve it in {plan.environment!r}; it can be deployed as it is"
        roles = ", ".join(demands.approve)
        return f"nobody has to approve it in the role {role!r}; in {plan.environment!r} it takes: {roles}"
    if same_person(by) == same_person(plan.by):
        return f"{plan.by} made the plan, and another person has to approve it"
    return None


def unmet(plan: ReleasePlan, demands: Demands, approvals: Iterable[Approval]) -> list[str]:
    """What a plan lacks of what is demanded of it, in sentences."""
    mine = [one for one in approvals if one.plan == plan.hash]
    author = same_person(plan.by)
    by_role: Mapping[str, set[str]] = {
        role: {same_person(one.by) for one in mine if one.role == role} - {author} for role in demands.approve
    }
    found = []
    lacking = _lacking(list(by_role.items()))
    if lacking:
        found.append(f"nobody else has approved it in the role {' or '.join(sorted(lacking))}")
    if demands.after is not None and not _was_there(plan, demands.after):
        found.append(
            f"the same release has to be deployed to {demands.after!r} before; make the plan with "
            "`--proof` of that"
        )
    return found


def _was_there(plan: ReleasePlan, environment: str) -> bool:
    proof = plan.proof
    return proof is not None and (proof.environment, proof.release) == (environment, plan.release)


def _lacking(wanted: Sequence[tuple[str, set[str]]]) -> set[str]:
    """The roles that are left when each person stands for one role, as many as can be."""
    stands: dict[str, str] = {}  # person: role

    def place(role: str, seen: set[str]) -> bool:
        for person in sorted(dict(wanted)[role] - seen):
            seen.add(person)
            if person not in stands or place(stands[person], seen):
                stands[person] = role
                return True
        return False

    return {role for role, _ in wanted if not place(role, set())}
