"""An event loop whose time is virtual: it never waits, it goes to the moment of the next timer.

What it runs belongs to the world or to one process. A process that was killed runs nothing any more, not
even what stands in a `finally`; one that is paused runs it all later.
"""

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable
from typing import Any

MEMBER: contextvars.ContextVar["Member | None"] = contextvars.ContextVar("member", default=None)


class Member:
    """What may be killed or paused: all that one process has on the loop."""

    def __init__(self, name: str) -> None:
        """Begin alive."""
        self.name = name
        self.dead = False
        self.paused = False
        self.steps = 0  # handles that it ran: the await points of its life
        self.dies_at: int | None = None  # at which of them it is killed
        self.kept: list[asyncio.Handle] = []  # what it would have run while it is paused
        self.context = contextvars.copy_context()
        self.context.run(MEMBER.set, self)


class StuckError(Exception):
    """Nothing is left that could ever happen."""


class SimLoop(asyncio.BaseEventLoop):
    """Runs one thing after the other; virtual time passes only between them."""

    def __init__(self) -> None:
        """Begin at time nought."""
        super().__init__()
        self._now = 0.0
        self.total = 0
        self.world = contextvars.copy_context()
        self.watch: Callable[[Member], None] = lambda _: None  # after each step of a process
        self.strange: list[str] = []  # what nobody caught
        self.set_exception_handler(self._keep)

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    def _process_events(self, event_list: object) -> None:
        del event_list

    def _write_to_self(self) -> None:
        pass

    def _check_closed(self) -> None:
        """What the dead left behind may still be tidied away when the history is over; nothing comes of it."""

    def _keep(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        error = context.get("exception")
        text = str(context.get("message"))
        if "was destroyed but it is pending" not in text and "never retrieved" not in text:
            self.strange.append(f"{text}: {error!r}")

    def _run_once(self) -> None:
        ready: deque[asyncio.Handle] = self._ready
        timers: list[asyncio.TimerHandle] = self._scheduled
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not ready:
            if not timers:
                raise StuckError
            self._now = max(self._now, timers[0].when())
        while timers and timers[0].when() <= self._now:
            timer = heapq.heappop(timers)
            timer._scheduled = False
            if not timer._cancelled:
                ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                self._step(handle)
            if self._stopping:
                break

    def _step(self, handle: asyncio.Handle) -> None:
        self.total += 1
        member = handle._context.get(MEMBER)
        if member is None:
            handle._run()
        elif member.dead:
            return
        elif member.paused:
            member.kept.append(handle)
        else:
            member.steps += 1
            if member.dies_at is None or member.steps < member.dies_at:
                handle._run()
            self.watch(member)

    def wake(self, member: Member) -> None:
        """A paused process goes on with what it missed."""
        member.paused = False
        kept, member.kept = member.kept, []
        self._ready.extend(kept)

    def outside(self, delay: float, what: Callable[..., object], *given: object) -> None:
        """Have something happen in the world, whatever becomes of processes."""
        self.call_later(delay, what, *given, context=self.world)
