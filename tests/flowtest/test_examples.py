"""Cases from a table, and tests of mappings and policies alone."""

import pytest

from engine import session as sessions
from engine.flowtest import cases, choose
from tests.flowtest.playing import play, told
from tests.workspaces.systems import hours


@pytest.fixture
def folder(tmp_path):
    return hours(tmp_path)


FLOW = """test: what is billed
flow: approved-time-to-billing
now: 2026-05-29T09:00:05Z
given:
  event: {data: {$file: fixtures/entry.json, hours: $(hours)}}
  erp.project: {id: P-7, status: $(status), rate: 100}
  erp.time_bill: $(bill)
expect: {run: $(run), problem: $(problem)}
examples:
  a day: {hours: 8, status: open, bill: {id: B}, run: completed, problem: ""}
  a long day: {hours: 13, status: open, bill: {id: B}, run: held, problem: 13 hours on one day}
  closed: {hours: 8, status: closed, bill: {id: B}, run: rejected, problem: is closed}
  refused: {hours: 8, status: open, bill: {$fail: permanent, reason: the period is closed}, run: failed, problem: period}
"""


class TestExamples:
    def test_each_row_is_a_case_with_its_own_name(self, folder):
        results = play(folder, FLOW)
        assert told(results) == [[]] * 4
        assert results[1].name == "what is billed [a long day]"

    def test_a_failure_is_where_the_row_says_it(self, folder):
        results = play(folder, FLOW.replace("run: rejected", "run: held"))
        (failure,) = results[2].failures
        assert (failure.message, failure.expected, failure.span.line) == ("run", "held", 12)
        assert [result.passed for result in results] == [True, True, False, True]

    def test_a_column_inside_of_a_text(self, folder):
        text = FLOW.replace("problem: $(problem)}", 'problem: "$(problem)"}').replace(
            "$(problem)", "$(hours) hours on $(problem)"
        )
        rows = text.split("examples:")[0] + (
            "examples:\n  long: {hours: 13, status: open, bill: null, run: held, problem: one day}\n"
        )
        assert told(play(folder, rows)) == [[]]

    def test_the_instant_of_a_case(self, folder):
        text = FLOW.split("given:", maxsplit=1)[0].replace("now: 2026-05-29T09:00:05Z\n", "") + (
            "given: {event: {data: {id: x, hours: $(hours)}}}\n"
            "expect: {run: rejected}\n"
            "examples:\n  one: {now: 2026-05-29T09:00:05Z, hours: 1}\n"
        )
        assert told(play(folder, text)) == [[]]
        (result,) = play(folder, text.replace("now: 2026-05-29T09:00:05Z", "now: 2026-05-29"))
        assert result.failures[0].message == "`now` is an instant, such as 2026-05-29T18:00:00Z"


MAPPING = """test: a bill
mapping: entry-to-bill
given:
  entry: {$file: fixtures/entry.json}
  project: {id: P-7, status: open, rate: $(rate)}
  eligible: {}
  xref: {worker: {w-3: {erp: "31"}}}
expect:
  output: {amount: $(amount), worker: "31", cycle: 2026-W22}
examples:
  round: {rate: 100, amount: 750}
  odd: {rate: 0.333, amount: 2.50}
"""

POLICY = """test: the cutoff of a cycle
policy: billing-cutoff
given:
  entry: {$file: fixtures/entry.json, approved_at: $(at)}
expect: {outcome: $(outcome), cycle: $(cycle)}
examples:
  before it: {at: 2026-05-29T15:59:59Z, outcome: none, cycle: null}
  on the second: {at: 2026-05-29T16:00:00Z, outcome: none, cycle: null}
  after it: {at: 2026-05-29T16:00:01Z, outcome: roll, cycle: {name: 2026-W23}}
"""


class TestMappingsAlone:
    def test_inputs_in_output_out(self, folder):
        assert told(play(folder, MAPPING)) == [[], []]
        assert told(play(folder, MAPPING.replace("750", "751")))[0] == ["output.amount: 751 / 750.00"]

    def test_one_that_fails_says_why(self, folder):
        text = MAPPING.replace("w-3: {erp:", "w-3: {crm:").replace('{crm: "31"}', "null")
        assert "no id is known" in told(play(folder, text))[0][0]
        expecting = text.replace(
            'output: {amount: $(amount), worker: "31", cycle: 2026-W22}', "problem: $(amount)"
        )
        expecting = expecting.replace("amount: 750", "amount: no id is known").replace(
            "amount: 2.50", "amount: worker"
        )
        assert told(play(folder, expecting)) == [[], []]

    @pytest.mark.parametrize(
        "wrong, why",
        [
            ("{id: P-7, status: open}", "rate"),
            ("{id: P-7, status: open, rate: many}", "rate: expected a number"),
            ("{id: P-7, statuz: open, rate: 1}", "did you mean `status`?"),
        ],
    )
    def test_an_input_that_is_not_of_its_type(self, folder, wrong, why):
        text = MAPPING.split("examples:", maxsplit=1)[0].replace(
            "{id: P-7, status: open, rate: $(rate)}", wrong
        )
        (result,) = play(folder, text.replace("$(amount)", "1"))
        assert result.failures[0].message.startswith("this is no input project: ")
        assert why in result.failures[0].message


class TestPoliciesAlone:
    @pytest.mark.requirement("POL-02")
    def test_the_last_second_of_a_cycle(self, folder):
        assert told(play(folder, POLICY)) == [[], [], []]

    @pytest.mark.parametrize(
        "policy, given, expect",
        [
            (
                "project-open",
                "project: {id: P-7, status: closed, rate: 1}",
                "outcome: reject, reason: Project P-7 is closed.",
            ),
            (
                "project-open",
                "project: {id: P-7, status: closed, rate: 1}",
                "rejected: [project-open], reason: {$contains: closed}",
            ),
            ("project-open", "project: {id: P-7, status: open, rate: 1}", "outcome: none, reason: $absent"),
            ("long-day", "entry: {$file: fixtures/entry.json, hours: 13}", "outcome: approve, alerts: []"),
            (
                "amendment-on-file",
                "entry: {$file: fixtures/entry.json}, project: {id: P-7, status: open, rate: 1, needs_amendment: true}",
                "outcome: hold, alerts: [{to: finance-operations, severity: warning}]",
            ),
        ],
    )
    def test_outcome_and_reason(self, folder, policy, given, expect):
        text = f"test: one\npolicy: {policy}\ngiven: {{{given}}}\nexpect: {{{expect}}}\n"
        assert told(play(folder, text)) == [[]]

    def test_a_wrong_outcome_says_why(self, folder):
        text = "test: one\npolicy: long-day\ngiven: {entry: {$file: fixtures/entry.json, hours: 13}}\nexpect: {outcome: hold}\n"
        assert told(play(folder, text)) == [["outcome: hold / approve (13 hours on one day.)"]]


def test_one_example_is_chosen_by_its_name(folder):
    (folder / "flows" / "billing.test.yaml").write_text(POLICY)
    workspace = sessions.load(folder).workspace
    names = [one.case for one in cases(choose(workspace, (), "ON THE"), "ON THE")]
    assert names == ["on the second"]
    assert len(cases(choose(workspace, (), "cutoff"), "cutoff")) == 3
