"""One machine of several, with what it works with replaced: what becomes of those who wait when it begins again."""

import asyncio
from contextlib import closing, nullcontext
from types import SimpleNamespace

import pytest

from engine.connect import BreakerPlan
from engine.errors import LedgerError, LedgerUnreachable
from engine.ledger import open_reader
from engine.ledger.owned import Handed
from engine.ledger.rows import AlertMoved
from engine.runtime.gate.gate import WRITES
from engine.runtime.machine import EXCESS_SECONDS, Machine
from engine.runtime.share import Share
from tests.runtime.scripted import failure

PUT = "put: {write: erp.line, with: {key: item.id}}"


class Owning:
    """A ledger of which a machine has no partition."""

    epochs = ()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def forget(self):
        return None


class Heart:
    """A heart that fails when it is told so."""

    def __init__(self):
        self.lost = False

    def begin(self):
        return None

    def seen(self):
        if self.lost:
            raise LedgerUnreachable("nobody hears this heart")

    def sure(self):
        return not self.lost


class HandingOut:
    """In the place of the hand-out: so many machines live."""

    partitions = 8

    def __init__(self):
        self.heart, self.living, self.wants = Heart(), 1, None
        self.is_closed = False

    def want(self, more):
        self.wants = more

    async def open(self):
        return None

    async def run(self):
        await asyncio.Event().wait()

    async def tidy(self):
        return None

    async def machines(self):
        return self.living

    async def close(self, running):
        self.is_closed = True
        if running is not None:
            running.cancel()


class Idle:
    """In the place of the attendant: nobody asks for anything."""

    def begin(self):
        return None

    def look(self):
        return None

    async def close(self):
        return None


IDLE = Idle()


def a_machine(runner, out, told=lambda _: None, attendant=IDLE):
    """One that works with this runner, on a ledger of which it has nothing yet."""
    return Machine(
        opened=Owning,
        listener=lambda *_: nullcontext(),
        runner=runner,
        hand_out=lambda *_: out,
        duties=lambda *_: (),
        attendant=lambda *_: attendant,
        told=told,
    )


async def until(true):
    """Wait for something that others bring about."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for is seen from outside
            await asyncio.sleep(0.001)


def test_partitions_are_given_back_to_those_who_stay_not_to_those_who_are_only_still_counted(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("engine.runtime.machine.time.monotonic", lambda: now[0])
    machine = Machine(
        opened=None, listener=None, runner=None, hand_out=None, duties=None, attendant=None, told=None
    )
    machine.held = dict.fromkeys(range(8))
    machine._may_have = 4  # one that was killed a moment ago and is back counts twice
    assert machine._excess() == 0
    now[0] += EXCESS_SECONDS - 0.1
    assert machine._excess() == 0
    machine._may_have = 8
    assert machine._excess() == 0
    now[0] += 1.0
    machine._may_have = 4  # another one has come, and stays
    assert machine._excess() == 0
    now[0] += EXCESS_SECONDS
    assert machine._excess() == 4


def test_a_partition_that_is_taken_back_before_it_was_taken_is_no_more_offered():
    """What hands it out ends on its own when a connection breaks; the machine goes on or begins again."""

    async def play():
        machine = a_machine(lambda _: None, HandingOut())
        taken, machine._may_have = [], 2
        machine._taking, machine._runner = True, SimpleNamespace(take_over=taken.extend)
        kept, gone = (asyncio.ensure_future(machine.work(partition)) for partition in (1, 2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        machine._take_wanted()
        assert (taken, [*machine.held]) == ([1], [1])
        await asyncio.sleep(0)
        machine._let_go([1])
        await kept

    asyncio.run(play())


@pytest.mark.requirement("REL-17")
def test_who_has_its_part_is_not_handed_more_which_others_would_wait_for(monkeypatch):
    """A machine that came a moment ago would get what is free one by one, each when the others had let it go."""
    monkeypatch.setattr("engine.runtime.machine.BEAT_SECONDS", 0.01)

    class Working:
        room = 0
        taken = ()

        def take_over(self, partitions):
            self.taken += tuple(partitions)

        def look(self):
            return None

        async def turn(self, *, wait_seconds):
            await asyncio.sleep(wait_seconds / 100)

        def raise_failure(self):
            return None

        def take_no_more(self):
            return None

        async def stop(self, _):
            return None

        def abandon(self, _):
            return None

    async def play():
        out, working = HandingOut(), Working()
        out.living = 2
        machine = a_machine(lambda _: working, out)
        living = asyncio.ensure_future(machine.run())
        await until(lambda: machine._may_have == 4)
        assert out.wants
        kept = [asyncio.ensure_future(machine.work(partition)) for partition in (1, 2, 3)]
        await until(lambda: len(machine.held) == 3)
        assert out.wants
        kept += [asyncio.ensure_future(machine.work(partition)) for partition in (4, 5)]
        await asyncio.sleep(0)
        assert not out.wants  # at once, before it is known what becomes of them
        await until(kept[4].done)  # one too many: it is for others
        assert working.taken == (1, 2, 3, 4)
        assert not out.wants
        out.living = 1
        await until(lambda: out.wants)
        machine.stopping.set()
        await asyncio.wait_for(living, 10)

    asyncio.run(play())


def test_who_cannot_begin_to_work_takes_part_no_longer():
    """Its heart would beat on, and its connections would stay, for each time that it tries again."""
    out, said = HandingOut(), []

    def runner(_):
        raise LedgerError("no connection is called erp")

    def tell(text):
        said.append(text)
        if text.startswith("starting again"):
            machine.stopping.set()

    machine = a_machine(runner, out, tell)
    asyncio.run(machine.run())
    assert said == [
        "giving up what is in memory: no connection is called erp",
        "starting again from the ledger: no connection is called erp",
    ]
    assert out.is_closed


def test_who_has_no_partition_does_not_read_what_happened_before_it_came():
    """It would wake nobody, for every event that the ledger has, in its first turn."""

    class New(Owning):
        def own_reader(self):
            return None  # nothing can be asked of it

    share = Share(New(), plan=None)
    share.news = True
    share.gather(worker=None, limit=500)
    assert not share.news


@pytest.mark.requirement("REL-18")
def test_what_came_as_a_newer_version_is_left_to_a_machine_that_speaks_it():
    """While machines change to a release one by one, the others would refuse what the first of them accept."""

    class Reading:
        def end(self):
            return 9

        def inbox(self, upto, limit):
            found = [("deal.won", 1), ("deal.won", 2), ("deal.won", 3), ("deal.lost", 1)]
            return [
                Handed(position=upto, seq=seq, partition=1, id=str(seq), type=name, version=version)
                for seq, (name, version) in enumerate(found)
                if all(seq != taken for _, taken in begun)
            ][:limit]

        def behind(self, after, upto, types):
            return []

        def several(self, seqs):
            asked.extend(seqs)
            return {}

    class Sharing(Owning):
        epochs, seen = {1: 1}, 0

        def own_reader(self):
            return Reading()

    asked, begun, told = [], [], []
    share = Share(Sharing(), SimpleNamespace(events={"deal.won": SimpleNamespace(version=2)}))
    share._offers = {str(seq): f"offer {seq}" for seq in range(4)}
    worker = SimpleNamespace(
        wakes=(),
        begin_handed=lambda offer, seq: begun.append((offer, seq)),
        leave_strange=lambda *one: told.append(one),
    )
    share.gather(worker, limit=10)
    assert begun == [("offer 0", 0), ("offer 1", 1)]
    assert asked == []
    assert told == [("deal.won@3", 2), ("deal.lost@1", 3)]
    share.gather(worker, limit=10)
    assert len(told) == 2


def test_of_events_that_wait_for_a_newer_release_somebody_is_told_until_they_say_that_it_is_over(small):
    process = small(PUT)

    def leave(*seqs):
        def act(executor):
            for seq in seqs:
                executor.arrivals.leave_strange("deal.won@3", seq)

        process.act(act)

    def close(name):
        def act(executor):
            turn = executor.arrivals._turn
            turn.rows.alerts_moved.append(AlertMoved("closed", turn.at, name))

        process.act(act)

    def alerts():
        with closing(open_reader(process.url)) as reader:
            return {alert.id.removeprefix("strange/deal.won@3"): alert for alert in reader.alerts(limit=9)}

    leave(4, 5)
    leave(4)
    assert alerts().keys() == {""}
    assert "deal.won@3 wait for a machine whose release knows them" in alerts()[""].message
    close("strange/deal.won@3")
    leave(8, 9)
    assert {name: alert.status for name, alert in alerts().items()} == {"": "closed", "/8": "open"}
    leave(8)
    close("strange/deal.won@3/8")
    leave(8, 11)
    assert {name: alert.status for name, alert in alerts().items()} == {
        "": "closed", "/8": "closed", "/11": "open"
    }  # fmt: skip


@pytest.mark.requirement("REL-17")
@pytest.mark.slow
def test_whoever_waits_for_a_commit_is_told_when_the_machine_begins_again(small, monkeypatch):
    """Otherwise the request hangs for ever, takes the place of others, and the machine never ends."""
    process, said = small(PUT), []

    async def play(runner):
        out = HandingOut()

        def tell(text):
            said.append(text)
            if text.startswith("starting again"):
                machine.stopping.set()

        machine = a_machine(lambda _: runner, out, tell)

        async def no_turn(**_):  # as when the server of the ledger does not answer
            await asyncio.Event().wait()

        monkeypatch.setattr(runner, "turn", no_turn)
        living = asyncio.ensure_future(machine.run())
        await until(lambda: machine.ready)
        gate = runner._connections.get("erp").gate
        gate.breaker.plan = BreakerPlan(after=1, pause_seconds=0.0)
        gate.came(process.clock.now(), failure("transient"), probe=False)
        assert gate.free(process.clock.now(), WRITES) == 1
        assert gate.go(process.clock.now(), WRITES)
        assert gate.free(process.clock.now(), WRITES) == 0  # one is on its way that tries whether erp is back
        waiting = asyncio.ensure_future(machine.accept(process.offers(("item.made", {"id": "i"}))))
        await asyncio.sleep(0)
        out.heart.lost = True
        with pytest.raises(LedgerError, match="begins again from what the ledger holds"):
            await asyncio.wait_for(waiting, 5)
        await asyncio.wait_for(living, 10)
        assert gate.free(process.clock.now(), WRITES) == 1, "nobody is told what becomes of the trial"

    with process.process() as (runner, _):
        asyncio.run(play(runner))
    assert said[0] == "giving up what is in memory: nobody hears this heart"
