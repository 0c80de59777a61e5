"""Acts: time that passes, events that arrive, people who release; several flows in one test."""

import pytest

from engine import session as sessions
from tests.flowtest.playing import ENTRY, HEAD, WAITING, WAITING_FLOW, play, told
from tests.workspaces.systems import hours

pytestmark = pytest.mark.requirement("GOV-07")

NEEDS = "{id: P-7, status: open, rate: 100, needs_amendment: true, amended_on: null}"
HELD = ENTRY.replace("{id: P-7, status: open, rate: 100}", NEEDS)


@pytest.fixture
def folder(tmp_path):
    return hours(tmp_path)


@pytest.fixture
def waiting(folder):
    """With a flow that waits, and one that does a step for each of several."""
    models, flows = folder / "schemas" / "canonical" / "models.yaml", folder / "flows" / "billing.yaml"
    models.write_text(models.read_text() + WAITING)
    flows.write_text(flows.read_text() + WAITING_FLOW)
    return folder


def passes(results):
    assert told(results) == [[]] * len(results)


class TestSeveralFlows:
    @pytest.mark.requirement("SCN-01")
    def test_an_emitted_event_starts_the_next_flow(self, folder):
        text = HEAD.replace("approved-time-to-billing", "[approved-time-to-billing, billed-time-to-revenue]")
        expect = (
            "expect:\n  run: completed\n  runs: {billed-time-to-revenue: {run: completed, perform: done}}\n"
            "  writes: {erp.time_bill: {}, rev.performance: {source: te-1, amount: 750}}\n"
        )
        passes(play(folder, text + ENTRY + expect))

    def test_a_flow_that_does_not_take_part_is_not_played(self, folder):
        passes(play(folder, HEAD + ENTRY + "expect: {run: completed, writes: {erp.time_bill: {}}}"))

    def test_what_a_write_links_is_known_afterwards(self, folder):
        text = HEAD.replace("approved-time-to-billing", "[approved-time-to-billing, hired-worker-to-erp]")
        acts = (
            "given: {erp.line: {id: L-3}, erp.project: {id: P-7, status: open, rate: 100}}\nacts:\n"
            "  - {event: worker.hired, data: {id: w-3, name: Ada}, expect: {writes: {erp.line: {key: w-3}}}}\n"
            "  - {event: time.approved, data: {$file: fixtures/entry.json}}\n"
            "expect: {run: completed, writes: {erp.time_bill: {worker: L-3}}}\n"
        )
        passes(play(folder, text + acts))

    def test_of_several_runs_each_is_named(self, folder):
        acts = (
            ENTRY
            + "acts: [{event: time.approved, data: {$file: fixtures/entry.json, id: te-2}}]\nexpect:\n"
            + "  writes: {erp.time_bill: [{entry: te-1}, {entry: te-2}]}\n"
        )
        one = play(folder, HEAD + acts + "  run: completed\n")
        assert one[0].failures[0].message == "there are 2 runs of approved-time-to-billing"
        passes(play(folder, HEAD + acts + "  runs: {approved-time-to-billing: [completed, completed]}\n"))
        wrong = play(folder, HEAD + acts + "  runs: {approved-time-to-billing: completed}\n")
        assert told(wrong) == [
            ["runs.approved-time-to-billing: one run, completed / 2 runs, [completed, completed]"]
        ]

    def test_an_event_that_comes_twice_is_one(self, folder):
        acts = ENTRY + (
            "acts: [{event: time.approved, data: {$file: fixtures/entry.json}, expect: {no_writes: erp.time_bill}}]\n"
            "expect: {run: completed, writes: {erp.time_bill: {}}}\n"
        )
        passes(play(folder, HEAD + acts))


class TestPeople:
    ACT = "acts:\n  - {after: 1 day, release: amendment-on-file, "

    def test_whoever_may_releases(self, folder):
        act = "by: Ada, role: controller, reason: by letter, second: Bob, expect: {run: completed, writes: {erp.time_bill: {}}}}\n"
        passes(play(folder, HEAD + HELD + self.ACT + act))

    def test_nobody_in_particular_is_somebody_who_may(self, folder):
        act = "expect: {run: completed, writes: {erp.time_bill: {}}}}\n"
        passes(play(folder, HEAD + HELD + self.ACT + act))

    @pytest.mark.parametrize(
        "person, why",
        [
            ("role: clerk, reason: x, second: Bob", "in the role controller, not clerk"),
            ("role: controller, second: Bob", "with a reason only"),
            ("role: controller, reason: x, by: Bob, second: bob", "a second person has to agree"),
        ],
    )
    def test_who_may_not_does_not(self, folder, person, why):
        act = f"{person}, expect: {{refused: {why!r}, holds: amendment-on-file, run: held}}}}\n"
        passes(play(folder, HEAD + HELD + self.ACT + act))
        (result,) = play(folder, HEAD + HELD + self.ACT + f"{person}, expect: {{run: held}}}}\n")
        assert why in result.failures[0].message


class TestTime:
    WAITS = HEAD.replace("approved-time-to-billing", "time-waits") + (
        "given: {event: {data: {$file: fixtures/entry.json}}}\nacts:\n"
        "  - {after: 1 hour, expect: {run: waiting, consent: waiting}}\n"
    )

    def test_a_wait_ends_with_its_event(self, waiting):
        act = (
            "  - {after: 2 days, event: consent.given, data: {id: c, project: P-9}, expect: {run: waiting}}\n"
            "  - {event: consent.given, data: {id: d, project: P-7}, expect: {run: completed, consent: {id: d}}}\n"
        )
        passes(play(waiting, self.WAITS + act))

    def test_a_wait_ends_when_its_time_is_over_and_not_before(self, waiting):
        act = (
            "  - {at: 2026-06-01T09:00:04Z, expect: {run: waiting}}\n"
            "  - {after: 1s, expect: {run: failed, problem: no consent.given came before 2026-06-01T09:00:05}}\n"
            "  - {event: consent.given, data: {id: d, project: P-7}, expect: {run: failed}}\n"
        )
        passes(play(waiting, self.WAITS + act))

    def test_time_does_not_go_back(self, waiting):
        (result,) = play(waiting, self.WAITS + "  - {at: 2026-05-29T09:00:00Z, expect: {run: waiting}}\n")
        assert (
            "2026-05-29T09:00:00Z, and the test stands at 2026-05-29T10:00:05Z" in result.failures[0].message
        )

    def test_an_act_changes_what_systems_answer(self, folder):
        act = (
            "acts:\n  - after: 1 day\n    event: amendment.signed\n"
            "    data: {id: a, project: P-7, signed_on: 2026-05-30}\n"
            f"    given: {{erp.project: {NEEDS.replace('null', '2026-05-30').replace('100', '120')}}}\n"
            "    expect: {run: completed, writes: {erp.time_bill: {amount: 900}}}\n"
        )
        passes(play(folder, HEAD + HELD + "expect: {alerts: [{to: finance-operations}]}\n" + act))

    def test_an_act_is_compared_with_what_it_brought_about(self, folder):
        act = "acts: [{after: 1 day, release: amendment-on-file, expect: {alerts: [{}], writes: {erp.time_bill: {}}}}]\n"
        assert told(play(folder, HEAD + HELD + act)) == [["act 1: alerts: {} / no such alert"]]


class TestForEach:
    GIVEN = HEAD.replace("approved-time-to-billing", "splits") + (
        "given:\n  event: {data: {$file: fixtures/entry.json, splits: [{task: a, hours: 3}, {task: b, hours: 4}]}}\n"
    )

    def test_each_item_is_a_call(self, waiting):
        lines = "  erp.line: [{$for: {key: b}, id: L-b}, {$for: {key: a}, id: L-a}]\n"
        expect = (
            "expect: {run: completed, each: [{id: L-a}, {id: L-b}], writes: {erp.line: [{key: a}, {key: b}]}}"
        )
        passes(play(waiting, self.GIVEN + lines + expect))

    def test_one_that_fails_does_not_keep_the_others(self, waiting):
        lines = "  erp.line: [{$for: {key: a}, $fail: permanent, reason: no}, {$for: {key: b}, id: L-b}]\n".replace(
            "no}", "refused}"
        )
        expect = "expect: {run: failed, problem: refused, writes: {erp.line: {$contains: {key: b}}}}"
        passes(play(waiting, self.GIVEN + lines + expect))


class TestAt:
    def test_every_test_is_run_at_that_instant(self, folder):
        from datetime import UTC, datetime

        text = HEAD.replace("approved-time-to-billing", "time-waits")
        models, flows = folder / "schemas" / "canonical" / "models.yaml", folder / "flows" / "billing.yaml"
        models.write_text(models.read_text() + WAITING)
        flows.write_text(flows.read_text() + WAITING_FLOW)
        text += (
            "given: {event: {data: {$file: fixtures/entry.json}}}\n"
            "acts: [{event: consent.given, data: {id: d, project: P-7}}]\n"
            'expect: {emits: {time.agreed: {at: "2026-05-29T09:00:05Z"}}}\n'
        )
        passes(play(folder, text))
        (found,) = told(play(folder, text, at=datetime(2026, 7, 1, tzinfo=UTC)))
        assert found == ['emits.time.agreed.at: "2026-05-29T09:00:05Z" / "2026-07-01T00:00:00Z"']


EXPECTATIONS = """
---
expectation: billed-in-time
owner: finance
after: {event: time.approved, as: entry}
comes: {flow: approved-time-to-billing}
within: 9 business hours
alert: {to: finance, severity: error, message: "{{ entry.id }} is not billed."}
---
expectation: consent-comes
owner: finance
after: {event: time.approved, as: entry}
comes: {event: consent.given, match: {project: entry.project}}
within: 2h
alert: {to: projects}
---
expectation: not-silent
owner: finance
quiet: {event: time.approved, for: 5 business days}
alert: {to: operations, severity: warning}
"""


class TestExpectations:
    """From Friday at nine: nine hours of business are over on Monday at ten."""

    pytestmark = pytest.mark.requirement("OBS-41")

    @pytest.fixture
    def expecting(self, waiting):
        flows = waiting / "flows" / "billing.yaml"
        flows.write_text(flows.read_text() + EXPECTATIONS)
        return waiting

    def test_what_has_not_come_in_time_is_told_in_the_time_of_business(self, expecting):
        acts = (
            "acts:\n  - {after: 3 days, expect: {alerts: [{expectation: consent-comes, to: projects}]}}\n"
            "  - after: 2h\n    expect:\n      alerts:\n        - expectation: billed-in-time\n"
            "          severity: error\n"
        )
        message = "te-1 is not billed. (time.approved:te-1: approved-time-to-billing to be complete within"
        passes(play(expecting, HEAD + HELD + acts + "expect: {run: held}\n"))
        wrong = acts.replace("severity: error", "message: x") + "expect: {run: held}\n"
        (failures,) = told(play(expecting, HEAD + HELD + wrong))
        assert message in str(failures)
        assert "its run is held" in str(failures)

    def test_what_has_come_is_told_to_nobody(self, expecting):
        consent = "{event: consent.given, data: {id: c-1, project: P-7}, after: 1h}"
        acts = f"acts:\n  - {consent}\n  - {{after: 4 days}}\nexpect: {{run: completed, alerts: []}}\n"
        passes(play(expecting, HEAD + ENTRY + "  erp.time_bill: {id: B-1}\n" + acts))

    def test_what_stays_away_is_told_once(self, expecting):
        again = "{event: time.approved, data: {$file: fixtures/entry.json, id: te-2}, after: 3 days}"
        first = "{after: 5 days, expect: {alerts: [{to: projects}]}}"
        then = "{after: 3 days, expect: {alerts: [{expectation: not-silent}]}}"
        acts = f"acts:\n  - {again}\n  - {first}\n  - {then}\n"
        passes(play(expecting, HEAD + ENTRY + "  erp.time_bill: {id: B-1}\n" + acts))

    def test_a_flow_that_is_not_played_is_not_expected(self, expecting):
        other = HEAD.replace("approved-time-to-billing", "splits")
        consent = "{event: consent.given, data: {id: c-1, project: P-7}}"
        acts = f"acts:\n  - {consent}\n  - {{after: 4 days}}\nexpect: {{run: none, alerts: []}}\n"
        passes(play(expecting, other + ENTRY.partition("  erp.project")[0] + acts))


def test_a_check_that_is_misspelt_is_told_once_and_not_at_the_tests_of_its_flow(folder):
    flows = folder / "flows" / "billing.yaml"
    text = flows.read_text()
    assert "amendment-on-file" in text
    (folder / "flows" / "one.test.yaml").write_text(
        HEAD
        + HELD
        + "acts: [{release: amendment-on-file, expect: {run: completed}}]\nexpect: {run: completed}\n"
    )
    flows.write_text(text.replace("amendment-on-file", "amendmnt-on-file", 1))
    found = [problem.code for problem in sessions.load(folder).collector.problems]
    assert found.count("TG312") == 1
