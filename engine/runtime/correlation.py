"""Which runs an event may concern, of all that are held or wait: an index says, and not each of them.

A release may wait for other fields of an event than the one before it, so every release that has open runs
counts. What the index finds is asked with its whole condition.
"""

from collections.abc import Callable, Iterable

from engine.core.correlate import fields_of, told
from engine.event import Event
from engine.ledger import LedgerReader
from engine.plan.delay import Chain, Match
from engine.plan.plan import Plan
from engine.plan.step import CheckStep, WaitStep


class Correlation:
    """What is waited for, by the type of event."""

    def __init__(self, reader: LedgerReader, plans: Callable[[str], Plan], plan: Plan) -> None:
        """Find runs of this ledger; new ones begin on `plan`."""
        self._reader = reader
        self._plans = plans
        self._known = {plan.release}
        self._held: dict[str, list[tuple[Chain, ...]]] = {}  # ways to tell an event, by its type
        self._waiting: dict[str, list[tuple[Chain, ...]]] = {}
        self._include(plan)
        self.look_again()

    def look_again(self) -> None:
        """Count what every release waits for of which runs are open by now."""
        for release in self._reader.open_releases():
            if release not in self._known:
                self._known.add(release)
                self._include(self._plans(release))

    @property
    def types(self) -> frozenset[str]:
        """The types of events for which anything may be held or wait."""
        return frozenset((*self._held, *self._waiting))

    def include(self, plan: Plan) -> None:
        """Count what a release waits for of which runs are about to begin."""
        if plan.release not in self._known:
            self._known.add(plan.release)
            self._include(plan)

    def _include(self, plan: Plan) -> None:
        for step in (step for flow in plan.flows.values() for step in flow.steps):
            if isinstance(step, WaitStep):
                _add(self._waiting, step.event, step.match)
            elif isinstance(step, CheckStep):
                for policy in step.policies:
                    if policy.hold is not None and policy.hold.until is not None:
                        _add(self._held, policy.hold.until.event, policy.hold.until.match)

    def concerns(self, event_type: str) -> bool:
        """Whether anything may be held or wait for events of a type."""
        return event_type in self._held or event_type in self._waiting

    def runs(self, event: Event) -> set[str]:
        """The runs in the ledger that an event may concern."""
        found: set[str] = set()
        if event.type in self._held:
            found.update(self._reader.runs_held_for(event.type, _texts(self._held[event.type], event)))
        if event.type in self._waiting:
            texts = _texts(self._waiting[event.type], event)
            found.update(self._reader.runs_waiting_for(event.type, texts))
        return found


def _add(known: dict[str, list[tuple[Chain, ...]]], event: str, match: Match) -> None:
    ways, fields = known.setdefault(event, []), fields_of(match)
    if fields and fields not in ways:
        ways.append(fields)


def _texts(ways: Iterable[tuple[Chain, ...]], event: Event) -> list[str]:
    return [text for fields in ways if (text := told(fields, event)) is not None]
