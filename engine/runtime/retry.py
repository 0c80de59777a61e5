"""Whether to try again, and when: a fault and the attempts so far, to a decision. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

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

    def exhausted(self, attempts: int, seconds: float) -> bool:
        """Whether so many attempts in so long a time are enough."""
        return attempts >= self.attempts and seconds >= self.patience_seconds


def decide(  # noqa: PLR0913, PLR0917 - what is known of one attempt
    failure: Failure,
    attempts: int,
    once: str,
    key: str,
    policy: RetryPolicy,
    seconds: float = 0.0,
    way: str | None = None,
) -> RetryDecision:
    """What to do after attempt number `attempts` of the effect `key` failed, `seconds` after the first.

    `once` says why doing it again does not do it twice: header, natural_key, lookup or none; `way`, where
    the flow wants a fault of this class to go, if it says so. An effect in doubt never becomes dead: dead
    means that nothing happened.
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
            if once == "none" or exhausted or way == "person":
                return RetryDecision(Next.UNKNOWN)
            looks = once == "lookup" or way == "look_up"
            following = Next.LOOK_UP if looks else Next.RETRY
            return RetryDecision(following, wait(failure, attempts, key, policy))


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
