"""Events that are due by a clock: fired once, made up for as declared, and taken up by the next process."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.ledger import verify_chain
from engine.runtime.triggers.schedule import Scheduler
from tests.runtime.desk import Desk
from tests.workspaces import tiny

TICK = """
mapping: tick
inputs: {{due: schedule}}
output: canonical/remark@1
fields:
  id: {{path: due.scheduled_at, as: string}}
  group: {{path: due.previous_at, as: string, omit: null}}
  day: due.on
---
event: item.due
data: canonical/remark@1
identity: data.id
sources:
  - schedule: {{cron: "{cron}", time_zone: Europe/Berlin, missed: {missed}, limit: {limit}}}
    map: tick
"""
START = datetime(2026, 3, 27, 12, tzinfo=UTC)


class Kept:
    """A schedule, and processes one after the other that keep it."""

    def __init__(self, folder, cron="30 2 * * *", missed="once", limit=100):
        self.folder, self.number = folder, 0
        self.desk = Desk()
        self.desk.clock.instant = START
        self.write(cron, missed, limit)

    def write(self, cron, missed="once", limit=100):
        self.number += 1
        text = TICK.format(cron=cron, missed=missed, limit=limit)
        self.plan = tiny.plan(self.folder / str(self.number), text)

    def process(self):
        (schedule,) = self.plan.schedules
        desk = self.desk
        return Scheduler(schedule, self.plan, desk, desk.reader, desk.clock.now, desk.told.append)

    def fire(self):
        """One look at the clock by a new process; what came, as the instants and what was before each."""
        before = len(self.desk.accepted)
        self.next = asyncio.run(self.process().fire())
        return [(one.event.data["id"], one.event.data.get("group")) for one in self.desk.accepted[before:]]


@pytest.fixture
def kept(tmp_path):
    return lambda **said: Kept(tmp_path, **said)


@pytest.mark.requirement("PAT-03")
def test_it_is_due_at_its_time_and_not_before(kept):
    nightly = kept()
    assert nightly.fire() == []
    assert nightly.next == datetime(2026, 3, 28, 1, 30, tzinfo=UTC)
    nightly.desk.clock.instant = nightly.next
    assert nightly.fire() == [("2026-03-28T01:30:00Z", None)]
    assert nightly.fire() == []  # neither again in another process
    nightly.desk.clock.instant = nightly.next
    # Clocks went forward over half past two: the first instant after it.
    assert nightly.fire() == [("2026-03-29T01:00:00Z", "2026-03-28T01:30:00Z")]
    (event,) = [one.event for one in nightly.desk.accepted[1:]]
    assert (event.id, event.data["day"].isoformat()) == (
        "item.due:item.due:2026-03-29T01:00:00.000000Z",
        "2026-03-29",
    )
    assert verify_chain(nightly.desk.reader) == []


@pytest.mark.parametrize(
    "missed, came",
    [
        ("skip", []),
        ("once", [("2026-03-31T00:30:00Z", "2026-03-28T01:30:00Z")]),
        (
            "all",
            [
                ("2026-03-29T01:00:00Z", "2026-03-28T01:30:00Z"),
                ("2026-03-30T00:30:00Z", "2026-03-29T01:00:00Z"),
                ("2026-03-31T00:30:00Z", "2026-03-30T00:30:00Z"),
            ],
        ),
    ],
)
def test_what_was_due_while_nothing_ran_is_made_up_for_as_declared(kept, missed, came):
    nightly = kept(missed=missed)
    nightly.fire()
    nightly.desk.clock.instant = nightly.next
    nightly.fire()
    nightly.desk.clock.instant = datetime(2026, 3, 31, 7, tzinfo=UTC)
    assert nightly.fire() == came
    assert nightly.fire() == []
    assert bool(nightly.desk.told) == (missed != "all")
    nightly.desk.clock.instant = nightly.next
    ((_, previous),) = nightly.fire()
    assert previous == (came or [("2026-03-28T01:30:00Z", None)])[-1][0]  # the last that brought an event


@pytest.mark.slow
def test_making_up_is_bounded_and_takes_the_latest(kept):
    quarterly = kept(cron="*/15 * * * *", missed="all", limit=3)
    quarterly.fire()
    quarterly.desk.later(days=400)
    assert [at for at, _ in quarterly.fire()] == [
        "2027-05-01T11:30:00Z",
        "2027-05-01T11:45:00Z",
        "2027-05-01T12:00:00Z",
    ]


def test_making_up_waits_while_there_is_no_room(kept):
    hourly = kept(cron="0 * * * *", missed="all")
    hourly.fire()
    hourly.desk.later(hours=5)

    async def crowded():
        hourly.desk.room = 0
        stopping = asyncio.Event()
        running = asyncio.ensure_future(hourly.process().fire(stopping))
        await asyncio.sleep(0.1)
        assert hourly.desk.accepted == []
        stopping.set()
        await running

    asyncio.run(crowded())
    hourly.desk.room = 1
    assert len(hourly.fire()) == 5  # nothing of it is lost by the stop


@pytest.mark.requirement("REL-01")
@pytest.mark.parametrize("commits", range(5))
def test_the_power_is_cut_at_any_commit(kept, commits):
    hourly = kept(cron="0 * * * *", missed="all")
    hourly.fire()
    hourly.desk.later(hours=4)
    hourly.desk.broken = commits
    asyncio.run(asyncio.wait_for(hourly.process().run(_stopping_soon()), 5)) if commits < 4 else hourly.fire()
    hourly.desk.broken = None
    hourly.fire()
    assert [one.event.data["id"] for one in hourly.desk.accepted] == [
        f"2026-03-27T{hour}:00:00Z" for hour in (13, 14, 15, 16)
    ]


def _stopping_soon():
    return asyncio.Event()  # the scheduler ends by itself with the ledger


def test_a_ledger_that_was_restored_brings_the_same_identity_again(kept):
    nightly = kept()
    nightly.fire()
    nightly.desk.clock.instant = nightly.next
    nightly.fire()
    first = nightly.desk.known
    nightly.desk = Desk()  # of before
    nightly.desk.clock.instant = START
    nightly.fire()
    nightly.desk.clock.instant = nightly.next
    nightly.fire()
    assert nightly.desk.known == first


def test_another_rule_begins_anew_instead_of_making_up_for_what_it_never_promised(kept):
    monthly = kept(cron="0 0 1 1 *", missed="all")
    monthly.fire()
    monthly.desk.later(days=30)
    monthly.write("*/5 * * * *", "all")
    assert monthly.fire() == []
    assert monthly.next == monthly.desk.clock.now() + timedelta(minutes=5)


def test_a_clock_that_was_wrong_is_told(kept):
    nightly = kept(missed="skip")
    nightly.fire()
    nightly.desk.later(days=700)
    nightly.fire()
    nightly.desk.clock.instant = START
    nightly.fire()
    nightly.fire()
    (alert,) = nightly.desk.alerts.values()
    assert "is not due before the clock has come there again" in alert.message


def test_an_event_that_cannot_be_made_is_told_and_the_next_comes(kept, tmp_path):
    nightly = kept()
    nightly.plan = tiny.plan(
        tmp_path / "bad",
        TICK.format(cron="30 2 * * *", missed="once", limit=1).replace(
            "{path: due.previous_at, as: string, omit: null}",
            "{path: due.previous_at, as: string, required: true}",
        ),
    )
    nightly.fire()
    nightly.desk.clock.instant = nightly.next
    assert nightly.fire() == []
    (alert,) = nightly.desk.alerts.values()
    assert "item.due was due at 2026-03-28T01:30:00.000000Z, and no event could be made" in alert.message
    nightly.desk.clock.instant = nightly.next
    assert len(nightly.fire()) == 1


def test_it_wakes_when_it_is_due_and_stops_when_it_is_told(kept):
    nightly = kept(cron="* * * * *")

    async def a_minute():
        stopping = asyncio.Event()
        running = asyncio.ensure_future(nightly.process().run(stopping))
        await asyncio.sleep(0.01)
        stopping.set()
        await asyncio.wait_for(running, 1)

    asyncio.run(a_minute())
    assert nightly.process().state().due_at == START + timedelta(minutes=1)
