"""What a person may do about holds and alerts, as acts for the control door."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.runtime import holding
from engine.runtime.alerting import ACKNOWLEDGED, acknowledge
from engine.runtime.control import Act, Desk, Did
from engine.runtime.permission import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """Which hold it is about, who acts in which role, and why; and who else agrees, if they act together."""

    hold: str
    by: str
    reason: str | None = None
    role: str | None = None
    second: str | None = None

    @property
    def person(self) -> Release:
        """Who acts."""
        return Release(by=self.by, reason=self.reason, role=self.role, second=self.second)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRequest:
    """Which hold a person refuses to release, and with which business code."""

    hold: str
    by: str
    reason: str
    role: str | None = None
    code: str = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRequest:
    """Which alert a person takes care of."""

    alert: str
    by: str
    reason: str | None = None


async def release(desk: Desk, request: HoldRequest) -> Did:
    """Release a hold; what waited for it goes on by itself."""
    await desk.runner.release(request.hold, request.person)
    return await _did(request.hold, "released")


async def propose(desk: Desk, request: HoldRequest) -> Did:
    """Propose to release a hold; another person has to agree."""
    await desk.runner.act(lambda executor: holding.propose(executor, request.hold, request.person))
    return await _did(request.hold, "proposed")


async def agree(desk: Desk, request: HoldRequest) -> Did:
    """Agree with what another person has proposed, so that the hold is released."""
    await desk.runner.act(lambda executor: holding.agree(executor, request.hold, request.person))
    return await _did(request.hold, "released")


async def refuse(desk: Desk, request: RefuseRequest) -> Did:
    """Refuse what a hold keeps waiting."""
    person = Release(by=request.by, reason=request.reason, role=request.role)
    await desk.runner.act(lambda executor: holding.refuse(executor, request.hold, person, request.code))
    return await _did(request.hold, "refused")


async def acknowledge_alert(desk: Desk, request: AlertRequest) -> Did:
    """Say that somebody takes care of an alert."""
    await desk.runner.act(lambda executor: acknowledge(executor, request.alert, request.by, request.reason))
    return {"alert": request.alert, "status": ACKNOWLEDGED}


async def _did(hold: str, status: str) -> Did:
    await asyncio.sleep(0)
    return {"hold": hold, "status": status}


HOLD_ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "release": Act(about="Release a hold.", asks=HoldRequest, do=release),
        "propose": Act(about="Propose to release a hold.", asks=HoldRequest, do=propose),
        "agree": Act(about="Agree to a proposed release.", asks=HoldRequest, do=agree),
        "refuse": Act(about="Refuse what a hold keeps waiting.", asks=RefuseRequest, do=refuse),
        "acknowledge": Act(about="Take care of an alert.", asks=AlertRequest, do=acknowledge_alert),
    }
)
