"""Messages of NATS JetStream: one on its way at a time, by the setting of the consumer at the broker."""

import logging
from typing import TYPE_CHECKING, Any

from faststream import AckPolicy
from faststream.nats import ConsumerConfig, JStream, NatsBroker, NatsMessage, PullSub
from nats.aio.client import Client

from engine.connect.broker import Address
from engine.connect.connector_plan import StreamPlan
from engine.runtime.triggers.brokers import line
from engine.runtime.triggers.brokers.library import security, whole
from engine.runtime.triggers.brokers.line import Heard, Message, silenced

if TYPE_CHECKING:
    from faststream.nats.subscriber.usecases import PullStreamSubscriber


class NatsLine:
    """Listens to one subject of a stream, under a durable name."""

    def __init__(self, address: Address, stream: StreamPlan, heard: Heard) -> None:
        """Nothing is connected yet."""
        self.said: str | None = None
        self._broker = self._made(address)
        self._subscriber = self._subscribed(stream, heard)

    def _made(self, address: Address) -> "_Broker":
        async def said(error: Exception) -> None:
            self.said = str(error) or type(error).__name__

        return _Broker(
            address.server,
            security=security(address),
            token=None if address.token is None else address.token.reveal(),
            max_reconnect_attempts=-1,
            error_cb=said,
            apply_types=False,
            logger=silenced(__name__, "nats"),
            log_level=logging.DEBUG,
        )

    def _subscribed(self, stream: StreamPlan, heard: Heard) -> "PullStreamSubscriber":
        assert stream.stream is not None
        assert stream.subject is not None
        subscriber = self._broker.subscriber(
            stream.subject,
            stream=JStream(stream.stream, declare=False),
            durable=stream.consumer,
            config=ConsumerConfig(max_ack_pending=1, ack_wait=line.ACK_SECONDS),
            pull_sub=PullSub(batch_size=1),
            decoder=whole,
            ack_policy=AckPolicy.MANUAL,
        )

        async def taken(message: NatsMessage) -> None:
            place = message.raw_message.metadata
            one = Message(body=message.body, place=f"{place.stream}:{place.sequence.stream}")
            if await heard([one]):
                await message.ack()

        subscriber(taken)
        return subscriber

    @property
    def patience(self) -> float:
        """How many seconds a start may take."""
        return line.ANSWER_SECONDS

    async def start(self) -> None:
        """Connect and listen; whatever the client raises is raised."""
        await self._broker.start()

    async def waiting(self) -> int:
        """How many messages are not acknowledged yet; raises when the broker is away."""
        assert self._subscriber.subscription is not None
        found = await self._subscriber.subscription.consumer_info()
        return (found.num_pending or 0) + (found.num_ack_pending or 0)

    async def stop(self) -> None:
        """Close the connection, also one that is not made yet, or is being made again."""
        await line.closed(self._broker.stop())
        # The library closes only what stands: without this, a client that was given up went on to call.
        await line.closed(self._broker.client.close())


class _Broker(NatsBroker):
    """A broker whose client is known from the beginning, so that it can be closed wherever it stands."""

    def __init__(self, server: str, **options: Any) -> None:  # noqa: ANN401
        super().__init__(server.split(","), **options)
        self.client = Client()

    async def _connect(self) -> Client:
        await self.client.connect(**self._connection_kwargs)
        self.config.connect(self.client)
        return self.client
