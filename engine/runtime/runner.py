"""The loop: gather what arrived, take a turn, then do outside what the turn decided.

One task owns the executor, so that decisions are made and committed one turn at a time; deliveries and
reads run beside it and bring their outcomes back through the inbox.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NamedTuple, TypeAlias, TypeVar

from engine.clock import Clock
from engine.core import ReadCommand, WriteCommand
from engine.core.accept import Offer
from engine.effect import Failure, FaultClass, Receipt
from engine.errors import InputError, LedgerError
from engine.ledger import Ledger, instant
from engine.ledger.reader import LAST
from engine.ledger.rows import LeftRun
from engine.plan.plan import Plan
from engine.runtime import broken, holding
from engine.runtime.connections import Connection, Connections
from engine.runtime.deliver import Attempt, Delivery, Settler, attempt, due_again, taken_up
from engine.runtime.execute import Executor
from engine.runtime.gate.gate import is_away, is_throttled
from engine.runtime.gate.pressure import Speed, come_again
from engine.runtime.gate.rank import rank
from engine.runtime.intake import Beside, contradicts, keep_contradiction
from engine.runtime.intake import write as write_beside
from engine.runtime.outages import Outages
from engine.runtime.outbox import Aside, Outbox, loads
from engine.runtime.permission import Release
from engine.runtime.reading import Asked, ReadCame, Reads, read
from engine.runtime.recover import Recovery
from engine.runtime.resolve import Following, Order
from engine.runtime.retry import RetryPolicy, wait
from engine.runtime.share import share_of
from engine.runtime.turn import Work
from engine.runtime.watch import PERIOD_DAYS, Watch
from engine.values.value import Value

T = TypeVar("T")

NOTHING = Beside()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of what is in memory and in one transaction."""

    turn: int = 500  # events taken in one turn
    live: int = 2_000  # runs in memory before no more events are taken
    backlog: int = 100_000  # runs that are open, wherever they wait, before no more events are taken
    reads: int = 64  # reads on their way to one connection at one time, if it bears so many
    taken_up: int = 100  # runs of a process before this one that are taken up in one turn
    still_days: int = PERIOD_DAYS  # weekdays after which somebody is told of what stands still; 0 for never


@dataclass(slots=True)
class _Offered:
    """Events, and who wants to know that they are safe."""

    offers: Sequence[Offer]
    done: "asyncio.Future[list[str]] | None"
    source: str = ""
    unfit: Sequence[tuple[Value, str]] = ()  # records of the source that cannot be used
    beside: Beside = NOTHING


@dataclass(slots=True)
class _Act:
    """Something that a person does, as part of a turn."""

    do: Order
    done: "asyncio.Future[None]"


class _Trouble(NamedTuple):
    """An error of ours at what a turn wants done outside for a run."""

    run_id: str
    error: Exception


_Item: TypeAlias = _Offered | ReadCame | _Act | Attempt | _Trouble


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
        self._settler = Settler(connections, self._patience, self.executor.ways, clock)
        self._reads = Reads(clock.elapsed_seconds)
        self._outages = Outages(self._reader, connections)
        self._speed = Speed()
        self._inbox: deque[_Item] = deque()
        self._arrived = asyncio.Event()
        self._following: deque[Following] = deque()  # what persons ordered in this turn leads to
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: BaseException | None = None
        self._promises: set[asyncio.Future[Any]] = set()  # of those who wait for a commit

    # --- for those who bring something ------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more events may be taken now."""
        waiting = sum(len(item.offers) for item in self._inbox if isinstance(item, _Offered))
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
        left = self._inbox or self._tasks or self._waits(self._clock.now()) or self._handed
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
            "arrived": len(self._inbox),
            "on_their_way": len(self._tasks),
            "to_send": self._outbox.waiting,
            "due_again": self._outbox.due_again,
            "next_due": self._outbox.next_at(self._clock.now()),
            "connections": self._outages.said(self._outbox.waiting_for(), self._clock.now()),
            "next_deadline": self.executor.waking.next_deadline,
        }

    def offer(self, offers: Sequence[Offer]) -> None:
        """Hand in events without waiting for their commit."""
        self._put(_Offered(offers, None))

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
        self._put(_Offered(offers, done, source, unfit, beside))
        return await self._promised(done)

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
        self._put(_Act(do, done))
        return await self._promised(done)

    async def _promised(self, done: "asyncio.Future[T]") -> T:
        """Wait for a commit; one that fails is an answer as well, so that nobody waits for ever."""
        self._promises.add(done)
        try:
            return await done
        finally:
            self._promises.discard(done)

    def _fail(self, error: BaseException) -> None:
        """Nothing more is committed by this runner: tell those who wait for it."""
        self._failed = error
        for done in self._promises:
            if not done.done():
                done.set_exception(LedgerError(f"the ledger failed: {error}"))

    def abandon(self, why: str) -> None:
        """Another runner goes on from what the ledger holds: tell those who wait, and take nothing more."""
        self._fail(self._failed or LedgerError(why))
        for connection in self._connections.by_name.values():
            connection.gate.came_to_nothing(probe=True)  # whatever tried it, nobody is told of it any more

    def _put(self, item: _Item) -> None:
        if self._failed is not None:
            raise LedgerError(f"the ledger failed before: {self._failed}") from self._failed
        self._inbox.append(item)
        self._arrived.set()

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
        self._dispatch(self.executor.finish()[1])

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
            self._dispatch(self.executor.finish()[1])
        except BaseException as error:
            self._fail(error)
            raise

    def take_no_more(self) -> None:
        """Begin nothing more of what was handed over; what is on its way goes on."""
        if self._share is not None:
            self._share.closed = True

    def look(self) -> None:
        """Others may have accepted something for this machine: the next turn looks."""
        if self._share is not None:
            self._share.news = True
            self._arrived.set()

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
        self._dispatch(self.executor.finish()[1])

    def _doubt(self, command: WriteCommand) -> None:
        """A write that was on its way, or waited, when the process before this one ended.

        The attempts of that process do not count against the patience of this one: they may have ended
        with it, and not with the target.
        """
        row = self._reader.effect(command.effect_key)
        assert row is not None
        once = self._connections.get(command.connection).once(command.operation)
        steps = self._reader.transitions(row.key) if row.attempts else ()
        delivery = taken_up(command, row, steps, once, self._clock)
        delivery.looks = self.executor.ways(row.run_id, command).get("unknown") == "look_up"
        self._weigh(delivery, self._clock.now())
        if row.status == "sending" and once.how == "none":
            failure = Failure(fault=FaultClass.UNKNOWN, reason="the process ended before the answer came")
            self._inbox.append(Attempt(delivery, failure, asked=False))
        elif row.due_at is not None:
            self._outbox.again(delivery, due_again(row.due_at, steps, self._clock.now()))
        else:
            self._outbox.wait(delivery)
        self._arrived.set()

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
            if not self._tasks and wait_seconds is None and not self._worth_waiting():
                return False
            await self._until_something(wait_seconds)
        if not self._something():
            return True
        try:
            self._take_turn(meanwhile)
        except BaseException as error:
            self._fail(error)
            raise
        await asyncio.sleep(0)  # lets deliveries begin, however much is left for the next turn
        return True

    def _something(self) -> bool:
        """Whether a turn has anything to do."""
        now = self._clock.now()
        if self._inbox or self.executor.alerting.waits or self._outbox.can_go(now) or self._handed:
            return True
        if self._may_take_up:
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
        self._arrived.clear()  # nothing is there: what has been announced has been taken
        pause = wait_seconds
        now = self._clock.now()
        following = self._outbox.next_at(now)
        if following is not None:
            left = max(0.0, (following - now).total_seconds())
            pause = left if pause is None else min(pause, left)
        try:
            await asyncio.wait_for(self._arrived.wait(), pause)
        except TimeoutError:
            return

    def _take_turn(self, meanwhile: Callable[[], None] | None) -> None:
        now = self._clock.now()
        executor = self.executor
        executor.begin_turn(now)
        executor.arrivals.tell_of_alerts(now)
        executor.waking.expire(now)  # before the events of this turn: what comes too late ends no wait
        executor.recall.take_up(self._may_take_up)
        self._arrived.clear()
        if self._share is not None and self._handed:
            self._share.gather(executor, min(self.limits.turn, self.limits.live - len(executor.live)))
        after: list[Callable[[], None]] = []
        self._take_what_came(now, after)
        going, asked = self._go(now)
        executor.settle()
        _, work = executor.finish(meanwhile)
        for tell in after:
            tell()
        self._dispatch(work, going)
        self._ask_now(asked)
        self._keep_small(now)
        while self._following:
            self._go_on(self._following.popleft(), now)
        if self._inbox or self._handed:
            self._arrived.set()

    def _take_what_came(self, now: datetime, after: list[Callable[[], None]]) -> None:
        """Of what arrived, as much as is good for one turn; a person's act has one of its own."""
        events = 0
        for taken in count():
            if not self._inbox or events >= self.limits.turn:
                return
            if taken and isinstance(self._inbox[0], _Act):
                return  # it has to see all that is decided before it in the ledger
            item = self._inbox.popleft()
            if isinstance(item, _Offered):
                events += len(item.offers)
            try:
                self._take(item, now, after)
            except Exception as error:  # noqa: BLE001 - whatever it is, it concerns what arrived alone
                self._take_broken(item, error, now)
            if isinstance(item, _Act):
                return

    def _keep_small(self, now: datetime) -> None:
        """Let go of what waits for systems that take nothing now, before it fills the place of all others."""
        self._speed.count(now.timestamp(), self.executor.tally.rested)
        if len(self.executor.live) > self.limits.live // 2:
            self.executor.recall.set_aside(self._outbox.set_aside(now))

    def _take(self, item: _Item, now: datetime, after: list[Callable[[], None]]) -> None:
        match item:
            case Attempt():
                self._settle(item, now)
            case _Offered():
                found = self._accept(item, instant(now))
                if item.done is not None:
                    after.append(_teller(item.done, found))
            case ReadCame():
                self._read_came(item, now)
            case _Act():
                self._act(item, after)
            case _Trouble(run_id, error):
                self.executor.break_run(run_id, error)

    def _take_broken(self, item: _Item, error: Exception, now: datetime) -> None:
        """Something that arrived ran into an error of ours: nobody is left to wait for it.

        Raises:
            Exception: when the error concerns everything, or this cannot be done either.

        """
        if broken.is_fatal(error):
            raise error
        match item:
            case Attempt(delivery=delivery):
                self._settle(Attempt(delivery, broken.in_doubt(error), asked=False), now)
            case ReadCame(asked=asked):
                self._read_came(ReadCame(asked, failure=broken.refused(error)), now)
            case _Offered(done=done) | _Act(done=done) if done is not None:
                if not done.done():
                    done.set_exception(InputError(f"it could not be taken: {broken.told_of(error)}"))
            case _:
                raise error

    def _act(self, item: _Act, after: list[Callable[[], None]]) -> None:
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
        after.append(_teller(item.done, None))

    def _accept(self, item: _Offered, at: str) -> list[str]:
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

    def _settle(self, done: Attempt, now: datetime) -> None:
        delivery = done.delivery
        self._outbox.give_back(delivery)
        self._reads.written(delivery.connection)
        failure = None if done.answered or isinstance(done.outcome, Receipt) else done.outcome
        if done.asked:
            self._came(delivery, failure, now)
        else:
            self._came_to_nothing(delivery)
        rows = self.executor.commit_rows
        known = len(rows.xrefs)
        settled = self._settler.settle(rows, done, now)
        # What runs on in this turn may ask for an id that it has just been given.
        for row in rows.xrefs[known:]:
            self.executor.look_ups.keep_xref(row)
        if settled.answer is not None:
            self.executor.answer(delivery.run_id, delivery.command.key, settled.answer)
        else:
            assert settled.again_at is not None
            self.executor.tally.retries += 1
            self._outbox.again(delivery, settled.again_at)

    def _came(self, item: Delivery | Asked, failure: Failure | None, now: datetime) -> None:
        """What an attempt says of its system: whether it is there, and whether it wants to be left alone."""
        gate = self._connections.get(item.connection).gate
        if failure is not None and is_away(failure) and item.answers not in {None, gate.answers}:
            # It failed before, and others were answered since: that is its own, and not the system.
            self._came_to_nothing(item)
            item.answers = gate.answers
            item.rank = max(item.rank, rank(now.timestamp(), 0))
            return
        turned = gate.came(now, failure, probe=item.probe)
        if failure is not None and (is_throttled(failure) or (item.probe and item.answers == gate.answers)):
            item.spared += 1  # unless others were answered since it last failed: then it is not the system
        item.answers = gate.answers
        if item.probe and failure is not None:
            item.rank = max(item.rank, rank(now.timestamp(), 0))  # another one is to try next
        item.probe = False
        if turned is not None:
            self._outages.turned(self.executor.commit_rows, gate, turned, now)

    def _came_to_nothing(self, item: Delivery | Asked) -> None:
        """What was on its way said nothing of its system; another one is to try whether it is back."""
        self._connections.get(item.connection).gate.came_to_nothing(probe=item.probe)
        item.probe = False

    def _read_came(self, came: ReadCame, now: datetime) -> None:
        asked, failure = came.asked, came.failure
        if asked.placed:
            self._outbox.give_back(asked)
            self._came(asked, failure, now)
        if failure is None:
            self._reads.came(asked, came.value)
        elif failure.fault is FaultClass.TRANSIENT and not self._is_given_up(asked, now):
            policy = self._patience(asked.runs[0][0], asked.connection)
            pause = wait(failure, max(1, asked.attempts - asked.spared), asked.name, policy)
            self.executor.tally.retries += 1
            self._outbox.again(asked, now + timedelta(seconds=pause))
            return
        self._reads.forget(asked)
        reason, transient = None, False
        if failure is not None:
            reason, transient = failure.reason, failure.fault is FaultClass.TRANSIENT
        for run_id, key in asked.runs:
            self.executor.answered(run_id, key, came.value, reason, transient=transient)

    def _is_given_up(self, asked: Asked, now: datetime) -> bool:
        """Whether a question was asked often and long enough."""
        gate = self._connections.get(asked.connection).gate
        shut = gate.shut_seconds(now)
        if asked.failing_since is None:
            asked.failing_since, asked.shut_before = now, shut
        failing = (now - asked.failing_since).total_seconds()
        seconds = max(0.0, failing - (shut - asked.shut_before))
        policy = self._patience(asked.runs[0][0], asked.connection)
        return policy.exhausted(max(1, asked.attempts - asked.spared), seconds)

    def _patience(self, run_id: str, connection: str) -> RetryPolicy:
        """How patient the flow of a run is with a connection."""
        gate = self._connections.get(connection).gate
        return self._policy.told(gate.use.retry, self.executor.flow_of(run_id).retry)

    def _weigh(self, delivery: Delivery, now: datetime) -> None:
        """Rank a delivery among those that wait."""
        delivery.weight = self.executor.weight(delivery.run_id)
        delivery.rank = rank(now.timestamp(), delivery.weight)

    def _go(self, now: datetime) -> tuple[list[Delivery], list[Asked]]:
        """What waited, or is due again, and has a place; writes are recorded, to go out after the commit."""
        self._outbox.due(now)
        going = self._outbox.go(now)
        found = [self._fetched(item) if isinstance(item, Aside) else item for item in going]
        writes = [item for item in found if isinstance(item, Delivery)]
        for delivery in writes:
            self._settler.send(self.executor.commit_rows, delivery, now)
        return writes, [item for item in found if isinstance(item, Asked)]

    def _fetched(self, aside: Aside) -> Delivery | None:
        """A delivery that was set aside, with its run, from the ledger; None when an error ends the run."""
        try:
            return self._found_again(aside)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
            self.executor.break_run(aside.run_id, error)
            self._connections.get(aside.connection).gate.came_to_nothing(probe=aside.probe)
            self._outbox.give_back(aside)
            return None

    def _found_again(self, aside: Aside) -> Delivery:
        row = self._reader.effect(aside.effect_key)
        assert row is not None, aside.effect_key
        command = self.executor.recall.fetch(aside.run_id, aside.effect_key)
        once = self._connections.get(aside.connection).once(command.operation)
        delivery = taken_up(command, row, (), once, self._clock)
        delivery.weight, delivery.rank = aside.weight, aside.rank
        delivery.placed, delivery.probe = aside.placed, aside.probe
        return delivery

    # --- what is done outside -------------------------------------------------------------------------

    def _dispatch(self, work: Work, going: Sequence[Delivery] = ()) -> None:
        """Start what a committed turn wants done."""
        now = self._clock.now()
        by_connection: dict[str, list[Delivery]] = {}
        for delivery in going:
            by_connection.setdefault(delivery.command.connection, []).append(delivery)
        for run_id, command in work.later:
            delivery = Delivery(run_id, command)
            self._weigh(delivery, now)
            self._outbox.wait(delivery)
        for run_id, command in work.writes:
            delivery = Delivery(run_id, command, 1, placed=True, sent_at=now)
            delivery.rank = now.timestamp()
            by_connection.setdefault(command.connection, []).append(delivery)
        for name, deliveries in by_connection.items():
            self._reads.written(name)
            connection = self._connections.get(name)
            for load in loads(connection, deliveries):
                self._spawn(self._deliver(connection, load))
        for command in work.doubts:
            try:
                self._doubt(command)
            except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
                row = self._reader.effect(command.effect_key)
                assert row is not None, command.effect_key
                self._put(_Trouble(row.run_id, error))
        for run_id, wanted in work.reads:
            self._ask(run_id, wanted, now)

    def _ask(self, run_id: str, command: ReadCommand, now: datetime) -> None:
        """Have a question asked, unless the answer is known or somebody has asked it."""
        found = self._reads.ask(run_id, command, rank(now.timestamp(), self.executor.weight(run_id)))
        if isinstance(found, Asked):
            self._outbox.wait(found)
            self._arrived.set()
        elif found is not None:
            self._put(found)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._arrived.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(self._failed or error)

    async def _deliver(self, connection: Connection, deliveries: list[Delivery]) -> None:
        try:
            self._inbox.extend(await attempt(connection, deliveries, self._clock))
        except Exception as error:
            if broken.is_fatal(error):
                raise
            failure = broken.in_doubt(error)
            self._inbox.extend(Attempt(delivery, failure, asked=False) for delivery in deliveries)

    def _ask_now(self, asked: Sequence[Asked]) -> None:
        for one in asked:
            self._reads.goes(one)
            self._spawn(self._read(one))

    async def _read(self, asked: Asked) -> None:
        try:
            self._inbox.append(await read(self._connections.get(asked.connection), asked))
        except Exception as error:
            if broken.is_fatal(error):
                raise
            self._inbox.append(ReadCame(asked, failure=broken.refused(error)))

    async def until_rest(self) -> None:
        """Take turns until nothing is left to do: no event, no answer, no retry."""
        while await self.turn():
            self.raise_failure()
        self.raise_failure()

    def raise_failure(self) -> None:
        """Raise what ended the runner: an error of the ledger, or one that is not of a single run."""
        if self._failed is not None:
            raise self._failed

    async def stop(self, patience_seconds: float) -> None:
        """Let what is on its way come back, for so long; then leave it to the next process."""
        end = self._clock.elapsed_seconds() + patience_seconds
        while self._tasks and self._clock.elapsed_seconds() < end:
            await self.turn(wait_seconds=min(0.2, patience_seconds))
        while self._inbox:
            await self.turn(wait_seconds=0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _teller(done: "asyncio.Future[T]", value: T) -> Callable[[], None]:
    def tell() -> None:
        if not done.done():
            done.set_result(value)

    return tell
