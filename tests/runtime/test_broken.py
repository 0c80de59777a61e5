"""An error of Tidegate itself ends the run at which it occurs, and nothing else."""

import asyncio
from datetime import timedelta

import pytest

from engine.errors import InputError, LedgerFull
from engine.insight.dead import Wanted, dead_letters
from engine.ledger import Ledger, open_reader, verify_chain
from engine.runtime import arrivals, commands, execute, recover
from engine.runtime.broken import CODE
from engine.runtime.permission import Release
from engine.runtime.record import Rests
from engine.runtime.resolve import Person, attempt_again
from tests.runtime.scripted import Small

pytestmark = pytest.mark.requirement("REL-15", "REL-20")

POLICY = """
policy: large
owner: finance
inputs: {item: canonical/item@1}
when: item.amount > 100
then:
  hold:
    until: {event: item.changed, where: event.data.id == item.id}
    expires: {after: 2d, then: reject}
    release: {role: boss}
reason: "Too much."
"""
FLOW = """
flow: f
owner: billing
trigger: {event: item.ordered, as: item}
steps:
  first: {write: erp.line, with: {key: item.id}}
  project: {read: erp.project, with: {id: item.id}}
  ok: {check: large}
  put: {needs: [ok, project], write: erp.journal, with: {key: item.id}}
"""


class Bug(Exception):
    """Something that nobody thought of."""


def ordered(*names, amount=1, group=None):
    return [("item.ordered", {"id": name, "group": group or name, "amount": amount}) for name in names]


def names(one):
    """What a thing is called: the id of a run or of its event, whatever stands for it."""
    return (one, getattr(one, "run_id", None), getattr(one, "id", None))


def second(run_id):
    return run_id.endswith(":2")


def breaks(patch, owner, name):
    """A function of the engine that fails for the second item."""
    before = getattr(owner, name)

    def broken(*given, **more):
        if any(second(str(name)) for one in given for name in names(one)):
            raise Bug("two")
        return before(*given, **more)

    patch.setattr(owner, name, broken)


@pytest.fixture
def process(tmp_path):
    return Small(tmp_path, FLOW, POLICY)


def look(process):
    """Runs, alerts, dead letters, and what is open; the chain is whole."""
    reader = open_reader(process.url)
    try:
        assert verify_chain(reader) == []
        runs = {row.id.rpartition(":")[2]: row for row in reader.runs(limit=100)}
        alerts = {row.id: row for row in reader.alerts(limit=100)}
        return runs, alerts, dead_letters(reader, Wanted(), 10), [*reader.open_holds()]
    finally:
        reader.close()


PLACES = {
    "begin": (execute, "begin"),
    "starts": (arrivals, "starts"),
    "advance": (execute, "advance_own"),
    "effect": (commands, "effect_row"),
    "record": (Rests, "record"),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_others_go_on_and_it_is_a_dead_letter_with_owner_and_code(process, monkeypatch, place):
    breaks(monkeypatch, *PLACES[place])
    seen = process.run(*ordered("1", "2", "3", group="G"))
    assert seen is not None
    runs, alerts, dead, _ = look(process)
    assert (runs["1"].status, runs["2"].status) == ("completed", "failed")
    # A failed run stops its order key; one whose end could not be written down had left it.
    assert runs["3"].status == ("completed" if place == "record" else "running")
    assert runs["2"].reason.startswith(f"{CODE}: it could not be worked, by an error of Tidegate itself: Bug")
    (letter,) = dead
    assert (letter.run, letter.owner, letter.fault) == ("f/item.ordered:2", "billing", "internal")
    alert = alerts["f/item.ordered:2/broken"]
    assert (alert.to, alert.severity, alert.status) == ("billing", "error", "open")
    assert "f/item.ordered:2 has failed" in alert.message


def test_what_was_decided_before_it_goes_on_and_a_further_attempt_does_not_repeat_it(process, monkeypatch):
    """The first write is on its way when the answer to the read meets the error."""
    with monkeypatch.context() as patch:
        breaks(patch, *PLACES["advance"])
        process.run(*ordered("2"))
    assert [key.rpartition("/")[2] for key in process.system.applied] == ["first"]
    release = look(process)[0]["2"].release
    process.order(attempt_again("f/item.ordered:2", release, Person(by="ann", reason="repaired")))
    assert look(process)[0]["2"].status in ("completed", "failed")
    statuses = {row.id: row.status for row in process.run().runs.values()}
    assert statuses["f~2/item.ordered:2"] == "completed"
    assert sorted(key.rpartition("/")[2] for key in process.system.applied) == ["first", "put"]


@pytest.mark.parametrize("woken", ["by an event", "by time"])
def test_a_held_run_that_cannot_be_decided_again_is_ended_with_its_hold(process, monkeypatch, woken):
    process.run(*ordered("1", "2", amount=500))
    breaks(monkeypatch, recover.Recovery, "run")
    if woken == "by time":
        process.clock.advance(timedelta(days=3))
        process.run()
    else:
        process.run(*[("item.changed", {"id": name, "amount": 7}) for name in "12"])
    runs, _, _, open_holds = look(process)
    assert runs["2"].status == "failed"
    assert runs["1"].status == ("rejected" if woken == "by time" else "held")
    assert all(not second(hold.run_id) for hold in open_holds)


def test_a_person_is_told_and_nothing_is_written(process, monkeypatch):
    process.run(*ordered("2", amount=500))
    breaks(monkeypatch, recover.Recovery, "run")
    release = Release(by="ann", role="boss", reason="fine")
    with pytest.raises(InputError, match="Bug: two"):
        process.release("f/item.ordered:2/ok/large", release)
    runs, _, _, open_holds = look(process)
    assert (runs["2"].status, len(open_holds)) == ("held", 1)


@pytest.mark.parametrize("kind", ["write", "read"])
def test_a_connector_that_breaks_ends_nothing_but_what_it_was_asked(process, kind):
    sound = getattr(process.system, kind)

    async def breaking(*given):
        found = given[0][0].payload["key"] if kind == "write" else given[1]["id"]
        if found == "2":
            raise Bug("two")
        return await sound(*given)

    setattr(process.system, kind, breaking)
    process.run(*ordered("1"))
    process.run(*ordered("2"))
    process.run(*ordered("3"))
    runs = look(process)[0]
    assert (runs["1"].status, runs["3"].status) == ("completed", "completed")
    assert runs["2"].status == ("unknown" if kind == "write" else "failed")
    assert "Bug: two" in str(runs["2"].reason)


def test_what_it_wrote_has_a_fate_after_a_crash(process, monkeypatch):
    """The process ends while a write of the broken run is on its way, and another is to be tried again."""
    never = asyncio.Event

    async def silent(effects):
        await never().wait()

    sound, process.system.write = process.system.write, silent

    async def work(runner):
        runner.recover()
        runner.offer(process.offers(*ordered("2")))
        for _ in range(4):
            await runner.turn(wait_seconds=0.01)
        await runner.stop(0)

    with monkeypatch.context() as patch:
        breaks(patch, *PLACES["advance"])
        with process.process() as (runner, _):
            asyncio.run(work(runner))
    process.system.write = sound
    process.run()
    reader = open_reader(process.url)
    (effect,) = reader.effects("f/item.ordered:2")
    reader.close()
    assert effect.status == "unknown"
    assert process.system.applied == {}


def test_an_error_of_the_ledger_still_ends_the_process(process, monkeypatch):
    def full(*_):
        raise LedgerFull("the disk is full")

    monkeypatch.setattr(Ledger, "commit", full)
    with pytest.raises(LedgerFull):
        process.run(*ordered("1"))
