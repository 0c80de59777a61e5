"""Many runs that a process left open: the next one is there at once, and takes them up in turns, in order."""

import asyncio
from itertools import pairwise

import pytest

from engine.runtime.left import Left
from engine.runtime.runner import Limits
from tests.runtime.scripted import Small, failure

HELD = """
policy: shut
inputs: {project: erp/project@1, item: canonical/item@1}
when: project.status == 'shut'
then:
  hold: {until: {event: item.changed, where: event.data.group == item.group}}
  alert: {to: boss}
reason: "It is shut."
"""
STEPS = """
project: {read: erp.project, with: {id: {path: item.group, required: true}}}
ok: {check: [shut]}
post: {needs: project, write: erp.journal, with: {key: item.id}}
after: {needs: ok, write: erp.line, with: {key: item.id}}
"""


@pytest.fixture
def standing(small):
    """Runs, each of its own, that a process left when its target went away."""
    process = small("post: {write: erp.journal, with: {key: item.id}}")
    process.system.writes["journal"] += ["stop"]
    assert process.run(*[("item.made", {"id": f"{number:02}"}) for number in range(30)]) is None
    return process


def test_what_was_left_is_found_at_once_and_taken_up_in_turns(standing):
    async def work(runner):
        runner.recover()
        left = [len(runner.executor.left.runs)]
        assert left[0] > 10
        assert runner.open_runs == left[0]
        assert runner.backlog()["to_take_up"] == left[0]
        assert not runner.at_rest
        while await runner.turn():
            left.append(len(runner.executor.left.runs))
        assert max(before - after for before, after in pairwise(left)) == 3
        assert left[-1] == 0
        assert runner.at_rest

    with standing.process(limits=Limits(turn=20, live=40, taken_up=3)) as (runner, ledger):
        asyncio.run(work(runner))
        assert {row.status for row in ledger.reader().runs(limit=99)} == {"completed"}
    assert len(standing.system.applied) == 30


def test_half_the_memory_is_left_to_those_who_come_new(standing):
    standing.system.writes["journal"] += [failure("transient", "away")] * 1_000

    async def work(runner):
        runner.recover()
        for _ in range(30):
            await runner.turn(wait_seconds=0)
        assert len(runner.executor.live) <= 4
        assert runner.room >= 4

    with standing.process(limits=Limits(turn=20, live=8, taken_up=3)) as (runner, _):
        asyncio.run(work(runner))


@pytest.mark.parametrize("taken_up", [1, 2, 100])
def test_an_event_that_comes_meanwhile_stands_behind_what_was_left(small, taken_up):
    process = small("post: {write: erp.journal, with: {key: item.id}}", event="item.ordered")
    process.system.writes["journal"] += ["stop"]
    events = [("item.ordered", {"id": f"{number:02}", "group": f"g{number % 5}"}) for number in range(20)]
    assert process.run(*events[:10]) is None
    seen = process.run(*events[10:], limits=Limits(taken_up=taken_up))
    assert {run.status for run in seen.runs.values()} == {"completed"}
    assert len(seen.runs) == 20
    for group in range(5):
        came = [key for key in process.system.applied if int(key.partition(":")[2][:2]) % 5 == group]
        assert came == sorted(came)
        assert len(came) == 4


@pytest.mark.parametrize("taken_up", [1, 2, 100])
def test_an_event_wakes_a_run_that_is_still_to_be_taken_up(small, taken_up):
    """Half of a run is held and half on its way: what is told to it finds all of it."""
    process = small(STEPS, HELD)
    process.system.reads["project"] += [{"id": "g", "status": "shut", "rate": 1}] * 8
    process.system.writes["journal"] += ["stop"]
    made = [("item.made", {"id": f"{number:02}", "group": f"g{number}"}) for number in range(8)]
    assert process.run(*made) is None
    changed = [
        ("item.changed", {"id": f"c{number}", "amount": 1, "group": f"g{number}"}) for number in range(8)
    ]
    seen = process.run(*reversed(changed), limits=Limits(taken_up=taken_up))
    assert {hold.status for hold in seen.holds.values()} == {"released"}
    assert len(seen.holds) == 8
    assert {run.status for run in seen.runs.values()} == {"completed"}
    assert {key: len(payloads) for key, payloads in process.system.applied.items()} == {
        f"f/item.made:{number:02}/{step}": 1 for number in range(8) for step in ("post", "after")
    }


def test_what_is_left_is_known_by_the_turn_in_which_it_was_found():
    left = Left()
    assert left.since == ()
    left.found("a", 7)
    left.found("b", 8)
    assert (left.first(5), left.first(1), left.first(-1), left.since) == (["a", "b"], ["a"], [], (7,))
    assert (left.taken("a"), left.taken("a"), left.since) == (7, None, (8,))


def test_of_what_is_left_those_come_first_whose_flow_weighs_more_at_that_time():
    left = Left()
    for name in ("a/1", "b/1", "a~2/2", "c/1", "b/2"):
        left.found(name, 1)
    assert left.first(9) == ["a/1", "b/1", "a~2/2", "c/1", "b/2"]
    weights = {"b": 10, "c": 10}
    assert left.first(9, lambda flow: weights.get(flow, 0)) == ["b/1", "c/1", "b/2", "a/1", "a~2/2"]
    left.taken("b/1")
    left.taken("c/1")
    assert left.first(2, lambda flow: weights.get(flow, 0)) == ["b/2", "a/1"]


def test_a_start_begins_with_what_matters_more(tmp_path):
    """By the priority of its flow, and in the days before a cutoff by that of its label."""
    flow = "flow: {}\n{}\ntrigger: {{event: item.made, as: item}}\n"
    flow += "steps:\n  put: {{write: erp.line, with: {{key: item.id}}}}\n"
    close = """
calendar: books
time_zone: Europe/Berlin
cycles: {every: month, name: "%Y-%m", cutoff: day 2 18:00}
priorities: {labels: close, more: 30, before_cutoff: 3d}
"""
    process = Small(
        tmp_path,
        flow.format("a", "priority: low"),
        flow.format("b", "priority: high"),
        flow.format("c", "labels: close"),
        close,
    )
    process.system.writes["line"].append("stop")
    assert process.run(*[("item.made", {"id": str(number)}) for number in range(4)]) is None

    async def work(runner):
        runner.recover()
        order = []
        while runner.executor.left.runs:
            before = set(runner.executor.left.runs)
            await runner.turn()
            order += [name.partition("/")[0] for name in sorted(before - set(runner.executor.left.runs))]
        assert order == sorted(order, key="cba".index)
        assert set(order) == {"a", "b", "c"}
        await runner.until_rest()

    with process.process(limits=Limits(taken_up=1)) as (runner, _):
        asyncio.run(work(runner))
