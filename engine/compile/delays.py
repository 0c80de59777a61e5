"""Lengths of time, made into functions: by the clock, or by the business days of a calendar."""

from collections.abc import Callable
from datetime import datetime, timedelta

from engine.compile import policy_problems
from engine.compile.body import Body
from engine.compile.compilation import Compilation
from engine.language.calendar import Calendar
from engine.plan.delay import Delay
from engine.source import Text
from engine.spec.field import Duration, FormulaText
from engine.workspace.kinds.delay import CalendarUseDocument

LONGEST_SECONDS = 10 * 366 * 86_400
WEEKDAYS = Calendar(zone="UTC", name="weekdays")  # counted where no calendar is named


def delay(
    compilation: Compilation,
    length: Duration,
    use: CalendarUseDocument | None,
    body: Callable[[], Body],
    title: str,
) -> Delay:
    """A length of time as a function of an instant, and of the key of its calendar; reports what is wrong."""
    if length.seconds > LONGEST_SECONDS or length.amount == 0:
        compilation.report(policy_problems.delay_out_of_bounds(length.span))
    text = f"{length.amount} {'business ' if length.business else ''}{length.unit}"
    text += "" if length.amount == 1 else "s"
    if use is not None and not length.business:
        compilation.report(policy_problems.calendar_for_nothing(use.name, text))
    if not length.business:
        elapsed = timedelta(seconds=min(length.seconds, LONGEST_SECONDS))
        return Delay(text=text, due=lambda at, _key: at + elapsed)
    if use is None:
        return Delay(text=text, due=_counted(length, lambda _key: WEEKDAYS))
    return _by_calendar(compilation, length, use, body, title, text)


def _by_calendar(
    compilation: Compilation,
    length: Duration,
    use: CalendarUseDocument,
    body: Callable[[], Body],
    title: str,
    text: str,
) -> Delay:
    name = str(use.name)
    find = compilation.calendars.get(name)
    if find is None:
        compilation.unknown("calendar", use.name, compilation.calendars)
        return Delay(text=text, due=_counted(length, lambda _key: WEEKDAYS))
    key = _key(compilation, use)
    differs = name in compilation.calendar_tables
    if differs and key is None:
        compilation.report(policy_problems.length_without_key(use.name, compilation.calendar_tables[name]))
    elif use.key is not None and not differs:
        compilation.report(policy_problems.key_for_nothing(use.key, name))
    compiled = None if key is None or not differs else body().compiled(f"{title} calendar", key)
    return Delay(text=text, due=_counted(length, find), key=compiled)


def _key(compilation: Compilation, use: CalendarUseDocument) -> Text | None:
    """Where the key of a calendar is: as said here, or as the calendar says."""
    said = compilation.calendar_keys.get(str(use.name))
    if use.key is not None or said is None:
        return use.key
    return FormulaText(said, use.name.span)


def _counted(
    length: Duration, find: Callable[[str | None], Calendar]
) -> Callable[[datetime, str | None], datetime]:
    if length.unit == "day":
        return lambda at, key: find(key).after_business_days(at, length.amount)
    return lambda at, key: find(key).after_business_time(at, timedelta(hours=length.amount))
