"""The table of acts: what a person may do at the control door, or with a ledger that no daemon runs on.

One act is one function of a desk and a request. Those that need more than a few lines live in modules of
their own and stand here by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from engine.errors import InputError
from engine.ledger.rows import AuditEntry
from engine.runtime.compensation import CompensateRequest, compensate
from engine.runtime.control import Act, Desk, Did
from engine.runtime.deployed import APPROVE, CANARY_STOP, SHADOW, SUBJECT, fact, to_stop
from engine.runtime.failure_acts import FAILURE_ACTS
from engine.runtime.hold_acts import HOLD_ACTS
from engine.runtime.pruning import GIVE_BACK, PRUNE
from engine.runtime.resolve import Following, Person
from engine.runtime.triggers.trigger import written
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.execute import Executor


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A request that asks for nothing in particular."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeRequest:
    """Which order key a person lets others pass under, and why."""

    key: str
    by: str
    reason: str


async def status(desk: Desk, request: Nothing) -> Did:
    """What is in memory: runs on their way, those that stand in line, what is to be sent and when."""
    del request
    return {**desk.about, "now": desk.clock.now(), **desk.runner.backlog()}


async def free_key(desk: Desk, request: FreeRequest) -> Did:
    """Let pass what waits behind whatever stops an order key; it goes on by itself."""
    stopped = desk.runner.executor.parking.stopping(request.key)
    await desk.runner.act(lambda executor: executor.free_key(request.key, request.by, request.reason))
    return {"key": request.key, "passed": stopped}


async def sources(desk: Desk, request: Nothing) -> Did:
    """How the triggers stand: when each was asked, how far it came, what is wrong, when it is due."""
    del request
    return {"sources": [written(one.state()) for one in desk.triggers]}


async def reload(desk: Desk, request: Nothing) -> Did:
    """Have the daemon go on with the workspace as it is now; what is wrong with it is answered."""
    del request
    if desk.reload is None:
        raise InputError("no daemon runs here; `tidegate run` begins with the workspace as it is")
    return desk.reload()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """A plan in full, who has it carried out, and why."""

    plan: str
    by: str
    reason: str


async def deploy(desk: Desk, request: DeployRequest) -> Did:
    """Carry out a plan: its release takes over."""
    if desk.deploy is None:
        raise InputError("no daemon runs here; the plan is carried out on the ledger itself")
    return await desk.deploy(request.plan, request.by, request.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveRequest:
    """Who approves which plan, by its hash, in which role; whether it counts is judged at the deployment."""

    plan: str
    release: str
    by: str
    role: str
    reason: str | None = None


async def approve(desk: Desk, request: ApproveRequest) -> Did:
    """Write down that a person approves a plan."""
    said = {"plan": request.plan, "release": request.release, "role": request.role, "reason": request.reason}

    def order(executor: "Executor") -> Following:
        executor.commit_rows.entries.append(fact(executor.at, request.by, APPROVE, said))
        return Following()

    await desk.runner.act(order)
    return {"plan": request.plan, "status": "approved"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRequest:
    """What a release decided otherwise in the shadow of the active one: a record as JSON."""

    by: str
    report: str


async def shadow(desk: Desk, request: ShadowRequest) -> Did:
    """Keep what a release decided otherwise in the shadow of the active one."""

    def order(executor: "Executor") -> Following:
        entry = AuditEntry(executor.at, request.by, SHADOW, SUBJECT, request.report)
        executor.commit_rows.entries.append(entry)
        return Following()

    await desk.runner.act(order)
    return {"status": "kept"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryRequest:
    """A plan in full, which part is tried by it and when that ends (JSON), who wants it, and why."""

    plan: str
    part: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequest:
    """Who ends the trial of a release, and why."""

    by: str
    reason: str


async def canary(desk: Desk, request: CanaryRequest) -> Did:
    """Have a release tried on a part of what comes in."""
    if desk.canary is None:
        raise InputError("no daemon runs here; the trial is begun on the ledger itself")
    try:
        part = cast("Mapping[str, Value]", read_json(request.part))
    except JsonError as error:
        raise InputError(f"what is to be tried is not JSON: {error}") from error
    return await desk.canary(request.plan, part, request.by, request.reason)


async def canary_stop(desk: Desk, request: StopRequest) -> Did:
    """End the trial of a release; its runs end by the release that they began with."""
    person = Person(by=request.by, reason=request.reason)

    def order(executor: "Executor") -> Following:
        said = to_stop(executor.reader, person)
        executor.commit_rows.entries.append(fact(executor.at, person.by, CANARY_STOP, said))
        executor.trial = None
        return Following()

    await desk.runner.act(order)
    return {"status": "stopped"}


ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "status": Act(about="What the daemon is doing.", asks=Nothing, do=status, waits=False),
        "compensate": Act(about="Take back what a run wrote.", asks=CompensateRequest, do=compensate),
        "sources": Act(about="How the triggers stand.", asks=Nothing, do=sources),
        "reload": Act(about="Go on with the workspace as it is now.", asks=Nothing, do=reload),
        "deploy": Act(about="Carry out a plan.", asks=DeployRequest, do=deploy),
        "approve": Act(about="Approve a plan.", asks=ApproveRequest, do=approve),
        "shadow": Act(about="Keep what a release did in the shadow.", asks=ShadowRequest, do=shadow),
        "canary": Act(about="Try a release on a part of what comes in.", asks=CanaryRequest, do=canary),
        "canary_stop": Act(about="End the trial of a release.", asks=StopRequest, do=canary_stop),
        "prune": PRUNE,
        "give_back": GIVE_BACK,
        "free_key": Act(about="Let others pass under an order key.", asks=FreeRequest, do=free_key),
        **HOLD_ACTS,
        **FAILURE_ACTS,
    }
)
