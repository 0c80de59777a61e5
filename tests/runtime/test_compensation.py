"""What was written is taken back, last first: by itself where the flow says so, or by a person."""

from datetime import timedelta

import pytest

from engine.core import Answer, advance
from engine.ledger import open_reader, verify_chain
from engine.runtime.recover import Recovery
from tests.runtime.scripted import Small, failure

FLOW = """
flow: f
owner: finance
trigger: {event: item.made, as: item}
compensate: COMPENSATE
steps:
  first: {write: erp.line, with: {key: item.id}, undo: {call: erp.forget}}
  second: {write: erp.journal, with: {key: first.id}}
  third: {write: erp.line, with: {key: second.id}, stands: "It does no harm."}
  fourth: {write: rev.performance, with: {key: third.id, day: {value: 2026-03-01}}}
"""
RUN = "f/item.made:1"
ONE = ("item.made", {"id": "1"})


def flow(folder, how="on_failure"):
    return Small(folder, FLOW.replace("COMPENSATE", how))


def taken_back(process):
    return [key for kind, operation, key in process.system.calls if operation == "forget"]


@pytest.mark.requirement("REL-12")
def test_what_was_written_before_a_refusal_is_taken_back_last_first(tmp_path):
    process = flow(tmp_path)
    process.system.writes["performance"].append(failure("permanent", "no such contract"))
    seen = process.run(ONE)
    assert seen.status(RUN) == "compensated"
    assert taken_back(process) == [f"{RUN}/second/undo", f"{RUN}/first/undo"]
    assert process.system.applied[f"{RUN}/second/undo"] == [{"id": f"id-{RUN}/second"}]
    assert seen.runs[RUN].reason == "no such contract (second taken back; first taken back)"


def test_what_succeeded_is_left_alone(tmp_path):
    process = flow(tmp_path)
    assert process.run(ONE).status(RUN) == "completed"
    assert not taken_back(process)


def test_by_hand_a_failure_takes_nothing_back(tmp_path):
    process = flow(tmp_path, "by_hand")
    process.system.writes["performance"].append(failure("permanent", "no such contract"))
    assert process.run(ONE).status(RUN) == "failed"
    assert not taken_back(process)


def test_a_write_whose_fate_is_unknown_is_settled_before_anything_is_taken_back(tmp_path):
    process = flow(tmp_path)
    process.system.writes["performance"] += [failure("unknown", "no answer")] * 3
    assert process.run(ONE).status(RUN) == "unknown"
    assert not taken_back(process)


def test_an_undo_that_is_refused_is_said_and_the_others_go_on(tmp_path):
    process = flow(tmp_path)
    process.system.writes["performance"].append(failure("permanent", "no such contract"))
    process.system.writes["forget"].append(failure("permanent", "it is locked"))
    seen = process.run(ONE)
    assert seen.status(RUN) == "failed"
    assert "second could not be taken back: it is locked; first taken back" in seen.runs[RUN].reason
    assert seen.effects[f"{RUN}/second/undo"].status == "dead"


@pytest.mark.requirement("REL-12")
@pytest.mark.parametrize("at", range(1, 5))
def test_a_process_that_ends_while_taking_back_is_gone_on_with(tmp_path, at):
    process = flow(tmp_path)
    process.system.writes["performance"].append(failure("permanent", "no such contract"))
    script = process.system.writes["forget"]
    script += {1: ["stop"], 2: ["done and stop"], 3: ["done", "stop"], 4: ["done", "done and stop"]}[at]
    assert process.run(ONE) is None
    seen = process.run()
    assert seen.status(RUN) == "compensated"
    assert {key: len(found) for key, found in process.system.applied.items() if key.endswith("/undo")} == {
        f"{RUN}/second/undo": 1 if at != 2 else 2,  # natural key: sent again under its key, which is harmless
        f"{RUN}/first/undo": 1 if at != 4 else 2,
    }
    reader = open_reader(process.url)
    assert not verify_chain(reader)
    reader.close()


@pytest.mark.parametrize("how", ["on_failure", "by_hand"])
def test_a_person_has_a_completed_run_taken_back(tmp_path, how):
    process = flow(tmp_path, how)
    process.run(ONE)
    seen = process.act(lambda executor: executor.compensate(RUN, "ada", "billed to the wrong client"))
    assert seen.status(RUN) == "compensated"
    assert seen.runs[RUN].reason == "fourth taken back; second taken back; first taken back"
    assert any(row.actor == "ada" and row.subject == RUN for row in seen.audit)
    assert taken_back(process) == [f"{RUN}/{step}/undo" for step in ("fourth", "second", "first")]
    process.clock.advance(timedelta(days=1))
    assert process.run().status(RUN) == "compensated"


@pytest.mark.parametrize("script", [["performance", "permanent"], ["journal", "permanent"], []])
def test_a_run_that_was_taken_back_is_decided_again_alike(tmp_path, script):
    process = flow(tmp_path)
    if script:
        process.system.writes[script[0]].append(failure(script[1], "refused"))
    process.run(ONE)
    if not script:
        process.act(lambda executor: executor.compensate(RUN, "ada", "why not"))
    with process.process() as (runner, ledger):
        reader = ledger.reader()
        row = reader.run(RUN)
        again = Recovery(reader, lambda _: process.plan, runner._connections).run(row)
    assert again.state.status == row.status == "compensated"
    assert not again.commands
    state, commands = advance(again.state, {"nobody:asked": Answer()})
    assert (state.status, commands) == (again.state.status, [])
