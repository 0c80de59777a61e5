"""What open runs and environments ask of the release that takes over."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import ConfigurationError, InputError
from engine.plan.plan import FlowPlan
from engine.plan.step import ENTITY, ReadStep, WriteStep
from engine.session.connecting import manifests
from engine.session.loading import Session
from engine.session.releases import plans_in
from engine.workspace.kinds.environment import EnvironmentDocument

if TYPE_CHECKING:
    from engine.ledger import LedgerReader


def require_what_open_runs_need(
    session: Session, reader: "LedgerReader", opened: Collection[str] | None = None
) -> None:
    """Refuse a workspace that does not have what runs of releases before it still read or write.

    With `opened`, the connections that are open in this environment, each of them has to be among these.

    Raises:
        ConfigurationError: when it does not; the sentence says all that is missing, and for which runs.

    """
    plan_of = plans_in(session, reader)
    missing: dict[str, None] = {}
    for release, name in reader.open_flows():
        about = f"runs of flow {name} that began by release {release[:12]} are open and still need"
        try:
            flow = plan_of(release).flows[name]
        except InputError as error:
            missing[f"{about} that release: {error}"] = None
            continue
        if (lacking := lacks(session, flow)) is not None:
            missing[f"{about} {lacking}, which the workspace does not have any more"] = None
        missing.update(
            (f"{about} {name}, which is not set up in this environment", None) for name in _shut(flow, opened)
        )
    if missing:
        raise ConfigurationError(f"{'; '.join(missing)}; keep it until they are over")


def lacks(session: Session, flow: FlowPlan) -> str | None:
    """An operation that a flow of another release uses and this workspace does not have, if there is one."""
    known = manifests(session)
    for step in flow.steps:
        if not isinstance(step, ReadStep | WriteStep) or step.connection == ENTITY:
            continue
        there = known.get(step.connection)
        if there is None or step.operation not in there.operations:
            return f"{step.connection}.{step.operation}"
    return None


def _shut(flow: FlowPlan, opened: Collection[str] | None) -> list[str]:
    """The operations of a flow whose connections are not open here."""
    steps = [
        step for step in flow.steps if isinstance(step, ReadStep | WriteStep) and step.connection != ENTITY
    ]
    return [
        f"{one.connection}.{one.operation}"
        for one in steps
        if opened is not None and one.connection not in opened
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What a release asks of the one that takes over from it in an environment."""

    approve: tuple[str, ...] = ()  # roles, one person each
    after: str | None = None  # the environment to which it was deployed before


def demands(session: Session, environment: str) -> Demands:
    """What a workspace asks of releases in an environment."""
    document = session.workspace.of(EnvironmentDocument).get(environment)
    if document is None:
        return Demands()
    after = None if document.after is None else str(document.after)
    return Demands(approve=tuple(str(role) for role in document.approve), after=after)
