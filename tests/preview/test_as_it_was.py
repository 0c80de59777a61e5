"""A recorded history is played as it was: the same runs at the same times, with what they ended in and wrote."""

import asyncio
import random
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from engine.ledger import open_reader
from engine.preview.behaviour import Shared
from engine.preview.recorded import recorded_samples
from engine.revisions import release_of
from engine.runtime import holding
from engine.runtime.permission import Release
from engine.runtime.recover import Recovery
from engine.session import described_connections, plans_in
from engine.values.json_text import read_json, write_json
from tests.runtime.scripted import Small, begun

DOCUMENTS = """
policy: p
owner: o
inputs: {item: canonical/item@1}
when: item.amount == 3
then: {hold: {until: {event: item.changed, where: event.data.id == item.id}, release: {role: boss}, expires: {after: 5h, then: release}}}
reason: r
---
policy: q
owner: o
inputs: {item: canonical/item@1}
when: item.amount == 4
then: {hold: {until: {event: item.said, where: event.data.id == item.id}, release: {role: boss}, escalate: [{after: 1h, to: lead}], expires: {after: 3h, then: reject}}}
reason: r
---
flow: f
trigger: {event: item.made, as: item}
steps:
  ok: {check: [p, q]}
  w: {needs: ok, wait: {event: item.said, where: event.data.id == item.id, timeout: 3h, on_timeout: "null"}}
  put: {needs: w, write: erp.line, with: {key: item.id}}
  tell: {needs: put, when: item.amount != 1, emit: item.changed, with: {id: item.id, amount: item.amount, group: item.group}}
---
flow: g
trigger: {event: item.said, as: said}
steps:
  w: {wait: {event: item.changed, where: event.data.id == said.id, timeout: 2h, on_timeout: skip}}
  put: {needs: w, write: erp.line, with: {key: w.id}}
---
flow: h
trigger: {event: item.changed, as: item}
steps:
  w: {wait: {event: item.changed, where: event.data.id == item.id, timeout: 90 minutes}}
  say: {needs: w, emit: item.said, with: {id: item.id, amount: w.amount}}
"""
KINDS = ("item.made", "item.made", "item.said", "item.changed", "person", "passes", "passes")


async def live(small, runner, dice):
    """Events, persons and hours as the dice fall; deadlines are met as they come."""
    for _ in range(dice.randint(3, 9)):
        kind, name, amount = dice.choice(KINDS), str(dice.randint(1, 3)), dice.choice([1, 2, 3, 4])
        hours = dice.choice([0.5, 1, 2, 4, 7])
        if kind == "passes":
            await pass_time(small.clock, runner, hours)
        elif kind == "person":
            await release(runner, name)
        else:
            runner.offer(small.offers((kind, {"id": name, "amount": amount})))
        await runner.until_rest()
        small.clock.advance(timedelta(seconds=7))
    await pass_time(small.clock, runner, dice.choice([0, 30]))


async def pass_time(clock, runner, hours):
    until = clock.now() + timedelta(hours=hours)
    while (due := runner.executor.waking.next_deadline) is not None and due <= until:
        clock.advance(max(due - clock.now(), timedelta()))
        await runner.until_rest()
        if runner.executor.waking.next_deadline == due:  # a look at what stands still, a moment later
            clock.advance(timedelta(seconds=1))
    clock.advance(max(until - clock.now(), timedelta()))


async def release(runner, name):
    holds = runner.executor.reader.holds_of_run(f"f/item.made:{name}")
    person = Release(by="ann", reason="why", role="boss")
    for hold in [row.id for row in holds if row.release_commit is None][:1]:
        begun(runner.act(lambda executor, hold=hold: holding.release(executor, hold, person)))
        await asyncio.sleep(0)


def as_it_was(small, reader):
    found = {}
    for row in reader.runs(limit=1_000):
        at = datetime.fromisoformat(reader.event(row.event_id).accepted_at)
        writes = [(one.key, read_json(one.payload)) for one in reader.effects(row.id)]
        found[row.id] = row.status, row.reason or None, at, writes
    return found


def as_played(small, reader):
    connections = described_connections(small.session, "demo")
    samples = recorded_samples(
        reader, Recovery(reader, plans_in(small.session, reader), connections), None, None
    )
    found = {}
    for run, _ in Shared.of_one(release_of(small.session).side).play(samples):
        assert run.missing == []
        writes = [(one.effect_key, read_json(write_json(one.payload))) for one in run.writes]
        found[run.id] = str(run.status), run.reason or None, run.event.accepted_at, writes
    return found


@pytest.mark.parametrize(
    "seeds", [pytest.param(range(8), id="few"), pytest.param(range(8, 88), id="many", marks=pytest.mark.slow)]
)
def test_what_happened_is_what_is_played(tmp_path, seeds):
    """Waits, holds and what is emitted, ended by events, by persons and by time, also behind the last event."""
    small = Small(tmp_path, DOCUMENTS)
    for seed in seeds:
        small.url = str(tmp_path / f"{seed}.sqlite")
        with small.process() as (runner, _):
            asyncio.run(live(small, runner, random.Random(seed)))
        with closing(open_reader(small.url)) as reader:
            assert as_played(small, reader) == as_it_was(small, reader), seed
