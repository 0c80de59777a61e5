"""What every trigger is: something that brings events, and goes on where its last commit ended.

A trigger is handed one :class:`Gate`. It waits while there is no room behind it, hands in what it found
together with how far it has come, and tells its source (a sender, a broker, a file) only after that commit.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Protocol

from engine.core.accept import Offer
from engine.runtime.intake import Beside
from engine.values.value import Value

CROWDED_SECONDS = 0.05  # how long one waits before it looks again whether there is room


class Gate(Protocol):
    """Where what was found goes in."""

    @property
    def room(self) -> int:
        """How many more events may be taken now."""
        ...

    async def accept(
        self,
        offers: Sequence[Offer],
        source: str = "",
        unfit: Sequence[tuple[Value, str]] = (),
        beside: Beside = ...,
    ) -> list[str]:
        """Return when all of it is safe; what became of each event."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerState:
    """How a trigger stands, for people."""

    name: str
    kind: str  # poll, schedule, file, stream, webhook
    position: str | None = None  # how far it has come, in a few words
    asked_at: datetime | None = None
    due_at: datetime | None = None
    behind: int | None = None  # how many messages wait at their broker
    error: str | None = None  # why it does not go on at present


def written(state: TriggerState) -> dict[str, Value]:
    """A state as plain data."""
    return {field.name: getattr(state, field.name) for field in fields(state)}


class Trigger(Protocol):
    """Brings events until it is told to stop."""

    @property
    def name(self) -> str:
        """The name by which people know it."""
        ...

    async def run(self, stopping: asyncio.Event) -> None:
        """Bring what comes until it is time to stop; the next start goes on with what is half done."""
        ...

    def state(self) -> TriggerState:
        """How it stands now."""
        ...


async def room_behind(gate: Gate, stopping: asyncio.Event) -> bool:
    """Wait until there is room for more; False when it is time to stop before that."""
    while gate.room <= 0 and not stopping.is_set():  # noqa: ASYNC110 - room is a number, not an event
        await asyncio.sleep(CROWDED_SECONDS)
    return not stopping.is_set()


async def pause(seconds: float, stopping: asyncio.Event) -> None:
    """Wait so long, or until it is time to stop."""
    try:
        await asyncio.wait_for(stopping.wait(), max(0.0, seconds))
    except TimeoutError:
        return
