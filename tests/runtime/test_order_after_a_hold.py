"""A run that goes on after a hold or a wait reads and decides when it is its turn under its order key."""

import asyncio
from contextlib import suppress

import pytest

from engine.ledger import open_reader, verify_chain
from engine.runtime import holding
from engine.runtime.permission import Release
from engine.runtime.woken import AT_WORK, IN_LINE
from tests.runtime.scripted import Small, Stopped, begun, failure
from tests.runtime.test_recovery import Cut

pytestmark = pytest.mark.requirement("REL-11", "REL-17")

POLICY = """
policy: large
owner: finance
inputs: {item: canonical/item@1}
when: item.amount > 100
then:
  hold:
    until: {event: item.changed, where: event.data.id == item.id}
    release: {role: boss}
reason: "Too much."
---
policy: billed
owner: finance
inputs: {project: erp/project@1}
when: project.rate > 0
then: {reject: {code: billed}}
reason: "Billed already."
"""
# What was billed is read behind the hold in one flow, and before it, so that it is read afresh, in the other.
BEHIND = """
flow: f
trigger: {event: item.ordered, as: item}
steps:
  ok: {check: large}
  project: {needs: ok, read: erp.project, with: {id: item.group}}
  new: {check: billed}
  put: {needs: new, write: erp.line, with: {key: item.id}}
"""
BEFORE = """
flow: f
trigger: {event: item.ordered, as: item}
steps:
  project: {read: erp.project, with: {id: item.group}}
  ok: {check: [large, billed]}
  put: {needs: ok, write: erp.line, with: {key: item.id}}
"""
PLAIN = """
flow: f
trigger: {event: item.ordered, as: item}
steps:
  ok: {check: large}
  put: {needs: ok, write: erp.line, with: {key: item.id}}
"""
HELD = "f/item.ordered:1"
HOLD = f"{HELD}/ok/large"
ANN = Release(by="ann", role="boss", reason="fine")


def ordered(*names, amount=1):
    return [("item.ordered", {"id": name, "group": "G", "amount": amount}) for name in names]


def changed(number):
    return ("item.changed", {"id": "1", "group": "G", "amount": number})


class Billing(Small):
    """A system that tells how often it was billed, and takes its time to bill."""

    def __init__(self, folder, flow):
        super().__init__(folder, flow, POLICY)
        self.ended = []
        self.system.read = self.read
        self.system.write = self.write

    async def read(self, operation, parameters):
        self.system.calls.append(("read", operation, dict(parameters)))
        return {"id": parameters["id"], "status": "open", "rate": len(self.system.applied)}

    async def write(self, effects):
        await asyncio.sleep(0.01)
        return [self.system._write(effect) for effect in effects]

    def woken(self, *acts, then=None):
        """The second is at work when something is done about the first, which is held."""

        async def work(runner):
            runner.recover()
            runner.offer(self.offers(*ordered("2")))
            while not runner.executor.reader.effects("f/item.ordered:2"):
                await runner.turn()
            done = [begun(act(self, runner)) for act in acts]
            await asyncio.sleep(0)
            await runner.turn()
            if then is not None:
                then(runner)
                return
            await runner.until_rest()
            self.ended = await asyncio.gather(*done, return_exceptions=True)

        with self.process() as (runner, _):
            asyncio.run(work(runner))

    def seen(self):
        reader = open_reader(self.url)
        try:
            assert verify_chain(reader) == []
            rows = {row.id.rpartition(":")[2]: row for row in reader.runs(limit=100)}
            return {name: row.status for name, row in rows.items()}, reader.runs(limit=1)[0], rows
        finally:
            reader.close()


def by_person(process, runner):
    return runner.release(HOLD, ANN)


def by_event(process, runner):
    # A change says nothing of the amount of the item: what was read is read afresh, and a person still decides.
    return runner.accept(process.offers(changed(7)))


@pytest.fixture(params=[BEHIND, BEFORE], ids=["behind", "before"])
def billing(request, tmp_path):
    process = Billing(tmp_path, request.param)
    process.run(*ordered("1", amount=500))
    assert process.seen()[0] == {"1": "held"}
    return process


@pytest.mark.parametrize(
    "flow, acts",
    [(BEHIND, [by_person]), (BEHIND, [by_event, by_person]), (BEFORE, [by_event, by_person])],
    ids=["person", "event", "event and read before"],
)
def test_it_reads_what_whoever_was_at_work_has_left(tmp_path, flow, acts):
    """It was passed while it was held, and what it is told comes while the other one is billing."""
    process = Billing(tmp_path, flow)
    process.run(*ordered("1", amount=500))
    process.woken(*acts)
    assert process.ended == [["accepted"], None][-len(acts) :]
    assert list(process.system.applied) == ["f/item.ordered:2/put"]
    assert process.seen()[0] == {"1": "rejected", "2": "completed"}


def test_while_it_waits_the_ledger_says_so_and_nothing_ends_twice(billing):
    def then(runner):
        row = runner.executor.reader.run(HELD)
        assert (row.status, row.reason) == ("running", IN_LINE)
        assert HELD not in runner.executor.live
        assert runner.executor.standing == 1

    async def twice(process, runner):
        await by_person(process, runner)
        return await by_person(process, runner)

    billing.woken(by_person, then=then)
    billing.run()
    reader = open_reader(billing.url)
    told = [step.reason for step in reader.transitions(HELD) if step.status == "running"]
    reader.close()
    assert told == [IN_LINE, AT_WORK]
    assert set(billing.seen()[0].values()) <= {"completed", "rejected"}


def test_a_second_release_while_it_waits_is_refused(billing):
    billing.woken(by_person, by_person)
    assert billing.ended[0] is None
    assert "it is released" in str(billing.ended[1]) or "just ended" in str(billing.ended[1])


@pytest.mark.parametrize("number, after", [(3, True), (4, True), (5, False), (5, True), (6, True)])
def test_stopped_at_any_commit_it_decides_the_same(tmp_path, monkeypatch, number, after):
    process = Billing(tmp_path, BEHIND)
    process.run(*ordered("1", amount=500))
    with monkeypatch.context() as patch:
        Cut(patch, number, after=after)
        with suppress(Stopped):
            process.woken(by_person)
    process.run(*ordered("2"))
    if process.seen()[0]["1"] == "held":
        process.release(HOLD, ANN)
    process.run()
    assert list(process.system.applied) == ["f/item.ordered:2/put"]
    assert process.seen()[0] == {"1": "rejected", "2": "completed"}


def test_one_that_had_passed_a_stopped_key_is_not_behind_it_after_a_restart(tmp_path):
    """Both were held; the first fails and stops the key, and the second is at work when the process ends."""
    process = Billing(tmp_path, PLAIN)
    process.run(*ordered("1", "2", amount=500))
    process.system.writes["line"] += [failure("permanent", "no rights"), "stop"]
    process.order(lambda executor: holding.release(executor, HOLD, ANN))
    process.run(*ordered("3"))
    with suppress(Stopped):
        process.order(lambda executor: holding.release(executor, "f/item.ordered:2/ok/large", ANN))
    process.run()
    assert list(process.system.applied) == ["f/item.ordered:2/put"]
    assert process.seen()[0] == {"1": "failed", "2": "completed", "3": "running"}
