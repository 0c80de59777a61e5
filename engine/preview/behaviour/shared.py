"""Both sides of a comparison, and the part of them that is the same and decided once.

What lives here: which side takes which event. What does not: how a run is played
(:mod:`engine.preview.behaviour.play`), and what outcomes differ in (:mod:`engine.preview.behaviour.outcome`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import count
from types import MappingProxyType
from typing import ClassVar, NamedTuple, Self

from engine.core.accept import NotAnEventError, Offer, offer
from engine.plan.plan import EventPlan, FlowPlan, Plan
from engine.preview.behaviour.past import Moment, Past, entities_read, spans_of
from engine.preview.behaviour.play import MOST_TURNS, Emitted, Player, Run, Side
from engine.preview.behaviour.sample import Recorded, Sample
from engine.preview.behaviour.twin import Twin
from engine.values.json_text import read_json, write_json

NO_TWINS: Mapping[str, Twin] = MappingProxyType({})


class _Starts(NamedTuple):
    """The flows that an event starts."""

    both: list[FlowPlan]  # that are the same, once for both
    old: list[FlowPlan]  # on the old side alone
    new: list[FlowPlan]  # on the new side alone
    twins: list[Twin]  # once for both as long as they decide the same


class Shared:
    """Both sides, and what is the same for both and decided once."""

    player: ClassVar[type[Player]] = Player  # what plays events

    def __init__(
        self,
        old: Side,
        new: Side,
        *,
        flows: frozenset[str],
        events: frozenset[str],
        twins: Mapping[str, Twin] = NO_TWINS,
    ) -> None:
        """``flows`` and ``events`` are those that say the same on both sides, with all that they use.

        Of ``twins`` only policies and mappings that they use are changed.
        """
        self.sides = old, new
        self._flows, self._events, self._twins = flows, events, twins
        self.both = self.player(old)
        self.old, self.new = self.player(old, common=self.both), self.player(new, common=self.both)
        self.both.apart = (self.old, self.new)
        self._players = self.both, self.old, self.new
        plans, numbers = (old.plan, new.plan), count()
        spans, reads = spans_of(plans), entities_read(plans)
        moment = Moment()
        for player in self._players:
            player.past, player.reads, player.moment = Past(spans, numbers), reads, moment
        self._started: dict[str, _Starts] = {}
        awaited = [plan.rechecked_by | plan.waited_for for plan in plans]
        self._awaited = awaited[0] | awaited[1]
        self.events = 0
        self.refused: list[str] = []
        self._until: datetime | None = None  # how far time has passed when all is played

    @classmethod
    def of_one(cls, side: Side) -> Self:
        """One release, against itself: everything is decided once."""
        return cls(side, side, flows=frozenset(side.plan.flows), events=frozenset(side.plan.events))

    def play(self, samples: Iterable[Sample]) -> Iterator[tuple[Run | None, Run | None]]:
        """Play all events; each run once as it was on both sides, None where it is on one only."""
        for sample in samples:
            yield from self.take(sample)
        yield from self.rest()
        for run in self.both.runs.values():
            yield run, run
        left = self.old.runs, self.new.runs
        for run_id in dict.fromkeys([*left[0], *left[1]]):
            yield left[0].get(run_id), left[1].get(run_id)

    def rest(self) -> Iterator[tuple[Run | None, Run | None]]:
        """Behind the last event, what persons and time did; what nothing moves any more after it."""
        touched: dict[str, None] = {}
        if self._until is not None:
            self._pass_time(self._until, touched)
        yield from self._ended(touched)

    def take(self, sample: Sample) -> Iterator[tuple[Run | None, Run | None]]:
        """Play one event; what nothing moves any more after it, as :meth:`play` gives it."""
        self.events += 1
        now, until = sample.accepted_at, sample.recorded.until
        if until is not None and (self._until is None or self._until < until):
            self._until = until
        touched: dict[str, None] = {}
        self._pass_time(now, touched)
        try:
            old, new = self._offers(sample)
        except NotAnEventError as error:
            self.refused.append(str(error))
        else:
            self._accept_sample(old, new, sample.recorded, touched)
        yield from self._ended(touched)

    def _pass_time(self, now: datetime, touched: dict[str, None]) -> None:
        """What is due until then happens, in its order, each with all that it leads to before what is later.

        What is due at one instant happens on both sides before that, so that they emit one event.
        """
        while (player := self._first_due()) is not None and player.next_due[0] <= now:
            at, _ = player.next_due
            while player is not None and player.next_due[0] <= at:
                _touch(touched, player.pass_next())
                player = self._first_due()
            self._settle(touched)

    def _first_due(self) -> Player | None:
        """The player in which time moves something next."""
        timed = [player for player in self._players if player.is_timed]
        return min(timed, key=_next_due) if timed else None

    def _accept_sample(
        self, old: Offer | None, new: Offer | None, recorded: Recorded, touched: dict[str, None]
    ) -> None:
        if old is not None and new is not None and _is_same(old, new):
            self._accept_both(old, new, recorded, touched)
        else:
            self._accept_apart(self.old, self.sides[0], old, recorded, touched)
            self._accept_apart(self.new, self.sides[1], new, recorded, touched)
        self._settle(touched)

    def _offers(self, sample: Sample) -> tuple[Offer | None, Offer | None]:
        """The event as each side takes it; one that a side does not know is None there."""
        if sample.type in self._events:
            once = _offered(self.sides[0].plan, sample)
            return once, once
        before, after = (side.plan for side in self.sides)
        known = _taken(before, sample), _taken_after(after, sample, before.events.get(sample.type))
        if known == (None, None):
            raise NotAnEventError(f"no event is called {sample.type!r}")
        return known

    def _accept_both(self, old: Offer, new: Offer, recorded: Recorded, touched: dict[str, None]) -> None:
        """An event that both sides take alike: flows that are the same are decided once."""
        if not self.both.keep(old):
            return
        event = old.event
        both, before, after, twins = self._starts(event.type)
        # Its order key may stand on one side alone.
        if (self.old.stopped or self.new.stopped) and self.old.stops(event) != self.new.stops(event):
            both, before, after, twins = self._apart(both, before, after, twins)
        for twin in twins:
            for run in self._twin(twin, old, new, recorded):
                _touch(touched, run)
        for flow in before:
            _touch(touched, self.old.start(flow, old, recorded))
        for flow in after:
            _touch(touched, self.new.start(flow, new, recorded))
        for flow in both:
            _touch(touched, self.both.start(flow, old, recorded))
        for player in self._players if event.type in self._awaited else ():
            for run in player.wake(event):
                touched[run.id] = None

    def _twin(self, twin: Twin, old: Offer, new: Offer, recorded: Recorded) -> Iterable[Run | None]:
        """Begin a flow of which policies and mappings are changed, once where that pays."""
        if twin.pays:
            return self.both.start_twin(twin, old, recorded)
        return self.old.start(twin.sides[0], old, recorded), self.new.start(twin.sides[1], new, recorded)

    def _apart(
        self, both: list[FlowPlan], before: list[FlowPlan], after: list[FlowPlan], twins: list[Twin]
    ) -> _Starts:
        """The same flows, each on its own side."""
        plan = self.sides[1].plan
        old = [*before, *both, *(twin.sides[0] for twin in twins)]
        new = [*after, *(plan.flows[flow.name] for flow in both), *(twin.sides[1] for twin in twins)]
        return _Starts([], old, new, [])

    def _starts(self, event: str) -> _Starts:
        """The flows that an event starts."""
        found = self._started.get(event)
        if found is None:
            old, new = (side.plan.starts.get(event, ()) for side in self.sides)
            shared = self._flows | self._twins.keys()
            found = self._started[event] = _Starts(
                [flow for flow in old if flow.name in self._flows],
                [flow for flow in old if flow.name not in shared],
                [flow for flow in new if flow.name not in shared],
                [self._twins[flow.name] for flow in old if flow.name in self._twins],
            )
        return found

    def _accept_apart(
        self, player: Player, side: Side, made: Offer | None, recorded: Recorded, touched: dict[str, None]
    ) -> None:
        """An event of one side alone."""
        if made is None or not player.keep(made):
            return
        for run in self.both.would_wake(made.event):
            self.both.part(run)
            touched[run.id] = None
        for flow in side.plan.starts.get(made.event.type, ()):
            _touch(touched, player.start(flow, made, recorded))
        touched.update(dict.fromkeys(run.id for run in player.wake(made.event)))

    def _settle(self, touched: dict[str, None]) -> None:
        """Take in what was emitted, until nothing more is; what both sides emit alike is one event.

        What is recorded of it stands with the event from outside that the emitting run came from, whatever
        woke that run since.
        """
        for _ in range(MOST_TURNS):
            if not (self.both.emits or self.old.emits or self.new.emits):
                return
            before, after = (side.plan for side in self.sides)
            for one in self.both.emitted():
                made = _taken_in(before, one)
                self._alike(made, self._again(made), one.run.recorded, touched)
            old = [(_taken_in(before, one), one.run.recorded) for one in self.old.emitted()]
            new = [(_taken_in(after, one), one.run.recorded) for one in self.new.emitted()]
            others = {made.event.id: (made, recorded) for made, recorded in new}
            for made, recorded in old:
                other, _ = others.pop(made.event.id, (None, recorded))
                self._alike(made, other, recorded, touched)
            for other, recorded in others.values():
                self._accept_apart(self.new, self.sides[1], other, recorded, touched)

    def _alike(self, old: Offer, new: Offer | None, recorded: Recorded, touched: dict[str, None]) -> None:
        if new is not None and _is_same(old, new):
            self._accept_both(old, new, recorded, touched)
            return
        self._accept_apart(self.old, self.sides[0], old, recorded, touched)
        self._accept_apart(self.new, self.sides[1], new, recorded, touched)

    def _again(self, made: Offer) -> Offer | None:
        """An event that both sides emitted, as the new side takes it."""
        event = made.event
        if event.type in self._events:
            return made
        plan = self.sides[1].plan
        if event.type not in plan.events:
            return None
        data = read_json(event.text)
        return offer(
            plan, event.type, data, event.text, event.accepted_at, cause=event.cause, depth=event.depth
        )

    def _ended(self, touched: Iterable[str]) -> Iterator[tuple[Run | None, Run | None]]:
        """The runs that nothing moves any more on either side; they are given away."""
        for run_id in touched:
            once = self.both.runs.get(run_id)
            if once is not None:
                if not once.is_open:
                    del self.both.runs[run_id]
                    yield once, once
                continue
            old, new = self.old.runs.get(run_id), self.new.runs.get(run_id)
            if (old is None or not old.is_open) and (new is None or not new.is_open):
                self.old.runs.pop(run_id, None)
                self.new.runs.pop(run_id, None)
                if old is not None or new is not None:
                    yield old, new


def _taken_in(plan: Plan, emitted: Emitted) -> Offer:
    """What was emitted, as an event that a plan takes."""
    run, command, at = emitted
    text = write_json(command.data)
    depth = run.event.depth + 1
    return offer(plan, command.event, read_json(text), text, at, cause=command.effect_key, depth=depth)


def _next_due(player: Player) -> tuple[datetime, int]:
    return player.next_due


def _touch(touched: dict[str, None], run: Run | None) -> None:
    if run is not None:
        touched[run.id] = None


def _offered(plan: Plan, sample: Sample) -> Offer:
    return offer(plan, sample.type, sample.data, sample.text, sample.accepted_at)


def _taken(plan: Plan, sample: Sample) -> Offer | None:
    """The event as a plan takes it; None when it does not know it, or not in that version."""
    if sample.type in plan.events:
        return _offered(plan, sample)
    if "@" not in sample.type:
        return None
    try:
        return _offered(plan, sample)
    except NotAnEventError:
        return None


def _taken_after(plan: Plan, sample: Sample, before: EventPlan | None) -> Offer | None:
    """As the newer release takes it, which makes its own version of that which was the newest before."""
    after = plan.events.get(sample.type)
    earlier = None if after is None else after.earlier
    if before is not None and earlier is not None and before.version == earlier.version:
        raised = _taken(plan, replace(sample, type=earlier.name))
        if raised is not None:
            return raised
    return _taken(plan, sample)


def _is_same(old: Offer, new: Offer) -> bool:
    """Whether both sides take an event alike."""
    return old is new or (
        old.event == new.event and old.complaints == new.complaints and old.plan.keep == new.plan.keep
    )
