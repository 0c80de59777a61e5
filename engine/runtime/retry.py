"""Whether to try again, and when: a fault and the attempts so far, to a decision. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from engine.effect import Failure, FaultClass


class Next(StrEnum):
    """What becomes of an effect after an attempt without a receipt."""

    RETRY = "retry"
    LOOK_UP = "look_up"  # ask the target whether it was applied, then decide
    DEAD = "dead"  # refused for good, or out of attempts without a doubt
    UNKNOWN = "unknown"  # it may have happened, and only a person can find out


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """What to do, and in how many seconds."""

    next: Next
    after_seconds: float = 0.0


class Told(Protocol):
    """What a connection or a flow says of patience; None where it says nothing."""

    @property
    def attempts(self) -> int | None:
        """The least number of attempts."""
        ...

    @property
    def patience_seconds(self) -> float | None:
        """The least time."""
        ...

    @property
    def longest_seconds(self) -> float | None:
        """The longest pause."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patient deliveries and reads are.

    What may be tried again is tried at least so many times, and for at least so long. The waits double, from
    `first_seconds` up to `longest_seconds`.
    """

    attempts: int = 8
    patience_seconds: float = 0.0
    first_seconds: float = 0.25
    longest_seconds: float = 60.0
    outage_seconds: float | None = 30.0  # how long work waits for a system that is away; None: for ever

    def told(self, *plans: Told) -> "RetryPolicy":
        """This policy, but for what others say; of two that say something, the later holds."""
        said = {
            name: value
            for plan in plans
            for name in ("attempts", "patience_seconds", "longest_seconds")
            if (value := getattr(plan, name)) is not None
        }
        return replace(self, **said) if said else self

    def exhausted(self, attempts: int, seconds: float) -> bool:
        """Whether so many attempts in so long a time are enough."""
        return attempts >= self.attempts and seconds >= self.patience_seconds


SHORTEST_SECONDS = 0.001  # of a wait: an instant counts microseconds, and half of one is none at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """Why doing a write again does not do it twice, as the manifest of its operation says."""

    how: str  # header, natural_key, lookup or none
    key_seconds: float | None = None  # how long a key may be used again: its life less a margin
    settles_seconds: float = 0.0  # how long a look-up may not find what was done
    looks: bool = False  # whether there is a look-up

    def key_is_old(self, seconds: float) -> bool:
        """Whether a key that was used so long ago may be forgotten, so that it folds nothing."""
        return self.how == "header" and self.key_seconds is not None and seconds >= self.key_seconds

    def must_look(self, seconds: float) -> bool:
        """Whether a write that came in doubt so long ago may be done again only after a look."""
        return self.how == "lookup" or self.key_is_old(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """How long an effect has been in doubt."""

    seconds: float = 0.0  # since the first attempt that may have been applied was sent
    settling_seconds: float = 0.0  # until a look-up that finds nothing is to be believed


NO_DOUBT = Doubt()


def decide(  # noqa: PLR0913, PLR0917 - all that there is to know of an attempt
    failure: Failure,
    attempts: int,
    once: Once,
    key: str,
    policy: RetryPolicy,
    seconds: float = 0.0,
    doubt: Doubt = NO_DOUBT,
    way: str | None = None,
) -> RetryDecision:
    """What to do after attempt number `attempts` of the effect `key` failed, `seconds` after the first.

    `way` says where the flow wants a fault of this class to go, if it says so.

    An effect in doubt never becomes dead: dead means that nothing happened. It is sent again only while the
    target surely knows its key, and is looked for until the target has settled, however many attempts that
    takes.
    """
    exhausted = policy.exhausted(attempts, seconds)
    match failure.fault:
        case FaultClass.PERMANENT | FaultClass.CLOSED_PERIOD:
            return RetryDecision(Next.DEAD)
        case FaultClass.TRANSIENT:
            return (
                RetryDecision(Next.DEAD)
                if exhausted or way == "dead_letter"
                else RetryDecision(Next.RETRY, wait(failure, attempts, key, policy))
            )
        case FaultClass.UNKNOWN:
            if way == "person":
                return RetryDecision(Next.UNKNOWN)
            look = way == "look_up"
            return _in_doubt(
                once, doubt, wait(failure, attempts, key, policy), look=look, exhausted=exhausted
            )


def _in_doubt(once: Once, doubt: Doubt, after: float, *, look: bool, exhausted: bool) -> RetryDecision:
    """What to do about an effect that may have been applied; `after` is the wait for the next attempt."""
    looks = look or once.must_look(doubt.seconds + after)
    if looks and once.how != "lookup" and not once.looks:
        return RetryDecision(Next.UNKNOWN)
    if looks and doubt.settling_seconds > 0:
        return RetryDecision(Next.LOOK_UP, min(after, max(doubt.settling_seconds, SHORTEST_SECONDS)))
    if once.how == "none" or exhausted:
        return RetryDecision(Next.UNKNOWN)
    return RetryDecision(Next.LOOK_UP if looks else Next.RETRY, after)


def wait(failure: Failure, attempts: int, key: str, policy: RetryPolicy) -> float:
    """Seconds until the next attempt: what the target asked for, or doubling waits spread by the key.

    The spread (half to one and a half of the wait) comes from a hash, so that the same key waits alike
    in every run and a thousand keys do not come back at the same moment.
    """
    if failure.retry_after_seconds is not None:
        return min(float(failure.retry_after_seconds), policy.longest_seconds * 10)
    base = min(policy.first_seconds * 2.0 ** min(attempts - 1, 64), policy.longest_seconds)
    spread = int.from_bytes(sha256(f"{key}#{attempts}".encode()).digest()[:4]) / 2**32
    return base * (0.5 + spread)
