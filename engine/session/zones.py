"""The time zone that a person means, by its name or by a calendar."""

from engine.errors import InputError
from engine.session.loading import Session
from engine.workspace.kinds.reference import CalendarDocument


def zone_of(session: Session, zone: str | None, calendar: str | None) -> str:
    """The time zone that is named, or that of a calendar, or UTC.

    Raises:
        InputError: when there is no such zone or calendar, or the calendar has several zones.

    """
    from zoneinfo import available_timezones

    if calendar is None:
        if zone is not None and zone not in available_timezones():
            raise InputError(f"there is no time zone {zone!r}; write an IANA name such as Europe/Berlin")
        return zone or "UTC"
    if zone is not None:
        raise InputError("a zone and a calendar were named; one of them says which zone it is")
    found = session.workspace.of(CalendarDocument).get(calendar)
    if found is None:
        raise InputError(f"there is no calendar {calendar!r}")
    if found.time_zone is None:
        raise InputError(f"the calendar {calendar!r} has a zone for each of several places; name a --zone")
    return str(found.time_zone)
