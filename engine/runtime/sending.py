"""What a turn wants done outside, once it is committed: deliveries and reads that run beside the loop.

What waits for a place is in `outbox.py`. What comes of it goes into the inbox.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime

from engine.clock import Clock
from engine.core import ReadCommand, WriteCommand
from engine.effect import Failure, FaultClass
from engine.ledger import LedgerReader
from engine.runtime import broken
from engine.runtime.connections import Connection, Connections
from engine.runtime.deliver import Attempt, Delivery, Settler, attempt, due_again, taken_up
from engine.runtime.execute import Executor
from engine.runtime.gate.rank import rank
from engine.runtime.inbox import Inbox, Trouble
from engine.runtime.outbox import Aside, Outbox, loads
from engine.runtime.reading import Asked, ReadCame, Reads, read
from engine.runtime.turn import Work


class Sending:
    """Sends and asks what the turns of an executor decided."""

    def __init__(  # noqa: PLR0913 - what was opened elsewhere, each by its name
        self,
        *,
        executor: Executor,
        connections: Connections,
        inbox: Inbox,
        outbox: Outbox,
        reads: Reads,
        reader: LedgerReader,
        clock: Clock,
    ) -> None:
        """Begin with nothing on its way."""
        self.tasks: set[asyncio.Task[None]] = set()
        self._executor = executor
        self._connections = connections
        self._inbox = inbox
        self._outbox = outbox
        self._reads = reads
        self._reader = reader
        self._clock = clock

    def go(self, now: datetime) -> tuple[list[Delivery], list[Asked]]:
        """What waited, or is due again, and has a place; writes are recorded, to go out after the commit."""
        self._outbox.due(now)
        going = self._outbox.go(now)
        found = [self._fetched(item) if isinstance(item, Aside) else item for item in going]
        writes = [item for item in found if isinstance(item, Delivery)]
        for delivery in writes:
            Settler.send(self._executor.commit_rows, delivery, now)
        return writes, [item for item in found if isinstance(item, Asked)]

    def dispatch(self, work: Work, going: Sequence[Delivery] = ()) -> None:
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
                self._inbox.put(Trouble(row.run_id, error))
        for run_id, wanted in work.reads:
            self._ask(run_id, wanted, now)

    def ask_now(self, asked: Sequence[Asked]) -> None:
        """Ask what has a place."""
        for one in asked:
            self._reads.goes(one)
            self._spawn(self._read(one))

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
        delivery.looks = self._executor.ways(row.run_id, command).get("unknown") == "look_up"
        self._weigh(delivery, self._clock.now())
        if row.status == "sending" and once.how == "none":
            failure = Failure(fault=FaultClass.UNKNOWN, reason="the process ended before the answer came")
            self._inbox.items.append(Attempt(delivery, failure, asked=False))
        elif row.due_at is not None:
            self._outbox.again(delivery, due_again(row.due_at, steps, self._clock.now()))
        else:
            self._outbox.wait(delivery)
        self._inbox.arrived.set()

    def _weigh(self, delivery: Delivery, now: datetime) -> None:
        """Rank a delivery among those that wait."""
        delivery.weight = self._executor.weight(delivery.run_id)
        delivery.rank = rank(now.timestamp(), delivery.weight)

    def _fetched(self, aside: Aside) -> Delivery | None:
        """A delivery that was set aside, with its run, from the ledger; None when an error ends the run."""
        try:
            return self._found_again(aside)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run alone
            self._executor.break_run(aside.run_id, error)
            self._connections.get(aside.connection).gate.came_to_nothing(probe=aside.probe)
            self._outbox.give_back(aside)
            return None

    def _found_again(self, aside: Aside) -> Delivery:
        row = self._reader.effect(aside.effect_key)
        assert row is not None, aside.effect_key
        command = self._executor.recall.fetch(aside.run_id, aside.effect_key)
        once = self._connections.get(aside.connection).once(command.operation)
        delivery = taken_up(command, row, (), once, self._clock)
        delivery.weight, delivery.rank = aside.weight, aside.rank
        delivery.placed, delivery.probe = aside.placed, aside.probe
        return delivery

    def _ask(self, run_id: str, command: ReadCommand, now: datetime) -> None:
        """Have a question asked, unless the answer is known or somebody has asked it."""
        found = self._reads.ask(run_id, command, rank(now.timestamp(), self._executor.weight(run_id)))
        if isinstance(found, Asked):
            self._outbox.wait(found)
            self._inbox.arrived.set()
        elif found is not None:
            self._inbox.put(found)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        self._inbox.arrived.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._inbox.fail(self._inbox.failed or error)

    async def _deliver(self, connection: Connection, deliveries: list[Delivery]) -> None:
        try:
            self._inbox.items.extend(await attempt(connection, deliveries, self._clock))
        except Exception as error:
            if broken.is_fatal(error):
                raise
            failure = broken.in_doubt(error)
            self._inbox.items.extend(Attempt(delivery, failure, asked=False) for delivery in deliveries)

    async def _read(self, asked: Asked) -> None:
        try:
            self._inbox.items.append(await read(self._connections.get(asked.connection), asked))
        except Exception as error:
            if broken.is_fatal(error):
                raise
            self._inbox.items.append(ReadCame(asked, failure=broken.refused(error)))
