"""Which run may go on: events that share an order key are worked in order, others side by side."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Place:
    """One event in the line of its key, with its runs."""

    event_id: str
    waiting: list[str] = field(default_factory=list)  # runs that have not begun
    working: set[str] = field(default_factory=set)


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
        if len(line) == 1:
            line[0].working.add(run_id)
            return True
        line[-1].waiting.append(run_id)
        return False

    def leave(self, key: str | None, run_id: str) -> Iterable[str]:
        """A run rests or has ended: the runs that may begin now."""
        line = self._lines.get(key) if key is not None else None
        if not line or run_id not in line[0].working:
            return ()
        line[0].working.discard(run_id)
        if line[0].working:
            return ()
        line.popleft()
        if not line:
            assert key is not None
            del self._lines[key]
            return ()
        head = line[0]
        head.working.update(head.waiting)
        started, head.waiting = head.waiting, []
        return started

    def standing(self) -> int:
        """How many runs wait for their turn."""
        return sum(len(place.waiting) for line in self._lines.values() for place in line)
