"""Releases: what a change of documents touches, and bringing it to a ledger by a plan that says so.

A plan (:mod:`engine.releases.plan`) says which release takes over from which, what work is under way that
the change touches, and what becomes of it. It is made by :mod:`engine.releases.making`, and carried out as
it stands, or not at all, by :mod:`engine.releases.deploying`.
"""

from engine.releases.approving import approval_refusal
from engine.releases.deploying import deploy_here, opened, order, ready, refusals, wanted_of
from engine.releases.items import counted
from engine.releases.making import Wanted, is_true, make
from engine.releases.plan import CLASSES, FATES, Group, ReleasePlan, read_plan, write_plan

__all__ = [
    "CLASSES",
    "FATES",
    "Group",
    "ReleasePlan",
    "Wanted",
    "approval_refusal",
    "counted",
    "deploy_here",
    "is_true",
    "make",
    "opened",
    "order",
    "read_plan",
    "ready",
    "refusals",
    "wanted_of",
    "write_plan",
]
