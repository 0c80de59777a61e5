"""When the time of holds and waits is over; in memory, and made again from the ledger after a restart."""

from collections.abc import Iterable
from datetime import datetime
from heapq import heappop, heappush
from typing import NamedTuple, cast

from engine.core import Timer
from engine.ledger import LedgerReader, instant, read_instant
from engine.values.json_text import read_json, write_json
from engine.values.value import Value


class Due(NamedTuple):
    """What is over at an instant: a wait, or one of the things that time does to a hold, by its number."""

    at: datetime
    kind: str  # hold, wait
    id: str
    number: int = 0


class Timers:
    """All that is due at some time, the first first."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._due: list[Due] = []

    def note(self, due: Due) -> None:
        """Remember what is due."""
        heappush(self._due, due)

    def note_hold(self, hold_id: str, timers: Iterable[Timer]) -> None:
        """Remember what time does to a hold."""
        for number, timer in enumerate(timers):
            self.note(Due(timer.at, "hold", hold_id, number))

    def load(self, reader: LedgerReader) -> None:
        """Remember what is due of all that is open in a ledger."""
        for hold in reader.open_holds(timed=True):
            self.note_hold(hold.id, read_timers(hold.timers))
        for wait in reader.open_waits(timed=True):
            if wait.due_at is not None:
                self.note(Due(read_instant(wait.due_at), "wait", wait.id))

    @property
    def next_at(self) -> datetime | None:
        """When the first is due."""
        return self._due[0].at if self._due else None

    def take(self, now: datetime) -> Due | None:
        """The first that is due by now; it is forgotten."""
        return heappop(self._due) if self._due and self._due[0].at <= now else None


def write_timers(timers: Iterable[Timer]) -> str | None:
    """What time does to a hold, as the ledger keeps it; nothing for none."""
    found = [{"at": instant(one.at), "does": one.does, "to": one.to, "after": one.after} for one in timers]
    return write_json(found).decode() if found else None


def read_timers(text: str | None) -> tuple[Timer, ...]:
    """What the ledger keeps."""
    found = cast("list[dict[str, Value]]", read_json(text)) if text else []
    return tuple(
        Timer(read_instant(str(one["at"])), str(one["does"]), str(one["to"]), str(one["after"]))
        for one in found
    )
