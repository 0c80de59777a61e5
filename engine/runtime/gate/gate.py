"""When one connection may be used: its rates, its breaker, its windows, and what it asks of us. Pure.

Each answer is for an instant that is handed in. `writes` and `reads` are the two kinds of use.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from engine.connect import BreakerPlan, ConnectionPlan, Pace, Steady
from engine.effect import Failure, FaultClass
from engine.runtime.gate.breaker import Breaker, State
from engine.runtime.gate.budget import RetryBudget
from engine.values.value import Value

WRITES, READS = "writes", "reads"
_LATER = timedelta(milliseconds=1)  # a wait is never taken for over when it is not quite


class Turned(StrEnum):
    """What an attempt brought about."""

    AWAY = "away"  # the system is taken to be away from now on
    BACK = "back"  # it answers again


def is_throttled(failure: Failure) -> bool:
    """Whether a system refused a request as one too many: it is there, and says nothing of what was asked."""
    return bool(failure.evidence.get("throttled"))


def is_unsent(failure: Failure) -> bool:
    """Whether a request was kept back, so that its failure says nothing of the system."""
    return bool(failure.evidence.get("unsent"))


def is_away(failure: Failure) -> bool:
    """Whether a failure says that the system is not there, rather than anything of what was asked."""
    if failure.fault not in {FaultClass.TRANSIENT, FaultClass.UNKNOWN} or is_throttled(failure):
        return False
    status = failure.evidence.get("status")
    return not isinstance(status, int) or status >= 500 or status in {401, 408}


class Gate:
    """The gate before one connection."""

    def __init__(self, name: str, use: ConnectionPlan, breaker: BreakerPlan, pace: Pace) -> None:
        """Keep to what the connector and the connection say."""
        self.name = name
        self.use = use
        self.breaker = Breaker(name, use.breaker or breaker)
        self.pace = pace
        self.budget = None if use.retries is None else RetryBudget(use.retries)
        self._steady = Steady()
        self.answers = 0  # how often it answered, whatever it said
        self.why = ""  # why it was taken to be away
        self._silent_since: float | None = None  # no answer since then
        self._shut_since: float | None = None
        self._shut = 0.0  # seconds for which nothing could go, before the present time

    def free(self, now: datetime, kind: str) -> int | None:
        """How many may go now; None when there is no bound."""
        seconds = now.timestamp()
        at = self._steady(seconds)
        found, bound = self.pace.free(seconds, kind), self.breaker.free(at)
        if bound is not None and (found is None or bound < found):
            found = bound
        if self.use.closed_until(now) is not None:
            found = 0
        if found == 0 or self._shut_since is not None:
            self._note(at, shut=found == 0)
        return found

    def go(self, now: datetime, kind: str) -> bool:
        """One is let go; whether it tries if the system is back."""
        self.pace.reserve(now.timestamp(), kind)
        return self.breaker.go()

    def may_read(self, now: datetime) -> bool:
        """Whether news may be asked for now; it does not try whether a system is back that is away."""
        if not self.is_calm or self.free(now, READS) == 0:
            return False
        self.pace.reserve(now.timestamp(), READS)
        return True

    @property
    def is_calm(self) -> bool:
        """Whether the system is taken to be there."""
        return self.breaker.state is State.CLOSED

    def opens_at(self, now: datetime, kind: str) -> datetime | None:
        """When something may go; None when that depends on what is on its way."""
        wait = self.breaker.wait(self._steady(now.timestamp()))
        if wait is None:
            return None
        closed = self.use.closed_until(now)
        opens = now + timedelta(seconds=max(wait, self.pace.wait(now.timestamp(), kind)))
        if closed is not None:
            opens = max(opens, closed)
        return opens + _LATER if opens > now else now

    def came(self, now: datetime, failure: Failure | None, *, probe: bool) -> Turned | None:
        """What came of an attempt, of whatever kind."""
        at = self._steady(now.timestamp())
        failed = throttled = False
        if failure is not None:
            failed, throttled = is_away(failure), is_throttled(failure)
            if throttled or failure.retry_after_seconds is not None:
                self.pace.throttled(now.timestamp(), failure.retry_after_seconds)
        if failed or throttled:
            self._silent_since = at if self._silent_since is None else self._silent_since
        else:
            self._silent_since = None
            self.answers += 1
            self.pace.answered()
        if throttled and not probe:
            return None
        was_calm = self.is_calm
        if not self.breaker.came(at, failed=failed, probe=probe):
            return None
        self.why = failure.reason if was_calm and failure is not None else ""
        return Turned.AWAY if was_calm else Turned.BACK

    def came_to_nothing(self, *, probe: bool) -> None:
        """An attempt of which nothing is learned: nothing went out, or nobody is told what came of it."""
        if probe:
            self.breaker.came_to_nothing()

    def shut_seconds(self, now: datetime) -> float:
        """For how long nothing could go, in all: it does not count against anybody's patience."""
        since = self._shut_since
        return self._shut + (0.0 if since is None else max(0.0, self._steady(now.timestamp()) - since))

    def is_out_for(self, now: datetime, seconds: float) -> bool:
        """Whether nothing was answered, or will be, for longer than this."""
        at = self._steady(now.timestamp())
        closed = self.use.closed_until(now)
        if closed is not None and (closed - now).total_seconds() > seconds:
            return True
        if self.pace.wait(now.timestamp(), WRITES) > seconds:
            return True
        return self._silent_since is not None and at - self._silent_since > seconds

    def said(self, now: datetime) -> dict[str, Value]:
        """How it stands, for a person; empty when all may go."""
        closed = self.use.closed_until(now)
        found: dict[str, Value] = {}
        if closed is not None:
            found["closed_until"] = closed
        if not self.is_calm:
            found["away_since"] = now - timedelta(seconds=self._steady(now.timestamp()) - self.breaker.since)
            found["why"] = self.why
        pause = self.pace.wait(now.timestamp(), WRITES)
        if pause > 0:
            found["paused_seconds"] = round(pause)
        return found

    def _note(self, at: float, *, shut: bool) -> None:
        if shut:
            self._shut_since = at if self._shut_since is None else self._shut_since
        elif self._shut_since is not None:
            self._shut += max(0.0, at - self._shut_since)
            self._shut_since = None
