"""`tidegate test`: its options, what it prints for people and programs, and what it writes."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "test-report.schema.json"
WRONG = """test: a wrong one
flow: approved-time-to-billing
now: 2026-05-29T09:00:05Z
given:
  event: {data: {$file: fixtures/entry.json}}
  erp.project: {id: P-7, status: open, rate: 100}
expect: {run: held, writes: {erp.time_bill: {hours: 7.5}}}
"""


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def wrong(folder):
    """A workspace with one test that fails."""
    (folder / "flows" / "wrong.test.yaml").write_text(WRONG)
    return folder


class TestUpdate:
    def test_what_happened_is_written_and_shown(self, tidegate, wrong):
        ended = tidegate("test", "-w", wrong, "--update")
        assert ended.code == 0
        assert "-expect: {run: held, writes:" in ended.out
        assert "+expect: {run: completed, writes:" in ended.out
        assert ended.out.endswith("5 tests: all passed.\n")
        assert (wrong / "flows" / "wrong.test.yaml").read_text() == WRONG.replace("held", "completed")

    @pytest.mark.parametrize("ci", ["true", "1", "yes"])
    def test_not_on_a_ci_server(self, tidegate, wrong, monkeypatch, ci):
        monkeypatch.setenv("CI", ci)
        ended = tidegate("test", "-w", wrong, "--update")
        assert ended.code == 2
        assert "would make every test pass" in ended.err
        assert (wrong / "flows" / "wrong.test.yaml").read_text() == WRONG
        assert tidegate("test", "-w", wrong, "--update", "--force").code == 0

    def test_not_at_another_moment(self, tidegate, wrong):
        assert tidegate("test", "-w", wrong, "--update", "--at", "2026-01-01T00:00:00Z").code == 2

    def test_what_it_cannot_write_is_told(self, tidegate, wrong):
        path = wrong / "flows" / "wrong.test.yaml"
        path.write_text(WRONG.replace("run: held", "run: completed, no_writes: erp.time_bill"))
        ended = tidegate("test", "-w", wrong, "--update")
        assert ended.code == 1
        assert "not updated: flows/wrong.test.yaml:7" in ended.out


class TestAt:
    def test_every_test_at_that_instant(self, tidegate, wrong):
        ended = tidegate("test", "-w", wrong, "--at", "2026-06-01T09:00:00+02:00", "-k", "closed")
        assert ended.out.startswith("Every test is run at 2026-06-01T07:00:00Z, whatever its own `now`.")
        assert ended.code == 0

    @pytest.mark.parametrize("no_instant", ["2026-06-01", "tomorrow", "2026-06-01T09:00:00"])
    def test_what_is_no_instant(self, tidegate, wrong, no_instant):
        ended = tidegate("test", "-w", wrong, "--at", no_instant)
        assert ended.code == 2
        assert "is no instant" in ended.err


class TestNothing:
    def test_a_name_that_no_test_has_is_no_success(self, tidegate, wrong):
        ended = tidegate("test", "-w", wrong, "-k", "zzz")
        assert (ended.code, ended.out) == (5, "no tests.\n")
        assert "no test was run: the name, subject or example of none contains 'zzz'" in ended.err


class TestFailed:
    def test_only_those_that_failed_the_last_time(self, tidegate, wrong):
        assert tidegate("test", "-w", wrong).code == 1
        assert tidegate("test", "-w", wrong, "--failed").out.endswith("1 test: 0 passed, 1 failed.\n")
        (wrong / "flows" / "wrong.test.yaml").write_text(WRONG.replace("held", "completed"))
        assert tidegate("test", "-w", wrong, "--failed").out.endswith("1 test: all passed.\n")
        assert tidegate("test", "-w", wrong, "--failed").out == "no tests.\n"

    def test_one_that_was_not_run_still_failed(self, tidegate, wrong):
        tidegate("test", "-w", wrong)
        tidegate("test", "-w", wrong, "-k", "closed")
        assert tidegate("test", "-w", wrong, "--failed").code == 1


class TestReports:
    @pytest.mark.parametrize("more", [(), ("--coverage",)])
    def test_json_fulfils_its_schema(self, tidegate, wrong, more):
        ended = tidegate("test", "-w", wrong, "--format", "json", *more)
        jsonschema.validate(ended.json, json.loads(SCHEMA.read_text()))
        assert ended.json["failed"] == 1
        assert ("coverage" in ended.json) is bool(more)

    def test_junit_has_the_structure_that_servers_read(self, tidegate, wrong):
        ended = tidegate("test", "-w", wrong, "--format", "junit")
        assert ended.code == 1
        root = ET.fromstring(ended.out)  # noqa: S314 - our own
        assert root.tag == "testsuites"
        assert root.keys() == ["name", "tests", "failures", "errors", "time"]
        for suite in root:
            assert suite.tag == "testsuite"
            assert set(suite.keys()) == {"name", "tests", "failures", "errors", "skipped", "time"}
            assert int(suite.get("tests")) == len(suite)
            assert {case.tag for case in suite} == {"testcase"}
            assert all({"name", "classname", "time"} <= set(case.keys()) for case in suite)
            assert all(child.tag == "failure" for case in suite for child in case)
        (failure,) = root.iter("failure")
        assert failure.get("message") == "flows/wrong.test.yaml:7: run"
        assert failure.get("type") == "expectation"
        assert "expected held" in failure.text

    def test_no_colours_in_a_pipe(self, tidegate, wrong):
        assert "\x1b" not in tidegate("test", "-w", wrong).out

    @pytest.mark.parametrize("jobs", ["1", "2", "auto"])
    def test_several_processes_print_the_same(self, tidegate, wrong, jobs):
        assert tidegate("test", "-w", wrong, "-j", jobs).out == tidegate("test", "-w", wrong).out

    def test_what_is_no_number_of_processes(self, tidegate, wrong):
        ended = tidegate("test", "-w", wrong, "-j", "many")
        assert ended.code == 2
        assert "'many' is no number of processes" in ended.err


class TestCoverage:
    def test_text_comes_after_the_results(self, tidegate, folder):
        ended = tidegate("test", "-w", folder, "--coverage")
        assert ended.code == 0
        assert "4 tests: all passed.\n\n" in ended.out
        assert "covered " in ended.out.splitlines()[-1]

    def test_a_threshold(self, tidegate, folder):
        assert tidegate("test", "-w", folder, "--fail-under", "10").code == 0
        ended = tidegate("test", "-w", folder, "--fail-under", "99.9")
        assert ended.code == 1
        assert "99.9% is asked for" in ended.err

    @pytest.mark.parametrize("form, begin", [("json", "{"), ("lcov", "SF:"), ("cobertura", "<?xml")])
    def test_files(self, tidegate, folder, tmp_path, form, begin):
        path = tmp_path / "report"
        ended = tidegate("test", "-w", folder, "--coverage-format", form, "--coverage-file", path)
        assert ended.code == 0
        assert path.read_text().startswith(begin)
        assert ended.out.endswith("4 tests: all passed.\n")

    @pytest.mark.requirement("GOV-07")
    @pytest.mark.slow
    def test_the_pack_is_covered(self, tidegate):
        ended = tidegate("test", "-w", Path(__file__).parents[2], "--fail-under", "95")
        assert ended.code == 0, ended.out


def test_what_keeps_tests_from_running_is_told_without_warnings(tidegate, folder):
    (folder / "flows" / "a.yaml").write_text(
        "policy: asked-by-nobody\nowner: staffing\ninputs: {entry: canonical/time_entry@1}\n"
        "when: 'True'\nthen: {alert: {to: staffing}}\n---\ntest: of nothing\nflow: gone\nexpect: {}\n"
    )
    ended = tidegate("test", "-w", folder)
    assert ended.code == 1
    assert " error: " in ended.err
    assert " warning: " not in ended.err
    assert "warning" in ended.err.rpartition("Found ")[2]


class TestOneBrokenDocument:
    """What does not need it is tested all the same; and the command fails, whatever those tests say."""

    BROKEN = "flow: strange\ntrigger: {event: nothing.known, as: it}\nsteps:\n  put: {write: no.where}\n"

    def test_keeps_no_other_test_from_being_run(self, tidegate, folder):
        whole = tidegate("test", "-w", folder)
        assert whole.code == 0
        (folder / "flows" / "strange.yaml").write_text(self.BROKEN)
        ended = tidegate("test", "-w", folder)
        assert ended.code == 1
        assert ended.out == whole.out
        assert "`tidegate validate` lists them all" in ended.err
        assert "nothing.known" in ended.err

    def test_a_test_that_needs_it_fails_and_is_not_left_out_in_silence(self, tidegate, folder):
        whole = json.loads(tidegate("test", "-w", folder, "--format", "json").out)
        policies = next((folder / "policies").glob("*.yaml"))
        policies.write_text(policies.read_text().replace("when:", "whem:", 1))
        ended = tidegate("test", "-w", folder, "--format", "json")
        assert ended.code == 1
        said = json.loads(ended.out)
        assert len(said["tests"]) == len(whole["tests"])
        failures = [one for test in said["tests"] for one in test["failures"]]
        assert failures
        assert all("`tidegate validate` lists them" in one["message"] for one in failures)

    def test_a_file_that_is_no_yaml(self, tidegate, folder):
        (folder / "flows" / "strange.yaml").write_text("flow: [\n")
        ended = tidegate("test", "-w", folder)
        assert ended.code == 1
        assert "all passed" in ended.out

    def test_nothing_is_written_down_then(self, tidegate, wrong):
        (wrong / "flows" / "strange.yaml").write_text(self.BROKEN)
        ended = tidegate("test", "-w", wrong, "--update")
        assert ended.code == 1
        assert (wrong / "flows" / "wrong.test.yaml").read_text() == WRONG

    def test_where_nothing_is_sound_the_problems_are_told(self, tidegate, folder):
        for path in folder.rglob("*.yaml"):
            if path.name != "tidegate.yaml":
                path.write_text("flow: [\n")
        ended = tidegate("test", "-w", folder)
        assert ended.code == 1
        assert "`tidegate validate` lists them all" in ended.err
