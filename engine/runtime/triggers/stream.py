"""Sources that are messages of a broker: each acknowledged after the commit that holds its event.

One message is on its way at a time, by the setting of the consumer at the broker itself. So messages stay in
their order also when a process dies, and the broker is what holds back the others while there is no room. A
message that comes again is known by the identity of its event.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faststream import AckPolicy
from faststream.nats import ConsumerConfig, JStream, NatsBroker, NatsMessage, PullSub
from faststream.security import SASLPlaintext
from nats.aio.client import Client

from engine.connect import Fault
from engine.connect.broker import Address, BrokerConnector
from engine.connect.connector_plan import StreamPlan
from engine.connect.sorting import sort_out
from engine.effect import Failure, FaultClass
from engine.errors import LedgerError
from engine.ledger import LedgerReader
from engine.plan.plan import Plan
from engine.runtime.intake import Beside
from engine.runtime.triggers.failing import Failing
from engine.runtime.triggers.native import Feed, usable
from engine.runtime.triggers.trigger import Gate, TriggerState, pause, room_behind
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value

if TYPE_CHECKING:
    from faststream.nats.subscriber.usecases import PullStreamSubscriber

STREAM = "stream"
ACK_SECONDS = 30.0  # after which the broker brings what was not acknowledged again
ANSWER_SECONDS = 10.0
LOOK_SECONDS = 5.0  # between two looks whether the broker is still there
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listened(Feed):
    """A source of messages, and the events that they become."""

    @property
    def stream(self) -> StreamPlan:
        """What is listened to."""
        assert self.native.stream is not None
        return self.native.stream

    @property
    def address(self) -> Address:
        """Where its broker is."""
        connector = self.connection.connector
        assert isinstance(connector, BrokerConnector)
        return connector.address


class Listener:
    """Takes the messages of one source."""

    def __init__(
        self,
        listened: Listened,
        plan: Plan,
        gate: Gate,
        reader: LedgerReader,
        now: Callable[[], datetime],
        told: Callable[[str], None],
    ) -> None:
        """`told` hears of messages that cannot be used, and of a broker that is away."""
        self.listened = listened
        self._plan = plan
        self._gate = gate
        self._reader = reader
        self._now = now
        self._told = told
        self._failing = Failing(reader, listened.name, listened.stream.patience)
        self._asked_at: datetime | None = None
        self._said: str | None = None  # by the client, of a connection that it could not make
        self._broken: BaseException | None = None  # why nothing can be taken any more
        self._tries = 0

    @property
    def name(self) -> str:
        """The name by which documents know the source."""
        return self.listened.name

    def state(self) -> TriggerState:
        """How it stands now."""
        mark = self._reader.mark(self.name, STREAM)
        said = None if mark is None else read_json(mark.value)
        return TriggerState(
            name=self.name,
            kind=STREAM,
            position=str(said["position"]) if isinstance(said, Mapping) else None,
            asked_at=self._asked_at,
            error=self._failing.why,
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until it is time to stop; a broker that is away is called again, less and less often."""
        try:
            while not stopping.is_set():
                try:
                    await self._listen(stopping)
                except Fault as fault:
                    await self._failed(fault.failure.reason)
                    wait = min(LONGEST_WAIT, FIRST_WAIT * 2**self._tries)
                    self._tries = min(self._tries + 1, 10)
                    await pause(wait, stopping)
        except LedgerError:
            return  # the worker has the failure, and the process ends with it

    async def _listen(self, stopping: asyncio.Event) -> None:
        """Take messages until it is time to stop, or the broker is away."""
        self._asked_at, self._said = self._now(), None
        broker = self._broker()
        subscriber = self._subscribe(broker, stopping)
        try:
            await self._answered(broker.start())
            while not stopping.is_set():
                assert subscriber.subscription is not None
                await self._answered(subscriber.subscription.consumer_info())
                await self._recovered()
                await self._watched(stopping)
        finally:
            await self._leave(broker)

    async def _watched(self, stopping: asyncio.Event) -> None:
        """Wait for a while; what kept a message from being committed is raised here."""
        await pause(LOOK_SECONDS, stopping)
        if self._broken is not None:
            raise self._broken

    async def _answered(self, asked: Awaitable[object]) -> None:
        """An answer of the broker, or a fault.

        Raises:
            Fault: whatever the client library makes of a broker that is away, or does not know the stream.

        """
        try:
            await asyncio.wait_for(asked, ANSWER_SECONDS)
        except Exception as error:
            why = self._said or str(error) or "it gave no answer"
            reason = f"the broker cannot be listened to: {why}"
            raise Fault(Failure(fault=FaultClass.TRANSIENT, reason=reason)) from error

    async def _leave(self, broker: "_Broker") -> None:
        """Close the connection, also one that is not made yet, or is being made again."""
        with suppress(Exception):
            await asyncio.wait_for(broker.stop(), ANSWER_SECONDS)
        # The library closes only what stands: without this, a client that was given up went on to call.
        with suppress(Exception):
            await asyncio.wait_for(broker.client.close(), ANSWER_SECONDS)

    async def _recovered(self) -> None:
        self._tries = 0
        over = self._failing.recovered()
        if over is not None:
            await self._gate.accept((), self.name, (), over)

    async def _failed(self, why: str) -> None:
        self._told(f"{self.name}: {why}")
        beside = self._failing.failed(why, self._now())
        if beside is not None:
            await self._gate.accept((), self.name, (), beside)

    # The broker

    def _broker(self) -> "_Broker":
        address = self.listened.address

        async def said(error: Exception) -> None:
            self._said = str(error) or type(error).__name__

        return _Broker(
            address.server,
            security=_security(address),
            token=None if address.token is None else address.token.reveal(),
            max_reconnect_attempts=-1,
            error_cb=said,
            apply_types=False,
            logger=logging.getLogger(__name__),
            log_level=logging.DEBUG,
        )

    def _subscribe(self, broker: "_Broker", stopping: asyncio.Event) -> "PullStreamSubscriber":
        stream = self.listened.stream
        subscriber = broker.subscriber(
            stream.subject,
            stream=JStream(stream.stream, declare=False),
            durable=stream.consumer,
            config=ConsumerConfig(max_ack_pending=1, ack_wait=ACK_SECONDS),
            pull_sub=PullSub(batch_size=1),
            decoder=_whole,
            ack_policy=AckPolicy.MANUAL,
        )

        async def heard(message: NatsMessage) -> None:
            await self._heard(message, stopping)

        subscriber(heard)
        return subscriber

    async def _heard(self, message: NatsMessage, stopping: asyncio.Event) -> None:
        """Take a message, and acknowledge it when it is safe. What cannot be committed ends the listening."""
        if self._broken is not None or not await room_behind(self._gate, stopping):
            return  # not acknowledged, so it comes again
        place = message.raw_message.metadata
        try:
            await self.take(message.body, f"{place.stream}:{place.sequence.stream}")
        except Exception as error:  # noqa: BLE001 - told to whoever listens, who cannot be reached by raising
            self._broken = error
            return
        await message.ack()

    # One message

    async def take(self, body: bytes, position: str) -> list[str]:
        """Commit what a message brought, with its place in the stream; what became of each event."""
        records, unfit = self._records(body, position)
        good, wrong = sort_out(self.listened.native, records)
        offers, useless = usable(self._plan, self.listened.events, good, self._now())
        unfit = [*unfit, *wrong, *useless]
        for _, why in unfit:
            self._told(f"{self.name} has a message that cannot be used, {position}: {why}")
        beside = Beside(marks=[(STREAM, {"position": position})])
        return await self._gate.accept(offers, self.name, unfit, beside)

    def _records(self, body: bytes, position: str) -> tuple[list[Value], list[tuple[Value, str]]]:
        """The record of a message, or why it has none."""
        try:
            record = read_json(body)
        except JsonError as error:
            return [], [({"position": position, "text": body.decode(errors="replace")}, str(error))]
        field = self.listened.stream.position
        if field is not None and isinstance(record, Mapping):
            record = {**record, field: position}
        return [record], []


class _Broker(NatsBroker):
    """A broker whose client is known from the beginning, so that it can be closed wherever it stands."""

    def __init__(self, server: str, **options: Any) -> None:  # noqa: ANN401
        super().__init__(server, **options)
        self.client = Client()

    async def _connect(self) -> Client:
        await self.client.connect(**self._connection_kwargs)
        self.config.connect(self.client)
        return self.client


def _security(address: Address) -> SASLPlaintext | None:
    """Who signs in with a name; whether the line is encrypted is said by the address of the server."""
    if address.username is None or address.password is None:
        return None
    return SASLPlaintext(username=address.username, password=address.password.reveal())


async def _whole(message: NatsMessage) -> NatsMessage:
    """The message as it is: what is in it is read here, and not by the library."""
    return message
