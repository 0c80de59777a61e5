"""Calendars, and the functions that read them."""

from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

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
from engine.plan.table import Row, Table
from engine.problems import did_you_mean
from engine.source import Text
from engine.values.value import Value
from engine.workspace.kinds.reference import ByDocument, CalendarDocument, CyclesDocument

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Public holidays are listed for these years; a run is about the past, the present and the near future.
YEARS = range(2015, 2041)


def build_calendars(compilation: Compilation) -> None:
    """Every calendar, and `cutoff`, `cycle`, `next_cycle`, ... among the functions of this workspace."""
    # One with a mistake is known all the same, so that nobody reports that it is missing.
    broken = {name for kind, name in compilation.workspace.broken if kind == CalendarDocument.kind}
    calendars: dict[str, Callable[[str | None], Calendar]] = dict.fromkeys(broken, _unusable)
    for document in compilation.documents(CalendarDocument).values():
        calendars[str(document.name)] = _calendar(compilation, document) or _unusable
        if document.by is not None:
            compilation.calendar_tables[str(document.name)] = str(document.by.table)
            if document.by.key is not None:
                compilation.calendar_keys[str(document.name)] = str(document.by.key)
    compilation.calendars = calendars
    compilation.functions = joined(compilation.functions, calendar_functions(calendars))


def _unusable(_key: str | None) -> Calendar:
    raise EvaluationError("this calendar cannot be used")


def _calendar(
    compilation: Compilation, document: CalendarDocument
) -> Callable[[str | None], Calendar] | None:
    rule = None if document.cycles is None else _rule(compilation, document.cycles)
    hours = _hours(compilation, document) or ()
    spoiled = (document.cycles is not None and rule is None) or not hours

    def make(zone: str, country: str | None) -> Calendar:
        days = {*_holidays(country), *document.days_off}
        return Calendar(
            name=str(document.name), zone=zone, holidays=frozenset(days), hours=hours, cycles=rule
        )

    found = _by_key(compilation, document.by, make) if document.by else _plain(compilation, document, make)
    return None if spoiled else found


def _plain(
    compilation: Compilation, document: CalendarDocument, make: Callable[[str, str | None], Calendar]
) -> Callable[[str | None], Calendar] | None:
    """A calendar that is the same for everybody."""
    zone, country = document.time_zone, document.holidays
    assert zone is not None
    right_zone = is_zone(zone)
    if not right_zone:
        why = f"there is no time zone `{zone}`"
        helps = did_you_mean(zone, available_timezones()) or ("write an IANA name such as Europe/Berlin",)
        compilation.report(problems.bad_calendar(zone, why, helps[0]))
    right_country = country is None or _is_country(country)
    if country is not None and not right_country:
        why = f"no public holidays are known for `{country}`"
        compilation.report(problems.bad_calendar(country, why, "write an ISO 3166 code, such as DE"))
    if not (right_zone and right_country):
        return None
    calendar: list[Calendar] = []  # made when first asked for: holidays of many years cost a moment

    def find(_key: str | None) -> Calendar:
        if not calendar:
            calendar.append(make(str(zone), None if country is None else str(country)))
        return calendar[0]

    return find


def _by_key(
    compilation: Compilation, by: ByDocument, make: Callable[[str, str | None], Calendar]
) -> Callable[[str | None], Calendar] | None:
    """A calendar for each row of a table, made when it is first asked for."""
    table = compilation.tables.get(str(by.table))
    if table is None:
        compilation.unknown("table", by.table, compilation.tables)
        return None
    if not _is_table_of_calendars(compilation, by, table):
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


def _is_table_of_calendars(compilation: Compilation, by: ByDocument, table: Table) -> bool:
    """Whether each key of a table has one row, with a time zone and a country that are known."""
    columns = compilation.table_types[table.name]
    unknown = [one for one in (by.time_zone, by.holidays) if one is not None and str(one) not in columns]
    for column in unknown:
        compilation.unknown("column", column, columns, of=f"table `{table.name}`")
    if len(table.key) != 1 or table.start is not None:
        why = f"table `{table.name}` has not one row for one key, so that no calendar can be found in it"
        helps = "name a table with one key column and without `effective:`"
        compilation.report(problems.bad_calendar(by.table, why, helps))
        return False
    if unknown:
        return False
    rows = [row for rows in table.rows.values() for row in rows]
    zones = _all(compilation, rows, by.time_zone, is_zone, "a time zone")
    return (
        _all(compilation, rows, by.holidays, _is_country_or_none, "a country with known holidays") and zones
    )


def _all(
    compilation: Compilation,
    rows: list[Row],
    column: Text | None,
    right: Callable[[Value], bool],
    what: str,
) -> bool:
    """Whether a column is right in all rows; the first that is not is reported."""
    wrong = None if column is None else next((row for row in rows if not right(row[str(column)])), None)
    if column is None or wrong is None:
        return True
    why = f"{wrong[str(column)]!s} in column `{column}` is not {what}"
    compilation.report(problems.bad_calendar(column, why, "mend the row of the table"))
    return False


def _rule(compilation: Compilation, cycles: CyclesDocument) -> CycleRule | None:
    every = str(cycles.every)
    wrong = name_pattern_mistake(str(cycles.named))
    if wrong is not None:
        _complain(compilation, cycles.named, wrong)
    cutoff = starts = None
    try:
        cutoff = parse_cutoff(str(cycles.cutoff), every)  # type: ignore[arg-type]
    except ValueError as error:
        _complain(compilation, cycles.cutoff, str(error))
    try:
        starts = parse_starts(_starts(cycles), every)  # type: ignore[arg-type]
    except ValueError as error:
        _complain(compilation, _written(cycles.starts, cycles.every), str(error))
    if wrong is not None or cutoff is None or starts is None:
        return None
    return CycleRule(
        every=every,  # type: ignore[arg-type]
        name=str(cycles.named),
        cutoff=cutoff,
        starts=starts,
        grace=timedelta() if cycles.grace is None else timedelta(seconds=cycles.grace.seconds),
        moves=str(cycles.moves),  # type: ignore[arg-type]
    )


def _starts(cycles: CyclesDocument) -> str:
    """The first day of a cycle as written; when it is not, of all but weeks the first of the month."""
    starts: str = cycles.starts  # a default is no Text: nobody wrote it
    return str(starts) if isinstance(starts, Text) or cycles.every == "week" else "day 1"


def _complain(compilation: Compilation, text: Text, sentence: str) -> None:
    """Report what a parser of the calendar says: what is wrong; behind a semicolon, what to write."""
    why, _, helps = sentence.partition("; ")
    compilation.report(problems.bad_calendar(text, why, helps))


def _hours(compilation: Compilation, document: CalendarDocument) -> tuple[tuple[Hours, ...], ...] | None:
    """The hours of work of each day of the week, from Monday."""
    hours = _hours_of(str(document.business_hours))
    if hours is None:
        why = f"`{document.business_hours}` are no hours of a day; write 09:00-17:00"
        _complain(compilation, _written(document.business_hours, document.name), why)
    wrong = [day for day in document.business_days if str(day) not in WEEKDAYS]
    for day in wrong:
        near = did_you_mean(day, WEEKDAYS) or ("write monday",)
        _complain(compilation, _written(day, document.name), f"`{day}` is no day of the week; {near[0]}")
    if wrong or hours is None:
        return None
    worked = {str(day) for day in document.business_days}
    return tuple((hours,) if day in worked else () for day in WEEKDAYS)


def _hours_of(text: str) -> Hours | None:
    """Two times of day, the second later than the first or the midnight after it."""
    start, _, end = text.partition("-")
    try:
        hours = Hours(start=time.fromisoformat(start), end=time.fromisoformat(end))
    except ValueError:
        return None
    return hours if hours.start < hours.end or hours.end == time() else None


def _written(text: str, otherwise: Text) -> Text:
    """A text with its place; one that is a default was written by nobody, and stands where the other does."""
    return text if isinstance(text, Text) else otherwise


def is_zone(name: Value) -> bool:
    """Whether a value names a time zone."""
    if not isinstance(name, str):
        return False
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # the last is ZoneInfoNotFoundError
        return False
    return True


def _is_country(code: Value) -> bool:
    import holidays

    # Its own list of them imports every country.
    return code in {codes[1] for codes in holidays.registry.COUNTRIES.values()}


def _is_country_or_none(code: Value) -> bool:
    return code is None or _is_country(code)


@cache
def _holidays(country: str | None) -> Mapping[date, str]:
    if country is None:
        return {}
    import holidays

    return dict(holidays.country_holidays(country, years=YEARS))
