"""What follows a failed attempt: a table, and that waits grow, are spread, and heed the target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.effect import Failure, FaultClass
from engine.runtime.retry import Next, Once, RetryPolicy, decide, wait

POLICY = RetryPolicy(attempts=5)
pytestmark = pytest.mark.requirement("REL-06")


def failed(fault, retry_after=None):
    return Failure(fault=FaultClass(fault), reason="x", retry_after_seconds=retry_after)


@pytest.mark.parametrize(
    "fault, attempts, once, following",
    [
        ("transient", 1, "none", Next.RETRY),
        ("transient", 4, "header", Next.RETRY),
        ("transient", 5, "header", Next.DEAD),
        ("permanent", 1, "header", Next.DEAD),
        ("closed_period", 1, "header", Next.DEAD),
        ("unknown", 1, "header", Next.RETRY),
        ("unknown", 1, "natural_key", Next.RETRY),
        ("unknown", 1, "lookup", Next.LOOK_UP),
        ("unknown", 1, "none", Next.UNKNOWN),
        ("unknown", 5, "header", Next.UNKNOWN),
        ("unknown", 5, "lookup", Next.UNKNOWN),
    ],
)
def test_what_follows(fault, attempts, once, following):
    assert decide(failed(fault), attempts, Once(how=once), "k", POLICY).next is following


@pytest.mark.parametrize(
    "fault, attempts, hours, following",
    [
        ("transient", 5, 23.9, Next.RETRY),
        ("transient", 3_000, 23.9, Next.RETRY),
        ("transient", 4, 30, Next.RETRY),
        ("transient", 5, 24, Next.DEAD),
        ("unknown", 3_000, 23.9, Next.LOOK_UP),
        ("unknown", 5, 24, Next.UNKNOWN),
        ("permanent", 1, 0, Next.DEAD),
    ],
)
def test_a_patient_one_waits_for_a_system_that_is_down(fault, attempts, hours, following):
    patient = RetryPolicy(attempts=5, patience_seconds=24 * 3600)
    assert decide(failed(fault), attempts, Once(how="lookup"), "k", patient, hours * 3600).next is following


FAULTS = st.sampled_from([fault.value for fault in FaultClass])
ONCE = st.sampled_from(["header", "natural_key", "lookup", "none"])


@given(fault=FAULTS, attempts=st.integers(1, 20), once=ONCE)
def test_what_may_have_happened_is_never_called_dead_and_never_done_blindly(fault, attempts, once):
    found = decide(failed(fault), attempts, Once(how=once), "k", POLICY).next
    if fault == "unknown":
        assert found is not Next.DEAD
        assert once != "none" or found is Next.UNKNOWN


@given(attempts=st.integers(1, 100_000), key=st.text(max_size=20))
def test_waits_double_are_spread_and_bounded(attempts, key):
    seconds = wait(failed("transient"), attempts, key, POLICY)
    base = min(0.25 * 2.0 ** min(attempts - 1, 20), 60)
    assert base * 0.5 <= seconds <= base * 1.5
    assert seconds == wait(failed("transient"), attempts, key, POLICY)


def test_keys_do_not_come_back_at_one_moment():
    assert len({wait(failed("transient"), 3, f"k{number}", POLICY) for number in range(100)}) == 100


@given(seconds=st.integers(0, 10_000))
def test_what_the_target_asks_for_is_heeded(seconds):
    assert wait(failed("transient", seconds), 1, "k", POLICY) == min(seconds, 600)
