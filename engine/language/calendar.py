"""Business calendars: billing cycles and their cutoffs, business days and hours, in one time zone.

Pure: zone rules come from the time zone database, holidays from whoever makes the calendar, and
the present from nowhere. Rules for local times that a change of the clocks skips or repeats:

- A time in the gap (02:30 on the night when 02:00 becomes 03:00) is the first instant after the gap.
- A time that comes twice is its first occurrence.

A cutoff is the local date and time of its rule, moved off a day that is no business day where the
rule says so, and then later by the grace, which is elapsed time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from engine.language.compiled import EvaluationError
from engine.language.formula_operators import EXACT
from engine.values.value import Value

Every = Literal["week", "half_month", "month", "quarter"]
Moves = Literal["business_day_before", "business_day_after", "none"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAX_BUSINESS_DAYS = 10_000
_MAX_SPAN_DAYS = 3_700
_MAX_CLOSED_DAYS = 400  # so many days without a business day are a mistake in the calendar
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A part of a business day, local time; an end of 00:00 is the midnight after it."""

    start: time
    end: time


OFFICE_HOURS: tuple[tuple[Hours, ...], ...] = (
    *(((Hours(start=time(9), end=time(17))),),) * 5,
    (),
    (),
)
"""Monday to Friday, nine to five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoff:
    """When a cycle closes: a weekday of the week itself, or a day counted from the cycle's last day.

    ``days`` 0 is the last day, 3 the third day after it: of a monthly cycle, day 3 of the month
    that follows. With ``business`` only business days are counted.
    """

    at: time
    weekday: int | None = None  # 0 is Monday; of a weekly cycle alone
    days: int = 0
    business: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRule:
    """How the calendar is cut into cycles, how they are named, and when each closes."""

    every: Every
    name: str  # pattern of %G %V %Y %y %m %d %q %h, e.g. "%G-W%V" or "%Y-%m"
    cutoff: Cutoff
    starts: int = 0  # of a week: 0 is Monday; of a month or quarter: its first day, 1 to 28
    first_month: int = 1  # of quarters: the month in which the first begins
    grace: timedelta = timedelta()
    moves: Moves = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One cycle, both days included."""

    name: str
    start: date
    end: date
    closes: datetime  # the cutoff of the rule, UTC
    cutoff: datetime  # the same and the grace: what is later belongs to a later cycle

    def as_value(self) -> dict[str, Value]:
        """The cycle as a record of the language."""
        return {
            "name": self.name,
            "start": self.start,
            "end": self.end,
            "closes": self.closes,
            "cutoff": self.cutoff,
        }


# Compared by identity, so that a cache keyed by it costs nothing on a thousand holidays.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calendar:
    """The days, hours and cycles of one place."""

    zone: str  # "America/New_York"
    holidays: frozenset[date] = frozenset()
    hours: tuple[tuple[Hours, ...], ...] = (
        OFFICE_HOURS  # Monday first; a day without hours is no business day
    )
    cycles: CycleRule | None = None
    name: str = ""
    _zone: ZoneInfo = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Look the zone up once.

        Raises:
            ZoneInfoNotFoundError: when there is no such zone.

        """
        object.__setattr__(self, "_zone", ZoneInfo(self.zone))

    def is_business_day(self, on: date) -> bool:
        """Whether work is done on a date."""
        return bool(self.hours[on.weekday()]) and on not in self.holidays

    def add_business_days(self, on: date, count: int) -> date:
        """The date so many business days later or earlier; 0 is the date itself or the next business day."""
        if abs(count) > MAX_BUSINESS_DAYS:
            raise EvaluationError(f"{count:,} business days are more than {MAX_BUSINESS_DAYS:,}")
        if count == 0:
            return self.business_day(on, 1)
        step = 1 if count > 0 else -1
        for _ in range(abs(count)):
            on = self.business_day(_shifted(on, step), step)
        return on

    def business_day(self, on: date, step: int) -> date:
        """The date itself when it is a business day, else the nearest one in a direction (1 or -1)."""
        for _ in range(_MAX_CLOSED_DAYS):
            if self.is_business_day(on):
                return on
            on = _shifted(on, step)
        raise EvaluationError(f"the calendar has no business day within {_MAX_CLOSED_DAYS} days of {on}")

    def after_business_days(self, at: datetime, count: int) -> datetime:
        """The same local time so many business days later."""
        local = at.astimezone(self._zone)
        later = self.add_business_days(local.date(), count)
        return instant_at(later, local.time(), self._zone)

    def after_business_time(self, at: datetime, length: timedelta) -> datetime:
        """The instant at which business was open so long after another one."""
        on, left = self.local_date(at), length
        for _ in range(_MAX_SPAN_DAYS):
            for opens, closes in self._open_on(on):
                start = max(opens, at)
                if start < closes:
                    if left <= closes - start:
                        return start + left
                    left -= closes - start
            on = _shifted(on, 1)
        raise EvaluationError(f"{length} of business take longer than {_MAX_SPAN_DAYS:,} days")

    def _open_on(self, on: date) -> Iterator[tuple[datetime, datetime]]:
        """When business is open on a date."""
        for hours in self.hours[on.weekday()] if self.is_business_day(on) else ():
            until = on + _DAY if hours.end == time(0) else on
            yield instant_at(on, hours.start, self._zone), instant_at(until, hours.end, self._zone)

    def business_hours_between(self, start: datetime, end: datetime) -> Decimal:
        """The hours of business between two instants, as elapsed time; negative for an earlier end."""
        if end < start:
            return self.business_hours_between(end, start).copy_negate()
        first, last = self.local_date(start), self.local_date(end)
        if (last - first).days > _MAX_SPAN_DAYS:
            raise EvaluationError(f"business hours are counted over at most {_MAX_SPAN_DAYS:,} days")
        open_time = timedelta()
        for offset in range((last - first).days + 1):
            open_time += self._open_within(first + offset * _DAY, start, end)
        return EXACT.divide(Decimal(open_time // timedelta(microseconds=1)), Decimal(3_600_000_000))

    def _open_within(self, on: date, start: datetime, end: datetime) -> timedelta:
        """How long business is open on a date, between two instants."""
        parts = (min(closes, end) - max(opens, start) for opens, closes in self._open_on(on))
        return sum((max(part, timedelta()) for part in parts), timedelta())

    def local_date(self, at: datetime) -> date:
        """The date of an instant in the zone of the calendar."""
        return at.astimezone(self._zone).date()

    def cycle(self, on: date) -> Cycle:
        """The cycle that a date falls in."""
        return _cycle_from(self, _cycle_start(self._rule(), on))

    def cutoff(self, on: date) -> datetime:
        """The instant after which the cycle of a date takes nothing more."""
        return self.cycle(on).cutoff

    def next_cycle(self, on: date, after: datetime | None = None) -> Cycle:
        """The cycle after the one of a date; with `after`, the first whose cutoff had not passed then."""
        found = self.cycle(_shifted(self.cycle(on).end, 1))
        if after is None or after <= found.cutoff:
            return found
        # Jump to the cycle at hand, a little early, instead of walking there from years ago.
        near = self.cycle(max(found.start, _shifted(self.local_date(after), -_MAX_CLOSED_DAYS)))
        while near.cutoff < after:
            near = self.cycle(_shifted(near.end, 1))
        return near

    def _rule(self) -> CycleRule:
        if self.cycles is None:
            raise EvaluationError(f"the calendar{f' `{self.name}`' if self.name else ''} has no cycles")
        return self.cycles

    def cutoff_instant(self, start: date, end: date) -> datetime:
        """When the cycle between two dates closes, without grace."""
        rule = self._rule()
        on = self._cutoff_date(rule.cutoff, start, end)
        if rule.moves != "none":
            on = self.business_day(on, -1 if rule.moves == "business_day_before" else 1)
        return instant_at(on, rule.cutoff.at, self._zone)

    def _cutoff_date(self, rule: Cutoff, start: date, end: date) -> date:
        if rule.weekday is not None:
            return _shifted(start, (rule.weekday - start.weekday()) % 7)
        if rule.business and rule.days:
            return self.add_business_days(end, rule.days)
        return _shifted(end, rule.days)


@lru_cache(maxsize=4096)
def _cycle_from(calendar: Calendar, start: date) -> Cycle:
    rule = calendar.cycles
    assert rule is not None
    end = _shifted(_next_start(rule, start), -1)
    closes = calendar.cutoff_instant(start, end)
    name = cycle_name(rule, start)
    return Cycle(name=name, start=start, end=end, closes=closes, cutoff=closes + rule.grace)


def _shifted(on: date, days: int) -> date:
    try:
        return on + timedelta(days=days)
    except OverflowError:
        raise EvaluationError(f"{on} is too far away for a calendar") from None


def _cycle_start(rule: CycleRule, on: date) -> date:
    """The first day of the cycle that a date falls in."""
    if rule.every == "week":
        return _shifted(on, -((on.weekday() - rule.starts) % 7))
    if rule.every == "half_month":
        return on.replace(day=1 if on.day <= 15 else 16)
    months = on.year * 12 + on.month - 1
    if on.day < rule.starts:
        months -= 1
    if rule.every == "quarter":
        months -= (months - (rule.first_month - 1)) % 3
    return _month_day(months, rule.starts)


def _next_start(rule: CycleRule, start: date) -> date:
    """The first day of the cycle after the one that begins on a date."""
    if rule.every == "week":
        return _shifted(start, 7)
    if rule.every == "half_month" and start.day == 1:
        return start.replace(day=16)
    months = start.year * 12 + start.month - 1 + (3 if rule.every == "quarter" else 1)
    return _month_day(months, 1 if rule.every == "half_month" else rule.starts)


def _month_day(months: int, day: int) -> date:
    """A day of the month that is so many months after January of the year 0."""
    try:
        return date(months // 12, months % 12 + 1, day)
    except ValueError:
        raise EvaluationError(f"the year {months // 12} is outside of the calendar") from None


def cycle_name(rule: CycleRule, start: date) -> str:
    """The name of the cycle that begins on a date.

    %Y %y %m %d are those of its first day, %q the quarter counted from the rule's first month, %h
    the half of the month. %G and %V are the ISO year and week of its fourth day: of a week that
    begins on a Monday that is its own ISO week, of any other the one it shares most days with.
    """
    iso = _shifted(start, 3 if rule.every == "week" else 0).isocalendar()
    parts = {
        "G": f"{iso.year:04d}",
        "V": f"{iso.week:02d}",
        "Y": f"{start.year:04d}",
        "y": f"{start.year % 100:02d}",
        "m": f"{start.month:02d}",
        "d": f"{start.day:02d}",
        "q": str((start.month - rule.first_month) % 12 // 3 + 1),
        "h": "1" if start.day <= 15 else "2",
        "%": "%",
    }
    return _DIRECTIVE.sub(lambda found: parts[found[1]], rule.name)


_DIRECTIVE = re.compile("%([GVYymdqh%])")


def name_pattern_mistake(pattern: str) -> str | None:
    """What is wrong with a pattern of names, in one sentence; None when it is right."""
    rest = _DIRECTIVE.sub("", pattern)
    if "%" in rest:
        wrong = rest[rest.index("%") :][:2]
        return f"`{wrong}` is not part of a name of cycles; there are %G %V %Y %y %m %d %q %h"
    return (
        None if _DIRECTIVE.search(pattern) else "every cycle would have the same name; write %G-W%V or %Y-%m"
    )


_CUTOFF = re.compile(
    r"(?:(?P<weekday>[a-z]+day)|(?P<last>last (?P<last_business>business )?day)"
    r"|(?P<business>business )?day (?P<days>[0-9]{1,2})) (?P<hour>[0-2][0-9]):(?P<minute>[0-5][0-9])",
    re.ASCII,
)


def parse_cutoff(text: str, every: Every) -> Cutoff:
    """A cutoff as it is written: `friday 18:00`, `day 3 18:00`, `business day 2 12:00`, `last day 23:59`.

    Raises:
        ValueError: when it is none, or is not one of such cycles; the message says what to write.

    """
    found = _CUTOFF.fullmatch(" ".join(text.lower().split()))
    if found is None or int(found["hour"]) > 23:
        raise ValueError(f"`{text}` is not a cutoff; write `friday 18:00`, `day 3 18:00` or `last day 18:00`")
    at = time(int(found["hour"]), int(found["minute"]))
    if found["last"]:
        return Cutoff(at=at, business=bool(found["last_business"]))
    if found["weekday"]:
        return Cutoff(at=at, weekday=_cutoff_weekday(found["weekday"], every))
    days = int(found["days"])
    if not 1 <= days <= 28:
        raise ValueError("the day of a cutoff is one of 1 to 28, counted from the end of the cycle")
    return Cutoff(at=at, days=days, business=bool(found["business"]))


def _cutoff_weekday(name: str, every: Every) -> int:
    if every != "week":
        raise ValueError(f"a cutoff on a weekday belongs to weekly cycles; for a {every} write `day 3 18:00`")
    if name not in WEEKDAYS:
        raise ValueError(f"`{name}` is not a day of the week; write `friday 18:00`")
    return WEEKDAYS.index(name)


def parse_starts(text: str, every: Every) -> int:
    """The first day of cycles as it is written: `monday` of weeks, `day 1` of others.

    Raises:
        ValueError: when it is none; the message says what to write.

    """
    words = text.lower().split()
    if every == "week":
        if len(words) == 1 and words[0] in WEEKDAYS:
            return WEEKDAYS.index(words[0])
        raise ValueError(f"`{text}` is not a day of the week; write `monday`")
    last = 1 if every == "half_month" else 28
    if len(words) == 2 and words[0] == "day" and words[1].isdecimal() and 1 <= int(words[1]) <= last:
        return int(words[1])
    raise ValueError(f"`{text}` is not a first day; write `day 1`" + (" to `day 28`" if last > 1 else ""))


def instant_at(on: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, of a local date and time; gap and repetition by the rules of this module."""
    local = datetime.combine(on, at, tzinfo=zone)
    try:
        instant = local.astimezone(UTC)
    except OverflowError:
        raise EvaluationError(f"{on} is too far away for a calendar") from None
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _end_of_gap(local, zone)


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after the gap that holds a local time, to the second."""
    before = (local.replace(fold=1).astimezone(UTC) - _EPOCH) // _SECOND
    after = (local.replace(fold=0).astimezone(UTC) - _EPOCH) // _SECOND
    offset = (_EPOCH + after * _SECOND).astimezone(zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        changed = (_EPOCH + middle * _SECOND).astimezone(zone).utcoffset() == offset
        before, after = (before, middle) if changed else (middle, after)
    return _EPOCH + after * _SECOND
