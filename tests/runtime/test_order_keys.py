"""Events that share an order key go one after the other, in the order in which they came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runtime.dispatch import OrderKeys

pytestmark = pytest.mark.requirement("REL-11")


def test_without_a_key_nobody_waits():
    keys = OrderKeys()
    assert all(keys.enter(None, f"e{number}", f"r{number}") for number in range(3))
    assert list(keys.leave(None, "r0")) == []


def test_the_runs_of_one_event_go_together():
    keys = OrderKeys()
    assert keys.enter("k", "e1", "a") and keys.enter("k", "e1", "b")  # noqa: PT018 - both of one event
    assert not keys.enter("k", "e2", "c")
    assert list(keys.leave("k", "a")) == []
    assert list(keys.leave("k", "b")) == ["c"]


def test_one_that_is_not_working_gives_no_place_away():
    keys = OrderKeys()
    keys.enter("k", "e1", "a")
    keys.enter("k", "e2", "b")
    assert list(keys.leave("k", "b")) == []
    assert list(keys.leave("other", "a")) == []
    assert keys.standing() == 1


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 3)), max_size=30), st.randoms())
def test_order_is_kept_and_nobody_is_left_standing(events, chance):
    keys = OrderKeys()
    working, begun = [], []
    for number, (key, runs) in enumerate(events):
        names = [f"{key}/{number}/{run}" for run in range(runs)]
        working.extend(name for name in names if keys.enter(key, f"e{number}", name))
    while working:
        begun_now = working.pop(chance.randrange(len(working)))
        begun.append(begun_now)
        key, number, _ = begun_now.split("/")
        assert all(other.split("/")[1] == number for other in working if other.split("/")[0] == key)
        working.extend(keys.leave(key, begun_now))
    assert len(begun) == sum(runs for _, runs in events)
    assert keys.standing() == 0
    for key in "xyz":
        order = [int(run.split("/")[1]) for run in begun if run.startswith(f"{key}/")]
        assert order == sorted(order)
