"""Schedules: cron fields against a plain walk through the minutes of a zone, and days counted from cycles."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.language.calendar import Calendar, CycleRule, parse_cutoff
from engine.language.schedule import InCycle, ScheduleError, cron, in_cycles
from tests.depth import examples

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "Pacific/Apia")
# Nights on which clocks change, and the day that Apia did not have.
NIGHTS = (
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 3, 8, 6, tzinfo=UTC),
    datetime(2026, 11, 1, 4, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, tzinfo=UTC),
    datetime(2011, 12, 30, 9, tzinfo=UTC),
)


def local(text, zone=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def following(due, start, count):
    found = [start]
    while len(found) <= count:
        found.append(due(found[-1]))
    return found[1:]


def shown(instants, zone=BERLIN):
    return [at.astimezone(zone).strftime("%d %H:%M %z") for at in instants]


class TestCron:
    def test_a_time_in_the_gap_is_due_at_the_first_instant_after_it(self):
        found = following(cron("30 2 * * *", "Europe/Berlin"), local("2026-03-28T12:00"), 2)
        assert shown(found) == ["29 03:00 +0200", "30 02:30 +0200"]

    def test_a_time_that_comes_twice_is_due_once(self):
        found = following(cron("30 2 * * *", "Europe/Berlin"), local("2026-10-24T12:00"), 2)
        assert shown(found) == ["25 02:30 +0200", "26 02:30 +0100"]

    def test_what_is_due_every_half_hour_goes_by_elapsed_time(self):
        for night in ("2026-03-29T01:00", "2026-10-25T01:00"):
            found = following(cron("*/30 * * * *", "Europe/Berlin"), local(night), 8)
            assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=30)}

    @settings(max_examples=examples(60))
    @given(
        minute=st.integers(0, 59),
        hour=st.integers(0, 23),
        days=st.sampled_from(["*", "1-5", "0,6", "3"]),
        zone=st.sampled_from(ZONES),
        night=st.sampled_from(NIGHTS),
    )
    def test_a_time_of_day_is_due_once_on_each_of_its_days(self, minute, hour, days, zone, night):
        """The oracle walks through every minute of the days around a change of clocks."""
        wanted, place = days, ZoneInfo(zone)
        start = (night - timedelta(days=2)).replace(second=0)
        expected, seen, previous = [], set(), start.astimezone(place).replace(tzinfo=None)
        for step in range(1, 4 * 24 * 60):
            at = start + timedelta(minutes=step)
            here = at.astimezone(place).replace(tzinfo=None)
            # What lies between two minutes that follow each other was jumped over.
            for passed in _between(previous, here):
                if (passed.hour, passed.minute) == (hour, minute) and _is_day(passed, wanted):
                    if passed not in seen and expected[-1:] != [at]:
                        expected.append(at)
                    seen.add(passed)
            previous = here
        due, found, at = cron(f"{minute} {hour} * * {days}", zone), [], start
        while (at := due(at)) is not None and at < start + timedelta(minutes=4 * 24 * 60):
            found.append(at)
        assert found == expected

    @pytest.mark.parametrize(
        "text", ["", "* * * *", "* * * * * *", "61 * * * *", "0 0 31 2 *", "@daily", "a b c d e"]
    )
    def test_what_is_no_schedule_is_said(self, text):
        with pytest.raises(ScheduleError, match=r"cron expression|never due"):
            cron(text, "UTC")

    def test_names_and_the_last_day(self):
        found = following(cron("0 6 L * *", "UTC"), datetime(2026, 1, 31, 7, tzinfo=UTC), 1)
        assert found == [datetime(2026, 2, 28, 6, tzinfo=UTC)]
        found = following(cron("0 9 * * mon-fri", "UTC"), datetime(2026, 1, 2, 10, tzinfo=UTC), 1)
        assert found == [datetime(2026, 1, 5, 9, tzinfo=UTC)]


def _between(previous, here):
    step = previous + timedelta(minutes=1)
    if here <= previous:  # clocks went back
        return [here]
    passed = []
    while step <= here:
        passed.append(step)
        step += timedelta(minutes=1)
    return passed


def _is_day(at, days):
    weekday = (at.weekday() + 1) % 7
    known = {"*": range(7), "1-5": range(1, 6), "0,6": (0, 6), "3": (3,)}
    return weekday in known[days]


def billing(every="month", cutoff="day 3 18:00", **more):
    rule = CycleRule(
        every=every,
        name="%Y-%m" if every == "month" else "%G-W%V",
        cutoff=parse_cutoff(cutoff, every),
        starts=0 if every == "week" else 1,
    )
    return Calendar(name="billing", zone="Europe/Berlin", cycles=rule, **more)


class TestInCycles:
    def test_the_first_business_day_after_the_cutoff(self):
        # The cutoff of December is on Saturday, the third of January; the first business day is a holiday.
        calendar = billing(holidays=frozenset([date(2026, 1, 5)]))
        due = in_cycles(calendar, InCycle(business_days=1, at=time(9)))
        found = following(due, local("2026-01-01T00:00"), 3)
        assert shown(found) == ["06 09:00 +0100", "04 09:00 +0100", "04 09:00 +0100"]
        assert found[1].month == 2

    def test_the_cutoff_itself(self):
        found = following(in_cycles(billing("week", "friday 18:00"), InCycle()), local("2026-03-20T18:00"), 2)
        assert shown(found) == ["27 18:00 +0100", "03 18:00 +0200"]

    @pytest.mark.parametrize("after, shows", [("start", ["01 00:00 +0100"]), ("end", ["28 00:00 +0100"])])
    def test_the_first_and_the_last_day_of_a_cycle(self, after, shows):
        due = in_cycles(billing(), InCycle(after=after))
        assert shown(following(due, local("2026-01-31T12:00"), 1)) == shows

    @settings(max_examples=examples(60))
    @given(
        start=st.integers(0, 5_000_000).map(
            lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        ),
        every=st.sampled_from(
            [("week", "friday 18:00"), ("month", "day 3 18:00"), ("quarter", "day 20 08:00")]
        ),
        days=st.integers(0, 15),
        after=st.sampled_from(["cutoff", "start", "end"]),
    )
    def test_each_cycle_once_and_always_later(self, start, every, days, after):
        due = in_cycles(billing(*every), InCycle(after=after, business_days=days, at=time(9)))
        found = following(due, start, 6)
        assert all(later > earlier for earlier, later in pairwise([start, *found]))
        # Asked from any instant between two, it gives the second.
        for earlier, later in pairwise(found):
            assert due(earlier + (later - earlier) / 2) == later

    def test_a_calendar_without_cycles_is_said(self):
        with pytest.raises(ScheduleError, match="has no cycles"):
            in_cycles(Calendar(name="plain", zone="UTC"), InCycle())
