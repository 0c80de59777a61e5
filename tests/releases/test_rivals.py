"""Two who decide about releases of one ledger at the same moment, beside the machines that are at work on it."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from engine.errors import InputError, LedgerConflict, TidegateError
from engine.ledger import Commit, open_ledger, open_reader, verify_chain
from engine.ledger.postgres_ledger import open_shared
from engine.releases import canary, deploy_here, deploying, is_true, ready
from engine.releases.back import plan_back
from engine.releases.canary import Tried, begin_here, stop_here
from engine.releases.shadow import shadowed
from engine.runtime.deployed import CANARY, CANARY_STOP, deployed_in, fact
from engine.runtime.trial import Part, Rule
from engine.session import kept, load
from tests.ledger.samples import AT
from tests.releases.test_shadow import NOW, FixedClock, planned, scene  # noqa: F401 - a fixture
from tests.releases.test_trial import WHO, doubled, worked
from tests.workspaces.systems import hours

CLOCK = FixedClock(NOW)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def shared_scene(tmp_path, postgres_url):
    """A ledger on a server with a deployed release, on which a machine is at work; and a plan for another."""
    folder = hours(tmp_path)
    deploy_here(planned(folder, postgres_url), load(folder), WHO, postgres_url, CLOCK)
    doubled(folder)
    with open_shared(postgres_url, clock=CLOCK, name="machine"):
        yield folder, postgres_url, planned(folder, postgres_url)


def together(monkeypatch, module, acts):
    """Have all decide before any of them writes; what each was told."""
    both, name = threading.Barrier(len(acts), timeout=20), "write" if module is canary else "_write"
    real, told = getattr(module, name), []

    def at_once(*given):
        both.wait()
        return real(*given)

    monkeypatch.setattr(module, name, at_once)

    def run(act):
        try:
            act()
            told.append("won")
        except TidegateError as error:
            told.append(type(error))

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return sorted(told, key=str)


def test_of_two_trials_that_begin_at_once_one_does(shared_scene, monkeypatch):
    _, url, plan = shared_scene
    begun = partial(begin_here, Tried(plan, Part(), Rule(), WHO), ready(plan), url, CLOCK)
    begun()  # so that the release is known
    stop_here(WHO, url, CLOCK)
    assert together(monkeypatch, canary, [begun, begun]) == [LedgerConflict, "won"]


def test_no_trial_begins_beside_a_release_that_takes_over(shared_scene, monkeypatch):
    _, url, plan = shared_scene
    real = canary.write

    def late(*given):
        deploy_here(plan, ready(plan), WHO, url, CLOCK)
        real(*given)

    monkeypatch.setattr(canary, "write", late)
    with pytest.raises(LedgerConflict, match="is active, and not"):
        begin_here(Tried(plan, Part(), Rule(), WHO), ready(plan), url, CLOCK)
    reader = open_reader(url)
    assert deployed_in(reader).canary is None
    assert verify_chain(reader) == []
    reader.close()


def test_of_two_that_deploy_at_once_one_does(shared_scene, monkeypatch):
    folder, url, plan = shared_scene
    mappings = folder / "mappings" / "mappings.yaml"
    mappings.write_text(mappings.read_text().replace("project.rate * 2", "project.rate * 3"))
    plans = [plan, planned(folder, url)]
    acts = [partial(deploy_here, one, ready(one), WHO, url, CLOCK) for one in plans]
    assert together(monkeypatch, deploying, acts) == [LedgerConflict, "won"]


@pytest.mark.slow
def test_a_plan_is_carried_out_once(scene):  # noqa: F811
    """Who goes back has seen what it does; what was agreed to before that is not agreed to any more."""
    folder, url, clock = scene
    doubled(folder)
    plan = planned(folder, url)
    deploy_here(plan, ready(plan), WHO, url, clock)
    reader = open_reader(url)
    back = plan_back(reader, None, "ann", AT, {})
    deploy_here(back, ready(back), WHO, url, clock)
    for again in (
        deploy_here,
        lambda plan, new, who, *where: begin_here(Tried(plan, Part(), Rule(), who), new, *where),
    ):
        with pytest.raises(InputError, match="was carried out already, and gone back on: make it anew"):
            again(plan, ready(plan), WHO, url, clock)
    anew = planned(folder, url, at=LATER)
    deploy_here(anew, ready(anew), WHO, url, clock)
    assert reader.active_release().fingerprint == anew.release
    reader.close()


def test_a_plan_that_names_another_release_is_neither_approved_nor_shadowed(scene):  # noqa: F811
    folder, url, _ = scene
    doubled(folder)
    plan = planned(folder, url)
    reader = open_reader(url)
    assert is_true(plan, reader)
    other = replace(plan, release="0" * 64)
    assert not is_true(other, reader)
    assert not is_true(replace(other, base=None), reader)
    with pytest.raises(InputError, match="the plan names release 000000000000"):
        shadowed(other, kept(reader.active_release().content, compared=True), iter(()), ())
    reader.close()


def test_a_rule_that_is_broken_again_ends_a_second_trial_of_the_same_plan(scene):  # noqa: F811
    folder, url, clock = scene
    undo = doubled(folder)
    plan = planned(folder, url)
    undo()
    tried = Tried(plan, Part(), Rule(limits={"failed": 10}, after=1), WHO)
    for numbers in (range(50, 52), range(60, 62)):
        begin_here(tried, ready(plan), url, clock)
        asyncio.run(worked(url, clock, folder, numbers, refusing="no rights"))
    reader = open_reader(url)
    assert [one["by"] for one in deployed_in(reader).ended] == ["tidegate", "tidegate"]
    assert len([row for row in reader.alerts() if row.id.startswith("canary/")]) == 2
    reader.close()


def test_who_ends_one_trial_late_does_not_end_the_next():
    with open_ledger("sqlite://", clock=CLOCK) as ledger:
        for action, plan in ((CANARY, "p1"), (CANARY_STOP, "p1"), (CANARY, "p2"), (CANARY_STOP, "p1")):
            ledger.commit(Commit(entries=[fact(AT, "ann", action, {"plan": plan})]))
        deployed = deployed_in(ledger.reader())
        assert deployed.canary is not None
        assert deployed.canary["plan"] == "p2"
        ledger.commit(Commit(entries=[fact(AT, "ann", CANARY_STOP, {"plan": "p2"})]))
        assert deployed_in(ledger.reader()).canary is None
