"""Sources that are asked for news: the watermark in the ledger, pages, outages, restarts in the middle."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest

from engine.connect import BreakerPlan, ConnectionPlan, Fault, Pace
from engine.connect.connector import Poll
from engine.connect.connector_plan import PollPlan
from engine.effect import Failure, FaultClass
from engine.errors import ConfigurationError, LedgerError
from engine.ledger import verify_chain
from engine.runtime.connections import Connection
from engine.runtime.gate.gate import Gate
from engine.runtime.triggers import poll
from engine.runtime.triggers.poll import Asked, Poller
from tests.runtime.desk import NOW, Desk

AWAY = Fault(Failure(fault=FaultClass.TRANSIENT, reason="no answer"))
GONE = Fault(Failure(fault=FaultClass.PERMANENT, reason="no such page"))
REACH = timedelta(days=2)
LATER = NOW + timedelta(minutes=5)


class Told:
    """A connector that gives one answer after the other."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def poll(self, source, since, after=None):
        assert source == "approved"
        self.asked.append((since, after))
        answer = self.answers.pop(0) if self.answers else Poll(items=[], upto=since)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def write(self, effects): ...
    async def read(self, operation, parameters): ...
    async def look_up(self, effect): ...
    async def aclose(self): ...


@pytest.fixture
def desk(monkeypatch):
    def usable(_plan, _sources, records, _now):
        bad = [(record, "it is bad") for record in records if record == "bad"]
        return [record for record in records if record != "bad"], bad

    monkeypatch.setattr(poll, "usable", usable)
    return Desk()


def asking(desk, connector):
    """A new process's poller."""
    plan = PollPlan(
        request=None,
        every=timedelta(milliseconds=1),
        overlap=timedelta(0),
        watermark=None,
        paging=None,
        reach=REACH,
        patience=timedelta(minutes=15),
    )
    native = SimpleNamespace(name="approved", poll=plan)
    gate = Gate("psa", ConnectionPlan(), BreakerPlan(), Pace())
    asked = Asked(connection=Connection("psa", connector, None, gate), native=native, events=())
    return Poller(asked, None, desk, desk.reader, desk.clock.now, desk.told.append)


def ask(desk, connector):
    return asyncio.run(asking(desk, connector).ask())


def test_the_first_question_reaches_back_and_the_next_process_begins_where_the_answer_ended(desk):
    connector = Told(Poll(items=["a", "b"], upto=LATER))
    assert ask(desk, connector) == ["accepted", "accepted"]
    ask(desk, connector)
    assert desk.accepted == ["a", "b"]
    assert connector.asked == [(NOW - REACH, None), (LATER, None)]


def test_an_event_and_the_watermark_behind_it_stand_in_one_commit(desk):
    ask(desk, Told(Poll(items=["a"], upto=LATER)))
    (offers, marks) = desk.commits[-1]
    assert offers == ["a"]
    assert marks == [("watermark", {"upto": "2026-06-01T00:05:00.000000Z"})]
    assert verify_chain(desk.reader) == []


def test_a_first_question_that_finds_nothing_is_a_beginning_all_the_same(desk):
    connector = Told()
    ask(desk, connector)
    desk.later(days=30)  # nobody ran it for a month
    ask(desk, connector)
    assert [since for since, _ in connector.asked] == [NOW - REACH] * 2


def test_no_news_cost_no_commit(desk):
    ask(desk, Told())
    before = len(desk.commits)
    ask(desk, Told())
    assert len(desk.commits) == before


def test_the_watermark_stays_when_what_was_found_is_not_safe(desk):
    ask(desk, Told())
    desk.broken = 0
    with pytest.raises(LedgerError):
        ask(desk, Told(Poll(items=["a"], upto=LATER)))
    desk.broken, connector = None, Told(Poll(items=["a"], upto=LATER))
    ask(desk, connector)
    assert (connector.asked, desk.accepted) == ([(NOW - REACH, None)], ["a"])


def test_the_watermark_never_goes_back(desk):
    connector = Told(Poll(items=[], upto=NOW - timedelta(days=9)))
    ask(desk, connector)
    ask(desk, connector)
    assert {since for since, _ in connector.asked} == {NOW - REACH}


def pages(*names):
    """Pages of one pass, newest first: the watermark is right only when all of them are there."""
    last = len(names) - 1
    return [
        Poll(items=[name], upto=LATER - timedelta(minutes=number), after=None if number == last else number)
        for number, name in enumerate(names)
    ]


@pytest.mark.requirement("REL-01")
@pytest.mark.parametrize("commits", range(1, 5))
def test_stopped_between_any_two_pages_the_next_process_goes_on_there(desk, commits):
    all_pages = pages("a", "b", "c")
    desk.broken = commits
    first = Told(*all_pages)
    if commits < 4:
        with pytest.raises(LedgerError):
            ask(desk, first)
    else:
        ask(desk, first)
    desk.broken = None
    rest = Told(*all_pages[len(desk.accepted) :])
    ask(desk, rest)
    assert desk.accepted == ["a", "b", "c"]
    if commits == 3:  # two pages were safe: the third is asked for by its name, from the same beginning
        assert rest.asked == [(NOW - REACH, 1)]
    assert asking(desk, rest).state().position == "2026-06-01T00:05:00.000000Z"


def test_a_page_that_the_source_knows_no_more_begins_the_pass_again(desk):
    with pytest.raises(Fault):
        ask(desk, Told(*pages("a", "b")[:1], AWAY))
    connector = Told(GONE, *pages("a", "b"))
    poller = asking(desk, connector)
    with pytest.raises(Fault):
        asyncio.run(poller.ask())
    assert asyncio.run(poller.ask()) == ["duplicate", "accepted"]
    assert connector.asked == [(NOW - REACH, 0), (NOW - REACH, None), (NOW - REACH, 0)]


def test_pages_that_go_in_a_circle_are_noticed(desk):
    one = Poll(items=["a"], upto=NOW, after=7)
    with pytest.raises(Fault, match="the same page again"):
        ask(desk, Told(one, one, one))


def test_a_poll_that_finds_more_than_there_is_room_for_waits_between_pages(desk):
    connector = Told(*pages("a", "b"))
    poller = asking(desk, connector)

    async def crowded():
        running = asyncio.ensure_future(poller.ask())
        while not desk.accepted:  # noqa: ASYNC110 - what is waited for is a list
            await asyncio.sleep(0)
        desk.room = 0
        await asyncio.sleep(0.02)
        assert len(connector.asked) <= 2
        desk.room = 1
        await asyncio.wait_for(running, 5)

    asyncio.run(crowded())
    assert desk.accepted == ["a", "b"]


def test_a_record_that_cannot_be_used_is_told_and_keeps_no_other_back(desk):
    ask(desk, Told(Poll(items=["bad", "a"], upto=NOW, unfit=[({"id": 1}, "there is no date")])))
    assert desk.accepted == ["a"]
    assert desk.apart == [({"id": 1}, "there is no date"), ("bad", "it is bad")]
    assert desk.told == [
        "psa.approved has a record that cannot be used: there is no date",
        "psa.approved has a record that cannot be used: it is bad",
    ]


def run_until(desk, connector, done):
    poller = asking(desk, connector)

    async def until():
        stopping = asyncio.Event()
        running = asyncio.ensure_future(poller.run(stopping))
        while not done():  # noqa: ASYNC110 - what is waited for is a list
            await asyncio.sleep(0.001)
        stopping.set()
        await asyncio.wait_for(running, 5)

    asyncio.run(until())
    return poller


def test_a_source_that_is_away_is_asked_again_until_it_is_time_to_stop(desk):
    connector = Told(AWAY, AWAY, Poll(items=["a"], upto=NOW))
    poller = run_until(desk, connector, lambda: desk.accepted)
    assert desk.told == ["psa.approved gave no answer: no answer"] * 2
    assert (poller.state().error, desk.alerts) == (None, {})  # it was not away for long


@pytest.mark.requirement("REL-08")
def test_a_source_that_is_away_for_long_is_told_once_and_closed_when_it_is_back(desk):
    connector = Told(AWAY)
    run_until(desk, connector, lambda: desk.told)
    desk.later(minutes=10)
    run_until(desk, Told(AWAY), lambda: len(desk.told) > 1)  # another process: the outage is as old as it is
    assert desk.alerts == {}
    desk.later(minutes=5)
    run_until(desk, Told(AWAY, AWAY), lambda: len(desk.told) > 3)
    (alert,) = desk.alerts.values()
    assert alert.message == ("psa.approved has brought nothing since 2026-06-01T00:00:00.000000Z: no answer")
    assert asking(desk, connector).state().error == "no answer"
    ask(desk, Told(Poll(items=["a"], upto=NOW)))
    assert [row.status for row in desk.alerts.values()] == ["closed"]
    assert asking(desk, connector).state().error is None


def test_asking_ends_with_the_ledger(desk):
    desk.broken = 0
    poller = asking(desk, Told(Poll(items=["a"], upto=NOW)))
    asyncio.run(asyncio.wait_for(poller.run(asyncio.Event()), 5))


def test_a_connector_that_cannot_be_asked_is_said(desk):
    with pytest.raises(ConfigurationError, match=r"psa\.approved cannot be asked"):
        ask(desk, object())
