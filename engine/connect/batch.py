"""Writes that go together: gathered for a short time or until a call is full, and each with its own outcome.

What lives here: the gathering, and which result of an answer is whose. What a result means, and the request
itself, is the business of :mod:`engine.connect.http_connector`. Nothing here outlives the process: what was
gathered and not sent is `sending` in the ledger, and is settled like every write that was broken off.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.connect.connector import Outcome
from engine.connect.connector_plan import BatchPlan, OperationPlan
from engine.connect.once import once_key
from engine.connect.template import fill_value
from engine.effect import Effect
from engine.values.value import Value

Send: TypeAlias = Callable[[OperationPlan, Sequence[Effect]], Awaitable[Sequence[Outcome]]]
"""Sends several writes of one operation: one outcome for each, in the same order."""


def name_of(plan: OperationPlan, effect: Effect) -> str:
    """What tells a write from the others of a call: the key of its record, else the key of the effect."""
    field_name = plan.once.key_field
    found = None if field_name is None else effect.payload.get(field_name)
    return once_key(plan.once, effect.key) if found is None else str(found)


def written(plan: OperationPlan, batch: BatchPlan, effect: Effect) -> Value:
    """A write as it stands in the list of a call.

    Raises:
        Absent: when it is one placeholder that finds nothing.
        TemplateError: when a text cannot be filled.

    """
    if batch.item is None:
        return dict(effect.payload)
    scope = {**effect.payload, "payload": effect.payload, "effect": {"key": once_key(plan.once, effect.key)}}
    return fill_value(batch.item, scope)


def by_name(results: Sequence[Value], named: Callable[[Value], Value]) -> Mapping[str, Value]:
    """Results by what they name. A name that comes twice is nobody's: which is true is not known."""
    found: dict[str, Value] = {}
    doubtful: set[str] = set()
    for result in results:
        name = named(result)
        if name is None:
            continue
        doubtful |= {str(name)} & found.keys()
        found[str(name)] = result
    return {name: result for name, result in found.items() if name not in doubtful}


@dataclass(slots=True)
class _Call:
    """One call that is being filled."""

    plan: OperationPlan
    timer: asyncio.TimerHandle
    effects: list[Effect] = field(default_factory=list)
    waiting: "list[asyncio.Future[Outcome]]" = field(default_factory=list)
    names: set[str] = field(default_factory=set)


class Gathering:
    """The calls of one connection that are being filled, one for each operation."""

    def __init__(self, send: Send) -> None:
        """Begin with none; `send` is given a call when it is full, or has waited long enough."""
        self._send = send
        self._calls: dict[str, _Call] = {}
        self._going: set[asyncio.Task[None]] = set()

    async def write(self, plan: OperationPlan, batch: BatchPlan, effect: Effect) -> Outcome:
        """Go with the others; the outcome of this one. No record stands in a call twice."""
        name = name_of(plan, effect)
        call = self._calls.get(plan.name)
        if call is not None and name in call.names:
            self._close(plan.name)
            call = None
        loop = asyncio.get_running_loop()
        if call is None:
            timer = loop.call_later(batch.seconds, self._close, plan.name)
            call = self._calls[plan.name] = _Call(plan, timer)
        outcome: asyncio.Future[Outcome] = loop.create_future()
        call.effects.append(effect)
        call.waiting.append(outcome)
        call.names.add(name)
        if len(call.effects) >= batch.most:
            self._close(plan.name)
        return await outcome

    async def aclose(self) -> None:
        """Send nothing more; who waits is told that it was broken off."""
        calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            call.timer.cancel()
            _cancel(call.waiting)
        for task in self._going:
            task.cancel()
        await asyncio.gather(*self._going, return_exceptions=True)

    def _close(self, operation: str) -> None:
        """A call is full, or has waited long enough."""
        call = self._calls.pop(operation)
        call.timer.cancel()
        task = asyncio.ensure_future(self._go(call))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def _go(self, call: _Call) -> None:
        """Send a call, without those that nobody waits for any more, and tell each its outcome."""
        both = [pair for pair in zip(call.effects, call.waiting, strict=True) if not pair[1].done()]
        waiting = [outcome for _, outcome in both]
        try:
            outcomes = await self._send(call.plan, [effect for effect, _ in both]) if both else ()
        except asyncio.CancelledError:
            _cancel(waiting)
            raise
        except Exception as error:  # noqa: BLE001  a mistake of ours, which is for those who wait
            for outcome in waiting:
                if not outcome.done():
                    outcome.set_exception(error)
        else:
            for outcome, came in zip(waiting, outcomes, strict=True):
                if not outcome.done():
                    outcome.set_result(came)


def _cancel(waiting: "Sequence[asyncio.Future[Outcome]]") -> None:
    for outcome in waiting:
        outcome.cancel()
