"""Carrying a plan out, as it stands or not at all: whether that may be, and the rows of the one commit.

The same rows are written by a daemon as a turn of its own, and by a command where no daemon runs.
"""

from collections.abc import Callable
from itertools import takewhile
from typing import TYPE_CHECKING

from engine.clock import Clock
from engine.errors import InputError, LedgerBusy
from engine.ledger import Commit, Ledger, LedgerReader, instant, is_shared, open_ledger
from engine.ledger.rows import NewActivation, NewRelease, StillActive
from engine.plan.plan import Plan
from engine.releases.approving import unmet
from engine.releases.items import counted, items
from engine.releases.moving import Moved, Moving, move
from engine.releases.plan import DEPLOY, ReleasePlan
from engine.runtime.deployed import DEPLOY as DEPLOYED
from engine.runtime.deployed import ROLLBACK as ROLLED_BACK
from engine.runtime.deployed import deployed_in, fact
from engine.runtime.resolve import Following, Order, Person
from engine.session import Demands, Session, demands, kept, lacks, plans_in
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.execute import Executor


MOST = 10_000  # items that a daemon moves: it does nothing else in the meantime


def ready(plan: ReleasePlan, *, compared: bool = False) -> Session:
    """The release of a plan, compiled; or also to be ``compared`` with others.

    Raises:
        InputError: when it does not compile, or is another one than the plan names.

    """
    session = kept(plan.content, compared=compared)
    if session.ready.plan.release != plan.release:
        raise InputError(
            f"the plan names release {plan.release[:12]}, and what it holds is "
            f"{session.ready.plan.release[:12]} here; make it with the version that carries it out"
        )
    return session


def refusals(plan: ReleasePlan, reader: LedgerReader) -> list[str]:
    """Why a plan may not be carried out on a ledger as it is now, in sentences; nothing when it may."""
    found = [*pointer_refusals(plan, reader), *_fate_refusals(plan, reader)]
    if plan.kind == DEPLOY:
        found += unmet_demands(plan, reader)
    elif plan.release not in deployed_in(reader).known:  # what was here before was approved then
        found.append(f"release {plan.release[:12]} was never active here, so nobody can go back to it")
    return found


def wanted_of(plan: ReleasePlan, reader: LedgerReader) -> Demands:
    """What the release that is active asks of the one that takes over; without one, what that asks itself."""
    active = reader.active_release()
    return demands(kept(plan.content if active is None else active.content), plan.environment)


def unmet_demands(plan: ReleasePlan, reader: LedgerReader) -> list[str]:
    """What a plan lacks of what the active release asks of the one that takes over, in sentences."""
    return unmet(plan, wanted_of(plan, reader), deployed_in(reader).approvals)


def pointer_refusals(plan: ReleasePlan, reader: LedgerReader) -> list[str]:
    """Why a plan does not fit where the ledger points, or whose it is, in sentences."""
    active, deployed = reader.active_release(), deployed_in(reader)
    now = None if active is None else active.fingerprint
    # Of a ledger on which a folder was worked by, the first deployment may be that of this very folder.
    if now == plan.release and (deployed.deployments or plan.base != now):
        return [f"release {plan.release[:12]} is active already"]
    found: list[str] = []
    if now != plan.base:
        before = "no release" if plan.base is None else f"release {plan.base[:12]}"
        is_now = "none is" if now is None else f"{now[:12]} is"
        found.append(f"the plan was made when {before} was active, and {is_now} now: make it anew")
    if any(one.plan == plan.hash for one in deployed.deployments):
        found.append("the plan was carried out already, and gone back on: make it anew")
    if deployed.environment not in {None, plan.environment}:
        found.append(
            f"the ledger is that of the environment {deployed.environment!r}, and the plan is for "
            f"{plan.environment!r}"
        )
    return found


def _fate_refusals(plan: ReleasePlan, reader: LedgerReader) -> list[str]:
    # What was on trial began on the new release already.
    counts = counted(items(reader), {**plan.touched, plan.release: {}})
    lost: dict[str, int] = {}
    for (kind, flow, _), count in counts.touched.items():
        if plan.fate(kind, flow) is None:
            lost[f"{kind}:{flow}"] = lost.get(f"{kind}:{flow}", 0) + count.number
    found = [
        f"{number} of {name.partition(':')[2]} {'are' if number > 1 else 'is'} {name.partition(':')[0]}, "
        "and the plan says nothing of them: make it anew"
        for name, number in sorted(lost.items())
    ]
    return found + [f"work began on release {one[:12]} since the plan was made" for one in counts.strange]


def order(plan: ReleasePlan, new: Session, person: Person) -> Order:
    """Carry a plan out in a turn of a daemon, which ends then; `new` is its release, compiled."""

    def carried_out(executor: "Executor") -> Following:
        _require(plan, executor.reader)
        busy = {*executor.live, *executor.aside}
        at = executor.at
        moving = Moving(plan, new.ready.plan, executor.reader, at, person, busy, MOST)
        moved = move(executor.commit_rows, moving)
        _require_going_on(new, executor.reader, executor.recovery.plan, moved)
        _write(executor.commit_rows, plan, at, person, moved)
        executor.recall.hand_on(moved.ended)
        return Following()

    return carried_out


def deploy_here(plan: ReleasePlan, new: Session, person: Person, ledger_url: str, clock: Clock) -> Moved:
    """Carry a plan out where no daemon runs, or beside the machines of a ledger on a server.

    Raises:
        InputError: when it may not be carried out.
        LedgerError: when the ledger cannot be opened or written.

    """
    with opened(ledger_url, clock, alone=plan.moves) as ledger:
        reader, at = ledger.reader(), instant(clock.now())
        _require(plan, reader)
        commit = Commit(actor=person.by, action=_action(plan), subject=plan.release)
        moved = move(commit, Moving(plan, new.ready.plan, reader, at, person, ()))
        _require_going_on(new, reader, plans_in(new, reader), moved)
        _write(commit, plan, at, person, moved)
        ledger.commit(commit)
    return moved


def opened(ledger_url: str, clock: Clock, *, alone: bool = False) -> Ledger:
    """The ledger, alone where nobody is at work on it; else beside the machines that are.

    Raises:
        InputError: when machines are at work, and it is needed ``alone``.
        LedgerError: when it cannot be opened.

    """
    try:
        return open_ledger(ledger_url, clock=clock, create=True)
    except LedgerBusy:
        if not is_shared(ledger_url):
            raise
        if alone:
            raise InputError(
                "machines are at work on this ledger, and what they have is theirs: stop them, or make a "
                "plan by which everything ends by the release that it began with"
            ) from None
    from engine.ledger.postgres_ledger import open_shared

    return open_shared(ledger_url, clock=clock, name=f"deploy/{instant(clock.now())}")


def _require(plan: ReleasePlan, reader: LedgerReader) -> None:
    if why := refusals(plan, reader):
        raise InputError("the plan is not carried out: " + "; ".join(why))


def _require_going_on(
    new: Session, reader: LedgerReader, plan_of: Callable[[str], Plan], moved: Moved
) -> None:
    """Refuse when work that keeps to its release could not end; it may have begun after the plan was made."""
    left = reader.open_flows()
    if moved.ended:
        ended = frozenset(moved.ended)
        still = takewhile(lambda item: item.kind != "dead", items(reader))
        left = sorted({(item.release, item.flow) for item in still if item.run_id not in ended})
    lost = [
        f"runs of flow {flow} that began by release {release[:12]} still need {lacking}, which the new one "
        "does not have"
        for release, flow in left
        if (lacking := lacks(new, plan_of(release).flows[flow])) is not None
    ]
    if lost:
        raise InputError("the plan is not carried out: " + "; ".join(lost))


def _action(plan: ReleasePlan) -> str:
    return DEPLOYED if plan.kind == DEPLOY else ROLLED_BACK


def _write(commit: Commit, plan: ReleasePlan, at: str, person: Person, moved: Moved) -> None:
    """The snapshot, the pointer and the fact, in one commit."""
    commit.still_active.append(StillActive(plan.base))
    commit.releases.append(NewRelease(plan.release, at, "", plan.content))
    commit.activations.append(NewActivation(plan.release, at, person.by, person.reason))
    detail: dict[str, Value] = {
        **plan.detail(person.reason),
        "fates": dict(plan.fates),
        "moved": dict(moved.counts),
        "stayed": dict(moved.stayed),
    }
    commit.entries.append(fact(at, person.by, _action(plan), detail))
