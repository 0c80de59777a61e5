"""Which run may go on: events that share an order key are worked in order, others side by side. Pure.

A key has a line of *places*, one an event. The runs of the first place work; those behind wait to begin. A
run that rests leaves its place, or is *parked* in it: then it stops the key until it goes on or a person lets
the others pass. A run that left and is woken later comes back in front of those who have not begun.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Place:
    """One event in the line of its key, with its runs."""

    event_id: str
    back: bool = False  # it had its turn before, and was woken
    waiting: list[str] = field(default_factory=list)  # runs that want to go on and may not yet
    working: set[str] = field(default_factory=set)
    parked: set[str] = field(default_factory=set)  # runs that rest and stop the key

    @property
    def is_empty(self) -> bool:
        return not (self.waiting or self.working or self.parked)


class OrderKeys:
    """The lines before each order key. The runs of one event go together; the next event waits for them."""

    def __init__(self) -> None:
        """Begin with no lines."""
        self._lines: dict[str, deque[_Place]] = {}

    def enter(self, key: str | None, event_id: str, run_id: str) -> bool:
        """Whether a run may begin now; if not, it stands in line until :meth:`leave` names it."""
        if key is None:
            return True
        line = self._lines.setdefault(key, deque())
        if not line or line[-1].event_id != event_id:
            line.append(_Place(event_id))
        return self._want(line, line[-1], run_id)

    def come_back(self, key: str | None, event_id: str, run_id: str) -> bool:
        """Whether a run that rested may write now; if not, it is named when it may.

        Whoever is at work finishes first. It passes those who have not begun, and those who stop the key.
        """
        if key is None:
            return True
        line = self._lines.setdefault(key, deque())
        place = next((place for place in line if place.event_id == event_id), None)
        if place is not None and run_id in place.working:
            return True
        if place is None:
            place = _Place(event_id)
            behind = sum(other.back for other in line) + (not line[0].back if line else 0)
            line.insert(behind, place)
        place.back = True
        place.parked.discard(run_id)
        if not any(other.working for other in line):
            line.remove(place)
            line.appendleft(place)
        return self._want(line, place, run_id)

    @staticmethod
    def _want(line: deque[_Place], place: _Place, run_id: str) -> bool:
        if place is line[0]:
            place.working.add(run_id)
            return True
        place.waiting.append(run_id)
        return False

    def park(self, key: str | None, event_id: str, run_id: str) -> Iterable[str]:
        """A run rests and stops its key: the runs that may go on all the same, since they came back."""
        if key is None:
            return ()
        line = self._lines.setdefault(key, deque())
        place = next((place for place in line if place.event_id == event_id), None)
        if place is None:
            place = _Place(event_id)
            line.append(place)
        place.working.discard(run_id)
        if run_id in place.waiting:
            place.waiting.remove(run_id)
        place.parked.add(run_id)
        return self._move_on(key, line)

    def leave(self, key: str | None, run_id: str) -> Iterable[str]:
        """A run rests or has ended: the runs that may go on now."""
        line = self._lines.get(key) if key is not None else None
        place = None if line is None else _place_of(line, run_id)
        if key is None or line is None or place is None:
            return ()
        place.working.discard(run_id)
        place.parked.discard(run_id)
        if run_id in place.waiting:
            place.waiting.remove(run_id)
        return self._move_on(key, line)

    def let_go(self, key: str, run_id: str) -> Iterable[str]:
        """A run that is parked stops its key no longer: the runs that may go on now.

        One that has come back since keeps its place: it is at work, or waits for its turn.
        """
        line = self._lines.get(key, deque())
        place = next((place for place in line if run_id in place.parked), None)
        if place is None:
            return ()
        place.parked.discard(run_id)
        return self._move_on(key, line)

    def _move_on(self, key: str, line: deque[_Place]) -> list[str]:
        """Let the next go on, when nobody is at work."""
        while line and line[0].is_empty:
            line.popleft()
        if not line:
            del self._lines[key]
            return []
        if line[0].working:
            return []
        if line[0].parked and not line[0].waiting:
            back = next((place for place in line if place.back and place.waiting), None)
            if back is None:
                return []
            line.remove(back)
            line.appendleft(back)
        head = line[0]
        started, head.waiting = head.waiting, []
        head.working.update(started)
        return started

    def parked(self, key: str) -> list[str]:
        """The runs that stop a key, by name."""
        return sorted(run_id for place in self._lines.get(key, ()) for run_id in place.parked)

    def is_working(self, key: str | None, run_id: str) -> bool:
        """Whether it is the turn of a run; without a key it always is."""
        if key is None:
            return True
        line = self._lines.get(key)
        return line is not None and run_id in line[0].working

    def standing(self) -> int:
        """How many runs wait for their turn."""
        return sum(len(place.waiting) for line in self._lines.values() for place in line)


def _place_of(line: deque[_Place], run_id: str) -> _Place | None:
    """Where a run is that has begun; those who have not stand behind all of them."""
    for place in line:
        if run_id in place.working or run_id in place.parked or (place.back and run_id in place.waiting):
            return place
        if not (place.working or place.parked or place.back or place.is_empty):
            return None
    return None
