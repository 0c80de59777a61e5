"""What a manifest and a connection may say of how hard a system is worked: rates, and when to leave it."""

from dataclasses import dataclass

from engine.source import Text
from engine.spec.field import Described, Duration, note


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSpec(Described):
    """How many requests a system takes in a time, counted over any stretch of that length."""

    requests: int = note("So many requests,", minimum=1, maximum=1_000_000)
    per: Duration = note("in any time so long.", examples=("15s", "1m", "24h"))
    of: Text = note(
        "Which requests are counted: `all`, `reads` or `writes`.",
        default="all",
        choices=("all", "reads", "writes"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimitSpec(Described):
    """How many writes go together in one call, where the connector has calls for many."""

    most: int | None = note(
        "No more than this in one call; 1 for a call for each write.", default=None, minimum=1, maximum=1_000
    )
    within_milliseconds: int | None = note(
        "How long the first waits for others, in place of what the connector says.",
        default=None,
        minimum=1,
        maximum=10_000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriesSpec(Described):
    """How many of the calls of a connection may be retries, so that these make no outage worse."""

    share: int = note("At most so many of a hundred calls are retries,", default=20, minimum=1, maximum=99)
    within: Duration | None = note("counted over any time so long; 1m when left out.", default=None)
    least: int = note(
        "So many retries in that time may always go, where there are few calls.",
        default=10,
        minimum=1,
        maximum=10_000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSpec(Described):
    """When a system is taken to be away, and how often it is then tried."""

    after: int = note(
        "It is away after so many attempts in a row that it did not answer, or answered with an error of its "
        "own.",
        default=5,
        minimum=1,
        maximum=1_000,
    )
    share: int | None = note(
        "It is away as well when so many of a hundred of its last attempts failed; left out, only those in a "
        "row count.",
        default=None,
        minimum=1,
        maximum=100,
    )
    among: int = note(
        "Over how many of the last attempts the share is taken.", default=20, minimum=2, maximum=1_000
    )
    pause: Duration | None = note(
        "How long nothing is sent before one attempt tries whether it is back; 5s when left out. It doubles "
        "each time.",
        default=None,
    )
    longest: Duration | None = note("The longest pause; 1m when left out.", default=None)
