"""Rates, breakers, ranks and back-pressure: pure classes that are handed the time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connect import BreakerPlan, Pace, Rate, RetryShare
from engine.runtime.gate.breaker import Breaker, State
from engine.runtime.gate.budget import RetryBudget
from engine.runtime.gate.pressure import LONGEST, SHORTEST, Speed, come_again
from engine.runtime.gate.rank import SECONDS_A_POINT, Queue, rank

STEPS = st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=80)


class TestRetryBudget:
    pytestmark = pytest.mark.requirement("REL-05", "REL-22")

    @given(
        st.lists(st.tuples(st.floats(0, 2, allow_nan=False), st.booleans()), max_size=200),
        st.integers(1, 99),
        st.integers(1, 5),
    )
    def test_at_any_moment_retries_are_no_more_than_their_share_or_the_least(self, steps, share, least):
        budget = RetryBudget(RetryShare(share=share, seconds=10, least=least))
        at, calls, retries = 0.0, [], []
        for step, retry in steps:
            at += step
            if not retry:
                budget.called(at)
                calls.append(at)
            elif budget.take(at):
                retries.append(at)
                recent = sum(one > at - 10 for one in retries)
                assert recent <= least or self.is_share_kept(calls, retries, at, share, budget.slice_seconds)

    def is_share_kept(self, calls, retries, at, share, slice_seconds):
        """Whether the share is kept from some moment on: slices are counted as a whole, so it is up to one earlier."""
        earliest, latest = at - 10 - slice_seconds - 1e-9, at - 10
        begins = [latest, *(one for one in (*calls, *retries) if earliest <= one <= latest)]
        return any(
            100 * sum(one >= begin for one in retries)
            <= share * (sum(one >= begin for one in calls) + sum(one >= begin for one in retries))
            for begin in begins
        )

    def test_what_is_refused_may_go_when_there_are_more_calls_or_later(self):
        budget = RetryBudget(RetryShare(share=50, seconds=10, least=1))
        assert [budget.take(0), budget.take(0)] == [True, False]
        budget.called(1)
        budget.called(1)
        assert [budget.take(1), budget.take(1)] == [True, False]
        assert budget.may(1 + 10 + 2 * budget.slice_seconds)

    def test_a_clock_that_is_set_back_does_not_stop_them(self):
        budget = RetryBudget(RetryShare(share=50, seconds=10, least=1))
        assert budget.take(1_000)
        assert budget.take(10)


class TestPace:
    pytestmark = pytest.mark.requirement("REL-20")

    @given(STEPS, st.integers(1, 10), st.integers(1, 8))
    def test_in_no_stretch_of_time_go_more_than_the_rate_allows(self, steps, requests, seconds):
        pace = Pace([Rate(requests=requests, seconds=seconds)])
        at, went = 0.0, []
        for step in steps:
            at += step
            for _ in range(pace.free(at, "writes")):
                pace.reserve(at, "writes")
                pace.send(at, "writes")
                went.append(at)
        for start in went:
            assert sum(start <= one < start + seconds for one in went) <= requests

    @given(STEPS, st.integers(1, 5), st.integers(1, 8))
    def test_after_the_wait_one_may_go_and_not_before(self, steps, requests, seconds):
        pace = Pace([Rate(requests=requests, seconds=seconds)])
        at = 0.0
        for step in steps:
            at += step / 10
            wait = pace.wait(at, "reads")
            if wait > 1e-6:
                assert pace.free(at, "reads") == 0
                assert pace.free(at + wait / 2, "reads") == 0
            if wait:
                at += wait + 1e-6  # sums of floats may miss the instant by a hair
            assert pace.free(at, "reads") > 0
            pace.reserve(at, "reads")

    def test_reads_and_writes_may_be_counted_apart(self):
        pace = Pace([Rate(requests=1, seconds=60, of="writes"), Rate(requests=3, seconds=60)])
        pace.reserve(0, "writes")
        assert (pace.free(0, "writes"), pace.free(0, "reads")) == (0, 2)

    def test_what_nobody_foresaw_counts_as_well(self):
        pace = Pace([Rate(requests=4, seconds=60)])
        pace.reserve(0, "reads")
        for _ in range(4):  # pages of one read
            pace.send(0, "reads")
        assert pace.free(0, "reads") == 0

    def test_what_the_answers_say_counts_more_than_what_we_know(self):
        pace = Pace([Rate(requests=100, seconds=60)])
        pace.hear(0, 2, 10)
        pace.reserve(0, "writes")
        pace.reserve(0, "writes")
        assert (pace.free(1, "writes"), pace.wait(1, "writes")) == (0, 9)
        assert pace.free(11, "writes") == 98

    def test_a_clock_that_is_put_back_holds_nothing_up(self):
        pace = Pace([Rate(requests=1, seconds=60)])
        pace.reserve(10_000, "writes")
        assert pace.wait(10_020, "writes") == 40
        assert pace.wait(6_420, "writes") == 40
        assert pace.wait(6_430, "writes") == 30

    def test_a_system_that_asks_to_be_left_alone_is(self):
        pace = Pace()
        assert pace.free(0, "writes") is None
        pace.throttled(0, 30)
        assert (pace.wait(10, "reads"), pace.free(29, "writes")) == (20, 0)
        assert pace.free(30, "writes") is None

    def test_one_that_refuses_without_a_time_is_asked_less_and_less_until_it_answers(self):
        pace, waits, at = Pace(), [], 0.0
        for _ in range(9):
            pace.throttled(at, None)
            waits.append(pace.wait(at, "writes"))
            at += waits[-1]
        assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        pace.answered()
        pace.throttled(at, None)
        assert pace.wait(at, "writes") == 1


class TestBreaker:
    pytestmark = pytest.mark.requirement("REL-31")

    def opened(self, **said):
        breaker = Breaker("erp", BreakerPlan(after=3, pause_seconds=4, longest_seconds=10, **said))
        turned = [breaker.came(0, failed=True, probe=False) for _ in range(3)]
        assert turned == [False, False, True]
        return breaker

    def test_it_opens_after_so_many_failures_in_a_row(self):
        breaker = Breaker("erp", BreakerPlan(after=3))
        for failed in (True, True, False, True, True):
            assert not breaker.came(0, failed=failed, probe=False)
        assert breaker.state is State.CLOSED
        assert breaker.came(0, failed=True, probe=False)
        assert breaker.free(0) == 0

    def test_it_opens_when_a_share_of_the_last_fails(self):
        breaker = Breaker("erp", BreakerPlan(after=100, share=50, among=4))
        turned = [breaker.came(0, failed=failed, probe=False) for failed in (True, False, False, True)]
        assert turned == [False, False, False, True]

    def test_one_attempt_tries_whether_the_system_is_back(self):
        breaker = self.opened()
        wait = breaker.wait(0)
        assert 3 <= wait <= 4
        assert breaker.free(wait - 0.01) == 0
        assert breaker.free(wait) == 1
        assert breaker.go()
        assert breaker.free(wait) == 0
        assert breaker.wait(wait) is None
        assert breaker.came(wait + 1, failed=False, probe=True)
        assert breaker.state is State.CLOSED
        assert breaker.free(wait + 1) is None

    def test_the_pauses_grow_up_to_the_longest(self):
        breaker, at, waits = self.opened(), 0.0, []
        for _ in range(4):
            waits.append(breaker.wait(at))
            at += waits[-1]
            assert breaker.free(at) == 1
            breaker.go()
            assert not breaker.came(at, failed=True, probe=True)
        assert waits[0] <= 4 < waits[1] <= 8 and 7.5 <= waits[2] <= waits[3] * 4 / 3 <= 40 / 3  # noqa: PT018
        assert breaker.away_seconds(at) == at

    def test_what_was_on_its_way_when_it_opened_says_nothing(self):
        breaker = self.opened()
        assert not breaker.came(1, failed=False, probe=False)
        assert breaker.state is State.OPEN

    @given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=60))
    def test_it_never_lets_more_than_one_try_and_always_lets_one_in_the_end(self, attempts):
        breaker = Breaker("erp", BreakerPlan(after=2, pause_seconds=4, longest_seconds=10))
        at = 0.0
        for step, failed in attempts:
            at += step
            free = breaker.free(at)
            assert free in (None, 0, 1)
            if free == 0:
                at += breaker.wait(at)
                assert breaker.free(at) == 1
            probe = breaker.go()
            assert not probe or breaker.free(at) == 0
            breaker.came(at, failed=failed, probe=probe)
            assert breaker.away_seconds(at) <= at


class TestRank:
    pytestmark = pytest.mark.requirement("REL-15")

    @given(st.lists(st.tuples(st.floats(0, 10_000), st.integers(-99, 99)), max_size=60))
    def test_nothing_waits_for_more_than_its_weight_is_less(self, arrivals):
        """Whoever goes before somebody came at most so much later as its weight is more."""
        queue = Queue()
        for number, (at, weight) in enumerate(sorted(arrivals)):
            queue.put(rank(at, weight), (number, at, weight))
        gone = [queue.take() for _ in range(len(queue))]
        for place, (_, at, weight) in enumerate(gone):
            for _, later, less in gone[place + 1 :]:
                assert at - later <= (weight - less) * SECONDS_A_POINT + 1e-6

    @given(st.lists(st.integers(0, 9), max_size=40))
    def test_of_one_weight_the_first_goes_first(self, at):
        queue = Queue()
        for number, one in enumerate(sorted(at)):
            queue.put(rank(one, 3), number)
        assert [queue.take() for _ in range(len(queue))] == sorted(range(len(at)))

    @given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30), st.integers(1, 10))
    def test_some_are_taken_out_and_the_others_keep_their_order(self, items, most):
        queue = Queue()
        for number, (at, wanted) in enumerate(items):
            queue.put(at, (number, wanted))
        ordered = sorted(range(len(items)), key=lambda number: (items[number][0], number))
        taken = queue.take_those(lambda item: item[1], most)
        assert [number for number, _ in taken] == [one for one in ordered if items[one][1]][:most]
        left = [queue.take()[0] for _ in range(len(queue))]
        assert left == [one for one in ordered if one not in [number for number, _ in taken]]


class TestPressure:
    pytestmark = pytest.mark.requirement("REL-20")

    @given(st.integers(0, 10**7), st.integers(1, 10**6), st.floats(0, 10**5))
    def test_a_sender_is_told_a_time_that_makes_sense(self, backlog, limit, speed):
        assert SHORTEST <= come_again(backlog, limit, speed) <= LONGEST

    def test_the_faster_the_work_the_sooner(self):
        assert come_again(11_000, 10_000, 100) == 20
        assert come_again(11_000, 10_000, 1_000) == 2
        assert come_again(8_000, 10_000, 1) == SHORTEST

    def test_the_speed_follows_what_is_done(self):
        speed = Speed()
        for second in range(400):
            speed.count(float(second), 50 * second)
        assert 49 < speed.a_second < 51
        speed.count(700.0, 50 * 399)
        assert speed.a_second < 1


def test_an_attempt_that_asked_nothing_leaves_the_trial_to_another():
    breaker = Breaker("erp", BreakerPlan(after=1, pause_seconds=4.0))
    breaker.came(0.0, failed=True, probe=False)
    at = breaker.until
    assert breaker.free(at) == 1
    assert breaker.go()
    assert breaker.free(at) == 0
    breaker.came_to_nothing()
    assert breaker.free(at) == 1
