"""The watchdog: what stands still and nobody is told of raises an alert, once for each period.

That is a run of which nobody knows whether a write happened, a hold whose policy says nothing of time, and a
wait without a time-out. Everything else has a time at which something happens. Now and then it is also looked
whether that of which somebody was told is over.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from engine.ledger import LedgerReader, instant, read_instant
from engine.ledger.rows import HoldRow, NewAlert
from engine.values.actors import OPERATIONS

if TYPE_CHECKING:
    from engine.runtime.execute import Executor

PERIOD_DAYS = 5
EVERY = timedelta(hours=1)  # how often is looked
MOST_PERIODS = 1_000  # counted of one thing; nobody reads the next alert
_SATURDAY = 5


class Still(NamedTuple):
    """Something that stands still."""

    name: str
    run_id: str
    step: str | None
    policy: str | None
    to: str
    since: datetime
    message: str


class Watch:
    """Looks now and then; it keeps nothing that the ledger does not."""

    def __init__(self, days: int = PERIOD_DAYS) -> None:
        """Tell after so many weekdays, and again after as many more; 0 for never."""
        self._days = days
        self.next_at: datetime | None = None

    def begin(self, executor: "Executor", now: datetime) -> None:
        """Look for the first time."""
        self.next_at = now
        self.look(executor, now)

    def look(self, executor: "Executor", now: datetime) -> None:
        """Tell of what has stood still for another period, and of what is settled, if it is time to look."""
        if self.next_at is None or now < self.next_at:
            return
        self.next_at = now + EVERY
        executor.ended_badly.look_again()
        if self._days:
            self._tell(executor, now)

    def _tell(self, executor: "Executor", now: datetime) -> None:
        for still in _standing_still(executor.reader, now):
            number = self._periods(still.since, now)
            name = f"{still.name}/still/{number}"
            if number and executor.reader.alert(name) is None:
                said = f"{still.message} (since {instant(still.since)})"
                executor.alert(
                    NewAlert(
                        name, still.run_id, still.step, still.policy, "error", still.to, said, executor.at
                    )
                )

    def _periods(self, since: datetime, now: datetime) -> int:
        """How many whole periods of weekdays have passed."""
        if now - since < timedelta(days=self._days):
            return 0
        found, at = 0, since
        while found < MOST_PERIODS and (at := weekdays_after(at, self._days)) <= now:
            found += 1
        return found


def weekdays_after(at: datetime, days: int) -> datetime:
    """The same time so many days later, Saturdays and Sundays not counted, in UTC."""
    while days > 0:
        at += timedelta(days=1)
        days -= at.weekday() < _SATURDAY
    return at


def _standing_still(reader: LedgerReader, now: datetime) -> Iterator[Still]:
    for run in reader.unknown_runs():
        at = read_instant(reader.transitions(run.id)[-1].at)
        said = f"Nobody knows whether a write of {run.flow} happened: {run.reason}"
        yield Still(run.id, run.id, None, None, OPERATIONS, at, said)
    early = instant(now - timedelta(days=1))
    for hold in reader.open_holds(timed=False, before=early):
        yield _held(hold)
    for wait in reader.open_waits(timed=False, before=early):
        said = f"Step {wait.step} waits for {wait.event}, with no time-out"
        at = read_instant(wait.began_at)
        yield Still(wait.id, wait.run_id, wait.step, None, OPERATIONS, at, said)


def _held(hold: HoldRow) -> Still:
    said = f"Held by policy {hold.policy}, which tells nobody of that: {hold.reason}"
    at, to = read_instant(hold.opened_at), hold.owner or OPERATIONS
    return Still(hold.id, hold.run_id, hold.step, hold.policy, to, at, said)
