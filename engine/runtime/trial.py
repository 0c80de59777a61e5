"""A canary: a release on trial, by which a part of what comes in is worked, and the rule that ends it.

Who is on trial is decided when the run begins, by what does not change: the order key, the data of the event,
the flow. The run keeps to its release, also after the trial is over.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from engine.core.accept import Offer
from engine.event import Event
from engine.ledger.instants import instant
from engine.ledger.rows import OPEN_RUNS, EventRow
from engine.plan.plan import FlowPlan, Plan
from engine.runtime.accept import offered_again
from engine.values.value import Value

WHOLE = 10_000  # a share is counted in hundredths of a percent
STOPPED_BY = ("failed", "held", "rejected", "unknown")
"""Where a run may rest so that it counts against a release on trial; `failed` is what is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of what comes in is on trial: all that is said has to be so."""

    share: int = WHOLE  # of the order keys, in hundredths of a percent
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # of the event's data
    flows: frozenset[str] = frozenset()  # none: every flow

    def has(self, salt: str, flow: str, event: Event) -> bool:
        """Whether the run of a flow for an event is on trial."""
        if self.flows and flow not in self.flows:
            return False
        if any(_said(event, name) != value for name, value in self.fields.items()):
            return False
        return self.share >= WHOLE or place(salt, event.order_key or event.id) < self.share


def place(salt: str, key: str) -> int:
    """Where a key stands among all keys, from 0 up to `WHOLE`: the same for ever, and for every machine."""
    return int.from_bytes(sha256(f"{salt}/{key}".encode()).digest()[:8]) % WHOLE


def _said(event: Event, name: str) -> str | None:
    value: Value = event.data
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return str(value).lower()  # as it is written in JSON, and on the command line
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a trial ends by itself: so many of a hundred of its runs rest in a status, after so many runs."""

    limits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # percent, by status
    after: int = 1

    def broken(self, rested: Mapping[str, int]) -> str | None:
        """Why the trial has to end, in a sentence; None while it may go on."""
        number = sum(rested.values())
        if number < self.after:
            return None
        for status, most in self.limits.items():
            found = rested.get(status, 0)
            if found * 100 > most * number:
                return f"{found:,} of {number:,} runs are {status}, which is more than {most}%"
        return None


class Begun(NamedTuple):
    """The runs of an event that are on trial: the event as the release on trial reads it, and its flows."""

    found: Offer
    flows: tuple[FlowPlan, ...]


class Trial:
    """A trial as a process works it."""

    def __init__(self, name: str, plan: Plan, part: Part, rule: Rule, known: Mapping[str, str]) -> None:
        """`name` is the hash of its plan; `known` has the statuses of the runs that are on trial so far."""
        self.name = name
        self.latest: str | None = None  # the run that has come to rest last, by which an end is told apart
        self.plan = plan
        self._part = part
        self._rule = rule
        self._rested = Counter(status for status in known.values() if status != "running")
        # Those that are over are only counted, as there may be very many of them.
        self.runs = {run_id: status for run_id, status in known.items() if status in OPEN_RUNS}

    def takes(self, flow: str, event: Event) -> bool:
        """Whether the run of a flow for an event is on trial."""
        return self._part.has(self.name, flow, event)

    def begun(self, found: Offer) -> Begun:
        """What of an event is worked by the release on trial."""
        event = found.event
        if event.type not in self.plan.events:
            return Begun(found, ())
        flows = tuple(flow for flow in self.plan.starts.get(event.type, ()) if self.takes(flow.name, event))
        return Begun(offered_again(self.plan, _row(found)) if flows else found, flows)

    def note(self, run_id: str, status: str) -> None:
        """A run on trial begins, rests or goes on."""
        before = self.runs.get(run_id, "running")
        self.runs[run_id] = status
        if status not in OPEN_RUNS:
            del self.runs[run_id]
        if before != "running":
            self._rested[before] -= 1
        if status != "running":
            self._rested[status] += 1
            self.latest = run_id

    @property
    def rested(self) -> dict[str, int]:
        """How many of its runs rest, or are over, by status."""
        return {status: number for status, number in sorted(self._rested.items()) if number}

    def broken(self) -> str | None:
        """Why it has to end, in a sentence; None while it may go on."""
        return self._rule.broken(self.rested)


def _row(found: Offer) -> EventRow:
    """An event as the ledger keeps it, to be read by another release."""
    event = found.event
    at, accepted_at = instant(event.at), instant(event.accepted_at)
    keys = event.id, event.type, event.order_key, at, accepted_at, found.source, event.cause, event.depth
    return EventRow(*keys, found.plan.version, found.body_hash, event.text, 0, 0)
