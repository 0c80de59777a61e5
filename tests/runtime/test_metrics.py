"""The numbers of one machine, also while there is nothing to work with."""

import asyncio

import httpx

from engine.errors import LedgerUnreachable
from engine.ledger import open_ledger
from engine.runtime.metrics import Watched, application
from engine.runtime.triggers.trigger import TriggerState


def scraped(watched):
    async def get():
        transport = httpx.ASGITransport(app=application(watched))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return (await client.get("/metrics")).text

    lines = asyncio.run(get()).splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_while_the_server_is_away_it_says_so(clock):
    def away():
        raise LedgerUnreachable("gone")

    found = scraped(Watched(runner=lambda: None, reader=away, now=clock.now, partitions=lambda: 0))
    assert found == {"tidegate_ready": "0.0", "tidegate_partitions": "0.0"}


def test_what_the_ledger_holds_is_told_without_a_runner(clock, tmp_path):
    with open_ledger(str(tmp_path / "ledger.sqlite"), clock=clock, create=True) as ledger:
        found = scraped(Watched(runner=lambda: None, reader=ledger.reader, now=clock.now))
    assert "tidegate_partitions" not in found
    assert found["tidegate_oldest_open_run_seconds"] == "0.0"


class Source:
    def __init__(self, name, **how):
        self._state = TriggerState(name=name, kind="stream", **how)

    def state(self):
        return self._state


def test_what_waits_at_brokers_and_what_fails_is_told_of_each_source(clock):
    sources = [Source("bus.orders", behind=7), Source("psa.hours", error="it is away")]
    told = scraped(Watched(runner=lambda: None, reader=lambda: None, now=clock.now, triggers=lambda: sources))
    assert told == {
        "tidegate_ready": "0.0",
        'tidegate_source_failing{source="bus.orders"}': "0.0",
        'tidegate_source_failing{source="psa.hours"}': "1.0",
        'tidegate_source_waiting{source="bus.orders"}': "7.0",
    }
