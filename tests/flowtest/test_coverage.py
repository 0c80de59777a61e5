"""What tests have come by, and what not; and that production has no trace of it."""

import json
from xml.etree import ElementTree as ET

import pytest

from engine import session as sessions
from engine.flowtest import (
    Covered,
    Options,
    Suite,
    cases,
    choose,
    coverage,
    render_cobertura,
    render_coverage_json,
    render_coverage_text,
    render_lcov,
    share,
)
from tests.flowtest.playing import ENTRY, HEAD, WAITING, WAITING_FLOW, subject_of
from tests.workspaces.systems import hours

MAPPING = """
---
mapping: entry-to-note
owner: finance
inputs: {entry: canonical/time_entry@1}
output: canonical/note@1
let: {long: {expr: entry.hours > 8}}
fields:
  id: entry.id
  kind: {path: entry.project, values: {P-7: A, P-8: B}}
  first: {path: "entry.splits[0].task", default: none}
  parts:
    each: entry.splits
    required: true
    as: split
    fields: {task: split.task}
---
entity: note
owner: finance
key: id
keep: none
fields:
  id: {type: string, required: true}
  kind: {type: string}
  first: {type: string}
  parts: {type: list, items: {type: record, fields: {task: {type: string}}}}
"""
ALONE = """test: one
mapping: entry-to-note
given: {entry: {$file: fixtures/entry.json, splits: $(splits)}}
expect: {output: {kind: A}}
examples:
  none: {splits: []}
  some: {splits: [{task: a, hours: 1}]}
"""


@pytest.fixture
def covered(tmp_path):
    """What a text of tests covers of the workspace, with what is added to it."""
    folder = hours(tmp_path)

    def covered(text, *, more="", wanted=()):
        for name, add in (("schemas/canonical/models.yaml", WAITING), ("flows/billing.yaml", WAITING_FLOW)):
            path = folder / name
            if add not in path.read_text():
                path.write_text(path.read_text() + add)
        (folder / "mappings" / "more.yaml").write_text(more.strip().removeprefix("---"))
        (folder / "flows" / "billing.test.yaml").write_text(text)
        found = Covered()
        session = sessions.load(folder, covered=found)
        suite, seen = Suite(session.workspace, subject_of(session, found), Options()), set()
        chosen = choose(session.workspace, wanted, None)
        for one in cases(chosen):
            result = suite.run(one, lambda: 0.0)
            assert result.failures == ()
            seen |= result.seen
        return coverage(session.workspace, session.ready.plan, found, seen, chosen if wanted else None)

    return covered


def missing(found, document):
    return [item.label for item in found.missing(document)]


def test_fields_values_and_defaults_of_a_mapping(covered):
    found = covered(ALONE.replace("  some: {splits: [{task: a, hours: 1}]}\n", ""), more=MAPPING)
    assert missing(found, "mapping entry-to-note") == [
        "long",
        "kind: P-8",
        "first: default not taken",
        "parts[].task",
    ]
    found = covered(ALONE, more=MAPPING)
    assert missing(found, "mapping entry-to-note") == ["long", "kind: P-8"]


def test_policies_that_apply_and_do_not(covered):
    flow = HEAD + ENTRY + "expect: {run: completed, writes: {erp.time_bill: {}}}\n"
    found = covered(flow)
    assert missing(found, "policy long-day") == ["applies"]
    both = (
        flow
        + "---\ntest: two\npolicy: long-day\ngiven: {entry: {$file: fixtures/entry.json, hours: 13}}\nexpect: {outcome: approve}\n"
    )
    assert missing(covered(both), "policy long-day") == []


def test_steps_edges_and_failing_writes_of_a_flow(covered):
    closed = HEAD + ENTRY.replace("open", "closed") + "expect: {run: rejected}\n"
    found = covered(closed)
    assert set(missing(found, "flow approved-time-to-billing")) >= {
        "step bill",
        "step bill: fails",
        "eligible to bill",
        "step billed",
        "bill to billed",
    }
    failing = HEAD + ENTRY + "  erp.time_bill: {$fail: permanent}\nexpect: {run: failed}\n"
    assert "step bill: fails" not in missing(covered(failing), "flow approved-time-to-billing")


def test_whether_a_flow_starts(covered):
    text = HEAD.replace("approved-time-to-billing", "splits") + (
        "given: {event: {data: {$file: fixtures/entry.json}}}\nexpect: {run: none}\n"
    )
    assert missing(covered(text), "flow splits")[:1] == ["starts"]
    assert "does not start" not in missing(covered(text), "flow splits")


def test_rows_of_a_table(covered):
    table = """
policy: what-kind
owner: finance
inputs: {entry: canonical/time_entry@1}
decide:
  by: {project: entry.project}
  hit: first
  gives: [route]
  rows:
    - [P-7, here]
    - ["-", there]
"""
    text = (
        "test: one\npolicy: what-kind\ngiven: {entry: {$file: fixtures/entry.json}}\nexpect: {route: here}\n"
    )
    found = covered(text, more=table)
    assert missing(found, "policy what-kind") == ["row 2 applies"]


def test_of_some_tests_only_what_they_are_about_counts(covered):
    text = HEAD + ENTRY + "expect: {run: completed, writes: {erp.time_bill: {}}}\n"
    documents = set(covered(text, wanted=["approved-time-to-billing"]).by("document"))
    assert "flow approved-time-to-billing" in documents
    assert "mapping entry-to-bill" in documents
    assert "flow splits" not in documents


class TestReports:
    @pytest.fixture
    def found(self, covered):
        return covered(ALONE, more=MAPPING, wanted=["entry-to-note"])

    def test_text(self, found):
        lines = render_coverage_text(found).splitlines()
        assert lines[0] == "mapping entry-to-note: 8 of 10"
        assert lines[1] == "  mappings/more.yaml:6  long"
        assert lines[-1].startswith("covered 80.0% (8 of 10): ")

    def test_json(self, found):
        told = json.loads(render_coverage_json(found))
        assert (told["percent"], told["covered"], told["all"]) == (80.0, 8, 10)
        assert told["missing"][0] == {
            "document": "mapping entry-to-note",
            "kind": "field",
            "what": "long",
            "file": "mappings/more.yaml",
            "line": 6,
        }

    def test_cobertura_has_the_structure_of_its_dtd(self, found):
        root = ET.fromstring(render_cobertura(found))  # noqa: S314 - our own
        assert root.tag == "coverage"
        assert set(root.keys()) == {
            *("line-rate", "branch-rate", "lines-covered", "lines-valid", "branches-covered"),
            *("branches-valid", "complexity", "version", "timestamp"),
        }
        assert [child.tag for child in root] == ["sources", "packages"]
        (found_class,) = root.iter("class")
        assert found_class.get("filename") == "mappings/more.yaml"
        assert [child.tag for child in found_class] == ["methods", "lines"]
        lines = {line.get("number"): line for line in root.iter("line")}
        assert lines["6"].get("hits") == "0"
        assert lines["9"].get("condition-coverage") == "66% (2/3)"

    def test_lcov(self, found):
        text = render_lcov(found)
        assert text.startswith("SF:mappings/more.yaml\n")
        assert "DA:6,0\n" in text
        assert text.endswith("end_of_record\n")

    def test_a_share_is_never_rounded_up(self, found):
        assert str(share(found)) == "80.0"


def test_nothing_of_it_is_in_what_runs(tmp_path):
    folder = hours(tmp_path)
    plain = sessions.load(folder).ready.plan.mappings["entry-to-bill"].source
    asked = sessions.load(folder, covered=Covered()).ready.plan.mappings["entry-to-bill"].source
    assert "probe" not in plain
    assert "probe" in asked
    kept = [line for line in asked.splitlines() if "probe" not in line]
    assert len(kept) == len(plain.splitlines())
