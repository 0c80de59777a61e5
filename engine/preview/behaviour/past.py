"""The events that steps may look back at: of the types that are waited for so, as long as they are."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

from engine.event import Event
from engine.plan.plan import Plan
from engine.plan.step import WaitStep


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
    for step in _waits(plans):
        if step.look_back_seconds is not None:
            span = timedelta(seconds=step.look_back_seconds)
            spans[step.event] = max(span, spans.get(step.event, span))
    return spans


def _waits(plans: Iterable[Plan]) -> Iterator[WaitStep]:
    for plan in plans:
        for flow in plan.flows.values():
            yield from (step for step in flow.steps if isinstance(step, WaitStep))
