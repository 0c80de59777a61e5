"""A release that decides what comes in beside the active one: in its order, without effects."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from engine.clock import FixedClock
from engine.ledger import instant, is_pruned, open_ledger, open_reader
from engine.ledger.pruned import mark_of
from engine.preview import recorded
from engine.releases import Wanted, deploy_here, make, read_plan, write_plan
from engine.releases.shadow import Following, live_samples, said, shadowed
from engine.runtime.accept import read_line
from engine.runtime.pruning import pruning
from engine.runtime.recover import Recovery
from engine.runtime.resolve import Person
from engine.runtime.runner import Runner
from engine.session import described_connections, kept, load, open_connections, plans, plans_in, snapshot
from tests.workspaces.systems import Erp, Rev, entry, hours, lines

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def planned(folder, url, at=NOW):
    session = load(folder)
    try:
        reader = open_reader(url)
    except Exception:  # noqa: BLE001 - there is none yet
        reader = None
    plan = make(session, snapshot(session), reader, Wanted(by="ann", at=instant(at), environment="demo"))
    if reader is not None:
        reader.close()
    return read_plan(write_plan(plan))


@pytest.fixture
def scene(tmp_path):
    """A ledger with a deployed release that has worked three entries, one of a closed project."""
    folder, url, clock = hours(tmp_path), str(tmp_path / "ledger.sqlite"), FixedClock(NOW)
    first = planned(folder, url)
    deploy_here(first, load(folder), Person(by="ann", reason="first"), url, clock)
    return folder, url, clock


async def worked(folder, url, clock, events):
    session = load(folder)
    with Erp() as erp, Rev() as rev, open_ledger(url, clock=clock) as ledger:
        erp.projects["P-7"] = {"id": "P-7", "status": "open", "rate": 100}
        addresses = {"erp": erp.base_url, "rev": rev.base_url, "desk": "http://127.0.0.1:1"}
        connections = open_connections(session, "demo", clock, addresses)
        plan = session.ready.plan
        runner = Runner(
            ledger=ledger, plan=plan, plans=plans(session, ledger), connections=connections, clock=clock
        )
        runner.offer([read_line(plan, line.encode(), None, NOW) for line in lines(*events).splitlines()])
        await runner.until_rest()
        await connections.aclose()
        return len(erp.records)


def test_it_decides_what_comes_in_and_nothing_reaches_anybody(scene):
    folder, url, clock = scene
    hired = ("worker.hired", {"id": "w-3", "name": "Ann"})
    assert asyncio.run(worked(folder, url, clock, [hired, ("time.approved", entry(1))])) == 1
    mappings = folder / "mappings" / "mappings.yaml"
    mappings.write_text(mappings.read_text().replace("entry.hours * project.rate", "entry.hours * 2"))
    plan = planned(folder, url)
    reader = open_reader(url)
    before = kept(reader.active_release().content, compared=True)
    recovery = Recovery(reader, plans_in(before, reader), described_connections(before, "demo"))
    asked = []

    def pause():
        asked.append(reader.head().seq)
        return len(asked) < 3

    how = Following(after=0, now=clock.now, pause=pause, patience=timedelta(minutes=1))
    report = shadowed(plan, before, live_samples(reader, recovery, how), ("legal_entity",))
    told = said(plan, report, "then", "now", 0)
    assert (told["events"], told["differing"], told["not_compared"]) == (2, 1, 0)
    assert len(asked) == 3
    assert len({*asked}) == 1  # nothing was written
    reader.close()


def test_what_is_pruned_is_left_out_and_counted(scene):
    folder, url, clock = scene
    hired = ("worker.hired", {"id": "w-3", "name": "Ann"})
    entries = [("time.approved", entry(number)) for number in (1, 2)]
    asyncio.run(worked(folder, url, clock, [hired, *entries]))
    with closing(sqlite3.connect(url)) as writing, writing:
        writing.execute("UPDATE events SET body = ? WHERE id LIKE 'time.approved:%1'", (mark_of("{}"),))
    plan = planned(folder, url)
    reader = open_reader(url)
    before = kept(reader.active_release().content, compared=True)
    recovery = Recovery(reader, plans_in(before, reader), described_connections(before, "demo"))
    gone = []
    how = Following(
        after=0, now=clock.now, pause=lambda: False, patience=timedelta(minutes=1), left_out=gone.append
    )
    report = shadowed(plan, before, live_samples(reader, recovery, how), ("legal_entity",))
    told = said(plan, report, "then", "now", len(gone))
    assert (told["events"], told["left_out"]) == (2, 1)
    reader.close()


def test_who_has_not_come_to_rest_is_waited_for_and_no_longer_than_that(scene):
    folder, url, clock = scene
    session = load(folder)
    with open_ledger(url, clock=clock) as ledger:
        plan = session.ready.plan
        runner = Runner(
            ledger=ledger,
            plan=plan,
            plans=plans(session, ledger),
            connections=described_connections(session, "demo"),
            clock=clock,
        )
        runner.offer([read_line(plan, lines(("time.approved", entry(1))).encode(), None, NOW)])
        runner._take_turn(None)
        reader = ledger.reader()
        recovery = Recovery(reader, plans_in(session, reader), described_connections(session, "demo"))
        seen = []

        def pause():
            seen.append(len(found))
            clock.advance(timedelta(seconds=40))
            return len(seen) < 3

        found = []
        how = Following(after=0, now=clock.now, pause=pause, patience=timedelta(minutes=1))
        found.extend(live_samples(reader, recovery, how))
        assert len(found) == 1


@pytest.mark.parametrize("gone,left", [("answers", 1), ("writes", 0), ("events", 0)])
def test_what_is_pruned_beside_it_ends_nothing(scene, monkeypatch, gone, left):
    """An answer without which an event cannot be decided again is as good as gone; others are told of still."""
    folder, url, clock = scene
    hired = ("worker.hired", {"id": "w-3", "name": "Ann"})
    asyncio.run(worked(folder, url, clock, [hired, ("time.approved", entry(1))]))
    session, reader = load(folder), open_reader(url)
    recovery = Recovery(reader, plans_in(session, reader), described_connections(session, "demo"))
    before = {gone: instant(NOW + timedelta(days=1))}

    def prune(*given):
        with open_ledger(url, clock=clock) as ledger:
            while (
                commit := pruning(ledger.reader(), before, Person(by="ann", reason="old"), instant(NOW))
            ).blanks:
                ledger.commit(commit)
        return is_pruned(*given)

    monkeypatch.setattr(recorded, "is_pruned", prune)  # just before it is looked whether an event is there
    lost = []
    assert len([*recorded.recorded_events(reader, recovery, left_out=lost.append)]) == left
    assert len(lost) == 2 - left
    reader.close()
