"""What a connection says of how its system is used: bounds, patience, and when it is left alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.connect.pace import Rate
from engine.spec.limits import BreakerSpec, RetriesSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPlan:
    """When a system is taken to be away, and how often it is then tried."""

    after: int = 5
    share: int | None = None  # of a hundred
    among: int = 20
    pause_seconds: float = 5.0
    longest_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryShare:
    """How many of the calls of a connection may be retries."""

    share: int = 20  # of a hundred
    seconds: float = 60.0  # over which they are counted
    least: int = 10  # that may always go in that time


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRetry:
    """How patient deliveries and reads are; what is None is left to whoever runs them."""

    attempts: int | None = None
    patience_seconds: float | None = None
    longest_seconds: float | None = None


def never(_at: datetime) -> None:
    """A system that is never left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPlan:
    """A connection made ready to run, beside its connector and settings."""

    owner: str | None = None
    concurrency: int | None = None  # lower than the connector's
    rates: tuple[Rate, ...] = ()
    breaker: BreakerPlan | None = None  # in place of the connector's
    batch_most: int | None = None  # writes in one call, when fewer than the connector's
    batch_seconds: float | None = None  # that the first of them waits, in place of the connector's
    retry: ConnectionRetry = ConnectionRetry()
    retries: RetryShare | None = None  # no bound
    closed_until: Callable[[datetime], datetime | None] = never  # None while the system may be called


def retries_of(written: RetriesSpec | None) -> RetryShare | None:
    """The share of retries as a connection describes it."""
    if written is None:
        return None
    seconds = RetryShare().seconds if written.within is None else float(written.within.seconds)
    return RetryShare(share=written.share, seconds=seconds, least=written.least)


def breaker_of(written: BreakerSpec | None) -> BreakerPlan | None:
    """A breaker as a manifest or a connection describes it."""
    if written is None:
        return None
    usual = BreakerPlan()
    return BreakerPlan(
        after=written.after,
        share=written.share,
        among=written.among,
        pause_seconds=usual.pause_seconds if written.pause is None else float(written.pause.seconds),
        longest_seconds=usual.longest_seconds if written.longest is None else float(written.longest.seconds),
    )
