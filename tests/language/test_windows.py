"""Stretches of time that come again, in their zone, whatever the clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.calendar import Calendar
from engine.language.windows import closed_until, parse_window

pytestmark = pytest.mark.requirement("REL-21")

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Calendar(zone="Europe/Berlin", holidays=frozenset({date(2026, 5, 1)}))


def at(text, zone=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def until(window, text, calendar=None):
    end = closed_until([parse_window(window, calendar)], at(text))
    return None if end is None else end.astimezone(BERLIN).replace(tzinfo=None).isoformat(" ", "minutes")


@pytest.mark.parametrize(
    "window,inside,end,outside",
    [
        ("sunday 02:00-04:00 Europe/Berlin", "2026-06-07 03:59", "2026-06-07 04:00", "2026-06-07 04:00"),
        ("daily 23:00-01:00 Europe/Berlin", "2026-06-08 00:30", "2026-06-08 01:00", "2026-06-08 22:59"),
        (
            "monday-friday 18:00-24:00 Europe/Berlin",
            "2026-06-05 20:00",
            "2026-06-06 00:00",
            "2026-06-06 20:00",
        ),
        (
            "friday-monday 08:00-09:00 Europe/Berlin",
            "2026-06-07 08:30",
            "2026-06-07 09:00",
            "2026-06-09 08:30",
        ),
        (
            "saturday,sunday 00:00-24:00 Europe/Berlin",
            "2026-06-06 10:00",
            "2026-06-08 00:00",
            "2026-06-05 10:00",
        ),
        (
            "first sunday 02:00-06:00 Europe/Berlin",
            "2026-06-07 02:00",
            "2026-06-07 06:00",
            "2026-06-14 03:00",
        ),
        ("last friday 20:00-22:00 Europe/Berlin", "2026-06-26 21:00", "2026-06-26 22:00", "2026-06-19 21:00"),
        ("day 1 00:00-06:00 Europe/Berlin", "2026-07-01 05:00", "2026-07-01 06:00", "2026-07-02 05:00"),
        ("last day 20:00-02:00 Europe/Berlin", "2026-07-01 01:00", "2026-07-01 02:00", "2026-06-29 21:00"),
        (
            "2026-12-24 18:00 to 2026-12-27 06:00 Europe/Berlin",
            "2026-12-26 12:00",
            "2026-12-27 06:00",
            "2027-12-26 12:00",
        ),
        ("sunday 02:00-04:00 UTC", "2026-06-07 05:00", "2026-06-07 06:00", "2026-06-07 03:00"),
    ],
)
def test_what_is_written_is_what_holds(window, inside, end, outside):
    assert until(window, inside) == end
    assert until(window, outside) is None


def test_a_calendar_says_which_days_are_off_and_lends_its_zone():
    assert until("days off", "2026-05-01 10:00", OFFICE) == "2026-05-04 00:00"  # a holiday and a weekend
    assert until("days off", "2026-05-04 10:00", OFFICE) is None
    assert until("outside business hours", "2026-04-30 18:00", OFFICE) == "2026-05-04 09:00"
    assert until("outside business hours", "2026-04-30 12:00", OFFICE) is None
    assert until("business hours", "2026-04-30 12:00", OFFICE) == "2026-04-30 17:00"
    assert until("sunday 02:00-04:00", "2026-06-07 03:00", OFFICE) == "2026-06-07 04:00"


class TestTheClocksChange:
    """In Berlin 02:00 becomes 03:00 on 2026-03-29, and 03:00 becomes 02:00 on 2026-10-25."""

    def length(self, window, day):
        parsed = parse_window(window)
        start = datetime(*day, 0, tzinfo=BERLIN).astimezone(UTC)
        minutes = [start + timedelta(minutes=number) for number in range(26 * 60)]
        return sum(parsed.until(minute) is not None for minute in minutes)

    def test_in_spring_it_is_an_hour_shorter(self):
        assert self.length("sunday 01:00-04:00 Europe/Berlin", (2026, 3, 29)) == 120

    def test_one_that_lies_in_the_gap_does_not_come(self):
        assert self.length("sunday 02:10-02:50 Europe/Berlin", (2026, 3, 29)) == 0

    def test_one_that_begins_in_the_gap_begins_behind_it(self):
        assert until("sunday 02:30-04:00 Europe/Berlin", "2026-03-29 03:00") == "2026-03-29 04:00"
        assert until("sunday 02:30-04:00 Europe/Berlin", "2026-03-29 01:59") is None

    def test_in_autumn_it_lasts_from_the_first_of_like_times_to_the_last(self):
        assert self.length("sunday 02:00-03:00 Europe/Berlin", (2026, 10, 25)) == 120
        assert self.length("sunday 02:15-02:45 Europe/Berlin", (2026, 10, 25)) == 90


ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
TIMES = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))


@given(ZONES, TIMES, TIMES, st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001
def test_it_is_over_when_it_says_so_and_not_before(zone, start, end, moment):
    if start == end:
        return
    window = parse_window(f"daily {start:%H:%M}-{end:%H:%M} {zone}")
    now = moment.replace(tzinfo=UTC)
    found = closed_until([window], now)
    if found is None:
        return
    assert now < found <= now + timedelta(hours=26)
    assert closed_until([window], found) is None
    assert closed_until([window], found - timedelta(seconds=1)) == found
    assert window.until(now + (found - now) / 2) == found


@pytest.mark.parametrize(
    "text,why",
    [
        ("sunday 02:00-04:00", "names no time zone"),
        ("sunday 02:00-04:00 Mars/Base", "no time zone `Mars/Base`"),
        ("someday 02:00-04:00 UTC", "no day of the week"),
        ("third of may 02:00-04:00 UTC", "are no days"),
        ("sunday 2-4 UTC", "no time at which"),
        ("sunday 02:00-29:00 UTC", "no time of day"),
        ("2026-02-30 10:00 to 2026-03-01 10:00 UTC", "does not exist"),
        ("2026-03-02 10:00 to 2026-03-01 10:00 UTC", "ends before it begins"),
        ("days off", "no time zone `off`"),
    ],
)
def test_what_is_none_is_told_with_a_way_out(text, why):
    with pytest.raises(ValueError, match=why) as told:
        parse_window(text)
    assert "write" in str(told.value)


def test_what_is_always_closed_does_not_hang():
    assert closed_until([parse_window("daily 00:00-24:00 UTC")], at("2026-06-07 10:00")) is not None
