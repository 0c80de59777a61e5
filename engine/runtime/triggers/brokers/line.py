"""What every line to a broker is, whichever it speaks to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

ANSWER_SECONDS = 10.0
JOIN_SECONDS = 60.0  # a group is joined only when all of its other members have said what they want
ACK_SECONDS = 30.0  # after which a broker that counts them brings what was not acknowledged again

LEAVE_SECONDS = 1.0  # for a client that was told to give up closing
SESSION_SECONDS = 10.0  # after which a group gives away the partitions of a member that says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as it came, and where it stands at its broker."""

    body: bytes
    place: str  # such as ORDERS:17; that of a message without a name is only for people
    named: bool = True  # whether its place is its own, and the same when it comes again


# What takes messages, in the order in which they came; True when all of them are safe.
Heard: TypeAlias = Callable[[Sequence[Message]], Awaitable[bool]]


class Line(Protocol):
    """A connection to a broker over which messages come; what is safe is acknowledged on it."""

    @property
    def said(self) -> str | None:
        """What the broker or the client has said of a connection that could not be made."""
        ...

    @property
    def patience(self) -> float:
        """How many seconds a start may take."""
        ...

    async def start(self) -> None:
        """Connect and listen; whatever the client raises is raised."""
        ...

    async def waiting(self) -> int:
        """How many messages are not acknowledged yet; raises when the broker is away."""
        ...

    async def stop(self) -> None:
        """Close the connection, also one that is not made yet, or is being made again."""
        ...


def silenced(*libraries: str) -> logging.Logger:
    """A logger for the library, whose clients would otherwise write to the screen of the daemon.

    What they say reaches people as the reason why a source brings nothing. Who sets up logging still has it.
    """
    for library in libraries:
        logger = logging.getLogger(library)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    return logging.getLogger(libraries[0])


async def closed(closing: Awaitable[object]) -> None:
    """Have a client close in order; one that gets no answer is told to give up, and is then left to itself.

    Clients wait for more than one answer while they close, and take a first word to give up for one of these.
    """
    task = asyncio.ensure_future(closing)
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody else asks for it
    for seconds in (ANSWER_SECONDS, LEAVE_SECONDS, LEAVE_SECONDS):
        done, _ = await asyncio.wait((task,), timeout=seconds)
        if done:
            break
        task.cancel()
