"""Functions on dates and instants. A date of an instant exists only in a zone, which is always said."""

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.language.calendar import instant_at
from engine.language.compiled import EvaluationError
from engine.language.formula_operators import EXACT
from engine.language.functions.arguments import Argument, day, expected, instant, text, whole
from engine.language.functions.spec import FunctionSpec, Parameter, Unfit
from engine.language.known import Known
from engine.values.instant import in_utc
from engine.values.type import DATE, DATETIME, DECIMAL, INTEGER, STRING, Enum

_DATE = Parameter(name="date", type=DATE)
_INSTANT = Parameter(name="instant", type=DATETIME)
_ZONE = Parameter(name="zone", type=STRING)
_PATTERN = Parameter(name="pattern", type=STRING)
_function = partial(FunctionSpec, family="dates")

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TOKEN = re.compile("YYYY|YY|MMM|MM|DD|HH|mm|ss|M|D|[A-Za-z]|[^A-Za-z]")
_READ = {
    "YYYY": "(?P<year>[0-9]{4})",
    "MMM": f"(?P<word>{'|'.join(MONTHS)})",
    "MM": "(?P<month>[0-9]{2})",
    "M": "(?P<month>[0-9]{1,2})",
    "DD": "(?P<day>[0-9]{2})",
    "D": "(?P<day>[0-9]{1,2})",
}
_WRITE: dict[str, Callable[[Argument], str]] = {
    "YYYY": lambda value: f"{value.year:04d}",
    "YY": lambda value: f"{value.year % 100:02d}",
    "MMM": lambda value: MONTHS[value.month - 1],
    "MM": lambda value: f"{value.month:02d}",
    "M": lambda value: str(value.month),
    "DD": lambda value: f"{value.day:02d}",
    "D": lambda value: str(value.day),
    "HH": lambda value: f"{value.hour:02d}",
    "mm": lambda value: f"{value.minute:02d}",
    "ss": lambda value: f"{value.second:02d}",
}
_PARTS = "YYYY YY MMM MM M DD D HH mm ss"


def zone_named(name: Argument) -> ZoneInfo:
    """The time zone of a name such as America/New_York."""
    try:
        return ZoneInfo(text(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise EvaluationError(f"there is no time zone `{name}` (write America/New_York)") from None


def _date(value: Argument, zone: Argument = None) -> date:
    if isinstance(value, datetime):
        if zone is None:
            raise EvaluationError(
                "an instant has a date only in a zone; write date(value, 'America/New_York')"
            )
        return value.astimezone(zone_named(zone)).date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(text(value))
    except ValueError:
        raise EvaluationError(f"'{value[:40]}' is not a date (write 2026-05-29)") from None


def _datetime(value: Argument) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        raise EvaluationError(f"'{value[:40]}' is not a date and time (write 2026-05-29T18:00:00Z)") from None
    if found.tzinfo is None:
        raise EvaluationError(f"'{value[:40]}' has no time zone (end it in Z or +02:00)")
    try:
        return in_utc(found)
    except ValueError as error:
        raise EvaluationError(f"'{value[:40]}' is no instant: {error}") from None


def _at_time(on: Argument, at: Argument, zone: Argument) -> datetime:
    try:
        clock = time.fromisoformat(text(at))
    except ValueError:
        raise EvaluationError(f"'{at}' is not a time of day (write 18:00)") from None
    if clock.tzinfo is not None:
        raise EvaluationError("the time of day has no zone of its own; the third argument says it")
    return instant_at(day(on), clock, zone_named(zone))


def _moved(value: Argument, by: timedelta) -> Argument:
    try:
        return value + by
    except OverflowError:
        raise EvaluationError("the result is too far away for a calendar") from None


def _span(**amount: int) -> timedelta:
    try:
        return timedelta(**amount)
    except OverflowError:
        raise EvaluationError("the result is too far away for a calendar") from None


def _add_days(on: Argument, count: Argument) -> date:
    return _moved(day(on), _span(days=whole(count)))  # type: ignore[no-any-return]


def _add_months(on: Argument, count: Argument) -> date:
    """The same day of another month, or the last one of that month where there is no such day."""
    start = day(on)
    months = start.year * 12 + start.month - 1 + whole(count)
    year, month = months // 12, months % 12 + 1
    if not 1 <= year <= 9999:
        raise EvaluationError("the result is too far away for a calendar")
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def _month_end(on: Argument) -> date:
    start = day(on)
    return start.replace(day=monthrange(start.year, start.month)[1])


def _quarter_start(on: Argument) -> date:
    start = day(on)
    return date(start.year, (start.month - 1) // 3 * 3 + 1, 1)


def _elapsed(start: Argument, end: Argument, seconds: int) -> Decimal:
    """The time between two instants, in units of so many seconds."""
    passed = (instant(end) - instant(start)) // timedelta(microseconds=1)
    return EXACT.divide(Decimal(passed), Decimal(seconds * 1_000_000))


def _add_seconds(at: Argument, count: Argument, seconds: int) -> datetime:
    start = instant(at)
    microseconds = EXACT.multiply(
        count if isinstance(count, Decimal) else Decimal(whole(count)), seconds * 1_000_000
    )
    return _moved(start, _span(microseconds=int(microseconds)))  # type: ignore[no-any-return]


def _iso_week(on: Argument) -> str:
    year, week, _ = day(on).isocalendar()
    return f"{year:04d}-W{week:02d}"


@lru_cache(maxsize=256)
def _tokens(pattern: str) -> tuple[str, ...]:
    """The parts of a pattern, checked: letters that are no part have no meaning and are refused."""
    tokens = tuple(_TOKEN.findall(pattern))
    for token in tokens:
        if token.isalpha() and token not in _WRITE:
            raise EvaluationError(f"`{token}` in '{pattern}' is not part of a date; there are {_PARTS}")
    return tokens


@lru_cache(maxsize=256)
def _reader(pattern: str) -> re.Pattern[str]:
    tokens = _tokens(pattern)
    named = [token for token in tokens if token in _WRITE]
    kinds = sorted(token[0] for token in named)
    if kinds != ["D", "M", "Y"] or any(token not in _READ for token in named):
        raise EvaluationError(
            f"'{pattern}' cannot be read as a date; it needs YYYY, a month and a day, once each"
        )
    return re.compile("".join(_READ.get(token) or re.escape(token) for token in tokens), re.ASCII)


def _parse_date(value: Argument, pattern: Argument) -> date:
    found = _reader(text(pattern)).fullmatch(text(value))
    if found is None:
        raise EvaluationError(f"'{value[:40]}' is not a date written as {pattern}")
    parts = found.groupdict()
    month = MONTHS.index(parts["word"]) + 1 if "word" in parts else int(parts["month"])
    try:
        return date(int(parts["year"]), month, int(parts["day"]))
    except ValueError:
        raise EvaluationError(f"'{value[:40]}' is not a day of the calendar") from None


def _format_date(value: Argument, pattern: Argument, zone: Argument = None) -> str:
    tokens = _tokens(text(pattern))
    if isinstance(value, datetime):
        if zone is None:
            raise EvaluationError("an instant is written in a zone; give it as the third argument")
        value = value.astimezone(zone_named(zone))
    elif not isinstance(value, date):
        raise expected("a date", value)
    elif any(token in ("HH", "mm", "ss") for token in tokens):
        raise EvaluationError("a date has no hours, minutes and seconds")
    return "".join(_WRITE[token](value) if token in _WRITE else token for token in tokens)


def _in_a_zone(name: str, zone: int) -> Callable[[Sequence[Known]], Unfit | None]:
    """An instant that is taken for a day, and nobody says in which zone."""

    def refuses(given: Sequence[Known]) -> Unfit | None:
        if given[0].type != DATETIME or len(given) > zone:
            return None
        message = f"an instant has a date only in a zone, and {name}() is given none"
        return Unfit("dates", message, "give the zone as the last argument: 'America/New_York'")

    return refuses


def _readable(read: Callable[[Argument], object]) -> Callable[[Sequence[Known]], Unfit | None]:
    """Text that is written out, and is none of what is read."""

    def refuses(given: Sequence[Known]) -> Unfit | None:
        kind = given[0].type
        if not (isinstance(kind, Enum) and len(kind.values) == 1):
            return None
        try:
            read(kind.values[0])
        except EvaluationError as error:
            return Unfit("dates", error.message)
        return None

    return refuses


def _date_refuses(given: Sequence[Known]) -> Unfit | None:
    return _in_a_zone("date", 1)(given) or _readable(_date)(given)


_DAY = Parameter(name="value", type=DATE, others=(DATETIME,))

DATES = (
    _function(
        name="date",
        refuses=_date_refuses,
        parameters=(
            Parameter(name="value", type=STRING, others=(DATE, DATETIME)),
            Parameter(name="zone", type=STRING, optional=True),
        ),
        result=DATE,
        summary="The date of text in ISO form, or of an instant in a time zone.",
        call=_date,
        examples=(
            ("date('2026-05-29') - date('2026-05-01')", "28"),
            ("date(datetime('2026-05-30T02:00:00Z'), 'America/New_York')", "date('2026-05-29')"),
        ),
    ),
    _function(
        name="datetime",
        refuses=_readable(_datetime),
        parameters=(Parameter(name="value", type=STRING, others=(DATETIME,)),),
        result=DATETIME,
        summary="The instant of text in ISO form; it says its zone.",
        call=_datetime,
        examples=(("datetime('2026-05-29T18:00:00-04:00') == datetime('2026-05-29T22:00:00Z')", "True"),),
    ),
    _function(
        name="at_time",
        parameters=(_DATE, Parameter(name="time", type=STRING), _ZONE),
        result=DATETIME,
        summary="The instant of a local time; a skipped one is the first after it, a repeated one its first.",
        call=_at_time,
        examples=(
            (
                "at_time(date('2026-05-29'), '18:00', 'America/New_York')",
                "datetime('2026-05-29T22:00:00Z')",
            ),
        ),
    ),
    _function(
        name="days_between",
        parameters=(Parameter(name="start", type=DATE), Parameter(name="end", type=DATE)),
        result=INTEGER,
        summary="The whole days from one date to another.",
        call=lambda start, end: (day(end) - day(start)).days,
        examples=(("days_between(date('2026-02-27'), date('2026-03-01'))", "2"),),
    ),
    _function(
        name="hours_between",
        parameters=(Parameter(name="start", type=DATETIME), Parameter(name="end", type=DATETIME)),
        result=DECIMAL,
        summary="The hours that pass from one instant to another.",
        call=lambda start, end: _elapsed(start, end, 3600),
        examples=(
            ("hours_between(datetime('2026-05-29T22:00:00Z'), datetime('2026-05-29T23:30:00Z'))", "1.5"),
        ),
    ),
    _function(
        name="minutes_between",
        parameters=(Parameter(name="start", type=DATETIME), Parameter(name="end", type=DATETIME)),
        result=DECIMAL,
        summary="The minutes that pass from one instant to another.",
        call=lambda start, end: _elapsed(start, end, 60),
        examples=(
            ("minutes_between(datetime('2026-05-29T22:00:00Z'), datetime('2026-05-29T22:05:00Z'))", "5"),
        ),
    ),
    _function(
        name="add_days",
        parameters=(_DATE, Parameter(name="days", type=INTEGER)),
        result=DATE,
        summary="The date so many days later, or earlier.",
        call=_add_days,
        examples=(("add_days(date('2026-12-31'), 1)", "date('2027-01-01')"),),
    ),
    _function(
        name="add_months",
        parameters=(_DATE, Parameter(name="months", type=INTEGER)),
        result=DATE,
        summary="The same day of a later month, or that month's last day.",
        call=_add_months,
        examples=(("add_months(date('2026-01-31'), 1)", "date('2026-02-28')"),),
    ),
    _function(
        name="add_hours",
        parameters=(_INSTANT, Parameter(name="hours", type=DECIMAL)),
        result=DATETIME,
        summary="The instant so many hours later, or earlier.",
        call=lambda at, count: _add_seconds(at, count, 3600),
        examples=(("add_hours(datetime('2026-05-29T22:00:00Z'), 1.5)", "datetime('2026-05-29T23:30:00Z')"),),
    ),
    _function(
        name="add_minutes",
        parameters=(_INSTANT, Parameter(name="minutes", type=DECIMAL)),
        result=DATETIME,
        summary="The instant so many minutes later, or earlier.",
        call=lambda at, count: _add_seconds(at, count, 60),
        examples=(
            ("add_minutes(datetime('2026-05-29T22:00:00Z'), -30)", "datetime('2026-05-29T21:30:00Z')"),
        ),
    ),
    _function(
        name="month_start",
        parameters=(_DATE,),
        result=DATE,
        summary="The first day of the month.",
        call=lambda on: day(on).replace(day=1),
        examples=(("month_start(date('2026-05-29'))", "date('2026-05-01')"),),
    ),
    _function(
        name="month_end",
        parameters=(_DATE,),
        result=DATE,
        summary="The last day of the month.",
        call=_month_end,
        examples=(("month_end(date('2028-02-01'))", "date('2028-02-29')"),),
    ),
    _function(
        name="quarter_start",
        parameters=(_DATE,),
        result=DATE,
        summary="The first day of the quarter of the year.",
        call=_quarter_start,
        examples=(("quarter_start(date('2026-05-29'))", "date('2026-04-01')"),),
    ),
    _function(
        name="quarter_end",
        parameters=(_DATE,),
        result=DATE,
        summary="The last day of the quarter of the year.",
        call=lambda on: _month_end(_add_months(_quarter_start(on), 2)),
        examples=(("quarter_end(date('2026-05-29'))", "date('2026-06-30')"),),
    ),
    _function(
        name="year",
        parameters=(_DATE,),
        result=INTEGER,
        summary="The year of a date.",
        call=lambda on: day(on).year,
        examples=(("year(date('2026-05-29'))", "2026"),),
    ),
    _function(
        name="month",
        parameters=(_DATE,),
        result=INTEGER,
        summary="The month of a date, 1 to 12.",
        call=lambda on: day(on).month,
        examples=(("month(date('2026-05-29'))", "5"),),
    ),
    _function(
        name="day",
        parameters=(_DATE,),
        result=INTEGER,
        summary="The day of the month of a date.",
        call=lambda on: day(on).day,
        examples=(("day(date('2026-05-29'))", "29"),),
    ),
    _function(
        name="weekday",
        parameters=(_DATE,),
        result=INTEGER,
        summary="The day of the week of a date: 1 is Monday, 7 is Sunday.",
        call=lambda on: day(on).isoweekday(),
        examples=(("weekday(date('2026-05-29'))", "5"),),
    ),
    _function(
        name="iso_week",
        parameters=(_DATE,),
        result=STRING,
        summary="The ISO year and week of a date.",
        call=_iso_week,
        examples=(("iso_week(date('2027-01-01'))", "'2026-W53'"),),
    ),
    _function(
        name="parse_date",
        parameters=(Parameter(name="text", type=STRING), _PATTERN),
        result=DATE,
        summary="A date from text of a fixed form, made of YYYY, MM, M or MMM, and DD or D.",
        call=_parse_date,
        examples=(
            ("parse_date('05/29/2026', 'MM/DD/YYYY')", "date('2026-05-29')"),
            ("parse_date('9-May-2026', 'D-MMM-YYYY')", "date('2026-05-09')"),
        ),
    ),
    _function(
        name="format_date",
        refuses=_in_a_zone("format_date", 2),
        parameters=(
            _DAY,
            _PATTERN,
            Parameter(name="zone", type=STRING, optional=True),
        ),
        result=STRING,
        summary=f"A date, or an instant in a zone, written in a form made of {_PARTS}.",
        call=_format_date,
        examples=(
            ("format_date(date('2026-05-29'), 'MM/DD/YYYY')", "'05/29/2026'"),
            (
                "format_date(datetime('2026-05-29T22:00:00Z'), 'D MMM YYYY HH:mm', 'Europe/Berlin')",
                "'30 May 2026 00:00'",
            ),
        ),
    ),
)
