"""Going back: the plan by which a release that was active before is active again."""

from collections.abc import Mapping

from engine.errors import InputError
from engine.ledger import LedgerReader
from engine.releases.making import Wanted, make
from engine.releases.plan import FATES, FINISH, ROLLBACK, ReleasePlan
from engine.runtime.deployed import Deployed, deployed_in
from engine.session import kept

SHORTEST = 6  # characters of a release that name it


def plan_back(
    reader: LedgerReader, to: str | None, by: str, at: str, fates: Mapping[str, str]
) -> ReleasePlan:
    """The plan by which a ledger goes back; what is not said otherwise ends by the release it began with.

    Raises:
        InputError: when nothing was deployed, or no such release was active before.

    """
    deployed = deployed_in(reader)
    active = reader.active_release()
    if not deployed.deployments or active is None:
        raise InputError("nothing was deployed to this ledger, so there is nothing to go back to")
    release = _before(deployed, active.fingerprint) if to is None else named(deployed, to)
    row = reader.release(release)
    assert row is not None, release
    wanted = Wanted(
        by=by,
        at=at,
        environment=str(deployed.environment),
        fates={**dict.fromkeys(FATES, FINISH), **fates},
        kind=ROLLBACK,
    )
    return make(kept(row.content, compared=True), row.content, reader, wanted)


def _before(deployed: Deployed, active: str) -> str:
    """The release that the last deployment took over from; of a rollback, the one before that again."""
    arrived = next(one for one in deployed.deployments if one.release == active)
    if arrived.base in {None, active}:
        raise InputError("no release was active before the present one")
    return str(arrived.base)


def named(deployed: Deployed, to: str) -> str:
    """A release that was active here, by how its name begins.

    Raises:
        InputError: when there is none, or more than one.

    """
    found = sorted(name for name in deployed.known if name.startswith(to)) if len(to) >= SHORTEST else []
    if len(found) != 1:
        why = "more than one release" if found else "no release"
        raise InputError(f"{why} that was active here is called {to!r}; `tidegate releases` lists them")
    return found[0]
