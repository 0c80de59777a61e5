"""Making a plan: what a workspace says otherwise than the active release, and what work that touches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from engine.ledger import LedgerReader
from engine.plan.meaning import Meaning
from engine.plan.plan import Plan
from engine.preview.meaning import SAFE, Change, compare, touched, worst
from engine.releases.items import Item, counted, items
from engine.releases.plan import (
    DEPLOY,
    FATES,
    FINISH,
    MOVE,
    REPLAY,
    Group,
    ReleasePlan,
    checked_fates,
    fate_in,
)
from engine.releases.proof import Proof
from engine.session import Session, kept, lacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a plan is asked for."""

    by: str
    at: str
    environment: str
    fates: Mapping[str, str] = field(default_factory=dict)
    kind: str = DEPLOY
    proof: Proof | None = None  # that the release was deployed elsewhere before


def make(session: Session, content: bytes, reader: LedgerReader | None, wanted: Wanted) -> ReleasePlan:
    """The plan by which a workspace takes over; without a reader there is no ledger yet.

    ``content`` is the workspace as a ledger keeps it.

    Raises:
        InputError: when the workspace has problems, or a fate is none.

    """
    fates = checked_fates(wanted.fates)
    active = None if reader is None else reader.active_release()
    found = [] if reader is None else [*items(reader)]
    before = _Former(session, reader)
    changes = [] if active is None else before.changes(active.fingerprint)
    releases = {item.release for item in found} | ({active.fingerprint} if active else set())
    touching = {release: before.touched(release) for release in sorted(releases)}
    groups, untouched = _grouped(found, touching, fates, before)
    return ReleasePlan(
        kind=wanted.kind,
        environment=wanted.environment,
        base=None if active is None else active.fingerprint,
        release=session.ready.plan.release,
        by=wanted.by,
        at=wanted.at,
        fates=fates,
        touched=touching,
        groups=groups,
        untouched=untouched,
        changes=[_said(change) for change in changes],
        proof=wanted.proof,
        content=content,
    )


def is_true(plan: ReleasePlan, reader: LedgerReader) -> bool:
    """Whether a plan says of its release what is so: a hash shows a slip, and not what somebody made up.

    What it says of a release that the ledger does not have is not looked at: it cannot be carried out there.
    """
    new = kept(plan.content, compared=True)
    if new.ready.plan.release != plan.release:
        return False
    if plan.base is None or reader.release(plan.base) is None:
        return True
    before = _Former(new, reader)
    known = [release for release in {*plan.touched, plan.base} if reader.release(release) is not None]
    said = [_said(change) for change in before.changes(plan.base)]
    return said == [*plan.changes] and all(
        plan.touched.get(release) == before.touched(release) for release in known
    )


class _Former:
    """The releases that work under way began on, compiled when they are asked for."""

    def __init__(self, session: Session, reader: LedgerReader | None) -> None:
        self._new = session
        self._reader = reader
        self._known: dict[str, Session] = {session.ready.plan.release: session}
        self._changes: dict[str, list[Change]] = {}

    def _session(self, release: str) -> Session:
        if release not in self._known:
            assert self._reader is not None
            row = self._reader.release(release)
            assert row is not None, release
            self._known[release] = kept(row.content, compared=True)
        return self._known[release]

    def plan(self, release: str) -> Plan:
        """The plan of a release."""
        return self._session(release).ready.plan

    def meaning(self, release: str) -> Meaning:
        """What a release says."""
        return self._session(release).ready.meaning()

    def changes(self, release: str) -> list[Change]:
        """What the new release says otherwise than another one."""
        if release not in self._changes:
            self._changes[release] = compare(self.meaning(release), self._new.ready.meaning())
        return self._changes[release]

    def touched(self, release: str) -> dict[str, str]:
        """The flows of a release that the new one decides otherwise, with how severe that is."""
        found = touched(self.meaning(release), self._new.ready.meaning(), self.changes(release))
        return {flow: worst(changes) for flow, changes in found.items()}

    def impossible(self, kind: str, flow: str, release: str, severity: str) -> dict[str, str]:
        """What cannot become of items of a class, flow and release, with the reason."""
        found: dict[str, str] = {}
        new = self._new.ready.plan.flows.get(flow)
        further = REPLAY if kind == "dead" else MOVE
        if further not in FATES[kind]:
            pass
        elif new is None:
            found[further] = f"the new release has no flow {flow}"
        elif kind in {"waiting", "held"} and severity != SAFE:
            found[further] = (
                f"what changes is {severity}: it is right only for what begins after it, and this has begun"
            )
        if kind != "dead" and (lacking := lacks(self._new, self.plan(release).flows[flow])) is not None:
            found[FINISH] = f"they still need {lacking}, which the new release does not have"
        return found


def _grouped(
    found: Iterable[Item],
    touching: Mapping[str, Mapping[str, str]],
    fates: Mapping[str, str],
    before: _Former,
) -> tuple[list[Group], Mapping[str, int]]:
    counts = counted(found, touching)
    groups = [
        Group(
            kind=kind,
            flow=flow,
            release=release,
            severity=touching[release][flow],
            count=count.number,
            examples=tuple(count.examples),
            impossible=before.impossible(kind, flow, release, touching[release][flow]),
        )
        for (kind, flow, release), count in counts.touched.items()
    ]
    return sorted((_with_fate(one, fates) for one in groups), key=_order), counts.untouched


def _with_fate(group: Group, fates: Mapping[str, str]) -> Group:
    fate = fate_in(fates, group.kind, group.flow)
    return replace(group, fate=None if fate in group.impossible else fate)


def _order(group: Group) -> tuple[int, str, str]:
    return [*FATES].index(group.kind), group.flow, group.release


def _said(change: Change) -> dict[str, str]:
    return {
        "part": change.part,
        "sentence": change.sentence,
        "touches": change.touches,
        "severity": change.severity,
    }
