"""Instants at the ends of time: an answer in words, and never an overflow in the middle of a turn."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.values.instant import in_utc
from engine.values.type import DATETIME, DecodeError, decoder

offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
edges = st.sampled_from([datetime.min, datetime.max, datetime(2, 1, 1), datetime(9998, 12, 31, 23, 59)])  # noqa: DTZ001, DTZ901
ZONES = [ZoneInfo(name) for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin")]


@given(edges | st.datetimes(), offsets)
def test_is_told_in_every_zone_or_refused(local, offset):
    found = local.replace(tzinfo=offset)
    try:
        at = in_utc(found)
    except ValueError:
        assert found.year in {1, 9999}
        return
    assert at == found
    assert at.tzinfo is UTC
    for zone in ZONES:
        at.astimezone(zone)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"])
def test_of_an_entity_is_refused_in_words(text):
    decode = decoder(DATETIME)
    assert decode is not None
    with pytest.raises(DecodeError, match="is at the end of all calendars"):
        decode(text)
