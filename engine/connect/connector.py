"""What a connector is: the contract that the runtime relies on and every connector fulfils.

A connector turns effects into receipts and questions into answers, and outside errors into the four
classes of :mod:`engine.connect.faults`. It keeps nothing that has to survive; it decides nothing about
retries. One object stands for one connection, and is used from one event loop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

from engine.effect import Effect, Failure, Receipt
from engine.values.value import Value

Outcome: TypeAlias = Receipt | Failure


class Connector(Protocol):
    """A system that can be written to and read from."""

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """One attempt at each effect: one outcome for each, in the same order.

        Never raises for an error from outside: that is a `Failure` in its place. A whole batch is one
        call, so that a connector that needs no network pays for the batch and not for each effect.
        """
        ...

    async def read(self, operation: str, parameters: Mapping[str, Value]) -> Value:
        """The answer to a question, decoded as the operation's output schema says.

        None when there is no such record and the operation declares what missing looks like.

        Raises:
            Fault: when there was no answer; reads are never `Unknown`, since asking again is harmless.

        """
        ...

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Whether an effect was applied before: its receipt, or None when the system has no trace of it.

        Asked before a retry of an operation with ``once_by: lookup``, and to settle an unknown outcome.

        Raises:
            Fault: when there was no answer, or when the operation declares no way to look.

        """
        ...

    async def aclose(self) -> None:
        """Give back what it holds; it is not used afterwards."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One page of what a poll of a source found."""

    items: Sequence[Value]  # native records, decoded as the source's output schema says
    upto: datetime  # the watermark by this page: the source's own time, and never one that is still to come
    unfit: Sequence[tuple[Value, str]] = ()  # records that cannot be used, each with the reason
    after: Value = (
        None  # what to hand in for the next page, also after a restart; None when this was the last
    )


@runtime_checkable
class Polled(Protocol):
    """A connector with sources that are asked for news."""

    async def poll(self, source: str, since: datetime, after: Value = None) -> Poll:
        """A page of the records that changed at or after `since`, less the overlap of the source.

        With `after`, the page that follows the one that gave it. The same record may come again, on this page
        or in the next poll: whoever accepts events drops repeats.

        Raises:
            Fault: when there was no answer.

        """
        ...
