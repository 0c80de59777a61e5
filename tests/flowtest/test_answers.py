"""What systems answer: by what they are asked, one after the other, and only what they could."""

import pytest

from tests.flowtest.playing import ENTRY, HEAD, play, told
from tests.workspaces.systems import hours

OPEN = "{id: P-7, status: open, rate: 100}"
DONE = "expect: {run: completed, writes: {erp.time_bill: {}}}\n"


@pytest.fixture
def answered(tmp_path):
    folder = hours(tmp_path)

    def answered(written, more=DONE):
        return play(folder, HEAD + ENTRY.replace(OPEN, written) + more)

    return answered


def test_an_answer_is_for_calls_that_ask_for_it(answered):
    fitting = (
        f"[{{$for: {{id: P-9}}, id: P-9, status: closed, rate: 1}}, {{$for: {{id: P-7}}, {OPEN[1:-1]}}}]"
    )
    assert told(answered(fitting)) == [[]]
    other = f"[{{$for: {{id: P-9}}, {OPEN[1:-1]}}}, {OPEN}]"
    assert told(answered(other)) == [[]]


def test_a_call_that_no_answer_fits_says_what_it_asks(answered):
    (result,) = answered(f"{{$for: {{id: P-9}}, {OPEN[1:-1]}}}")
    (failure,) = result.failures
    assert failure.message == "erp.project is called with {id: P-7}, and no `$for` fits"
    assert failure.help == ("add to it: - {$for: {id: P-7}, ...}",)


def test_an_answer_that_is_no_record(answered):
    found = told(
        answered("{$for: {id: P-7}, $answer: null}", "expect: {run: failed, problem: found nothing}\n")
    )
    assert found == [[]]
    (result,) = answered("{$for: {id: P-7}, $answer: null, id: P-7}")
    assert "beside `$answer` stands nothing but `$for`" in result.failures[0].message


def test_answers_for_the_same_call_come_one_after_the_other(answered):
    more = "  then: [{event: amendment.signed, data: {id: a, project: P-7, signed_on: 2026-05-30}}]\n"
    needs = "$for: {id: P-7}, id: P-7, status: open, needs_amendment: true"
    both = f"[{{{needs}, rate: 1, amended_on: null}}, {{{needs}, rate: 2, amended_on: 2026-05-30}}]"
    assert told(
        answered(both, more + "expect: {run: completed, writes: {erp.time_bill: {amount: 15}}}\n")
    ) == [[]]
    one = f"[{{{needs}, rate: 1, amended_on: null}}]"
    assert told(answered(one, more + "expect: {run: held}\n")) == [[]]


def test_what_to_paste_for_a_call_that_is_not_answered(answered):
    (write,) = answered(OPEN, "expect: {run: completed}\n")
    told_ = write.failures[0].help
    assert told_[0].startswith(
        "add to `expect.writes`: erp.time_bill: {entry: te-1, project: P-7, hours: 7.5"
    )
    assert told_[1] == 'or only to `given`: erp.time_bill: {id: "...", number: "..."}'


def test_a_fixture_lacking_a_column_is_an_error(answered):
    (result,) = answered("{id: P-7, status: open}")
    assert result.failures[0].message == "erp.project cannot answer this: rate: is required and missing"


def test_a_fixture_with_a_misspelt_column_is_an_error(answered):
    (result,) = answered("{id: P-7, status: open, rate: 1, need_amendment: true}")
    assert "erp/project@1 has no such field; did you mean `needs_amendment`?" in result.failures[0].message


def test_a_receipt_with_a_misspelt_part_is_an_error(answered):
    (result,) = answered(OPEN, "  erp.time_bill: {id: B, numbr: x}\nexpect: {run: completed}\n")
    assert "did you mean `number`?" in result.failures[0].message


def test_a_cross_reference_that_is_not_known(answered):
    more = "  xref: {worker: {w-3: null}}\nexpect: {run: failed, problem: no id is known in erp for worker w-3}\n"
    assert told(answered(OPEN, more)) == [[]]


def test_a_payload_that_the_system_would_refuse_is_refused(tmp_path):
    folder = hours(tmp_path)
    schema = folder / "connectors" / "erp" / "schemas" / "bill.json"
    schema.write_text(schema.read_text().replace('"hours": {', '"hours": {"maximum": 5, ', 1))
    found = play(
        folder,
        HEAD
        + ENTRY
        + "expect: {run: failed, problem: 'erp.time_bill: hours', writes: {erp.time_bill: {}}}\n",
    )
    assert told(found) == [[]]


def test_what_is_pasted_for_a_read_is_an_answer(tmp_path):
    folder, asked = hours(tmp_path), "given: {event: {data: {$file: fixtures/entry.json}}}\n"
    (result,) = play(folder, HEAD + asked + DONE)
    asking, paste = result.failures[0].help
    assert asking == "it is asked with {id: P-7}"
    answer = paste.removeprefix("add to `given`: ")
    assert told(play(folder, HEAD + asked.replace("}}}\n", f"}}}}, {answer}}}\n") + DONE)) == [[]]


ENTITY = """
---
flow: rate-of-worker
owner: finance
trigger: {event: time.approved, as: entry}
steps:
  worker: {read: entity.worker, with: {id: entry.worker}}
"""


@pytest.mark.parametrize(
    "given, wrong",
    [
        ("{id: w-3, name: Ada}", None),
        ("[{$for: {id: w-9}, id: w-9, name: Bob}, {$for: {id: w-3}, id: w-3, name: Ada}]", None),
        ("{id: w-9, name: Ada}", "entity.worker is asked for w-3, and the test gives w-9"),
        ("{id: w-3}", "entity.worker cannot answer this: name: is required and missing"),
        (
            "{id: w-3, nam: Ada}",
            "entity.worker cannot answer this: nam: canonical/worker@1 has no such field",
        ),
    ],
)
def test_the_ledger_gives_what_it_could_have(tmp_path, given, wrong):
    folder = hours(tmp_path)
    flows = folder / "flows" / "billing.yaml"
    flows.write_text(flows.read_text() + ENTITY)
    head = HEAD.replace("approved-time-to-billing", "rate-of-worker")
    text = f"given: {{event: {{data: {{$file: fixtures/entry.json}}}}, entity.worker: {given}}}\n"
    (result,) = play(folder, head + text + "expect: {run: completed}\n")
    assert [failure.message.partition("; did")[0] for failure in result.failures] == (
        [wrong] if wrong else []
    )
