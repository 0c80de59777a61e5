"""One of several processes that work a ledger together: it takes partitions, works them, and gives them back.

What it has in memory can be made again from the ledger at any time. So whenever something happens that it
cannot prove the outcome of, or when the work is shared out anew, it forgets, and takes up what is its own
from the ledger.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from engine.core.accept import Offer
from engine.errors import LedgerError, LedgerRestored, LedgerUnreachable, TidegateError
from engine.ledger import LedgerReader
from engine.ledger.partitions import DUTIES
from engine.runtime.attending import Attendant
from engine.runtime.hand_out import STALLED_SECONDS, HandOut
from engine.runtime.heart import BEAT_SECONDS, Heart
from engine.runtime.inbox import NOTHING
from engine.runtime.intake import Beside
from engine.runtime.runner import Runner
from engine.runtime.triggers.trigger import Trigger, pause
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.ledger.postgres import Listener
    from engine.ledger.postgres_ledger import PostgresLedger

PATIENCE_SECONDS = 5.0  # how long deliveries on their way are waited for before partitions are given back
AT_ONCE = 8  # partitions taken over in one go; the heart beats in between
EXCESS_SECONDS = STALLED_SECONDS + 1  # for so long a machine that is gone may still be counted
BOUNCE_SECONDS = 0.1  # how long a partition too many is kept from others before it is offered to them again
BEGINS_AGAIN = "this machine begins again from what the ledger holds"
BACK_OFF_SECONDS = (0.2, 0.5, 1.0, 2.0)


class Machine:
    """Works what is handed out to it, until it is told to stop."""

    def __init__(  # noqa: PLR0913 - each makes one thing, by its name
        self,
        *,
        opened: "Callable[[], PostgresLedger]",
        listener: "Callable[[Callable[[], None], Callable[[], None]], Listener]",
        runner: "Callable[[PostgresLedger], Runner]",
        hand_out: "Callable[[PostgresLedger, Machine], HandOut]",
        duties: "Callable[[Machine, LedgerReader], Sequence[Trigger]]",
        attendant: "Callable[[PostgresLedger, Machine], Attendant]",
        told: Callable[[str], None],
    ) -> None:
        """Each argument makes one thing anew, since everything is thrown away when the server goes.

        The listener is given who is to hear of work, and who of what persons ask.
        """
        self._open = opened
        self._listener = listener
        self._make = runner
        self._hand_out = hand_out
        self._duties = duties
        self._attend = attendant
        self._told = told
        self.stopping = asyncio.Event()
        self.held: dict[int, asyncio.Event] = {}  # partitions, and what says that one is not kept any more
        self._runner: Runner | None = None  # None while there is nothing to work with
        self._wanted: dict[int, asyncio.Future[bool]] = {}
        self._taking = False  # whether partitions may be offered
        self._may_have = 1
        self._excess_since: float | None = None  # since when it has more partitions than its part
        self._out: HandOut | None = None  # while there is one
        self._heart: Heart | None = None
        self._attendant: Attendant | None = None  # while there is one
        self._failures = 0
        self.brings: Sequence[Trigger] = ()  # those who bring events by themselves, while they do so here

    # --- for those who bring something -----------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more events may be taken now."""
        return 0 if self._runner is None else self._runner.room

    @property
    def runner(self) -> Runner | None:
        """Who works at present; None while there is nothing to work with."""
        return self._runner

    @property
    def ready(self) -> bool:
        """Whether events can be taken."""
        return self._runner is not None and not self.stopping.is_set()

    def sure(self) -> bool:
        """Whether nobody can have taken over yet."""
        return self._heart is not None and self._heart.sure()

    async def accept(
        self,
        offers: Sequence[Offer],
        source: str = "",
        unfit: Sequence[tuple[Value, str]] = (),
        beside: Beside = NOTHING,
    ) -> list[str]:
        """Hand in events and wait until they are committed; whoever has their partitions works them.

        Raises:
            LedgerError: they are not, at present.

        """
        if self._runner is None:
            raise LedgerError("this machine is taking up its work; come again")
        return await self._runner.accept(offers, source, unfit, beside)

    # --- its life --------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until told to stop; begin again whenever the server went away."""
        while not self.stopping.is_set():
            try:
                await self._live()
            except LedgerRestored:
                raise  # a person has to see to it
            except TidegateError as error:
                self._told(f"starting again from the ledger: {error}")
                seconds = BACK_OFF_SECONDS[min(self._failures, len(BACK_OFF_SECONDS) - 1)]
                self._failures += 1
                await pause(seconds, self.stopping)

    async def _live(self) -> None:
        with self._open() as ledger, self._listener(self._look, self._asked) as listener:
            del listener
            out = self._hand_out(ledger, self)
            await out.open()
            self._out, self._heart, self._taking, self._excess_since = out, out.heart, True, None
            self._heart.begin()
            tasks: list[asyncio.Future[Any]] = []  # the first of them takes what is handed out
            try:
                self._runner = self._make(ledger)
                self._attendant = self._attend(ledger, self)
                self._attendant.begin()
                tasks += [
                    asyncio.ensure_future(out.run()),
                    asyncio.ensure_future(self._beat(out)),
                    asyncio.ensure_future(self._share_out(ledger)),
                    asyncio.ensure_future(self.stopping.wait()),
                ]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                _raise_first(tasks)
            except TidegateError as error:
                self._told(f"giving up what is in memory: {error}")
                raise
            finally:
                await self._end(ledger, out, tasks)

    async def _end(
        self,
        ledger: "PostgresLedger",
        out: HandOut,
        tasks: "Sequence[asyncio.Future[Any]]",
    ) -> None:
        """Give everything back if it can be; else only forget it."""
        self._taking, self._heart, self._out = False, None, None
        await _cancelled(tasks[1:])
        with suppress(TidegateError):
            if self.stopping.is_set() and self._runner is not None:
                await self._quiet(self._runner)
                for partition in [*ledger.epochs]:
                    ledger.give_back(partition)
        if self._runner is not None:
            self._runner.abandon(BEGINS_AGAIN)
        self._runner = None
        attendant, self._attendant = self._attendant, None
        if attendant is not None:
            await attendant.close()
        ledger.forget()
        self._let_go([*self.held])
        for wanted in self._wanted.values():
            wanted.cancel()
        self._wanted.clear()
        await out.close(tasks[0] if tasks else None)

    async def _beat(self, out: HandOut) -> None:
        while True:
            out.heart.seen()
            # Late answers are no reason to begin again: whether the server is there is what the heart feels.
            with suppress(LedgerUnreachable):
                await out.tidy()
                machines = await out.machines()
                self._may_have = -(-out.partitions // machines)
            self._ask()
            self._look()  # should a word of news be lost, this is the next
            self._asked()
            await asyncio.sleep(BEAT_SECONDS)

    def _look(self) -> None:
        if self._runner is not None:
            self._runner.look()

    def _asked(self) -> None:
        if self._attendant is not None:
            self._attendant.look()

    # --- partitions ------------------------------------------------------------------------------------

    async def work(self, partition: int) -> None:
        """Keep a partition until it is given back or lost. Called by whoever hands it out."""
        if not self._taking:
            return
        wanted = self._wanted[partition] = asyncio.get_running_loop().create_future()
        self._ask()
        try:
            is_kept = await wanted
        finally:  # whoever handed it out may take it back before anybody has looked at it
            if self._wanted.get(partition) is wanted:
                del self._wanted[partition]
        if not is_kept:
            await asyncio.sleep(BOUNCE_SECONDS)
            return
        await self.held[partition].wait()
        self.held.pop(partition, None)

    def _ask(self) -> None:
        """Say whether more partitions are wanted: for as long as there are fewer than its part."""
        if self._out is not None:
            self._out.want(len(self.held) + len(self._wanted) < self._may_have)

    async def _share_out(self, ledger: "PostgresLedger") -> None:
        """The loop of work: take turns, and in between take over and give back."""
        duties: _Duties | None = None
        try:
            while True:
                assert self._runner is not None
                self._take_wanted()
                excess = self._excess()
                if excess > 0:
                    if duties is not None and sorted(self.held)[-excess] <= DUTIES:
                        await duties.end()
                        duties, self.brings = None, ()
                    await self._give_back(ledger, sorted(self.held)[-excess:])
                if duties is None and DUTIES in self.held:
                    self.brings = self._duties(self, ledger.reader())
                    duties = _Duties(self.brings)
                await self._runner.turn(wait_seconds=0.1)
                self._runner.raise_failure()
                self._failures = 0
        finally:
            self.brings = ()
            if duties is not None:
                await duties.end()

    def _excess(self) -> int:
        """How many partitions others are to have, when they are still there after a while."""
        excess = len(self.held) - self._may_have
        if excess <= 0:
            self._excess_since = None
            return 0
        now = time.monotonic()
        if self._excess_since is None:
            self._excess_since = now
        return excess if now - self._excess_since >= EXCESS_SECONDS else 0

    def _take_wanted(self) -> None:
        """Take over what is offered, as long as it is not too much for one machine."""
        assert self._runner is not None
        room = 0 if self.stopping.is_set() else max(0, self._may_have - len(self.held))
        offered = [*self._wanted]
        taken = offered[: min(room, AT_ONCE)]
        if taken:
            self._runner.take_over(taken)
        for partition in taken:
            self.held[partition] = asyncio.Event()
            self._wanted.pop(partition).set_result(True)
        for partition in offered[room:]:
            self._wanted.pop(partition).set_result(False)
        if offered:
            self._ask()

    async def _give_back(self, ledger: "PostgresLedger", partitions: Sequence[int]) -> None:
        """Let others have partitions: everything comes to rest, and the rest is taken up again."""
        assert self._runner is not None
        before, self._runner = self._runner, None
        try:
            await self._quiet(before)
        finally:
            before.abandon(BEGINS_AGAIN)
        for partition in partitions:
            ledger.give_back(partition)
        kept = [*ledger.epochs]
        ledger.forget()
        self._let_go(partitions)
        after = self._make(ledger)
        if kept:
            after.take_over(kept)
        self._runner = after

    @staticmethod
    async def _quiet(runner: Runner) -> None:
        runner.take_no_more()
        await runner.stop(PATIENCE_SECONDS)

    def _let_go(self, partitions: Sequence[int]) -> None:
        for partition in partitions:
            self.held.pop(partition).set()
        self._ask()


def _raise_first(tasks: "Sequence[asyncio.Future[Any]]") -> None:
    for task in tasks:
        if task.done() and (error := task.exception()) is not None:
            raise error


async def _cancelled(tasks: "Sequence[asyncio.Future[Any]]") -> None:
    """Cancel tasks until they have ended: one that was just given what it waited for does not notice."""
    left = {*tasks}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.5)


class _Duties:
    """What one machine does for all: those who bring events by themselves."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._ending = asyncio.Event()
        self._tasks = [asyncio.ensure_future(one.run(self._ending)) for one in triggers]

    async def end(self) -> None:
        """Let them end what they have begun."""
        self._ending.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=PATIENCE_SECONDS)
            await _cancelled([*late])
