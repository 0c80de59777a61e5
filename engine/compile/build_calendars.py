"""Calendars, and the functions that read them."""

from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from engine.compile import problems
from engine.compile.compilation import Compilation
from engine.language.calendar import (
    Calendar,
    CycleRule,
    Hours,
    name_pattern_mistake,
    parse_cutoff,
    parse_starts,
)
from engine.language.compiled import EvaluationError
from engine.language.functions.calendars import calendar_functions
from engine.language.functions.spec import joined
from engine.source import Text
from engine.workspace.kinds.reference import ByDocument, CalendarDocument, CyclesDocument

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Public holidays are listed for these years; a run is about the past, the present and the near future.
YEARS = range(2015, 2041)


def build_calendars(compilation: Compilation) -> None:
    """Every calendar, and `cutoff`, `cycle`, `next_cycle`, ... among the functions of this workspace."""
    calendars: dict[str, Callable[[str | None], Calendar]] = {}
    for document in compilation.documents(CalendarDocument).values():
        made = _calendar(compilation, document)
        if made is not None:
            calendars[str(document.name)] = made
    compilation.functions = joined(compilation.functions, calendar_functions(calendars))


def _calendar(
    compilation: Compilation, document: CalendarDocument
) -> Callable[[str | None], Calendar] | None:
    rule = None if document.cycles is None else _rule(compilation, document.cycles)
    hours = _hours(compilation, document)
    if (document.cycles is not None and rule is None) or hours is None:
        return None

    def make(zone: str, country: str | None) -> Calendar:
        days = {*_holidays(country), *document.days_off}
        return Calendar(
            name=str(document.name), zone=zone, holidays=frozenset(days), hours=hours, cycles=rule
        )

    if document.by is not None:
        return _by_key(compilation, document.by, make)
    zone = document.time_zone
    assert zone is not None
    if not _is_zone(zone):
        compilation.report(
            problems.bad_calendar(zone, f"there is no time zone {str(zone)!r}", "write Europe/Berlin")
        )
        return None
    country = None if document.holidays is None else str(document.holidays)
    if country is not None and not _is_country(country):
        assert document.holidays is not None
        why = f"no public holidays are known for {country}"
        compilation.report(
            problems.bad_calendar(document.holidays, why, "write an ISO 3166 code, such as DE")
        )
        return None
    calendar = make(str(zone), country)
    return lambda _: calendar


def _by_key(
    compilation: Compilation, by: ByDocument, make: Callable[[str, str | None], Calendar]
) -> Callable[[str | None], Calendar] | None:
    """A calendar for each row of a table, made when it is first asked for."""
    table = compilation.tables.get(str(by.table))
    if table is None:
        compilation.unknown("table", by.table, compilation.tables)
        return None
    columns = compilation.table_types[table.name]
    for column in (by.time_zone, by.holidays):
        if column is not None and str(column) not in columns:
            compilation.unknown("column", column, columns, of=f"table {table.name}")
            return None
    for row in (row for rows in table.rows.values() for row in rows):
        zone = row.get(str(by.time_zone))
        if not isinstance(zone, str) or not _is_zone(zone):
            compilation.report(
                problems.bad_calendar(by.time_zone, f"{zone!r} is no time zone", "mend the table")
            )
            return None

    @cache
    def find(key: str | None) -> Calendar:
        if key is None:
            raise EvaluationError(f"this calendar needs a key of table {table.name} as its last argument")
        row = table.find(key)
        if row is None:
            raise EvaluationError(f"table {table.name} has no row {key!r}")
        country = None if by.holidays is None else row[str(by.holidays)]
        return make(str(row[str(by.time_zone)]), None if country is None else str(country))

    return find


def _rule(compilation: Compilation, cycles: CyclesDocument) -> CycleRule | None:
    every = str(cycles.every)
    wrong = name_pattern_mistake(str(cycles.named))
    if wrong is not None:
        compilation.report(problems.bad_calendar(cycles.named, wrong, "write %G-W%V, %Y-%m or %Y-Q%q"))
        return None
    try:
        cutoff = parse_cutoff(str(cycles.cutoff), every)  # type: ignore[arg-type]
    except ValueError as error:
        compilation.report(
            problems.bad_calendar(cycles.cutoff, str(error), "write friday 18:00, or day 3 18:00")
        )
        return None
    try:
        starts = parse_starts(str(cycles.starts), every)  # type: ignore[arg-type]
    except ValueError as error:
        compilation.report(
            problems.bad_calendar(_written(cycles.starts, cycles.every), str(error), "write monday")
        )
        return None
    return CycleRule(
        every=every,  # type: ignore[arg-type]
        name=str(cycles.named),
        cutoff=cutoff,
        starts=starts,
        grace=timedelta() if cycles.grace is None else timedelta(seconds=cycles.grace.seconds),
        moves=str(cycles.moves),  # type: ignore[arg-type]
    )


def _hours(compilation: Compilation, document: CalendarDocument) -> tuple[tuple[Hours, ...], ...] | None:
    """The hours of work of each day of the week, from Monday."""
    start, _, end = str(document.business_hours).partition("-")
    try:
        hours = Hours(start=time.fromisoformat(start), end=time.fromisoformat(end))
    except ValueError as error:
        place = _written(document.business_hours, document.name)
        compilation.report(problems.bad_calendar(place, str(error), "write 09:00-17:00"))
        return None
    for day in document.business_days:
        if str(day) not in WEEKDAYS:
            place = _written(day, document.name)
            compilation.report(
                problems.bad_calendar(place, f"{str(day)!r} is no day of the week", "write monday")
            )
            return None
    worked = {str(day) for day in document.business_days}
    return tuple((hours,) if day in worked else () for day in WEEKDAYS)


def _written(text: str, otherwise: Text) -> Text:
    """A text with its place; one that is a default was written by nobody, and stands where the other does."""
    return text if isinstance(text, Text) else otherwise


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError):
        return False
    return True


def _is_country(code: str) -> bool:
    return code in holidays.list_supported_countries(include_aliases=False)


@cache
def _holidays(country: str | None) -> Mapping[date, str]:
    if country is None:
        return {}
    return dict(holidays.country_holidays(country, years=YEARS))
