"""Stretches of time that come again: `sunday 02:00-04:00 Europe/Berlin`, `first monday 20:00-24:00 UTC`.

Pure. Local times that a change of the clocks skips or repeats: a stretch begins at the first of two like
times and ends at the last of them, and a time in a gap is the first instant after it. So a stretch is never
cut short, and one that lies in the gap whole does not come that night.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.language.calendar import WEEKDAYS, Calendar, instant_at

_DAY = timedelta(days=1)
_NTH = ("first", "second", "third", "fourth", "last")
_MANY = 400  # stretches that follow one another without a break; more are taken for endless


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of local time on some days; an end that is not later than the start is on the day after."""

    on: Callable[[date], bool]
    start: time
    end: time
    zone: ZoneInfo

    def until(self, at: datetime) -> datetime | None:
        """When the stretch that an instant lies in ends; None when it lies in none."""
        today = at.astimezone(self.zone).date()
        ends = [end for day in (today - _DAY, today) if (end := self._end(day, at)) is not None]
        return max(ends, default=None)

    def _end(self, day: date, at: datetime) -> datetime | None:
        if not self.on(day):
            return None
        last = day if self.end > self.start else day + _DAY
        end = _latest(last, self.end, self.zone)
        return end if instant_at(day, self.start, self.zone) <= at < end else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One stretch of time that does not come again."""

    start: datetime
    end: datetime

    def until(self, at: datetime) -> datetime | None:
        """When it ends; None when an instant does not lie in it."""
        return self.end if self.start <= at < self.end else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfHours:
    """The time outside of the business hours of a calendar, or within them."""

    calendar: Calendar
    within: bool = False

    def until(self, at: datetime) -> datetime | None:
        """When the stretch that an instant lies in ends; None when it lies in none."""
        zone = ZoneInfo(self.calendar.zone)
        today = at.astimezone(zone).date()
        edges = sorted(edge for offset in range(-1, 15) for edge in self._hours(today + offset * _DAY, zone))
        inside = any(start <= at < end for start, end in edges)
        if inside is not self.within:
            return None
        if inside:
            return max(end for start, end in edges if start <= at < end)
        return min((start for start, _ in edges if start > at), default=at + 14 * _DAY)

    def _hours(self, day: date, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
        if not self.calendar.is_business_day(day):
            return []
        return [
            (
                instant_at(day, hours.start, zone),
                _latest(day + _DAY if hours.end == time(0) else day, hours.end, zone),
            )
            for hours in self.calendar.hours[day.weekday()]
        ]


AnyWindow = Window | Span | OutOfHours


def closed_until(windows: Sequence[AnyWindow], at: datetime) -> datetime | None:
    """When the stretches that an instant lies in are over, one behind another; None when it lies in none."""
    found: datetime | None = None
    for _ in range(_MANY):
        ends = [end for window in windows if (end := window.until(found or at)) is not None]
        if not ends:
            return found
        found = max(ends)
    return found


def _latest(on: date, at: time, zone: ZoneInfo) -> datetime:
    """The last instant of a local date and time."""
    local = datetime.combine(on, at, tzinfo=zone).replace(fold=1)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return instant_at(on, at, zone)


_HOURS = re.compile(r"(?P<days>.+?) (?P<start>[0-2][0-9]:[0-5][0-9])-(?P<end>[0-2][0-9]:[0-5][0-9])")
_ONCE = re.compile(
    r"(?P<first>[0-9]{4}-[0-9]{2}-[0-9]{2}) (?P<start>[0-2][0-9]:[0-5][0-9]) "
    r"to (?P<last>[0-9]{4}-[0-9]{2}-[0-9]{2}) (?P<end>[0-2][0-9]:[0-5][0-9])"
)
WRITE = "write `sunday 02:00-04:00 America/Los_Angeles`"


def parse_window(text: str, calendar: Calendar | None = None) -> AnyWindow:
    """A stretch as it is written; of a calendar, whose zone holds where none is written.

    Raises:
        ValueError: when it is none; the message says why, and behind a semicolon what to write.

    """
    words = " ".join(text.split())
    if calendar is not None and words in {"days off", "outside business hours", "business hours"}:
        return _of_calendar(words, calendar)
    when, zone = _zoned(words, calendar)
    once = _ONCE.fullmatch(when)
    if once is not None:
        return _once(once, zone)
    found = _HOURS.fullmatch(when)
    if found is None:
        raise ValueError(f"`{text}` is no time at which something is closed; {WRITE}")
    end = "00:00" if found["end"] == "24:00" else found["end"]
    return Window(on=_days(found["days"]), start=_time(found["start"]), end=_time(end), zone=zone)


def _of_calendar(words: str, calendar: Calendar) -> AnyWindow:
    if words == "days off":
        zone = ZoneInfo(calendar.zone)
        return Window(on=lambda day: not calendar.is_business_day(day), start=time(0), end=time(0), zone=zone)
    return OutOfHours(calendar=calendar, within=words == "business hours")


def _zoned(words: str, calendar: Calendar | None) -> tuple[str, ZoneInfo]:
    """The text before its zone, and the zone."""
    when, _, name = words.rpartition(" ")
    if calendar is not None and re.fullmatch(r"[0-9:.-]+", name):
        return words, ZoneInfo(calendar.zone)
    if re.fullmatch(r"[0-9:.-]+", name):
        raise ValueError(f"`{words}` names no time zone; {WRITE}")
    try:
        return when, ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"there is no time zone `{name}`; {WRITE}") from None


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"`{text}` is no time of day; {WRITE}") from None


def _once(found: re.Match[str], zone: ZoneInfo) -> Span:
    try:
        first, last = date.fromisoformat(found["first"]), date.fromisoformat(found["last"])
    except ValueError as error:
        raise ValueError(f"`{found[0]}` names a day that does not exist ({error}); {WRITE}") from None
    start = instant_at(first, _time(found["start"]), zone)
    end = _latest(last, _time(found["end"]), zone)
    if end <= start:
        raise ValueError(f"`{found[0]}` ends before it begins; write the later day behind `to`")
    return Span(start=start, end=end)


def _days(text: str) -> Callable[[date], bool]:
    """On which days a stretch begins."""
    words = text.lower().split()
    match words:
        case ["daily"]:
            return lambda day: True  # noqa: ARG005 - on any
        case ["last", "day"]:
            return lambda day: (day + _DAY).day == 1
        case ["day", number] if number.isascii() and number.isdigit() and 1 <= int(number) <= 31:
            return lambda day: day.day == int(number)
        case [nth, name] if nth in _NTH and name in WEEKDAYS:
            return _nth(_NTH.index(nth), WEEKDAYS.index(name))
        case [one]:
            return _weekdays(one)
        case _:
            raise ValueError(
                f"`{text}` are no days; {WRITE}, or `daily`, `monday-friday`, `first sunday`, `last day`"
            )


def _nth(nth: int, weekday: int) -> Callable[[date], bool]:
    if nth == len(_NTH) - 1:
        return lambda day: day.weekday() == weekday and (day + 7 * _DAY).month != day.month
    return lambda day: day.weekday() == weekday and (day.day - 1) // 7 == nth


def _weekdays(text: str) -> Callable[[date], bool]:
    """`sunday`, `saturday,sunday` or `monday-friday`."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            wrong = first if first not in WEEKDAYS else last
            raise ValueError(f"`{wrong}` is no day of the week; {WRITE}")
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    days = frozenset(found)
    return lambda day: day.weekday() in days
