"""Sources that are asked for news: the watermark, records that cannot be used, and a source that is away."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from engine.connect import Fault
from engine.connect.connector import Poll
from engine.effect import Failure, FaultClass
from engine.errors import ConfigurationError, LedgerError
from engine.runtime.connections import Connection
from engine.runtime.triggers import poll
from engine.runtime.triggers.poll import REACH, Asked, Poller

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AWAY = Fault(Failure(fault=FaultClass.TRANSIENT, reason="no answer"))


class Told:
    """A connector that gives one answer after the other."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def poll(self, source, since):
        self.asked.append((source, since))
        answer = self.answers.pop(0) if self.answers else Poll(items=[], upto=since)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def write(self, effects): ...
    async def read(self, operation, parameters): ...
    async def look_up(self, effect): ...
    async def aclose(self): ...


@pytest.fixture
def asking(monkeypatch):
    """A poller on a connector, and what it accepted, kept apart and complained of."""

    def usable(_plan, _sources, records, _now):
        bad = [(record, "it is bad") for record in records if record == "bad"]
        return [record for record in records if record != "bad"], bad

    monkeypatch.setattr(poll, "usable", usable)

    def make(connector, refused=None):
        accepted, apart, complaints = [], [], []

        async def accept(offers, _source, unfit):
            if refused is not None:
                raise refused
            accepted.extend(offers)
            apart.extend(unfit)
            return ["accepted"] * len(offers)

        native = SimpleNamespace(name="approved", poll=SimpleNamespace(every=timedelta(milliseconds=1)))
        asked = Asked(connection=Connection("psa", connector, None), native=native, events=())
        poller = Poller(asked, None, accept, lambda: NOW, complaints.append)
        return poller, SimpleNamespace(accepted=accepted, apart=apart, told=complaints)

    return make


def test_the_first_question_reaches_back_and_the_next_begins_where_the_answer_ended(asking):
    later = NOW + timedelta(minutes=5)
    connector = Told(Poll(items=["a", "b"], upto=later))
    poller, heard = asking(connector)
    assert asyncio.run(poller.ask()) == ["accepted", "accepted"]
    asyncio.run(poller.ask())
    assert heard.accepted == ["a", "b"]
    assert connector.asked == [("approved", NOW - REACH), ("approved", later)]


def test_the_watermark_stays_when_what_was_found_is_not_safe(asking):
    poller, _ = asking(Told(Poll(items=["a"], upto=NOW)), refused=LedgerError("full"))
    with pytest.raises(LedgerError):
        asyncio.run(poller.ask())
    assert poller.since == NOW - REACH


def test_the_watermark_never_goes_back(asking):
    poller, _ = asking(Told(Poll(items=[], upto=NOW - timedelta(days=9))))
    asyncio.run(poller.ask())
    assert poller.since == NOW - REACH


def test_a_record_that_cannot_be_used_is_told_and_keeps_no_other_back(asking):
    found = Poll(items=["bad", "a"], upto=NOW, unfit=[({"id": 1}, "there is no date")])
    poller, heard = asking(Told(found))
    asyncio.run(poller.ask())
    assert heard.accepted == ["a"]
    assert heard.apart == [({"id": 1}, "there is no date"), ("bad", "it is bad")]
    assert heard.told == [
        "psa.approved has a record that cannot be used: there is no date",
        "psa.approved has a record that cannot be used: it is bad",
    ]


def test_a_source_that_is_away_is_asked_again_until_it_is_time_to_stop(asking):
    connector = Told(AWAY, AWAY, Poll(items=["a"], upto=NOW))
    poller, heard = asking(connector)

    async def until_told():
        stopping = asyncio.Event()
        running = asyncio.ensure_future(poller.run(stopping))
        while not heard.accepted:  # noqa: ASYNC110 - what is waited for is a list
            await asyncio.sleep(0.001)
        stopping.set()
        await asyncio.wait_for(running, 5)

    asyncio.run(until_told())
    assert heard.accepted == ["a"]
    assert heard.told == ["psa.approved gave no answer: no answer"] * 2


def test_asking_ends_with_the_ledger(asking):
    poller, _ = asking(Told(Poll(items=["a"], upto=NOW)), refused=LedgerError("full"))
    asyncio.run(asyncio.wait_for(poller.run(asyncio.Event()), 5))


def test_a_connector_that_cannot_be_asked_is_said(asking):
    poller, _ = asking(object())
    with pytest.raises(ConfigurationError, match=r"psa\.approved cannot be asked"):
        asyncio.run(poller.ask())
