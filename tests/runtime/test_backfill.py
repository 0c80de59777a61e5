"""Past days: both ends included, in their zone; what is known is not taken twice; flows for earlier events."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.connect import Fault
from engine.connect.connector import Poll
from engine.errors import ConfigurationError, InputError
from engine.runtime import backfill as module
from engine.runtime.backfill import Backfill, Days, earlier
from engine.runtime.bench import Verdict
from engine.runtime.bulk import Bulk, Order, Pace
from engine.runtime.connections import Connection
from engine.runtime.control import Desk
from engine.runtime.failure_acts import Here, driven
from engine.runtime.recover import Recovery
from engine.runtime.triggers.poll import Asked
from tests.depth import examples
from tests.runtime.test_attempts import flow

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Beirut",
    "America/Havana",
    "Pacific/Apia",
    "Asia/Kolkata",
)
MARCH = Days(date(2026, 3, 1), date(2026, 3, 31), "Europe/Berlin")
DATED = """
event: item.dated
data: canonical/item@1
identity: data.id
at: data.at
"""


class TestDays:
    @settings(max_examples=examples(400), deadline=None)
    @given(
        st.dates(date(2010, 1, 1), date(2029, 1, 1)),
        st.integers(0, 400),
        st.sampled_from(ZONES),
        st.booleans(),
        st.integers(-100_000, 100_000),
    )
    def test_a_range_has_the_instants_of_its_days_and_no_other(self, first, count, zone, at_end, seconds):
        days = Days(first, first + timedelta(days=count), zone)
        near = (days.end if at_end else days.start).astimezone(UTC) + timedelta(seconds=seconds)
        assert days.has(near) is (days.first <= near.astimezone(ZoneInfo(zone)).date() <= days.last)

    @pytest.mark.parametrize(
        "at, inside",
        [
            ("2026-02-28T22:59:59.999999+00:00", False),
            ("2026-02-28T23:00:00+00:00", True),  # midnight in Berlin
            ("2026-03-31T21:59:59.999999+00:00", True),  # an hour earlier than in winter
            ("2026-03-31T22:00:00+00:00", False),
        ],
    )
    def test_first_and_last_day_to_the_instant(self, at, inside):
        assert MARCH.has(datetime.fromisoformat(at)) is inside

    def test_a_range_that_ends_before_it_begins(self):
        with pytest.raises(InputError, match="before it begins"):
            Days(date(2026, 3, 2), date(2026, 3, 1))


class Source:
    """A system with pages of records, each an event's data."""

    def __init__(self, *pages):
        self.pages = pages
        self.asked = []

    async def poll(self, source, since, after=None):
        self.asked.append((source, since, after))
        number = after or 0
        last = number + 1 >= len(self.pages)
        return Poll(items=self.pages[number], upto=since, after=None if last else number + 1)

    async def write(self, effects): ...
    async def read(self, operation, parameters): ...
    async def look_up(self, effect): ...
    async def aclose(self): ...


def item(number, at, **more):
    return {"id": str(number), "at": at, **more}


INSIDE = [item(number, "2026-03-15T12:00:00Z") for number in range(4)]
OUTSIDE = [item("before", "2026-02-01T00:00:00Z"), item("after", "2026-04-02T00:00:00Z")]


@pytest.fixture
def process(small, monkeypatch):
    """A process whose flow works dated items, and whose records are their data."""

    def usable(_plan, _sources, records, _now):
        good = [record for record in records if record != "bad"]
        return process.offers(*[("item.dated", record) for record in good]), [
            ("bad", "no id")
        ] * records.count("bad")

    monkeypatch.setattr(module, "usable", usable)
    process = small("put: {write: erp.line, with: {key: item.id}}", DATED, event="item.dated")
    return process


def backfill(process, source, *, go=False, days=MARCH, per_second=None):
    async def work(runner, ledger):
        runner.recover()
        desk = Desk(runner=runner, reader=ledger.reader(), clock=process.clock)
        asked = Asked(
            connection=Connection("psa", source, None), native=SimpleNamespace(name="items"), events=()
        )
        one = Backfill(asked, process.plan, ledger.reader(), process.clock.now(), told.append)
        if not go:
            return await one.look(days)
        found = await driven(runner, one.take(days, Here(desk), per_second))
        await runner.until_rest()
        return found

    told = []
    with process.process() as (runner, ledger):
        found = asyncio.run(work(runner, ledger))
    assert len(told) == len(source.asked)
    return found


@pytest.mark.requirement("SCN-16")
class TestSource:
    def test_a_look_takes_nothing(self, process):
        source = Source(INSIDE[:2], [*INSIDE[2:], *OUTSIDE])
        found = backfill(process, source)
        assert (found.records, found.new, found.outside, found.known, found.ok) == (6, 4, 2, 0, True)
        assert source.asked == [("items", MARCH.start, None), ("items", MARCH.start, 1)]
        assert process.run().runs == {}

    def test_what_is_new_is_taken_and_worked_once(self, process):
        pages = (INSIDE[:2], [*INSIDE[2:], *OUTSIDE])
        assert backfill(process, Source(*pages), go=True).new == 4
        again = backfill(process, Source(*pages), go=True)
        assert (again.new, again.known) == (0, 4)
        seen = process.run()
        assert {row.status for row in seen.runs.values()} == {"completed"}
        assert sorted(process.system.applied) == [f"f/item.dated:{number}/put" for number in range(4)]

    def test_it_goes_on_where_it_was_cut_off(self, process):
        class Broken(Source):
            async def poll(self, source, since, after=None):
                if after == 1:
                    raise ConnectionAbortedError
                return await super().poll(source, since, after)

        with pytest.raises(ConnectionAbortedError):
            backfill(process, Broken(INSIDE[:2], INSIDE[2:]), go=True)
        found = backfill(process, Source(INSIDE[:2], INSIDE[2:]), go=True)
        assert (found.new, found.known) == (2, 2)

    def test_contradictions_and_records_of_no_use_are_told(self, process):
        backfill(process, Source(INSIDE), go=True)
        changed = item(1, "2026-03-15T12:00:00Z", amount=9)
        for go in (False, True):
            found = backfill(process, Source(["bad", changed]), go=go)
            assert (found.conflicts, found.names, found.unfit, found.reasons, found.ok) == (
                1,
                ["item.dated:1"],
                1,
                ["no id"],
                False,
            )

    def test_no_faster_than_allowed(self, process):
        async def slept(seconds):
            waits.append(seconds)

        waits = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module.asyncio, "sleep", slept)
            asyncio.run(_taken(process, Source(INSIDE), waits))
        assert 2.0 in waits

    def test_a_page_that_never_ends_and_a_system_that_cannot_be_asked(self, process):
        class Round(Source):
            async def poll(self, source, since, after=None):
                self.asked.append(after)
                return Poll(items=[], upto=since, after=1)

        with pytest.raises(Fault, match="again and again"):
            backfill(process, Round())
        with pytest.raises(ConfigurationError, match="cannot be asked"):
            backfill(process, object())


async def _taken(process, source, waits):
    class Taker:
        async def accept(self, source, events):
            return ["accepted"] * len(events)

    del waits
    asked = Asked(connection=Connection("psa", source, None), native=SimpleNamespace(name="items"), events=())
    one = Backfill(asked, process.plan, NoReader(), process.clock.now(), lambda _: None)
    return await one.take(MARCH, Taker(), per_second=2)


class NoReader:
    """Nothing is read where all is taken."""


class TestEarlierEvents:
    LATER = flow("also: {write: rev.performance, with: {bill: item.id}}", "later").replace(
        "item.made", "item.ordered"
    )

    @pytest.fixture
    def accepted(self, small):
        process = small("put: {write: erp.line, with: {key: item.id}}", event="item.ordered")
        events = [
            ("item.ordered", {"id": str(number), "amount": number, "group": "G"}) for number in range(4)
        ]
        process.run(*events)
        process.change("next", self.LATER.replace("as: item}", "as: item, where: item.amount > 0}"))
        process.system.calls.clear()
        return process

    def judged(self, process, runner, reader, name="later", days=MARCH):
        recovery = Recovery(reader, runner.executor.recovery.plan, runner._connections)
        return list(earlier(reader, recovery, process.plan.release, name, days))

    def start(self, process):
        async def work(runner, reader):
            runner.recover()
            items = self.judged(process, runner, reader)
            desk = Desk(runner=runner, reader=reader, clock=process.clock)
            order = Order(by="ann", reason="the flow is new")
            return await driven(runner, Bulk(Here(desk), reader, order, Pace(), lambda _: None).work(items))

        with process.process() as (runner, ledger):
            return asyncio.run(work(runner, ledger.reader()))

    def test_a_new_flow_works_them_in_their_order_and_once(self, accepted):
        assert [one.what for one in self.start(accepted)] == ["applied"] * 3
        keys = [f"later/item.ordered:{number}/also" for number in (1, 2, 3)]
        assert [call[2] for call in accepted.system.calls] == keys
        assert [one.what for one in self.start(accepted)] == ["already applied"] * 3
        assert len(accepted.system.calls) == 3
        seen = accepted.run()
        assert [entry.subject for entry in seen.audit if entry.action == "run.backfill"] == [
            f"later/item.ordered:{number}" for number in (1, 2, 3)
        ]

    def test_only_those_of_the_range_and_whose_condition_holds(self, accepted):
        with accepted.process() as (runner, ledger):
            reader = ledger.reader()
            assert [item.event for item in self.judged(accepted, runner, reader)] == [
                f"item.ordered:{number}" for number in (1, 2, 3)
            ]
            april = Days(date(2026, 4, 1), date(2026, 4, 30))
            assert self.judged(accepted, runner, reader, days=april) == []
            with pytest.raises(InputError, match="no flow 'other'"):
                self.judged(accepted, runner, reader, "other")

    def test_data_that_does_not_fit_needs_a_person(self, accepted):
        accepted.run(("item.ordered", {"id": "9", "day": "tomorrow", "group": "H"}))
        with accepted.process() as (runner, ledger):
            items = self.judged(accepted, runner, ledger.reader())
        assert items[-1].verdict is Verdict.APPLIED  # it was refused for this flow as well
        assert items[-1].notes == ("was worked as later/item.ordered:9",)
