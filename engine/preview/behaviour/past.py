"""What steps may ask of the past: events that they look back at, and entities that they read."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import NamedTuple

from engine.event import Event
from engine.plan.plan import Plan
from engine.plan.step import ENTITY, ReadStep, Step, WaitStep

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Moment:
    """When that happens which is played now; both sides, and what they share, have the same one."""

    now: datetime = _BEFORE_ALL
    numbers: "count[int]" = field(default_factory=count)  # which of what is due at one instant comes first


class Seen(NamedTuple):
    """An event, and when it came among all others."""

    number: int
    event: Event


class Past:
    """The events that one side, or what both share, has seen."""

    def __init__(self, spans: Mapping[str, timedelta], numbers: "count[int]") -> None:
        """Of these types, for so long each; whoever shares ``numbers`` tells what came before what."""
        self._spans = spans
        self._numbers = numbers
        self._seen: dict[str, deque[Seen]] = {name: deque() for name in spans}

    def add(self, event: Event) -> None:
        """Keep an event, and let go of what is too long ago."""
        seen = self._seen.get(event.type)
        if seen is None:
            return
        seen.append(Seen(next(self._numbers), event))
        since = event.accepted_at - self._spans[event.type]
        while seen[0].event.accepted_at < since:
            seen.popleft()

    def since(self, event_type: str, since: datetime) -> list[Seen]:
        """The events of a type that came then or later."""
        return [one for one in self._seen.get(event_type, ()) if one.event.accepted_at >= since]


def spans_of(plans: Iterable[Plan]) -> dict[str, timedelta]:
    """How far any step looks back, by the type of the event."""
    spans: dict[str, timedelta] = {}
    for step in _steps(plans):
        if isinstance(step, WaitStep) and step.look_back_seconds is not None:
            span = timedelta(seconds=step.look_back_seconds)
            spans[step.event] = max(span, spans.get(step.event, span))
    return spans


def entities_read(plans: Iterable[Plan]) -> frozenset[str]:
    """The entities that any step asks the ledger for; no other need be remembered."""
    reads = (step for step in _steps(plans) if isinstance(step, ReadStep))
    return frozenset(step.operation for step in reads if step.connection == ENTITY)


def _steps(plans: Iterable[Plan]) -> Iterator[Step]:
    for plan in plans:
        for flow in plan.flows.values():
            yield from flow.steps
