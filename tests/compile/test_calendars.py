"""Calendars as documents: zones, holidays, cycles, and those that differ by a key."""

from datetime import UTC, date, datetime

import pytest

from engine.language.compiled import EvaluationError
from tests.compile.making import mapping, problems, value

WEEKS = "cycles: {every: week, starts: monday, name: '%G-W%V', cutoff: friday 18:00}"
OFFICES = (
    "table: office\nkey: {id: string}\ncolumns: {zone: string, country: string}\nrows:\n"
    "- {id: de, zone: Europe/Berlin, country: DE}\n- {id: us, zone: America/New_York, country: US}\n"
    "- {id: sg, zone: Asia/Singapore}"
)


def calendar(*lines, zone="Europe/Berlin"):
    place = f"time_zone: {zone}\n" if zone else ""
    return f"calendar: c\n{place}" + "\n".join(lines)


def ask(expression, text, *more, day=date(2026, 5, 27)):
    return value(f'{{expr: "{expression}"}}', {"day": day, "key": "us"}, text, *more)["out"]


class TestPlain:
    def test_cutoff_is_in_the_zone(self):
        assert ask("cutoff('c', a.day)", calendar(WEEKS)) == datetime(2026, 5, 29, 16, tzinfo=UTC)
        assert ask("cutoff('c', a.day)", calendar(WEEKS, zone="Asia/Tokyo")) == datetime(
            2026, 5, 29, 9, tzinfo=UTC
        )

    def test_summer_time_is_followed(self):
        winter = ask("cutoff('c', a.day)", calendar(WEEKS), day=date(2026, 1, 7))
        assert winter == datetime(2026, 1, 9, 17, tzinfo=UTC)

    def test_grace_comes_on_top(self):
        text = calendar(WEEKS.replace("}", ", grace: 2h}"))
        assert ask("cutoff('c', a.day)", text) == datetime(2026, 5, 29, 18, tzinfo=UTC)

    def test_months_begin_on_the_first_unless_it_is_said(self):
        text = calendar("cycles: {every: month, name: '%Y-%m', cutoff: day 3 18:00}")
        assert ask("cycle('c', a.day).start", text) == date(2026, 5, 1)
        later = calendar("cycles: {every: month, starts: day 15, name: '%Y-%m', cutoff: day 3 18:00}")
        assert ask("cycle('c', a.day).start", later) == date(2026, 5, 15)

    @pytest.mark.parametrize(
        "lines, day, expected",
        [
            ([], date(2026, 12, 25), True),
            (["holidays: DE"], date(2026, 12, 25), False),
            (["holidays: DE"], date(2026, 12, 24), True),
            (["days_off: [2026-12-24]"], date(2026, 12, 24), False),
            (["holidays: DE", "days_off: [2026-12-24]"], date(2026, 12, 25), False),
            ([], date(2026, 5, 30), False),
            (["business_days: [saturday]"], date(2026, 5, 30), True),
            (["business_days: [saturday]"], date(2026, 5, 29), False),
        ],
    )
    def test_days_of_business(self, lines, day, expected):
        assert ask("is_business_day('c', a.day)", calendar(*lines), day=day) is expected

    def test_a_cutoff_on_a_day_off_moves(self):
        text = calendar("holidays: DE", WEEKS.replace("}", ", moves: business_day_before}"))
        assert ask("cutoff('c', a.day)", text, day=date(2026, 12, 22)) == datetime(
            2026, 12, 24, 17, tzinfo=UTC
        )


class TestByKey:
    BY = "by: {table: office, time_zone: zone, holidays: country}"

    def test_each_key_has_its_zone_and_holidays(self):
        text = calendar(self.BY, WEEKS, zone="")
        assert ask("cutoff('c', a.day, 'de')", text, OFFICES) == datetime(2026, 5, 29, 16, tzinfo=UTC)
        assert ask("cutoff('c', a.day, a.key)", text, OFFICES) == datetime(2026, 5, 29, 22, tzinfo=UTC)
        fourth = date(2026, 11, 26)  # Thanksgiving
        assert ask("is_business_day('c', a.day, 'us')", text, OFFICES, day=fourth) is False
        assert ask("is_business_day('c', a.day, 'de')", text, OFFICES, day=fourth) is True
        assert ask("is_business_day('c', a.day, 'sg')", text, OFFICES, day=date(2026, 12, 25)) is True

    @pytest.mark.parametrize("key", ["'fr'", "None"])
    def test_a_key_without_a_row_is_an_error(self, key):
        with pytest.raises(EvaluationError, match="office"):
            ask(f"cutoff('c', a.day, {key})", calendar(self.BY, WEEKS, zone=""), OFFICES)

    @pytest.mark.parametrize(
        "by, table, expected",
        [
            ("{table: ofice, time_zone: zone}", OFFICES, [("TG315", "ofice")]),
            ("{table: office, time_zone: zon}", OFFICES, [("TG316", "zon")]),
            ("{table: office, time_zone: zone, holidays: land}", OFFICES, [("TG316", "land")]),
            ("{table: office, time_zone: country}", OFFICES, [("TG509", "country")]),
            ("{table: office, time_zone: zone, holidays: zone}", OFFICES, [("TG509", "zone")]),
            (
                "{table: office, time_zone: zone}",
                OFFICES.replace(
                    "key: {id: string}\ncolumns: {", "key: {id: string, zone: string}\ncolumns: {"
                ).replace("{zone: string, country", "{country"),
                [("TG509", "office")],
            ),
        ],
    )
    def test_mistakes(self, by, table, expected):
        assert problems(calendar(f"by: {by}", WEEKS, zone=""), table) == expected


class TestMistakes:
    USE = mapping("{expr: \"cutoff('c', a)\"}")

    @pytest.mark.parametrize(
        "text, expected",
        [
            (calendar(WEEKS, zone="Europe/Berlim"), [("TG509", "Europe/Berlim")]),
            (calendar(WEEKS, zone="../../etc/passwd"), [("TG509", "../../etc/passwd")]),
            (calendar("holidays: XX", WEEKS), [("TG509", "XX")]),
            (calendar("holidays: XX", WEEKS, zone="Mars/Base"), [("TG509", "Mars/Base"), ("TG509", "XX")]),
            (calendar(WEEKS.replace("friday 18:00", "someday 18:00")), [("TG509", "someday 18:00")]),
            (calendar(WEEKS.replace("monday", "moonday")), [("TG509", "moonday")]),
            (calendar(WEEKS.replace("%G-W%V", "W")), [("TG509", "'W'")]),
            (calendar(WEEKS.replace("%G-W%V", "%s")), [("TG509", "'%s'")]),
            (
                calendar("cycles: {every: month, name: '%Y-%m', cutoff: friday 18:00}"),
                [("TG509", "friday 18:00")],
            ),
            (calendar("business_hours: 25:00-26:00", WEEKS), [("TG509", "25:00-26:00")]),
            (calendar("business_hours: 17:00-09:00", WEEKS), [("TG509", "17:00-09:00")]),
            (calendar("business_days: [someday, noday]", WEEKS), [("TG509", "someday"), ("TG509", "noday")]),
        ],
    )
    def test_are_reported_and_not_again_where_the_calendar_is_used(self, text, expected):
        assert problems(text, self.USE) == expected

    def test_one_that_cannot_be_read_is_known_all_the_same(self):
        assert [code for code, _ in problems(calendar("cycles: 5"), self.USE)] == ["TG206"]

    def test_one_that_is_not_there(self):
        assert problems(self.USE) == [("TG302", "'c'")]

    @pytest.mark.parametrize("hours", ["00:00-00:00", "09:00-00:00", "00:00-23:59"])
    def test_midnight_may_end_a_day(self, hours):
        assert problems(calendar(f"business_hours: {hours}")) == []
