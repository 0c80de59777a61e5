"""What needs work is listed once, with its reason and its place, and goes from the list when it is over."""

import asyncio
from datetime import timedelta

import pytest

from engine.insight.dead import KINDS, DeadLetter, Wanted, dead_letters, replayable, summed
from engine.insight.dead_detail import dead_letter, detail, quoted, sentences
from engine.ledger import open_reader
from engine.runtime.control import Desk
from engine.runtime.failure_acts import DismissRequest, dismiss, driven
from engine.runtime.resolve import Applied, Person, resolve, send_again
from tests.runtime.scripted import NOW, Small, failure
from tests.runtime.test_attempts import again, beside, flow

ANN = Person(by="ann", reason="seen")
RUN = "f/item.made:1"
ONE = ("item.made", {"id": "1"})
STEPS = """
put: {write: erp.line, with: {key: item.id, sum: {fields: {amount: item.amount, currency: {value: EUR}}}}}
next: {write: erp.line, with: {key: put.id}}
"""
OWNED = flow(STEPS).replace("flow: f\n", "flow: f\nowner: finance\n")


@pytest.fixture
def make(tmp_path):
    """A process of the steps of one flow."""

    def made(text=OWNED):
        return Small(tmp_path, text)

    return made


@pytest.fixture
def dead(make):
    process = make()
    process.system.writes["line"].append(failure("permanent", "no such item", evidence={"status": 422}))
    process.run(ONE)
    return process


def listed(process, **wanted):
    reader = open_reader(process.url)
    try:
        return dead_letters(reader, Wanted(**wanted), 100)
    finally:
        reader.close()


def shown(process, name):
    reader = open_reader(process.url)
    try:
        return detail(reader, dead_letter(reader, name))
    finally:
        reader.close()


def dismissed(process, name):
    async def work(runner, reader):
        runner.recover()
        desk = Desk(runner=runner, reader=reader, clock=process.clock)
        await driven(runner, dismiss(desk, DismissRequest(id=name, by="ann", reason="not ours")))
        await runner.until_rest()

    process.clock.advance(timedelta(seconds=1))
    with process.process() as (runner, ledger):
        asyncio.run(work(runner, ledger.reader()))


@pytest.mark.requirement("REL-07", "REL-08", "SCN-17")
class TestWhatIsListed:
    def test_a_dead_letter_with_all_that_a_person_asks_first(self, dead):
        (one,) = listed(dead)
        assert one == DeadLetter(
            id=f"{RUN}/put",
            kind="effect",
            fault="permanent",
            reason="no such item",
            at="2026-03-31T12:00:01.000000Z",
            owner="finance",
            flow="f",
            run=RUN,
            step="put",
            connection="erp",
            operation="line",
            event="item.made:1",
            run_seq=1,
            money={"field": "sum", "amount": 1, "currency": "EUR"},
        )

    def test_an_effect_in_doubt(self, make):
        process = make(flow("put: {write: erp.blind, with: {key: item.id}, faults: {unknown: person}}"))
        process.system.writes["blind"].append("lost")
        process.run(ONE)
        (one,) = listed(process)
        assert (one.kind, one.fault, one.reason, one.owner) == ("doubt", "unknown", "no answer came", None)
        process.order(resolve(one.id, ANN, Applied(external_id="X")))
        assert listed(process) == []

    def test_a_run_that_could_not_go_on(self, make):
        process = make(flow("put: {write: erp.line, with: {key: {expr: text(1 / item.amount)}}}"))
        process.run(("item.made", {"id": "1", "amount": 0}))
        (one,) = listed(process)
        assert (one.id, one.kind, one.fault, one.step) == (RUN, "run", "rule", "put")

    def test_an_event_whose_data_does_not_fit(self, make):
        process = make()
        process.run(("item.made", {"id": "1", "day": "tomorrow"}))
        (one,) = listed(process)
        assert (one.id, one.kind, one.fault, one.owner) == (RUN, "event", "data", "finance")
        assert "day" in one.reason

    def test_what_a_policy_rejects_is_no_dead_letter(self, make):
        process = make(
            "policy: never\ninputs: {item: canonical/item@1}\nwhen: item.amount > 0\nthen: {reject: never}\nreason: never\n"
            "---\n" + flow("ok: {check: [never]}\nput: {write: erp.line, needs: ok, with: {key: item.id}}")
        )
        assert process.run(ONE).status(RUN) == "rejected"
        assert listed(process) == []

    def test_a_record_that_no_mapping_can_use(self, make):
        process = make()
        process.act(
            lambda executor: executor.arrivals.keep_unfit("desk.approved", [({"a": 1}, "it has no id")])
        )
        (one,) = listed(process)
        assert (one.kind, one.connection, one.operation) == ("record", "desk", "approved")
        assert one.reason == "A record of desk.approved cannot be used: it has no id"
        assert shown(process, one.id)["came"] == {"a": 1}
        dismissed(process, one.id)
        assert listed(process) == []

    def test_a_contradiction(self, make):
        process = make()
        process.run(ONE)
        process.run(("item.made", {"id": "1", "amount": 7}))
        (one,) = listed(process)
        assert (one.kind, one.event, one.owner) == ("conflict", "item.made:1", "integration-operations")
        assert shown(process, one.id)["came"]["amount"] == 7
        dismissed(process, one.id)
        assert listed(process) == []

    def test_its_place_under_its_order_key(self, tmp_path):
        process = Small(tmp_path, OWNED.replace("item.made", "item.ordered"))
        process.system.writes["line"].append(failure("permanent", "no"))
        process.run(*[("item.ordered", {"id": str(number), "group": "G"}) for number in (1, 2, 3)])
        (one,) = listed(process)
        assert (one.order_key, one.waiting_behind, one.worked_behind) == ("G", 2, 0)
        dismissed(process, one.id)
        assert listed(process) == []
        assert process.run().status("f/item.ordered:3") == "completed"

    def test_a_contradiction_has_no_place_under_its_order_key(self, tmp_path):
        process = Small(tmp_path, OWNED.replace("item.made", "item.ordered"))
        same = {"id": "1", "group": "G"}
        process.run(("item.ordered", same), ("item.ordered", {"id": "2", "group": "G"}))
        process.run(("item.ordered", {**same, "amount": 7}))
        (one,) = listed(process)
        assert (one.kind, one.order_key, one.worked_behind) == ("conflict", "G", 0)

    def test_what_another_flow_made_of_the_same_event_was_not_worked_since(self, tmp_path):
        process = Small(tmp_path, beside())
        process.system.writes["line"].append(failure("permanent", "no"))
        process.run(("item.ordered", {"id": "1", "group": "G"}))
        (one,) = listed(process)
        assert process.run().status("g/item.ordered:1") == "completed"
        assert (one.run, one.worked_behind) == ("f/item.ordered:1", 0)

    def test_who_let_the_others_pass_sees_how_many_did(self, tmp_path):
        process = Small(tmp_path, OWNED.replace("item.made", "item.ordered"))
        process.system.writes["line"].append(failure("permanent", "no"))
        process.run(*[("item.ordered", {"id": str(number), "group": "G"}) for number in (1, 2, 3)])
        process.act(lambda executor: executor.free_key("G", "ann", "they are urgent"))
        (one,) = listed(process)
        assert (one.waiting_behind, one.worked_behind) == (0, 2)


class TestWhatIsNot:
    def test_what_was_sent_again(self, dead):
        dead.order(send_again(RUN, ANN))
        assert listed(dead) == []

    def test_what_another_attempt_is_made_at(self, dead):
        dead.system.writes["line"].append(failure("permanent", "still not"))
        again(dead)
        (one,) = listed(dead)
        assert one.id == "f~2/item.made:1/put"
        again(dead, "f~2/item.made:1")
        assert listed(dead) == []

    def test_what_was_dismissed_until_it_ends_badly_again(self, dead):
        dismissed(dead, f"{RUN}/put")
        assert listed(dead) == []
        dead.system.writes["line"].append(failure("permanent", "still not"))
        dead.order(send_again(RUN, ANN))
        assert [one.reason for one in listed(dead)] == ["still not"]

    def test_a_refused_write_that_a_person_was_asked_about(self, make):
        process = make(flow("put: {write: erp.line, with: {key: item.id}, faults: {permanent: hold}}"))
        process.system.writes["line"].append(failure("permanent", "no"))
        assert process.run(ONE).status(RUN) == "held"
        assert listed(process) == []


@pytest.mark.parametrize(
    "wanted, found",
    [
        ({"flow": "f"}, 1),
        ({"flow": "g"}, 0),
        ({"connection": "erp", "fault": "permanent"}, 1),
        ({"connection": "erp", "fault": "transient"}, 0),
        ({"kind": "run"}, 0),
        ({"owner": "finance"}, 1),
        ({"order_key": "G"}, 0),
        ({"since": NOW, "until": NOW + timedelta(days=1)}, 1),
        ({"since": NOW + timedelta(days=1)}, 0),
        ({"until": NOW}, 0),
    ],
)
def test_the_list_is_narrowed(dead, wanted, found):
    assert len(listed(dead, **wanted)) == found


def test_one_in_full(dead):
    told = shown(dead, f"{RUN}/put")
    assert [line["what"] for line in told["history"]] == ["decided", "dead"]
    assert told["evidence"]["evidence"] == {"status": 422}
    assert told["sent"]["key"] == "1"
    assert told["waits"] == ["next"]
    assert told["ways"] == [
        f"tidegate replay {RUN}/put",
        f"tidegate replay {RUN}/put --go --reason WHY",
        f"tidegate dead dismiss {RUN}/put --reason WHY",
    ]
    dead.order(send_again(RUN, ANN))
    lines = list(sentences(shown(dead, f"{RUN}/put")["history"]))
    assert any("effect.reopen by ann: seen" in line for line in lines)


def test_the_ways_out_of_a_doubt(make):
    process = make(flow("put: {write: erp.blind, with: {key: item.id}, faults: {unknown: person}}"))
    process.system.writes["blind"].append("lost")
    process.run(ONE)
    ways = shown(process, f"{RUN}/put")["ways"]
    assert [way.split()[1] for way in ways] == ["look-up", "resolve", "resolve", "resolve"]


def test_what_can_be_worked_again_is_found_by_any_of_its_names(dead):
    reader = open_reader(dead.url)
    for name in (f"{RUN}/put", RUN, "item.made:1"):
        assert replayable(reader, [name, name], Wanted(), 10) == [RUN]
    assert replayable(reader, [], Wanted(), 10) == [RUN]
    with pytest.raises(KeyError):
        replayable(reader, ["nothing"], Wanted(), 10)
    assert dead_letter(reader, "nothing") is None
    assert summed(dead_letters(reader, Wanted(), 10)) == {"effect": 1}
    reader.close()
    assert "effect" in KINDS


@pytest.mark.parametrize(
    "name, word", [("a/b:1", "a/b:1"), ("a b", "'a b'"), ("a'b", "'a'\"'\"'b'"), ("", "''")]
)
def test_a_name_is_one_word_of_a_shell(name, word):
    assert quoted(name) == word
