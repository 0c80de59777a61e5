"""What comes in, to an event: identity, order key, business time, complaints."""

from datetime import UTC, date, datetime

import pytest

from engine.core.accept import NotAnEventError, offer, restore
from engine.values.json_text import read_json
from tests.workspaces import tiny

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return tiny.plan(tmp_path_factory.mktemp("accept"))


def offered(plan, text, name="item.ordered"):
    return offer(plan, name, read_json(text), text, NOW)


def test_dates_are_dates_and_the_text_is_kept(plan):
    text = b'{"id": "a", "group": "g", "day": "2026-03-01", "amount": 1.50}'
    found = offered(plan, text)
    assert (found.event.id, found.event.order_key, found.complaints) == ("item.ordered:a", "g", [])
    assert found.event.data["day"] == date(2026, 3, 1)
    assert (found.event.text, found.event.at, found.event.accepted_at) == (text, NOW, NOW)


@pytest.mark.requirement("GOV-02")
def test_what_does_not_fit_is_kept_and_says_why(plan):
    found = offered(plan, b'{"id": "a", "amount": "many"}')
    assert found.event.id == "item.ordered:a"
    assert any("amount" in complaint for complaint in found.complaints)
    wrong_day = offered(plan, b'{"id": "a", "amount": 1, "group": "g", "day": "2026-02-30"}')
    assert len(wrong_day.complaints) == 1


def test_data_without_an_identity_is_known_by_its_bytes(plan):
    one, same, other = (offered(plan, text) for text in (b"{}", b"{}", b'{"amount": 1}'))
    assert one.event.id == same.event.id != other.event.id
    assert one.event.id.startswith("item.ordered:sha256:")
    assert one.complaints


@pytest.mark.parametrize("text", [b"[]", b"1", b"null", b'"x"'])
def test_what_is_no_record_is_no_event(plan, text):
    with pytest.raises(NotAnEventError, match="not a record"):
        offered(plan, text)


def test_an_event_that_nobody_knows(plan):
    with pytest.raises(NotAnEventError, match=r"no event is called 'item\.lost'"):
        offered(plan, b"{}", "item.lost")


def test_restored_from_its_text_it_is_the_same(plan):
    event = offered(plan, b'{"id": "a", "day": "2026-03-01", "amount": 1.5}').event
    assert restore(plan, event._replace(data={}), 1) == event
