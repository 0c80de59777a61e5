"""How a doubt is left: the same key while the target knows it, a look-up until it has settled, or a person."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.clock import FixedClock
from engine.connect import ConnectionPlan, Failure, Fault, FaultClass, Receipt
from engine.core import WriteCommand
from engine.ledger import Commit
from engine.ledger.instants import instant
from engine.ledger.rows import EffectRow, TransitionRow
from engine.runtime.connections import Connections, connect
from engine.runtime.deliver import Delivery, Settler, attempt, due_again, taken_up
from engine.runtime.guard import Guarded
from engine.runtime.retry import Doubt, Next, Once, RetryPolicy, decide
from tests.connect.toy import MANIFEST, plan

BEGAN = datetime(2026, 3, 31, 12, tzinfo=UTC)
POST = next(line for line in MANIFEST.splitlines() if "once_by: {how: header" in line)
pytestmark = pytest.mark.requirement("REL-02", "REL-10")


class System:
    """Does as it is told; by and by it finds what it was given."""

    def __init__(self, *outcomes, found_after=None):
        self.outcomes = list(outcomes)
        self.found_after = found_after
        self.calls = []

    async def write(self, effects):
        self.calls.append("write")
        return [self.outcomes.pop(0) if self.outcomes else Receipt("1") for _ in effects]

    async def look_up(self, effect):
        del effect
        self.calls.append("look")
        if isinstance(self.found_after, Failure):
            raise Fault(self.found_after)
        found = self.found_after is not None and self.calls.count("look") > self.found_after
        return Receipt("1", found=True) if found else None


UNKNOWN = Failure(fault=FaultClass.UNKNOWN, reason="it broke off")


def work(once, system, policy=None):
    """One effect until it is settled: where it ended, the seconds until then, and what was asked."""
    assert POST in MANIFEST
    toy = plan(MANIFEST.replace(POST, f"    once_by: {once}"))
    clock = FixedClock(BEGAN)
    connection = connect("toy", ConnectionPlan(), toy, lambda _: system)
    patience = policy or RetryPolicy(attempts=4)
    settler = Settler(Connections({"toy": connection}), lambda *_: patience, lambda *_: {}, clock)
    command = WriteCommand("write:put", "f/e/put", "put", None, "toy", "post", {"key": "k"}, ())
    delivery, commit = Delivery("f/e", command), Commit()
    while True:
        settler.send(commit, delivery, clock.now())
        (done,) = asyncio.run(attempt(connection, [delivery], clock))
        settled = settler.settle(commit, done, clock.now())
        if settled.answer is not None:
            ended = "unknown" if commit.effects_unknown else "dead" if commit.effects_dead else "done"
            return ended, clock.elapsed_seconds(), system.calls
        clock.advance(settled.again_at - clock.now())


def test_what_is_not_found_is_looked_for_until_the_target_has_settled():
    system = System(UNKNOWN)
    ended, seconds, calls = work("{how: lookup, look_up: thing, settles: 3m}", system)
    assert (ended, calls[0], calls[-1], calls.count("write")) == ("done", "write", "write", 2)
    assert calls.count("look") > 3
    assert seconds == 180


def test_a_clock_that_jumps_does_not_make_a_target_settle():
    """What was broken off may still be on its way, whatever the clock on the wall says."""
    clock = FixedClock(BEGAN)
    delivery = Delivery("f/e", None)
    delivery.come_in_doubt(clock, 180)
    clock.instant += timedelta(hours=1)
    assert delivery.doubt(clock) == Doubt(seconds=3600, settling_seconds=180)
    clock.instant -= timedelta(hours=2)
    clock.advance(timedelta(seconds=100))
    assert delivery.doubt(clock) == Doubt(seconds=100, settling_seconds=80)


def test_what_is_found_late_is_not_written_again():
    system = System(UNKNOWN, found_after=5)
    ended, seconds, calls = work("{how: lookup, look_up: thing, settles: 3m}", system)
    assert (ended, calls) == ("done", ["write", *["look"] * 6])
    assert 5 < seconds < 180


def test_a_look_up_without_an_answer_leaves_the_doubt():
    system = System(UNKNOWN, found_after=Failure(fault=FaultClass.TRANSIENT, reason="gone"))
    ended, seconds, calls = work("{how: lookup, look_up: thing, settles: 3m}", system)
    assert (ended, calls.count("write")) == ("unknown", 1)
    assert seconds >= 180


def test_what_was_tried_often_enough_and_is_surely_not_there_is_dead():
    system = System(*[UNKNOWN] * 10)
    ended, _, calls = work("{how: lookup, look_up: thing, settles: 1m}", system, RetryPolicy(attempts=2))
    assert (ended, calls.count("write")) == ("dead", 2)


def test_a_key_is_used_again_while_the_target_surely_knows_it():
    system = System(*[UNKNOWN] * 1000)
    patient = RetryPolicy(patience_seconds=7 * 24 * 3600)
    ended, seconds, calls = work("{how: header, header: Idempotency-Key, life: 1h}", system, patient)
    assert ended == "unknown"
    assert set(calls) == {"write"}
    assert 50 * 60 < seconds < 54 * 60  # a tenth less than its life, and less what a request may take


def test_a_key_that_may_be_forgotten_is_looked_for_where_that_is_possible():
    system = System(*[UNKNOWN] * 50, found_after=2)
    patient = RetryPolicy(patience_seconds=7 * 24 * 3600)
    once = (
        "{how: header, header: Idempotency-Key, life: 1h, look_up: thing, settles: 10m, with: {key: '{key}'}}"
    )
    ended, seconds, calls = work(once, System(*[UNKNOWN] * 1000, found_after=2), patient)
    assert (ended, calls[-3:]) == ("done", ["look"] * 3)
    assert "write" not in calls[calls.index("look") :]
    assert seconds > 50 * 60
    assert system.calls == []


def test_a_key_that_was_only_refused_does_not_grow_old():
    away = Failure(fault=FaultClass.TRANSIENT, reason="away", retry_after_seconds=600)
    system = System(*[away] * 20, UNKNOWN)
    patient = RetryPolicy(patience_seconds=7 * 24 * 3600)
    ended, seconds, calls = work("{how: header, header: Idempotency-Key, life: 1h}", system, patient)
    assert (ended, calls.count("write")) == ("done", 22)
    assert seconds > 3 * 3600


@pytest.mark.parametrize("how", ["header", "natural_key", "lookup", "none"])
def test_the_rule(how):
    once = Once(how=how, key_seconds=100.0, settles_seconds=60.0, looks=how == "lookup")
    policy = RetryPolicy(attempts=3)
    young = decide(UNKNOWN, 1, once, "k", policy, 0.0, Doubt(seconds=1, settling_seconds=60)).next
    old = decide(UNKNOWN, 1, once, "k", policy, 0.0, Doubt(seconds=200, settling_seconds=0)).next
    worn = decide(UNKNOWN, 9, once, "k", policy, 0.0, Doubt(seconds=1, settling_seconds=60)).next
    assert [young, old, worn] == {
        "header": [Next.RETRY, Next.UNKNOWN, Next.UNKNOWN],
        "natural_key": [Next.RETRY, Next.RETRY, Next.UNKNOWN],
        "lookup": [Next.LOOK_UP, Next.LOOK_UP, Next.LOOK_UP],
        "none": [Next.UNKNOWN, Next.UNKNOWN, Next.UNKNOWN],
    }[how]


def at(minute):
    return f"2026-03-31T12:{minute:02d}:00.000000Z"


def row(began, status, payload='{"day":"2026-03-01"}'):
    return EffectRow(
        "f/e/put", "f/e", "put", None, "toy", "post", payload, at(0), began, 1, status, 1, *[None] * 7
    )._replace(seq=1)


def step(status, minute, fault=None):
    detail = None if fault is None else f'{{"fault":"{fault}","reason":"x"}}'
    return TransitionRow("effect", "f/e/put", status, at(minute), None, None, detail, 1, 1)


@pytest.mark.parametrize(
    "began, status, steps, minute",
    [
        ("sending", "sending", [], 0),
        ("sending", "pending", [step("pending", 1, "unknown")], 0),
        ("sending", "pending", [step("pending", 1, "transient")], None),
        ("pending", "sending", [step("sending", 2)], 2),
        (
            "sending",
            "sending",
            [
                step("pending", 1, "transient"),
                step("sending", 2),
                step("pending", 3, "unknown"),
                step("sending", 4),
            ],
            2,
        ),
    ],
)
def test_the_next_process_knows_since_when_it_is_in_doubt(began, status, steps, minute):
    command = WriteCommand("write:put", "f/e/put", "put", None, "toy", "post", {"day": "2026-03-01"}, ())
    delivery = taken_up(
        command, row(began, status), steps, Once(how="lookup", settles_seconds=60), FixedClock(BEGAN)
    )
    assert delivery.in_doubt is (minute is not None)
    assert delivery.doubted_at == (None if minute is None else BEGAN + timedelta(minutes=minute))
    assert delivery.settled_from == 60


def test_what_was_decided_then_is_sent_and_not_what_would_be_decided_now():
    command = WriteCommand("write:put", "f/e/put", "put", None, "toy", "post", {"day": "2026-03-02"}, ())
    delivery = taken_up(command, row("sending", "sending"), [], Once(how="header"), FixedClock(BEGAN))
    assert delivery.command.payload == {"day": "2026-03-01"}
    assert delivery.command.effect_key == command.effect_key


def test_a_look_up_that_is_answered_shows_that_the_system_is_there():
    """However long nothing is found yet: a breaker that opened for it would stop everything else as well."""
    system = System(UNKNOWN, found_after=20)
    clock = FixedClock(BEGAN)
    toy = plan(MANIFEST.replace(POST, "    once_by: {how: lookup, look_up: thing, settles: 3m}"))
    connection = connect("toy", ConnectionPlan(), toy, lambda _: system)
    command = WriteCommand("write:put", "f/e/put", "put", None, "toy", "post", {"key": "k"}, ())
    delivery = Delivery("f/e", command)
    delivery.in_doubt = True
    delivery.come_in_doubt(clock, 180)
    (done,) = asyncio.run(attempt(connection, [delivery], clock))
    assert (done.looked, done.answered, done.asked) == (True, True, True)
    clock.advance(timedelta(seconds=200))
    delivery.given_up = True
    (done,) = asyncio.run(attempt(connection, [delivery], clock))
    assert (done.looked, done.answered, done.asked) == (True, True, True)


def test_a_look_up_without_an_answer_shows_that_the_system_may_be_away():
    system = System(UNKNOWN, found_after=Failure(fault=FaultClass.TRANSIENT, reason="gone"))
    clock = FixedClock(BEGAN)
    toy = plan(MANIFEST.replace(POST, "    once_by: {how: lookup, look_up: thing, settles: 3m}"))
    connection = connect("toy", ConnectionPlan(), toy, lambda _: system)
    command = WriteCommand("write:put", "f/e/put", "put", None, "toy", "post", {"key": "k"}, ())
    delivery = Delivery("f/e", command)
    delivery.in_doubt = True
    delivery.come_in_doubt(clock, 180)
    (done,) = asyncio.run(attempt(connection, [delivery], clock))
    assert (done.looked, done.answered, done.asked) == (True, False, True)


def test_what_is_due_again_waits_no_longer_than_it_was_to_wait_in_all():
    """The clock of the machine that had it may have been an hour ahead."""
    at, due = BEGAN + timedelta(hours=1), BEGAN + timedelta(hours=1, seconds=4)
    step = TransitionRow("effect", "k", "pending", instant(at), instant(due), None, None, 1, 1)
    assert due_again(instant(due), [step], BEGAN) == BEGAN + timedelta(seconds=4)
    assert due_again(instant(due), [step], due - timedelta(seconds=1)) == due
    assert due_again(instant(due), [step], due + timedelta(hours=9)) == due
    assert due_again(instant(due), [], BEGAN) == due


def test_what_was_kept_back_says_nothing_of_the_system():
    """A machine that may have been replaced sends nothing; that is no reason to take a system to be away."""
    system = System(UNKNOWN)
    toy = plan(MANIFEST.replace(POST, "    once_by: {how: lookup, look_up: thing, settles: 3m}"))
    guard = Guarded(system, lambda: False)
    connection = connect("toy", ConnectionPlan(), toy, lambda _: guard)
    command = WriteCommand("write:put", "f/e/put", "put", None, "toy", "post", {"key": "k"}, ())
    (done,) = asyncio.run(attempt(connection, [Delivery("f/e", command)], FixedClock(BEGAN)))
    assert isinstance(done.outcome, Failure)
    assert (done.outcome.fault, done.asked) == (FaultClass.TRANSIENT, False)


def test_the_last_look_is_not_due_at_the_instant_of_the_one_before():
    """What is left of the settling time may be less than an instant can tell."""
    once = Once(how="lookup", settles_seconds=180.0, looks=True)
    doubt = Doubt(seconds=180.0, settling_seconds=1e-13)
    failure = Failure(fault=FaultClass.UNKNOWN, reason="it is not found yet")
    decision = decide(failure, 5, once, "k", RetryPolicy(), 180.0, doubt)
    assert decision.next is Next.LOOK_UP
    assert BEGAN + timedelta(seconds=decision.after_seconds) > BEGAN
