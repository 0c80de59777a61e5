"""A small set of events that comes by everything that all of them come by.

Each event is played, and what is come by is taken down with the events that it needs before it: those whose
runs it moves on, and those that brought what it reads. Then events are chosen, the one that brings most for
the fewest events first, and what others bring as well is left out again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar

from engine.core import LookUpCommand, RunState, WriteCommand
from engine.core.accept import Offer
from engine.plan.plan import FlowPlan
from engine.preview.behaviour.play import Player, Run, Side
from engine.preview.behaviour.sample import Recorded, Sample
from engine.preview.behaviour.shared import Shared
from engine.preview.behaviour.twin import Twin
from engine.values.value import Value

ALIKE = 3  # so many events that come by the same are looked at: a later one may need fewer others


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """How it is told what a run has come by."""

    code: set[str]  # filled by generated code as it is used
    of_run: Callable[[RunState], Iterable[str]]
    of_no_run: Callable[[str], str]  # of a flow that an event does not start
    counted: frozenset[str]  # what is counted at all


@dataclass(slots=True)
class Played:
    """What events come by."""

    events: int = 0
    refused: int = 0
    seen: set[str] = field(default_factory=set)
    candidates: list["Candidate"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event, all that it needs before it, and what they come by together."""

    number: int
    events: frozenset[int]  # itself and those that it needs, by their numbers
    seen: frozenset[str]


class _Traced(Player):
    """Notes what an event comes by, and which events it needs."""

    def __init__(self, side: Side, *, common: Player | None = None) -> None:
        super().__init__(side, common=common)
        self.number = 0
        self.needs: set[int] = set()
        self.seen: set[str] = set()
        self.watching: Watching | None = None
        self._moved: dict[str, set[int]] = {}  # the events that have moved a run, by its id
        self._brought: dict[tuple[str, ...], int] = {}  # the event that brought an entity or an id

    def keep(self, made: Offer) -> bool:
        is_new = super().keep(made)
        if is_new and made.plan.entity is not None:
            self._brought[made.plan.entity, str(made.event.data.get(made.plan.entity_key))] = self.number
        return is_new

    def start(self, flow: FlowPlan, made: Offer, recorded: Recorded, twin: Twin | None = None) -> Run | None:
        run = super().start(flow, made, recorded, twin)
        if run is None and self.watching is not None:
            self.seen.add(self.watching.of_no_run(flow.name))
        return run

    def _stand(self, run: Run) -> None:
        super()._stand(run)
        moved = self._moved.setdefault(run.id, set())
        self.needs |= moved
        moved.add(self.number)
        if not run.is_open:
            del self._moved[run.id]
        if run.state is not None and self.watching is not None:
            self.seen.update(self.watching.of_run(run.state))

    def _entity(self, key: tuple[str, str]) -> Value:
        found = super()._entity(key)
        if found is not None:
            self.needs.add(self._brought[key])
        return found

    def _looked_up(self, run: Run, command: LookUpCommand) -> Any:  # noqa: ANN401 - as it is played
        key = command.entity, command.canonical_id, command.system
        if command.key not in run.recorded.look_ups and key in self._brought:
            self.needs.add(self._brought[key])
        return super()._looked_up(run, command)

    def _link(self, command: WriteCommand, receipt: Value) -> None:
        super()._link(command, receipt)
        for entity, canonical_id in command.links:
            self._brought[entity, canonical_id, command.connection] = self.number


class _Play(Shared):
    player: ClassVar[type[Player]] = _Traced


def played(side: Side, samples: Iterable[Sample], watching: Watching) -> Played:
    """Play events, and note what each comes by and needs."""
    play = _Play.of_one(side)
    player = play.both
    assert isinstance(player, _Traced)
    player.watching = watching
    found = Played()
    needs: dict[int, frozenset[int]] = {}
    by_number: list[frozenset[str]] = []
    same: dict[frozenset[str], frozenset[str]] = {}
    alike: dict[frozenset[str], int] = {}
    for number, (sample, is_last) in enumerate(_with_last(samples)):
        player.number, player.needs, player.seen = number, set(), set()
        watching.code.clear()
        for _ in chain(play.take(sample), play.rest() if is_last else ()):
            pass
        events = frozenset((number,)).union(*(needs.get(one, (one,)) for one in player.needs))
        if len(events) > 1:
            needs[number] = events
        seen = frozenset((player.seen | watching.code) & watching.counted)
        by_number.append(same.setdefault(seen, seen))
        seen = seen.union(*(by_number[one] for one in events)) if len(events) > 1 else seen
        alike[seen] = alike.get(seen, 0) + 1
        if seen and (alike[seen] <= ALIKE or not seen <= found.seen):
            found.candidates.append(Candidate(number, events, seen))
        found.seen |= seen
        found.events += 1
    found.refused = len(play.refused)
    return found


def _with_last(samples: Iterable[Sample]) -> Iterator[tuple[Sample, bool]]:
    """Each event, and whether none comes behind it."""
    before: Sample | None = None
    for sample in samples:
        if before is not None:
            yield before, False
        before = sample
    if before is not None:
        yield before, True


def chosen(candidates: list[Candidate], most: int | None = None) -> list[int]:
    """The numbers of a few events that come by all that the candidates do, in order; at most so many."""
    taken: list[Candidate] = []
    events: set[int] = set()
    seen: set[str] = set()
    left = list(candidates)
    while left:
        left = [one for one in left if not one.seen <= seen]
        fitting = [one for one in left if most is None or len(events | one.events) <= most]
        if not fitting:
            break
        best = max(fitting, key=lambda one: (_worth(one, seen, events), -one.number))
        taken.append(best)
        events |= best.events
        seen |= best.seen
    return sorted(set().union(*(one.events for one in _needed(taken))))


def _worth(one: Candidate, seen: set[str], events: set[int]) -> float:
    """How many new things for each new event."""
    return len(one.seen - seen) / max(1, len(one.events - events))


def _needed(taken: list[Candidate]) -> list[Candidate]:
    """Without those that the others make needless; the last taken brought least, and is tried first."""
    kept = list(taken)
    for one in reversed(taken):
        others = [other for other in kept if other is not one]
        if one.seen <= set().union(*(other.seen for other in others)):
            kept = others
    return kept


def picked(lines: Iterable[bytes], numbers: Iterable[int]) -> Iterator[bytes]:
    """The lines of these numbers; empty lines do not count."""
    wanted = set(numbers)
    whole = (line for line in lines if line.strip())
    return (line for number, line in enumerate(whole) if number in wanted)
