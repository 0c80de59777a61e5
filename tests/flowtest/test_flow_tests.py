"""`test` documents: what passes, what fails, and where a failure is said to be."""

import json
from xml.etree import ElementTree as ET

import pytest

from engine import session as sessions
from engine.flowtest import (
    NothingChosenError,
    cases,
    choose,
    render_json,
    render_junit,
    render_text,
    run_tests,
)
from tests.flowtest.playing import subject_of
from tests.workspaces.systems import HOURS, hours

pytestmark = pytest.mark.requirement("GOV-07")

HEAD = """test: {name}
flow: {flow}
now: 2026-05-29T09:00:05Z
"""
GIVEN = """given:
  event: {data: {$file: fixtures/entry.json}}
  erp.project: {id: P-7, status: open, rate: 100}
"""


@pytest.fixture
def run(tmp_path):
    """Runs the one test that a text describes, in place of those of the workspace."""
    folder = hours(tmp_path)

    def run(text, *, flow="approved-time-to-billing", name="one", files=()):
        for path, content in files:
            (folder / path).write_text(content)
        (folder / "flows" / "billing.test.yaml").write_text(HEAD.format(name=name, flow=flow) + text)
        (result,) = results_of(sessions.load(folder))
        return result

    return run


def results_of(session):
    chosen = cases(choose(session.workspace, (), None))
    return list(run_tests(session.workspace, subject_of(session), chosen, lambda: 0.0))


def said(result):
    return [
        (failure.message, failure.span.line, failure.expected, failure.found) for failure in result.failures
    ]


def only(result):
    (failure,) = result.failures
    return failure


def test_the_tests_of_the_workspace_pass():
    results = results_of(sessions.load(HOURS))
    assert len(results) == 4
    assert [result.failures for result in results] == [()] * 4


class TestExpectations:
    @pytest.mark.requirement("POL-02")
    def test_a_difference_is_shown_field_by_field_with_its_line(self, run):
        result = run(
            GIVEN
            + "expect:\n  run: completed\n  writes:\n    erp.time_bill:\n"
            + "      hours: 8\n      cycle: 2026-W22\n      amount: 1\n"
        )
        assert said(result) == [
            ("writes.erp.time_bill.hours", 11, "8", "7.5"),
            ("writes.erp.time_bill.amount", 13, "1", "750.00"),
        ]
        assert result.failures[0].place == "flows/billing.test.yaml:11"

    @pytest.mark.parametrize("written", ["7.5", "7.50", '"7.50"', '"7.5"'])
    def test_numbers_are_equal_as_numbers(self, run, written):
        assert run(GIVEN + f"expect: {{writes: {{erp.time_bill: {{hours: {written}}}}}}}").passed

    def test_dates_and_instants_are_equal_to_their_text(self, run):
        text = (
            GIVEN
            + "expect: {writes: {erp.time_bill: {day: 2026-05-28}}, emits: {time.billed: {day: 2026-05-28}}}"
        )
        assert run(text).passed

    def test_null_is_not_nothing(self, run):
        assert (
            run(GIVEN + "expect: {writes: {erp.time_bill: {day: null}}}").failures[0].found == '"2026-05-28"'
        )
        assert run(GIVEN + "expect: {writes: {erp.time_bill: {other: null}}}").failures[0].found == "nothing"

    def test_how_the_run_ended_is_told_with_its_reason(self, run):
        failure = only(run(GIVEN.replace("open", "closed") + "expect: {run: completed}"))
        assert (failure.message, failure.found) == ("run", "rejected (Project P-7 is closed.)")

    def test_a_step_is_compared_in_part_or_by_where_it_stands(self, run):
        closed = GIVEN.replace("open", "closed")
        assert run(
            closed
            + "expect: {eligible: {rejected: [project-open]}, bill: skipped, no_writes: [erp.time_bill]}"
        ).passed
        assert only(run(closed + "expect: {bill: done}")).found == "skipped (eligible was rejected)"
        assert "it is skipped" in only(run(closed + "expect: {bill: {id: x}}")).found

    def test_holds_are_those_that_are_open_at_the_end(self, run):
        held = GIVEN.replace("rate: 100", "rate: 100, needs_amendment: true, amended_on: null")
        assert run(held + "expect: {run: held, holds: [amendment-on-file]}").passed
        assert only(run(held + "expect: {holds: []}")).found == "[amendment-on-file]"
        assert (
            only(run(GIVEN + "expect: {holds: [amendment-on-file], writes: {erp.time_bill: {}}}")).found
            == "[]"
        )

    @pytest.mark.requirement("POL-01")
    def test_alerts_are_compared_in_part(self, run):
        held = GIVEN.replace("rate: 100", "rate: 100, needs_amendment: true, amended_on: null")
        assert run(held + "expect: {alerts: [{to: finance-operations, severity: warning}]}").passed
        assert said(run(held + "expect: {alerts: [{severity: critical}]}")) == [
            ("alerts.severity", 7, "critical", "warning")
        ]
        assert (
            only(run(GIVEN + "expect: {alerts: [{to: a}], writes: {erp.time_bill: {}}}")).found
            == "no such alert"
        )

    def test_a_write_that_must_not_be_is_shown(self, run):
        failure = only(run(GIVEN + "expect: {no_writes: [erp.time_bill]}"))
        assert failure.expected == "written never"
        assert "entry: te-1" in failure.found

    def test_so_many_writes_as_expected(self, run):
        assert run(GIVEN + "expect: {writes: {erp.time_bill: [{hours: 7.5}]}}").passed
        assert "written once" in only(run(GIVEN + "expect: {writes: {erp.time_bill: [{}, {}]}}")).found
        assert only(run(GIVEN + "expect: {writes: {erp.time_bill: []}}")).expected == "written never"

    def test_the_reason_of_a_failure(self, run):
        failing = GIVEN + "  erp.time_bill: {$fail: permanent, reason: the period is closed}\n"
        assert run(failing + "expect: {run: failed, problem: period is closed}").passed
        assert (
            only(run(failing + "expect: {run: failed, problem: no such customer}")).found
            == "the period is closed"
        )


class TestAnswers:
    def test_a_read_without_an_answer_fails_the_test(self, run):
        failure = only(run("given:\n  event: {data: {$file: fixtures/entry.json}}\nexpect: {run: completed}"))
        assert failure.message == "erp.project is read, and `given` has no answer of it"
        assert failure.span.line == 5

    def test_a_write_of_which_the_test_says_nothing_fails_it(self, run):
        failure = only(run(GIVEN + "expect: {run: completed}"))
        assert failure.message == "erp.time_bill is written, and the test neither expects nor answers it"

    def test_a_receipt_is_made_up_and_looks_so(self, run):
        assert run(
            GIVEN
            + "expect: {writes: {erp.time_bill: {}}, emits: {time.billed: {bill: <id of erp.time_bill 1>}}}"
        ).passed

    def test_a_receipt_that_is_given(self, run):
        text = (
            GIVEN + "  erp.time_bill: {id: B-7}\nexpect: {bill: {id: B-7}, emits: {time.billed: {bill: B-7}}}"
        )
        assert run(text).passed

    def test_an_answer_that_the_system_could_not_give_fails_the_test(self, run):
        failure = only(run(GIVEN.replace(", rate: 100", "") + "expect: {run: completed}"))
        assert failure.message.startswith("erp.project cannot answer this: ")
        assert "rate" in failure.message
        assert failure.span.line == 6

    def test_a_list_gives_one_answer_after_the_other(self, run):
        rows = "{id: P-7, status: open, rate: 100, needs_amendment: true, amended_on: null}"
        text = GIVEN.replace("{id: P-7, status: open, rate: 100}", f"[{rows}]")
        signed = "  then: [{event: amendment.signed, data: {id: a, project: P-7, signed_on: 2026-05-30}}]\n"
        failure = only(run(text + signed + "expect: {run: completed}"))
        assert failure.message == "erp.project is answered once, and is called once more"

    def test_a_failure_of_a_write(self, run):
        unknown = GIVEN + "  erp.time_bill: {$fail: unknown, reason: no answer came}\n"
        assert run(unknown + "expect: {run: unknown, problem: no answer came, bill: unknown}").passed
        again = GIVEN + "  erp.time_bill: [{$fail: transient}, {id: B-2}]\n"
        assert run(again + "expect: {run: completed, bill: {id: B-2}}").passed
        for_good = GIVEN + "  erp.time_bill: {$fail: transient, reason: gone}\n"
        assert run(for_good + "expect: {run: failed, problem: gone}").passed

    def test_a_failure_of_a_read(self, run):
        text = GIVEN.replace(
            "{id: P-7, status: open, rate: 100}", "{$fail: permanent, reason: no such project}"
        )
        assert run(text + "expect: {run: failed, problem: no such project, eligible: skipped}").passed
        unknown = GIVEN.replace("{id: P-7, status: open, rate: 100}", "{$fail: unknown}")
        assert "never unknown" in only(run(unknown + "expect: {}")).message

    def test_a_read_that_finds_nothing(self, run):
        text = GIVEN.replace("{id: P-7, status: open, rate: 100}", "null")
        assert run(text + "expect: {run: failed, problem: found nothing}").passed

    @pytest.mark.parametrize("written", ["{$fail: sometimes}", "{$fail: permanent, why: x}"])
    def test_a_failure_that_is_none(self, run, written):
        result = run(GIVEN.replace("{id: P-7, status: open, rate: 100}", written) + "expect: {}")
        assert only(result).span.line == 6

    def test_cross_references_are_given_or_visibly_made_up(self, run):
        given = GIVEN + '  xref: {worker: {w-3: "31"}}\n'
        assert run(given + 'expect: {writes: {erp.time_bill: {worker: "31"}}}').passed
        by_system = GIVEN + '  xref: {worker: {w-3: {erp: "31"}}}\n'
        assert run(by_system + 'expect: {writes: {erp.time_bill: {worker: "31"}}}').passed
        assert run(GIVEN + 'expect: {writes: {erp.time_bill: {worker: "?worker:w-3@erp"}}}').passed


class TestWhatFollows:
    HELD = GIVEN.replace("rate: 100", "rate: 100, needs_amendment: true, amended_on: null")

    def test_an_event_that_is_meant_for_another_changes_nothing(self, run):
        then = "  then: [{event: amendment.signed, data: {id: a, project: P-8, signed_on: 2026-05-30}}]\n"
        assert run(self.HELD + then + "expect: {run: held, holds: [amendment-on-file]}").passed

    @pytest.mark.requirement("POL-14")
    def test_a_person_releases_a_hold(self, run):
        released = self.HELD + "  release: [amendment-on-file]\n"
        text = (
            released
            + "expect: {run: completed, writes: {erp.time_bill: {}}, "
            + "eligible: {released: [amendment-on-file]}}"
        )
        assert run(text).passed

    def test_only_what_is_held_is_released(self, run):
        failure = only(run(GIVEN + "  release: [amendment-on-file]\nexpect: {writes: {erp.time_bill: {}}}"))
        assert failure.message == "no hold of amendment-on-file is open that could be released"

    def test_an_event_that_does_not_fit_is_no_event(self, run):
        then = "  then: [{event: amendment.signed, data: {id: a}}]\n"
        assert only(run(self.HELD + then + "expect: {}")).message.startswith("this is no amendment.signed: ")


class TestWhatStarts:
    def test_an_event_that_does_not_fit_is_rejected_as_it_is_when_it_comes(self, run):
        text = "given: {event: {data: {id: te-1}}}\n"
        assert run(text + "expect: {run: rejected, problem: project, no_writes: [erp.time_bill]}").passed

    def test_an_event_that_starts_nothing(self, run, tmp_path):
        flow = tmp_path / "hours" / "flows" / "billing.yaml"
        flow.write_text(flow.read_text().replace("as: entry}", "as: entry, where: entry.hours > 20}"))
        assert run(GIVEN + "expect: {run: none}").passed
        assert only(run(GIVEN + "expect: {run: completed}")).found == "none"


class TestFixtures:
    def test_fields_are_replaced_records_inside_are_merged(self, run):
        files = [("flows/fixtures/p.json", '{"id": "P-7", "status": "closed", "rate": 1}')]
        given = GIVEN.replace(
            "{id: P-7, status: open, rate: 100}", "{$file: fixtures/p.json, status: open, rate: 2}"
        )
        assert run(given + "expect: {writes: {erp.time_bill: {amount: 15}}}", files=files).passed

    @pytest.mark.parametrize(
        "name, why",
        [
            ("$(name).json", "no such file"),
            ("$(name)", "outside of the workspace"),
            ("bad.json", "not JSON"),
        ],
    )
    def test_a_fixture_that_cannot_be_read(self, run, name, why):
        given = GIVEN.replace("fixtures/entry.json", name)
        column = "missing" if name.endswith(".json") else "../../../etc/passwd"
        examples = f"examples: {{one: {{name: {column}}}}}" if "$" in name else ""
        failure = only(run(f"{given}expect: {{}}\n{examples}", files=[("flows/bad.json", "{")]))
        assert why in failure.message
        assert failure.span.line == 5

    def test_only_fields_of_a_record_are_replaced(self, run):
        given = GIVEN.replace("fixtures/entry.json", "list.json, id: x")
        assert (
            "only fields of a record"
            in only(run(given + "expect: {}", files=[("flows/list.json", "[]")])).message
        )


class TestChoosing:
    @pytest.fixture
    def workspace(self):
        return sessions.load(HOURS).workspace

    @pytest.mark.parametrize(
        "word, number",
        [
            ("approved-time-to-billing", 4),
            ("nothing is billed to a closed project", 1),
            ("flows", 4),
            ("flows/billing.test.yaml", 4),
            (str(HOURS), 4),
        ],
    )
    def test_by_flow_name_file_or_folder(self, workspace, word, number):
        assert len(choose(workspace, [word], None)) == number

    def test_by_a_part_of_the_name(self, workspace):
        assert [str(test.test) for test in choose(workspace, (), "CLOSED")] == [
            "nothing is billed to a closed project"
        ]

    def test_each_once(self, workspace):
        assert len(choose(workspace, ["flows", "approved-time-to-billing"], None)) == 4

    def test_what_fits_nothing_is_wrong_use(self, workspace):
        with pytest.raises(NothingChosenError, match="did you mean `approved-time-to-billing`"):
            choose(workspace, ["aproved-time-to-billing"], None)


class TestReports:
    def test_json(self, run):
        found = json.loads(render_json([run(GIVEN + "expect: {run: held, writes: {erp.time_bill: {}}}")]))
        assert (found["ok"], found["passed"], found["failed"]) == (False, 0, 1)
        (failure,) = found["tests"][0]["failures"]
        assert failure == {
            "message": "run",
            "file": "flows/billing.test.yaml",
            "line": 7,
            "column": 15,
            "expected": "held",
            "found": "completed",
            "help": [],
        }

    def test_junit_is_xml_whatever_a_name_says(self, run):
        result = run(GIVEN + "expect: {run: held}", name='"a <b> & \\e]]> c"')
        root = ET.fromstring(render_junit([result]))  # noqa: S314 - our own
        (case,) = root.iter("testcase")
        assert case.get("name") == "a <b> & \N{REPLACEMENT CHARACTER}]]> c"
        assert root.find("testsuite").get("failures") == "1"
        assert case.find("failure") is not None

    def test_text_has_the_failures_in_full_and_a_sum(self, run):
        text = render_text(
            [run(GIVEN + "expect: {run: held, writes: {erp.time_bill: {}}}")], lambda _, text: text
        )
        assert text.splitlines() == [
            "FAIL  approved-time-to-billing: one",
            "",
            "FAIL  approved-time-to-billing: one",
            "  run  flows/billing.test.yaml:7",
            "    expected held",
            "    found    completed",
            "",
            "1 test: 0 passed, 1 failed.",
        ]


class TestNames:
    @pytest.mark.parametrize(
        "text, wrong",
        [
            (GIVEN + "  erp.projet: {}\nexpect: {}", "erp.projet"),
            (GIVEN + "expect: {holds: [amendment-on-fil]}", "amendment-on-fil"),
            (GIVEN + "  release: [nobody]\nexpect: {}", "nobody"),
            (GIVEN + "  then: [{event: amendment.sined, data: {}}]\nexpect: {}", "amendment.sined"),
            (GIVEN + "expect: {emits: {time.biled: {}}}", "time.biled"),
            (GIVEN + "expect: {bil: skipped}", "bil"),
            (GIVEN + "expect: {exact: true}", "exact"),
        ],
    )
    def test_a_name_that_nothing_has_is_a_problem_of_the_workspace(self, tmp_path, text, wrong):
        folder = hours(tmp_path)
        (folder / "flows" / "billing.test.yaml").write_text(
            HEAD.format(name="one", flow="approved-time-to-billing") + text
        )
        report = sessions.load(folder).report()
        assert [f"`{wrong}`" in problem.message for problem in report.problems] == [True]
