"""Who may release a hold, and when a second person has to agree."""

from decimal import Decimal

import pytest

from engine.runtime.permission import Release, refusal


def money(amount, currency="EUR"):
    return {"amount": Decimal(amount), "currency": currency}


@pytest.mark.requirement("POL-14")
class TestFourEyes:
    @pytest.mark.parametrize(
        "amount, why",
        [
            (money("499.99"), None),
            (money("500.00"), None),
            ({"amount": 12, "currency": "EUR"}, None),
            (money("500.01"), "500.01 EUR are at stake"),
            (money("-500.01"), "-500.01 EUR are at stake"),
            (money("1", "USD"), "1 USD cannot be compared with that"),
            (None, "the amount at stake is not on record"),
        ],
    )
    def test_one_person_is_enough_up_to_the_limit(self, amount, why):
        told = refusal({"four_eyes_over": "500 EUR", "amount": amount}, Release(by="ann"))
        assert told is None if why is None else told.endswith(why)

    def test_two_people_may_release_whatever_is_at_stake(self):
        detail = {"four_eyes_over": "500 EUR", "amount": money("9000")}
        assert refusal(detail, Release(by="ann", second="bob")) is None
        assert refusal(detail, Release(by="ann", second="Ann ")) is not None
