"""What is foreseen of a replay: nothing is asked, nothing is done, and it is what comes of it."""

import asyncio

import pytest

from engine.errors import InputError
from engine.ledger import open_reader
from engine.runtime.bench import Bench, Choice, Verdict, Way, asking, differences
from engine.runtime.recover import Recovery
from engine.runtime.release_choice import chosen
from engine.runtime.resolve import Person, send_again
from tests.runtime.scripted import Small, failure
from tests.runtime.test_attempts import ANN, ONE, RUN, SECOND, STEPS, again, beside, flow

NEXT = STEPS.replace("got.id", "item.group")


def judge(process, run=RUN, *, ask=False, **choice):
    """How a run is judged; the systems are asked nothing, unless that is wanted."""
    before = len(process.system.calls)
    with process.process() as (runner, ledger):
        connections = runner._connections
        recovery = Recovery(ledger.reader(), runner.executor.recovery.plan, connections)
        bench = Bench(ledger.reader(), recovery, asking(connections) if ask else None)
        item = asyncio.run(bench.judge(run, Choice(**choice)))
    assert ask or len(process.system.calls) == before
    return item


def fates(item):
    return {write.step: write.fate for write in item.writes}


@pytest.fixture
def half(small):
    """The line was written, the journal refused."""
    process = small(STEPS)
    process.system.writes["journal"].append(failure("permanent", "the account is closed"))
    process.run(ONE)
    return process


@pytest.mark.requirement("REL-10")
class TestVerdicts:
    def test_a_dead_letter_is_sent_again(self, half):
        item = judge(half)
        assert (item.verdict, item.way) == (Verdict.SAFE, Way.SEND_AGAIN)
        assert fates(item) == {"post": f"is sent again under its key {RUN}/post"}

    def test_from_the_beginning_what_was_applied_stands(self, half):
        item = judge(half, afresh=True)
        assert (item.verdict, item.way) == (Verdict.SAFE, Way.ATTEMPT)
        assert fates(item) == {"put": f"stands as id-{RUN}/put", "post": "is sent"}
        assert all(not write.changes for write in item.writes)

    def test_nothing_is_left_to_do(self, small):
        process = small(STEPS)
        process.run(ONE)
        item = judge(process)
        assert (item.verdict, item.reasons, item.notes) == (Verdict.APPLIED, (), ())

    def test_another_body_for_what_was_applied(self, half):
        half.change("next", flow(NEXT))
        item = judge(half, release=half.plan.release)
        assert item.verdict is Verdict.PERSON
        assert item.reasons == (f"put was applied with another body as id-{RUN}/put",)
        ((change,),) = [write.changes for write in item.writes]
        assert change == ("key", "1", "g")
        item = judge(half, release=half.plan.release, keep=True)
        assert item.verdict is Verdict.SAFE
        assert fates(item)["put"] == f"stands as id-{RUN}/put, and is kept"

    def test_another_body_for_what_was_refused(self, half):
        half.change("next", flow(STEPS.replace("{key: put.id}", "{key: put.id, more: item.group}")))
        item = judge(half, release=half.plan.release)
        assert (item.verdict, item.writes[1].changes) == (Verdict.SAFE, (("more", None, "g"),))

    def test_a_step_that_is_not_wanted_any_more(self, half):
        half.change("next", flow(STEPS.replace("put", "place")))
        item = judge(half, release=half.plan.release)
        assert item.reasons == (f"put was applied as id-{RUN}/put before, and is not wanted now",)

    def test_in_doubt(self, small):
        process = small("put: {write: erp.blind, with: {key: item.id}, faults: {unknown: person}}")
        process.system.writes["blind"].append("lost")
        process.run(ONE)
        item = judge(process)
        assert item.verdict is Verdict.PERSON
        assert any("may have been applied" in why for why in item.reasons)

    def test_a_read_that_was_refused_is_asked_afresh(self, small):
        process = small(STEPS)
        process.system.reads["project"].append(failure("permanent", "no rights"))
        process.run(ONE)
        item = judge(process)
        assert (item.verdict, item.writes) == (Verdict.SAFE, ())
        assert "got asks erp.project" in item.notes[0]
        item = judge(process, ask=True)
        assert fates(item) == {"put": "is sent"}
        process.system.reads["project"].append(failure("permanent", "still none"))
        item = judge(process, ask=True)
        assert item.reasons == ("it would fail again: still none",)

    def test_a_rule_that_is_not_mended_fails_again(self, small):
        process = small("put: {write: erp.line, with: {key: {expr: text(1 / item.amount)}}}")
        process.run(("item.made", {"id": "1", "amount": 0}))
        item = judge(process)
        assert (item.verdict, "fail again" in item.reasons[0]) == (Verdict.PERSON, True)

    def test_its_release_cannot_be_loaded(self, half):
        item = judge(half, release="0" * 64)
        assert item.verdict is Verdict.PERSON
        assert "cannot be loaded" in item.reasons[0]

    def test_later_ones_of_its_order_key_are_worked(self, small):
        process = small("put: {write: erp.line, with: {key: item.id}}", event="item.ordered")
        process.system.writes["line"].append(failure("permanent", "no"))
        process.run(*[("item.ordered", {"id": str(number), "group": "G"}) for number in (1, 2)])
        run = "f/item.ordered:1"
        assert judge(process, run).verdict is Verdict.SAFE
        process.act(lambda executor: executor.free_key("G", "ann", "it can wait"))
        item = judge(process, run)
        assert item.reasons == ("1 later event was worked already under its order key G",)
        assert judge(process, run, out_of_order=True).verdict is Verdict.SAFE

    def test_what_another_flow_made_of_the_same_event_is_not_later(self, tmp_path):
        process = Small(tmp_path, beside())
        process.system.writes["line"].append(failure("permanent", "no"))
        process.run(("item.ordered", {"id": "1", "group": "G"}))
        item = judge(process, "f/item.ordered:1")
        assert (item.verdict, item.reasons) == (Verdict.SAFE, ())

    def test_an_event_that_would_be_said_with_another_content(self, small):
        process = small("say: {emit: item.said, with: {id: item.id}}\n" + STEPS.replace("say:", "told:"))
        process.system.writes["journal"].append(failure("permanent", "no"))
        process.run(ONE)
        changed = "say: {emit: item.said, with: {id: item.id, group: item.group}}\n" + STEPS.replace(
            "say:", "told:"
        )
        process.change("next", flow(changed))
        item = judge(process, release=process.plan.release)
        assert item.reasons == ("say would say item.said:1 again, with another content",)

    def test_a_hold_is_foreseen(self, small):
        policy = (
            "policy: shut\ninputs: {item: canonical/item@1}\nwhen: item.amount > 0\n"
            "then: {hold: {release: {role: boss, reason: required}}}\nreason: too much\n"
        )
        process = small("put: {write: erp.line, with: {key: item.id}}")
        process.system.writes["line"].append(failure("permanent", "no"))
        process.run(ONE)
        process.change(
            "next", flow("ok: {check: [shut]}\nput: {write: erp.line, with: {key: item.id}}"), policy
        )
        item = judge(process, release=process.plan.release)
        assert (item.verdict, item.notes[0]) == (Verdict.SAFE, "shut would hold it: too much")
        assert again(process).status(SECOND) == "held"
        item = judge(process, release=process.plan.release)
        assert item.verdict is Verdict.PERSON
        assert any("is open" in why for why in item.reasons)

    def test_nothing_of_that_name(self, half):
        with pytest.raises(InputError, match="no run"):
            judge(half, "f/item.made:9")


def test_what_is_foreseen_is_what_comes_of_it(half):
    item = judge(half, afresh=True)
    seen = again(half)
    sent = {key.rpartition("/")[2] for key, row in seen.effects.items() if row.run_id == SECOND}
    assert {step for step, fate in fates(item).items() if fate == "is sent"} == sent


@pytest.mark.requirement("REL-34")
class TestReleases:
    def choose(self, process, release):
        reader = open_reader(process.url)
        try:
            return chosen(Choice(release=release), reader, [RUN], process.plan.release).release
        finally:
            reader.close()

    def test_nobody_is_given_old_rules_without_asking(self, half):
        old = half.plan.release
        assert self.choose(half, None) is None
        half.change("next", flow(NEXT))
        with pytest.raises(InputError, match="--release same"):
            self.choose(half, None)
        assert self.choose(half, "same") is None
        assert self.choose(half, "current") == half.plan.release
        assert self.choose(half, old[:8]) == old

    @pytest.mark.parametrize("name", ["", "zzzzzzzz", "12"])
    def test_no_such_release(self, half, name):
        with pytest.raises(InputError, match="no release is called"):
            self.choose(half, name)


def test_differences_are_told_by_path():
    before = {"a": 1, "b": {"c": [1, 2]}, "d": [1], "e": None}
    after = {"a": 1, "b": {"c": [1, 3]}, "d": [1, 2], "f": 0}
    assert list(differences(before, after)) == [
        ("b.c[1]", 2, 3),
        ("d", [1], [1, 2]),
        ("f", None, 0),
    ]


def test_a_dead_letter_that_was_sent_again_is_no_dead_letter(half):
    half.order(send_again(RUN, Person(by="ann", reason="x")))
    assert judge(half).verdict is Verdict.APPLIED
    assert ANN.by == "ann"
