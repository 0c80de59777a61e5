"""The countries whose holidays a calendar may take are those of the library."""

import holidays

from engine.compile import build_calendars


def test_all_countries_of_the_library_are_known_and_no_others() -> None:
    known = holidays.list_supported_countries(include_aliases=False)
    assert all(build_calendars._is_country(code) for code in known)
    assert not any(build_calendars._is_country(code) for code in ("XX", "de", "DEU", "", None))
