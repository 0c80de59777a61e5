"""What was deployed to a ledger, by whom and by which plan: facts of the audit, in their order.

What lives here: the form of these facts, and reading them. What does not: whether something may be deployed
(:mod:`engine.releases`). The pointer itself is the last activation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from engine.errors import InputError
from engine.ledger import LedgerReader
from engine.ledger.rows import AuditEntry, AuditRow, StillActive
from engine.runtime.resolve import Person
from engine.values.json_text import read_json, write_json
from engine.values.value import Value

SUBJECT = "releases"  # under which all of these facts are found
DEPLOY, ROLLBACK = "release.deploy", "release.rollback"
POINTING = (DEPLOY, ROLLBACK)
APPROVE = "release.approve"
SHADOW = "release.shadow"
CANARY, CANARY_STOP = "release.canary", "release.canary.stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One move of the pointer."""

    kind: str  # release.deploy or release.rollback
    release: str
    base: str | None
    plan: str  # the hash of the plan that was carried out
    environment: str
    at: str
    by: str
    detail: Mapping[str, Value] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person agrees to a plan, by its hash."""

    plan: str
    role: str
    by: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What a ledger says of its releases."""

    deployments: tuple[Deployment, ...] = ()
    approvals: tuple[Approval, ...] = ()
    canary: Mapping[str, Value] | None = None  # that goes on; nothing is known of one that is over
    ended: tuple[Mapping[str, Value], ...] = ()  # how those ended that are over
    shadows: tuple[Mapping[str, Value], ...] = ()  # what was reported of each
    seen: int = 0  # the last row of the audit that says anything of it

    @property
    def known(self) -> frozenset[str]:
        """The releases that were active since the first deployment, and the one before it."""
        found = {one.release for one in self.deployments}
        return frozenset(found | {one.base for one in self.deployments if one.base is not None})

    @property
    def environment(self) -> str | None:
        """The environment that the ledger belongs to since the first deployment."""
        return self.deployments[0].environment if self.deployments else None


def deployed_in(reader: LedgerReader) -> Deployed:
    """What a ledger says of its releases; of one that nothing was deployed to, nothing."""
    rows = reader.audit_of(SUBJECT)
    return Deployed(
        deployments=tuple(_deployment(row) for row in rows if row.action in POINTING),
        approvals=tuple(_approval(row) for row in rows if row.action == APPROVE),
        canary=_going_on(rows),
        ended=tuple(_with_who(row) for row in rows if row.action == CANARY_STOP),
        shadows=tuple(_detail(row) for row in rows if row.action == SHADOW),
        seen=max((row.seq for row in rows), default=0),
    )


def standing(reader: LedgerReader) -> StillActive:
    """What somebody decides on who reads it now; it is to be asked for before anything else is read."""
    seen, active = deployed_in(reader).seen, reader.active_release()
    return StillActive(None if active is None else active.fingerprint, SUBJECT, seen)


def _going_on(rows: Iterable[AuditRow]) -> Mapping[str, Value] | None:
    """The canary that goes on: the last one, unless it was stopped, or the pointer was moved since."""
    found: Mapping[str, Value] | None = None
    for row in rows:
        if row.action == CANARY:
            found = _with_who(row)
        elif row.action in POINTING or (found and row.action == CANARY_STOP and _is_of(row, found)):
            found = None
    return found


def _is_of(row: AuditRow, canary: Mapping[str, Value]) -> bool:
    """Whether an end is that of this canary: a machine may be late with that of one before."""
    return _detail(row)["plan"] == canary["plan"]


def _with_who(row: AuditRow) -> dict[str, Value]:
    return {**_detail(row), "at": row.at, "by": row.actor}


def _detail(row: AuditRow) -> dict[str, Value]:
    return cast("dict[str, Value]", read_json(row.detail or "{}"))


def _approval(row: AuditRow) -> Approval:
    detail = _detail(row)
    return Approval(plan=str(detail["plan"]), role=str(detail["role"]), by=row.actor, at=row.at)


def _deployment(row: AuditRow) -> Deployment:
    detail = _detail(row)
    base = detail.get("base")
    return Deployment(
        kind=row.action,
        release=str(detail["release"]),
        base=None if base is None else str(base),
        plan=str(detail["plan"]),
        environment=str(detail["environment"]),
        at=row.at,
        by=row.actor,
        detail=detail,
    )


def to_stop(reader: LedgerReader, who: Person) -> dict[str, Value]:
    """What is written when a person ends the trial that goes on.

    Raises:
        InputError: when there is none.

    """
    canary = deployed_in(reader).canary
    if canary is None:
        raise InputError("no release is on trial")
    return {"plan": canary["plan"], "release": canary["release"], "reason": who.reason}


def fact(at: str, by: str, action: str, detail: Mapping[str, Value]) -> AuditEntry:
    """One of these facts, as the audit keeps it."""
    return AuditEntry(at, by, action, SUBJECT, write_json(detail).decode())
