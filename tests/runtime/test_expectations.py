"""What did not happen in time is told once, by the time of business where it is asked for, also after a restart."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.ledger import Commit, instant
from engine.ledger.rows import NewAlert
from engine.runtime.outages import PREFIX
from engine.runtime.permission import Release
from engine.runtime.triggers.expectations import Watch
from tests.runtime.scripted import Small, failure

DOCUMENTS = """
flow: f
owner: finance
trigger: {event: item.made, as: item}
slo: {complete_within: 1h}
steps:
  ok: {check: [shut]}
  put: {needs: ok, write: erp.line, with: {key: item.id}}
  say: {emit: item.said, with: {id: item.id, group: put.id}}
---
policy: shut
owner: desk
inputs: {item: canonical/item@1}
when: item.amount < 0
then: {hold: {release: {role: boss, reason: required}}}
reason: "It is below zero."
---
expectation: is-put
owner: finance
after: {event: item.made, as: item, where: item.group == 'g'}
comes: {flow: f}
within: 2 business hours
calendar: office
alert: {to: finance, severity: critical, message: "Item {{ item.id }} is not in the ERP."}
---
expectation: is-said
owner: finance
after: {event: item.made, as: item}
comes: {event: item.said, match: {id: item.id}}
within: 3h
alert: {to: desk}
---
expectation: never-silent
owner: finance
quiet: {event: item.made, for: 1 business day}
calendar: office
alert: {to: desk, severity: warning, message: Nobody makes items.}
---
calendar: office
owner: finance
time_zone: Europe/Berlin
cycles: {every: week, name: "%G-W%V", cutoff: friday 18:00}
"""
FRIDAY = datetime(2026, 3, 27, 16, 30, tzinfo=UTC)  # 17:30 in Berlin: half an hour before business closes
ONE = ("item.made", {"id": "1"})
HELD = ("item.made", {"id": "1", "amount": -1})


@pytest.fixture
def process(tmp_path):
    made = Small(tmp_path, *DOCUMENTS.split("---\n"))
    made.clock.instant = FRIDAY
    look(made)  # from now on
    return made


async def _look(process, runner, ledger):
    for expectation in process.plan.expectations:
        watch = Watch(
            expectation=expectation,
            plan=process.plan,
            reader=ledger.reader(),
            door=runner,
            now=process.clock.now,
        )
        looking = asyncio.ensure_future(watch.look())
        while not looking.done():
            await asyncio.sleep(0)
            await runner.turn()
        await looking


def look(process, after=timedelta()):
    """Every expectation is looked at once, by a process of its own; the alerts that are open then."""
    process.clock.advance(after)
    with process.process() as (runner, ledger):
        asyncio.run(_look(process, runner, ledger))
        found = ledger.reader().alerts(status="open")
    return {alert.id.removeprefix("expectation/"): alert for alert in found}


@pytest.mark.requirement("ALT-02")
@pytest.mark.requirement("REL-08")
def test_what_happens_in_time_is_not_told(process):
    process.run(ONE)
    assert not look(process, timedelta(hours=4))


@pytest.mark.requirement("SCN-28")
def test_what_did_not_happen_is_told_once_with_what_is_known_of_it(process):
    process.run(HELD)
    assert look(process, timedelta(hours=3, seconds=1)).keys() == {"is-said/item.made:1", "slo/f/item.made:1"}
    alerts = look(process, timedelta(hours=1))
    told = alerts["slo/f/item.made:1"]
    assert (told.to, told.severity) == ("finance", "warning")
    assert told.message == (
        "item.made:1: f to be complete within 1 hour, until 2026-03-27T17:30:01.000000Z, "
        "and its run is held: It is below zero."
    )
    assert alerts["is-said/item.made:1"].message.endswith("and it has not come")
    assert len(look(process, timedelta(hours=1))) == 2


def test_hours_of_business_go_on_after_the_weekend(process):
    process.run(HELD)
    over_weekend = look(
        process, timedelta(days=2, hours=16)
    )  # Monday, 10:30 in Berlin (summer time since Sunday)
    assert "is-put/item.made:1" not in over_weekend
    told = look(process, timedelta(hours=1))["is-put/item.made:1"]
    assert told.message.startswith(
        "Item 1 is not in the ERP. (item.made:1: f to be complete within 2 business hours"
    )


def test_only_events_that_it_is_about(process):
    process.run(("item.made", {"id": "1", "amount": -1, "group": "other"}))
    assert "is-put/item.made:1" not in look(process, timedelta(days=5))


@pytest.mark.requirement("ALT-02")
def test_what_comes_late_closes_the_alert(process):
    process.run(HELD)
    assert look(process, timedelta(days=4)).keys() >= {"is-put/item.made:1", "is-said/item.made:1"}
    process.release("f/item.made:1/ok/shut", Release(by="ann", role="boss", reason="fine"))
    assert not {name for name in look(process) if "item.made:1" in name}


def test_what_came_late_before_anybody_looked_is_told_with_when(process):
    process.run(HELD)
    process.clock.advance(timedelta(days=5))
    process.release("f/item.made:1/ok/shut", Release(by="ann", role="boss", reason="fine"))
    alerts = look(process, timedelta(hours=1))
    assert "and its run was complete at 2026-04-01" in alerts["is-put/item.made:1"].message
    assert "and it came at 2026-04-01" in alerts["is-said/item.made:1"].message


@pytest.mark.requirement("OBS-17")
def test_silence_is_told_once_and_ends_with_the_next_event(process):
    assert not look(process, timedelta(days=2, hours=22))  # Monday, 16:30, as summer time began
    (told,) = look(process, timedelta(hours=2)).values()
    assert (told.to, told.message.startswith("Nobody makes items. (no item.made since")) == ("desk", True)
    assert len(look(process, timedelta(days=1))) == 1
    process.run(ONE)
    assert not look(process)


def test_nothing_is_expected_of_what_was_accepted_before(tmp_path):
    process = Small(tmp_path, *DOCUMENTS.split("---\n"))
    process.run(HELD)
    look(process)
    assert not {name for name in look(process, timedelta(days=1)) if "item.made:1" in name}


def test_a_failure_of_the_target_is_the_reason(process):
    process.system.writes["line"].append(failure("permanent", "no such customer"))
    process.run(ONE)
    assert (
        "its run is failed: no such customer"
        in look(process, timedelta(hours=2))["slo/f/item.made:1"].message
    )


def test_what_is_late_is_over_however_many_alerts_were_raised_since(process):
    process.run(ONE)
    look(process)
    (name,) = [one for one in look(process, timedelta(days=4)) if one.startswith("never-silent")]
    crowd(process, 150)
    process.run(("item.made", {"id": "2"}))
    look(process)
    with process.process() as (_, ledger):
        assert ledger.reader().alert(f"expectation/{name}").status == "closed"


def crowd(process, number):
    """So many other alerts, which nobody takes care of."""
    with process.process() as (_, ledger):
        at = process.clock.now().isoformat()
        raised = [
            NewAlert(f"other/{one}", None, None, None, "error", "desk", "x", at) for one in range(number)
        ]
        ledger.commit(Commit(alerts=raised))


def test_a_system_is_away_no_more_after_a_start_however_many_alerts_were_raised_since(process):
    at = instant(process.clock.now())
    with process.process() as (_, ledger):
        ledger.commit(
            Commit(alerts=[NewAlert(f"{PREFIX}erp/{at}", None, None, None, "error", "desk", "x", at)])
        )
    crowd(process, 150)
    with process.process() as (runner, ledger):
        runner.recover()
        assert ledger.reader().alert(f"{PREFIX}erp/{at}").status == "closed"
