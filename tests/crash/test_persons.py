"""Acts of persons killed wherever the disk differs; more of them: `python -m tests.crash.persons --points 300000`."""

import asyncio

import pytest

from engine.runtime.runner import Runner
from tests.crash.persons import ACTS_OF_PERSONS, sweep


@pytest.mark.slow
@pytest.mark.requirement("REL-01", "REL-09", "REL-10", "REL-12")
def test_what_a_person_does_is_done_once_wherever_it_is_killed() -> None:
    found, end = sweep(points=40_000)
    assert found.wrong == []
    assert found.recovered == len(found.states) > 80
    assert len(found.points) >= 40_000
    # Without a kill each of them came about, and two were found out about writes in doubt.
    assert sorted(end.holds.values()) == ["refused", "released", "released"]
    assert sorted(end.runs.values()) == ["compensated", *["completed"] * 6, "failed", "rejected"]
    assert {action for action, _ in end.said} == {
        "hold release proposed",
        "hold release agreed",
        "hold released",
        "hold refused",
        "run.reopen",
        "order key freed",
        "effect.reopen",
        "dead.dismiss",
        "effect.resolve",
    }
    assert len(ACTS_OF_PERSONS) == 8


@pytest.mark.slow
def test_a_person_who_is_told_too_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checker itself: an act that is said to be done before its commit is missed where that is killed."""
    act = Runner.act

    async def hasty(runner: Runner, order: object) -> None:
        asyncio.ensure_future(act(runner, order)).add_done_callback(lambda done: done.exception())
        await asyncio.sleep(0)

    monkeypatch.setattr(Runner, "act", hasty)
    found, _ = sweep(points=1_000)
    assert any("is in the audit 0 times" in one for one in found.wrong)
