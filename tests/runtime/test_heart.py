"""The heart of a machine: when it is sure, when it fails, and that a busy loop does not stop it."""

import asyncio
import threading
import time

import pytest

from engine.errors import LedgerUnreachable
from engine.runtime import heart as hearts
from engine.runtime.heart import Heart


class Server:
    """What is asked at every beat."""

    def __init__(self):
        self.beats, self.closed, self.alive, self.away = 0, False, True, False

    def beat(self):
        self.beats += 1
        if self.away:
            raise LedgerUnreachable("no answer")
        return self.alive

    def close(self):
        self.closed = True


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(hearts, "BEAT_SECONDS", 0.002)
    monkeypatch.setattr(hearts, "SURE_SECONDS", 0.2)
    return Server()


@pytest.fixture
def heart(server):
    heart = Heart(server.beat, server.close)
    heart.begin()
    yield heart
    heart.end()
    assert server.closed


def until(true):
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def failed(heart):
    try:
        heart.seen()
    except LedgerUnreachable:
        return True
    return False


def test_it_beats_while_the_loop_is_busy(heart, server):
    async def busy():
        before = server.beats
        until(lambda: server.beats > before + 20)  # the loop does nothing else meanwhile
        assert heart.sure()
        heart.seen()

    asyncio.run(busy())


@pytest.mark.requirement("REL-17")
def test_whoever_was_counted_as_gone_is_sure_of_nothing_and_has_to_begin_again(heart, server):
    until(lambda: server.beats > 2)
    server.alive = False
    until(lambda: failed(heart))
    before = server.beats
    with pytest.raises(LedgerUnreachable, match="counted this machine as gone"):
        heart.seen()
    time.sleep(0.02)
    assert server.beats == before, "no further beat revives what others have taken over"
    until(lambda: not heart.sure())


def test_a_server_that_is_away_for_a_moment_harms_nothing(heart, server):
    until(lambda: server.beats > 2)
    server.away = True
    before = server.beats
    until(lambda: server.beats > before + 2)
    server.away = False
    time.sleep(0.3)
    heart.seen()
    assert heart.sure()


def test_one_that_stays_away_is_felt_when_others_may_have_taken_over(heart, server):
    until(lambda: server.beats > 2)
    server.away = True
    until(lambda: failed(heart))
    assert not heart.sure()


def test_a_loop_that_hangs_is_no_owner_of_anything(heart, server, monkeypatch):
    until(lambda: server.beats > 2)
    monkeypatch.setattr(hearts, "HUNG_SECONDS", 0.01)
    until(lambda: not heart.sure())
    before = server.beats
    heart.seen()  # it goes on after all, and nobody has taken over
    until(lambda: server.beats > before)


def test_it_ends_at_once_and_leaves_no_thread(server):
    heart = Heart(server.beat, server.close)
    heart.end()  # never begun
    heart = Heart(server.beat, server.close)
    heart.begin()
    heart.end()
    heart.end()
    assert not [one for one in threading.enumerate() if one.name == "heart"]
