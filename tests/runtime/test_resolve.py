"""Outcomes that a person settles, and dead letters that are sent again: the run goes on accordingly, once."""

import asyncio
import json

import pytest

from engine.errors import InputError
from engine.ledger import open_reader, verify_chain
from engine.runtime.resolve import Applied, Person, resolve, send_again
from tests.runtime import test_recovery as recovery
from tests.runtime.scripted import failure
from tests.runtime.test_recovery import Cut

STEPS = """
put: {write: erp.blind, with: {key: item.id}, links: {item: item.id}, faults: {unknown: person}}
more: {write: erp.line, with: {key: put.id}}
"""
FIRST = "put: {write: erp.line, with: {key: item.id}}\nmore: {write: erp.journal, with: {key: put.id}}"
RUN = "f/item.made:1"
PUT, MORE = f"{RUN}/put", f"{RUN}/more"
ONE = ("item.made", {"id": "1"})
ANN = Person(by="ann", reason="seen in the ERP")
FOUND = resolve(PUT, ANN, Applied(external_id="B-7"))
AGAIN = resolve(PUT, ANN, None, again=True)
GIVE_UP = resolve(PUT, ANN, None)


def whole(process):
    reader = open_reader(process.url)
    try:
        assert verify_chain(reader) == []
    finally:
        reader.close()


@pytest.fixture
def doubtful(small):
    """A run whose write was done, and no answer came."""
    process = small(STEPS)
    process.system.writes["blind"].append("lost")
    assert process.run(ONE).status(RUN) == "unknown"
    return process


@pytest.mark.requirement("REL-10")
class TestInDoubt:
    def test_it_was_applied(self, doubtful):
        seen = doubtful.order(FOUND)
        assert (seen.status(RUN), seen.effects[PUT].external_id) == ("completed", "B-7")
        assert doubtful.system.applied[MORE] == [{"key": "B-7"}]
        assert len(doubtful.system.applied[PUT]) == 1
        (entry,) = [entry for entry in seen.audit if entry.subject == PUT]
        assert (entry.actor, entry.action) == ("ann", "effect.resolve")
        reader = open_reader(doubtful.url)
        assert reader.xref("item", "1", "erp").external_id == "B-7"
        reader.close()
        whole(doubtful)

    def test_it_was_not_and_is_sent_again(self, small):
        process = small(STEPS)
        process.system.writes["blind"].append(failure("unknown"))
        process.run(ONE)
        seen = process.order(AGAIN)
        assert (seen.status(RUN), len(process.system.applied[PUT])) == ("completed", 1)
        assert process.system.count("look_up") == 0
        whole(process)

    def test_what_is_sent_again_and_refused_is_dead(self, small):
        process = small(FIRST)
        process.system.writes["line"] += [failure("unknown"), failure("permanent", "no such item")]
        process.run(ONE)
        process.system.writes["line"].append(failure("permanent", "no such item"))
        seen = process.order(AGAIN)
        assert (seen.status(RUN), seen.effects[PUT].status) == ("failed", "dead")

    def test_it_was_not_and_is_given_up(self, doubtful):
        seen = doubtful.order(GIVE_UP)
        assert (seen.status(RUN), seen.effects[PUT].status) == ("failed", "dead")
        assert seen.runs[RUN].reason == "ann found that it was not applied, and gave it up: seen in the ERP"
        assert doubtful.system.count("write") == 1
        whole(doubtful)

    @pytest.mark.parametrize("order", [FOUND, AGAIN, GIVE_UP], ids=["applied", "again", "give up"])
    def test_only_once(self, doubtful, order):
        doubtful.order(order)
        with pytest.raises(InputError, match="not in doubt"):
            doubtful.order(order)

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("number", range(1, 6))
    @pytest.mark.parametrize("order", [FOUND, AGAIN, GIVE_UP], ids=["applied", "again", "give up"])
    def test_stopped_at_any_commit(self, small, monkeypatch, order, number, after):
        process = small(STEPS)
        process.system.writes["blind"].append("lost" if order is FOUND else failure("unknown"))
        process.run(ONE)
        with monkeypatch.context() as patch:
            Cut(patch, number, after=after)
            process.order(order)
        seen = process.run()
        if seen.effects[PUT].status == "unknown" and seen.effects[PUT].attempts == 1:
            seen = process.order(order)  # what was cut off was the order
        if seen.status(RUN) == "unknown":  # it was on its way, to a system that cannot be asked
            assert order is AGAIN
            seen = process.order(FOUND if PUT in process.system.applied else AGAIN)
        assert seen.status(RUN) == ("failed" if order is GIVE_UP else "completed")
        assert len(process.system.applied.get(PUT, ())) == (order is not GIVE_UP)
        whole(process)

    @pytest.mark.parametrize("order", [FOUND, AGAIN, GIVE_UP], ids=["applied", "again", "give up"])
    def test_decided_again_it_is_the_same(self, doubtful, monkeypatch, order):
        same = recovery.TestTheSameAgain()
        run = doubtful.run
        doubtful.run = lambda *events: doubtful.order(order) if order in events else run(*events)
        same.same(doubtful, same.states(doubtful, monkeypatch, order))

    def test_one_item_of_several(self, small, monkeypatch):
        process = small(
            "put: {write: erp.blind, for_each: {in: item.list, as: one, key: one.key}, with: {key: one.key}, faults: {unknown: person}}"
        )
        process.system.writes["blind"] += ["lost", "done"]
        items = [{"key": "a", "amount": 1}, {"key": "b", "amount": 1}]
        process.run(("item.made", {"id": "1", "list": items}))
        seen = process.order(resolve(f"{PUT}[a]", ANN, Applied(external_id="B-1")))
        assert seen.status(RUN) == "completed"
        assert recovery.TestTheSameAgain().recovered(process, RUN).trace == {}

    def test_what_a_receipt_also_has_must_be_given(self, small):
        process = small("put: {write: rev.performance, with: {key: item.id, day: {value: '2026-03-01'}}}")
        row = process.plan.flows["f"].steps[0]
        with process.process() as (runner, _):
            returns = set(runner._connections.get(row.connection).plan.operation(row.operation).returns)
        process.system.writes["performance"] += [failure("unknown")] * 3
        process.run(ONE)
        fields = dict.fromkeys(returns - {"id"}, "1")
        if fields:
            with pytest.raises(InputError, match="--field"):
                process.order(FOUND)
        seen = process.order(resolve(PUT, ANN, Applied(external_id="X", fields=fields)))
        assert json.loads(seen.effects[PUT].receipt) == {**fields, "id": "X"}

    def test_nobody_and_no_reason(self):
        for by, reason in [("", "x"), ("Tidegate", "x"), ("ann", " ")]:
            with pytest.raises(InputError):
                Person(by=by, reason=reason)

    def test_two_orders_at_once(self, doubtful):
        async def work(runner):
            runner.recover()
            first, second = (asyncio.ensure_future(runner.act(FOUND)) for _ in range(2))
            await asyncio.sleep(0)
            await runner.until_rest()
            await first
            with pytest.raises(InputError, match="not in doubt"):
                await second

        with doubtful.process() as (runner, _):
            asyncio.run(work(runner))
        assert doubtful.run().status(RUN) == "completed"


@pytest.mark.requirement("REL-09")
class TestDeadLetters:
    @pytest.fixture
    def dead(self, small):
        process = small(FIRST)
        process.system.writes["line"].append(failure("permanent", "no such item"))
        assert process.run(ONE).status(RUN) == "failed"
        return process

    def test_the_same_key_and_body_again(self, dead):
        seen = dead.order(send_again(RUN, ANN))
        assert seen.status(RUN) == "completed"
        assert dead.system.applied == {PUT: [{"key": "1"}], MORE: [{"key": f"id-{PUT}"}]}
        assert [entry.action for entry in seen.audit if entry.actor == "ann"] == [
            "effect.reopen",
            "run.reopen",
        ]
        whole(dead)

    def test_only_what_failed_is_repeated(self, small):
        process = small(FIRST)
        process.system.writes["journal"].append(failure("permanent", "the account is closed"))
        process.run(ONE)
        process.order(send_again(RUN, ANN))
        assert [call[1] for call in process.system.calls] == ["line", "journal", "journal"]

    def test_refused_again(self, dead):
        dead.system.writes["line"].append(failure("permanent", "still none"))
        seen = dead.order(send_again(RUN, ANN))
        assert (seen.status(RUN), seen.runs[RUN].reason) == ("failed", "still none")
        assert dead.order(send_again(RUN, ANN)).status(RUN) == "completed"
        whole(dead)

    def test_a_doubt_before_it_died_is_over(self, small):
        process = small(FIRST)
        process.system.writes["line"] += [failure("unknown")] * 3
        process.run(ONE)
        process.order(GIVE_UP)
        process.system.writes["line"].append(failure("permanent", "no"))
        assert process.order(send_again(RUN, ANN)).effects[PUT].status == "dead"

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("number", range(1, 6))
    def test_stopped_at_any_commit(self, dead, monkeypatch, number, after):
        with monkeypatch.context() as patch:
            Cut(patch, number, after=after)
            dead.order(send_again(RUN, ANN))
        seen = dead.run()
        if seen.status(RUN) == "failed":
            assert number < 3  # the order itself was cut off
            seen = dead.order(send_again(RUN, ANN))
        assert seen.status(RUN) == "completed"
        assert dead.system.applied.keys() == {PUT, MORE}
        assert len(dead.system.applied[MORE]) == 1
        whole(dead)

    def test_nothing_is_dead(self, small):
        process = small(FIRST)
        process.run(ONE)
        with pytest.raises(InputError, match="no dead letter"):
            process.order(send_again(RUN, ANN))
        with pytest.raises(InputError, match="no run"):
            process.order(send_again("f/item.made:9", ANN))

    def test_on_its_way(self, small):
        process = small(FIRST)
        process.system.writes["line"].append(failure("permanent", "no"))
        process.run(ONE)

        async def work(runner):
            runner.recover()
            first, second = (asyncio.ensure_future(runner.act(send_again(RUN, ANN))) for _ in range(2))
            await asyncio.sleep(0)
            await runner.until_rest()
            await first
            with pytest.raises(InputError, match=r"on its way|no dead letter"):
                await second

        with process.process() as (runner, _):
            asyncio.run(work(runner))
        assert len(process.system.applied[PUT]) == 1

    def test_order_keys_hold_for_what_is_sent_again(self, small):
        process = small(FIRST, event="item.ordered")
        process.system.writes["line"].append(failure("permanent", "no"))
        events = [("item.ordered", {"id": str(number), "group": "G"}) for number in (1, 2)]
        process.run(*events)
        process.system.calls.clear()
        runs = [f"f/item.ordered:{number}" for number in (1, 2)]
        process.order(send_again(runs[0], ANN))
        assert [call[2] for call in process.system.calls] == [
            f"{run}/{step}" for run in runs for step in ("put", "more")
        ]
