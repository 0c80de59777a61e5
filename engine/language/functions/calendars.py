"""Functions on calendars, which are handed in by name: `cutoff('billing', entry.worked_on)`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias

from engine.language.calendar import Calendar
from engine.language.functions.arguments import Argument, day, instant, text, whole
from engine.language.functions.spec import FunctionSpec, FunctionTable, Parameter, function_table
from engine.values.type import ANY, BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, STRING, Field, Record

Calendars: TypeAlias = Mapping[str, Callable[[str | None], Calendar]]
"""Calendars by name; each is made from a key (a legal entity) or, for one that has no key, from None.

The callable raises EvaluationError when it needs a key and has none, or knows no such key.
"""

CYCLE = Record(
    name="cycle",
    fields={
        "name": Field(type=STRING, required=True, about="2026-W22"),
        "start": Field(type=DATE, required=True, about="its first day"),
        "end": Field(type=DATE, required=True, about="its last day"),
        "closes": Field(type=DATETIME, required=True, about="the cutoff without grace"),
        "cutoff": Field(type=DATETIME, required=True, about="what is later belongs to a later cycle"),
    },
)
_DATE = Parameter(name="date", type=DATE)
_KEY = Parameter(name="key", type=ANY, optional=True, nullable=True)


_AFTER = Parameter(name="after", type=DATETIME, optional=True, nullable=True)
_DAYS = Parameter(name="days", type=INTEGER)
_FROM, _TO = Parameter(name="start", type=DATETIME), Parameter(name="end", type=DATETIME)


def calendar_functions(calendars: Calendars) -> FunctionTable:
    """The functions that read calendars of a table; a name that is not in it is a mistake of the author."""
    named = Parameter(name="calendar", type=STRING, literal=True, choices=tuple(sorted(calendars)))

    def of(name: Argument, key: Argument) -> Calendar:
        return calendars[text(name)](None if key is None else text(key))

    return function_table((*_on_cycles(named, of), *_on_days(named, of)))


_Of: TypeAlias = Callable[[Argument, Argument], Calendar]
_function = partial(FunctionSpec, family="calendars")


def _on_cycles(named: Parameter, of: _Of) -> Sequence[FunctionSpec]:
    def following(name: Argument, on: Argument, key: Argument = None, after: Argument = None) -> Argument:
        moment: datetime | None = None if after is None else instant(after)
        return of(name, key).next_cycle(day(on), moment).as_value()

    return (
        _function(
            name="cycle",
            parameters=(named, _DATE, _KEY),
            result=CYCLE,
            summary="The cycle that a date falls in: name, start, end, closes, cutoff.",
            call=lambda name, on, key=None: of(name, key).cycle(day(on)).as_value(),
        ),
        _function(
            name="cutoff",
            parameters=(named, _DATE, _KEY),
            result=DATETIME,
            summary="The instant after which the cycle of a date takes nothing more; grace is included.",
            call=lambda name, on, key=None: of(name, key).cutoff(day(on)),
        ),
        _function(
            name="next_cycle",
            parameters=(named, _DATE, _KEY, _AFTER),
            result=CYCLE,
            summary="The cycle after the one of a date; with `after`, the first still open then.",
            call=following,
        ),
    )


def _on_days(named: Parameter, of: _Of) -> Sequence[FunctionSpec]:
    def shifted(name: Argument, on: Argument, days: Argument, key: Argument = None) -> Argument:
        return of(name, key).add_business_days(day(on), whole(days))

    def open_hours(name: Argument, start: Argument, end: Argument, key: Argument = None) -> Argument:
        return of(name, key).business_hours_between(instant(start), instant(end))

    return (
        _function(
            name="is_business_day",
            parameters=(named, _DATE, _KEY),
            result=BOOLEAN,
            summary="Whether a date is a business day.",
            call=lambda name, on, key=None: of(name, key).is_business_day(day(on)),
        ),
        _function(
            name="add_business_days",
            parameters=(named, _DATE, _DAYS, _KEY),
            result=DATE,
            summary="The date so many business days later, or earlier.",
            call=shifted,
        ),
        _function(
            name="business_hours_between",
            parameters=(named, _FROM, _TO, _KEY),
            result=DECIMAL,
            summary="The hours of business between two instants.",
            call=open_hours,
        ),
    )
