"""Sources that are messages of a broker: each acknowledged after the commit that holds its event.

What comes is taken in its order, and nothing is acknowledged behind something that was not committed: from
the first message that could not be, all are left to come again. So messages stay in their order also when a
process dies, and the broker is what holds back the others while there is no room. A message that comes again
is known by the identity of its event. How each broker is spoken to is in `brokers`.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from engine.connect import Fault
from engine.connect.broker import Address, BrokerConnector
from engine.connect.connector_plan import StreamPlan
from engine.connect.sorting import sort_out
from engine.effect import Failure, FaultClass
from engine.errors import LedgerError
from engine.ledger import LedgerReader
from engine.plan.plan import Plan
from engine.runtime.intake import Beside
from engine.runtime.triggers.brokers import line as lines
from engine.runtime.triggers.brokers.line import Heard, Line, Message
from engine.runtime.triggers.failing import Failing
from engine.runtime.triggers.native import Feed, usable
from engine.runtime.triggers.trigger import Gate, TriggerState, pause, room_behind
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value

STREAM = "stream"
LOOK_SECONDS = 5.0  # between two looks whether the broker is still there
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
Answer = TypeVar("Answer")


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
        """`told` hears of messages that cannot be used, and of a broker that is away.

        Raises:
            ModuleNotFoundError: when the extra for brokers is not installed.

        """
        self._line_of = _line_of(listened.stream)
        self.listened = listened
        self._plan = plan
        self._gate = gate
        self._reader = reader
        self._now = now
        self._told = told
        self._failing = Failing(reader, listened.name, listened.stream.patience)
        self._asked_at: datetime | None = None
        self._behind: int | None = None  # how many messages wait at the broker
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
            behind=self._behind,
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
        self._asked_at = self._now()

        async def heard(messages: Sequence[Message]) -> bool:
            return await self._heard(messages, stopping)

        line = self._line_of(self.listened.address, self.listened.stream, heard)
        try:
            await self._answered(line, line.start(), line.patience)
            while not stopping.is_set():
                self._behind = await self._answered(line, line.waiting())
                await self._recovered()
                await self._watched(stopping)
        finally:
            self._behind = None
            await line.stop()

    async def _watched(self, stopping: asyncio.Event) -> None:
        """Wait for a while; what kept a message from being committed is raised here."""
        await pause(LOOK_SECONDS, stopping)
        if self._broken is not None:
            raise self._broken

    async def _answered(self, line: Line, asked: Awaitable[Answer], seconds: float | None = None) -> Answer:
        """An answer of the broker, or a fault.

        Raises:
            Fault: whatever the client library makes of a broker that is away, or does not know the stream.

        """
        try:
            return await asyncio.wait_for(asked, seconds or lines.ANSWER_SECONDS)
        except Exception as error:
            why = line.said or str(error) or "it gave no answer"
            reason = f"the broker cannot be listened to: {why}"
            raise Fault(Failure(fault=FaultClass.TRANSIENT, reason=reason)) from error

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

    # Messages

    async def _heard(self, messages: Sequence[Message], stopping: asyncio.Event) -> bool:
        """Take messages; True when they are safe. What cannot be committed ends the listening."""
        # Whatever comes behind messages that were left is left as well: an offset would step over them.
        if self._broken is not None or not await room_behind(self._gate, stopping):
            return False
        try:
            await self.take(messages)
        except Exception as error:  # noqa: BLE001 - told to whoever listens, who cannot be reached by raising
            self._broken = error
            return False
        return True

    async def take(self, messages: Sequence[Message]) -> list[str]:
        """Commit what messages brought, with the place of the last; what became of each event."""
        records: list[Value] = []
        unfit: list[tuple[Value, str]] = []
        for message in messages:
            record = self._record(message)
            if isinstance(record, _Unfit):
                unfit.append((record.kept, record.why))
            else:
                records.append(record.value)
        good, wrong = sort_out(self.listened.native, records)
        offers, useless = usable(self._plan, self.listened.events, good, self._now())
        unfit = [*unfit, *wrong, *useless]
        last = messages[-1].place
        for _, why in unfit:
            self._told(f"{self.name} has a message that cannot be used, up to {last}: {why}")
        beside = Beside(marks=[(STREAM, {"position": last})])
        return await self._gate.accept(offers, self.name, unfit, beside)

    def _record(self, message: Message) -> "_Record | _Unfit":
        """The record of a message, or why it has none."""
        try:
            record = read_json(message.body)
        except JsonError as error:
            return _Unfit(kept={"position": message.place, **_bytes(message.body)}, why=str(error))
        field = self.listened.stream.position
        if field is None or not isinstance(record, Mapping):
            return _Record(value=record)
        if not message.named:
            why = f"`position` is to name it, and the message has no name of its own ({message.place})"
            return _Unfit(kept=record, why=why)
        return _Record(value={**record, field: message.place})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What a message says."""

    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unfit:
    """What is kept of a message that says nothing, and why it does not."""

    kept: Value
    why: str


def _bytes(body: bytes) -> dict[str, Value]:
    """A body as it came: as text where it is one, and else so that every byte is there."""
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _line_of(stream: StreamPlan) -> "Callable[[Address, StreamPlan, Heard], Line]":
    """What makes lines to the broker of a source. Each is loaded only where it is used: they are large.

    Raises:
        ModuleNotFoundError: when the extra for brokers is not installed.

    """
    if stream.queue is not None:
        from engine.runtime.triggers.brokers.rabbitmq import RabbitLine

        return RabbitLine
    if stream.topic is not None:
        from engine.runtime.triggers.brokers.kafka import KafkaLine

        return KafkaLine
    from engine.runtime.triggers.brokers.nats import NatsLine

    return NatsLine
