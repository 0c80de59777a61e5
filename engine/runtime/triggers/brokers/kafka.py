"""Messages of a topic of Kafka, for a group: its offsets are committed after our own commit.

A batch that was fetched is committed as one. When a partition goes to another member in between, its messages
come there again, and are known by the identities of their events.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage, Topic
from faststream.security import SASLPlaintext, SASLScram256, SASLScram512

from engine.connect.broker import Address
from engine.connect.connector_plan import StreamPlan
from engine.runtime.triggers.brokers import line
from engine.runtime.triggers.brokers.library import SignedIn, security, whole
from engine.runtime.triggers.brokers.line import Heard, Message, silenced

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, ConsumerRecord

FETCH_MILLISECONDS = 200
_SIGNED_IN: Mapping[str, SignedIn] = {
    "plain": SASLPlaintext,
    "scram-sha-256": SASLScram256,
    "scram-sha-512": SASLScram512,
}


class KafkaLine:
    """Listens to one topic, in a group."""

    def __init__(self, address: Address, stream: StreamPlan, heard: Heard) -> None:
        """Nothing is connected yet."""
        assert stream.topic is not None
        self.said: str | None = None
        self._topic = stream.topic
        self._waiting = 0
        self._broker = KafkaBroker(
            address.hosts,
            security=security(address, _SIGNED_IN[address.mechanism]),
            client_id="tidegate",
            consumer_only=True,
            # A request to join waits for other members, so it must not be given up while they are dealt with.
            request_timeout_ms=int(line.JOIN_SECONDS * 900),
            apply_types=False,
            graceful_timeout=None,
            logger=silenced(__name__, "aiokafka"),
            log_level=logging.DEBUG,
        )
        self._subscriber = self._broker.subscriber(
            Topic(stream.topic, declare=False),
            batch=True,
            group_id=stream.consumer,
            session_timeout_ms=int(line.SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(line.SESSION_SECONDS * 1000 / 4),
            max_records=stream.prefetch,
            batch_timeout_ms=FETCH_MILLISECONDS,
            fetch_max_wait_ms=FETCH_MILLISECONDS,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            ack_policy=AckPolicy.MANUAL,
            decoder=whole,
        )

        async def taken(message: KafkaMessage) -> None:
            records = message.raw_message
            assert isinstance(records, tuple)
            if await heard([_read(record) for record in records]):
                with suppress(Exception):  # the group has moved on: they come again, and are known
                    await message.ack()

        self._subscriber(taken)

    @property
    def _consumer(self) -> "AIOKafkaConsumer":
        assert self._subscriber.consumer is not None
        return self._subscriber.consumer

    @property
    def patience(self) -> float:
        """How many seconds a start may take."""
        return line.JOIN_SECONDS

    async def start(self) -> None:
        """Connect and listen; whatever the client raises is raised."""
        await self._broker.start()

    async def waiting(self) -> int:
        """How many messages of our partitions are not committed; raises when no broker answers."""
        if self._topic not in await self._consumer.topics():
            raise LookupError(f"there is no topic {self._topic}")
        # A group that is being dealt out anew gives no offsets for a while, and is not left for that.
        try:
            self._waiting = await asyncio.wait_for(self._counted(), line.ANSWER_SECONDS / 2)
        except (GroupAuthorizationFailedError, TopicAuthorizationFailedError):
            raise
        except (TimeoutError, KafkaError):
            pass
        return self._waiting

    async def _counted(self) -> int:
        ours = self._consumer.assignment()
        if not ours:
            return 0  # other members have all partitions
        ends = await self._consumer.end_offsets(ours)
        begins = await self._consumer.beginning_offsets(ours)
        done = {one: await self._consumer.committed(one) for one in ours}
        return sum(max(0, end - (done[one] or begins[one])) for one, end in ends.items())

    async def stop(self) -> None:
        """Leave the group and close the connection."""
        await line.closed(self._broker.stop())


def _read(record: "ConsumerRecord[bytes, bytes | None]") -> Message:
    return Message(body=record.value or b"", place=f"{record.topic}:{record.partition}:{record.offset}")
