"""When something is due: cron expressions in a zone, and days counted from the cycles of a calendar.

A schedule is a function from an instant to the next one at which it is due, always later; None when it never
is again. Cron expressions are those of Debian's cron, as the library that reads them has it:

- A time of day in the gap of a night on which clocks go forward is due at the first instant after the gap.
- A time of day that comes twice is due at its first occurrence, and not again.
- What is due every few minutes or every hour goes by elapsed time: clocks that change leave no hole and bring
  nothing twice.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from engine.language.calendar import Calendar, Cycle, instant_at
from engine.language.compiled import EvaluationError

Due: TypeAlias = Callable[[datetime], datetime | None]
After = Literal["cutoff", "start", "end"]

MOST_CYCLES = 400  # so many cycles without an instant later than the one asked about are a mistake
_SPACES = re.compile(r"\s+")


class ScheduleError(ValueError):
    """A schedule that cannot be read: what is wrong and, behind a semicolon, what to write."""


def cron(text: str, zone: str) -> Due:
    """When a cron expression of five fields is due in a zone.

    Raises:
        ScheduleError: when it is none, or names no instant.

    """
    tidy = _SPACES.sub(" ", text.strip())
    if len(tidy.split(" ")) != 5:
        raise ScheduleError(
            f"`{text}` has not the five fields of a cron expression; "
            "write minute, hour, day, month, weekday: 30 2 * * mon-fri"
        )
    try:
        CronSim(tidy, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ScheduleError(f"`{text}` is no cron expression ({error}); write 30 2 * * mon-fri") from error
    local = ZoneInfo(zone)

    def due(after: datetime) -> datetime | None:
        found = next(CronSim(tidy, after.astimezone(local)), None)
        return None if found is None else found.astimezone(UTC)

    if due(datetime(2000, 1, 1, tzinfo=UTC)) is None:
        raise ScheduleError(f"`{text}` is never due; there is no such day in any year")
    return due


@dataclass(frozen=True, slots=True, kw_only=True)
class InCycle:
    """Once in each cycle: so many business days after its cutoff, its first or its last day, at a time.

    Without a time of day it is the cutoff itself, or the first instant of the day.
    """

    after: After = "cutoff"
    business_days: int = 0
    at: time | None = None


def in_cycles(calendar: Calendar, rule: InCycle) -> Due:
    """When something is due that happens once in each cycle of a calendar.

    Raises:
        ScheduleError: when the calendar has no cycles.

    """
    if calendar.cycles is None:
        raise ScheduleError(f"calendar `{calendar.name}` has no cycles; name one with `cycles:`")
    zone = ZoneInfo(calendar.zone)

    def due(after: datetime) -> datetime | None:
        # From a cycle that is surely over to the first that is later: due instants follow as cycles do.
        cycle = calendar.cycle(calendar.local_date(after) - timedelta(days=_reach(rule)))
        for _ in range(MOST_CYCLES):
            try:
                found = _in_cycle(calendar, rule, cycle, zone)
            except EvaluationError:
                return None  # beyond the years of a calendar
            if found > after:
                return found
            cycle = calendar.cycle(cycle.end + timedelta(days=1))
        return None

    return due


def _reach(rule: InCycle) -> int:
    """How many days before an instant the cycle may have begun that it belongs to."""
    return 200 + 4 * rule.business_days


def _in_cycle(calendar: Calendar, rule: InCycle, cycle: Cycle, zone: ZoneInfo) -> datetime:
    if rule.at is None and not rule.business_days and rule.after == "cutoff":
        return cycle.cutoff
    day: date = (
        calendar.local_date(cycle.cutoff)
        if rule.after == "cutoff"
        else (cycle.start if rule.after == "start" else cycle.end)
    )
    if rule.business_days:
        day = calendar.add_business_days(day, rule.business_days)
    return instant_at(day, rule.at or time(0), zone)
