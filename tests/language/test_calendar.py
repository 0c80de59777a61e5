"""Calendars: cycles that tile time, cutoffs that only grow, and clocks that jump."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.calendar import (
    OFFICE_HOURS,
    Calendar,
    Cutoff,
    CycleRule,
    Hours,
    cycle_name,
    instant_at,
    name_pattern_mistake,
    parse_cutoff,
    parse_starts,
)
from engine.language.compiled import EvaluationError
from engine.language.formula import compile_formula
from engine.language.functions.calendars import calendar_functions
from engine.language.functions.spec import joined
from engine.language.functions.standard import STANDARD
from tests.language.exact_cases import read_cases

DAY = timedelta(days=1)


def calendar(zone, *, every, starts, name, cutoff, grace=0, moves="none", holidays=(), first_month=1):
    rule = CycleRule(
        every=every,
        starts=parse_starts(starts, every),
        name=name,
        cutoff=parse_cutoff(cutoff, every),
        grace=timedelta(minutes=grace),
        moves=moves,
        first_month=first_month,
    )
    return Calendar(zone=zone, holidays=frozenset(map(date.fromisoformat, holidays)), cycles=rule)


@pytest.mark.parametrize("given, case", read_cases("calendar.yaml", "day"))
def test_case(given, case):
    found = calendar(**given).cycle(date.fromisoformat(case["day"]))
    shown = {"name": found.name, "start": str(found.start), "end": str(found.end)}
    assert shown == {key: case[key] for key in shown}
    assert found.cutoff == datetime.fromisoformat(case["cutoff"])
    assert found.cutoff.utcoffset() == timedelta(0)


# -- what holds for every calendar

ZONES = st.sampled_from(
    ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]
)
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30, 59]))
DATES = st.dates(date(1990, 1, 1), date(2060, 12, 31))
MOVES = st.sampled_from(["none", "business_day_before", "business_day_after"])
GRACES = st.sampled_from([timedelta(), timedelta(hours=2), timedelta(days=2)])


@st.composite
def rules(draw):
    every = draw(st.sampled_from(["week", "half_month", "month", "quarter"]))
    starts = {"week": st.integers(0, 6), "half_month": st.just(1)}.get(every, st.integers(1, 28))
    kinds = [st.builds(Cutoff, at=TIMES, days=st.integers(0, 28), business=st.booleans())]
    if every == "week":
        kinds.append(st.builds(Cutoff, at=TIMES, weekday=st.integers(0, 6)))
    return CycleRule(
        every=every,
        starts=draw(starts),
        name="%Y-%m-%d",
        cutoff=draw(st.one_of(kinds)),
        first_month=draw(st.integers(1, 12)),
        grace=draw(GRACES),
        moves=draw(MOVES),
    )


CALENDARS = st.builds(
    Calendar,
    zone=ZONES,
    holidays=st.frozensets(st.dates(date(2024, 1, 1), date(2027, 1, 1)), max_size=40),
    cycles=rules(),
)


@given(CALENDARS, DATES)
def test_cycles_tile_the_calendar(calendar, on):
    found = calendar.cycle(on)
    assert found.start <= on <= found.end
    assert calendar.cycle(found.start) == calendar.cycle(found.end) == found
    assert calendar.cycle(found.end + DAY).start == found.end + DAY
    assert calendar.cycle(found.start - DAY).end == found.start - DAY
    assert calendar.next_cycle(on) == calendar.cycle(found.end + DAY)


@given(CALENDARS, st.dates(date(2023, 11, 1), date(2027, 3, 1)))
def test_cutoffs_never_go_back(calendar, on):
    found = calendar.cycle(on)
    assert found.cutoff <= calendar.next_cycle(on).cutoff
    assert found.closes <= found.cutoff


@given(CALENDARS, st.dates(date(2023, 11, 1), date(2027, 3, 1)), st.integers(-100, 2_000))
def test_the_next_open_cycle_is_the_first_whose_cutoff_has_not_passed(calendar, on, days):
    after = datetime.combine(on, time(12), UTC) + timedelta(days=days)
    expected = calendar.next_cycle(on)
    while expected.cutoff < after:
        expected = calendar.next_cycle(expected.start)
    assert calendar.next_cycle(on, after) == expected


@given(st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})), DATES, st.times())
def test_every_local_time_is_one_instant_and_they_keep_their_order(name, on, at):
    zone = ZoneInfo(name)
    instant = instant_at(on, at, zone)
    local = datetime.combine(on, at)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    if shown == local:
        assert instant_at(on, at, zone) <= datetime.combine(on, at, zone.__class__(name)).replace(
            fold=1
        ).astimezone(UTC)
    else:  # a gap: the instant is the first after it; a moment before, the clock stood before the local time
        before = (instant - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert before < local < shown
    later = instant_at(on + DAY, at, zone)
    assert instant <= later


@pytest.mark.parametrize(
    "name", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo"]
)
def test_every_time_in_a_gap_is_the_same_instant(name):
    zone = ZoneInfo(name)
    days = (date(2014, 1, 1) + n * DAY for n in range(4_500))
    gaps = 0
    for on in (day for day in days if _offset(day, zone) < _offset(day + DAY, zone)):
        skipped = [
            at for at in (time(h, m) for h in range(24) for m in (0, 15, 30, 45)) if _is_skipped(on, at, zone)
        ]
        instants = {instant_at(on, at, zone) for at in skipped}
        assert len(instants) <= 1
        assert all(
            one.astimezone(zone).replace(tzinfo=None) > datetime.combine(on, skipped[-1]) for one in instants
        )
        gaps += len(instants)
    assert gaps >= 4


def _offset(on, zone):
    return datetime.combine(on, time(0), zone).utcoffset()


def _is_skipped(on, at, zone):
    local = datetime.combine(on, at, zone)
    return local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None)


def test_a_day_that_never_was_is_the_first_instant_after_it():
    # Samoa went from 29 to 31 December 2011.
    assert instant_at(date(2011, 12, 30), time(12), ZoneInfo("Pacific/Apia")) == datetime(
        2011, 12, 30, 10, tzinfo=UTC
    )


# -- business days and hours


@given(CALENDARS, st.dates(date(2023, 11, 1), date(2027, 3, 1)), st.integers(1, 40))
def test_business_days_are_added_and_taken_away(calendar, on, count):
    start = calendar.add_business_days(on, 0)
    later = calendar.add_business_days(start, count)
    assert calendar.is_business_day(later)
    assert calendar.add_business_days(later, -count) == start
    between = sum(calendar.is_business_day(start + n * DAY) for n in range(1, (later - start).days + 1))
    assert between == count


START = datetime(2025, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 60_000_000).map(lambda seconds: START + timedelta(seconds=seconds))


@given(CALENDARS, st.lists(INSTANTS, min_size=3, max_size=3))
def test_business_hours_add_up(calendar, instants):
    first, second, third = sorted(instants)
    hours = calendar.business_hours_between
    assert abs(hours(first, second) + hours(second, third) - hours(first, third)) < Decimal("1e-20")
    assert hours(third, first) == -hours(first, third)
    assert 0 <= hours(first, third) <= Decimal((third - first) // timedelta(seconds=1) + 1) / 3600


@given(CALENDARS, INSTANTS, st.integers(1, 60))
def test_so_much_business_later_is_so_much_business(calendar, at, hours):
    later = calendar.after_business_time(at, timedelta(hours=hours))
    assert calendar.business_hours_between(at, later) == hours
    assert calendar.business_hours_between(at, later - timedelta(seconds=1)) < hours


@given(CALENDARS, INSTANTS, st.integers(1, 60))
def test_so_many_business_days_later_it_is_the_same_time_of_a_business_day(calendar, at, days):
    later = calendar.after_business_days(at, days)
    first, last = calendar.local_date(at), calendar.local_date(later)
    assert calendar.is_business_day(last)
    between = (first + timedelta(days=n + 1) for n in range((last - first).days))
    assert sum(calendar.is_business_day(on) for on in between) == days
    assert calendar.after_business_days(at + timedelta(minutes=1), days) >= later


def test_business_hours_of_a_week():
    calendar = Calendar(zone="America/New_York", holidays=frozenset({date(2026, 5, 25)}))
    start, end = datetime(2026, 5, 25, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    assert calendar.business_hours_between(start, end) == 32
    half = datetime(2026, 5, 26, 13, 30, tzinfo=UTC)  # 09:30 in New York
    assert calendar.business_hours_between(half, half + timedelta(hours=24)) == 8


def test_a_shift_to_midnight_counts_elapsed_time():
    night = ((Hours(start=time(0), end=time(6)), Hours(start=time(22), end=time(0))),) * 7
    calendar = Calendar(zone="Europe/Berlin", hours=night)
    start = instant_at(date(2026, 3, 29), time(0), ZoneInfo("Europe/Berlin"))
    end = instant_at(date(2026, 3, 30), time(0), ZoneInfo("Europe/Berlin"))
    assert calendar.business_hours_between(start, end) == 7  # an hour of the night was skipped


# -- what is refused


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.cycle(date(2026, 1, 1)),
        lambda c: c.add_business_days(date(2026, 1, 1), 10_001),
        lambda c: c.add_business_days(date(9999, 12, 31), 1),
        lambda c: c.business_hours_between(
            datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
        ),
        lambda _: Calendar(zone="UTC", hours=((),) * 7).add_business_days(date(2026, 1, 1), 1),
        lambda c: replace(c, cycles=CycleRule(every="week", name="%V", cutoff=Cutoff(at=time(0)))).cycle(
            date.max
        ),
        lambda c: replace(
            c, cycles=CycleRule(every="month", starts=2, name="%m", cutoff=Cutoff(at=time(0)))
        ).cycle(date.min),
        lambda _: instant_at(date.min, time(0), ZoneInfo("Asia/Tokyo")),
    ],
)
def test_what_no_calendar_can_say_is_an_error(call):
    with pytest.raises(EvaluationError):
        call(Calendar(zone="UTC"))


@pytest.mark.parametrize(
    "text, every",
    [
        ("friday", "week"),
        ("freitag 18:00", "week"),
        ("someday 18:00", "week"),
        ("friday 24:00", "week"),
        ("friday 18:60", "week"),
        ("friday 18:00", "month"),
        ("day 0 18:00", "month"),
        ("day 29 18:00", "month"),
        ("", "week"),
    ],
)
def test_a_cutoff_that_is_none_is_refused(text, every):
    with pytest.raises(ValueError, match=r"[a-z]"):
        parse_cutoff(text, every)


@pytest.mark.parametrize(
    "text, every", [("day 1", "week"), ("monday", "month"), ("day 29", "month"), ("day 2", "half_month")]
)
def test_a_first_day_that_is_none_is_refused(text, every):
    with pytest.raises(ValueError, match="write"):
        parse_starts(text, every)


def test_names_of_cycles():
    assert name_pattern_mistake("%G-W%V") is None
    assert "%j" in name_pattern_mistake("%Y-%j")
    assert "same name" in name_pattern_mistake("billing")
    rule = CycleRule(every="month", name="%Y %y %m %d %q %h %%", cutoff=Cutoff(at=time(0)), starts=1)
    assert cycle_name(rule, date(2026, 5, 1)) == "2026 26 05 01 2 1 %"
    assert len(OFFICE_HOURS) == 7


# -- in formulas


@pytest.mark.requirement("POL-02")
def test_time_approved_after_the_cutoff_rolls_into_the_next_cycle():
    us = calendar("America/New_York", every="week", starts="monday", name="%G-W%V", cutoff="friday 18:00")
    uk = calendar("Europe/London", every="week", starts="monday", name="%G-W%V", cutoff="friday 18:00")
    functions = joined(STANDARD, calendar_functions({"billing": {None: us, "us": us, "uk": uk}.__getitem__}))

    def run(text, **entry):
        return compile_formula(text, frozenset({"entry"}), functions=functions).call({"entry": entry})

    late = "entry.approved_at > cutoff('billing', entry.worked_on, entry.legal_entity)"
    facts = {"worked_on": date(2026, 5, 29), "approved_at": datetime(2026, 5, 29, 21, tzinfo=UTC)}
    assert run(late, legal_entity="us", **facts) is False
    assert run(late, legal_entity="uk", **facts) is True
    assert run("next_cycle('billing', entry.worked_on).name", **facts) == "2026-W23"
    assert run("cycle('billing', entry.worked_on).start", **facts) == date(2026, 5, 25)
    months_later = {**facts, "approved_at": datetime(2026, 8, 1, tzinfo=UTC)}
    assert (
        run("next_cycle('billing', entry.worked_on, after=entry.approved_at).name", **months_later)
        == "2026-W32"
    )
    assert run("add_business_days('billing', entry.worked_on, 1)", **facts) == date(2026, 6, 1)
    assert run("is_business_day('billing', add_days(entry.worked_on, 1))", **facts) is False
    hours = "business_hours_between('billing', entry.approved_at, add_hours(entry.approved_at, 72))"
    assert run(hours, **facts) == 8
    with pytest.raises(EvaluationError, match=r"`entry.worked_on` is null"):
        run(late, legal_entity="us", worked_on=None, approved_at=facts["approved_at"])
