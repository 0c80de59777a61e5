"""Events that share an order key go one after the other, in the order in which they came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runtime.dispatch import OrderKeys

pytestmark = pytest.mark.requirement("REL-11")


def test_without_a_key_nobody_waits():
    keys = OrderKeys()
    assert all(keys.enter(None, f"e{number}", f"r{number}") for number in range(3))
    assert list(keys.leave(None, "r0")) == list(keys.park(None, "e0", "r0")) == []
    assert keys.come_back(None, "e0", "r0")
    assert keys.is_working(None, "r0")


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


def test_what_is_parked_stops_its_key_alone():
    keys = OrderKeys()
    keys.enter("k", "e1", "a")
    keys.enter("k", "e2", "b")
    assert list(keys.park("k", "e1", "a")) == []
    assert keys.enter("other", "e3", "c")
    assert not keys.enter("k", "e4", "d")
    assert list(keys.leave("k", "a")) == ["b"]
    assert list(keys.leave("k", "b")) == ["d"]


def test_what_is_parked_goes_on_before_the_others():
    keys = OrderKeys()
    keys.enter("k", "e1", "a")
    keys.enter("k", "e2", "b")
    keys.park("k", "e1", "a")
    assert keys.come_back("k", "e1", "a")
    assert not keys.is_working("k", "b")
    assert list(keys.leave("k", "a")) == ["b"]


def test_what_is_let_go_and_has_come_back_keeps_its_turn():
    keys = OrderKeys()
    keys.enter("k", "e1", "a")
    keys.enter("k", "e2", "b")
    keys.park("k", "e1", "a")
    keys.come_back("k", "e1", "a")
    assert list(keys.let_go("k", "a")) == []
    assert keys.is_working("k", "a")
    assert list(keys.leave("k", "a")) == ["b"]
    assert list(keys.let_go("k", "b")) == []
    assert list(keys.park("k", "e2", "b")) == []
    assert not keys.enter("k", "e3", "c")
    assert list(keys.let_go("k", "b")) == ["c"]


def test_who_left_and_comes_back_waits_for_who_is_at_work_and_for_nobody_else():
    keys = OrderKeys()
    keys.enter("k", "e1", "a")
    keys.leave("k", "a")  # held, and its flow goes on
    keys.enter("k", "e2", "b")
    keys.enter("k", "e3", "c")
    assert not keys.come_back("k", "e1", "a")
    assert not keys.is_working("k", "a")
    assert list(keys.leave("k", "b")) == ["a"]
    assert list(keys.leave("k", "a")) == ["c"]


def test_who_comes_back_passes_what_stops_the_key():
    keys = OrderKeys()
    keys.enter("k", "e1", "a")
    keys.leave("k", "a")
    keys.enter("k", "e2", "b")
    keys.enter("k", "e3", "c")
    assert not keys.come_back("k", "e1", "a")
    assert list(keys.park("k", "e2", "b")) == ["a"]
    assert list(keys.leave("k", "a")) == []
    assert list(keys.leave("k", "b")) == ["c"]


def test_who_comes_back_and_has_nothing_to_write_leaves_again():
    keys = OrderKeys()
    keys.enter("k", "e1", "a")
    keys.leave("k", "a")
    keys.enter("k", "e2", "b")
    keys.come_back("k", "e1", "a")
    assert list(keys.leave("k", "a")) == []
    assert list(keys.leave("k", "b")) == []
    assert keys.enter("k", "e3", "c")


EVENTS = st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 3)), max_size=30)


@given(EVENTS, st.randoms())
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


@given(EVENTS, st.randoms())
def test_whatever_rests_stops_and_comes_back_one_writes_at_a_time_and_nobody_is_forgotten(events, chance):
    """Each run writes twice, with a rest of either kind between; parked ones are let go at the end at latest."""
    keys = OrderKeys()
    working, resting, first, done = [], [], [], []
    for number, (key, runs) in enumerate(events):
        names = [f"{key}/{number}/{run}" for run in range(runs)]
        working.extend(name for name in names if keys.enter(key, f"e{number}", name))
    while working or resting:
        if working and chance.random() < 0.7:
            run = working.pop(chance.randrange(len(working)))
            key, number, _ = run.split("/")
            assert keys.is_working(key, run)
            assert all(one.split("/")[1] == number for one in working if one.split("/")[0] == key)
            if run in first:
                done.append(run)
                working.extend(keys.leave(key, run))
            else:
                first.append(run)
                resting.append(run)
                parks = chance.random() < 0.5
                working.extend(keys.park(key, f"e{number}", run) if parks else keys.leave(key, run))
        elif resting:
            run = resting.pop(chance.randrange(len(resting)))
            key, number, _ = run.split("/")
            if keys.come_back(key, f"e{number}", run):
                working.append(run)
    assert sorted(first) == sorted(done)
    assert len(done) == sum(runs for _, runs in events)
    assert keys.standing() == 0
    assert not any(keys.parked(key) for key in "xyz")
    for key in "xyz":
        order = [int(run.split("/")[1]) for run in first if run.startswith(f"{key}/")]
        assert order == sorted(order)
