"""The loop: gather what arrived, take a turn, then do outside what the turn decided.

One task owns the executor, so that decisions are made and committed one turn at a time; deliveries and
reads run beside it and bring their outcomes back through the inbox.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import TypeVar

from engine.clock import Clock
from engine.core.accept import Offer
from engine.errors import InputError, LedgerError
from engine.ledger import Ledger, instant
from engine.ledger.reader import LAST
from engine.ledger.rows import LeftRun
from engine.plan.plan import Plan
from engine.runtime import broken, holding
from engine.runtime.came_back import CameBack
from engine.runtime.connections import Connections
from engine.runtime.deliver import Attempt
from engine.runtime.execute import Executor
from engine.runtime.gate.pressure import Speed, come_again
from engine.runtime.inbox import NOTHING, Inbox, Item, Offered, Ordered, Trouble
from engine.runtime.intake import Beside, contradicts, keep_contradiction
from engine.runtime.intake import write as write_beside
from engine.runtime.outages import Outages
from engine.runtime.outbox import Outbox
from engine.runtime.permission import Release
from engine.runtime.reading import ReadCame, Reads
from engine.runtime.recover import Recovery
from engine.runtime.resolve import Following, Order
from engine.runtime.retry import RetryPolicy
from engine.runtime.sending import Sending
from engine.runtime.share import share_of
from engine.runtime.watch import PERIOD_DAYS, Watch
from engine.values.value import Value

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of what is in memory and in one transaction."""

    turn: int = 500  # events taken in one turn
    live: int = 2_000  # runs in memory before no more events are taken
    backlog: int = 100_000  # runs that are open, wherever they wait, before no more events are taken
    reads: int = 64  # reads on their way to one connection at one time, if it bears so many
    taken_up: int = 100  # runs of a process before this one that are taken up in one turn
    still_days: int = PERIOD_DAYS  # weekdays after which somebody is told of what stands still; 0 for never


class Runner:
    """Runs flows against one ledger until told to stop, or until all is at rest."""

    def __init__(  # noqa: PLR0913 - what was opened elsewhere, each by its name
        self,
        *,
        ledger: Ledger,
        plan: Plan,
        plans: Callable[[str], Plan],
        connections: Connections,
        clock: Clock,
        policy: RetryPolicy | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Work with what was opened elsewhere; nothing is closed here."""
        self.limits = limits or Limits()
        self.plan = plan
        self._clock = clock
        self._connections = connections
        self._policy = policy or RetryPolicy()
        self._share = share_of(ledger, plan)
        self._reader = ledger.reader() if self._share is None else self._share.reader
        self._outbox = Outbox(connections, self.limits.reads)
        recovery = Recovery(self._reader, plans, connections)
        self.executor = Executor(ledger, plan, recovery, self._outbox.take, self._share)
        self.executor.watch = Watch(self.limits.still_days)
        self._outages = Outages(self._reader, connections)
        self._speed = Speed()
        self._inbox = Inbox()
        self._following: deque[Following] = deque()  # what persons ordered in this turn leads to
        reads = Reads(clock.elapsed_seconds)
        self._came_back = CameBack(
            executor=self.executor,
            connections=connections,
            outbox=self._outbox,
            reads=reads,
            outages=self._outages,
            policy=self._policy,
            clock=clock,
        )
        self._sending = Sending(
            executor=self.executor,
            connections=connections,
            inbox=self._inbox,
            outbox=self._outbox,
            reads=reads,
            reader=self._reader,
            clock=clock,
        )

    # --- for those who bring something ------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more events may be taken now."""
        waiting = sum(len(item.offers) for item in self._inbox.items if isinstance(item, Offered))
        here = self.limits.live - len(self.executor.live)
        return min(here, self.limits.backlog - self.open_runs) - waiting

    @property
    def open_runs(self) -> int:
        """How many runs are on their way, wait for a system, or stand in line behind their order key."""
        executor = self.executor
        return len(executor.live) + len(executor.aside) + executor.standing + len(executor.left.runs)

    @property
    def come_again_seconds(self) -> int:
        """When a sender for whom there is no room may come again, by how fast work is done at present."""
        limits = self.limits
        if self.open_runs > limits.backlog * 9 // 10:
            return come_again(self.open_runs, limits.backlog, self._speed.a_second)
        return come_again(len(self.executor.live), limits.live, self._speed.a_second)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to do: no event, no answer, nothing on its way or due."""
        left = self._inbox.items or self._sending.tasks or self._waits(self._clock.now()) or self._handed
        return not (left or self.executor.busy)

    def _waits(self, now: datetime) -> bool:
        """Whether something waits to go out, now or later."""
        return self._outbox.can_go(now) or self._outbox.next_at(now) is not None

    @property
    def unsent(self) -> int:
        """How many writes and reads wait to go out, now or later."""
        return self._outbox.waiting + self._outbox.due_again

    def backlog(self) -> dict[str, Value]:
        """What is in memory and not done, in numbers, and when the next of it is due."""
        return {
            "live": len(self.executor.live),
            "set_aside": len(self.executor.aside),
            "in_line": self.executor.standing,
            "to_take_up": len(self.executor.left.runs),
            "arrived": len(self._inbox.items),
            "on_their_way": len(self._sending.tasks),
            "to_send": self._outbox.waiting,
            "due_again": self._outbox.due_again,
            "next_due": self._outbox.next_at(self._clock.now()),
            "connections": self._outages.said(self._outbox.waiting_for(), self._clock.now()),
            "next_deadline": self.executor.waking.next_deadline,
        }

    def offer(self, offers: Sequence[Offer]) -> None:
        """Hand in events without waiting for their commit."""
        self._inbox.put(Offered(offers, None))

    async def accept(
        self,
        offers: Sequence[Offer],
        source: str = "",
        unfit: Sequence[tuple[Value, str]] = (),
        beside: Beside = NOTHING,
    ) -> list[str]:
        """Hand in events and wait until they are committed; what became of each.

        Records of a source that cannot be used are committed as well, for a person, each with the reason;
        and `beside` what else the source wants to stand in the same commit.
        """
        done: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._inbox.put(Offered(offers, done, source, unfit, beside))
        return await self._inbox.promised(done)

    async def release(self, hold_id: str, release: Release) -> None:
        """A person releases a hold.

        Raises:
            InputError: when there is no such open hold, or its policy does not allow this release.

        """
        await self.act(lambda executor: holding.release(executor, hold_id, release))

    async def act(self, do: Order) -> None:
        """A person does something, and waits until it is committed; what it leads to follows.

        Raises:
            InputError: when it cannot be; nothing of it is written.

        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inbox.put(Ordered(do, done))
        return await self._inbox.promised(done)

    def abandon(self, why: str) -> None:
        """Another runner goes on from what the ledger holds: tell those who wait, and take nothing more."""
        self._inbox.fail(self._inbox.failed or LedgerError(why))
        for connection in self._connections.by_name.values():
            connection.gate.came_to_nothing(probe=True)  # whatever tried it, nobody is told of it any more

    # --- the loop -----------------------------------------------------------------------------------

    def recover(self) -> None:
        """Find all that processes before this one left open, as nobody else is at work.

        It is taken up in the turns to come.
        """
        self.executor.begin_turn(self._clock.now())
        if self._share is None:
            self._outages.recover(self.executor.commit_rows, self._clock.now())
            self._take_up_open()
        else:
            self._share.gain_all(self.executor, self._take_up_open)
        self.executor.watch.begin(self.executor, self._clock.now())
        self.executor.alerting.load(self._reader, self._clock.now())
        self.executor.settle()
        self._sending.dispatch(self.executor.finish()[1])

    def take_over(self, partitions: Collection[int]) -> None:
        """Take up what belongs to partitions that this machine owns from now on.

        Raises:
            LedgerError: it could not be taken; the runner is finished.

        """
        assert self._share is not None
        try:
            self.executor.begin_turn(self._clock.now())
            self._share.gain(partitions, self.executor, self._take_up_open)
            if self.executor.watch.next_at is None:
                self.executor.watch.begin(self.executor, self._clock.now())
            self.executor.settle()
            self._sending.dispatch(self.executor.finish()[1])
        except BaseException as error:
            self._inbox.fail(error)
            raise

    def take_no_more(self) -> None:
        """Begin nothing more of what was handed over; what is on its way goes on."""
        if self._share is not None:
            self._share.closed = True

    def look(self) -> None:
        """Others may have accepted something for this machine: the next turn looks."""
        if self._share is not None:
            self._share.news = True
            self._inbox.arrived.set()

    @property
    def _handed(self) -> bool:
        """Whether others may have left something that there is room for."""
        share = self._share
        room = len(self.executor.live) < self.limits.live
        return share is not None and share.news and not share.closed and room

    @property
    def _may_take_up(self) -> int:
        """How many of the runs that were left may be taken up now; half the memory is for new ones."""
        closed = self._share is not None and self._share.closed
        room = self.limits.live // 2 - len(self.executor.live)
        return 0 if closed else min(self.limits.taken_up, len(self.executor.left.runs), max(0, room))

    def _take_up_open(self) -> None:
        found: list[LeftRun] = []
        self.executor.waking.look_again()
        self.executor.parking.load()
        self.executor.timers.load(self._reader)
        while rows := self._reader.left_runs(after=found[-1].seq if found else 0, limit=10_000):
            found += rows
        self.executor.recall.find(found)
        self.executor.end_orphans()
        self.executor.parking.put_before(LAST)

    def _go_on(self, following: Following, now: datetime) -> None:
        """Take up what a person has go on, now that it is committed: from the ledger, as after a crash."""
        self.executor.begin_turn(now)
        self.executor.recall.resume_runs(following.runs)
        for run_id, command in following.writes:
            self.executor.recall.send_once_more(run_id, command)
        self.executor.settle()
        self._sending.dispatch(self.executor.finish()[1])

    async def turn(
        self, *, wait_seconds: float | None = None, meanwhile: Callable[[], None] | None = None
    ) -> bool:
        """Take one turn; False when there was nothing to do and nothing is on its way.

        `meanwhile` is called while the disk takes up the commit of the turn, if it has one; what is needed
        in any case is not for there.

        Raises:
            LedgerError: when the commit failed; nothing of the turn happened, and the runner is finished.

        """
        if not self._something():
            if not self._sending.tasks and wait_seconds is None and not self._worth_waiting():
                return False
            await self._until_something(wait_seconds)
        if not self._something():
            return True
        try:
            self._take_turn(meanwhile)
        except BaseException as error:
            self._inbox.fail(error)
            raise
        await asyncio.sleep(0)  # lets deliveries begin, however much is left for the next turn
        return True

    def _something(self) -> bool:
        """Whether a turn has anything to do."""
        now = self._clock.now()
        executor = self.executor
        if self._inbox.items or executor.alerting.waits or self._outbox.can_go(now) or self._handed:
            return True
        if executor.ended_badly.waits or self._may_take_up:
            return True
        deadline = self.executor.waking.next_deadline
        return deadline is not None and deadline <= now

    def _worth_waiting(self) -> bool:
        """Whether something goes out later that is not to be left to the next process."""
        now, outage = self._clock.now(), self._policy.outage_seconds
        if self._outbox.next_at(now) is None:
            return False
        return outage is None or not self._outbox.is_left_alone(now, outage)

    async def _until_something(self, wait_seconds: float | None) -> None:
        self._inbox.arrived.clear()  # nothing is there: what has been announced has been taken
        pause = wait_seconds
        now = self._clock.now()
        following = self._outbox.next_at(now)
        if following is not None:
            left = max(0.0, (following - now).total_seconds())
            pause = left if pause is None else min(pause, left)
        try:
            await asyncio.wait_for(self._inbox.arrived.wait(), pause)
        except TimeoutError:
            return

    def _take_turn(self, meanwhile: Callable[[], None] | None) -> None:
        now = self._clock.now()
        executor = self.executor
        executor.begin_turn(now)
        executor.arrivals.tell_of_alerts(now)
        executor.waking.expire(now)  # before the events of this turn: what comes too late ends no wait
        executor.recall.take_up(self._may_take_up)
        self._inbox.arrived.clear()
        if self._share is not None and self._handed:
            self._share.gather(executor, min(self.limits.turn, self.limits.live - len(executor.live)))
        after: list[Callable[[], None]] = []
        self._take_what_came(now, after)
        going, asked = self._sending.go(now)
        executor.settle()
        _, work = executor.finish(meanwhile)
        for tell in after:
            tell()
        self._sending.dispatch(work, going)
        self._sending.ask_now(asked)
        self._keep_small(now)
        while self._following:
            self._go_on(self._following.popleft(), now)
        if self._inbox.items or self._handed:
            self._inbox.arrived.set()

    def _take_what_came(self, now: datetime, after: list[Callable[[], None]]) -> None:
        """Of what arrived, as much as is good for one turn; a person's act has one of its own."""
        events = 0
        for taken in count():
            if not self._inbox.items or events >= self.limits.turn:
                return
            if taken and isinstance(self._inbox.items[0], Ordered):
                return  # it has to see all that is decided before it in the ledger
            item = self._inbox.items.popleft()
            if isinstance(item, Offered):
                events += len(item.offers)
            try:
                self._take(item, now, after)
            except Exception as error:  # noqa: BLE001 - whatever it is, it concerns what arrived alone
                self._take_broken(item, error, now)
            if isinstance(item, Ordered):
                return

    def _keep_small(self, now: datetime) -> None:
        """Let go of what waits for systems that take nothing now, before it fills the place of all others."""
        self._speed.count(now.timestamp(), self.executor.tally.rested)
        if len(self.executor.live) > self.limits.live // 2:
            self.executor.recall.set_aside(self._outbox.set_aside(now))

    def _take(self, item: Item, now: datetime, after: list[Callable[[], None]]) -> None:
        match item:
            case Attempt():
                self._came_back.settle(item, now)
            case Offered():
                found = self._accept(item, instant(now))
                if item.done is not None:
                    after.append(_teller(item.done, found))
            case ReadCame():
                self._came_back.read_came(item, now)
            case Ordered():
                self._act(item, after)
            case Trouble(run_id, error):
                self.executor.break_run(run_id, error)

    def _take_broken(self, item: Item, error: Exception, now: datetime) -> None:
        """Something that arrived ran into an error of ours: nobody is left to wait for it.

        Raises:
            Exception: when the error concerns everything, or this cannot be done either.

        """
        if broken.is_fatal(error):
            raise error
        match item:
            case Attempt(delivery=delivery):
                self._came_back.settle(Attempt(delivery, broken.in_doubt(error), asked=False), now)
            case ReadCame(asked=asked):
                self._came_back.read_came(ReadCame(asked, failure=broken.refused(error)), now)
            case Offered(done=done) | Ordered(done=done) if done is not None:
                if not done.done():
                    done.set_exception(InputError(f"it could not be taken: {broken.told_of(error)}"))
            case _:
                raise error

    def _act(self, item: Ordered, after: list[Callable[[], None]]) -> None:
        """Write what a person orders, or say why it cannot be; what follows is done after the commit."""
        rows = self.executor.commit_rows
        mark = rows.mark()
        try:
            following = item.do(self.executor)
        except InputError as error:
            if not item.done.done():
                item.done.set_exception(error)
            return
        except Exception:
            rows.back_to(mark)
            raise
        if following is not None:
            self._following.append(following)
        after += [self.executor.ended_badly.look_again, _teller(item.done, None)]

    def _accept(self, item: Offered, at: str) -> list[str]:
        """Take what a source brought, unless it contradicts what it said before; what became of it."""
        executor, rows, message = self.executor, self.executor.commit_rows, item.beside.message
        if message is not None and contradicts(self._reader, rows, item.source, message):
            keep_contradiction(rows, item.source, message, at)
            return ["conflict"] * max(1, len(item.offers))
        found = executor.arrivals.accept(item.offers)
        executor.arrivals.keep_unfit(item.source, item.unfit)
        if item.beside is not NOTHING:
            write_beside(self._reader, rows, item.source, item.beside, at)
        return found

    # --- what is done outside -------------------------------------------------------------------------

    async def until_rest(self) -> None:
        """Take turns until nothing is left to do: no event, no answer, no retry."""
        while await self.turn():
            self.raise_failure()
        self.raise_failure()

    def raise_failure(self) -> None:
        """Raise what ended the runner: an error of the ledger, or one that is not of a single run."""
        self._inbox.raise_failure()

    async def stop(self, patience_seconds: float) -> None:
        """Let what is on its way come back, for so long; then leave it to the next process."""
        end = self._clock.elapsed_seconds() + patience_seconds
        while self._sending.tasks and self._clock.elapsed_seconds() < end:
            await self.turn(wait_seconds=min(0.2, patience_seconds))
        while self._inbox.items:
            await self.turn(wait_seconds=0)
        for task in self._sending.tasks:
            task.cancel()
        await asyncio.gather(*self._sending.tasks, return_exceptions=True)


def _teller(done: "asyncio.Future[T]", value: T) -> Callable[[], None]:
    def tell() -> None:
        if not done.done():
            done.set_result(value)

    return tell
