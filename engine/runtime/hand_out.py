"""Handing out partitions to machines, with Procrastinate; nothing else knows it.

There is one job `work(partition)` for each partition, under a lock of its own, and it goes on for as long as
a machine keeps the partition. A job of a machine whose heart has stopped is taken away by any other. All
times are those of the database, so that the clocks of machines may say what they like. Two machines may think
for a moment that they have the same partition: the ledger knows better.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, ProcrastinateException
from procrastinate.jobs import Status
from procrastinate.worker import Worker

from engine.errors import LedgerUnreachable
from engine.ledger.postgres import Pulse, read_url
from engine.runtime.heart import SURE_SECONDS, Heart

T = TypeVar("T")

SCHEMA = "tidegate_work"
QUEUE = "partitions"
NO_QUEUE = "nothing"  # in which nobody ever puts anything
STALLED_SECONDS = SURE_SECONDS + 1  # without a heartbeat, by the clock of the database
NEVER = 10_000_000.0  # seconds between heartbeats of Procrastinate itself, which would revive the dead
ANSWER_SECONDS = 4.0
CLOSE_SECONDS = 5.0

_BEAT = (
    "UPDATE tidegate_work.procrastinate_workers SET last_heartbeat = now() "
    "WHERE id = %s AND last_heartbeat > now() - make_interval(secs => %s) RETURNING id"
)
_LIVE = (
    "SELECT count(*) AS found FROM procrastinate_workers "
    "WHERE last_heartbeat > now() - make_interval(secs => %(seconds)s)"
)
_MADE = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL AS found"
_THERE = "SELECT queueing_lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"


class HandOut:
    """One machine among those to which partitions are handed out."""

    def __init__(self, url: str, partitions: int, work: Callable[[int], Awaitable[None]]) -> None:
        """`work` is called with a partition, and returns when the machine does not keep it any longer."""
        self.partitions = partitions
        self._pulse = Pulse(read_url(url), ANSWER_SECONDS)
        self.heart = Heart(self._alive, self._pulse.close)
        self._app = App(
            connector=PsycopgConnector(
                conninfo=url,
                kwargs={"options": f"-c search_path={SCHEMA}", "application_name": "tidegate"},
                min_size=1,
                max_size=4,
                timeout=ANSWER_SECONDS,
            )
        )
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

        @self._app.task(name="work", queue=QUEUE)
        async def job(partition: int) -> None:
            try:
                await work(partition)
            finally:
                await self._put_back(partition)

        self._worker = Worker(
            app=self._app,
            queues=[QUEUE],
            name="tidegate",
            concurrency=partitions,
            fetch_job_polling_interval=0.5,
            abort_job_polling_interval=3600.0,
            shutdown_graceful_timeout=CLOSE_SECONDS,
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=NEVER,
            stalled_worker_timeout=STALLED_SECONDS,
        )

    async def open(self) -> None:
        """Connect, and make the tables of the hand-out where there are none.

        Raises:
            LedgerUnreachable: the server does not answer.

        """
        try:
            await asyncio.wait_for(self._app.open_async(), 2 * ANSWER_SECONDS)
            if not await self._asked(_MADE):
                # Another machine may be doing the same at this moment; one of the two comes first.
                with suppress(ConnectorException):
                    await self._app.connector.execute_query_async(f"CREATE SCHEMA {SCHEMA}")
                with suppress(ConnectorException):
                    await self._app.schema_manager.apply_schema_async()
                await self._asked(_LIVE, seconds=STALLED_SECONDS)
        except (ProcrastinateException, OSError, TimeoutError) as error:
            raise _away(error) from error

    async def run(self) -> None:
        """Take what is handed out until stopped.

        Raises:
            LedgerUnreachable: the server went away.

        """
        try:
            await self._worker.run()  # type: ignore[no-untyped-call]
        except (ProcrastinateException, OSError, TimeoutError) as error:
            raise _away(error) from error

    def want(self, more: bool) -> None:  # noqa: FBT001 - more, or no more
        """Whether this machine is to be handed more than it has; one that has enough is not asked.

        Of several that wait for the same job, those who have no use for it would be the quicker ones every
        other time, and each keeps it from the others for a while.
        """
        self._worker.queues = [QUEUE if more else NO_QUEUE]

    def _alive(self) -> bool:
        """Beat once, in the thread of the heart; whether this machine still counts as alive."""
        worker = self._worker.worker_id
        return worker is None or self._pulse.ask(_BEAT, (worker, STALLED_SECONDS)) is not None

    async def machines(self) -> int:
        """How many machines live."""
        return max(1, await self._in_time(self._asked(_LIVE, seconds=STALLED_SECONDS)))

    async def tidy(self) -> None:
        """Take jobs away from machines whose heart has stopped, and put back what is missing."""
        await self._in_time(self._tidy())

    async def _tidy(self) -> None:
        jobs = self._app.job_manager
        for stalled in await jobs.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS):
            with suppress(ConnectorException):  # another machine was quicker
                await jobs.finish_job(job=stalled, status=Status.ABORTED, delete_job=True)
        await jobs.prune_stalled_workers(STALLED_SECONDS)
        rows = await self._app.connector.execute_query_all_async(_THERE)
        there = {row["queueing_lock"] for row in rows}
        for partition in range(self.partitions):
            if _name(partition) not in there:
                await self._put_back(partition)

    async def _put_back(self, partition: int) -> None:
        name = _name(partition)
        with suppress(AlreadyEnqueued):
            task = self._app.configure_task("work", lock=name, queueing_lock=name, queue=QUEUE)
            await task.defer_async(partition=partition)

    async def _asked(self, sql: str, **given: float) -> int:
        row = await self._app.connector.execute_query_one_async(sql, **given)
        return int(row["found"])

    async def _in_time(self, answer: Awaitable[T]) -> T:
        try:
            return await asyncio.wait_for(answer, ANSWER_SECONDS)
        except (ProcrastinateException, OSError, TimeoutError) as error:
            raise _away(error) from error

    async def close(self, running: "asyncio.Future[None] | None") -> None:
        """Stop taking what is handed out, if that was begun.

        What does not end in time is left behind; others take it away.
        """
        await asyncio.to_thread(self.heart.end)
        if running is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait({running}, timeout=CLOSE_SECONDS)
            running.cancel()
        with suppress(Exception):
            await asyncio.wait_for(self._app.close_async(), CLOSE_SECONDS)


def _name(partition: int) -> str:
    return f"partition/{partition}"


def _away(error: BaseException) -> LedgerUnreachable:
    why = " ".join(str(error.__cause__ or error).split()) or type(error).__name__
    return LedgerUnreachable(f"the server of the ledger cannot be reached to share out work: {why}")
