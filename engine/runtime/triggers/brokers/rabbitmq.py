"""Messages of a queue of RabbitMQ: some on their way at a time, taken in the order in which they came.

What was not acknowledged when a connection ends is put back by the broker to where it was in the queue.
"""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue

from engine.connect.broker import Address
from engine.connect.connector_plan import StreamPlan
from engine.runtime.triggers.brokers import line
from engine.runtime.triggers.brokers.library import security, whole
from engine.runtime.triggers.brokers.line import Heard, Message, silenced

if TYPE_CHECKING:
    from aio_pika.abc import AbstractQueue


class RabbitLine:
    """Listens to one queue."""

    def __init__(self, address: Address, stream: StreamPlan, heard: Heard) -> None:
        """Nothing is connected yet."""
        assert stream.queue is not None
        self.said: str | None = None
        self._name = stream.queue
        self._most = stream.prefetch
        self._heard = heard
        self._came: asyncio.Queue[RabbitMessage] = asyncio.Queue()
        self._working: asyncio.Task[None] | None = None
        self._queue: AbstractQueue | None = None
        self._broker = RabbitBroker(
            address.server,
            security=security(address),
            default_channel=Channel(prefetch_count=stream.prefetch),
            apply_types=False,
            graceful_timeout=None,
            logger=silenced(__name__, "aio_pika", "aiormq"),
            log_level=logging.DEBUG,
        )
        subscriber = self._broker.subscriber(
            RabbitQueue(stream.queue, declare=False), decoder=whole, ack_policy=AckPolicy.MANUAL
        )
        subscriber(self._put)

    async def _put(self, message: RabbitMessage) -> None:
        # The client calls this for each message at once, so what is done here must not wait.
        self._came.put_nowait(message)

    @property
    def patience(self) -> float:
        """How many seconds a start may take."""
        return line.ANSWER_SECONDS

    async def start(self) -> None:
        """Connect and listen; whatever the client raises is raised."""
        await self._broker.start()
        self._queue = await self._broker.declare_queue(RabbitQueue(self._name, declare=False))
        self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        """Take what has come together, commit it together, and acknowledge each."""
        while True:
            messages = [await self._came.get()]
            while len(messages) < self._most and not self._came.empty():
                messages.append(self._came.get_nowait())
            if await self._heard([self._read(message) for message in messages]):
                for message in messages:
                    with suppress(Exception):  # the connection is gone: it comes again, and is known
                        await message.ack()

    def _read(self, message: RabbitMessage) -> Message:
        name = message.raw_message.message_id
        place = f"{self._name}:{name or 'a message without message_id'}"
        return Message(body=message.body, place=place, named=bool(name))

    async def waiting(self) -> int:
        """How many messages are ready, and how many are not acknowledged; raises when the broker is away."""
        assert self._queue is not None
        assert self._working is not None
        if self._working.done():
            self._working.result()
        found = await self._queue.declare(timeout=line.ANSWER_SECONDS)
        return (found.message_count or 0) + self._came.qsize()

    async def stop(self) -> None:
        """Close the connection; what was not acknowledged goes back into the queue."""
        if self._working is not None:
            self._working.cancel()
            with suppress(Exception, asyncio.CancelledError):
                await self._working
        await line.closed(self._broker.stop())
