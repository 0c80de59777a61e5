"""A release on trial: who is on it, that its runs keep to it, and the rule that ends it."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.event import Event
from engine.ledger import open_ledger, open_reader, verify_chain
from engine.releases import deploy_here, ready
from engine.releases.canary import Tried, begin_here, going_on, stop_here
from engine.runtime.accept import read_line
from engine.runtime.deployed import deployed_in
from engine.runtime.resolve import Person
from engine.runtime.runner import Runner
from engine.runtime.trial import WHOLE, Part, Rule, place
from engine.session import load, open_connections, plans
from tests.releases.test_shadow import NOW, planned, scene  # noqa: F401 - a fixture
from tests.workspaces.systems import Erp, Rev, entry, lines

WHO = Person(by="ann", reason="carefully")
BILLING = "approved-time-to-billing"


def event(key, **data):
    return Event(
        id=f"e:{key}",
        type="time.approved",
        data={"legal_entity": "DE", "project": {"region": 7}, "billable": True, **data},
        text=b"{}",
        order_key=key,
        at=NOW,
        accepted_at=NOW,
        cause=None,
        depth=0,
    )


@given(st.text(), st.integers(1, WHOLE), st.integers(0, WHOLE))
def test_a_larger_share_has_all_that_a_smaller_one_has(key, share, more):
    smaller, larger = Part(share=share), Part(share=min(WHOLE, share + more))
    assert not smaller.has("plan", "f", event(key)) or larger.has("plan", "f", event(key))


def test_a_share_is_one_of_the_keys_and_every_plan_draws_anew():
    taken = [sum(Part(share=1_000).has(salt, "f", event(f"P-{n}")) for n in range(5_000)) for salt in "ab"]
    assert all(400 < number < 600 for number in taken)
    assert {n for n in range(500) if place("a", str(n)) < 1_000} != {
        n for n in range(500) if place("b", str(n)) < 1_000
    }


@pytest.mark.parametrize(
    "part,taken",
    [
        (Part(), True),
        (Part(flows=frozenset({"f"})), True),
        (Part(flows=frozenset({"g"})), False),
        (Part(fields={"legal_entity": "DE"}), True),
        (Part(fields={"legal_entity": "AT"}), False),
        (Part(fields={"project.region": "7"}), True),
        (Part(fields={"legal_entity": "DE", "missing": "x"}), False),
        (Part(share=0), False),
        (Part(fields={"billable": "true"}), True),
        (Part(fields={"billable": "True"}), False),
    ],
)
def test_all_that_is_said_has_to_be_so(part, taken):
    assert part.has("plan", "f", event("P-1")) is taken


@pytest.mark.parametrize(
    "rested,ends",
    [
        ({"failed": 2, "completed": 8}, False),
        ({"failed": 3, "completed": 7}, True),
        ({"failed": 3, "completed": 6}, False),  # too few to say
        ({"held": 6, "completed": 4}, True),
        ({"completed": 10}, False),
    ],
)
def test_the_rule_counts_runs_that_rest(rested, ends):
    assert (Rule(limits={"failed": 20, "held": 50}, after=10).broken(rested) is not None) is ends


async def worked(url, clock, folder, numbers, *, refusing=None):
    """Work an entry of a project of its own for each number; what was billed."""
    session = load(folder)
    with Erp() as erp, Rev() as rev, open_ledger(url, clock=clock) as ledger:
        erp.refusing = refusing
        for number in numbers:
            erp.projects[f"P-{number}"] = {"id": f"P-{number}", "status": "open", "rate": 100}
        addresses = {"erp": erp.base_url, "rev": rev.base_url, "desk": "http://127.0.0.1:1"}
        connections = open_connections(session, "demo", clock, addresses)
        runner = Runner(
            ledger=ledger,
            plan=session.ready.plan,
            plans=plans(session, ledger),
            connections=connections,
            clock=clock,
        )
        trial = going_on(ledger.reader(), runner.executor.recovery.plan)
        if trial is not None:
            runner.executor.begin_trial(trial)
        runner.recover()
        events = [("worker.hired", {"id": "w-3", "name": "Ann"})]
        events += [("time.approved", entry(number, project=f"P-{number}")) for number in numbers]
        for line in lines(*events).splitlines():
            runner.offer([read_line(session.ready.plan, line.encode(), None, NOW)])
            await runner.until_rest()
        await connections.aclose()
        return {record["entry"]: float(record["amount"]) for record in erp.records}


def doubled(folder):
    mappings = folder / "mappings" / "mappings.yaml"
    before = mappings.read_text()
    mappings.write_text(before.replace("entry.hours * project.rate", "entry.hours * project.rate * 2"))
    return lambda: mappings.write_text(before)


def releases_of(url, numbers):
    reader = open_reader(url)
    found = {number: reader.run(f"{BILLING}/time.approved:te-{number}").release for number in numbers}
    reader.close()
    return found


@pytest.mark.slow
def test_runs_on_trial_are_decided_by_it_and_keep_to_it(scene):  # noqa: F811
    folder, url, clock = scene
    undo = doubled(folder)
    plan = planned(folder, url)
    undo()
    with pytest.raises(InputError, match="it has no flow 'biling'"):
        begin_here(Tried(plan, Part(flows=frozenset({"biling"})), Rule(), WHO), ready(plan), url, clock)
    begin_here(Tried(plan, Part(share=5_000), Rule(), WHO), ready(plan), url, clock)
    with pytest.raises(InputError, match="another release is on trial"):
        begin_here(Tried(plan, Part(), Rule(), WHO), ready(plan), url, clock)
    numbers = range(20, 32)
    billed = asyncio.run(worked(url, clock, folder, numbers))
    taken = {number for number in numbers if place(plan.hash, f"P-{number}") < 5_000}
    assert 0 < len(taken) < len(numbers)
    assert billed == {f"te-{number}": 1500.0 if number in taken else 750.0 for number in numbers}
    assert {n for n, release in releases_of(url, numbers).items() if release == plan.release} == taken
    stop_here(WHO, url, clock)
    with pytest.raises(InputError, match="no release is on trial"):
        stop_here(WHO, url, clock)
    after = range(40, 44)
    assert {*asyncio.run(worked(url, clock, folder, after)).values()} == {750.0}
    deploy_here(plan, ready(plan), WHO, url, clock)  # the same plan, once it was tried
    reader = open_reader(url)
    assert verify_chain(reader) == []
    assert deployed_in(reader).canary is None
    reader.close()


def test_a_rule_that_is_broken_ends_the_trial_in_the_same_commit(scene):  # noqa: F811
    folder, url, clock = scene
    undo = doubled(folder)
    plan = planned(folder, url)
    undo()
    begin_here(Tried(plan, Part(), Rule(limits={"failed": 10}, after=3), WHO), ready(plan), url, clock)
    assert asyncio.run(worked(url, clock, folder, range(50, 56), refusing="no rights")) == {}
    found = Counter(releases_of(url, range(50, 56)).values())
    assert found[plan.release] == 3 - 1  # the third on trial was the worker, whose run came first
    reader = open_reader(url)
    ended = deployed_in(reader).ended
    assert [(one["by"], one["reason"]) for one in ended] == [
        ("tidegate", "2 of 3 runs are failed, which is more than 10%")
    ]
    assert [row.id for row in reader.alerts() if row.id.startswith("canary/")] == [
        f"canary/{plan.hash}/{BILLING}/time.approved:te-51"
    ]
    assert verify_chain(reader) == []
    reader.close()
