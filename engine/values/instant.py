"""Instants that come from outside: in UTC, and within what every time zone and calendar can tell."""

from datetime import MAXYEAR, MINYEAR, UTC, datetime


def in_utc(found: datetime) -> datetime:
    """The instant in UTC.

    Raises:
        ValueError: when it lies in the first or the last year that there is, where a day in some zone, or the
            end of a month, is none any more.

    """
    if not MINYEAR < found.year < MAXYEAR:
        raise ValueError(f"the year {found.year} is at the end of all calendars")
    return found.astimezone(UTC)
