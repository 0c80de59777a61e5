"""Deliveries of webhooks: who sent them, and what is in them."""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connect.settings import Secret
from engine.connect.signatures import DeliveryRefused, Sent
from engine.connect.webhook import receive
from engine.values.json_text import write_json
from tests.connect import toy

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
SECRETS = (Secret("new"), Secret("old"))
SOURCE = toy.plan().sources["told"]
BODY = write_json({"things": [{"id": "1", "color": "red", "changed": "2026-03-01T00:00:00Z"}]})


def signed(body: bytes = BODY, by: str = "new", at: datetime = NOON, number: str = "d-1") -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(by.encode(), f"{number}.{stamp}.".encode() + body, sha256).hexdigest()
    return {"x-signature": f"v1={digest}", "x-id": number, "x-time": stamp}


def taken(source, secrets, headers, body):
    return receive(source, secrets, Sent(headers=headers, body=body), NOON)


def test_records_are_taken_out_and_decoded():
    found = taken(SOURCE, SECRETS, signed(), BODY)
    assert found.id == "d-1"
    assert found.items == [{"id": "1", "color": "red", "changed": datetime(2026, 3, 1, tzinfo=UTC)}]
    assert found.unfit == []


@pytest.mark.requirement("API-09")
@pytest.mark.parametrize("secret, fine", [("new", True), ("old", True), ("older", False), ("", False)])
def test_every_secret_that_holds_is_accepted(secret, fine):
    if fine:
        assert taken(SOURCE, SECRETS, signed(by=secret), BODY).items
    else:
        with pytest.raises(DeliveryRefused, match="signature"):
            taken(SOURCE, SECRETS, signed(by=secret), BODY)


@pytest.mark.parametrize("change", ["x-signature", "x-id", "x-time"])
@pytest.mark.parametrize("value", [None, "", "1", "v1=", "\u00e9"])
def test_everything_that_is_signed_counts(change, value):
    headers = signed()
    headers.pop(change) if value is None else headers.update({change: value})
    with pytest.raises(DeliveryRefused) as refused:
        taken(SOURCE, SECRETS, headers, BODY)
    assert refused.value.status == 401


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_changed_byte_is_noticed(place, change):
    body = BODY[:place] + bytes([BODY[place] ^ change]) + BODY[place + 1 :]
    with pytest.raises(DeliveryRefused, match="signature"):
        taken(SOURCE, SECRETS, signed(), body)


def test_nobody_is_known_without_secrets():
    with pytest.raises(DeliveryRefused, match="signature"):
        taken(SOURCE, (), signed(), BODY)


@pytest.mark.parametrize("seconds, fine", [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_old_and_future_deliveries_are_refused(seconds, fine):
    headers = signed(at=NOON - timedelta(seconds=seconds))
    if fine:
        assert taken(SOURCE, SECRETS, headers, BODY).items
    else:
        with pytest.raises(DeliveryRefused, match="too old"):
            taken(SOURCE, SECRETS, headers, BODY)


@pytest.mark.parametrize(
    "body, status",
    [(b"", 400), (b"{", 400), (b'{"a":1,"a":2}', 400), (b'{"things": 3}', 422), (b"{}", 422), (b"[]", 422)],
)
def test_bodies_that_cannot_be_read(body, status):
    with pytest.raises(DeliveryRefused) as refused:
        taken(SOURCE, SECRETS, signed(body), body)
    assert refused.value.status == status


def test_one_unfit_record_does_not_hide_the_others():
    body = write_json(
        {
            "things": [
                {"id": 1},
                {"id": "2", "color": "black"},
                {"id": "3", "color": "red"},
                {"id": "4", "changed": "x"},
                {"id": "5"},
            ]
        }
    )
    found = taken(SOURCE, SECRETS, signed(body), body)
    assert [item["id"] for item in found.items] == ["3"]
    assert [item["id"] for item, _ in found.unfit] == [1, "4", "5"]
    assert found.unfit[0][1].startswith("id: expected text")
    assert "color" in found.unfit[2][1]


def test_placeholders_inside_the_body_stay_what_they_are():
    body = write_json({"things": [{"id": "{id}{timestamp}", "color": "red"}]})
    assert taken(SOURCE, SECRETS, signed(body), body).items


def test_source_that_takes_no_deliveries():
    with pytest.raises(DeliveryRefused) as refused:
        taken(toy.plan().sources["changed"], SECRETS, {}, BODY)
    assert refused.value.status == 404
